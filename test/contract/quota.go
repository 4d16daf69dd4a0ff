package contract

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// reservation asks for room for a file in a person's default drive.
func (s storeTest) reservation(p person, name string, size int64) ports.Reservation {
	id := core.AssetID(s.id())
	a := &core.Asset{
		Node: core.Node{ID: id, OrgID: p.org.ID, Kind: core.KindAsset, Name: name, Version: 1, CreatedAt: noon, UpdatedAt: noon},
		File: core.File{
			Status: core.AssetPending, ContentType: "text/plain", SizeBytes: size, Newest: 1,
			Metadata: core.Metadata{Tags: []string{"a", "b"}, CustomFields: map[string]any{"n": 1.5, "s": "x", "t": true, "z": nil}},
		},
	}
	u := &core.Upload{
		ID: core.UploadID(s.id()), OrgID: p.org.ID, AssetID: id, Number: 1, BlobKey: "blob/" + id.String(), StagingKey: "staging/" + id.String(),
		ContentType: "text/plain", SizeBytes: size, SHA256: []byte("0123456789abcdef0123456789abcdef"), Strategy: core.UploadMultipart,
		PartSize: 16 << 20, StoreID: "store-" + id.String(), SourceKey: "source/" + id.String(), CreatedAt: noon, CheckAt: noon.Add(time.Minute), ExpiresAt: noon.Add(time.Hour),
	}
	return ports.Reservation{Actor: p.actor(), Upload: u, NewAsset: a, Now: noon}
}

// reserve makes room, and fills in what the store has settled.
func (s storeTest) reserve(p person, name string, size int64) ports.Reservation {
	s.Helper()
	return s.reserveIn(p, core.RootOf(p.drive.ID), name, size)
}

// reserveIn is reserve in a folder.
func (s storeTest) reserveIn(p person, folder core.NodeID, name string, size int64) ports.Reservation {
	s.Helper()
	r := s.reservation(p, name, size)
	r.Unlimited, r.NewAsset.ParentID = true, folder
	g, ok, err := s.Hot.Reserve(s.Context(), r)
	s.must(err)
	if !ok {
		s.Fatal("the reservation was refused")
	}
	s.equal(g, ports.Granted{DriveID: p.drive.ID, AccountID: p.account.ID})
	r.Upload.DriveID, r.Upload.CreatedBy = g.DriveID, g.AccountID
	r.NewAsset.DriveID, r.NewAsset.CreatedBy = g.DriveID, g.AccountID
	return r
}

// ends finishes one upload.
func (s storeTest) ends(tx ports.Tx, org core.OrgID, id core.UploadID, held time.Time) error {
	finished, busy, err := tx.Uploads.Finish(s.Context(), org, held, id)
	switch {
	case err != nil || len(finished) == 1:
		return err
	case len(busy) == 1:
		return core.ErrUploadBusy
	}
	return core.ErrUploadNotFound
}

// finish turns a reservation into a version, and returns the asset.
func (s storeTest) finish(r ports.Reservation) (asset *core.Asset) {
	s.Helper()
	s.update(func(tx ports.Tx) (err error) {
		s.must(s.ends(tx, r.Upload.OrgID, r.Upload.ID, time.Time{}))
		asset, err = tx.Assets.Get(s.Context(), r.Upload.OrgID, r.Upload.AssetID)
		s.must(err)
		v := r.Upload.Finished(r.Upload.SHA256, noon.Add(time.Second))
		asset.Finish(v, noon.Add(time.Second))
		s.must(tx.Versions.Add(s.Context(), v))
		return tx.Assets.Save(s.Context(), asset)
	})
	return asset
}

func (s storeTest) usage(p person, want core.OrgUsage) {
	s.Helper()
	want.Members = 1
	s.view(func(tx ports.Tx) error {
		got, err := tx.Orgs.Usage(s.Context(), p.org.ID)
		s.equal(got, want)
		s.must(err)
		d, err := tx.Drives.Get(s.Context(), p.org.ID, p.drive.ID)
		s.must(err)
		s.equal(d.UsedBytes, want.UsedBytes)
		return nil
	})
}

func reservationEqual(s storeTest) {
	p := s.signUp("ana")
	r := s.reserve(p, "é 中.txt", 42)
	s.usage(p, core.OrgUsage{UsedBytes: 42, AssetsCount: 1})
	s.view(func(tx ports.Tx) error {
		a, err := tx.Assets.Get(s.Context(), p.org.ID, r.NewAsset.ID)
		s.must(err)
		s.equal(a, r.NewAsset)
		ups, err := tx.Uploads.Of(s.Context(), p.org.ID, r.NewAsset.ID)
		s.must(err)
		s.equal(ups, []*core.Upload{r.Upload})
		return nil
	})
	f := s.uploadFacts(p, core.NodeID{})
	s.equal(f.Usage, core.OrgUsage{UsedBytes: 42, AssetsCount: 1})
	s.equal([]any{f.ParentKind, f.ParentLive, f.Depth, f.License.Name, f.QuotaBytes, f.DriveUsed},
		[]any{core.KindFolder, true, 0, "free", core.Unlimited, int64(42)})
	s.equal(s.uploadFacts(p, r.NewAsset.ID).ParentKind, core.KindAsset)
	s.equal(s.uploadFacts(p, core.NodeID(s.id())).ParentKind, core.NodeKind(""))
}

func reservationUndone(s storeTest) {
	p := s.signUp("ana")
	no := errors.New("no")
	err := s.Update(s.Context(), func(tx ports.Tx) error {
		_, ok, err := tx.Quota.Reserve(s.Context(), s.reservation(p, "a", 42))
		s.must(err)
		s.equal(ok, true)
		return no
	})
	s.wantErr(err, no)
	s.usage(p, core.OrgUsage{})
}

