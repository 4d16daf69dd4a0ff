package contract

import (
	"crypto/sha256"
	"net/netip"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// newShare makes a link to a node of a person's drive that is not stored yet.
func (s storeTest) newShare(p person, node core.NodeID) *core.ShareLink {
	l := core.ShareLink{
		ID: core.ShareLinkID(s.id()), OrgID: p.drive.OrgID, DriveID: p.drive.ID, NodeID: node, Kind: core.ShareDownload, CreatedBy: p.account.ID,
		ShareRules: core.ShareRules{
			AllowDownload: true, AllowViewMetadata: true, MaxViews: core.Unlimited, MaxDownloads: core.Unlimited,
			Request: core.FileRequest{MaxFiles: core.Unlimited, MaxBytes: core.Unlimited},
		},
		Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
	l.TokenHash, l.TokenSealed = sha256.Sum256(l.ID[:]), l.ID[:]
	return &l
}

func (s storeTest) addShare(l *core.ShareLink) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.ShareLinks.Add(s.Context(), l) })
}

func (s storeTest) saveShare(l *core.ShareLink) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.ShareLinks.Save(s.Context(), l) })
}

// share stores a link, with some changes, to a node of a person's drive.
func (s storeTest) share(p person, node core.NodeID, change func(l *core.ShareLink)) *core.ShareLink {
	s.Helper()
	l := s.newShare(p, node)
	if change != nil {
		change(l)
	}
	s.must(s.addShare(l))
	return l
}

func (s storeTest) getShare(l *core.ShareLink) (got *core.ShareLink) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		got, err = tx.ShareLinks.Get(s.Context(), l.OrgID, l.ID)
		return err
	})
	return got
}

// everyRule are rules of which each says something.
func (s storeTest) everyRule() core.ShareRules {
	return core.ShareRules{ //nolint:gosec // the hash of no password
		Accounts: []core.AccountID{core.AccountID(s.id()), core.AccountID(s.id())}, PasswordHash: "$argon2id$x", PasswordVersion: 3,
		AllowDownload: true, AllowViewMetadata: true, ExpiresAt: noon.Add(time.Hour), MaxViews: 5, MaxDownloads: 0,
		IPAllow:   []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		Watermark: true, Request: core.FileRequest{MaxFiles: 7, MaxBytes: 8, ContentTypes: []string{"image", "text/plain"}},
	}
}

func shareEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	l := s.share(ana, ana.root(), func(l *core.ShareLink) {
		l.Kind, l.Name, l.ShareRules = core.ShareUpload, "é 中 \"", s.everyRule()
		l.Notify = core.ShareNotify{FirstView: true, EachDownload: true, EachUpload: true, LimitReached: true, ExpiringSoon: true}
		l.Views, l.Downloads, l.Uploads, l.LastAccessedAt = 1, 2, 3, noon.Add(time.Second)
		l.RevokedAt, l.RevokedBy = noon.Add(time.Minute), ben.account.ID
	})
	plain := s.share(ana, ana.root(), nil)
	for _, want := range []*core.ShareLink{l, plain} {
		s.equal(s.getShare(want), want)
		f, _, err := s.Hot.ForShare(s.Context(), ports.ShareQuery{Hash: want.TokenHash})
		s.must(err)
		s.equal(&f.Link, want)
	}
	s.view(func(tx ports.Tx) error {
		_, err := tx.ShareLinks.Get(s.Context(), ben.org.ID, l.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.ShareLinks.Get(s.Context(), ana.org.ID, core.ShareLinkID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		list, err := tx.ShareLinks.List(s.Context(), ports.ShareLinkQuery{OrgID: ben.org.ID, Limit: 9})
		s.equal(len(list), 0)
		return err
	})
	foreign := *l
	foreign.OrgID, foreign.Version = ben.org.ID, 2
	s.wantErr(s.saveShare(&foreign), core.ErrStale)
	twin := s.newShare(ben, ben.root())
	twin.TokenHash = l.TokenHash
	s.wantErr(s.addShare(twin), core.ErrConflict)
}

// shareSaved: a save keeps what visits have counted since the link was read,
// and one that comes second is refused.
func shareSaved(s storeTest) {
	ana := s.signUp("ana")
	l := s.share(ana, ana.root(), nil)
	first, second := s.getShare(l), s.getShare(l)
	s.granted(l, core.AccessDownload, true)
	first.Change("b", s.everyRule(), core.ShareNotify{ExpiringSoon: true}, noon.Add(time.Hour))
	first.Revoke(ana.account.ID, noon.Add(time.Hour))
	first.Version = 2
	s.must(s.saveShare(first))
	second.Rotate(sha256.Sum256([]byte("other")), []byte("other"), noon.Add(2*time.Hour))
	s.wantErr(s.saveShare(second), core.ErrStale)
	first.Downloads, first.LastAccessedAt = 1, noon
	s.equal(s.getShare(l), first)
	first.Rotate(sha256.Sum256([]byte("new")), []byte("new"), noon.Add(2*time.Hour))
	s.must(s.saveShare(first))
	_, _, err := s.Hot.ForShare(s.Context(), ports.ShareQuery{Hash: l.TokenHash})
	s.wantErr(err, core.ErrNotFound)
	f, _, err := s.Hot.ForShare(s.Context(), ports.ShareQuery{Hash: first.TokenHash})
	s.must(err)
	s.equal(&f.Link, first)
}
