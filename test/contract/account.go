package contract

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// team is an org of several people, with who made it.
type team struct {
	org     *core.Org
	owner   *core.Account
	library *core.Drive
}

func (s storeTest) newTeam(owner person, name string) team {
	s.Helper()
	id := core.OrgID(s.id())
	t := team{
		org: core.NewOrg(id, name, name, noon), owner: core.NewOwner(core.AccountID(s.id()), id, owner.user.ID, noon),
		library: core.NewLibrary(core.DriveID(s.id()), id, noon),
	}
	s.update(func(tx ports.Tx) error {
		s.must(tx.Orgs.Add(s.Context(), t.org, t.library.ID))
		s.must(tx.Accounts.Add(s.Context(), t.owner))
		return tx.Drives.Add(s.Context(), t.library)
	})
	return t
}

// joined stores an account of the person in the team's org.
func (s storeTest) joined(t team, p person, role core.OrgRole, status core.AccountStatus) *core.Account {
	s.Helper()
	a := &core.Account{
		ID: core.AccountID(s.id()), OrgID: t.org.ID, UserID: p.user.ID, Role: role, Status: status, InvitedEmail: p.user.Email,
		InvitedBy: t.owner.ID, Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
	s.must(s.addAccount(a))
	return a
}

// invitation returns the account of an address that was not stored yet.
func (s storeTest) invitation(t team, email string) *core.Account {
	return core.NewInvitation(core.AccountID(s.id()), t.org.ID, email, core.OrgMember, t.owner.ID, noon)
}

func (s storeTest) addAccount(a *core.Account) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Accounts.Add(s.Context(), a) })
}

func (s storeTest) saveAccount(a *core.Account) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Accounts.Save(s.Context(), a) })
}

func accountEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	t := s.newTeam(ana, "team")
	open := s.invitation(t, "ben@example.com")
	s.must(s.addAccount(open))
	want := *open
	s.must(want.Accept(ben.user, noon.Add(time.Minute)))
	want.Role = core.OrgAdmin
	s.must(s.saveAccount(&want))
	s.view(func(tx ports.Tx) error {
		got, err := tx.Accounts.Get(s.Context(), t.org.ID, want.ID)
		s.must(err)
		s.equal(got, &want)
		got, err = tx.Accounts.Of(s.Context(), t.org.ID, ben.user.ID)
		s.must(err)
		s.equal(got, &want)
		list, err := tx.Accounts.List(s.Context(), ports.AccountQuery{OrgID: t.org.ID, Limit: 10})
		s.must(err)
		s.equal(list, []ports.Member{
			{Account: *t.owner, Email: ana.user.Email, Name: "ana"}, {Account: want, Email: ben.user.Email, Name: "ben"},
		})
		return nil
	})
}

func accountIsolation(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	one, two := s.newTeam(ana, "one"), s.newTeam(ben, "two")
	s.view(func(tx ports.Tx) error {
		known, err := tx.Accounts.Statuses(s.Context(), one.org.ID, []core.AccountID{two.owner.ID, one.owner.ID})
		if err != nil || len(known) != 1 || known[one.owner.ID] != one.owner.Status {
			s.Errorf("statuses: %v %v", known, err)
		}
		_, err = tx.Accounts.Get(s.Context(), one.org.ID, two.owner.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Accounts.Of(s.Context(), one.org.ID, ben.user.ID)
		s.wantErr(err, core.ErrNotFound)
		list, err := tx.Accounts.List(s.Context(), ports.AccountQuery{OrgID: one.org.ID, Limit: 10})
		s.must(err)
		s.equal(len(list), 1)
		return nil
	})
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error {
		_, err := tx.Accounts.Roster(s.Context(), core.OrgID(s.id()))
		return err
	}), core.ErrNotFound)
	moved := *two.owner
	moved.OrgID, moved.Version = one.org.ID, 2
	s.wantErr(s.saveAccount(&moved), core.ErrStale)
}

