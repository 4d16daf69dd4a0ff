package group_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// custom makes a group of mia's into whose order people put files.
func (w *world) custom(sections ...string) core.GroupID {
	w.Helper()
	g, err := w.Create(w.Context(), w.mia.actor, group.Input{GroupChange: core.GroupChange{
		Name: "g", Order: core.GroupOrder{Sections: sections, Sort: core.GroupByCustom},
	}})
	w.Must(err)
	w.logged, w.told = w.count()
	return g.ID
}

func (w *world) adds(p person, id core.GroupID, file core.AssetID, c core.GroupAssetChange) error {
	_, err := w.AddAsset(w.Context(), p.actor, group.AssetInput{GroupID: id, AssetID: file, GroupAssetChange: c})
	return err
}

// has compares the files that a person sees in a group, read by pages of two,
// with what is wanted: "name", with "title=" and "section/" before it, and a !
// if it is hidden.
func (w *world) has(p person, id core.GroupID, want string) {
	w.Helper()
	var all []string
	for after := (group.Position{}); ; {
		page, err := w.Assets(w.Context(), p.actor, id, after, 2)
		w.Must(err)
		for i := range page {
			x := &page[i]
			text := x.Node.Name
			if x.Title != "" {
				text = x.Title + "=" + text
			}
			if x.Section != "" {
				text = x.Section + "/" + text
			}
			if x.Hidden {
				text += "!"
			}
			all = append(all, text)
		}
		if len(page) < 2 {
			break
		}
		after = page[1].At
	}
	if got := strings.Join(all, " "); got != want {
		w.Errorf("group has %q, want %q", got, want)
	}
}

func TestAFileIsAddedWithWhatItHasInTheGroup(t *testing.T) {
	w := newWorld(t)
	id, files := w.custom("first", "second"), w.files("a", "b", "c")
	out, err := w.AddAsset(t.Context(), w.mia.actor, group.AssetInput{GroupID: id, AssetID: files[0], GroupAssetChange: core.GroupAssetChange{
		Section: new("second"), Title: new(" One "), Description: new("two\nlines"),
	}})
	w.Must(err)
	if out.Title != "One" || out.Section != "second" || out.Description != "two\nlines" || out.AddedBy != w.mia.account || !out.AddedAt.Equal(w.Clock.Now()) ||
		out.Node.Name != "a" || out.File.SizeBytes != 1 {
		t.Errorf("%+v", out)
	}
	log, events := w.did("group.assets_changed", "group.assets_changed")
	if got := changed(log[0].Changes); got != "added" {
		t.Error(got)
	}
	if d := events[0].Data; d["group_id"] != id.String() || d["ordered"] != false || !reflect.DeepEqual(d["removed"], []any{}) || !reflect.DeepEqual(d["added"], []any{files[0].String()}) {
		t.Errorf("%v", d)
	}
	w.Must(w.adds(w.mia, id, files[1], core.GroupAssetChange{}))
	w.Must(w.adds(w.mia, id, files[2], core.GroupAssetChange{Position: new(1)})) // among all, whatever their sections
	w.has(w.mia, id, "c b second/One=a")
	if g, err := w.Get(t.Context(), w.mia.actor, id); err != nil || g.Version != 4 {
		t.Errorf("%+v %v", g, err)
	}
	w.refused(core.ErrAlreadyInGroup, func() error { return w.adds(w.mia, id, files[0], core.GroupAssetChange{}) })
	w.invalid("body.section", func() error {
		return w.adds(w.mia, id, w.files("d")[0], core.GroupAssetChange{Section: new("third")})
	})
	w.invalid("body.title", func() error {
		return w.adds(w.mia, id, w.files("e")[0], core.GroupAssetChange{Title: new("a\nb")})
	})
	// A file may be in any number of groups.
	w.Must(w.adds(w.mia, w.custom(), files[0], core.GroupAssetChange{}))
}