func nameTaken(s storeTest) {
	p := s.signUp("ana")
	s.reserve(p, "a", 1)
	_, _, err := s.Hot.Reserve(s.Context(), s.reservation(p, "a", 1))
	s.wantErr(err, core.ErrNameTaken)
	s.reserve(p, "A", 1) // names differ by case
	s.usage(p, core.OrgUsage{UsedBytes: 2, AssetsCount: 2})
}

func reserveStranger(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	r := s.reservation(ana, "a", 1)
	r.Actor = ben.actor()
	_, ok, err := s.Hot.Reserve(s.Context(), r)
	s.must(err)
	s.equal(ok, false)
	r = s.reservation(ben, "a", 1) // into a drive of another org
	r.Upload.DriveID, r.NewAsset.DriveID = ana.drive.ID, ana.drive.ID
	_, ok, err = s.Hot.Reserve(s.Context(), r)
	s.must(err)
	s.equal(ok, false)
	r = s.reservation(ben, "a", 1) // into a folder of another drive
	r.NewAsset.ParentID = core.RootOf(ana.drive.ID)
	_, ok, err = s.Hot.Reserve(s.Context(), r)
	s.must(err)
	s.equal(ok, false)
	s.disable(ben)
	_, ok, err = s.Hot.Reserve(s.Context(), s.reservation(ben, "a", 1))
	s.must(err)
	s.equal(ok, false)
	s.usage(ana, core.OrgUsage{})
	s.usage(ben, core.OrgUsage{})
}

// reserveRace lets n goroutines reserve size bytes each and returns how many could.
func (s storeTest) reserveRace(p person, n int, size int64) int64 {
	s.Helper()
	var granted atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		r := s.reservation(p, fmt.Sprintf("file %d", i), size)
		wg.Go(func() {
			_, ok, err := s.Hot.Reserve(s.Context(), r)
			if err != nil {
				s.Error(err)
			}
			if ok {
				granted.Add(1)
			}
		})
	}
	wg.Wait()
	return granted.Load()
}

func reserveStorageRace(s storeTest) {
	p := s.signUp("ana")
	s.equal(s.reserveRace(p, 60, 50*core.MB), int64(20))
	s.usage(p, core.OrgUsage{UsedBytes: 1_000 * core.MB, AssetsCount: 20})
	s.wantErr(core.CanUpload(s.uploadFacts(p, core.NodeID{}), core.MB, 1), &core.Error{Code: "limit_exceeded"})
}

func reserveCountRace(s storeTest) {
	p := s.signUp("ana")
	s.equal(s.reserveRace(p, 130, 1), int64(100))
	s.usage(p, core.OrgUsage{UsedBytes: 100, AssetsCount: 100})
}

func reserveQuotaRace(s storeTest) {
	p := s.newPerson("ana")
	p.drive.QuotaBytes = 1_000
	s.update(func(tx ports.Tx) error { return p.add(s.Context(), tx) })
	s.equal(s.reserveRace(p, 30, 70), int64(14))
	s.usage(p, core.OrgUsage{UsedBytes: 980, AssetsCount: 14})
}

func reserveTooLarge(s storeTest) {
	p := s.signUp("ana")
	_, ok, err := s.Hot.Reserve(s.Context(), s.reservation(p, "a", 100*core.MB+1))
	s.must(err)
	s.equal(ok, false)
	s.reserve(p, "b", 100*core.MB)
	s.update(func(tx ports.Tx) error {
		return tx.Licenses.Assign(s.Context(), ports.LicenseAssignment{ID: s.id(), OrgID: p.org.ID, License: "starter", Now: noon})
	})
	s.reserve(p, "a", 500*core.MB)
}

func reserveUnlimited(s storeTest) {
	p := s.signUp("ana")
	r := s.reservation(p, "a", core.MaxBlobBytes)
	r.Unlimited = true
	_, ok, err := s.Hot.Reserve(s.Context(), r)
	s.must(err)
	s.equal(ok, true)
}

func abortOnce(s storeTest) {
	p := s.signUp("ana")
	r := s.reserve(p, "a", 42)
	ok := s.race(core.ErrUploadNotFound, func(int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Uploads.Abort(s.Context(), p.org.ID, r.Upload.ID) })
	})
	s.equal(ok, 1)
	s.usage(p, core.OrgUsage{})
	s.view(func(tx ports.Tx) error {
		_, err := tx.Assets.Get(s.Context(), p.org.ID, r.NewAsset.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
}

func finishAbortRace(s storeTest) {
	p := s.signUp("ana")
	for range 10 {
		r := s.reserve(p, "a", 42)
		ok := s.race(core.ErrUploadNotFound, func(i int) error {
			return s.Update(s.Context(), func(tx ports.Tx) error {
				if i%2 == 0 {
					return tx.Uploads.Abort(s.Context(), p.org.ID, r.Upload.ID)
				}
				if err := s.ends(tx, p.org.ID, r.Upload.ID, time.Time{}); err != nil {
					return err
				}
				return tx.Versions.Add(s.Context(), r.Upload.Finished(nil, noon))
			})
		})
		s.equal(ok, 1)
		err := s.Update(s.Context(), func(tx ports.Tx) error {
			_, err := tx.Assets.Purge(s.Context(), p.org.ID, r.NewAsset.ID)
			return err
		})
		if err != nil {
			s.wantErr(err, core.ErrNotFound)
		}
		s.usage(p, core.OrgUsage{})
	}
}
