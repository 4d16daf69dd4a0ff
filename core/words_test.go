package core_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-755a8038/coffer/core"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                            nil,
		" \t--- ":                     nil,
		"Ünïted Nations_2024.pdf":     {"ünïted", "nations", "2024", "pdf"},
		"l'été":                       {"l", "été"},
		"a'b\"c:*&|!()<->d":           {"a", "b", "c", "d"},
		"東京 Tower":                    {"東", "京", "tower"},
		"x" + strings.Repeat("é", 60): {"x" + strings.Repeat("é", 31)},
	} {
		if got := core.Words(text); !slices.Equal(got, want) {
			t.Errorf("words of %q are %q, want %q", text, got, want)
		}
	}
}

func TestSearchWords(t *testing.T) {
	if words, err := core.SearchWords("query.q", "Red  Bri"); err != nil || !slices.Equal(words, []string{"red", "bri"}) {
		t.Errorf("%q, %v", words, err)
	}
	for _, text := range []string{"", "!?", strings.Repeat("a ", 17)} {
		if _, err := core.SearchWords("query.q", text); core.KindOf(err) != core.KindInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("Ünïted Nations_2024.pdf")
	f.Add("\xff東\x00" + strings.Repeat("a", 500))
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range core.Words(text) {
			if w == "" || len(w) > 64 || utf8.ValidString(text) && !utf8.ValidString(w) {
				t.Errorf("%q of %q", w, text)
			}
			if again := core.Words(w); len(again) == 0 {
				t.Errorf("%q of %q has no word", w, text)
			}
		}
	})
}
