package contract

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func factsUser(s storeTest) {
	p := s.signUp("ana")
	c, err := s.Hot.ForUser(s.Context(), p.actor())
	s.must(err)
	s.equal(c, core.Credential{})
	stranger := p.actor()
	stranger.UserID = core.UserID(s.id())
	_, err = s.Hot.ForUser(s.Context(), stranger)
	s.wantErr(err, core.ErrUnauthenticated)
	other := s.signUp("ben")
	mixed := core.Actor{UserID: p.user.ID, SessionID: other.session.ID}
	_, err = s.Hot.ForUser(s.Context(), mixed)
	s.wantErr(err, core.ErrUnauthenticated)
	s.disable(p)
	c, err = s.Hot.ForUser(s.Context(), p.actor())
	s.must(err)
	s.equal(c, core.Credential{UserDisabled: true})
}

func (s storeTest) disable(p person) {
	u := *p.user
	u.DisabledAt, u.Version = noon, u.Version+1
	s.update(func(tx ports.Tx) error { return tx.Users.Save(s.Context(), &u) })
}

func factsOrg(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	f, err := s.Hot.ForOrg(s.Context(), ana.actor(), ana.org.ID)
	s.must(err)
	s.equal(f, core.OrgFacts{
		OrgID: ana.org.ID, IsPersonal: true, AccountID: ana.account.ID, Status: core.AccountActive, Role: core.OrgOwner, Email: ana.user.Email,
	})
	s.must(core.CanInOrg(f, core.DeleteOrg))
	f, err = s.Hot.ForOrg(s.Context(), ben.actor(), ana.org.ID)
	s.must(err)
	s.wantErr(core.CanInOrg(f, core.ViewOrg), core.ErrNotFound)
	_, err = s.Hot.ForOrg(s.Context(), ben.actor(), core.OrgID(s.id()))
	s.wantErr(err, core.ErrNotFound)
	s.disable(ben) // who is shut out hears that first
	f, err = s.Hot.ForOrg(s.Context(), ben.actor(), core.OrgID(s.id()))
	s.must(err)
	s.wantErr(core.CanInOrg(f, core.ViewOrg), core.ErrUserDisabled)
}

func factsDrive(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	f, err := s.Hot.ForDrive(s.Context(), ana.actor(), ana.drive.ID)
	s.must(err)
	s.equal(f, core.DriveFacts{
		DriveStanding: core.DriveStanding{Status: core.AccountActive, OrgRole: core.OrgOwner, Ownership: core.OwnDrive},
		OrgID:         ana.org.ID, DriveID: ana.drive.ID, AccountID: ana.account.ID, Email: ana.user.Email,
	})
	f, err = s.Hot.ForDrive(s.Context(), ben.actor(), ana.drive.ID)
	s.must(err)
	s.wantErr(core.CanInDrive(f, core.DriveViewer), core.ErrNotFound)
	_, err = s.Hot.ForDrive(s.Context(), ana.actor(), core.DriveID(s.id()))
	s.wantErr(err, core.ErrNotFound)
}

// factsStandings adds accounts of every role and status to an org with drives
// of every default role, and asks both the facts and the reservation of each.
func factsStandings(s storeTest) {
	org, drives := s.company()
	for _, role := range []core.OrgRole{core.OrgOwner, core.OrgAdmin, core.OrgMember, core.OrgViewer} {
		for _, status := range []core.AccountStatus{core.AccountInvited, core.AccountActive, core.AccountSuspended, core.AccountRemoved} {
			p := s.signUp(string(role) + string(status))
			account := &core.Account{
				ID: core.AccountID(s.id()), OrgID: org.ID, UserID: p.user.ID, Role: role, Status: status,
				Version: 1, CreatedAt: noon, UpdatedAt: noon,
			}
			if status == core.AccountInvited {
				account.InvitedEmail = p.user.Email
			}
			s.update(func(tx ports.Tx) error { return tx.Accounts.Add(s.Context(), account) })
			for _, d := range drives {
				s.judged(p, account, d)
			}
		}
	}
}

// company stores an org with drives of every default role.
func (s storeTest) company() (*core.Org, []*core.Drive) {
	s.Helper()
	org := core.NewPersonalOrg(core.OrgID(s.id()), "many", "many", noon)
	org.IsPersonal = false
	var drives []*core.Drive
	for _, role := range []core.DriveRole{core.DriveNone, core.DriveViewer, core.DriveEditor, core.DriveAdmin} {
		drives = append(drives, &core.Drive{
			ID: core.DriveID(s.id()), OrgID: org.ID, Name: "shared " + string(role), DefaultRole: role, QuotaBytes: core.Unlimited,
			Version: 1, CreatedAt: noon, UpdatedAt: noon,
		})
	}
	s.update(func(tx ports.Tx) error {
		s.must(tx.Orgs.Add(s.Context(), org, drives[0].ID))
		for _, d := range drives {
			s.must(tx.Drives.Add(s.Context(), d))
		}
		return nil
	})
	return org, drives
}