func accountTwins(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	t := s.newTeam(ana, "team")
	s.wantErr(s.addAccount(core.NewOwner(core.AccountID(s.id()), t.org.ID, ana.user.ID, noon)), core.ErrAlreadyMember)
	open := s.invitation(t, ben.user.Email)
	s.must(s.addAccount(open))
	s.wantErr(s.addAccount(s.invitation(t, ben.user.Email)), core.ErrAlreadyMember)
	s.must(s.addAccount(s.invitation(s.newTeam(ben, "other"), "ben@example.com"))) // another org's

	twin := *open // would be ana's second account
	twin.UserID, twin.Status, twin.Version = ana.user.ID, core.AccountActive, 2
	s.wantErr(s.saveAccount(&twin), core.ErrAlreadyMember)

	withdrawn := *open
	s.must(withdrawn.Remove(noon))
	s.must(s.saveAccount(&withdrawn))
	s.must(s.addAccount(s.invitation(t, ben.user.Email))) // the first is closed
	s.must(withdrawn.Reinvite(ben.user.Email, core.OrgViewer, t.owner.ID, noon))
	s.wantErr(s.saveAccount(&withdrawn), core.ErrAlreadyMember)

	twins := make([]*core.Account, racers)
	for i := range twins {
		twins[i] = s.invitation(t, "twin@example.com")
	}
	s.equal(s.race(core.ErrAlreadyMember, func(i int) error { return s.addAccount(twins[i]) }), 1)
}

func accountStale(s storeTest) {
	t := s.newTeam(s.signUp("ana"), "team")
	ok := s.race(core.ErrStale, func(int) error {
		a := *t.owner
		a.UpdatedAt, a.Version = noon.Add(time.Second), 2
		return s.saveAccount(&a)
	})
	s.equal(ok, 1)
	missing := *t.owner
	missing.ID, missing.Version = core.AccountID(s.id()), 2
	s.wantErr(s.saveAccount(&missing), core.ErrStale)
}

func accountLists(s storeTest) {
	ana := s.signUp("ana")
	t := s.newTeam(ana, "team")
	want := map[core.AccountStatus][]core.AccountID{core.AccountActive: {t.owner.ID}}
	for i := range 8 {
		status := []core.AccountStatus{core.AccountActive, core.AccountSuspended, core.AccountRemoved, core.AccountActive}[i%4]
		p := s.signUp(fmt.Sprintf("p%d", i))
		want[status] = append(want[status], s.joined(t, p, core.OrgMember, status).ID)
	}
	open := s.invitation(t, "new@example.com")
	s.must(s.addAccount(open))
	page := func(limit int, email string, statuses ...core.AccountStatus) (ids []core.AccountID) {
		s.view(func(tx ports.Tx) error {
			q := ports.AccountQuery{OrgID: t.org.ID, Statuses: statuses, Email: email, Limit: limit}
			for {
				list, err := tx.Accounts.List(s.Context(), q)
				s.must(err)
				for _, m := range list {
					ids = append(ids, m.Account.ID)
					q.After = m.Account.ID
				}
				if len(list) < limit {
					return nil
				}
			}
		})
		return ids
	}
	s.equal(page(2, "", core.AccountActive), want[core.AccountActive])
	s.equal(page(1, "", core.AccountSuspended), want[core.AccountSuspended])
	s.equal(page(1, "", core.AccountRemoved), want[core.AccountRemoved])
	s.equal(page(3, "", core.AccountInvited), []core.AccountID{open.ID})
	s.equal(len(page(3, "", core.AccountActive, core.AccountInvited)), len(want[core.AccountActive])+1)
	s.equal(len(page(3, "")), 10)
	s.equal(page(3, "new@example.com"), []core.AccountID{open.ID})
	s.equal(page(3, "p2@example.com"), want[core.AccountRemoved][:1])
	s.equal(page(3, "p2@example.com", core.AccountActive), []core.AccountID(nil))
}

func rosterLimit(s storeTest) {
	const most = 5
	t := s.newTeam(s.signUp("ana"), "team")
	var asked atomic.Int64
	full := &core.Error{Code: "limit_exceeded"}
	invitations := make([]*core.Account, 2*racers)
	for i := range invitations {
		invitations[i] = s.invitation(t, fmt.Sprintf("p%d@example.com", i))
	}
	ok := 0
	for range 2 {
		ok += s.race(full, func(int) error {
			a := invitations[asked.Add(1)-1]
			return s.Update(s.Context(), func(tx ports.Tx) error {
				r, err := tx.Accounts.Roster(s.Context(), t.org.ID)
				if err != nil {
					return err
				}
				if err := core.CheckLimit("max_members_count", most, r.Members, 1); err != nil {
					return err
				}
				return tx.Accounts.Add(s.Context(), a)
			})
		})
	}
	s.equal(ok, most-1)
	s.update(func(tx ports.Tx) error {
		r, err := tx.Accounts.Roster(s.Context(), t.org.ID)
		s.equal(r, core.Roster{Owners: 1, Members: most})
		s.must(err)
		usage, err := tx.Orgs.Usage(s.Context(), t.org.ID)
		s.equal(usage, core.OrgUsage{Members: most})
		return err
	})
}

