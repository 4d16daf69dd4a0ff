package bundle_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/app/bundle"
	"github.com/seed-755a8038/coffer/core"
)

// entry is one file of a bundle.
type entry struct {
	name, body string
	kind       byte // of tar; zero: a file
}

// pack writes entries with a right end, which sums up whatever they are.
func pack(t *testing.T, entries ...entry) []byte {
	t.Helper()
	return tarOf(t, append(entries, ending(entries)))
}

func ending(entries []entry) entry {
	sum := sha256.New()
	for _, e := range entries {
		_, _ = fmt.Fprintf(sum, "%q %d %x\n", e.name, len(e.body), sha256.Sum256([]byte(e.body)))
	}
	doc, _ := json.Marshal(map[string]any{"entries": len(entries), "sha256": sum.Sum(nil)}) // maps of numbers and bytes marshal
	return entry{name: "end.json", body: string(doc)}
}

func tarOf(t *testing.T, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Size: int64(len(e.body)), Mode: 0o600, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if e.kind != 0 {
			h.Typeflag, h.Size, h.Linkname = e.kind, 0, e.body
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if e.kind == 0 {
			if _, err := io.WriteString(w, e.body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var (
	org   = core.OrgID{1}
	other = core.OrgID{9}
	key   = core.BlobKey(org, core.AssetID{2}, 1, "a.txt")
)

func manifestOf(versions int) entry {
	return entry{name: "manifest.json", body: fmt.Sprintf(`{"format":1,"schema":13,"org_id":"%s","slug":"acme","name":"Acme","exported_at":"2026-01-02T03:04:05Z",
		"key":"AA==","tables":[{"name":"orgs","rows":1},{"name":"asset_versions","rows":%d}]}`, org, versions)}
}

func row(table, doc string) entry {
	return entry{name: "tables/" + table + "/000001.ndjson", body: doc + "\n"}
}

func versionRow(org core.OrgID, key, body string) string {
	return fmt.Sprintf(`{"org_id":"%s","blob_key":%q,"content_type":"text/plain","size_bytes":%d}`, org, key, len(body))
}

func sumOf(key, body string) string {
	sum := sha256.Sum256([]byte(body))
	doc, _ := json.Marshal(map[string]any{"key": key, "size": len(body), "sha256": sum[:]}) // always marshals
	return string(doc) + "\n"
}

// whole is a bundle with one version.
func whole() []entry {
	return []entry{
		manifestOf(1),
		{name: "users/000001.ndjson", body: `{"id":"` + core.UserID{3}.String() + `","email":"ana@example.com","name":"Ana"}` + "\n"},
		row("orgs", `{"id":"`+org.String()+`"}`),
		row("asset_versions", versionRow(org, key, "bytes")),
		{name: "blobs/" + key, body: "bytes"},
		{name: "sums/000001.ndjson", body: sumOf(key, "bytes")},
	}
}

func verify(b []byte) (*bundle.Summary, error) {
	return bundle.Verify(bytes.NewReader(b), int64(len(b)))
}

func TestAWholeBundleIsComplete(t *testing.T) {
	got, err := verify(pack(t, whole()...))
	if err != nil || got.Rows != 2 || got.Users != 1 || got.Blobs != 1 || got.Bytes != 5 || got.Lost != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestABundleSaysWhichBytesWereMissing(t *testing.T) {
	entries := whole()
	entries[4] = entry{name: "sums/000001.ndjson", body: fmt.Sprintf(`{"key":%q,"size":5,"missing":"there are no bytes"}`, key) + "\n"}
	got, err := verify(pack(t, entries[:5]...))
	if err != nil || got.Lost != 1 || len(got.Missing) != 1 || !strings.Contains(got.Missing[0], key) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestHostileBundlesAreRefused(t *testing.T) {
	with := func(i int, e entry) []entry {
		all := whole()
		all[i] = e
		return all
	}
	without := func(i int) []entry {
		all := whole()
		return append(all[:i:i], all[i+1:]...)
	}
	foreign := core.BlobKey(other, core.AssetID{2}, 1, "a.txt")
	up := org.String() + "/../" + other.String() + "/x"
	for name, test := range map[string]struct {
		entries []entry
		says    string
	}{
		"nothing but an end":            {nil, "does not begin with manifest.json"},
		"no manifest":                   {without(0), "does not begin"},
		"a manifest that is no JSON":    {with(0, entry{name: "manifest.json", body: "{"}), "manifest.json"},
		"an unknown member":             {with(0, entry{name: "manifest.json", body: `{"format":1,"x":1}`}), "unknown field"},
		"another format":                {with(0, entry{name: "manifest.json", body: `{"format":2}`}), "format is 2"},
		"no org":                        {with(0, entry{name: "manifest.json", body: `{"format":1,"org_id":"x"}`}), "names no organisation"},
		"a manifest of two megabytes":   {with(0, entry{name: "manifest.json", body: strings.Repeat(" ", 2<<20)}), "more than"},
		"bytes of another org":          {with(4, entry{name: "blobs/" + foreign, body: "bytes"}), "no key of this organisation"},
		"bytes out of the org":          {with(4, entry{name: "blobs/" + up, body: "bytes"}), "no key of this organisation"},
		"bytes at an absolute path":     {with(4, entry{name: "blobs//etc/passwd", body: "bytes"}), "no key of this organisation"},
		"the mark of the store":         {with(4, entry{name: "blobs/coffer-installation", body: "bytes"}), "no key of this organisation"},
		"a link in place of bytes":      {with(4, entry{name: "blobs/" + key, body: "/etc/passwd", kind: tar.TypeSymlink}), "is not a file"},
		"a version of another org's":    {with(3, row("asset_versions", versionRow(org, foreign, "bytes"))), "no key of this organisation"},
		"a row of another org":          {with(3, row("asset_versions", versionRow(other, key, "bytes"))), "of another organisation"},
		"other bytes":                   {with(4, entry{name: "blobs/" + key, body: "BYTES"}), "SHA-256"},
		"fewer bytes":                   {with(4, entry{name: "blobs/" + key, body: "byte"}), "size or SHA-256"},
		"bytes left out":                {without(4), "are not where they belong"},
		"sums left out":                 {without(5), "not all versions have bytes"},
		"bytes twice":                   {append(whole()[:5:5], whole()[4:]...), "of which nothing is said"},
		"a version left out":            {without(3), "has 0 rows; the manifest says 1"},
		"a version too many":            {with(3, row("asset_versions", versionRow(org, key, "bytes")+"\n"+versionRow(org, key+"x", "bytes"))), "has 2 rows"},
		"versions out of order":         {append([]entry{manifestOf(2)}, with(3, row("asset_versions", versionRow(org, key, "bytes")+"\n"+versionRow(org, key, "bytes")))[1:]...), "not in order"},
		"a table that nobody announced": {append(whole()[:3:3], append([]entry{row("users", `{}`)}, whole()[3:]...)...), "the manifest says"},
		"tables in another order":       {append(whole()[:2:2], whole()[3], whole()[2], whole()[4], whole()[5]), "rows; the manifest says"},
		"a chunk left out":              {with(2, entry{name: "tables/orgs/000002.ndjson", body: "{}\n"}), "not where it belongs"},
		"a line that is no row":         {with(2, row("orgs", `[1]`)), "not a row"},
		"a line that is null":           {with(2, row("orgs", `null`)), "not a row"},
		"two rows in a line":            {with(2, row("orgs", `{} {}`)), "not a row"},
		"an unended line":               {with(2, entry{name: "tables/orgs/000001.ndjson", body: "{}"}), "does not end with a line"},
		"an oversized line":             {with(2, row("orgs", `{"x":"`+strings.Repeat("x", 17<<20)+`"}`)), "more than"},
		"a user without an address":     {with(1, entry{name: "users/000001.ndjson", body: `{"id":"` + core.UserID{3}.String() + `"}` + "\n"}), "not a user"},
		"something else":                {append(whole(), entry{name: "etc/passwd", body: "root"}), "not where they belong"},
		"something without a directory": {append(whole(), entry{name: "passwd", body: "root"}), "not where they belong"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(pack(t, test.entries...))
			if core.KindOf(err) != core.KindInvalid || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}

func TestDamagedBundlesAreRefused(t *testing.T) {
	good := pack(t, whole()...)
	for cut := 0; cut < len(good)-2048; cut += 511 {
		if _, err := verify(good[:cut]); core.KindOf(err) != core.KindInvalid {
			t.Errorf("cut at %d of %d: %v", cut, len(good), err)
		}
	}
	end := ending(whole())
	if _, err := verify(tarOf(t, append(append(whole(), end), entry{name: "more", body: "x"}))); err == nil || !strings.Contains(err.Error(), "follows its end") {
		t.Errorf("%v", err)
	}
	all := whole()
	all[1].body = strings.Replace(all[1].body, "Ana", "Eva", 1)
	if _, err := verify(tarOf(t, append(all, end))); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("%v", err)
	}
	// Whichever byte is changed: it is told of, or means nothing to tar.
	for at := 0; at < len(good); at += 37 {
		bad := bytes.Clone(good)
		bad[at] ^= 0x20
		if got, err := verify(bad); err == nil && (got.Rows != 2 || got.Bytes != 5) {
			t.Errorf("byte %d: %+v", at, got)
		}
	}
}
