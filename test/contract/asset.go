package contract

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func versionEqual(s storeTest) {
	p := s.signUp("ana")
	r := s.reserve(p, "a", 42)
	s.finish(r)
	want := r.Upload.Finished(r.Upload.SHA256, noon.Add(time.Second))
	s.view(func(tx ports.Tx) error {
		got, err := tx.Versions.Get(s.Context(), p.org.ID, r.NewAsset.ID, 1)
		s.must(err)
		s.equal(got, want)
		got, err = tx.Versions.ByUpload(s.Context(), p.org.ID, r.NewAsset.ID, r.Upload.ID)
		s.must(err)
		s.equal(got, want)
		_, err = tx.Versions.Get(s.Context(), p.org.ID, r.NewAsset.ID, 2)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Versions.ByUpload(s.Context(), p.org.ID, r.NewAsset.ID, core.UploadID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		ups, err := tx.Uploads.Of(s.Context(), p.org.ID, r.NewAsset.ID)
		s.equal(len(ups), 0)
		return err
	})
	s.usage(p, core.OrgUsage{UsedBytes: 42, AssetsCount: 1})
}

// next asks for room for another version of a reserved asset.
func (s storeTest) next(p person, r ports.Reservation, number int, size int64) ports.Reservation {
	more := s.reservation(p, "", size)
	more.NewAsset, more.Upload.AssetID, more.Upload.Number = nil, r.NewAsset.ID, number
	more.Upload.DriveID = p.drive.ID
	more.Upload.CreatedBy = p.account.ID
	return more
}

func versionNext(s storeTest) {
	p := s.signUp("ana")
	r := s.reserve(p, "a", 42)
	s.finish(r)
	requests := make([]ports.Reservation, racers)
	for i := range requests {
		requests[i] = s.next(p, r, 2, 10)
	}
	ok := s.race(core.ErrStale, func(i int) error {
		_, _, err := s.Hot.Reserve(s.Context(), requests[i])
		return err
	})
	s.equal(ok, 1)
	s.usage(p, core.OrgUsage{UsedBytes: 52, AssetsCount: 1})
	third := s.next(p, r, 3, 5)
	_, granted, err := s.Hot.Reserve(s.Context(), third)
	s.must(err)
	s.equal(granted, true)
	asset := s.finish(third)
	s.equal([]int{asset.Current, asset.Newest}, []int{3, 3})
	s.view(func(tx ports.Tx) error {
		list, err := tx.Versions.List(s.Context(), p.org.ID, asset.ID, 0, 10)
		s.must(err)
		s.equal([]int{list[0].Number, list[1].Number}, []int{3, 1})
		list, err = tx.Versions.List(s.Context(), p.org.ID, asset.ID, 3, 10)
		s.equal(len(list), 1)
		return err
	})
	s.update(func(tx ports.Tx) error { return tx.Uploads.Abort(s.Context(), p.org.ID, s.uploadsOf(tx, asset)[0].ID) })
	s.usage(p, core.OrgUsage{UsedBytes: 47, AssetsCount: 1}) // the asset has versions: it stays
}

func (s storeTest) uploadsOf(tx ports.Tx, a *core.Asset) []*core.Upload {
	ups, err := tx.Uploads.Of(s.Context(), a.OrgID, a.ID)
	s.must(err)
	return ups
}

func assetSaved(s storeTest) {
	p := s.signUp("ana")
	a := s.finish(s.reserve(p, "a", 1))
	s.reserve(p, "b", 1)
	a.Rename("c", noon.Add(time.Minute))
	a.Metadata, a.TrashedAt = core.Metadata{}, noon.Add(time.Minute)
	s.update(func(tx ports.Tx) error { return tx.Assets.Save(s.Context(), a) })
	s.view(func(tx ports.Tx) error {
		got, err := tx.Assets.Get(s.Context(), p.org.ID, a.ID)
		s.equal(got, a)
		s.must(err)
		_, err = tx.Assets.ByName(s.Context(), p.org.ID, a.ParentID, "c")
		s.wantErr(err, core.ErrNotFound) // trashed
		b, err := tx.Assets.ByName(s.Context(), p.org.ID, a.ParentID, "b")
		s.must(err)
		s.equal(b.Name, "b")
		old, err := tx.Assets.Trashed(s.Context(), noon.Add(time.Hour), 10)
		s.equal(old, []*core.Asset{a})
		s.must(err)
		old, err = tx.Assets.Trashed(s.Context(), noon, 10)
		s.equal(len(old), 0)
		return err
	})
	taken := *a
	taken.TrashedAt = time.Time{}
	taken.Rename("b", noon)
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error { return tx.Assets.Save(s.Context(), &taken) }), core.ErrNameTaken)
}