// rosterCounts: suspended owners are no owners, removed accounts nobody.
func rosterCounts(s storeTest) {
	t := s.newTeam(s.signUp("ana"), "team")
	for i, status := range []core.AccountStatus{core.AccountActive, core.AccountSuspended, core.AccountRemoved} {
		s.joined(t, s.signUp(fmt.Sprintf("o%d", i)), core.OrgOwner, status)
		s.joined(t, s.signUp(fmt.Sprintf("m%d", i)), core.OrgMember, status)
	}
	open := s.invitation(t, "new@example.com")
	open.Role = core.OrgOwner
	s.must(s.addAccount(open))
	s.update(func(tx ports.Tx) error {
		r, err := tx.Accounts.Roster(s.Context(), t.org.ID)
		s.equal(r, core.Roster{Owners: 2, Members: 6})
		return err
	})
}

// lastOwnerRace lets the two owners of an org leave at once, over and over:
// as often as in ten seconds, at most 200 times.
func lastOwnerRace(s storeTest) {
	t := s.newTeam(s.signUp("ana"), "team")
	owners := []*core.Account{t.owner, s.joined(t, s.signUp("ben"), core.OrgOwner, core.AccountActive)}
	rounds, end := 0, time.Now().Add(10*time.Second)
	for ; rounds < 200 && (rounds < 20 || time.Now().Before(end)); rounds++ {
		left := make([]core.Account, 2)
		ok := s.raceOf(2, core.ErrLastOwner, func(i int) error {
			return s.Update(s.Context(), func(tx ports.Tx) error {
				r, err := tx.Accounts.Roster(s.Context(), t.org.ID)
				if err != nil {
					return err
				}
				before, err := tx.Accounts.Get(s.Context(), t.org.ID, owners[i].ID)
				if err != nil {
					return err
				}
				left[i] = *before
				if err := left[i].Remove(noon); err != nil {
					return err
				}
				if err := r.CheckOwners(before, &left[i]); err != nil {
					return err
				}
				return tx.Accounts.Save(s.Context(), &left[i])
			})
		})
		s.equal(ok, 1)
		for i := range left {
			if left[i].Status == core.AccountRemoved {
				s.comeBack(t, owners[i])
			}
		}
		if s.Failed() {
			break
		}
	}
	s.Logf("%d rounds", rounds)
}

// raceOf is race with n goroutines.
func (s storeTest) raceOf(n int, want error, fn func(i int) error) int {
	s.Helper()
	var ok atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			if err := fn(i); err != nil {
				s.wantErr(err, want)
				return
			}
			ok.Add(1)
		})
	}
	close(start)
	wg.Wait()
	return int(ok.Load())
}

// comeBack makes an owner who left active again, if their leaving was stored.
func (s storeTest) comeBack(t team, a *core.Account) {
	s.Helper()
	s.update(func(tx ports.Tx) error {
		stored, err := tx.Accounts.Get(s.Context(), t.org.ID, a.ID)
		s.must(err)
		if stored.Status == core.AccountActive {
			return nil
		}
		stored.Status, stored.Version = core.AccountActive, stored.Version+1
		return tx.Accounts.Save(s.Context(), stored)
	})
}

func accountsOfUser(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	statuses := []core.AccountStatus{core.AccountActive, core.AccountSuspended, core.AccountRemoved, core.AccountActive}
	want := []ports.Membership{{Account: *ben.account, Org: *ben.org, DriveID: ben.drive.ID}}
	for i, status := range statuses {
		t := s.newTeam(ana, fmt.Sprintf("team%d", i))
		a := s.joined(t, ben, core.OrgViewer, status)
		if i == len(statuses)-1 {
			s.deleteOrg(t)
		} else if status != core.AccountRemoved {
			want = append(want, ports.Membership{Account: *a, Org: *t.org})
		}
	}
	inviting := s.newTeam(ana, "inviting")
	open := s.invitation(inviting, ben.user.Email)
	s.must(s.addAccount(open))
	s.must(s.addAccount(s.invitation(inviting, "other@example.com")))
	gone := s.newTeam(ana, "gone")
	s.must(s.addAccount(s.invitation(gone, ben.user.Email)))
	s.deleteOrg(gone)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Accounts.OfUser(s.Context(), ben.user.ID, "")
		s.must(err)
		s.equal(got, want)
		got, err = tx.Accounts.OfUser(s.Context(), ben.user.ID, ben.user.Email)
		s.must(err)
		s.equal(got, append(want, ports.Membership{Account: *open, Org: *inviting.org}))
		got, err = tx.Accounts.OfUser(s.Context(), core.UserID(s.id()), "")
		s.must(err)
		s.equal(len(got), 0)
		return nil
	})
}
