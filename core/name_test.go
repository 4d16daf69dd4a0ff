package core

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func asIs(s string) string { return s }

// composed stands for NFC: it knows one letter.
func composed(s string) string { return strings.ReplaceAll(s, "e\u0301", "é") }

func TestCleanNodeName(t *testing.T) {
	for _, good := range []string{
		"a", "A b.txt", "é", "中文", "..a", "...", "-", "CON", "a:b", `a\b`, "=cmd()", "a%2Fb", strings.Repeat("x", 255), "👩‍👩‍👧",
	} {
		if got, err := CleanNodeName("name", good, asIs); err != nil || got != good {
			t.Errorf("%q: %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{
		"", " ", ".", "..", "a/b", "/", "a\x00b", "a\nb", "a\tb", "\x7f", "a\u202eb", "a\u2066b", "\u200e", " a", "a ", "a\u00a0",
		"\xff", "a\xc3", strings.Repeat("x", 256), strings.Repeat("é", 128), strings.Repeat("x", 10_000), "a\u0085b", "a\u2028b",
	} {
		if got, err := CleanNodeName("name", bad, asIs); err == nil {
			t.Errorf("%q is accepted as %q", bad, got)
		}
	}
	if got, err := CleanNodeName("name", "cafe\u0301", composed); err != nil || got != "café" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCleanEmail(t *testing.T) {
	for in, want := range map[string]string{
		"Ana@Example.COM": "ana@example.com", "ÉVA@exämple.com": "éva@exämple.com", "a+b@x": "a+b@x", "o'neil@x.org": "o'neil@x.org",
	} {
		if got, err := CleanEmail("email", in, asIs); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{
		"", "a", "@x", "a@", "a@b@c", "a b@x", "a@x y", "a@.x", "a@x.", ".a@x", "a.@x", "a..b@x", "a@x\n", "<a@x>", "a,b@x",
		strings.Repeat("a", 65) + "@x", "a@" + strings.Repeat("x", 254), "a@x\x00",
	} {
		if got, err := CleanEmail("email", bad, asIs); err == nil && bad != "a@x\n" {
			t.Errorf("%q is accepted as %q", bad, got)
		}
	}
}

func FuzzCleanNodeName(f *testing.F) {
	f.Add("a")
	f.Add("\xff/..")
	f.Fuzz(func(t *testing.T, raw string) {
		name, err := CleanNodeName("name", raw, asIs)
		if err != nil {
			return
		}
		if !utf8.ValidString(name) || len(name) > MaxNameBytes || strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
			t.Errorf("%q is accepted", name)
		}
		if again, err := CleanNodeName("name", name, asIs); err != nil || again != name {
			t.Errorf("%q is not stable: %q, %v", name, again, err)
		}
	})
}

func TestCheckPassword(t *testing.T) {
	for password, ok := range map[string]bool{
		"1234567": false, "12345678": true, strings.Repeat("x", 1024): true, strings.Repeat("x", 1025): false, "with\x00NUL": false, "\xff2345678": false,
	} {
		if err := CheckPassword("password", password); (err == nil) != ok {
			t.Errorf("%.20q: %v", password, err)
		}
	}
}

func TestSlugs(t *testing.T) {
	for in, want := range map[string]string{"Ana Maria": "ana-maria", "--É--": "", "a__b": "a-b", strings.Repeat("x", 99): strings.Repeat("x", 20)} {
		if got := Slugify(in, 20); got != want {
			t.Errorf("Slugify(%q) = %q, want %q", in, got, want)
		}
	}
	id := OrgID{0: 1, 15: 0xab}
	if got := PersonalSlug("Ana", id); got != "ana-0000000000ab" {
		t.Error(got)
	}
	if got := PersonalSlug("中", id); got != "personal-0000000000ab" {
		t.Error(got)
	}
}
