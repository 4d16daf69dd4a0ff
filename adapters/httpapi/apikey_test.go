package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// fakeKeys are the API keys of drive 4, oldest first.
type fakeKeys struct {
	ports.APIKeys
	keys []*core.APIKey
}

func (k *fakeKeys) Add(_ context.Context, added *core.APIKey) error {
	k.keys = append(k.keys, added)
	return nil
}

func (k *fakeKeys) Get(_ context.Context, _ core.DriveID, want core.APIKeyID) (*core.APIKey, error) {
	for _, key := range k.keys {
		if key.ID == want {
			return key, nil
		}
	}
	return nil, core.ErrNotFound
}

func (k *fakeKeys) List(_ context.Context, q ports.APIKeyQuery) ([]*core.APIKey, error) {
	var out []*core.APIKey
	for _, key := range slices.Backward(k.keys) {
		if q.Status == "" || q.Status == core.StatusOfKey(key.RevokedAt, key.ExpiresAt, q.Now) {
			out = append(out, key)
		}
	}
	return out, nil
}

func (k *fakeKeys) Revoke(ctx context.Context, drive core.DriveID, want core.APIKeyID, by core.AccountID, at time.Time) (bool, error) {
	key, err := k.Get(ctx, drive, want)
	if err != nil || !key.RevokedAt.IsZero() {
		return false, err
	}
	key.RevokedAt, key.RevokedBy = at, by
	return true, nil
}

func (k *fakeKeys) RevokeOf(context.Context, core.OrgID, core.AccountID, time.Time) error { return nil }

const (
	withKey  = "X-API-Key: " + goodKey
	keysPath = "/api/drives/00000000-0000-0000-0000-000000000004/api-keys"
	oneAsset = "/api/orgs/00000000-0000-0000-0000-000000000003/assets/00000000-0000-0000-0000-000000000005"
)

