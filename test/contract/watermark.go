package contract

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// copyFor returns a copy of the first version of a file, which is not stored yet.
func (s storeTest) copyFor(r ports.Reservation, recipient string) *core.MarkedCopy {
	s.Helper()
	sum := sha256.Sum256([]byte(recipient))
	u := r.Upload
	return &core.MarkedCopy{
		OrgID: u.OrgID, AssetID: u.AssetID, Number: u.Number, Recipient: sum[:], BlobKey: core.MarkedKey(u.OrgID, u.AssetID, s.id()),
		ContentType: "image/jpeg", SizeBytes: 77, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}

func (s storeTest) marked(c *core.MarkedCopy, now time.Time) (got *core.MarkedCopy, err error) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		got, err = tx.MarkedCopies.Get(s.Context(), c.OrgID, c.AssetID, c.Number, c.Recipient, now)
		return nil
	})
	return got, err
}

func (s storeTest) adds(c *core.MarkedCopy) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.MarkedCopies.Add(s.Context(), c) })
}

func markedEqual(s storeTest) {
	p, eve := s.signUp("ana"), s.signUp("eve")
	r := s.reserve(p, "a", 1)
	c := s.copyFor(r, "ana")
	s.wantErr(s.adds(c), core.ErrNotFound) // there is no version yet
	s.finish(r)
	s.must(s.adds(c))
	got, err := s.marked(c, noon)
	s.must(err)
	s.equal(got, c)
	for _, other := range []func(c *core.MarkedCopy){
		func(c *core.MarkedCopy) { c.OrgID = eve.org.ID },
		func(c *core.MarkedCopy) { c.Number = 2 },
		func(c *core.MarkedCopy) { c.Recipient = s.copyFor(r, "ben").Recipient },
	} {
		o := *c
		other(&o)
		_, err := s.marked(&o, noon)
		s.wantErr(err, core.ErrNotFound)
	}
	s.view(func(tx ports.Tx) error {
		free, err := tx.Versions.Unknown(s.Context(), []string{c.BlobKey, "x"})
		s.equal(free, []string{"x"})
		return err
	})
}

func markedRace(s storeTest) {
	p := s.signUp("ana")
	r := s.reserve(p, "a", 1)
	s.finish(r)
	s.equal(s.race(core.ErrConflict, func(int) error { return s.adds(s.copyFor(r, "ana")) }), 1)
	late := s.copyFor(r, "ana") // of one that has expired and has not been removed
	late.CreatedAt, late.ExpiresAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
	s.must(s.adds(late))
	got, err := s.marked(late, noon.Add(time.Hour))
	s.must(err)
	s.equal(got, late)
}

func markedExpire(s storeTest) {
	p := s.signUp("ana")
	r := s.reserve(p, "a", 1)
	s.finish(r)
	want := make(map[string]bool)
	for i := range 5 {
		c := s.copyFor(r, fmt.Sprint(i))
		c.ExpiresAt = noon.Add(time.Duration(i) * time.Hour)
		s.must(s.adds(c))
		_, err := s.marked(c, noon)
		s.equal(errors.Is(err, core.ErrNotFound), i == 0)
		want[c.BlobKey] = i < 4
	}
	for _, n := range []int{2, 2, 0} {
		s.update(func(tx ports.Tx) error {
			keys, err := tx.MarkedCopies.RemoveExpired(s.Context(), noon.Add(3*time.Hour), 2)
			s.equal(len(keys), n)
			for _, key := range keys {
				s.equal(want[key], true)
				delete(want, key)
			}
			return err
		})
	}
	s.equal(len(want), 1)
	for key := range want {
		there, err := s.Inspector.DropCopy(s.Context(), key)
		s.must(err)
		s.equal(there, true)
		there, err = s.Inspector.DropCopy(s.Context(), key)
		s.must(err)
		s.equal(there, false)
	}
}

func markedPurged(s storeTest) {
	p := s.signUp("ana")
	r := s.reserve(p, "a", 42)
	s.finish(r)
	a, b := s.copyFor(r, "a"), s.copyFor(r, "b")
	s.must(s.adds(a))
	s.must(s.adds(b))
	s.usage(p, core.OrgUsage{UsedBytes: 42, AssetsCount: 1}) // a copy uses nothing
	found := 0
	for c, err := range s.Inspector.Copies(s.Context(), noon) {
		s.must(err)
		s.equal(c.SizeBytes, int64(77))
		found++
	}
	s.equal(found, 2)
	s.update(func(tx ports.Tx) error {
		left, err := tx.Assets.Purge(s.Context(), p.org.ID, r.NewAsset.ID)
		s.equal(len(left.BlobKeys), 3)
		free, unknown := tx.Versions.Unknown(s.Context(), left.BlobKeys)
		s.equal(len(free), 3)
		return errors.Join(err, unknown)
	})
	s.wantErr(s.adds(s.copyFor(r, "c")), core.ErrNotFound)
}
