package contract

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func uploadsDue(s storeTest) {
	p := s.signUp("ana")
	a, b := s.reserve(p, "a", 1), s.reserve(p, "b", 1)
	due := func(at time.Time) (ids []core.UploadID) {
		s.view(func(tx ports.Tx) error {
			ups, err := tx.Uploads.Due(s.Context(), at, 10)
			for _, u := range ups {
				ids = append(ids, u.ID)
			}
			return err
		})
		return ids
	}
	s.equal(len(due(noon)), 0)
	s.equal(due(noon.Add(time.Minute)), []core.UploadID{a.Upload.ID, b.Upload.ID})
	s.update(func(tx ports.Tx) error {
		return tx.Uploads.Postpone(s.Context(), a.Upload.ID, time.Time{}, noon.Add(2*time.Minute))
	})
	s.equal(due(noon.Add(time.Minute)), []core.UploadID{b.Upload.ID})
	s.equal(due(noon.Add(time.Hour)), []core.UploadID{b.Upload.ID, a.Upload.ID})
}

func claimOnce(s storeTest) {
	p := s.signUp("ana")
	r := s.reserve(p, "a", 1)
	claim := func(at time.Time) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			return tx.Uploads.Claim(s.Context(), r.Upload.ID, at, at.Add(time.Minute))
		})
	}
	s.equal(s.race(core.ErrUploadBusy, func(int) error { return claim(noon) }), 1)
	s.must(claim(noon.Add(time.Minute))) // the first one's time is over
	s.update(func(tx ports.Tx) error {
		for _, other := range []time.Time{{}, noon.Add(time.Minute)} {
			s.must(tx.Uploads.Postpone(s.Context(), r.Upload.ID, other, noon))
		}
		return nil
	})
	s.wantErr(claim(noon.Add(time.Minute)), core.ErrUploadBusy) // it is not theirs to end
	s.update(func(tx ports.Tx) error {
		return tx.Uploads.Postpone(s.Context(), r.Upload.ID, noon.Add(2*time.Minute), noon)
	})
	s.must(claim(noon))
	s.update(func(tx ports.Tx) error {
		return tx.Uploads.Postpone(s.Context(), r.Upload.ID, noon.Add(time.Minute), noon)
	})
	s.finish(r)
	s.wantErr(claim(noon.Add(time.Hour)), core.ErrUploadNotFound)
}

func renewOwnClaim(s storeTest) {
	p := s.signUp("ana")
	r, free, done := s.reserve(p, "a", 1), s.reserve(p, "b", 1), s.reserve(p, "c", 1)
	s.finish(done)
	at := func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }
	claim := func(now, until time.Time) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Uploads.Claim(s.Context(), r.Upload.ID, now, until) })
	}
	renew := func(held, until time.Time) (kept []core.UploadID) {
		s.update(func(tx ports.Tx) (err error) {
			kept, err = tx.Uploads.Renew(s.Context(), []core.UploadID{r.Upload.ID, free.Upload.ID, done.Upload.ID}, held, until)
			return err
		})
		return kept
	}
	finish := func(held time.Time) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return s.ends(tx, p.org.ID, r.Upload.ID, held) })
	}
	s.must(claim(at(0), at(1)))
	s.equal(renew(at(1), at(2)), []core.UploadID{r.Upload.ID})
	s.wantErr(claim(at(1), at(3)), core.ErrUploadBusy)
	// Whose time is over loses to one of those who come, or is in time after all.
	s.equal(s.race(core.ErrUploadBusy, func(i int) error {
		if i > 0 {
			return claim(at(2), at(3+i))
		}
		if len(renew(at(2), at(3))) == 0 {
			return core.ErrUploadBusy
		}
		return nil
	}), 1)
	s.equal(len(renew(at(2), at(20))), 0)
	s.wantErr(finish(at(2)), core.ErrUploadBusy)
	s.wantErr(finish(time.Time{}), core.ErrUploadBusy)
	s.must(claim(at(30), at(31)))
	s.must(finish(at(31)))
	s.wantErr(finish(at(31)), core.ErrUploadNotFound)
	s.equal(len(renew(at(31), at(32))), 0)
}

