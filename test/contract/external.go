package contract

import (
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// factsExternal: the user whom an external issuer knows acts without a session;
// nobody else does, and an identity that is gone names nobody.
func factsExternal(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	identity := core.Identity{Issuer: "https://a.example", Subject: "Sub", UserID: ana.user.ID, CreatedAt: noon}
	s.update(func(tx ports.Tx) error { return tx.Identities.Add(s.Context(), &identity) })
	a, err := s.Hot.ForIdentity(s.Context(), identity.Issuer, identity.Subject)
	s.must(err)
	s.equal(a, core.Actor{Kind: core.ActorAccount, UserID: ana.user.ID, External: true, ActiveOrg: ana.org.ID})
	for _, other := range [][2]string{{"https://b.example", "Sub"}, {"https://a.example", "sub"}, {"", ""}} {
		_, err := s.Hot.ForIdentity(s.Context(), other[0], other[1])
		s.wantErr(err, core.ErrNotFound)
	}

	asset := s.reserve(ana, "a.txt", 5).NewAsset.ID
	s.mayAll(a, ana, asset, nil)
	s.mayAll(a, ben, s.reserve(ben, "b.txt", 5).NewAsset.ID, core.ErrNotFound)

	// Without a session nobody else acts, whatever they call themselves; and a
	// session that is named counts.
	for _, nobody := range []core.Actor{
		{Kind: core.ActorAccount, UserID: ana.user.ID},
		{Kind: core.ActorAccount, UserID: ana.user.ID, SessionID: ben.session.ID, External: true},
		{Kind: core.ActorAccount, UserID: ana.user.ID, SessionID: core.SessionID(s.id()), External: true},
		{Kind: core.ActorAccount, UserID: core.UserID(s.id()), External: true},
		{External: true},
	} {
		s.mayAll(nobody, ana, asset, core.ErrUnauthenticated)
	}
	s.disable(ana)
	s.mayAll(a, ana, asset, core.ErrUserDisabled)
	s.update(func(tx ports.Tx) error { return tx.Identities.RemoveOf(s.Context(), ana.user.ID) })
	_, err = s.Hot.ForIdentity(s.Context(), identity.Issuer, identity.Subject)
	s.wantErr(err, core.ErrNotFound)
}

// mayAll asks every hot statement what the actor may do with what is p's.
func (s storeTest) mayAll(a core.Actor, p person, asset core.AssetID, want error) {
	s.Helper()
	credential, err := s.Hot.ForUser(s.Context(), a)
	if a.UserID == p.user.ID || !a.External {
		s.wantErr(firstOf(err, credential.Check()), want)
	}
	org, err := s.Hot.ForOrg(s.Context(), a, p.org.ID)
	s.wantErr(firstOf(err, core.CanInOrg(org, core.ViewOrg)), want)
	drive, err := s.Hot.ForDrive(s.Context(), a, p.drive.ID)
	s.wantErr(firstOf(err, core.CanInDrive(drive, core.DriveViewer)), want)
	facts, err := s.Hot.ForAsset(s.Context(), a, asset)
	s.wantErr(firstOf(err, core.CanChangeAsset(facts)), want)
	facts, err = s.Hot.ForDownload(s.Context(), a, asset)
	s.wantErr(firstOf(err, core.CanInDrive(facts.DriveFacts, core.DriveViewer)), want)
	upload, err := s.Hot.ForUpload(s.Context(), a, ports.UploadQuery{OrgID: p.org.ID, DriveID: p.drive.ID, Now: noon})
	s.wantErr(firstOf(err, core.CanUpload(upload, 1, 1)), want)
	for range 2 { // with and without a unit of work around it
		r := s.reservation(p, core.AssetID(s.id()).String(), 1)
		r.Actor = a
		_, ok, err := s.Hot.Reserve(s.Context(), r)
		s.must(err)
		s.equal(ok, want == nil)
		r = s.reservation(p, core.AssetID(s.id()).String(), 1)
		r.Actor = a
		s.update(func(tx ports.Tx) error {
			_, ok, err := tx.Quota.Reserve(s.Context(), r)
			s.equal(ok, want == nil)
			return err
		})
	}
}

// firstOf returns the error of the question, or else that of the answer.
func firstOf(asked, judged error) error {
	if asked != nil {
		return asked
	}
	return judged
}
