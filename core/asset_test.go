package core

import (
	"mime"
	"strings"
	"testing"
	"time"
)

func TestContentDispositionGivesTheNameBack(t *testing.T) {
	for _, name := range []string{"a.txt", `quo"te\.txt`, "é 中.txt", "a;b=c.txt", "100%.txt", "x'y.txt", "new\nline", strings.Repeat("長", 85)} {
		header := ContentDisposition(false, name)
		kind, params, err := mime.ParseMediaType(header)
		if err != nil || kind != "attachment" || params["filename"] != name {
			t.Errorf("%q: %s gives %q, %v", name, header, params["filename"], err)
		}
		if strings.ContainsAny(header, "\r\n") {
			t.Errorf("%q splits the header", name)
		}
	}
	if got := ContentDisposition(true, "é.png"); got != `inline; filename="_.png"; filename*=UTF-8''%C3%A9.png` {
		t.Error(got)
	}
}

func TestInlineSafeHoldsNothingThatRunsScript(t *testing.T) {
	for contentType, want := range map[string]bool{
		"image/png": true, "text/plain; charset=utf-8": true, "application/pdf": true, "text/html": false, "image/svg+xml": false,
		"application/xhtml+xml": false, "text/xml": false, "application/javascript": false, "": false, "x": false, "IMAGE/PNG": true,
	} {
		if got := InlineSafe(contentType); got != want {
			t.Errorf("%q: %t", contentType, got)
		}
	}
}

func TestCleanContentType(t *testing.T) {
	for in, want := range map[string]string{
		"": "application/octet-stream", "Image/PNG": "image/png", "text/plain; charset=UTF-8": "text/plain; charset=UTF-8", "text/plain;": "text/plain",
	} {
		if got, err := CleanContentType("t", in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"x", "a/b/c", "a b/c", "text/plain\r\nX: y", "text/plain; a", strings.Repeat("a", 127) + "/b", "é/x"} {
		if got, err := CleanContentType("t", bad); err == nil {
			t.Errorf("%q is accepted as %q", bad, got)
		}
	}
}

func TestBlobKeysOfVersionsNeverMeet(t *testing.T) {
	org, asset := OrgID{1}, AssetID{2}
	base := org.String() + "/" + asset.String() + "/"
	for _, test := range []struct {
		number int
		name   string
		want   string
	}{{1, "a.txt", "a.txt"}, {2, "a.txt", "v2/a.txt"}, {1, "v2", "v1/v2"}, {2, "v2", "v2/v2"}, {1, "v2x", "v2x"}, {1, "v", "v"}} {
		if got := BlobKey(org, asset, test.number, test.name); got != base+test.want {
			t.Errorf("%d %q: %q", test.number, test.name, got)
		}
	}
}

func TestOnlyOurKeysAreOurs(t *testing.T) {
	for _, key := range []string{BlobKey(OrgID{1}, AssetID{2}, 1, "a"), BlobKey(OrgID{1}, AssetID{2}, 2, "a b"), StagingKey(UploadID{3})} {
		if !IsBlobKey(key) {
			t.Errorf("%q is not ours", key)
		}
	}
	org := OrgID{1}.String()
	if key := MarkedKey(OrgID{1}, AssetID{2}, [16]byte{3}); !IsBlobKey(key) || IsBlobKey(key+"/x") || IsBlobKey(strings.TrimSuffix(key, "0")) {
		t.Errorf("%q is not ours, or what is near it is", key)
	}
	for _, key := range []string{"marked/x", "marked/" + org, "marked/" + org + "/" + org, "", "coffer-installation", "backups/db.dump", "staging/x", org, org + "/" + org, org + "/" + org + "/", org + "/x/y"} {
		if IsBlobKey(key) {
			t.Errorf("%q is ours", key)
		}
	}
}

func TestCleanMetadata(t *testing.T) {
	got, err := CleanMetadata("m", Metadata{Tags: []string{" b", "a", "b"}, CustomFields: map[string]any{" k ": 1.5}}, asIs)
	if err != nil || strings.Join(got.Tags, ",") != "a,b" || got.CustomFields["k"] != 1.5 {
		t.Errorf("%v, %v", got, err)
	}
	for name, bad := range map[string]Metadata{
		"an empty tag":    {Tags: []string{""}},
		"a long tag":      {Tags: []string{strings.Repeat("x", 101)}},
		"many tags":       {Tags: make([]string, 101)},
		"a nested field":  {CustomFields: map[string]any{"k": []any{}}},
		"a long field":    {CustomFields: map[string]any{"k": strings.Repeat("x", 4001)}},
		"a field of NULs": {CustomFields: map[string]any{"k": "\x00"}},
		"an empty key":    {CustomFields: map[string]any{" ": "x"}},
	} {
		if _, err := CleanMetadata("m", bad, asIs); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestUploadPlan(t *testing.T) {
	now := time.Unix(0, 0)
	times := UploadTimes{URL: 15 * time.Minute, Single: time.Hour, Multipart: 7 * 24 * time.Hour}
	for _, test := range []struct {
		size  int64
		parts int
		last  int64
	}{
		{0, 0, 0}, {64*MB - 1, 0, 0}, {64 * MB, 4, 64*MB - 3*16<<20}, {300 * MB, 18, 300*MB - 17*16<<20}, {MaxBlobBytes, 9_997, 0},
	} {
		u := Upload{SizeBytes: test.size}
		u.Plan(times, now)
		if u.PartCount() != test.parts {
			t.Errorf("%d bytes: %d parts, want %d", test.size, u.PartCount(), test.parts)
		}
		if u.PartCount() > MaxParts {
			t.Errorf("%d bytes: %d parts are too many", test.size, u.PartCount())
		}
		var sum int64
		for n := 1; n <= u.PartCount(); n++ {
			sum += u.PartBytes(n)
		}
		if test.parts > 0 && sum != test.size {
			t.Errorf("%d bytes: parts have %d", test.size, sum)
		}
		if test.last > 0 && u.PartBytes(test.parts) != test.last {
			t.Errorf("%d bytes: last part %d", test.size, u.PartBytes(test.parts))
		}
	}
}

func TestAnOlderUploadThatEndsLaterIsNotCurrent(t *testing.T) {
	a := Asset{File: File{Status: AssetPending, Newest: 2}}
	now := time.Unix(0, 0)
	a.Finish(&Version{Number: 2, SizeBytes: 20}, now)
	a.Finish(&Version{Number: 1, SizeBytes: 10}, now)
	if a.Current != 2 || a.SizeBytes != 20 || a.Status != AssetReady {
		t.Errorf("%+v", a.File)
	}
}
