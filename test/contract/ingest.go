package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// session stores a session of a dataset.
func (s storeTest) session(p person, d *core.Dataset) *core.IngestSession {
	s.Helper()
	session := core.NewIngestSession(core.IngestSessionID(s.id()), d, p.account.ID, noon)
	s.update(func(tx ports.Tx) error { return tx.IngestSessions.Add(s.Context(), session) })
	return session
}

func (s storeTest) gotSession(want *core.IngestSession) (got *core.IngestSession) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		got, err = tx.IngestSessions.Get(s.Context(), want.OrgID, want.ID)
		return err
	})
	return got
}

func ingestSessionEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	d := s.dataset(ana, "signs", core.VisibleToOrg)
	session := s.session(ana, d)
	s.equal(s.gotSession(session), session)
	version := core.DatasetVersionID(s.id())
	s.must(session.Begin(version, noon))
	session.Renew(7, noon.Add(time.Second))
	s.update(func(tx ports.Tx) error { return tx.IngestSessions.Save(s.Context(), session) })
	s.equal(s.gotSession(session), session)
	session.Finish(3, noon.Add(time.Minute))
	s.update(func(tx ports.Tx) error { return tx.IngestSessions.Save(s.Context(), session) })
	s.equal(s.gotSession(session), session)
	s.view(func(tx ports.Tx) error {
		of, err := tx.IngestSessions.DatasetOf(s.Context(), session.ID)
		s.equal(of, d.ID)
		s.must(err)
		_, err = tx.IngestSessions.Get(s.Context(), ben.org.ID, session.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.IngestSessions.DatasetOf(s.Context(), core.IngestSessionID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		found, err := tx.Datasets.ByDrive(s.Context(), ana.org.ID, d.DriveID)
		s.must(err)
		s.equal(found.ID, d.ID)
		_, err = tx.Datasets.ByDrive(s.Context(), ana.org.ID, ana.drive.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
}

func ingestSessionsDue(s storeTest) {
	ana := s.signUp("ana")
	d := s.dataset(ana, "signs", core.VisibleToOrg)
	old, busy, dead, over := s.session(ana, d), s.session(ana, d), s.session(ana, d), s.session(ana, d)
	late := noon.Add(core.SessionLifetime)
	s.must(busy.Begin(core.DatasetVersionID(s.id()), noon.Add(time.Second)))
	busy.Renew(0, late)
	s.must(dead.Begin(core.DatasetVersionID(s.id()), noon.Add(time.Second)))
	s.must(over.Close(core.IngestAborted, noon))
	file := s.files(ana, "a")[0]
	s.update(func(tx ports.Tx) error {
		for _, x := range []*core.IngestSession{busy, dead, over} {
			s.must(tx.IngestSessions.Save(s.Context(), x))
		}
		for _, x := range []*core.IngestSession{old, over} {
			s.must(tx.IngestSessions.PutFiles(s.Context(), []core.SessionFile{{SessionID: x.ID, OrgID: ana.org.ID, Path: "a", AssetID: file, Number: 1}}))
		}
		return nil
	})
	ids := func(sessions []*core.IngestSession, err error) (out []core.IngestSessionID) {
		s.Helper()
		s.must(err)
		for _, x := range sessions {
			out = append(out, x.ID)
		}
		return out
	}
	s.view(func(tx ports.Tx) error {
		s.equal(ids(tx.IngestSessions.Due(s.Context(), late, core.IngestSessionID{}, 9)), []core.IngestSessionID{old.ID, dead.ID})
		s.equal(ids(tx.IngestSessions.Due(s.Context(), late, old.ID, 9)), []core.IngestSessionID{dead.ID})
		s.equal(len(ids(tx.IngestSessions.Due(s.Context(), noon.Add(time.Minute), core.IngestSessionID{}, 9))), 0)
		s.equal(ids(tx.IngestSessions.Released(s.Context(), noon, core.IngestSessionID{}, 9)), []core.IngestSessionID{over.ID})
		return nil
	})
}

// version stores a version with items, of which each has a file, and publishes
// it with number.
func (s storeTest) version(d *core.Dataset, session *core.IngestSession, number int64, items []ports.NewItem) *core.DatasetVersion {
	s.Helper()
	v := &core.DatasetVersion{
		ID: core.DatasetVersionID(s.id()), OrgID: d.OrgID, DatasetID: d.ID, SessionID: session.ID, CreatedBy: d.CreatedBy, CreatedAt: noon,
	}
	for i := range items {
		items[i].ID, items[i].OrgID, items[i].VersionID = core.DatasetItemID(s.id()), d.OrgID, v.ID
	}
	s.update(func(tx ports.Tx) error {
		s.must(tx.DatasetVersions.Add(s.Context(), v))
		s.must(tx.IngestItems.Store(s.Context(), items))
		if number == 0 {
			return nil
		}
		v.Number, v.PublishedAt, v.Items, v.ManifestHash = number, noon, int64(len(items)), []byte("hash")
		s.must(tx.DatasetVersions.Publish(s.Context(), v))
		d.Publish(number, noon)
		return tx.Datasets.Save(s.Context(), d)
	})
	return v
}

func newItem(line int64, id string, assets ...core.ItemAsset) ports.NewItem {
	return ports.NewItem{DatasetItem: core.DatasetItem{
		Line: line, ExternalID: id, Type: core.ItemText, Title: "Title of\t" + id + ` \ "é"`, Tags: []string{"a", `b\`}, Data: json.RawMessage(`{"text":"a\\b\tc"}`), Assets: assets,
	}, Words: []string{"title", "of", "é", "東"}}
}

func ingestItemsStored(s storeTest) {
	ana := s.signUp("ana")
	d := s.dataset(ana, "signs", core.VisibleToOrg)
	session := s.session(ana, d)
	file := s.files(ana, "a")[0]
	var items []ports.NewItem
	for i := range 250 {
		items = append(items, newItem(int64(i+1), fmt.Sprint("item ", i), core.ItemAsset{Role: "main", AssetID: file, Number: 1, Path: "dir/a\tb"}))
	}
	items[249].ExternalID, items[7].ExternalID, items[8].ExternalID = "item 3", "item 3", "item 4"
	v := s.version(d, session, 0, items)
	s.view(func(tx ports.Tx) error {
		twice, n, err := tx.IngestItems.Duplicates(s.Context(), v.ID, 100)
		s.must(err)
		var lines []int64
		for _, x := range twice {
			lines = append(lines, x.Line)
		}
		s.equal(lines, []int64{8, 9, 250})
		s.equal(n, int64(3))
		_, n, err = tx.IngestItems.Duplicates(s.Context(), core.DatasetVersionID(s.id()), 100)
		s.equal(n, int64(0))
		return err
	})
	// Discarded, it goes piece by piece; nothing else does.
	kept := s.version(d, session, 1, []ports.NewItem{newItem(1, "kept", core.ItemAsset{Role: "main", AssetID: file, Number: 1, Path: "a"})})
	s.update(func(tx ports.Tx) error {
		s.must(tx.DatasetVersions.Discard(s.Context(), kept.ID, noon)) // does nothing: it is published
		return tx.DatasetVersions.Discard(s.Context(), v.ID, noon)
	})
	rounds := 0
	for done := false; !done; rounds++ {
		s.update(func(tx ports.Tx) (err error) {
			left, err := tx.DatasetPurges.Discarded(s.Context(), core.DatasetVersionID{}, 9)
			s.must(err)
			s.equal(len(left), 1)
			done, err = tx.DatasetPurges.StripVersion(s.Context(), v.ID, 100)
			return err
		})
	}
	if rounds < 5 {
		s.Errorf("gone in %d rounds", rounds)
	}
	s.view(func(tx ports.Tx) error {
		_, err := tx.DatasetVersions.ByID(s.Context(), d.OrgID, v.ID)
		s.wantErr(err, core.ErrNotFound)
		got, err := tx.DatasetVersions.Get(s.Context(), d.ID, 1)
		s.equal(got.Items, int64(1))
		return err
	})
	s.sound()
}

func ingestFilesResolved(s storeTest) {
	ana := s.signUp("ana")
	d := s.dataset(ana, "signs", core.VisibleToOrg)
	session, other := s.session(ana, d), s.session(ana, d)
	ids := s.files(ana, "a", "b", "c", "unused")
	pending := s.reserve(ana, "pending", 1).NewAsset.ID
	file := func(of *core.IngestSession, path string, id core.AssetID) core.SessionFile {
		return core.SessionFile{SessionID: of.ID, OrgID: ana.org.ID, Path: path, AssetID: id, Number: 1}
	}
	s.version(d, session, 1, []ports.NewItem{newItem(1, "x", core.ItemAsset{Role: "main", AssetID: ids[0], Number: 1, Path: "old/a"}, core.ItemAsset{Role: "more", AssetID: ids[1], Number: 1, Path: "b"})})
	put := []core.SessionFile{file(session, "b", ids[2]), file(session, "pending", pending), file(session, "a'b", ids[0])}
	s.update(func(tx ports.Tx) error {
		s.must(tx.IngestSessions.PutFiles(s.Context(), []core.SessionFile{file(session, "b", ids[0])}))
		s.must(tx.IngestSessions.PutFiles(s.Context(), put)) // in place of it
		return tx.IngestSessions.PutFiles(s.Context(), []core.SessionFile{file(other, "mine", ids[2])})
	})
	s.view(func(tx ports.Tx) error {
		found, err := tx.IngestSessions.Resolve(s.Context(), ports.IngestQuery{
			SessionID: session.ID, DatasetID: d.ID, Paths: []string{"b", "old/a", "pending", "mine", "nothing"}, Assets: append([]core.AssetID{pending}, ids...),
		})
		s.must(err)
		s.equal(found.ByPath, map[string]ports.IngestFile{
			"b": {AssetID: ids[2], Number: 1, Path: "b", Ready: true}, "old/a": {AssetID: ids[0], Number: 1, Path: "old/a", Ready: true},
			"pending": {AssetID: pending, Number: 1, Path: "pending"},
		})
		s.equal(found.ByAsset, map[core.AssetID]ports.IngestFile{
			ids[0]: {AssetID: ids[0], Number: 1, Path: "a'b", Ready: true}, ids[1]: {AssetID: ids[1], Number: 1, Path: "b", Ready: true},
			ids[2]: {AssetID: ids[2], Number: 1, Path: "b", Ready: true}, pending: {AssetID: pending, Number: 1, Path: "pending"},
		})
		unused, err := tx.IngestSessions.Unused(s.Context(), ana.drive.ID, session.ID, append([]core.AssetID{pending}, ids...))
		s.must(err)
		want := []core.AssetID{pending, ids[3]}
		slices.SortFunc(want, func(a, b core.AssetID) int { return slices.Compare(a[:], b[:]) })
		s.equal(unused, want)
		files, err := tx.IngestSessions.Files(s.Context(), session.ID, "a'b", 1)
		s.equal(files, put[:1])
		return err
	})
	s.update(func(tx ports.Tx) error {
		return tx.IngestSessions.DropFiles(s.Context(), session.ID, []string{"b", "pending"})
	})
	s.view(func(tx ports.Tx) error {
		files, err := tx.IngestSessions.Files(s.Context(), session.ID, "", 9)
		s.equal(files, put[2:])
		return err
	})
}

func datasetShows(s storeTest) {
	ana := s.signUp("ana")
	d, other := s.dataset(ana, "one", core.VisibleToOrg), s.dataset(ana, "two", core.VisibleToOrg)
	folder := s.folder(ana, ana.root(), "folder")
	below := s.folder(ana, folder.ID, "below")
	id, free := s.finish(s.reserveIn(ana, below.ID, "shown", 1)).ID, s.finish(s.reserveIn(ana, below.ID, "free", 1)).ID
	for _, of := range []*core.Dataset{d, other} {
		s.version(of, s.session(ana, of), 1, []ports.NewItem{newItem(1, "x", core.ItemAsset{Role: "main", AssetID: id, Number: 1, Path: "p"})})
	}
	shown := func(node core.NodeID, except core.DatasetID, want int64) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			e, err := tx.Nodes.Get(s.Context(), ana.drive.ID, node)
			s.must(err)
			n, err := tx.Datasets.ShownBelow(s.Context(), &e.Node, except)
			s.equal(n, want)
			return err
		})
	}
	for _, node := range []core.NodeID{id, below.ID, folder.ID, core.RootOf(ana.drive.ID)} {
		shown(node, core.DatasetID{}, 2)
		shown(node, d.ID, 1)
	}
	shown(free, core.DatasetID{}, 0)
	shown(s.folder(ana, ana.root(), "empty").ID, core.DatasetID{}, 0)
	// A deleted dataset goes piece by piece, and then shows nothing.
	d.Delete(noon)
	s.update(func(tx ports.Tx) error { return tx.Datasets.Save(s.Context(), d) })
	for done := false; !done; {
		s.update(func(tx ports.Tx) (err error) {
			left, err := tx.DatasetPurges.Deleted(s.Context(), core.DatasetID{}, 9)
			s.must(err)
			s.equal(len(left), 1)
			done, err = tx.DatasetPurges.Strip(s.Context(), d.ID, 1)
			return err
		})
	}
	shown(id, core.DatasetID{}, 1)
	s.sound()
}

// ingestRace: of several who begin to publish in one session, one does; of
// several who switch to a version of theirs, one does.
func ingestRace(s storeTest) {
	ana := s.signUp("ana")
	d := s.dataset(ana, "signs", core.VisibleToOrg)
	session := s.session(ana, d)
	begin := func(id core.IngestSessionID) (*core.DatasetVersion, error) {
		v := &core.DatasetVersion{ID: core.DatasetVersionID(s.id()), OrgID: d.OrgID, DatasetID: d.ID, SessionID: id, CreatedBy: d.CreatedBy, CreatedAt: noon}
		return v, s.Update(s.Context(), func(tx ports.Tx) error {
			if _, err := tx.Datasets.Lock(s.Context(), d.OrgID, d.ID); err != nil {
				return err
			}
			mine, err := tx.IngestSessions.Lock(s.Context(), d.OrgID, id)
			if err != nil {
				return err
			}
			if err := mine.Begin(v.ID, noon); err != nil {
				return err
			}
			if err := tx.DatasetVersions.Add(s.Context(), v); err != nil {
				return err
			}
			return tx.IngestSessions.Save(s.Context(), mine)
		})
	}
	s.equal(s.race(core.ErrSessionBusy, func(int) error { _, err := begin(session.ID); return err }), 1)
	var sessions []core.IngestSessionID
	for range 8 {
		sessions = append(sessions, s.session(ana, d).ID)
	}
	s.equal(s.race(core.ErrVersionConflict, func(i int) error {
		v, err := begin(sessions[i%len(sessions)])
		if err != nil {
			return err
		}
		return s.Update(s.Context(), func(tx ports.Tx) error {
			now, err := tx.Datasets.Lock(s.Context(), d.OrgID, d.ID)
			if err != nil {
				return err
			}
			if now.CurrentVersion != 0 {
				return core.ErrVersionConflict
			}
			v.Number, v.PublishedAt = 1, noon
			if err := tx.DatasetVersions.Publish(s.Context(), v); err != nil {
				return err
			}
			now.Publish(1, noon)
			return tx.Datasets.Save(s.Context(), now)
		})
	}), 1)
}
