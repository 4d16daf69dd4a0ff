package contract

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// shared returns a shared drive of the team that was not stored yet.
func (s storeTest) shared(t team, name string, byDefault core.DriveRole) *core.Drive {
	return core.NewSharedDrive(core.DriveID(s.id()), t.org.ID, core.DriveChange{Name: &name, DefaultRole: &byDefault}, noon)
}

func (s storeTest) addDrive(d *core.Drive) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Drives.Add(s.Context(), d) })
}

func (s storeTest) putMember(d core.DriveID, a core.AccountID, role core.DriveRole) {
	s.Helper()
	s.update(func(tx ports.Tx) error {
		return tx.DriveMembers.Put(s.Context(), core.DriveMember{DriveID: d, AccountID: a, Role: role, CreatedAt: noon})
	})
}

// driveNames: of an org's live shared drives each has a name of its own,
// whatever its case.
func driveNames(s storeTest) {
	ana := s.signUp("ana")
	t, other := s.newTeam(ana, "team"), s.newTeam(ana, "other")
	s.must(s.addDrive(s.shared(other, "École", core.DriveNone)))
	d := s.shared(t, "École", core.DriveNone)
	s.must(s.addDrive(d))
	for _, name := range []string{"École", "éCOLE", "LIBRARY"} {
		s.wantErr(s.addDrive(s.shared(t, name, core.DriveNone)), core.ErrDriveNameTaken)
	}
	personal := core.NewPersonalDrive(core.DriveID(s.id()), t.org.ID, t.owner.ID, noon)
	personal.Name = "École"
	s.must(s.addDrive(personal))
	lib := *t.library
	lib.Name, lib.Version = "éCOLE", 2
	s.wantErr(s.saveDrive(&lib), core.ErrDriveNameTaken)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Drives.ByName(s.Context(), t.org.ID, "ÉCOLE")
		s.must(err)
		s.equal(got, d)
		_, err = tx.Drives.ByName(s.Context(), t.org.ID, "École 2")
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	s.must(d.Delete(t.org, noon)) // makes room for another
	s.must(s.saveDrive(d))
	s.must(s.saveDrive(&lib))
	s.view(func(tx ports.Tx) error {
		_, err := tx.Drives.Get(s.Context(), t.org.ID, d.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Drives.Contents(s.Context(), t.org.ID, d.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
}

func driveNameRace(s storeTest) {
	t := s.newTeam(s.signUp("ana"), "team")
	for round := range 5 {
		drives := make([]*core.Drive, racers)
		for i := range drives {
			drives[i] = s.shared(t, fmt.Sprintf("%s %d", []string{"NEW", "new", "New"}[i%3], round), core.DriveNone)
		}
		s.equal(s.race(core.ErrDriveNameTaken, func(i int) error { return s.addDrive(drives[i]) }), 1)
	}
}

// driveVisibility lets accounts of every role and status list the drives of
// their org, and each drive list the accounts that may read it: both find what
// core says.
func driveVisibility(s storeTest) {
	t := s.newTeam(s.signUp("ana"), "team")
	stranger := s.newTeam(s.signUp("eve"), "stranger")
	drives := []*core.Drive{t.library}
	for _, byDefault := range []core.DriveRole{core.DriveNone, core.DriveViewer, core.DriveEditor, core.DriveAdmin} {
		for _, name := range []string{"rowless", "viewer", "editor", "admin"} {
			d := s.shared(t, name+" "+string(byDefault), byDefault)
			s.must(s.addDrive(d))
			drives = append(drives, d)
		}
	}
	gone := s.shared(t, "gone", core.DriveAdmin)
	s.must(s.addDrive(gone))
	s.must(gone.Delete(t.org, noon))
	s.must(s.saveDrive(gone))
	accounts := []*core.Account{t.owner}
	for _, role := range []core.OrgRole{core.OrgOwner, core.OrgAdmin, core.OrgMember, core.OrgViewer} {
		for _, status := range []core.AccountStatus{core.AccountActive, core.AccountSuspended, core.AccountRemoved} {
			a := s.joined(t, s.signUp(string(role)+string(status)), role, status)
			accounts = append(accounts, a)
			own := core.NewPersonalDrive(core.DriveID(s.id()), t.org.ID, a.ID, noon)
			s.must(s.addDrive(own))
			drives = append(drives, own)
			for i, d := range drives[1:17] {
				if member := []core.DriveRole{"", core.DriveViewer, core.DriveEditor, core.DriveAdmin}[i%4]; member != "" {
					s.putMember(d.ID, a.ID, member)
				}
			}
		}
	}
	slices.SortFunc(drives, func(a, b *core.Drive) int { return slices.Compare(a.ID[:], b.ID[:]) })
	readers := make(map[core.DriveID][]core.AccountID)
	for _, a := range accounts {
		var want []core.DriveID
		for _, d := range drives {
			if standing := s.standing(d, a); standing.Role().AtLeast(core.DriveViewer) {
				want = append(want, d.ID)
				readers[d.ID] = append(readers[d.ID], a.ID)
			}
		}
		var got []core.DriveID
		for _, e := range s.drivesOf(t, a) {
			got = append(got, e.Drive.ID)
			i := slices.IndexFunc(drives, func(d *core.Drive) bool { return d.ID == e.Drive.ID })
			s.equal(e, ports.DriveEntry{Drive: *drives[i], Standing: s.standing(drives[i], a), IsDefault: e.Drive.ID == t.library.ID})
		}
		s.equal(got, want)
	}
	s.equal(len(s.drivesOf(t, stranger.owner)), 0)
	s.equal(len(s.drivesOf(stranger, t.owner)), 0)
	for _, d := range drives {
		s.equal(s.accountsOf(d, false), readers[d.ID])
	}
	s.equal(len(s.accountsOf(gone, false)), 0)
}

// standing returns the account's standing as it was stored.
func (s storeTest) standing(d *core.Drive, a *core.Account) (found core.DriveStanding) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		m, err := tx.DriveMembers.Get(s.Context(), d.OrgID, d.ID, a.ID)
		if err == nil {
			found = m.Standing
			s.equal(m.Account, *a)
		}
		return err
	})
	want := core.DriveStanding{Status: a.Status, OrgRole: a.Role, Ownership: core.SharedDrive, Member: found.Member, Default: d.DefaultRole}
	if d.IsPersonal() {
		want.Ownership, want.Member = core.OthersDrive, core.DriveNone
		if d.OwnerAccountID == a.ID {
			want.Ownership = core.OwnDrive
		}
	}
	s.equal(found, want)
	return found
}

// drivesOf lists what an account sees of an org, page by page.
func (s storeTest) drivesOf(t team, a *core.Account) (found []ports.DriveEntry) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		q := ports.DriveQuery{OrgID: t.org.ID, AccountID: a.ID, Limit: 3}
		for {
			page, err := tx.Drives.List(s.Context(), q)
			s.must(err)
			found = append(found, page...)
			if len(page) < q.Limit {
				break
			}
			q.After = page[len(page)-1].Drive.ID
		}
		for _, e := range found {
			one, err := tx.Drives.List(s.Context(), ports.DriveQuery{OrgID: t.org.ID, AccountID: a.ID, ID: e.Drive.ID, Limit: 2})
			s.must(err)
			s.equal(one, []ports.DriveEntry{e})
		}
		return nil
	})
	return found
}