func TestAKeyIsShownOnce(t *testing.T) {
	f := newFixture(t)
	w := f.call("POST", keysPath, `{"name": " backup ", "permissions": ["write", "read", "read"], "expires_at": "2026-11-22T10:00:00+01:00"}`, signedIn)
	problemIn(t, w, 422, "validation_failed") // that is now
	w = f.call("POST", keysPath, `{"name": " backup ", "permissions": ["write", "read", "read"], "expires_at": "2026-11-22T10:00:01+01:00"}`, signedIn)
	var issued struct {
		APIKey json.RawMessage `json:"api_key"`
		Key    string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &issued); err != nil || w.Code != http.StatusCreated {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	ref, err := core.ParseKey(issued.Key)
	if err != nil || ref != f.store.keys.keys[0].KeyRef {
		t.Errorf("the key %s is not that of %+v", issued.Key, f.store.keys.keys[0])
	}
	want := `{"created_at":"2026-11-22T09:00:00Z","created_by":"00000000-0000-0000-0000-000000000006","expires_at":"2026-11-22T09:00:01Z",` +
		`"id":"00000000-0000-0000-0000-0000000000c8","last_used_at":null,"name":"backup","permissions":["read","write"],` +
		`"prefix":"` + issued.Key[:11] + `","revoked_at":null,"revoked_by":null}`
	var members map[string]any
	if err := json.Unmarshal(issued.APIKey, &members); err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(members); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for range 2 {
		if w := f.call("DELETE", keysPath+"/00000000-0000-0000-0000-0000000000c8", "", signedIn); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	list := f.call("GET", keysPath+"?status=revoked", "", signedIn).Body.String()
	if !strings.Contains(list, `"revoked_by":"00000000-0000-0000-0000-000000000006"`) || strings.Contains(list, issued.Key) {
		t.Errorf("list %s", list)
	}
	if none := f.call("GET", keysPath+"?status=active", "", signedIn).Body.String(); !strings.Contains(none, `"items":[]`) {
		t.Errorf("list %s", none)
	}
	if log := f.log.String(); strings.Contains(log, issued.Key) || len(f.store.people.log) != 2 {
		t.Errorf("%d audit entries, log %s", len(f.store.people.log), log)
	}
	problemIn(t, f.call("DELETE", keysPath+"/00000000-0000-0000-0000-0000000000c9", "", signedIn), 404, "not_found")
}

func TestAKeyHasToMakeSense(t *testing.T) {
	f := newFixture(t)
	for _, body := range []string{
		`{"name": "x", "permissions": []}`, `{"name": "x", "permissions": ["admin"]}`, `{"name": "x"}`, `{"permissions": ["read"]}`,
		`{"name": " ", "permissions": ["read"]}`, `{"name": "x", "permissions": ["read"], "expires_at": "tomorrow"}`,
		`{"name": "x", "permissions": ["read"], "expires_at": "2026-11-22T08:59:59Z"}`, `{"name": "x", "permissions": null}`,
	} {
		problemIn(t, f.call("POST", keysPath, body, signedIn), 422, "validation_failed")
	}
	problemIn(t, f.call("GET", keysPath+"?status=lost", "", signedIn), 422, "validation_failed")
	if len(f.store.keys.keys) != 0 {
		t.Errorf("%d keys", len(f.store.keys.keys))
	}
}

func TestAKeyIsForFilesOnly(t *testing.T) {
	f := newFixture(t)
	if w := f.call("GET", oneAsset, "", withKey); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	doc := f.api.OpenAPI()
	taken := 0
	for path, item := range doc.Paths {
		for _, op := range operationsOf(item) {
			filled := strings.NewReplacer("{number}", "1", "{job_id}", "1").Replace(path)
			for strings.Contains(filled, "{") {
				begin, end := strings.Index(filled, "{"), strings.Index(filled, "}")
				filled = filled[:begin] + "00000000-0000-0000-0000-000000000003" + filled[end+1:]
			}
			switch {
			case len(op.Security) == 2:
				taken++
				problemIn(t, f.call(op.Method, filled, "", withKey, signedIn), 400, "malformed_request")
				problemIn(t, f.call(op.Method, filled, "", "X-API-Key: "+goodKey[1:]), 401, "unauthenticated")
			case len(op.Security) == 1 && op.Security[0][schemeAPIKey] != nil:
				problemIn(t, f.call(op.Method, filled, "", signedIn), 401, "unauthenticated")
				problemIn(t, f.call(op.Method, filled, "", withKey, signedIn), 400, "malformed_request")
				problemIn(t, f.call(op.Method, filled, "", "X-API-Key: nonsense"), 401, "unauthenticated")
			case len(op.Security) == 1:
				problemIn(t, f.call(op.Method, filled, "", withKey), 403, "key_not_allowed")
				problemIn(t, f.call(op.Method, filled, "", "X-API-Key: nonsense"), 403, "key_not_allowed")
			}
		}
	}
	if taken != 30 {
		t.Errorf("%d operations take keys", taken)
	}
	problemIn(t, f.call("PATCH", oneAsset, `{"name": "g.txt"}`, withKey), 403, "key_not_allowed") // reads only
	problemIn(t, f.call("GET", oneAsset, "", withKey, withKey), 400, "malformed_request")
	problemIn(t, f.call("GET", oneAsset+"?api_key="+goodKey, ""), 401, "unauthenticated")
	if log := f.log.String(); !strings.Contains(log, `"key_prefix":"pk_01234567"`) {
		t.Errorf("the log does not tell whose key it was: %s", log)
	}
}

func TestEveryKeyThatDoesNotWorkLooksAlike(t *testing.T) {
	f := newFixture(t)
	var seen []string
	for _, key := range []string{
		"", "x", goodKey[:42], goodKey + "0", strings.ToUpper(goodKey), "pk_" + strings.Repeat("g", 40), "pk_" + strings.Repeat("0", 40), "sk_" + goodKey[3:],
	} {
		p := problemIn(t, f.call("GET", oneAsset, "", "X-API-Key: "+key), 401, "unauthenticated")
		delete(p, "request_id")
		text, _ := json.Marshal(p)
		seen = append(seen, string(text))
	}
	if len(slices.Compact(seen)) != 1 {
		t.Errorf("answers %q", seen)
	}
}

func TestKeysAreCountedByThemselvesOnceTheyAreKnown(t *testing.T) {
	f := newFixture(t, func(_ *Services, o *Options) { o.RatePerMinute = 3 })
	left := func(want string, headers ...string) {
		t.Helper()
		if got := f.call("GET", oneAsset, "", headers...).Header().Get("Ratelimit-Remaining"); got != want {
			t.Errorf("%q left, want %q", got, want)
		}
	}
	left("2", withKey) // as its address
	left("2", withKey)
	left("1", "X-API-Key: pk_"+strings.Repeat("0", 40))
	left("0", "X-API-Key: pk_"+strings.Repeat("1", 40)) // whoever makes keys up is one client
	problemIn(t, f.call("GET", oneAsset, "", "X-API-Key: pk_"+strings.Repeat("2", 40)), 429, "rate_limited")
	left("1", withKey)
}
