package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func id[T any](n byte) core.ID[T] { return core.ID[T]{15: n} }

type fixedClock struct{}

func (fixedClock) Now() time.Time { return now }

type fixedIDs struct{}

func (fixedIDs) NewID() [16]byte { return [16]byte{15: 200} }

type plainText struct{}

func (plainText) NFC(s string) string { return s }

// fakeTokens knows one token.
type fakeTokens struct{}

const (
	goodToken = "good"
	goodKey   = "pk_0123456789abcdef0123456789abcdef01234567" // may read
)

func (fakeTokens) Issue(core.Claims) (string, error) { return goodToken, nil }

func (fakeTokens) Verify(token string, _ time.Time) (core.Claims, error) {
	if token != goodToken {
		return core.Claims{}, core.ErrUnauthenticated
	}
	return core.Claims{UserID: id[core.User](1), SessionID: id[core.Session](2)}, nil
}

// fakeIssuers have issued nothing.
type fakeIssuers struct{ ports.ExternalTokens }

func (fakeIssuers) Issued(string) bool { return false }

// fakeProviders are one.
type fakeProviders struct{ ports.SignInProviders }

func (fakeProviders) Names() []ports.SignInProvider {
	return []ports.SignInProvider{{Name: "work", Label: "Work account"}}
}

// fakeLimiter counts down from what it is given.
type fakeLimiter struct {
	mu   sync.Mutex
	used map[string]int
}

func (l *fakeLimiter) Take(_ context.Context, r core.Rate, key string, _ time.Time) (core.Allowance, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used == nil {
		l.used = map[string]int{}
	}
	if l.used[key] >= r.Burst {
		return core.Allowance{Limit: r.Burst, RetryAfter: 1500 * time.Millisecond, Reset: r.Period}, nil
	}
	l.used[key]++
	return core.Allowance{OK: true, Limit: r.Burst, Remaining: r.Burst - l.used[key], Reset: 2 * time.Second}, nil
}

// fakeHot is a store with one asset, that of user 1.
type fakeHot struct {
	ports.Hot
	asset  core.Asset
	drives *fakeDrives
}

func (h *fakeHot) ForNode(ctx context.Context, a core.Actor, want core.NodeID) (core.NodeFacts, error) {
	if want != h.asset.ID {
		return core.NodeFacts{}, core.ErrNotFound
	}
	f, err := h.ForDrive(ctx, a, h.asset.DriveID)
	return core.NodeFacts{DriveFacts: f, Node: h.asset.Node}, err
}

func (h *fakeHot) ForAsset(_ context.Context, a core.Actor, want core.AssetID) (core.AssetFacts, error) {
	if want != h.asset.ID {
		return core.AssetFacts{}, core.ErrNotFound
	}
	var c core.Credential
	if a.ByKey() {
		if a.Key.Prefix != goodKey[:11] {
			return core.AssetFacts{}, core.ErrKeyInvalid
		}
		c.APIKey = core.KeyFacts{ID: id[core.APIKey](11), Permissions: core.PermitRead, Status: core.KeyActive}
	}
	return core.AssetFacts{
		DriveFacts: core.DriveFacts{
			Credential:    c,
			DriveStanding: core.DriveStanding{Status: core.AccountActive, OrgRole: core.OrgOwner, Ownership: core.OwnDrive},
			OrgID:         h.asset.OrgID, DriveID: h.asset.DriveID, AccountID: h.asset.CreatedBy,
		},
		Asset: h.asset, Version: core.Version{BlobKey: "o/a/f.txt", ContentType: h.asset.ContentType, SizeBytes: h.asset.SizeBytes},
	}, nil
}

func (h *fakeHot) ForDownload(ctx context.Context, a core.Actor, want core.AssetID) (core.AssetFacts, error) {
	return h.ForAsset(ctx, a, want)
}

