package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	assetURL    = "/api/orgs/00000000-0000-0000-0000-000000000003/assets/00000000-0000-0000-0000-000000000005"
	downloadURL = "/api/assets/00000000-0000-0000-0000-000000000005/download"
)

func TestAnAssetAsItIsShown(t *testing.T) {
	f := newFixture(t)
	want := strings.Join([]string{
		`{"id":"00000000-0000-0000-0000-000000000005","org_id":"00000000-0000-0000-0000-000000000003"`,
		`"drive_id":"00000000-0000-0000-0000-000000000004","parent_id":null,"kind":"asset","name":"f.txt","content_type":"text/plain"`,
		`"size_bytes":7,"checksum_sha256":"` + strings.Repeat("ab", 32) + `","status":"ready","current_version":1`,
		`"metadata":{"tags":[],"custom_fields":{}},"preview":null,"created_by":"00000000-0000-0000-0000-000000000006","trashed_at":null,"version":3`,
		`"created_at":"2026-11-22T09:00:00Z","updated_at":"2026-11-22T09:00:00Z"}`,
	}, ",")
	w := f.call("GET", assetURL, "", signedIn)
	if w.Code != 200 || w.Body.String() != want || w.Header().Get("ETag") != `"3"` {
		t.Errorf("got %d %s %s\nwant %s", w.Code, w.Header().Get("ETag"), w.Body, want)
	}
	f.hot.asset.ParentID, f.hot.asset.Current, f.hot.asset.Status, f.hot.asset.SHA256 = id[core.Node](9), 0, core.AssetPending, nil
	f.hot.asset.TrashedAt = now
	got := f.call("GET", assetURL, "", signedIn).Body.String()
	for _, want := range []string{
		`"parent_id":"00000000-0000-0000-0000-000000000009"`, `"checksum_sha256":null`, `"current_version":null`, `"trashed_at":"2026-11-22T09:00:00Z"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestADownload(t *testing.T) {
	f := newFixture(t)
	const target = "https://files.example.com/o/a/f.txt?signature=1"
	want := `{"download_url":"` + target + `","file_name":"f.txt","content_type":"text/plain","size_bytes":7,"expires_at":"2026-11-22T09:05:00Z"}`
	if w := f.call("GET", downloadURL, "", signedIn); w.Code != 200 || w.Body.String() != want || w.Header().Get("Location") != "" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := f.call("GET", downloadURL+"?redirect=true", "", signedIn); w.Code != 302 || w.Header().Get("Location") != target {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	problemIn(t, f.call("GET", downloadURL+"?redirect=yes", "", signedIn), 422, "validation_failed")
	sign := "/api/assets/00000000-0000-0000-0000-000000000005/signed-url"
	for body, expires := range map[string]string{
		"": "09:05:00", "{}": "09:05:00", `{"ttl_seconds":60}`: "09:01:00", `{"ttl_seconds":300,"disposition":"inline"}`: "09:05:00",
	} {
		if w := f.call("POST", sign, body, signedIn); w.Code != 200 || !strings.Contains(w.Body.String(), expires) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	for _, body := range []string{`{"ttl_seconds":59}`, `{"ttl_seconds":301}`, `{"disposition":"attach"}`, `{"ttl_seconds":null,"x":1}`} {
		problemIn(t, f.call("POST", sign, body, signedIn), 422, "validation_failed")
	}
	f.hot.asset.TrashedAt = now
	problemIn(t, f.call("GET", downloadURL, "", signedIn), 409, "trashed")
}

func TestIfNoneMatch(t *testing.T) {
	f := newFixture(t)
	for header, status := range map[string]int{
		`"3"`: 304, `W/"3"`: 304, `"1", "3"`: 304, `*`: 304, `"2"`: 200, `3`: 200, `"33"`: 200, ``: 200, `,`: 200,
	} {
		w := f.call("GET", assetURL, "", signedIn, "If-None-Match: "+header)
		if w.Code != status || w.Header().Get("ETag") != `"3"` || (w.Body.Len() == 0) != (status == 304) {
			t.Errorf("%s: %d, %d bytes", header, w.Code, w.Body.Len())
		}
	}
}

func TestIfMatch(t *testing.T) {
	for header, status := range map[string]int{
		``: 200, `"3"`: 200, `*`: 200, `"1", "3"`: 200, `"2"`: 412, `W/"3"`: 412, `"1", "2"`: 412, `3`: 412, `"03"`: 412, `"-3"`: 412,
		`"99999999999999999999"`: 412, `garbage`: 412, `"0"`: 412,
	} {
		f := newFixture(t)
		w := f.call("PATCH", assetURL, `{"name":"g.txt"}`, signedIn, "If-Match: "+header)
		if w.Code != status {
			t.Errorf("%s: %d %s", header, w.Code, w.Body)
			continue
		}
		if status == 412 {
			problemIn(t, w, 412, "precondition_failed")
		} else if w.Header().Get("ETag") != `"4"` || !strings.Contains(w.Body.String(), `"name":"g.txt"`) {
			t.Errorf("%s: %v %s", header, w.Header(), w.Body)
		}
	}
	// What is not there does not have another version.
	f := newFixture(t)
	problemIn(t, f.call("PATCH", strings.Replace(assetURL, "5", "8", 1), `{}`, signedIn, `If-Match: garbage`), 404, "not_found")
}

func TestAPatchChangesWhatItNames(t *testing.T) {
	f := newFixture(t)
	f.hot.asset.Metadata = core.Metadata{Tags: []string{"a"}, CustomFields: map[string]any{"x": 1.0}}
	patch := func(body, name, metadata string) {
		t.Helper()
		w := f.call("PATCH", assetURL, body, signedIn)
		if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, `"name":"`+name+`"`) || !strings.Contains(got, `"metadata":`+metadata) {
			t.Errorf("%s: %d %s", body, w.Code, got)
		}
	}
	patch(`{}`, "f.txt", `{"tags":["a"],"custom_fields":{"x":1}}`)
	patch(`{"name":"g.txt"}`, "g.txt", `{"tags":["a"],"custom_fields":{"x":1}}`)
	patch(`{"metadata":{"custom_fields":{"y":null,"z":"é"}}}`, "g.txt", `{"tags":[],"custom_fields":{"y":null,"z":"é"}}`)
	patch(`{"metadata":null}`, "g.txt", `{"tags":[],"custom_fields":{}}`)
	for _, body := range []string{
		`{"name":null}`, `{"name":""}`, `{"name":5}`, `{"metadata":5}`, `{"metadata":{"tags":"x"}}`, `{"metadata":{"x":1}}`,
		`{"metadata":{"custom_fields":{"a":[]}}}`, `{"id":"x"}`, `{"version":1}`,
	} {
		problemIn(t, f.call("PATCH", assetURL, body, signedIn), 422, "validation_failed")
	}
}

func TestAnIdempotencyKeyIsChecked(t *testing.T) {
	f := newFixture(t)
	for _, header := range []string{"Idempotency-Key: ", "Idempotency-Key: a b", "Idempotency-Key: é", "Idempotency-Key: " + strings.Repeat("k", 256)} {
		body := `{"name":"a","size_bytes":1}`
		p := problemIn(t, f.call("POST", "/api/orgs/00000000-0000-0000-0000-000000000003/assets", body, signedIn, header), 422, "validation_failed")
		if !strings.Contains(fmt.Sprint(p["errors"]), "header.Idempotency-Key") {
			t.Errorf("%q: %v", header, p["errors"])
		}
	}
}

func TestAWishSaysAllThatMustBeTheSame(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/api/auth/signup", nil)
	r.Header.Set("Idempotency-Key", "k")
	req := &request{http: r, body: []byte(`{"a":1}`)}
	ctx := context.WithValue(t.Context(), requestKey{}, req)
	wish, err := once(ctx, OnceInput{IdempotencyKey: "k"}, showSignedUp)
	if err != nil || wish.Scope != "anonymous" || wish.Key != "k" || wish.Status != 201 || string(wish.Request) != "POST /api/auth/signup\n{\"a\":1}" {
		t.Fatalf("got %+v, %v", wish, err)
	}
	answer, err := wish.Encode(&identity.SignedUp{Newcomer: app.Newcomer{User: &core.User{Email: "a"}, Org: &core.Org{}, Account: &core.Account{}, Drive: &core.Drive{}}})
	if err != nil || !strings.Contains(string(answer), `"email":"a"`) || !strings.Contains(string(answer), `"token_type":"Bearer"`) {
		t.Errorf("answer: %s, %v", answer, err)
	}
	if _, err := wish.Encode("something else"); err == nil {
		t.Error("anything is encoded")
	}
	req.actor = core.Actor{UserID: id[core.User](1)}
	if wish, _ := once(ctx, OnceInput{IdempotencyKey: "k"}, showSignedUp); wish.Scope != id[core.User](1).String() {
		t.Errorf("scope: %s", wish.Scope)
	}
	r.Header.Del("Idempotency-Key")
	if wish, err := once(ctx, OnceInput{}, showSignedUp); wish != nil || err != nil {
		t.Errorf("got %v, %v", wish, err)
	}
}

func TestAnUploadIsShownWithWhatItNeeds(t *testing.T) {
	at := now.Add(15 * time.Minute)
	single := &asset.Plan{
		Upload: &core.Upload{ID: id[core.Upload](7), Strategy: core.UploadSingle, ExpiresAt: now.Add(time.Hour)}, ExpiresAt: at,
		Single: &ports.SignedRequest{Method: http.MethodPut, URL: "https://x/?a=1&b=2", Header: http.Header{"Content-Type": {"text/plain"}, "X-List": {"a", "b"}}},
	}
	multipart := &asset.Plan{
		Upload:    &core.Upload{ID: id[core.Upload](7), Strategy: core.UploadMultipart, SizeBytes: 25, PartSize: 10, ExpiresAt: now.Add(time.Hour)},
		ExpiresAt: at, Parts: []asset.SignedPart{{Number: 3, Size: 5, Request: ports.SignedRequest{Method: http.MethodPut, URL: "https://x/3"}}},
	}
	const head = `{"upload_id":"00000000-0000-0000-0000-000000000007","strategy":"`
	const times = `","expires_at":"2026-11-22T09:15:00Z","session_expires_at":"2026-11-22T10:00:00Z",`
	for want, plan := range map[string]*asset.Plan{
		head + "single" + times + `"method":"PUT","url":"https://x/?a=1&b=2","headers":{"Content-Type":"text/plain","X-List":"a, b"}}`:       single,
		head + "multipart" + times + `"part_size":10,"part_count":3,"parts":[{"number":3,"url":"https://x/3","headers":{},"size_bytes":5}]}`: multipart,
	} {
		if got, err := marshal(showPlan(plan)); err != nil || string(got) != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

func TestANodeIsShownAsWhatItIs(t *testing.T) {
	n := core.Node{
		ID: id[core.Node](8), OrgID: id[core.Org](3), DriveID: id[core.Drive](4), ParentID: core.RootOf(id[core.Drive](4)),
		Kind: core.KindFolder, Name: "a", Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	const head = `{"id":"00000000-0000-0000-0000-000000000008","org_id":"00000000-0000-0000-0000-000000000003","drive_id":"00000000-0000-0000-0000-000000000004","parent_id":null,"kind":"`
	const tail = `","name":"a","created_by":null,"trashed_at":null,"version":1,"created_at":"2026-11-22T09:00:00Z","updated_at":"2026-11-22T09:00:00Z"`
	if got, err := marshal(showFolder(&n)); err != nil || string(got) != head+"folder"+tail+"}" {
		t.Errorf("got %s, %v", got, err)
	}
	n.Kind = core.KindAsset
	got, err := marshal(showEntry(drive.Entry{Node: n, File: core.File{Status: core.AssetPending, ContentType: "text/plain"}}))
	if err != nil || string(got) != head+"asset"+tail+`,"status":"pending","content_type":"text/plain","size_bytes":0,"checksum_sha256":null,"tags":[],"preview":null}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestLimitsThatDoNotLimitAreNull(t *testing.T) {
	got, err := marshal(showLicense(core.UnlimitedLicense()))
	want := `{"name":"unlimited","monthly_fee_cents":0,"currency":"USD","limits":{"max_upload_size_mb":null,"max_total_storage_mb":null,"max_assets_count":null,` +
		`"max_products_count":null,"max_members_count":null,"max_groups":null,"max_assets_per_group":null,"max_group_share_hours":null},"features":["group_nesting"`
	if err != nil || !strings.HasPrefix(string(got), want) {
		t.Errorf("got %s, %v", got, err)
	}
	d := core.NewPersonalDrive(id[core.Drive](4), id[core.Org](3), id[core.Account](6), now)
	got, err = marshal(showDrive(d))
	if err != nil || !strings.Contains(string(got), `"owner_account_id":"00000000-0000-0000-0000-000000000006","name":"Personal","default_role":null,"quota_bytes":null,"used_bytes":0`) {
		t.Errorf("got %s, %v", got, err)
	}
}