// accountsOf lists who is a member of a drive, or may read it, page by page.
func (s storeTest) accountsOf(d *core.Drive, members bool) (found []core.AccountID) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		q := ports.DriveAccountQuery{OrgID: d.OrgID, DriveID: d.ID, Members: members, Limit: 2}
		for {
			page, err := tx.DriveMembers.List(s.Context(), q)
			s.must(err)
			for _, m := range page {
				found = append(found, m.Account.ID)
			}
			if len(page) < q.Limit {
				return nil
			}
			q.After = page[len(page)-1].Account.ID
		}
	})
	return found
}

func driveMemberEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	t, other := s.newTeam(ana, "team"), s.newTeam(ana, "other")
	a := s.joined(t, ben, core.OrgMember, core.AccountActive)
	open := s.invitation(t, "new@example.com")
	s.must(s.addAccount(open))
	get := func(org core.OrgID, account core.AccountID) (m *ports.DriveAccount, err error) {
		s.view(func(tx ports.Tx) error {
			m, err = tx.DriveMembers.Get(s.Context(), org, t.library.ID, account)
			return nil
		})
		return m, err
	}
	want := &ports.DriveAccount{
		Member: ports.Member{Account: *a, Email: ben.user.Email, Name: "ben"},
		Standing: core.DriveStanding{
			Status: core.AccountActive, OrgRole: core.OrgMember, Ownership: core.SharedDrive, Default: core.DriveEditor,
		},
	}
	got, err := get(t.org.ID, a.ID)
	s.must(err)
	s.equal(got, want)
	for _, role := range []core.DriveRole{core.DriveViewer, core.DriveAdmin} {
		s.putMember(t.library.ID, a.ID, role)
		want.Standing.Member, want.Since = role, noon
		got, err = get(t.org.ID, a.ID)
		s.must(err)
		s.equal(got, want)
	}
	got, err = get(t.org.ID, open.ID)
	s.must(err)
	s.equal([]string{got.Email, got.Name, string(got.Standing.Status)}, []string{"new@example.com", "", "invited"})
	for _, foreign := range []core.AccountID{other.owner.ID, core.AccountID(s.id())} {
		_, err = get(t.org.ID, foreign)
		s.wantErr(err, core.ErrNotFound)
	}
	_, err = get(other.org.ID, a.ID)
	s.wantErr(err, core.ErrNotFound)
	s.equal(s.accountsOf(t.library, true), []core.AccountID{a.ID})
	remove := func() error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.DriveMembers.Remove(s.Context(), t.library.ID, a.ID) })
	}
	s.equal(s.race(core.ErrNotFound, func(int) error { return remove() }), 1)
	s.equal(len(s.accountsOf(t.library, true)), 0)

	second := s.shared(t, "second", core.DriveNone)
	s.must(s.addDrive(second))
	for _, d := range []core.DriveID{t.library.ID, second.ID} {
		s.putMember(d, a.ID, core.DriveViewer)
		s.putMember(d, t.owner.ID, core.DriveAdmin)
	}
	s.update(func(tx ports.Tx) error { return tx.DriveMembers.RemoveAll(s.Context(), a.ID) })
	for _, d := range []*core.Drive{t.library, second} {
		s.equal(s.accountsOf(d, true), []core.AccountID{t.owner.ID})
	}
}