// ForDrive knows the drives of people, and of the one key drive 4.
func (h *fakeHot) ForDrive(ctx context.Context, a core.Actor, want core.DriveID) (core.DriveFacts, error) {
	if !a.ByKey() {
		return h.drives.facts(ctx, want)
	}
	if want != h.asset.DriveID && !want.IsZero() {
		return core.DriveFacts{}, core.ErrNotFound
	}
	f, err := h.ForAsset(ctx, a, h.asset.ID)
	return f.DriveFacts, err
}

func (h *fakeHot) ForUser(context.Context, core.Actor) (core.Credential, error) {
	return core.Credential{}, nil
}

func (h *fakeHot) ForOrg(_ context.Context, _ core.Actor, want core.OrgID) (core.OrgFacts, error) {
	if want != h.asset.OrgID {
		return core.OrgFacts{}, core.ErrNotFound
	}
	return core.OrgFacts{OrgID: want, AccountID: id[core.Account](6), Status: core.AccountActive, Role: core.OrgOwner, Email: "ana@example.com"}, nil
}

type fakeStore struct {
	hot     *fakeHot
	people  *fakePeople
	drives  *fakeDrives
	keys    *fakeKeys
	listErr error
}

func (s *fakeStore) View(ctx context.Context, fn func(ports.Tx) error) error {
	return s.Update(ctx, fn)
}

func (s *fakeStore) Survey(ctx context.Context, fn func(ports.Tx) error) error {
	return s.Update(ctx, fn)
}

func (s *fakeStore) Update(_ context.Context, fn func(ports.Tx) error) error {
	return fn(ports.Tx{
		Assets: fakeAssets{store: s}, Orgs: fakeOrgs{people: s.people}, Users: fakeUsers{people: s.people}, Sessions: fakeSessions{people: s.people},
		Accounts: fakeAccounts{people: s.people}, Licenses: fakeLicenses{}, Audit: s.people, Drives: s.drives, DriveMembers: fakeDriveMembers{fakeDrives: s.drives},
		Jobs: s.drives, Changes: fakeChanges{}, Events: fakeEvents{}, APIKeys: s.keys, ShareLinks: fakeShares{}, Entitlements: fakeEntitlements{}, Datasets: fakeDatasets{},
		GroupPermissions: fakeGroupPermissions{}, DatasetGrants: fakeDatasetGrants{},
	})
}

func (s *fakeStore) Ping(context.Context) error { return nil }

type fakeEvents struct{ ports.Events }

func (fakeEvents) Add(context.Context, ...*core.Event) error { return nil }

type fakeGroupPermissions struct{ ports.GroupPermissions }

func (fakeGroupPermissions) Forget(context.Context, core.OrgID, core.AccountID) error { return nil }

type fakeDatasetGrants struct{ ports.DatasetGrants }

func (fakeDatasetGrants) Forget(context.Context, core.OrgID, core.AccountID) error { return nil }

type fakeChanges struct{ ports.Changes }

func (fakeChanges) Add(context.Context, ...core.NodeChange) error { return nil }

type fakeAssets struct {
	ports.Assets
	store *fakeStore
}

func (a fakeAssets) Get(context.Context, core.OrgID, core.AssetID) (*core.Asset, error) {
	return new(a.store.hot.asset), nil
}

func (a fakeAssets) Save(_ context.Context, changed *core.Asset) error {
	a.store.hot.asset = *changed
	return nil
}

// List returns assets 100, 99 … 1 from before q.Before on.
func (a fakeAssets) List(_ context.Context, q ports.AssetQuery) ([]*core.Asset, error) {
	if a.store.listErr != nil {
		return nil, a.store.listErr
	}
	var out []*core.Asset
	for n := byte(100); n > 0 && len(out) < q.Limit; n-- {
		if next := id[core.Node](n); q.Before.IsZero() || n < q.Before[15] {
			out = append(out, &core.Asset{Node: core.Node{ID: next, OrgID: q.OrgID}})
		}
	}
	return out, nil
}

type fakeBlobs struct{ ports.Blobs }

func (fakeBlobs) SignGet(_ context.Context, s ports.GetSpec) (ports.SignedRequest, error) {
	return ports.SignedRequest{Method: http.MethodGet, URL: "https://files.example.com/" + s.Key + "?signature=1"}, nil
}