func (s storeTest) judged(p person, account *core.Account, d *core.Drive) {
	s.Helper()
	f, err := s.Hot.ForDrive(s.Context(), p.actor(), d.ID)
	s.must(err)
	s.equal(f.DriveStanding, core.DriveStanding{
		Status: account.Status, OrgRole: account.Role, Ownership: core.SharedDrive, Default: d.DefaultRole,
	})
	r := s.reservation(p, string(account.Role+"/"+core.OrgRole(account.Status)+"/")+string(d.DefaultRole), 1)
	r.Upload.OrgID, r.NewAsset.OrgID = d.OrgID, d.OrgID
	r.Upload.DriveID, r.NewAsset.DriveID = d.ID, d.ID
	_, ok, err := s.Hot.Reserve(s.Context(), r)
	s.must(err)
	if want := core.CanInDrive(f, core.DriveEditor) == nil; ok != want {
		s.Errorf("%s: reserved %t, core says %t", f.Key(), ok, want)
	}
	s.view(func(tx ports.Tx) error {
		list, err := tx.Assets.List(s.Context(), ports.AssetQuery{OrgID: d.OrgID, AccountID: account.ID, Limit: 200})
		s.must(err)
		inDrive := 0
		for _, a := range list {
			if a.DriveID == d.ID {
				inDrive++
			}
		}
		if core.CanInDrive(f, core.DriveViewer) != nil && inDrive > 0 {
			s.Errorf("%s: lists assets it may not read", f.Key())
		}
		return nil
	})
}

func factsAsset(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	r := s.reserve(ana, "a.txt", 5)
	f, err := s.Hot.ForAsset(s.Context(), ana.actor(), r.NewAsset.ID)
	s.must(err)
	s.equal(f.Asset, *r.NewAsset)
	s.wantErr(core.CanDownload(f, noon), core.ErrAssetNotReady)
	want := s.finish(r)
	f, err = s.Hot.ForAsset(s.Context(), ana.actor(), r.NewAsset.ID)
	s.must(err)
	s.equal(f.Asset, *want)
	s.equal(f.Version, core.Version{
		AssetID: want.ID, OrgID: want.OrgID, Number: 1, BlobKey: r.Upload.BlobKey, ContentType: "text/plain", SizeBytes: 5,
	})
	s.must(core.CanDownload(f, noon))
	less, err := s.Hot.ForDownload(s.Context(), ana.actor(), r.NewAsset.ID)
	s.must(err)
	s.equal(f.Email, ana.user.Email)
	f.Email = "" // a download changes nothing
	s.equal([]any{less.DriveFacts, less.Version, less.Asset.Name, less.Asset.Status}, []any{f.DriveFacts, f.Version, f.Asset.Name, f.Asset.Status})
	for _, ask := range []func(context.Context, core.Actor, core.AssetID) (core.AssetFacts, error){s.Hot.ForAsset, s.Hot.ForDownload} {
		f, err = ask(s.Context(), ben.actor(), r.NewAsset.ID)
		s.must(err)
		s.wantErr(core.CanDownload(f, noon), core.ErrNotFound)
		_, err = ask(s.Context(), ana.actor(), core.AssetID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		s.trash(want)
		f, err = ask(s.Context(), ana.actor(), r.NewAsset.ID)
		s.must(err)
		s.wantErr(core.CanDownload(f, noon), core.ErrAssetTrashed)
		s.restore(want)
	}
	for _, id := range []core.AssetID{core.AssetID(s.id()), core.RootOf(ana.drive.ID)} {
		_, err = s.Hot.ForAsset(s.Context(), ana.actor(), id)
		s.wantErr(err, core.ErrNotFound)
	}
	s.update(func(tx ports.Tx) error { return tx.Sessions.Revoke(s.Context(), ana.session.ID, noon) })
	f, err = s.Hot.ForAsset(s.Context(), ana.actor(), r.NewAsset.ID)
	s.must(err)
	s.wantErr(core.CanDownload(f, noon), core.ErrUnauthenticated)
}

func (s storeTest) trash(a *core.Asset) {
	a.Trash(noon.Add(time.Hour))
	s.update(func(tx ports.Tx) error { return tx.Assets.Save(s.Context(), a) })
}

func (s storeTest) restore(a *core.Asset) {
	a.TrashedAt = time.Time{}
	a.Node.Version++
	s.update(func(tx ports.Tx) error { return tx.Assets.Save(s.Context(), a) })
}

func (s storeTest) uploadFacts(p person, parent core.NodeID) core.UploadFacts {
	s.Helper()
	f, err := s.Hot.ForUpload(s.Context(), p.actor(), ports.UploadQuery{OrgID: p.org.ID, ParentID: parent, Now: noon.Add(time.Second)})
	s.must(err)
	return f
}
