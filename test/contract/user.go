package contract

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// racers is how many goroutines a race has.
const racers = 8

// race runs fn in racers goroutines and returns how many got nil; the others
// have to get want.
func (s storeTest) race(want error, fn func(i int) error) int {
	s.Helper()
	var ok atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range racers {
		wg.Go(func() {
			<-start
			err := fn(i)
			if err == nil {
				ok.Add(1)
				return
			}
			s.wantErr(err, want)
		})
	}
	close(start)
	wg.Wait()
	return int(ok.Load())
}

func newcomerEqual(s storeTest) {
	p := s.newPerson("ana")
	p.user.EmailVerifiedAt, p.user.DisabledAt, p.user.PlatformAdmin = noon.Add(1), noon.Add(time.Hour), true
	p.user.EmailVerifiedAt = noon.Add(time.Microsecond)
	s.update(func(tx ports.Tx) error { return p.add(s.Context(), tx) })
	s.view(func(tx ports.Tx) error {
		u, err := tx.Users.Get(s.Context(), p.user.ID)
		s.must(err)
		s.equal(u, p.user)
		u, err = tx.Users.ByEmail(s.Context(), p.user.Email)
		s.must(err)
		s.equal(u, p.user)
		o, err := tx.Orgs.Get(s.Context(), p.org.ID)
		s.must(err)
		s.equal(o, p.org)
		a, err := tx.Accounts.Get(s.Context(), p.org.ID, p.account.ID)
		s.must(err)
		s.equal(a, p.account)
		a, err = tx.Accounts.Of(s.Context(), p.org.ID, p.user.ID)
		s.must(err)
		s.equal(a, p.account)
		d, err := tx.Drives.Get(s.Context(), p.org.ID, p.drive.ID)
		s.must(err)
		s.equal(d, p.drive)
		d, err = tx.Drives.PersonalOf(s.Context(), p.org.ID, p.account.ID)
		s.must(err)
		s.equal(d, p.drive)
		usage, err := tx.Orgs.Usage(s.Context(), p.org.ID)
		s.must(err)
		s.equal(usage, core.OrgUsage{Members: 1})
		return nil
	})
}

func emailTaken(s storeTest) {
	s.signUp("ana")
	p := s.newPerson("ben")
	p.user.Email = "ana@example.com"
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error { return p.add(s.Context(), tx) }), core.ErrEmailTaken)
	s.wantNobody(p)
}

func emailRace(s storeTest) {
	people := make([]person, racers)
	for i := range people {
		people[i] = s.newPerson(string(rune('a' + i)))
		people[i].user.Email = "twin@example.com"
	}
	ok := s.race(core.ErrEmailTaken, func(i int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return people[i].add(s.Context(), tx) })
	})
	s.equal(ok, 1)
}

func slugTaken(s storeTest) {
	s.signUp("ana")
	p := s.newPerson("ben")
	p.org.Slug = "ana"
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error { return p.add(s.Context(), tx) }), core.ErrSlugTaken)
}

func userStale(s storeTest) {
	p := s.signUp("ana")
	ok := s.race(core.ErrStale, func(int) error {
		u := *p.user
		u.Name, u.Version = "Ana", 2
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Users.Save(s.Context(), &u) })
	})
	s.equal(ok, 1)
}

func orgPages(s storeTest) {
	p := s.signUp("ana")
	s.signUp("ben")
	want := []core.OrgID{p.org.ID}
	for range 4 {
		org := core.NewPersonalOrg(core.OrgID(s.id()), "more", core.OrgID(s.id()).String(), noon)
		account := core.NewOwner(core.AccountID(s.id()), org.ID, p.user.ID, noon)
		s.update(func(tx ports.Tx) error {
			s.must(tx.Orgs.Add(s.Context(), org, core.DriveID(s.id())))
			return tx.Accounts.Add(s.Context(), account)
		})
		want = append(want, org.ID)
	}
	var got []core.OrgID
	s.view(func(tx ports.Tx) error {
		page := ports.OrgPage{Limit: 2}
		for {
			orgs, err := tx.Orgs.ListOf(s.Context(), p.user.ID, page)
			s.must(err)
			for _, o := range orgs {
				got = append(got, o.Org.ID)
				s.equal(o.Role, core.OrgOwner)
				page.After = o.Org.ID
			}
			if len(orgs) < page.Limit {
				return nil
			}
		}
	})
	s.equal(got, want)
}

func rotation(from, to string, at time.Time) ports.Rotation {
	return ports.Rotation{
		OldHash: []byte(from), NewHash: []byte(to), From: core.Client{Address: "192.0.2.9", UserAgent: "later"},
		Now: at, ExpiresAt: at.Add(2 * time.Hour),
	}
}

