package httpapi

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	shareToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	sharedAt   = "/s/" + shareToken
	hostile    = "<script>alert('1')</script>\" onload=x \u05d0.png"
	browsing   = "Accept: text/html"
)

// fakeShare is a store with one link: to folder 30 of drive 4, called hostile,
// with file 31, called hostile, too, and folder 32.
type fakeShare struct {
	ports.Hot
	ports.Store
	ports.Secrets
	ports.Passwords
	ports.Limiter

	facts  core.ShareFacts
	visits []core.ShareAccess
	list   []ports.Entry
	tries  int
}

func newFakeShare() *fakeShare {
	folder := core.Node{
		ID: id[core.Node](30), OrgID: id[core.Org](3), DriveID: id[core.Drive](4), ParentID: core.RootOf(id[core.Drive](4)),
		Kind: core.KindFolder, Name: hostile, CreatedAt: now, UpdatedAt: now,
	}
	file := ports.Entry{Node: folder, File: core.File{Status: core.AssetReady, ContentType: "image/png", SizeBytes: 1_400_000, Current: 1}}
	file.Node.ID, file.Node.ParentID, file.Node.Kind = id[core.Node](31), folder.ID, core.KindAsset
	below := ports.Entry{Node: folder}
	below.Node.ID, below.Node.ParentID, below.Node.Name = id[core.Node](32), folder.ID, "Below"
	return &fakeShare{
		list: []ports.Entry{below, file},
		facts: core.ShareFacts{
			Link: core.ShareLink{
				ID: id[core.ShareLink](40), OrgID: id[core.Org](3), DriveID: folder.DriveID, NodeID: folder.ID, Kind: core.ShareDownload, CreatedAt: now,
				ShareRules: core.ShareRules{AllowDownload: true, AllowViewMetadata: true, MaxViews: core.Unlimited, MaxDownloads: core.Unlimited},
			},
			Creator: core.DriveFacts{
				DriveStanding: core.DriveStanding{Status: core.AccountActive, OrgRole: core.OrgOwner, Ownership: core.OwnDrive},
				OrgID:         id[core.Org](3), DriveID: folder.DriveID,
			},
			Node: folder, OrgName: "Acme & <Sons>",
		},
	}
}

// locked gives the link a password: sesame.
func (s *fakeShare) locked() *fakeShare {
	s.facts.Link.PasswordHash, s.facts.Link.PasswordVersion = "sesame", 1
	return s
}

func (s *fakeShare) ForShare(_ context.Context, q ports.ShareQuery) (core.ShareFacts, core.AccountID, error) {
	if q.Hash != sha256.Sum256([]byte(shareToken)) {
		return core.ShareFacts{}, core.AccountID{}, core.ErrNotFound
	}
	return s.facts, core.AccountID{}, nil
}

func (s *fakeShare) Visit(_ context.Context, a *core.ShareAccess) (bool, int64, error) {
	s.visits = append(s.visits, *a)
	return true, 0, nil
}

func (s *fakeShare) View(_ context.Context, fn func(ports.Tx) error) error {
	return fn(ports.Tx{Nodes: fakeShareNodes{s: s}, Listings: fakeShareNodes{s: s}, Versions: fakeShareVersions{}, Licenses: fakeLicenses{}})
}

func (*fakeShare) Fingerprint(data ...[]byte) []byte {
	sum := sha256.New()
	for _, d := range data {
		sum.Write(d)
	}
	return sum.Sum(nil)
}

func (*fakeShare) Verify(_ context.Context, hash, password string) (bool, error) {
	return hash == password, nil
}

func (s *fakeShare) Take(_ context.Context, r core.Rate, _ string, _ time.Time) (core.Allowance, error) {
	s.tries++
	return core.Allowance{OK: s.tries < 20, Limit: r.Burst, RetryAfter: 12 * time.Second}, nil
}

func (*fakeShare) Forget(context.Context, core.Rate, string) error { return nil }

type fakeShareNodes struct {
	ports.Nodes
	ports.Listings
	s *fakeShare
}

func (n fakeShareNodes) Get(_ context.Context, _ core.DriveID, want core.NodeID) (*ports.Entry, error) {
	for _, e := range append(n.s.list, ports.Entry{Node: n.s.facts.Node}) {
		if e.Node.ID == want {
			return &e, nil
		}
	}
	return nil, core.ErrNotFound
}

func (n fakeShareNodes) Trail(ctx context.Context, in core.DriveID, want core.NodeID) (core.Trail, error) {
	var t core.Trail
	for e, err := n.Get(ctx, in, want); err == nil; e, err = n.Get(ctx, in, e.Node.ParentID) {
		t = append(t, e.Node)
	}
	if len(t) == 0 {
		return nil, core.ErrNotFound
	}
	return t, nil
}

func (n fakeShareNodes) List(_ context.Context, q ports.NodeQuery) (out []ports.Entry, err error) {
	for _, e := range n.s.list {
		if e.Node.ParentID == q.ParentID && e.Node.Name > q.After.Name {
			out = append(out, e)
		}
	}
	return out[:min(len(out), q.Limit)], nil
}

type fakeShareVersions struct{ ports.Versions }

func (fakeShareVersions) Current(_ context.Context, _ core.OrgID, ids []core.AssetID) (map[core.AssetID]core.Version, error) {
	return map[core.AssetID]core.Version{ids[0]: {AssetID: ids[0], BlobKey: "k", ContentType: "image/png", SizeBytes: 7}}, nil
}

func (*fakeShare) Salt(context.Context, time.Time, core.VisitorSalt) (salt core.VisitorSalt, err error) {
	return salt, nil
}

func (*fakeShare) Country(string) string     { return core.CountryUnknown }
func (*fakeShare) Device(string) core.Device { return core.DeviceUnknown }

// shareFixture is a server with the pages of that link.
type shareFixture struct {
	*fixture
	share *fakeShare
}

func newShareFixture(tb testing.TB, s *fakeShare) shareFixture {
	tb.Helper()
	return shareFixture{newFixture(tb, func(all *Services, o *Options) {
		all.Shares = share.NewService(share.Deps{
			Store: s, Hot: s, Blobs: fakeBlobs{}, Secrets: s, Passwords: s, Limiter: s, Clock: fixedClock{}, IDs: fixedIDs{}, Text: plainText{},
			Countries: s, Devices: s,
		}, share.Options{DownloadTTL: time.Minute})
		all.Drives = drive.NewService(drive.Deps{Store: s, Access: s, Clock: fixedClock{}, IDs: fixedIDs{}, Text: plainText{}}, drive.Options{})
		all.BlobOrigin = func(context.Context) (string, error) { return "https://files.example.com", nil }
		o.AppURL = "https://app.example.com"
	}), s}
}

// unlock sends the password form, and returns the cookie it has given.
func (f shareFixture) unlock(password string) (*httptest.ResponseRecorder, string) {
	body := url.Values{"password": {password}}.Encode()
	w := f.call(http.MethodPost, sharedAt, body, "Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin")
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return w, cookie
}

// counted returns how often the link has been used so.
func (s *fakeShare) counted(kind core.AccessKind) (n int) {
	for _, a := range s.visits {
		if a.Kind == kind && a.Refused == "" {
			n++
		}
	}
	return n
}
