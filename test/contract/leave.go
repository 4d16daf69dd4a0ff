package contract

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// goes is what a user who goes does, as short as it can be: lock the user, then
// the orgs in their order, look again, end the accounts, forget.
func (s storeTest) goes(p person) error {
	return s.Update(s.Context(), func(tx ports.Tx) error {
		u, err := tx.Users.Lock(s.Context(), p.user.ID)
		if err != nil {
			return err
		}
		all, err := tx.Accounts.AllOf(s.Context(), u.ID)
		if err != nil {
			return err
		}
		rosters := make(map[core.OrgID]core.Roster)
		for _, m := range all {
			if rosters[m.Org.ID], err = tx.Accounts.Roster(s.Context(), m.Org.ID); err != nil {
				return err
			}
		}
		if all, err = tx.Accounts.AllOf(s.Context(), u.ID); err != nil {
			return err
		}
		for _, m := range all {
			before := m.Account
			if err := m.Account.Forget(noon); err != nil {
				return err
			}
			if !m.Org.IsPersonal {
				if err := rosters[m.Org.ID].CheckOwners(&before, &m.Account); err != nil {
					return err
				}
			} else if err := errors.Join(m.Org.DeleteWith(u, noon), tx.Orgs.Save(s.Context(), &m.Org)); err != nil {
				return err
			}
			if err := tx.Accounts.Save(s.Context(), &m.Account); err != nil {
				return err
			}
		}
		u.Delete(noon)
		return errors.Join(tx.Sessions.RemoveOf(s.Context(), u.ID), tx.Users.Save(s.Context(), u))
	})
}

// sound fails the test if a row breaks an invariant.
func (s storeTest) sound() {
	s.Helper()
	for v, err := range s.Inspector.Violations(s.Context(), noon, noon.Add(-30*24*time.Hour)) {
		s.must(err)
		s.Errorf("%s: %s %s", v.Invariant, v.Subject, v.Detail)
	}
}

// goneOnce: of racing requests one forgets the user, whose address is free for
// somebody who sees nothing of the old.
func goneOnce(s storeTest) {
	p := s.signUp("ana")
	s.equal(s.race(core.ErrNotFound, func(int) error { return s.goes(p) }), 1)
	s.sound()
	_, err := s.Hot.ForUser(s.Context(), p.actor())
	s.wantErr(err, core.ErrUnauthenticated)
	anew := s.newPerson("ana")
	anew.org.Slug = "ana-again"
	s.update(func(tx ports.Tx) error { return anew.add(s.Context(), tx) })
	s.view(func(tx ports.Tx) error {
		got, err := tx.Users.ByEmail(s.Context(), p.user.Email)
		s.must(err)
		s.equal(got.ID, anew.user.ID)
		orgs, err := tx.Orgs.ListOf(s.Context(), p.user.ID, ports.OrgPage{Limit: 10})
		s.must(err)
		s.equal(len(orgs), 0)
		all, err := tx.Accounts.AllOf(s.Context(), anew.user.ID)
		s.must(err)
		s.equal(all, []ports.Membership{{Account: *anew.account, Org: *anew.org, DriveID: anew.drive.ID}})
		return nil
	})
	s.update(func(tx ports.Tx) error {
		_, err := tx.Users.Lock(s.Context(), p.user.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
}

// ownersGoAtOnce: several owners of the same orgs go at once; in each org one
// stays, and nobody waits for another in a circle.
func ownersGoAtOnce(s storeTest) {
	const orgs, owners = 3, 6
	people := make([]person, owners)
	for i := range people {
		people[i] = s.signUp(fmt.Sprintf("owner%d", i))
	}
	var teams []team
	for i := range orgs {
		t := s.newTeam(people[i], fmt.Sprintf("team%d", i))
		teams = append(teams, t)
		for n, p := range people {
			if n != i {
				a := s.joined(t, p, core.OrgOwner, core.AccountActive)
				s.personal(a)
			}
		}
		s.personal(t.owner)
	}
	s.equal(s.raceOf(owners, core.ErrLastOwner, func(i int) error { return s.goes(people[i]) }), owners-1)
	s.update(func(tx ports.Tx) error {
		for _, t := range teams {
			r, err := tx.Accounts.Roster(s.Context(), t.org.ID)
			s.must(err)
			s.equal(r, core.Roster{Owners: 1, Members: 1})
		}
		return nil
	})
	s.sound()
}

// personal stores the account's own drive.
func (s storeTest) personal(a *core.Account) core.DriveID {
	s.Helper()
	d := core.NewPersonalDrive(core.DriveID(s.id()), a.OrgID, a.ID, noon)
	s.update(func(tx ports.Tx) error { return tx.Drives.Add(s.Context(), d) })
	return d.ID
}

// nobodyJoinsWhileGoing: who goes and accepts an invitation at once has either
// joined before, and left with the rest, or not at all.
func nobodyJoinsWhileGoing(s storeTest) {
	ana := s.signUp("ana")
	t := s.newTeam(ana, "team")
	s.personal(t.owner)
	for i := range 20 {
		ben := s.signUp(fmt.Sprintf("ben%d", i))
		open, drive := s.invitation(t, ben.user.Email), core.DriveID(s.id())
		s.must(s.addAccount(open))
		ok := s.raceOf(2, core.ErrNotFound, func(n int) error {
			if n == 0 {
				return s.goes(ben)
			}
			return s.Update(s.Context(), func(tx ports.Tx) error {
				u, err := tx.Users.Lock(s.Context(), ben.user.ID)
				if err != nil {
					return err
				}
				if _, err := tx.Accounts.Roster(s.Context(), t.org.ID); err != nil {
					return err
				}
				own := core.NewPersonalDrive(drive, t.org.ID, open.ID, noon)
				return errors.Join(open.Accept(u, noon), tx.Accounts.Save(s.Context(), open), tx.Drives.Add(s.Context(), own))
			})
		})
		s.equal(slices.Contains([]int{1, 2}, ok), true)
		s.sound()
		if s.Failed() {
			return
		}
	}
}

// accountsInDeletedOrgs: who goes finds their accounts in deleted orgs, too,
// and no invitations.
func accountsInDeletedOrgs(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	want := []ports.Membership{{Account: *ben.account, Org: *ben.org, DriveID: ben.drive.ID}}
	for i, status := range []core.AccountStatus{core.AccountActive, core.AccountSuspended, core.AccountRemoved} {
		t := s.newTeam(ana, fmt.Sprintf("team%d", i))
		m := ports.Membership{Account: *s.joined(t, ben, core.OrgMember, status)}
		m.DriveID = s.personal(&m.Account)
		if m.Org = *s.deleteOrg(t); status != core.AccountRemoved {
			want = append(want, m)
		}
	}
	s.must(s.addAccount(s.invitation(s.newTeam(ana, "inviting"), ben.user.Email)))
	s.view(func(tx ports.Tx) error {
		got, err := tx.Accounts.AllOf(s.Context(), ben.user.ID)
		s.equal(got, want)
		return err
	})
}