func tokenOnce(s storeTest) {
	p := s.signUp("ana")
	later := noon.Add(time.Minute)
	s.update(func(tx ports.Tx) error {
		got, err := tx.Sessions.Rotate(s.Context(), rotation("token of ana", "second", later))
		s.must(err)
		want := *p.session
		want.TokenHash, want.UserAgent, want.Address = []byte("second"), "later", "192.0.2.9"
		want.LastSeenAt, want.ExpiresAt = later, later.Add(2*time.Hour)
		s.equal(got, &want)
		return nil
	})
	s.update(func(tx ports.Tx) error {
		got, err := tx.Sessions.Rotate(s.Context(), rotation("token of ana", "third", later))
		s.wantErr(err, core.ErrRefreshReused)
		s.equal(got, &core.Session{ID: p.session.ID, UserID: p.user.ID})
		_, err = tx.Sessions.Rotate(s.Context(), rotation("nobody's", "third", later))
		s.wantErr(err, core.ErrRefreshInvalid)
		_, err = tx.Sessions.Rotate(s.Context(), rotation("second", "third", later.Add(3*time.Hour)))
		s.wantErr(err, core.ErrRefreshInvalid) // expired
		return nil
	})
}

func tokenRace(s storeTest) {
	s.signUp("ana")
	ok := s.race(core.ErrRefreshReused, func(i int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			_, err := tx.Sessions.Rotate(s.Context(), rotation("token of ana", string(rune('a'+i)), noon))
			return err
		})
	})
	s.equal(ok, 1)
}

func logoutRace(s storeTest) {
	for i := range 20 {
		p := s.signUp("ana" + string(rune('a'+i)))
		token := string(p.session.TokenHash)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_ = s.Update(s.Context(), func(tx ports.Tx) error {
					_, err := tx.Sessions.Rotate(s.Context(), rotation(token, "next of "+token, noon))
					return err
				})
			})
			wg.Go(func() {
				if err := s.Update(s.Context(), func(tx ports.Tx) error {
					_, err := tx.Sessions.RevokeByToken(s.Context(), []byte(token), noon)
					return err
				}); err != nil {
					s.Error(err)
				}
			})
		}
		wg.Wait()
		c, err := s.Hot.ForUser(s.Context(), p.actor())
		s.must(err)
		s.equal(c.SessionRevoked, true)
	}
}

func sessionRevoked(s storeTest) {
	for _, revoke := range []func(tx ports.Tx, p person) error{
		func(tx ports.Tx, p person) error { return tx.Sessions.Revoke(s.Context(), p.session.ID, noon) },
		func(tx ports.Tx, p person) error {
			ended, err := tx.Sessions.RevokeByToken(s.Context(), p.session.TokenHash, noon)
			if !ended.ID.IsZero() { // the first time
				s.equal(ended.ID, p.session.ID)
				s.equal(ended.UserID, p.session.UserID)
			}
			return err
		},
	} {
		p := s.signUp("ana" + core.UserID(s.id()).String()[30:])
		s.update(func(tx ports.Tx) error { return revoke(tx, p) })
		s.update(func(tx ports.Tx) error { return revoke(tx, p) }) // twice is fine
		c, err := s.Hot.ForUser(s.Context(), p.actor())
		s.must(err)
		s.equal(c, core.Credential{SessionRevoked: true})
		s.update(func(tx ports.Tx) error {
			_, err := tx.Sessions.Rotate(s.Context(), rotation(string(p.session.TokenHash), "x", noon))
			s.wantErr(err, core.ErrRefreshInvalid)
			return nil
		})
	}
}

func sessionsPruned(s storeTest) {
	p := s.signUp("ana")
	s.update(func(tx ports.Tx) error {
		_, err := tx.Sessions.Rotate(s.Context(), rotation("token of ana", "second", noon))
		return err
	})
	s.update(func(tx ports.Tx) error {
		n, err := tx.Sessions.Prune(s.Context(), noon, 10)
		s.equal(n, 0)
		return err
	})
	s.update(func(tx ports.Tx) error {
		n, err := tx.Sessions.Prune(s.Context(), noon.Add(3*time.Hour), 10)
		s.equal(n, 1)
		return err
	})
	_, err := s.Hot.ForUser(s.Context(), p.actor())
	s.wantErr(err, core.ErrUnauthenticated)
}

func tiers(s storeTest) {
	s.view(func(tx ports.Tx) error {
		got, err := tx.Licenses.List(s.Context())
		s.equal(got, core.Tiers())
		return err
	})
}

func licenseInForce(s storeTest) {
	p := s.signUp("ana")
	inForce := func(at time.Time, name string, expires time.Time) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, err := tx.Licenses.InForce(s.Context(), p.org.ID, at)
			s.equal([]any{got.Name, got.ExpiresAt}, []any{name, expires})
			return err
		})
	}
	assign := func(name string, expires time.Time) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			return tx.Licenses.Assign(s.Context(), ports.LicenseAssignment{
				ID: s.id(), OrgID: p.org.ID, License: name, ExpiresAt: expires, Now: noon,
			})
		})
	}
	inForce(noon, "free", time.Time{})
	s.must(assign("pro", time.Time{}))
	s.must(assign("starter", noon.Add(time.Hour)))
	inForce(noon, "starter", noon.Add(time.Hour))
	inForce(noon.Add(time.Hour), "pro", time.Time{})
	s.wantErr(assign("none such", time.Time{}), core.ErrNotFound)
}
