package core

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of names, in bytes of NFC-normalised UTF-8.
const (
	MaxNameBytes      = 255 // of a node
	MaxTitleBytes     = 200 // of a user, an org, a drive
	MaxEmailBytes     = 254 // RFC 5321
	MaxSlugBytes      = 63
	MinPasswordBytes  = 8
	MaxPasswordBytes  = 1024 // bounds the work of one login attempt
	maxEmailLocalPart = 64
)

// NFC brings text into Unicode normal form C. Core is handed one wherever a
// name enters, as it is handed the time: the tables are not in the standard library.
type NFC func(string) string

// CleanNodeName returns the name of a file or folder in its stored form, or a
// validation error that says which rule it breaks. location names the field.
func CleanNodeName(location, raw string, nfc NFC) (string, error) {
	name, err := cleanText(location, raw, MaxNameBytes, nfc)
	if err != nil {
		return "", err
	}
	switch {
	case strings.TrimSpace(name) != name:
		return "", Invalid(location, "must not begin or end with white space")
	case name == "." || name == "..":
		return "", Invalid(location, `must not be "." or ".."`)
	case strings.ContainsRune(name, '/'):
		return "", Invalid(location, `must not contain "/"`)
	}
	return name, nil
}

// SplitName divides the clean name of a file into what comes before the number
// of a copy, as in "a (1).txt", and what comes after it, leaving room for the
// number. The name of a folder has nothing after it.
func SplitName(kind NodeKind, name string) (stem, ext string) {
	const (
		room   = len(" (999999)")
		maxExt = 32
	)
	if dot := strings.LastIndexByte(name, '.'); kind == KindAsset && dot > 0 && len(name)-dot <= maxExt { // not ".bashrc"
		ext = name[dot:]
	}
	stem = strings.TrimSuffix(name, ext)
	for len(stem)+len(ext)+room > MaxNameBytes {
		_, last := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-last]
	}
	return strings.TrimRightFunc(stem, unicode.IsSpace), ext
}

// SplitPath divides a path such as "/a/b" into clean names; "" and "/" have none.
func SplitPath(location, path string, nfc NFC) ([]string, error) {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil, nil
	}
	names := strings.Split(path, "/")
	if len(names) > MaxDepth {
		return nil, Invalid(location, "has more than 64 levels")
	}
	for i, raw := range names {
		name, err := CleanNodeName(location, raw, nfc)
		if err != nil {
			return nil, err
		}
		names[i] = name
	}
	return names, nil
}

// CleanTitle returns the name of a user, an org or a drive in its stored form:
// trimmed, NFC, 1 to 200 bytes, without control characters.
func CleanTitle(location, raw string, nfc NFC) (string, error) {
	return cleanText(location, strings.TrimSpace(raw), MaxTitleBytes, nfc)
}

// CleanProse returns a text of several lines in its stored form: trimmed, NFC,
// its lines ended by \n, without other control characters than tabs. It may be
// empty.
func CleanProse(location, raw string, limit int, nfc NFC) (string, error) {
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(raw)
	text := strings.TrimSpace(lines)
	if text == "" {
		return "", nil
	}
	if _, err := cleanText(location, strings.NewReplacer("\n", " ", "\t", " ").Replace(text), limit, nfc); err != nil {
		return "", err
	}
	return nfc(text), nil
}

// CleanEmail returns an address in the form under which it is unique: trimmed,
// NFC, lower case.
func CleanEmail(location, raw string, nfc NFC) (string, error) {
	email, err := cleanText(location, strings.TrimSpace(raw), MaxEmailBytes, nfc)
	if err != nil {
		return "", err
	}
	email = nfc(Fold(email))
	local, domain, ok := strings.Cut(email, "@")
	bad := !ok || local == "" || len(local) > maxEmailLocalPart || domain == "" || len(email) > MaxEmailBytes ||
		strings.ContainsAny(email, " \t\"(),:;<>[]\\") || strings.Contains(domain, "@") ||
		strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") || strings.Contains(email, "..") ||
		strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".")
	if bad {
		return "", Invalid(location, "must be an e-mail address such as ana@example.com")
	}
	return email, nil
}

// CheckPassword refuses a password that is too short or absurdly long. It is
// not normalised: what the user types is what is hashed.
func CheckPassword(location, password string) error {
	switch {
	case len(password) < MinPasswordBytes:
		return Invalid(location, "must have at least 8 characters")
	case len(password) > MaxPasswordBytes:
		return Invalid(location, "must have at most 1024 bytes")
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return Invalid(location, "must be UTF-8 text without NUL")
	}
	return nil
}

// Slugify turns text into the part of a slug that people recognise: lower-case
// ASCII letters, digits and single hyphens, at most limit bytes; possibly empty.
func Slugify(text string, limit int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= limit {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}

// Fold returns text in the form in which two spellings that differ in case
// only are equal. Databases compare folded text; they never fold it.
func Fold(text string) string { return strings.ToLower(text) }

func cleanText(location, raw string, limit int, nfc NFC) (string, error) {
	if !utf8.ValidString(raw) {
		return "", Invalid(location, "must be valid UTF-8")
	}
	// Normal form C can be up to three times as long as its source: a text that
	// is far too long is refused before it costs anything.
	if len(raw) > 4*limit {
		return "", tooLong(location, limit)
	}
	text := nfc(raw)
	switch {
	case text == "" || strings.TrimSpace(text) == "":
		return "", Invalid(location, "must not be empty")
	case len(text) > limit:
		return "", tooLong(location, limit)
	}
	for _, r := range text {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return "", Invalid(location, "must not contain control characters")
		}
		if isBidiControl(r) {
			return "", Invalid(location, "must not contain bidirectional control characters")
		}
	}
	return text, nil
}

func tooLong(location string, limit int) error {
	e := Invalid(location, "is too long")
	return e.With("max_bytes", limit)
}

// isBidiControl reports characters that make a name look like another one
// (Unicode UAX #9: embeddings, overrides, isolates and marks).
func isBidiControl(r rune) bool {
	return r == '\u061c' || r == '\u200e' || r == '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
