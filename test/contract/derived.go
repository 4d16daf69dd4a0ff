package contract

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// derivable adds a file with a finished version, of which something is to be derived.
func (s storeTest) derivable(p person, name string) *core.Derived {
	s.Helper()
	r := s.reserve(p, name, 1)
	s.finish(r)
	s.update(func(tx ports.Tx) error {
		u := ports.Undone{OrgID: p.org.ID, AssetID: r.Upload.AssetID, Number: 1}
		added, err := tx.Derived.Add(s.Context(), noon, u)
		s.equal(added, []ports.Undone{u})
		return err
	})
	return &core.Derived{OrgID: p.org.ID, AssetID: r.Upload.AssetID, Number: 1, Preview: core.Preview{Status: core.DerivedPending}, UpdatedAt: noon}
}

func (s storeTest) derivedOf(d *core.Derived) (got *core.Derived, err error) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		got, err = tx.Derived.Get(s.Context(), d.OrgID, d.AssetID, d.Number)
		return nil
	})
	return got, err
}

func (s storeTest) derive(d *core.Derived, words ...string) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Derived.Finish(s.Context(), d, words) })
}

func (s storeTest) done(d *core.Derived) *core.Derived {
	out := *d
	out.Finish(core.Preview{
		Thumbnail: core.Picture{BlobKey: core.DerivedKey(d.OrgID, d.AssetID, s.id()), ContentType: "image/jpeg", SizeBytes: 11},
		Poster:    core.Picture{BlobKey: core.DerivedKey(d.OrgID, d.AssetID, s.id()), ContentType: "image/png", SizeBytes: 12},
		Width:     640, Height: 480, Duration: 1500 * time.Millisecond, Placeholder: []byte{1, 2, 3},
	}, noon.Add(time.Minute))
	return &out
}

func derivedEqual(s storeTest) {
	p, eve := s.signUp("ana"), s.signUp("eve")
	r := s.reserve(p, "pending", 1)
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error {
		_, err := tx.Derived.Add(s.Context(), noon, ports.Undone{OrgID: p.org.ID, AssetID: r.Upload.AssetID, Number: 1})
		return err
	}), core.ErrNotFound) // there is no version yet
	d := s.derivable(p, "a")
	got, err := s.derivedOf(d)
	s.must(err)
	s.equal(got, d)
	s.update(func(tx ports.Tx) error {
		added, err := tx.Derived.Add(s.Context(), noon.Add(time.Hour), ports.Undone{OrgID: d.OrgID, AssetID: d.AssetID, Number: d.Number})
		s.equal(len(added), 0)
		return err
	})
	foreign := *d
	foreign.OrgID = eve.org.ID
	_, err = s.derivedOf(&foreign)
	s.wantErr(err, core.ErrNotFound)
	s.wantErr(s.derive(&foreign), core.ErrNotFound)
	d = s.done(d)
	s.must(s.derive(d))
	got, err = s.derivedOf(d)
	s.must(err)
	s.equal(got, d)
	s.view(func(tx ports.Tx) error {
		a, err := tx.Assets.Get(s.Context(), d.OrgID, d.AssetID)
		s.must(err)
		s.equal(a.Preview, &d.Preview)
		free, err := tx.Versions.Unknown(s.Context(), append(d.Keys(), "x"))
		s.equal(free, []string{"x"})
		s.must(err)
		list, err := tx.Listings.List(s.Context(), ports.NodeQuery{DriveID: a.DriveID, ParentID: a.ParentID, Limit: 10})
		s.must(err)
		for i := range list {
			if list[i].Node.ID == d.AssetID {
				s.equal(list[i].File.Preview, &d.Preview)
			}
		}
		return err
	})
	_, page, err := s.Hot.ForPage(s.Context(), p.actor(), ports.NodeQuery{DriveID: p.drive.ID, Limit: 10})
	s.must(err)
	want := d.Preview // of which a page leaves out what it does not show
	want.Attempts, want.Poster, want.Thumbnail.SizeBytes = 0, core.Picture{}, 0
	for i := range page {
		if page[i].Node.ID == d.AssetID {
			s.equal(page[i].File.Preview, &want)
		} else if page[i].File.Preview != nil {
			s.Errorf("a file of which nothing is derived has %+v", page[i].File.Preview)
		}
	}
}

func derivedRace(s storeTest) {
	d := s.derivable(s.signUp("ana"), "a")
	s.equal(s.race(core.ErrConflict, func(int) error { return s.derive(s.done(d), "word") }), 1)
	s.wantErr(s.derive(s.done(d)), core.ErrConflict)
}

func derivedRetry(s storeTest) {
	d := s.derivable(s.signUp("ana"), "a")
	retry := func(d *core.Derived) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			return tx.Derived.Retry(s.Context(), d.OrgID, d.AssetID, d.Number, noon.Add(time.Hour))
		})
	}
	s.wantErr(retry(d), core.ErrConflict) // it waits already
	for _, why := range []core.Underivable{core.UnderivableDamaged, core.UnderivableTool} {
		before, err := s.derivedOf(d)
		s.must(err)
		before.Fail(why, noon.Add(time.Minute))
		s.must(s.derive(before))
		got, err := s.derivedOf(d)
		s.must(err)
		s.equal(got, before)
		s.equal(s.race(core.ErrConflict, func(int) error { return retry(d) }), 1)
	}
	got, err := s.derivedOf(d)
	s.must(err)
	s.equal(got.Status, core.DerivedPending)
	s.equal(got.Attempts, 2)
	s.must(s.derive(s.done(got)))
	s.wantErr(retry(d), core.ErrConflict)
	other := *d
	other.Number = 2
	s.wantErr(retry(&other), core.ErrNotFound)
}

