package group_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// twigs writes a tree as "name in it/in all(children)".
func twigs(nodes []*core.GroupNode) string {
	var all []string
	for _, n := range nodes {
		text := fmt.Sprintf("%s %d/%d", n.Name, n.Assets, n.Total)
		if below := twigs(n.Children); below != "" {
			text += "(" + below + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// grows compares the tree that a person sees with what is wanted.
func (w *world) grows(p person, want string) {
	w.Helper()
	tree, err := w.Tree(w.Context(), p.actor, core.OrgID{})
	if w.Must(err); twigs(tree) != want {
		w.Errorf("tree %q, want %q", twigs(tree), want)
	}
}

// moves puts a group somewhere else.
func (w *world) moves(p person, id core.GroupID, name string, to core.GroupID) error {
	return w.replaces(p, id, core.GroupChange{Name: name, ParentID: to})
}

func TestNoGroupComesIntoItself(t *testing.T) {
	w := newWorld(t)
	a := w.makes(w.mia, "a", top)
	b := w.makes(w.mia, "b", a)
	c := w.makes(w.mia, "c", b)
	for _, to := range []core.GroupID{a, b, c} {
		w.refused(core.ErrGroupCycle, func() error { return w.moves(w.mia, a, "a", to) })
	}
	w.did("group.created group.created group.created", "group.created group.created group.created")
	w.Must(w.moves(w.mia, b, "b", top))
	log, events := w.did("group.updated", "group.updated")
	if got := changed(log[0].Changes); got != "parent_id" || events[0].Data["parent_id"] != nil {
		t.Errorf("%s, %v", got, events[0].Data)
	}
	w.Must(w.moves(w.mia, a, "a", c))
	w.grows(w.mia, "b 0/0(c 0/0(a 0/0))")
}

func TestGroupsAreAtMost32Deep(t *testing.T) {
	w := newWorld(t)
	deep := func(err error) error { // the code is that of each field that is wrong
		if err == nil || err.Error() != core.ErrGroupTooDeep.Error() {
			t.Errorf("%v, want %v", err, core.ErrGroupTooDeep)
		}
		return err
	}
	var way []core.GroupID
	at := top
	for i := range core.MaxGroupDepth {
		at = w.makes(w.mia, fmt.Sprint(i+1), at)
		way = append(way, at)
	}
	w.invalid("body.parent_id", func() error {
		_, err := w.Create(t.Context(), w.mia.actor, group.Input{GroupChange: core.GroupChange{Name: "33", ParentID: at}})
		return deep(err)
	})
	tall := w.makes(w.mia, "tall", top)
	below := w.makes(w.mia, "below", tall)
	w.invalid("body.parent_id", func() error { return deep(w.moves(w.mia, tall, "tall", way[30])) })
	w.Must(w.Delete(t.Context(), w.mia.actor, below, 0)) // could come back, so it counts
	w.invalid("body.parent_id", func() error { return deep(w.moves(w.mia, tall, "tall", way[30])) })
	w.Must(w.moves(w.mia, tall, "tall", way[29]))
	_, err := w.Restore(t.Context(), w.mia.actor, below)
	w.Must(err)
}

// TestTwoMovesAtOnceMakeNoCycle: each alone is fine, both together are a ring
// that no way leads to.
func TestTwoMovesAtOnceMakeNoCycle(t *testing.T) {
	w := newWorld(t)
	a, b := w.makes(w.mia, "a", top), w.makes(w.mia, "b", top)
	for range 5 {
		var errs [2]error
		var wg sync.WaitGroup
		wg.Go(func() { errs[0] = w.moves(w.mia, a, "a", b) })
		wg.Go(func() { errs[1] = w.moves(w.mia, b, "b", a) })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("both or none: %v", errs)
		}
		w.Fails(errors.Join(errs[:]...), core.ErrGroupCycle)
		w.Must(errors.Join(w.moves(w.mia, a, "a", top), w.moves(w.mia, b, "b", top)))
	}
}

func TestATreeHasWhatOneMayViewAndCountsEachFileOnce(t *testing.T) {
	w := newWorld(t)
	a := w.makes(w.ana, "a", top)
	b := w.makes(w.ana, "b", a)
	c := w.makes(w.ana, "c", b)
	d := w.makes(w.mia, "d", top)
	files := w.files("1", "2", "3")
	w.Must(w.ChangeAssets(t.Context(), w.ana.actor, a, group.Bulk{Add: files[:1]}))
	w.Must(w.ChangeAssets(t.Context(), w.ana.actor, b, group.Bulk{Add: files[:2]}))
	w.Must(w.ChangeAssets(t.Context(), w.ana.actor, c, group.Bulk{Add: files}))
	// Members view a and c, not b between them: c stands in its place.
	w.permits(w.ana, a, core.GroupPermission{Role: core.OrgMember, Rights: core.GroupView})
	w.permits(w.ana, b, core.GroupPermission{Role: core.OrgMember})
	w.permits(w.ana, c, core.GroupPermission{Role: core.OrgMember, Rights: core.GroupView}, core.GroupPermission{AccountID: w.max.account})
	w.grows(w.ana, "a 1/3(b 2/3(c 3/3)) d 0/0")
	w.grows(w.mia, "a 1/3(c 3/3) d 0/0")
	w.grows(w.max, "a 1/1")
	w.grows(w.vic, "")
	w.Must(w.replaces(w.mia, d, core.GroupChange{Name: "d", IsPublic: true}))
	w.grows(w.vic, "d 0/0")
	w.trashes(w.ana, w.library, files[2], false) // hidden, and in no count
	w.grows(w.mia, "a 1/2(c 2/2) d 0/0")
	w.Must(w.Delete(t.Context(), w.ana.actor, c, 0))
	w.grows(w.ana, "a 1/2(b 2/2) d 0/0")
	_, err := w.Tree(t.Context(), w.stranger("zoe").actor, w.org)
	w.Fails(err, core.ErrNotFound)
}

func TestADeletedGroupTakesThoseInItAlong(t *testing.T) {
	w := newWorld(t)
	a := w.makes(w.mia, "a", top)
	b := w.makes(w.mia, "b", a)
	w.makes(w.mia, "c", b)
	early := w.makes(w.mia, "early", b)
	file := w.files("1")[0]
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, b, group.Bulk{Add: []core.AssetID{file}}))
	w.Must(w.Delete(t.Context(), w.mia.actor, early, 0))
	w.refused(core.ErrStale, func() error { return w.Delete(t.Context(), w.mia.actor, a, 7) })
	w.refused(core.ErrGroupNotDeleted, func() error { _, err := w.Restore(t.Context(), w.mia.actor, a); return err })
	w.logged, w.told = w.count()
	w.Must(w.Delete(t.Context(), w.mia.actor, a, 1))
	log, events := w.did("group.deleted", "group.deleted") // one deletion, whatever went with it
	if log[0].TargetID != a.String() || log[0].Changes["name"].From != "a" || events[0].Data["group_id"] != a.String() {
		t.Errorf("%+v %v", log[0], events[0].Data)
	}
	w.grows(w.ana, "")

	// A deleted group can be looked at and restored, by who may delete it.
	w.Must(w.sees(w.mia, b))
	w.Fails(w.sees(w.max, a), core.ErrNotFound)
	_, err := w.Assets(t.Context(), w.mia.actor, b, group.Position{}, 9)
	w.Fails(err, core.ErrGroupDeleted)
	for _, do := range []func() error{
		func() error { return w.Delete(t.Context(), w.mia.actor, a, 0) },
		func() error { return w.replaces(w.mia, b, core.GroupChange{Name: "other", ParentID: a}) },
		func() error { _, err := w.SetPermissions(t.Context(), w.mia.actor, b, nil); return err },
		func() error { return w.RemoveAsset(t.Context(), w.mia.actor, b, file) },
		func() error {
			return w.ChangeAssets(t.Context(), w.mia.actor, b, group.Bulk{Order: []core.AssetID{file}})
		},
	} {
		w.refused(core.ErrGroupDeleted, do)
	}
	w.invalid("body.parent_id", func() error {
		_, err := w.Create(t.Context(), w.mia.actor, group.Input{GroupChange: core.GroupChange{Name: "x", ParentID: b}})
		return err
	})
	w.refused(core.ErrGroupNotDeleted, func() error { _, err := w.Restore(t.Context(), w.mia.actor, b); return err })

	back, err := w.Restore(t.Context(), w.mia.actor, a)
	if w.Must(err); back.Deleted() || back.Version != 3 {
		t.Errorf("%+v", back)
	}
	w.did("group.restored", "group.restored")
	w.grows(w.mia, "a 0/1(b 1/1(c 0/0))") // what was deleted before stays deleted
	_, err = w.Restore(t.Context(), w.mia.actor, early)
	w.Must(err)
	w.grows(w.mia, "a 0/1(b 1/1(c 0/0 early 0/0))")
}

