package core_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

func TestCanonicalJSONIsTheSameHoweverItIsWritten(t *testing.T) {
	for in, want := range map[string]string{
		`null`: `null`, `[ ]`: `[]`, `{"b":1,"a":[true,false,null]}`: `{"a":[true,false,null],"b":1}`,
		`"\u00e9\n\u0001\"\\\/<&>"`: `"é\n\u0001\"\\/<&>"`, `1e3`: `1000`, `1.50`: `1.50`, `-0`: `0`, `-0.0`: `0.0`, `25E-3`: `0.025`,
		`12345678901234567890.5`: `12345678901234567890.5`, `0e9`: `0`,
	} {
		d := json.NewDecoder(strings.NewReader(in))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatal(in, err)
		}
		if got := string(core.AppendCanonical(nil, v)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func read(t *testing.T, text string) (core.ItemDraft, string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(text, err)
	}
	item, failed := core.ReadItem(3, v, func(s string) string { return s })
	var all []string
	for _, f := range failed {
		if f.Line != 3 {
			t.Errorf("line %d", f.Line)
		}
		all = append(all, f.Pointer+" "+f.Code)
	}
	return item, strings.Join(all, ", ")
}

func TestAnItemIsRead(t *testing.T) {
	const id = "0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"
	_, broken := read(t, `{"external_id":" a ","type":"image","title":"A Sign","tags":["b","a","b"],"data":{"y":{"t":"Öland sign"},"x":1e2},
		"assets":[{"role":"poster","asset_id":"`+id+`"},{"role":"main","path":"/a//b.png"}]}`)
	if broken != "/assets/1/path validation_failed" {
		t.Errorf("%s", broken)
	}
	item, failed := read(t, `{"external_id":" a ","type":"image","title":"A Sign","tags":["b","a","b"],"data":{"y":{"t":"Öland sign"},"x":1e2},
		"assets":[{"role":"poster","asset_id":"`+id+`"},{"role":"main","path":"/a/b.png"}]}`)
	got := fmt.Sprint(item.ExternalID, item.Type, item.Title, item.Tags, string(item.Data), item.Words, item.Assets[0].Path, item.Assets[0].Place, item.Assets[1].AssetID)
	if failed != "" || got != `aimageA Sign[a b]{"x":100,"y":{"t":"Öland sign"}}[a sign b öland]a/b.png1 `+id {
		t.Errorf("%s %s", failed, got)
	}
	for text, want := range map[string]string{
		`[]`:                                   " validation_failed",
		`{}`:                                   "/external_id validation_failed, /type validation_failed",
		`{"external_id":1,"type":"x","a/b":2}`: "/a~1b unknown_member, /external_id validation_failed",
		`{"external_id":"a","type":"x","tags":"a"}`:                                                                     "/tags validation_failed",
		`{"external_id":"a","type":"x","tags":["a",""]}`:                                                                "/tags/1 validation_failed",
		`{"external_id":"a","type":"x","data":[]}`:                                                                      "/data validation_failed",
		`{"external_id":"a","type":"x","assets":{}}`:                                                                    "/assets validation_failed",
		`{"external_id":"a","type":"x","assets":[1]}`:                                                                   "/assets/0 validation_failed",
		`{"external_id":"a","type":"x","assets":[{"role":"m"}]}`:                                                        "/assets/0 validation_failed",
		`{"external_id":"a","type":"x","assets":[{"path":"a"}]}`:                                                        "/assets/0/role validation_failed",
		`{"external_id":"a","type":"x","assets":[{"role":"m","path":"../a"}]}`:                                          "/assets/0/path validation_failed",
		`{"external_id":"a","type":"x","assets":[{"role":"m","asset_id":"a"}]}`:                                         "/assets/0/asset_id validation_failed",
		`{"external_id":"a","type":"x","assets":[{"role":"m","path":"a","asset_id":"` + id + `"}]}`:                     "/assets/0 validation_failed",
		`{"external_id":"a","type":"x","assets":[{"role":"m","path":"a"},{"role":"m","path":"b"}]}`:                     "/assets/1/role validation_failed",
		`{"external_id":"a","type":"x","assets":[{"role":"m","path":"a","x":1}]}`:                                       "/assets/0/x unknown_member",
		`{"external_id":"` + strings.Repeat("a", 256) + `","type":"x"}`:                                                 "/external_id validation_failed",
		`{"external_id":"a","type":"x","data":{"t":"` + strings.Repeat("a", core.MaxItemDataBytes) + `"}}`:              "/data item_too_large",
		`{"external_id":"a","type":"x","data":{"n":[` + strings.TrimSuffix(strings.Repeat("1e300,", 1000), ",") + `]}}`: "/data item_too_large",
	} {
		if _, failed := read(t, text); failed != want {
			t.Errorf("%.100s: %s, want %s", text, failed, want)
		}
	}
}

func TestAnIngestSessionGoesItsWay(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	v, other := core.DatasetVersionID{1}, core.DatasetVersionID{2}
	s := core.NewIngestSession(core.IngestSessionID{1}, &core.Dataset{ID: core.DatasetID{1}}, core.AccountID{1}, now)
	fails := func(got, want error) {
		t.Helper()
		if want == nil && got != nil || want != nil && (got == nil || got.(*core.Error).Code != want.(*core.Error).Code) { //nolint:errorlint,forcetypeassert // as they are
			t.Errorf("%v, want %v", got, want)
		}
	}
	fails(s.CheckOpen(now), nil)
	fails(s.Begin(v, now), nil)
	fails(s.Begin(other, now), core.ErrSessionBusy)
	fails(s.Close(core.IngestAborted, now), core.ErrSessionBusy)
	fails(s.Publishes(v), nil)
	late := now.Add(core.PublishLease)
	fails(s.Begin(other, late), nil) // the first one has died
	fails(s.Publishes(v), core.ErrSessionBusy)
	s.Reopen()
	fails(s.CheckOpen(late), nil)
	fails(s.CheckOpen(s.ExpiresAt), core.ErrSessionClosed)
	if !s.Expired(s.ExpiresAt) || s.Expired(late) {
		t.Error("it expires at another time")
	}
	fails(s.Begin(v, late), nil)
	s.Finish(4, late)
	fails(s.CheckOpen(late), core.ErrSessionClosed)
	fails(s.Close(core.IngestAborted, late), core.ErrSessionClosed)
}

func TestTheFirstFailuresAreTold(t *testing.T) {
	var f core.ManifestFailures
	if f.Err() != nil {
		t.Error("there is none")
	}
	for range 150 {
		f.Add(core.ManifestFailure{Line: 1}, core.ManifestFailure{Line: 2})
	}
	e, ok := f.Err().(*core.Error)                                                                                                                                    //nolint:errorlint // as it is
	if !ok || e.Code != "manifest_invalid" || e.Details["failure_count"] != int64(300) || len(e.Details["failures"].([]map[string]any)) != core.MaxManifestFailures { //nolint:forcetypeassert // as above
		t.Errorf("%v", f.Err())
	}
}