func derivedUndone(s storeTest) {
	p := s.signUp("ana")
	var want []core.AssetID
	for i := range 5 {
		r := s.reserve(p, fmt.Sprint(i), 1)
		s.finish(r)
		want = append(want, r.Upload.AssetID)
	}
	s.reserve(p, "pending", 1)
	done, tool := s.derivable(p, "done"), s.derivable(p, "tool")
	s.must(s.derive(s.done(done)))
	tool.Fail(core.UnderivableTool, noon)
	s.must(s.derive(tool))
	want = append(want, tool.AssetID)
	var got []core.AssetID
	for after := (core.AssetID{}); ; {
		var page []ports.Undone
		s.view(func(tx ports.Tx) (err error) {
			page, err = tx.Derived.Undone(s.Context(), after, 2)
			return err
		})
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			got = append(got, u.AssetID)
			s.equal(u.OrgID, p.org.ID)
			s.equal(u.Number, 1)
			s.equal(u.Status == core.DerivedUnsupported, u.AssetID == tool.AssetID)
		}
		after = page[len(page)-1].AssetID
	}
	s.equal(got, want)
}

func derivedPurged(s storeTest) {
	p := s.signUp("ana")
	d := s.done(s.derivable(p, "a"))
	s.must(s.derive(d, "word"))
	s.usage(p, core.OrgUsage{UsedBytes: 1, AssetsCount: 1}) // what is derived uses nothing
	found := 0
	for x, err := range s.Inspector.Pictures(s.Context()) {
		s.must(err)
		s.equal(x.Keys(), d.Keys())
		found++
	}
	s.equal(found, 1)
	s.update(func(tx ports.Tx) error {
		left, err := tx.Assets.Purge(s.Context(), p.org.ID, d.AssetID)
		s.equal(len(left.BlobKeys), 3)
		free, unknown := tx.Versions.Unknown(s.Context(), left.BlobKeys)
		s.equal(len(free), 3)
		return errors.Join(err, unknown)
	})
	_, err := s.derivedOf(d)
	s.wantErr(err, core.ErrNotFound)
	s.wantErr(s.derive(d), core.ErrNotFound)

	d = s.done(s.derivable(p, "b")) // whose blobs are lost
	s.must(s.derive(d))
	there, err := s.Inspector.DropPictures(s.Context(), *d)
	s.must(err)
	s.equal(there, true)
	there, err = s.Inspector.DropPictures(s.Context(), *d)
	s.must(err)
	s.equal(there, false)
}

func derivedWords(s storeTest) {
	p, eve := s.signUp("ana"), s.signUp("eve")
	texts := []string{"The red bridge over the river", "Red brick road", "мост через реку", "été 2024 l'eau", "東京タワー", "bridges"}
	ids := make([]core.AssetID, len(texts))
	for i, text := range texts {
		d := s.derivable(p, fmt.Sprintf("f%d", i))
		ids[i] = d.AssetID
		s.must(s.derive(s.done(d), core.Words(text)...))
	}
	foreign := s.derivable(eve, "foreign")
	s.must(s.derive(s.done(foreign), core.Words(texts[0])...))
	find := func(p person, text string, before core.NodeID, limit int) (got []core.NodeID) {
		words, err := core.SearchWords("query.q", text)
		s.must(err)
		s.view(func(tx ports.Tx) error {
			list, err := tx.Listings.Search(s.Context(), ports.NodeSearch{
				DriveID: p.drive.ID, Root: core.RootOf(p.drive.ID), OrgID: p.org.ID, Words: words, Before: before, Limit: limit,
			})
			for i := range list {
				got = append(got, list[i].Node.ID)
			}
			return err
		})
		return got
	}
	for text, want := range map[string][]core.NodeID{
		"red": {ids[1], ids[0]}, "RED bri": {ids[1], ids[0]}, "bri red": {}, "river red": {ids[0]}, "re the": {}, "bridge": {ids[5], ids[0]},
		"brid red": {}, "мост": {ids[2]}, "МОСТ ре": {ids[2]}, "ét": {ids[3]}, "東京": {ids[4]}, "nothing": {}, "'\"*:&": nil,
	} {
		if want == nil {
			continue
		}
		got := find(p, text, core.NodeID{}, 10)
		s.equal(append([]core.NodeID{}, got...), want)
	}
	s.equal(find(p, "red", core.NodeID{}, 1), []core.NodeID{ids[1]})
	s.equal(find(p, "red", ids[1], 10), []core.NodeID{ids[0]})
	s.equal(find(eve, "red", core.NodeID{}, 10), []core.NodeID{foreign.AssetID})
	s.update(func(tx ports.Tx) error {
		_, err := tx.Assets.Purge(s.Context(), p.org.ID, ids[1])
		return err
	})
	s.equal(find(p, "red", core.NodeID{}, 10), []core.NodeID{ids[0]})
}
