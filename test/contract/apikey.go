package contract

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// newKey makes a key that is not stored yet.
func (s storeTest) newKey(d *core.Drive, by core.AccountID, p core.Permissions) *core.APIKey {
	s.Helper()
	key := core.APIKey{
		ID: core.APIKeyID(s.id()), OrgID: d.OrgID, DriveID: d.ID, Name: "é 中", Permissions: p, CreatedBy: by, CreatedAt: noon,
	}
	sum := sha256.Sum256(key.ID[:])
	key.Prefix, key.Hash = fmt.Sprintf("pk_%x", sum[:4]), sum
	return &key
}

func (s storeTest) addKeys(keys ...*core.APIKey) {
	s.Helper()
	s.update(func(tx ports.Tx) error {
		for _, k := range keys {
			if err := tx.APIKeys.Add(s.Context(), k); err != nil {
				return err
			}
		}
		return nil
	})
}

const allPermissions = core.PermitRead | core.PermitWrite | core.PermitDelete

// keyOf stores a key to all of a person's drive.
func (s storeTest) keyOf(p person) *core.APIKey {
	s.Helper()
	k := s.newKey(p.drive, p.account.ID, allPermissions)
	s.addKeys(k)
	return k
}

func actorWith(k *core.APIKey, at time.Time) core.Actor {
	return core.Actor{Kind: core.ActorAPIKey, Key: k.KeyRef, At: at}
}

func keyEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	k := s.newKey(ana.drive, ana.account.ID, core.PermitRead|core.PermitDelete)
	k.ExpiresAt, k.RevokedAt, k.RevokedBy, k.LastUsedAt = noon.Add(time.Microsecond), noon.Add(2*time.Microsecond), ben.account.ID, noon.Add(time.Hour)
	s.addKeys(k)
	s.view(func(tx ports.Tx) error {
		got, err := tx.APIKeys.Get(s.Context(), ana.drive.ID, k.ID)
		s.must(err)
		s.equal(got, k)
		_, err = tx.APIKeys.Get(s.Context(), ben.drive.ID, k.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.APIKeys.Get(s.Context(), ana.drive.ID, core.APIKeyID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		none, err := tx.APIKeys.List(s.Context(), ports.APIKeyQuery{DriveID: ben.drive.ID, Limit: 9})
		s.must(err)
		s.equal(len(none), 0)
		return nil
	})
	twin := *k
	twin.ID = core.APIKeyID(s.id())
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error { return tx.APIKeys.Add(s.Context(), &twin) }), core.ErrConflict)
}

func keyLists(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	var want []core.APIKeyID
	for i := range 6 {
		by := ana.account.ID
		if i%2 == 1 {
			by = ben.account.ID
		}
		k := s.newKey(ana.drive, by, core.PermitRead)
		switch i {
		case 0, 1: // both
			k.RevokedAt, k.ExpiresAt = noon, noon
		case 2, 3:
			k.ExpiresAt = noon
		case 4:
			k.ExpiresAt = noon.Add(time.Microsecond)
		}
		s.addKeys(k)
		want = append([]core.APIKeyID{k.ID}, want...)
	}
	list := func(q ports.APIKeyQuery, want ...core.APIKeyID) {
		s.Helper()
		q.DriveID, q.Now = ana.drive.ID, noon
		if q.Limit == 0 {
			q.Limit = 9
		}
		s.view(func(tx ports.Tx) error {
			keys, err := tx.APIKeys.List(s.Context(), q)
			got := make([]core.APIKeyID, len(keys))
			for i, k := range keys {
				got[i] = k.ID
			}
			s.equal(got, want)
			return err
		})
	}
	list(ports.APIKeyQuery{}, want...)
	list(ports.APIKeyQuery{Limit: 2}, want[:2]...)
	list(ports.APIKeyQuery{Limit: 3, Before: want[1]}, want[2:5]...)
	list(ports.APIKeyQuery{Status: core.KeyActive}, want[:2]...)
	list(ports.APIKeyQuery{Status: core.KeyExpired}, want[2:4]...)
	list(ports.APIKeyQuery{Status: core.KeyRevoked}, want[4:]...)
}

func keyRevokeRace(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	k, other := s.keyOf(ana), s.keyOf(ben)
	var wg sync.WaitGroup
	var did atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			err := s.Update(s.Context(), func(tx ports.Tx) error {
				done, err := tx.APIKeys.Revoke(s.Context(), ana.drive.ID, k.ID, ana.account.ID, noon.Add(time.Duration(i)*time.Second))
				if done {
					did.Add(1)
				}
				return err
			})
			if err != nil {
				s.Error(err)
			}
		})
	}
	wg.Wait()
	s.equal(did.Load(), int64(1))
	s.update(func(tx ports.Tx) error {
		done, err := tx.APIKeys.Revoke(s.Context(), ana.drive.ID, other.ID, ana.account.ID, noon)
		s.equal(done, false) // another drive's
		return err
	})
	s.update(func(tx ports.Tx) error { return tx.APIKeys.RevokeOf(s.Context(), ben.org.ID, ben.account.ID, noon) })
	s.view(func(tx ports.Tx) error {
		got, err := tx.APIKeys.Get(s.Context(), ben.drive.ID, other.ID)
		s.must(err)
		s.equal([]any{got.RevokedAt, got.RevokedBy}, []any{noon, core.AccountID{}})
		got, err = tx.APIKeys.Get(s.Context(), ana.drive.ID, k.ID)
		s.equal(got.RevokedBy, ana.account.ID)
		return err
	})
}