// driveMemberRace gives one account roles at once: one of them stays.
func driveMemberRace(s storeTest) {
	t := s.newTeam(s.signUp("ana"), "team")
	roles := []core.DriveRole{core.DriveViewer, core.DriveEditor, core.DriveAdmin}
	ok := s.race(core.ErrConflict, func(i int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			return tx.DriveMembers.Put(s.Context(), core.DriveMember{
				DriveID: t.library.ID, AccountID: t.owner.ID, Role: roles[i%3], CreatedAt: noon.Add(time.Duration(i) * time.Second),
			})
		})
	})
	s.equal(ok, racers)
	s.equal(s.accountsOf(t.library, true), []core.AccountID{t.owner.ID})
}

// defaultDrive: an org's default drive can be changed, and is where files go
// that name no drive.
func defaultDrive(s storeTest) {
	ana := s.signUp("ana")
	t := s.newTeam(ana, "team")
	s.equal(t.org.DefaultDriveID, t.library.ID)
	d := s.shared(t, "second", core.DriveNone)
	s.must(s.addDrive(d))
	o := *t.org
	o.Change(core.OrgChange{DefaultDriveID: &d.ID}, noon)
	s.must(s.saveOrg(&o))
	in := ana
	in.org, in.account, in.drive = t.org, t.owner, t.library
	r := s.reservation(in, "a", 1)
	r.Upload.DriveID, r.NewAsset.DriveID, r.NewAsset.ParentID = core.DriveID{}, core.DriveID{}, core.NodeID{}
	g, ok, err := s.Hot.Reserve(s.Context(), r)
	s.must(err)
	s.equal([]any{ok, g.DriveID}, []any{true, d.ID})
}

// driveDeleted: deleted drives wait in their order, and are removed only when
// nothing is in them.
func driveDeleted(s storeTest) {
	t := s.newTeam(s.signUp("ana"), "team")
	var want []core.DriveID
	for i := range 3 {
		d := s.shared(t, fmt.Sprint(i), core.DriveNone)
		s.must(s.addDrive(d))
		s.must(d.Delete(t.org, noon))
		s.must(s.saveDrive(d))
		want = append(want, d.ID)
	}
	var got []core.DriveID
	s.view(func(tx ports.Tx) error {
		for after := (core.DriveID{}); ; after = got[len(got)-1] {
			page, err := tx.Drives.Deleted(s.Context(), after, 2)
			s.must(err)
			for _, d := range page {
				s.equal(d.DeletedAt, noon)
				got = append(got, d.ID)
			}
			if len(page) < 2 {
				return nil
			}
		}
	})
	s.equal(got, want)
	for _, id := range []core.DriveID{t.library.ID, want[0]} { // one is live, the other has its root
		s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error { return tx.Drives.Remove(s.Context(), t.org.ID, id) }), core.ErrConflict)
	}
	s.update(func(tx ports.Tx) error {
		done, err := tx.Drives.Strip(s.Context(), t.org.ID, want[0], 10)
		s.equal(done, true)
		return err
	})
}