// count is how much was logged and told so far.
func (w *world) count() (logged, told int) {
	log, events := w.all()
	return len(log), len(events)
}

func TestAGroupComesBackToTheTopIfTheOneItWasInIsDeleted(t *testing.T) {
	w := newWorld(t)
	a := w.makes(w.ana, "a", top)
	b := w.makes(w.ana, "b", a)
	w.Must(w.Delete(t.Context(), w.ana.actor, b, 0))
	w.Must(w.Delete(t.Context(), w.ana.actor, a, 0))
	w.refused(core.ErrNotFound, func() error { _, err := w.Restore(t.Context(), w.mia.actor, b); return err })
	back, err := w.Restore(t.Context(), w.ana.actor, b)
	if w.Must(err); !back.ParentID.IsZero() {
		t.Errorf("%+v", back)
	}
	w.grows(w.ana, "b 0/0")
	_, err = w.Restore(t.Context(), w.ana.actor, a)
	w.Must(err)
	w.grows(w.ana, "a 0/0 b 0/0")
}

func TestWhatIsOverdueIsPurged(t *testing.T) {
	w := newWorld(t)
	file := w.files("1")[0]
	old := w.makes(w.mia, "old", top)
	for i := range 201 { // more than the job takes at a time
		w.makes(w.mia, fmt.Sprint(i), old)
	}
	later, live := w.makes(w.mia, "later", top), w.makes(w.mia, "live", top)
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, old, group.Bulk{Add: []core.AssetID{file}}))
	w.permits(w.mia, old, core.GroupPermission{AccountID: w.max.account, Rights: core.GroupView})
	w.Must(w.Delete(t.Context(), w.mia.actor, old, 0))
	w.Clock.Shift(kept - time.Second)
	before := w.state()
	w.Must(w.Purge(t.Context(), group.Purge{}))
	if w.state() != before {
		t.Error("purged too early")
	}
	w.Must(w.Delete(t.Context(), w.mia.actor, later, 0))
	w.Clock.Shift(time.Second)
	w.refused(core.ErrNotFound, func() error { _, err := w.Restore(t.Context(), w.mia.actor, old); return err })
	w.logged, w.told = w.count()
	w.Must(w.Purge(t.Context(), group.Purge{}))
	log, _ := w.did("group.purged", "") // its deletion was told of
	if log[0].ActorKind != core.ActorSystem || log[0].TargetID != old.String() || log[0].Changes["name"].From != "old" {
		t.Errorf("%+v", log[0])
	}
	w.Must(w.Purge(t.Context(), group.Purge{})) // at least once is once
	w.did("", "")
	w.Fails(w.sees(w.mia, old), core.ErrNotFound)
	w.Must(errors.Join(w.sees(w.mia, later), w.sees(w.mia, live)))
	w.Read(func(tx ports.Tx) error {
		usage, err := tx.Orgs.Usage(t.Context(), w.org)
		if err != nil || usage.Groups != 2 {
			t.Errorf("%d groups, %v", usage.Groups, err)
		}
		_, err = tx.Assets.Get(t.Context(), w.org, file) // a group is but a selection
		return err
	})
}
