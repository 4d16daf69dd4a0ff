package core_test

import (
	"encoding/csv"
	"encoding/hex"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-755a8038/coffer/core"
)

func asIs(s string) string { return s }

// FuzzSplitPath: a path that is taken leads down, by clean names, and is the same
// path when it is put together again.
func FuzzSplitPath(f *testing.F) {
	for _, path := range []string{"", "/", "/a/b", "a/../b", "//a", "/./a", "/a/\x00", "/a\xff", "/é/e\u0301", "/CON/a.", "/a/b/", strings.Repeat("/a", 65), "/" + strings.Repeat("x", 256), "/\u202ea", `\a\b`, "/ a/b ", "/%2e%2e/a"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		names, err := core.SplitPath("path", path, asIs)
		if err != nil {
			return
		}
		if len(names) > core.MaxDepth || slices.Contains(names, "..") || slices.Contains(names, ".") || slices.Contains(names, "") {
			t.Errorf("%q is %q", path, names)
		}
		whole := strings.Join(names, "/")
		if !utf8.ValidString(whole) || strings.ContainsAny(whole, "\x00\r\n") {
			t.Errorf("%q is %q", path, names)
		}
		if again, err := core.SplitPath("path", "/"+whole, asIs); err != nil || !slices.Equal(again, names) {
			t.Errorf("%q is %q, then %q, %v", path, names, again, err)
		}
	})
}

