package core

import (
	"strings"
	"unicode"
)

const (
	maxWordBytes = 64 // what is longer is cut: nobody looks for all of it
	// MaxSearchWords is how many words a search may have.
	MaxSearchWords = 16
)

// Words returns the words of a text as they are searched: folded, and without
// what separates them. A character of a script that puts no spaces between its
// words is a word. Databases index and compare words as they are.
func Words(text string) []string {
	var words []string
	EachWord(text, func(word string) bool {
		words = append(words, word)
		return true
	})
	return words
}

// EachWord calls yield with the words of a text, in order, until it returns
// false.
func EachWord(text string, yield func(word string) bool) {
	var b strings.Builder
	flush := func() bool {
		if b.Len() == 0 {
			return true
		}
		word := clip(Fold(b.String()), maxWordBytes)
		b.Reset()
		return yield(word)
	}
	for _, r := range text {
		switch {
		case isUnspaced(r):
			if !flush() || !yield(string(r)) {
				return
			}
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			b.WriteRune(r)
			if b.Len() >= 2*maxWordBytes && !flush() { // bounds what a text without an end costs
				return
			}
		default:
			if !flush() {
				return
			}
		}
	}
	flush()
}

// isUnspaced reports whether a script separates no words.
func isUnspaced(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// SearchWords returns the words of what somebody looks for, of which the last
// may be the beginning of one. A text without any word finds nothing, so it is
// refused like one with too many.
func SearchWords(location, text string) ([]string, error) {
	words := Words(text)
	switch {
	case len(words) == 0:
		return nil, Invalid(location, "has no letter and no digit to look for")
	case len(words) > MaxSearchWords:
		return nil, Invalid(location, "has more than 16 words")
	}
	return words, nil
}