// keyGets checks what a key is answered, whatever it asks for.
func (s storeTest) keyGets(a core.Actor, org core.OrgID, asset core.AssetID, drive core.DriveID, want error) {
	s.Helper()
	check := func(what string, f core.DriveFacts, err error) {
		s.Helper()
		if err = errors.Join(err, core.CanInDrive(f, core.DriveViewer)); !errors.Is(err, want) {
			s.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	for what, ask := range map[string]func(context.Context, core.Actor, core.AssetID) (core.AssetFacts, error){
		"asset": s.Hot.ForAsset, "download": s.Hot.ForDownload,
	} {
		f, err := ask(s.Context(), a, asset)
		check(what, f.DriveFacts, err)
	}
	f, err := s.Hot.ForDrive(s.Context(), a, drive)
	check("drive", f, err)
	u, err := s.Hot.ForUpload(s.Context(), a, ports.UploadQuery{OrgID: org, DriveID: drive, Now: a.At})
	check("upload", u.DriveFacts, err)
}

func factsKey(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	k := s.keyOf(ana)
	mine, others := s.reserve(ana, "a.txt", 5), s.reserve(ben, "b.txt", 5)
	s.finish(mine)
	a := actorWith(k, noon)
	f, err := s.Hot.ForDrive(s.Context(), a, core.DriveID{})
	s.must(err)
	s.equal(f, core.DriveFacts{
		Credential:    core.Credential{APIKey: core.KeyFacts{ID: k.ID, Permissions: allPermissions, Status: core.KeyActive}},
		DriveStanding: core.DriveStanding{Status: core.AccountActive, OrgRole: core.OrgOwner, Ownership: core.OwnDrive},
		OrgID:         ana.org.ID, DriveID: ana.drive.ID, AccountID: ana.account.ID, Email: ana.user.Email,
	})
	s.keyGets(a, ana.org.ID, mine.NewAsset.ID, ana.drive.ID, nil)
	s.keyGets(a, ana.org.ID, mine.NewAsset.ID, core.DriveID{}, nil)
	s.keyGets(a, ben.org.ID, others.NewAsset.ID, ben.drive.ID, core.ErrNotFound)
	s.keyGets(a, core.OrgID(s.id()), core.AssetID(s.id()), core.DriveID(s.id()), core.ErrNotFound)
	_, err = s.Hot.ForUser(s.Context(), a)
	s.wantErr(err, core.ErrKeyNotAllowed)
	_, err = s.Hot.ForOrg(s.Context(), a, ana.org.ID)
	s.wantErr(err, core.ErrKeyNotAllowed)
	for _, edit := range []func(*core.Actor){
		func(a *core.Actor) { a.Key.Prefix = "pk_00000000" }, func(a *core.Actor) { a.Key.Hash[0]++ },
	} {
		unknown := a
		edit(&unknown)
		s.keyGets(unknown, ana.org.ID, mine.NewAsset.ID, ana.drive.ID, core.ErrKeyInvalid)
		s.keyGets(unknown, ben.org.ID, others.NewAsset.ID, ben.drive.ID, core.ErrKeyInvalid)
	}
	org := *ana.org
	org.DeletedAt, org.Version = noon, org.Version+1
	s.update(func(tx ports.Tx) error { return tx.Orgs.Save(s.Context(), &org) })
	s.keyGets(a, ana.org.ID, mine.NewAsset.ID, ana.drive.ID, core.ErrKeyInvalid)
}

// factsKeyEnds asks with keys that are over, of which reservations get nothing.
func factsKeyEnds(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	r := s.reserve(ana, "a.txt", 5)
	s.finish(r)
	k := s.newKey(ana.drive, ana.account.ID, allPermissions)
	k.ExpiresAt = noon.Add(time.Second)
	last := s.keyOf(ana)
	s.addKeys(k)
	n := 0
	over := func(a core.Actor, want bool) {
		s.Helper()
		var refused error
		if want {
			refused = core.ErrKeyInvalid
		}
		s.keyGets(a, ana.org.ID, r.NewAsset.ID, ana.drive.ID, refused)
		if want { // also where nothing is there
			s.keyGets(a, ben.org.ID, core.AssetID(s.id()), ben.drive.ID, refused)
		}
		n++
		again := s.reservation(ana, fmt.Sprint("by key ", n), 1)
		again.Actor, again.Now = a, a.At
		_, ok, err := s.Hot.Reserve(s.Context(), again)
		s.must(err)
		s.equal(ok, !want)
	}
	over(actorWith(k, noon.Add(time.Second-time.Microsecond)), false)
	over(actorWith(k, noon.Add(time.Second)), true)
	s.update(func(tx ports.Tx) error {
		_, err := tx.APIKeys.Revoke(s.Context(), ana.drive.ID, k.ID, ana.account.ID, noon)
		return err
	})
	over(actorWith(k, noon), true)
	over(actorWith(last, noon), false)
	s.disable(ana)
	over(actorWith(last, noon), true)
}

// keysStandings lets accounts of every role and status have keys of every
// permission to drives of every default role.
func keysStandings(s storeTest) {
	org, drives := s.company()
	for _, role := range []core.OrgRole{core.OrgOwner, core.OrgAdmin, core.OrgMember, core.OrgViewer} {
		for _, status := range []core.AccountStatus{core.AccountActive, core.AccountSuspended, core.AccountRemoved} {
			p := s.signUp(string(role) + string(status))
			account := &core.Account{
				ID: core.AccountID(s.id()), OrgID: org.ID, UserID: p.user.ID, Role: role, Status: status, Version: 1, CreatedAt: noon, UpdatedAt: noon,
			}
			s.update(func(tx ports.Tx) error { return tx.Accounts.Add(s.Context(), account) })
			for _, d := range drives {
				var keys []*core.APIKey
				for permissions := core.Permissions(1); permissions <= allPermissions; permissions++ {
					keys = append(keys, s.newKey(d, account.ID, permissions))
				}
				s.addKeys(keys...)
				for _, k := range keys {
					s.keyJudged(p, account, d, k)
				}
			}
		}
	}
}

func (s storeTest) keyJudged(p person, account *core.Account, d *core.Drive, k *core.APIKey) {
	s.Helper()
	f, err := s.Hot.ForDrive(s.Context(), actorWith(k, noon), d.ID)
	s.must(err)
	s.equal(f, core.DriveFacts{
		Credential:    core.Credential{APIKey: core.KeyFacts{ID: k.ID, Permissions: k.Permissions, Status: core.KeyActive}},
		DriveStanding: core.DriveStanding{Status: account.Status, OrgRole: account.Role, Ownership: core.SharedDrive, Default: d.DefaultRole},
		OrgID:         d.OrgID, DriveID: d.ID, AccountID: account.ID, Email: p.user.Email,
	})
	r := s.reservation(p, k.ID.String(), 1)
	r.Actor = actorWith(k, noon)
	r.Upload.OrgID, r.NewAsset.OrgID = d.OrgID, d.OrgID
	g, ok, err := s.Hot.Reserve(s.Context(), r)
	s.must(err)
	if want := core.CanInDrive(f, core.DriveEditor) == nil; ok != want || ok && g != (ports.Granted{DriveID: d.ID, AccountID: account.ID}) {
		s.Errorf("%s, %s: reserved %t %v, core says %t", f.Key(), k.Permissions, ok, g, want)
	}
}

func keyReserves(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	a := actorWith(s.keyOf(ana), noon)
	try := func(edit func(*ports.Reservation), want bool) {
		s.Helper()
		r := s.reservation(ana, fmt.Sprint("a.txt", s.id()), 1)
		r.Actor = a
		edit(&r)
		_, ok, err := s.Hot.Reserve(s.Context(), r)
		s.must(err)
		s.equal(ok, want)
		s.update(func(tx ports.Tx) error {
			r := s.reservation(ana, fmt.Sprint("b.txt", s.id()), 1)
			r.Actor = a
			edit(&r)
			_, ok, err := tx.Quota.Reserve(s.Context(), r)
			s.equal(ok, want)
			return err
		})
	}
	try(func(*ports.Reservation) {}, true)
	try(func(r *ports.Reservation) { r.Upload.DriveID = ana.drive.ID }, true)
	try(func(r *ports.Reservation) { r.Upload.DriveID = ben.drive.ID }, false)
	try(func(r *ports.Reservation) { r.Upload.OrgID, r.NewAsset.OrgID = ben.org.ID, ben.org.ID }, false)
	try(func(r *ports.Reservation) { r.NewAsset.ParentID = core.RootOf(ben.drive.ID) }, false)
	file := s.reserve(ana, "c.txt", 1)
	s.finish(file)
	next := s.reservation(ana, "c.txt", 1)
	next.Actor, next.NewAsset, next.Upload.AssetID, next.Upload.Number = a, nil, file.NewAsset.ID, 2
	_, ok, err := s.Hot.Reserve(s.Context(), next)
	s.must(err)
	s.equal(ok, true)
}