func assetStale(s storeTest) {
	p := s.signUp("ana")
	a := s.finish(s.reserve(p, "a", 1))
	ok := s.race(core.ErrStale, func(i int) error {
		mine := *a
		mine.Rename(fmt.Sprint(i), noon)
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Assets.Save(s.Context(), &mine) })
	})
	s.equal(ok, 1)
}

func assetFilters(s storeTest) {
	p := s.signUp("ana")
	add := func(name, contentType, tag string) {
		r := s.reservation(p, name, 1)
		r.NewAsset.ContentType, r.NewAsset.Metadata = contentType, core.Metadata{Tags: []string{tag}}
		r.Upload.ContentType = contentType
		_, _, err := s.Hot.Reserve(s.Context(), r)
		s.must(err)
	}
	add("Report 100%.pdf", "application/pdf", "work")
	add("ÉTÉ_1.png", "image/png", "play")
	add("été 2.jpg", "image/jpeg", "play'd")
	add("notes.txt", "text/plain; charset=utf-8", "work")
	s.finish(s.reserve(p, "ready", 1))
	names := func(q ports.AssetQuery) (out []string) {
		q.OrgID, q.AccountID = p.org.ID, p.account.ID
		if q.Limit == 0 {
			q.Limit = 10
		}
		s.view(func(tx ports.Tx) error {
			list, err := tx.Assets.List(s.Context(), q)
			for _, a := range list {
				out = append(out, a.Name)
			}
			return err
		})
		return out
	}
	s.equal(names(ports.AssetQuery{}), []string{"ready", "notes.txt", "été 2.jpg", "ÉTÉ_1.png", "Report 100%.pdf"})
	s.equal(names(ports.AssetQuery{Type: "image"}), []string{"été 2.jpg", "ÉTÉ_1.png"})
	s.equal(names(ports.AssetQuery{Type: "text/plain"}), []string{"ready", "notes.txt"})
	s.equal(names(ports.AssetQuery{Tag: "play'd"}), []string{"été 2.jpg"})
	s.equal(names(ports.AssetQuery{Tag: "work"}), []string{"notes.txt", "Report 100%.pdf"})
	s.equal(names(ports.AssetQuery{Text: "éTé"}), []string{"été 2.jpg", "ÉTÉ_1.png"})
	s.equal(names(ports.AssetQuery{Text: "0%"}), []string{"Report 100%.pdf"})
	s.equal(names(ports.AssetQuery{Text: "_1"}), []string{"ÉTÉ_1.png"})
	s.equal(names(ports.AssetQuery{Status: core.AssetReady}), []string{"ready"})
	var paged []string
	q := ports.AssetQuery{OrgID: p.org.ID, AccountID: p.account.ID, Limit: 2}
	for {
		var list []*core.Asset
		s.view(func(tx ports.Tx) (err error) { list, err = tx.Assets.List(s.Context(), q); return err })
		for _, a := range list {
			paged, q.Before = append(paged, a.Name), a.ID
		}
		if len(list) < q.Limit {
			break
		}
	}
	s.equal(paged, names(ports.AssetQuery{}))
}

func folderOrder(s storeTest) {
	p := s.signUp("ana")
	for _, name := range []string{"b", "中", "B", "é", "a"} {
		s.reserve(p, name, 1)
	}
	var got []string
	s.view(func(tx ports.Tx) error {
		q := ports.NodeQuery{DriveID: p.drive.ID, ParentID: core.RootOf(p.drive.ID), Limit: 2}
		for {
			page, err := tx.Listings.List(s.Context(), q)
			s.must(err)
			for _, e := range page {
				got, q.After = append(got, e.Node.Name), ports.NodePosition{Name: e.Node.Name}
				s.equal(e.File.SizeBytes, int64(1))
			}
			if len(page) < q.Limit {
				return nil
			}
		}
	})
	s.equal(got, []string{"B", "a", "b", "é", "中"})
	s.view(func(tx ports.Tx) error {
		names, err := tx.Nodes.NamesLike(s.Context(), p.drive.ID, core.RootOf(p.drive.ID), "a", 10)
		s.equal(names, []string{"a"})
		return err
	})
}