func TestOnlyFilesThatOneMayShareAreAdded(t *testing.T) {
	w := newWorld(t)
	id := w.custom()
	zoe := w.stranger("zoe")
	trashed, locked := w.files("trashed")[0], w.files("in a trashed folder")[0]
	scope, err := w.drives.Enter(t.Context(), w.ana.actor, w.library)
	w.Must(err)
	folder, _, err := w.drives.CreateFolder(t.Context(), scope, drive.FolderInput{Name: "folder"})
	w.Must(err)
	_, err = w.drives.Move(t.Context(), scope, locked, drive.Target{Scope: scope, ParentID: folder.ID}, 0)
	w.Must(err)
	missing := map[string]core.NodeID{
		"another's": w.file(w.ana, w.ana.drive, "a", "text/plain"), "a folder": folder.ID, "nothing": core.NodeID(w.IDs.NewID()),
		"another org's": w.file(zoe, zoe.drive, "z", "text/plain"),
	}
	for what, node := range missing {
		t.Log(what)
		w.invalid("body.asset_id", func() error { return w.adds(w.mia, id, node, core.GroupAssetChange{}) })
		w.invalid("body.add[1]", func() error {
			return w.ChangeAssets(t.Context(), w.mia.actor, id, group.Bulk{Add: []core.NodeID{w.files("beside " + what)[0], node}})
		})
	}
	w.trashes(w.ana, w.library, trashed, false)
	w.trashes(w.ana, w.library, folder.ID, false)
	for _, file := range []core.AssetID{trashed, locked} {
		w.refused(core.ErrAssetTrashed, func() error { return w.adds(w.mia, id, file, core.GroupAssetChange{}) })
	}
	// Who only reads a drive shares nothing of it, whatever rights the group gives.
	w.permits(w.mia, id, one(w.vic, core.AllGroupRights))
	file := w.files("b")[0]
	w.refused(core.ErrForbidden, func() error { return w.adds(w.vic, id, file, core.GroupAssetChange{}) })
	w.Must(w.adds(w.mia, id, file, core.GroupAssetChange{}))
	w.Must(w.ChangeAssets(t.Context(), w.vic.actor, id, group.Bulk{Remove: []core.AssetID{file}}))
}

func TestTheGroupIsEnoughToSeeAFile(t *testing.T) {
	w := newWorld(t)
	id, file := w.custom(), w.file(w.mia, w.mia.drive, "a", "text/plain") // in a drive that is mia's alone
	w.Must(w.adds(w.mia, id, file, core.GroupAssetChange{}))
	w.permits(w.mia, id, one(w.vic, core.GroupView))
	w.has(w.vic, id, "a")
	_, err := w.Assets(t.Context(), w.max.actor, id, group.Position{}, 9)
	w.Fails(err, core.ErrNotFound)
}

func TestFilesComeSectionBySectionInTheOrderOfTheGroup(t *testing.T) {
	w := newWorld(t)
	id := w.custom("x", "y")
	for i, name := range []string{"c", "a", "d", "b"} {
		kind := []string{"text/plain", "image/png"}[i%2]
		c := core.GroupAssetChange{Section: new([]string{"y", "", "x", "x"}[i])}
		w.Must(w.adds(w.mia, id, w.file(w.mia, w.library, name, kind), c))
		w.Clock.Shift(time.Second)
	}
	sorts := func(s core.GroupSort, sections ...string) {
		w.Must(w.replaces(w.mia, id, core.GroupChange{Name: "g", Order: core.GroupOrder{Sections: sections, Sort: s}}))
	}
	w.has(w.mia, id, "a x/d x/b y/c")
	sorts(core.GroupByName, "x", "y")
	w.has(w.mia, id, "a x/b x/d y/c")
	sorts(core.GroupByDate, "y", "x")
	w.has(w.mia, id, "a y/c x/b x/d")
	sorts(core.GroupByName)
	w.has(w.mia, id, "a b c d")
	sorts(core.GroupByType)
	w.has(w.mia, id, "a b c d")
	sorts(core.GroupByDate)
	w.has(w.mia, id, "b d a c")
	sorts(core.GroupByCustom)
	w.has(w.mia, id, "c a d b")
}

func TestAFileIsChangedInItsGroup(t *testing.T) {
	w := newWorld(t)
	id, files := w.custom("x"), w.files("a", "b", "c")
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, id, group.Bulk{Add: files}))
	w.logged, w.told = w.count()
	changes := func(file core.AssetID, c core.GroupAssetChange) error {
		_, err := w.UpdateAsset(t.Context(), w.mia.actor, id, file, c)
		return err
	}
	w.Must(changes(files[2], core.GroupAssetChange{Title: new("A title"), Section: new("x"), Description: new("d")}))
	log, _ := w.did("group.assets_changed", "group.assets_changed")
	if got := changed(log[0].Changes); got != "changed" {
		t.Error(got)
	}
	w.has(w.mia, id, "a b x/A title=c")
	out, err := w.UpdateAsset(t.Context(), w.mia.actor, id, files[2], core.GroupAssetChange{Title: new(""), Section: new(""), Position: new(0)})
	if w.Must(err); out.Title != "" || out.Description != "d" { // what is left out stays
		t.Errorf("%+v", out)
	}
	w.has(w.mia, id, "c a b")
	_, events := w.did("group.assets_changed", "group.assets_changed")
	if events[0].Data["ordered"] != true {
		t.Errorf("%v", events[0].Data)
	}
	w.Must(changes(files[0], core.GroupAssetChange{Position: new(99)})) // beyond the end is the end
	w.has(w.mia, id, "c b a")
	same := w.state()
	w.Must(changes(files[2], core.GroupAssetChange{Description: new("d")}))
	if w.state() != same {
		t.Error("what changes nothing is a change")
	}
	w.invalid("body.section", func() error { return changes(files[0], core.GroupAssetChange{Section: new("y")}) })
	w.refused(core.ErrNotFound, func() error { return changes(w.files("d")[0], core.GroupAssetChange{Title: new("t")}) })
	w.Must(w.RemoveAsset(t.Context(), w.mia.actor, id, files[0]))
	w.refused(core.ErrNotFound, func() error { return w.RemoveAsset(t.Context(), w.mia.actor, id, files[0]) })
	w.refused(core.ErrNotFound, func() error { return w.RemoveAsset(t.Context(), w.max.actor, id, files[1]) }) // not his to see
	w.has(w.mia, id, "c b")
}

func TestABulkChangeIsDoneAllOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	id, f := w.custom(), w.files("a", "b", "c", "d", "e")
	bulk := func(b group.Bulk) func() error {
		return func() error { return w.ChangeAssets(t.Context(), w.mia.actor, id, b) }
	}
	w.Must(bulk(group.Bulk{Add: f[:3]})())
	w.has(w.mia, id, "a b c")
	w.logged, w.told = w.count()
	// Removed first, so what is removed may be added again, at the end.
	w.Must(bulk(group.Bulk{Remove: f[:1], Add: []core.AssetID{f[3], f[0]}, Order: []core.AssetID{f[3], f[2]}})())
	w.has(w.mia, id, "d c b a")
	log, events := w.did("group.assets_changed", "group.assets_changed") // one change
	if got := changed(log[0].Changes); got != "added ordered removed" || events[0].Data["ordered"] != true || !reflect.DeepEqual(events[0].Data["added"], []any{f[3].String(), f[0].String()}) {
		t.Errorf("%s, %v", got, events[0].Data)
	}
	w.invalid("body.remove", bulk(group.Bulk{Remove: []core.AssetID{f[0], f[4]}}))
	w.invalid("body.order", bulk(group.Bulk{Add: f[4:], Order: []core.AssetID{core.AssetID(w.IDs.NewID())}}))
	w.invalid("body.order", bulk(group.Bulk{Remove: f[:1], Order: f[:1]}))
	w.refused(core.ErrAlreadyInGroup, bulk(group.Bulk{Remove: f[:1], Add: []core.AssetID{f[4], f[1]}}))
	for _, twice := range []struct {
		location string
		of       group.Bulk
	}{
		{"body.add", group.Bulk{Add: []core.AssetID{f[4], f[4]}}},
		{"body.remove", group.Bulk{Remove: []core.AssetID{f[0], f[0]}}},
		{"body.order", group.Bulk{Order: []core.AssetID{f[0], f[0]}}},
	} {
		w.invalid(twice.location, bulk(twice.of))
	}
	w.refused(nil, bulk(group.Bulk{})) // nothing is no version
	w.has(w.mia, id, "d c b a")
}

func TestABulkChangeHasAtMostAThousandFilesOfAKind(t *testing.T) {
	w := newWorld(t)
	id := w.custom()
	many := make([]core.AssetID, core.MaxGroupBulk+1)
	for i := range many {
		many[i] = core.AssetID(w.IDs.NewID())
	}
	for location, b := range map[string]group.Bulk{"body.add": {Add: many}, "body.remove": {Remove: many}, "body.order": {Order: many}} {
		w.invalid(location, func() error { return w.ChangeAssets(t.Context(), w.mia.actor, id, b) })
	}
	// A thousand are looked up: what is wrong with them is said of the first.
	w.invalid("body.add[0]", func() error { return w.ChangeAssets(t.Context(), w.mia.actor, id, group.Bulk{Add: many[1:]}) })
}

func TestWhatIsInTheTrashIsHiddenFromThoseWhoOnlyView(t *testing.T) {
	w := newWorld(t)
	id, other, f := w.custom(), w.custom(), w.files("a", "b", "c")
	w.permits(w.mia, id, role(core.OrgViewer, core.GroupView))
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, id, group.Bulk{Add: f}))
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, other, group.Bulk{Add: f}))
	w.trashes(w.ana, w.library, f[1], false)
	w.has(w.vic, id, "a c")
	w.has(w.mia, id, "a b! c")
	w.has(w.ana, id, "a b! c")
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, id, group.Bulk{Order: f[1:2]})) // it is still in the group
	scope, err := w.drives.Enter(t.Context(), w.ana.actor, w.library)
	w.Must(err)
	_, err = w.drives.Restore(t.Context(), scope, f[1], drive.RestoreInput{})
	w.Must(err)
	w.has(w.vic, id, "b a c")
	// What is removed for good leaves all its groups.
	w.trashes(w.ana, w.library, f[0], true)
	for _, job := range w.Queue.Take() {
		if reap, ok := job.(drive.Reap); ok {
			w.Must(w.drives.Reap(t.Context(), reap))
		}
	}
	w.has(w.mia, id, "b c")
	w.has(w.mia, other, "b c")
	w.Read(func(tx ports.Tx) error {
		for x, err := range tx.GroupAssets.All(t.Context(), w.org) {
			if err != nil || !slices.Contains(f[1:], x.AssetID) {
				t.Errorf("%v %v", x, err)
			}
		}
		return nil
	})
}
