package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/core"
)

// FuzzParts: a list of parts that is taken is one that the document describes, and
// each of its numbers and tags is what the client has sent.
func FuzzParts(f *testing.F) {
	for _, body := range []string{
		`{"upload_id":"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15","parts":[{"number":1,"etag":"a"},{"number":2,"etag":"b"}]}`, `{"parts":[{"number":2,"etag":"a"},{"number":1,"etag":"a"}]}`,
		`{"parts":[{"number":1,"etag":"a"},{"number":1,"etag":"b"}]}`, `{"parts":[{"number":0}]}`, `{"parts":[{"number":1e9,"etag":""}]}`, `{"parts":[{"number":-1,"etag":"a"}]}`, `{"parts":[{"number":1.5,"etag":"a"}]}`, `{"parts":null}`, `{"parts":[null]}`, `{"parts":[{"Number":1}]}`, `{"parts":{}}`,
	} {
		f.Add([]byte(body))
	}
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	of, _ := reflect.TypeFor[completeInput]().FieldByName("Body")
	schema := registry.Schema(of.Type, false, "Complete")
	f.Fuzz(func(t *testing.T, body []byte) {
		var in completeInput
		if checkJSON(body) != nil || decode(body, &in.Body) != nil {
			return
		}
		var v any
		if err := decode(body, &v); err != nil {
			t.Fatal(err)
		}
		result := &huma.ValidateResult{}
		huma.Validate(registry, schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, v, result)
		if len(result.Errors) > 0 {
			return
		}
		for _, p := range in.Body.Parts {
			if p.Number < 1 || !utf8.ValidString(p.ETag) || strings.IndexByte(p.ETag, 0) >= 0 {
				t.Errorf("%s has part %+v", body, p)
			}
		}
	})
}

// FuzzTags: a tag that names a version is exactly the one that was given out for
// it, and "any version" is said by a star only.
func FuzzTags(f *testing.F) {
	for _, header := range []string{`"1"`, `W/"1"`, `*`, `"1", "2"`, `"01"`, `"-1"`, `"1`, `1`, `"9223372036854775808"`, `"7-unhashed"`, `"7-unhashed-ready"`, `"7-ready-unhashed"`, `,`, `"1",*`} {
		f.Add(header, int64(7))
	}
	f.Fuzz(func(t *testing.T, header string, version int64) {
		named, err := expected(header, func() (int64, error) { return version, nil })
		switch {
		case header == "" || err != nil:
		case named == 0 && !strings.Contains(header, "*"):
			t.Errorf("%q is for any version", header)
		case named != 0 && !strings.Contains(header, etag(named)[:len(etag(named))-1]):
			t.Errorf("%q names version %d", header, named)
		}
		if v, ok := parseTag(header); ok && (v <= 0 || !strings.HasPrefix(header, strings.TrimSuffix(etag(v), `"`))) {
			t.Errorf("%q is taken for version %d", header, v)
		}
	})
}

// FuzzAddress: whatever proxies and others say, a request comes from an address
// without a zone, and, unless a trusted one says otherwise, from its peer.
func FuzzAddress(f *testing.F) {
	for _, forwarded := range []string{"", "203.0.113.9", "203.0.113.9, 127.0.0.1", "127.0.0.1, 203.0.113.9", "[::1]:99", "::ffff:1.2.3.4", "fe80::1%eth0", ",,", "unknown", "1.2.3.4:99999", "\xff"} {
		f.Add(forwarded, true)
		f.Add(forwarded, false)
	}
	trusted := &server{Options: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, forwarded string, peerTrusted bool) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if r.RemoteAddr = "198.51.100.1:1"; peerTrusted {
			r.RemoteAddr = "127.0.0.1:1"
		}
		r.Header["X-Forwarded-For"] = []string{forwarded}
		address := trusted.address(r)
		a, err := netip.ParseAddr(address)
		if err != nil || a.Zone() != "" || a.Is4In6() || a.String() != address {
			t.Errorf("%q: from %q", forwarded, address)
		}
		if !peerTrusted && address != "198.51.100.1" {
			t.Errorf("%q of a stranger: from %q", forwarded, address)
		}
		if network(address) == "" {
			t.Errorf("%q is in no network", address)
		}
	})
}

// FuzzQuery: what gets past the check is text that every database takes.
func FuzzQuery(f *testing.F) {
	for _, raw := range []string{"", "a=b", "a=%00", "a=%FF", "%zz", "a;b", "a=1&a=2", "%00=1", "a=%E2%80%AE", "a=+", "=", "&&", "a=%C0%AF"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		r := &http.Request{URL: &url.URL{RawQuery: raw}}
		if err := checkAddress(r); err != nil {
			if core.KindOf(err) != core.KindMalformed {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		for name, values := range r.URL.Query() {
			if all := name + strings.Join(values, ""); !utf8.ValidString(all) || strings.IndexByte(all, 0) >= 0 {
				t.Errorf("%q has %q", raw, all)
			}
		}
	})
}

// FuzzRequestID: an id of the client's is kept only if it is plain.
func FuzzRequestID(f *testing.F) {
	for _, id := range []string{"", "a-b_c.1", "a b", "a\r\nX-Evil: 1", strings.Repeat("r", 129), "é", "\x00"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		got := requestID(http.Header{requestIDHeader: {id}})
		if got == "" || len(got) > maxRequestID || strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
			t.Errorf("%q becomes %q", id, got)
		}
	})
}