func claimMany(s storeTest) {
	p := s.signUp("ana")
	whole := func(name string) ports.Reservation {
		r := s.reservation(p, name, 1)
		r.Upload.Strategy = core.UploadSingle
		_, _, err := s.Hot.Reserve(s.Context(), r)
		s.must(err)
		return r
	}
	a, b, c, parts := whole("a"), whole("b"), whole("c"), s.reserve(p, "parts", 1)
	ids := []core.UploadID{a.Upload.ID, b.Upload.ID, c.Upload.ID, parts.Upload.ID, core.UploadID(s.id())}
	claim := func(drive core.DriveID, at time.Time) (names []core.UploadID) {
		s.update(func(tx ports.Tx) error {
			got, err := tx.Uploads.ClaimMany(s.Context(), drive, ids, at, at.Add(time.Minute))
			for _, u := range got {
				names = append(names, u.ID)
			}
			return err
		})
		slices.SortFunc(names, func(a, b core.UploadID) int { return strings.Compare(a.String(), b.String()) })
		return names
	}
	s.update(func(tx ports.Tx) error {
		got, err := tx.Uploads.ClaimMany(s.Context(), p.drive.ID, nil, noon, noon)
		s.equal(len(got), 0)
		return err
	})
	s.equal(len(claim(core.DriveID(s.id()), noon)), 0)
	s.update(func(tx ports.Tx) error { return tx.Uploads.Claim(s.Context(), b.Upload.ID, noon, noon.Add(time.Hour)) })
	s.equal(claim(p.drive.ID, noon), []core.UploadID{a.Upload.ID, c.Upload.ID})
	s.equal(len(claim(p.drive.ID, noon)), 0)
	var claimed atomic.Int64
	var wg sync.WaitGroup
	for range 8 { // each is somebody's, once
		wg.Go(func() { claimed.Add(int64(len(claim(p.drive.ID, noon.Add(2*time.Minute))))) })
	}
	wg.Wait()
	s.equal(claimed.Load(), int64(2))
}

// finishMany: of those who finish the same uploads, one finishes each.
func finishMany(s storeTest) {
	p := s.signUp("ana")
	const files = 20
	var all []ports.Reservation
	var ids []core.UploadID
	for i := range files {
		r := s.reserve(p, fmt.Sprint(i), 1)
		all, ids = append(all, r), append(ids, r.Upload.ID)
	}
	finish := func() (done int, err error) {
		err = s.Update(s.Context(), func(tx ports.Tx) error {
			gone, _, err := tx.Uploads.Finish(s.Context(), p.org.ID, time.Time{}, ids...)
			s.must(err)
			done = len(gone)
			var vs []*core.Version
			var as []*core.Asset
			for _, r := range all {
				if !slices.Contains(gone, r.Upload.ID) {
					continue
				}
				asset, err := tx.Assets.Get(s.Context(), p.org.ID, r.Upload.AssetID)
				s.must(err)
				v := r.Upload.Finished(r.Upload.SHA256, noon.Add(time.Second))
				asset.Finish(v, noon.Add(time.Second))
				vs, as = append(vs, v), append(as, asset)
			}
			s.must(tx.Versions.Add(s.Context(), vs...))
			return tx.Assets.SaveMany(s.Context(), as)
		})
		return done, err
	}
	s.update(func(tx ports.Tx) error {
		gone, busy, err := tx.Uploads.Finish(s.Context(), core.OrgID(s.id()), time.Time{}, ids...) // another org's
		s.equal(len(gone)+len(busy), 0)
		return err
	})
	var done atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			n, err := finish()
			s.must(err)
			done.Add(int64(n))
		})
	}
	wg.Wait()
	s.equal(done.Load(), int64(files))
	for _, r := range all {
		s.view(func(tx ports.Tx) error {
			got, err := tx.Assets.Get(s.Context(), p.org.ID, r.NewAsset.ID)
			s.must(err)
			want := *r.NewAsset
			want.Finish(r.Upload.Finished(r.Upload.SHA256, noon.Add(time.Second)), noon.Add(time.Second))
			s.equal(got, &want)
			return nil
		})
	}
	s.usage(p, core.OrgUsage{UsedBytes: files, AssetsCount: files})
	stale, fine := *all[0].NewAsset, *all[1].NewAsset
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error {
		for _, r := range all[:2] {
			got, err := tx.Assets.Get(s.Context(), p.org.ID, r.NewAsset.ID)
			s.must(err)
			if r.NewAsset.ID == fine.ID {
				fine = *got
			} else {
				stale = *got
			}
		}
		fine.Rename("another", noon.Add(time.Minute))
		return tx.Assets.SaveMany(s.Context(), []*core.Asset{&fine, &stale})
	}), core.ErrStale)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Assets.Get(s.Context(), p.org.ID, fine.ID)
		s.equal(got.Name, "1") // all or none
		return err
	})
}