// FuzzContentDisposition: whatever a file is called, the header is one line of
// plain characters, of the kind that was asked for, and gives the name back.
func FuzzContentDisposition(f *testing.F) {
	for _, name := range []string{"a.txt", "", `a"; filename="b`, "a\r\nX-Evil: 1", "é", "a%41", "\xff", "名前.pdf", `\`, "a;b=c", "'", "a''b", "\u202etxt.exe", strings.Repeat("x", 255)} {
		f.Add(name, true)
		f.Add(name, false)
	}
	f.Fuzz(func(t *testing.T, name string, inline bool) {
		h := core.ContentDisposition(inline, name)
		if strings.ContainsFunc(h, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q: %q", name, h)
		}
		kind, params, err := mime.ParseMediaType(h)
		if err != nil || (kind == "inline") != inline || kind != "inline" && kind != "attachment" || len(params) != 1 {
			t.Fatalf("%q: %q: %q %v, %v", name, h, kind, params, err)
		}
		if utf8.ValidString(name) && params["filename"] != name {
			t.Errorf("%q: %q gives %q", name, h, params["filename"])
		}
	})
}

// FuzzTokens: a key and a share token have one form each, and no text has both.
func FuzzTokens(f *testing.F) {
	key, token := core.FormatKey([core.KeyBytes]byte{1, 2}), core.FormatShareToken([core.ShareTokenBytes]byte{3})
	for _, text := range []string{key, token, strings.ToUpper(key), strings.ToUpper(token), key + "0", token[1:], "pk_", "", " " + key, token + "\n", "pk_" + token, "pk_\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, badKey := core.ParseKey(text)
		hash, badToken := core.ParseShareToken(text)
		if badKey == nil && badToken == nil {
			t.Errorf("%q is both", text)
		}
		if badKey == nil {
			random, err := hex.DecodeString(strings.TrimPrefix(text, "pk_"))
			if err != nil || len(random) != core.KeyBytes || core.FormatKey([core.KeyBytes]byte(random)) != text || !strings.HasPrefix(text, ref.Prefix) {
				t.Errorf("%q is taken for a key: %v", text, err)
			}
		}
		if badToken == nil {
			random, err := hex.DecodeString(text)
			if err != nil || len(random) != core.ShareTokenBytes || core.FormatShareToken([core.ShareTokenBytes]byte(random)) != text || hash == [32]byte{} {
				t.Errorf("%q is taken for a token: %v", text, err)
			}
		}
	})
}

// FuzzWebhookURL: what is taken can be sent to, over the scheme that is allowed,
// and its host is a name or an address, and nothing that only some programs take
// for one.
func FuzzWebhookURL(f *testing.F) {
	for _, raw := range []string{
		"https://example.com/hooks?a=b", "http://example.com", "https://127.0.0.1/", "https://[::1]:443/", "https://[::ffff:10.0.0.1]/", "https://[fe80::1%25eth0]/", "https://127.1/", "https://2130706433/",
		"https://0x7f.1/", "https://u@example.com/", "https://example.com\\@evil.example/", "https://example.com/#a", "https://example.com:0/", "HTTPS://EXAMPLE.COM", "https:example.com", "https:///a", "https://é.example/", "https://a b/", "https://%31/", "https://1.2.3.4./", "https://[::1", "file:///etc/passwd",
	} {
		f.Add(raw, true)
		f.Add(raw, false)
	}
	f.Fuzz(func(t *testing.T, raw string, plain bool) {
		if core.CheckWebhookURL("body.url", raw, plain) != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (!plain || u.Scheme != "http") || len(raw) > core.MaxWebhookURL {
			t.Fatalf("%q is taken: %+v, %v", raw, u, err)
		}
		if _, err := http.NewRequestWithContext(t.Context(), http.MethodPost, raw, nil); err != nil {
			t.Errorf("%q is taken: %v", raw, err)
		}
		a, byDigits := core.WebhookAddress(raw)
		if parsed, err := netip.ParseAddr(u.Hostname()); byDigits != (err == nil) || byDigits && parsed != a {
			t.Errorf("%q: %v %t", raw, a, byDigits)
		}
		last := strings.TrimSuffix(u.Hostname(), ".")
		last = last[strings.LastIndexByte(last, '.')+1:]
		if !byDigits && last != "" && strings.Trim(last, "0123456789") == "" {
			t.Errorf("%q is taken", raw)
		}
	})
}

// FuzzCell: no cell of an export begins a formula, and each comes back out of the
// file as it went in.
func FuzzCell(f *testing.F) {
	for _, text := range []string{"", "=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", "a,b", `"`, `a"b`, "'=1", " =1", "\xff", "é", "a\r\nb", "＝1", "\u200b=1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cell := core.PlainCell(text)
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) || strings.TrimPrefix(cell, "'") != text && cell != text {
			t.Errorf("%q becomes %q", text, cell)
		}
		var b strings.Builder
		w := csv.NewWriter(&b)
		if err := w.Write([]string{cell, "end"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		got, err := csv.NewReader(strings.NewReader(b.String())).Read()
		if err != nil || len(got) != 2 || got[1] != "end" || got[0] != strings.ReplaceAll(cell, "\r\n", "\n") {
			t.Errorf("%q comes back as %q, %v", cell, got, err)
		}
	})
}

// FuzzZipNames: the names of one folder of an archive are different ones on every
// system, and none leads out of the folder.
func FuzzZipNames(f *testing.F) {
	for _, names := range []string{"a\nA\na", "..\n.\n/", "CON\ncon.txt\nnul", "a.\na\na ", "é\ne\u0301", `a\b` + "\na_b", "a:b\na_b", "\xff\n\xfe", strings.Repeat("x", 255) + "\n" + strings.Repeat("X", 255), "ſ\ns\nS", "a (2)\na\na"} {
		f.Add(names)
	}
	f.Fuzz(func(t *testing.T, names string) {
		taken, all := core.NewPortableNames(), map[string]string{}
		for name := range strings.SplitSeq(names, "\n") {
			if _, err := core.CleanNodeName("name", name, asIs); err != nil {
				continue // nothing is called so
			}
			got := taken.Add(name)
			if got == "" || got == "." || got == ".." || strings.ContainsAny(got, `/\:`) || strings.IndexByte(got, 0) >= 0 || !filepath.IsLocal(got) || len(got) > core.MaxNameBytes {
				t.Errorf("%q is called %q", name, got)
			}
			folded := core.Fold(got)
			if other, ok := all[folded]; ok {
				t.Errorf("%q and %q are both called %q", other, name, got)
			}
			all[folded] = name
		}
	})
}

// FuzzSearchWords: what is looked for are words as they are kept, and so many at
// most; nothing of the syntax of a database is in them.
func FuzzSearchWords(f *testing.F) {
	for _, text := range []string{"red bridge", "", "!", `"a b"`, "a* & !b | (c)", "a:b", "NEAR(a b)", "a AND b", "東京", "x-y", "\x00", "\xff a", "%_", "'; --", strings.Repeat("a ", 20)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words, err := core.SearchWords("query.q", text)
		if err != nil {
			return
		}
		if len(words) == 0 {
			t.Errorf("%q looks for nothing", text)
		}
		for _, w := range words {
			if strings.ContainsAny(w, " \"'*:&|!()^<>-+\x00%\\{}") || !slices.Equal(core.Words(w), []string{w}) && utf8.ValidString(text) {
				t.Errorf("%q looks for %q, which is kept as %q", text, w, core.Words(w))
			}
		}
	})
}

// FuzzCleanEmail: an address that is taken stays as it is, has one @, and nothing
// that could end a line or a list of addresses.
func FuzzCleanEmail(f *testing.F) {
	for _, raw := range []string{"a@example.com", "A@EXAMPLE.COM", " a@b.c ", "a@b\nBcc: c@d", `"a b"@c.d`, "a@@b", "a@[127.0.0.1]", "é@é.é", "a,b@c.d", "a@b,c@d", "<a@b.c>", "a@b.c>", "\x00@a.b", strings.Repeat("a", 64) + "@b.c"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		email, err := core.CleanEmail("email", raw, asIs)
		if err != nil {
			return
		}
		if strings.Count(email, "@") != 1 || strings.ContainsAny(email, " \t\r\n\x00<>,;\"") || !utf8.ValidString(email) {
			t.Errorf("%q is taken as %q", raw, email)
		}
		if again, err := core.CleanEmail("email", email, asIs); err != nil || again != email {
			t.Errorf("%q is taken as %q, then %q, %v", raw, email, again, err)
		}
	})
}

// FuzzEventFilter: a filter that is taken is in order, and means the same again.
func FuzzEventFilter(f *testing.F) {
	for _, raw := range []string{"", "asset.*", "asset.uploaded asset.uploaded", "*", "asset", "asset.*.x", "Asset.uploaded", "transaction.dispute_won asset.*", "asset.uploaded\x00"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		filter, err := core.CleanEventFilter("body.events", strings.Fields(raw))
		if err != nil {
			return
		}
		again, err := core.CleanEventFilter("body.events", filter)
		if err != nil || !slices.Equal(again, filter) || !slices.IsSorted(filter) {
			t.Errorf("%q is %q, then %q, %v", raw, filter, again, err)
		}
	})
}