func (fakeBlobs) Parts(context.Context, string, string) iter.Seq2[ports.Part, error] { return nil }

// fixture is a server over fakes, and its log.
type fixture struct {
	*server
	hot   *fakeHot
	store *fakeStore
	log   *bytes.Buffer
}

func newFixture(tb testing.TB, change ...func(*Services, *Options)) *fixture {
	tb.Helper()
	f := &fixture{log: &bytes.Buffer{}, hot: &fakeHot{asset: core.Asset{
		Node: core.Node{
			ID: id[core.Node](5), OrgID: id[core.Org](3), DriveID: id[core.Drive](4), ParentID: core.RootOf(id[core.Drive](4)),
			Kind: core.KindAsset, Name: "f.txt", CreatedBy: id[core.Account](6), Version: 3, CreatedAt: now, UpdatedAt: now,
		},
		File: core.File{Status: core.AssetReady, ContentType: "text/plain", SizeBytes: 7, SHA256: bytes.Repeat([]byte{0xab}, 32), Current: 1, Newest: 1},
	}}}
	f.store = &fakeStore{hot: f.hot, people: newFakePeople(), keys: &fakeKeys{}}
	f.store.drives = newFakeDrives(f.store.people)
	f.hot.drives = f.store.drives
	s := Services{
		Identity: identity.NewService(identity.Deps{Store: f.store, Access: f.hot, Tokens: fakeTokens{}, External: fakeIssuers{}, Providers: fakeProviders{}, Clock: fixedClock{}, IDs: fixedIDs{}, Text: plainText{}}, identity.Options{}),
		Orgs: org.NewService(org.Deps{
			Store: f.store, Access: f.hot, Clock: fixedClock{}, IDs: fixedIDs{}, Text: plainText{}, Zones: earth{},
		}, org.Options{Retention: time.Hour}),
		Drives: drive.NewService(drive.Deps{Store: f.store, Access: f.hot, Clock: fixedClock{}, IDs: fixedIDs{}, Text: plainText{}}, drive.Options{}),
		Assets: asset.NewService(asset.Deps{
			Store: f.store, Hot: f.hot, Blobs: fakeBlobs{}, Clock: fixedClock{}, IDs: fixedIDs{}, Text: plainText{},
		}, asset.Options{DownloadTTL: 5 * time.Minute}),
		Limiter: &fakeLimiter{}, Clock: fixedClock{}, Log: slog.New(slog.NewJSONHandler(f.log, nil)),
	}
	o := Options{CursorKey: []byte("0123456789abcdef"), Version: "1.2.3"}
	for _, fn := range change {
		fn(&s, &o)
	}
	handler, err := New(s, o)
	if err != nil {
		tb.Fatal(err)
	}
	srv, ok := handler.(*server)
	if !ok {
		tb.Fatalf("New returned a %T", handler)
	}
	f.server = srv
	return f
}

// call sends a request; each header is "Name: value".
func (f *fixture) call(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, path, r)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, req)
	return w
}

const signedIn = "Authorization: Bearer " + goodToken

// problemIn reads a problem and checks what holds for every one.
func problemIn(t *testing.T, w *httptest.ResponseRecorder, status int, code string) map[string]any {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("status %d, %v: %q", w.Code, err, w.Body)
	}
	if w.Code != status || p["status"] != float64(status) || p["code"] != code {
		t.Fatalf("got status %d: %s; want %d %s", w.Code, w.Body, status, code)
	}
	if got := w.Header().Get("Content-Type"); got != problemType {
		t.Errorf("Content-Type = %q", got)
	}
	if p["request_id"] != w.Header().Get("X-Request-ID") || p["request_id"] == "" {
		t.Errorf("request_id = %v, header %q", p["request_id"], w.Header().Get("X-Request-ID"))
	}
	if p["type"] != defaultPublicURL+"/docs#error-"+code || p["title"] == "" || p["detail"] == "" {
		t.Errorf("type = %v, title = %v, detail = %v", p["type"], p["title"], p["detail"])
	}
	return p
}

var errSecret = errors.New("pq: relation \"users\" does not exist")