func assetIsolation(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	r := s.reserve(ana, "a", 1)
	done := s.reserve(ana, "done", 1)
	s.finish(done)
	org := ben.org.ID
	s.update(func(tx ports.Tx) error {
		_, err := tx.Assets.Get(s.Context(), org, r.NewAsset.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Assets.ByName(s.Context(), org, r.NewAsset.ParentID, "a")
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Assets.Purge(s.Context(), org, r.NewAsset.ID)
		s.wantErr(err, core.ErrNotFound)
		s.wantErr(s.ends(tx, org, r.Upload.ID, time.Time{}), core.ErrUploadNotFound)
		s.wantErr(tx.Uploads.Abort(s.Context(), org, r.Upload.ID), core.ErrUploadNotFound)
		_, err = tx.Versions.Get(s.Context(), org, done.NewAsset.ID, 1)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Drives.Get(s.Context(), org, ana.drive.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Accounts.Get(s.Context(), org, ana.account.ID)
		s.wantErr(err, core.ErrNotFound)
		foreign := *r.NewAsset
		foreign.OrgID = org
		foreign.Rename("mine", noon)
		s.wantErr(tx.Assets.Save(s.Context(), &foreign), core.ErrStale)
		ups, err := tx.Uploads.Of(s.Context(), org, r.NewAsset.ID)
		s.equal(len(ups), 0)
		s.must(err)
		list, err := tx.Assets.List(s.Context(), ports.AssetQuery{OrgID: org, AccountID: ben.account.ID, Limit: 10})
		s.equal(len(list), 0)
		s.must(err)
		list, err = tx.Assets.List(s.Context(), ports.AssetQuery{OrgID: ana.org.ID, AccountID: ben.account.ID, Limit: 10})
		s.equal(len(list), 0)
		return err
	})
}

func purgeOnce(s storeTest) {
	p := s.signUp("ana")
	r := s.reserve(p, "a", 42)
	s.finish(r)
	second := s.next(p, r, 2, 10)
	_, _, err := s.Hot.Reserve(s.Context(), second)
	s.must(err)
	ok := s.race(core.ErrNotFound, func(int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			left, err := tx.Assets.Purge(s.Context(), p.org.ID, r.NewAsset.ID)
			if err == nil {
				s.equal(left, ports.Remains{
					BlobKeys: []string{r.Upload.BlobKey, second.Upload.BlobKey, second.Upload.StagingKey, second.Upload.SourceKey},
					Multiparts: []ports.Multipart{
						{Key: second.Upload.BlobKey, UploadID: second.Upload.StoreID, StartedAt: noon},
					},
				})
			}
			return err
		})
	})
	s.equal(ok, 1)
	s.usage(p, core.OrgUsage{})
}

// usageModel does many random things and compares with a recount.
func usageModel(s storeTest) {
	p := s.signUp("ana")
	random := rand.New(rand.NewPCG(1, 2))
	type file struct {
		r     ports.Reservation
		ready bool
	}
	var files []file
	var want core.OrgUsage
	for i := range 120 {
		switch pick := random.IntN(4); {
		case pick < 2 || len(files) == 0:
			r := s.reserve(p, fmt.Sprint(i), random.Int64N(1000))
			files = append(files, file{r: r})
			want.UsedBytes += r.Upload.SizeBytes
			want.AssetsCount++
		case pick == 2:
			f := &files[random.IntN(len(files))]
			if !f.ready {
				s.finish(f.r)
				f.ready = true
			}
		default:
			at := random.IntN(len(files))
			f := files[at]
			s.update(func(tx ports.Tx) error {
				if f.ready {
					_, err := tx.Assets.Purge(s.Context(), p.org.ID, f.r.NewAsset.ID)
					return err
				}
				return tx.Uploads.Abort(s.Context(), p.org.ID, f.r.Upload.ID)
			})
			files = append(files[:at], files[at+1:]...)
			want.UsedBytes -= f.r.Upload.SizeBytes
			want.AssetsCount--
		}
	}
	s.usage(p, want)
}

func unknownKeys(s storeTest) {
	p := s.signUp("ana")
	a, b := s.reserve(p, "a", 1), s.reserve(p, "b", 1)
	s.finish(a)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Versions.Unknown(s.Context(), []string{
			"x", a.Upload.BlobKey, b.Upload.BlobKey, b.Upload.StagingKey, "it's", a.Upload.StagingKey,
			b.Upload.SourceKey, a.Upload.SourceKey,
		})
		s.equal(got, []string{"x", "it's", a.Upload.StagingKey, a.Upload.SourceKey})
		s.must(err)
		known := ports.Multipart{Key: b.Upload.BlobKey, UploadID: b.Upload.StoreID}
		other := ports.Multipart{Key: "k", UploadID: "u"}
		ms, err := tx.Uploads.UnknownMultiparts(s.Context(), []ports.Multipart{known, other})
		s.equal(ms, []ports.Multipart{other})
		return err
	})
	s.update(func(tx ports.Tx) error {
		s.must(tx.Versions.SetSHA256(s.Context(), p.org.ID, a.NewAsset.ID, 1, []byte("other"))) // it has one: kept
		v, err := tx.Versions.Get(s.Context(), p.org.ID, a.NewAsset.ID, 1)
		s.must(err)
		s.equal(v.SHA256, a.Upload.SHA256)
		return nil
	})
}
