package group_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/core"
)

// changed returns what a change was of, sorted.
func changed(changes map[string]core.Change) string {
	return strings.Join(slices.Sorted(maps.Keys(changes)), " ")
}

func TestAReplacedGroupHasOnlyWhatTheChangeSays(t *testing.T) {
	w := newWorld(t)
	before, err := w.Create(t.Context(), w.mia.actor, group.Input{GroupChange: core.GroupChange{
		Name: "g", Description: "d", Metadata: core.Metadata{Tags: []string{"sea"}, CustomFields: map[string]any{"n": 1.0}},
		Order: core.GroupOrder{Sections: []string{"first", "second"}, Sort: core.GroupByDate, Layout: core.GroupList},
	}})
	w.Must(err)
	file := w.files("a")[0]
	_, err = w.AddAsset(t.Context(), w.mia.actor, group.AssetInput{GroupID: before.ID, AssetID: file, GroupAssetChange: core.GroupAssetChange{Section: new("first")}})
	w.Must(err)
	w.did("group.created group.assets_changed", "group.created group.assets_changed")

	// A change of what is in the group was a version of its own.
	c := core.GroupChange{Name: "other", Order: core.GroupOrder{Sections: []string{"second"}}}
	w.refused(core.ErrStale, func() error { _, err := w.Update(t.Context(), w.mia.actor, before.ID, c, before.Version); return err })
	after, err := w.Update(t.Context(), w.mia.actor, before.ID, c, before.Version+1)
	w.Must(err)
	if after.Version != 3 || after.Name != "other" || after.Description != "" || len(after.Metadata.Tags)+len(after.Metadata.CustomFields) > 0 ||
		after.Order.Sort != core.GroupByName || after.Order.Layout != core.GroupGrid {
		t.Errorf("%+v", after)
	}
	log, events := w.did("group.updated", "group.updated")
	if got := changed(log[0].Changes); got != "custom_fields default_sort description layout name sections tags" || log[0].Changes["name"].From != "g" {
		t.Errorf("%v", log[0].Changes)
	}
	if events[0].Data["name"] != "other" {
		t.Errorf("%v", events[0].Data)
	}
	found, err := w.Assets(t.Context(), w.mia.actor, before.ID, group.Position{}, 9)
	w.Must(err)
	if len(found) != 1 || found[0].Section != "" { // its section is gone, the file is not
		t.Errorf("%+v", found)
	}

	// What changes nothing is no version, and nobody is told of it.
	same := w.state()
	w.Must(w.replaces(w.mia, before.ID, c))
	if w.state() != same {
		t.Error("the same again is another version")
	}
}

func TestLimitsOfTheLicenceAreKept(t *testing.T) {
	w := newWorld(t)
	w.Service = w.service(false)
	limit := func(which string, most int64, do func() error) {
		t.Helper()
		w.refused(&core.Error{Code: "limit_exceeded"}, func() error {
			err := do()
			if got := core.CheckLimit(which, most, most, 1); err == nil || err.Error() != got.Error() {
				t.Errorf("%v, want %v", err, got)
			}
			return err
		})
	}
	makes := func(parent core.GroupID) func() error {
		return func() error {
			_, err := w.Create(t.Context(), w.mia.actor, group.Input{GroupChange: core.GroupChange{Name: "g", ParentID: parent}})
			return err
		}
	}
	w.licensed("roomy", 3, 2, core.FeatureGroupNesting)
	a := w.makes(w.mia, "a", top)
	b := w.makes(w.mia, "b", a)
	c := w.makes(w.mia, "c", top)
	limit("max_groups", 3, makes(top))
	w.Must(w.Delete(t.Context(), w.mia.actor, c, 0))
	limit("max_groups", 3, makes(top)) // it waits to be purged, and counts
	_, err := w.Restore(t.Context(), w.mia.actor, c)
	w.Must(err)
	files := w.files("1", "2", "3")
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, a, group.Bulk{Add: files[:2]}))
	limit("max_assets_per_group", 2, func() error {
		_, err := w.AddAsset(t.Context(), w.mia.actor, group.AssetInput{GroupID: a, AssetID: files[2]})
		return err
	})
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, a, group.Bulk{Remove: files[:1], Add: files[2:]})) // one goes, one comes

	// After a downgrade nothing goes: only more is refused.
	w.licensed("small", 1, 1)
	nested := &core.Error{Code: "feature_unavailable"}
	w.refused(nested, makes(a))
	w.refused(nested, func() error { return w.replaces(w.mia, c, core.GroupChange{Name: "c", ParentID: a}) })
	w.Must(w.replaces(w.mia, b, core.GroupChange{Name: "renamed where it is", ParentID: a}))
	w.Must(w.ChangeAssets(t.Context(), w.mia.actor, a, group.Bulk{Order: files[2:]}))
	w.Must(w.replaces(w.mia, b, core.GroupChange{Name: "to the top"}))
}

func TestAListHasWhatOneMayViewPageByPage(t *testing.T) {
	w := newWorld(t)
	parent := w.makes(w.ana, "parent", top)
	w.permits(w.ana, parent, core.GroupPermission{Role: core.OrgMember, Rights: core.GroupView})
	var want []string
	for i := range 12 { // every third is for members, too
		name, in := string(rune('a'+i)), top
		if i%3 == 0 {
			in, want = parent, append(want, name)
		}
		w.makes(w.ana, name, in)
	}
	slices.Reverse(want)
	pages := func(p person, q group.Query) (names []string) {
		t.Helper()
		for {
			page, err := w.List(t.Context(), p.actor, q)
			w.Must(err)
			for i := range page {
				names = append(names, page[i].Name)
			}
			if len(page) > q.Limit {
				t.Errorf("%d of at most %d", len(page), q.Limit)
			}
			if len(page) < q.Limit {
				return names
			}
			q.Before = page[len(page)-1].ID
		}
	}
	for limit := 1; limit < 7; limit++ {
		if got := pages(w.mia, group.Query{Limit: limit}); !slices.Equal(got, append(slices.Clone(want), "parent")) {
			t.Errorf("by %d: %v", limit, got)
		}
		if got := pages(w.ana, group.Query{OrgID: w.org, Limit: limit}); len(got) != 13 || got[0] != "l" {
			t.Errorf("by %d: %v", limit, got)
		}
	}
	if got := pages(w.mia, group.Query{ParentID: parent, Limit: 3}); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := pages(w.vic, group.Query{Limit: 3}); len(got) > 0 {
		t.Errorf("the viewer sees %v", got)
	}
	_, err := w.List(t.Context(), w.vic.actor, group.Query{ParentID: parent, Limit: 3})
	w.Fails(err, core.ErrNotFound)
}

func TestAListIsFiltered(t *testing.T) {
	w := newWorld(t)
	zoe := w.stranger("zoe")
	_, err := w.Create(t.Context(), w.ana.actor, group.Input{GroupChange: core.GroupChange{Name: "Été à Nice", Metadata: core.Metadata{Tags: []string{"sea"}}}})
	w.Must(err)
	w.makes(w.ana, "100 %", top)
	gone := w.makes(w.mia, "gone", top)
	w.makes(w.mia, "with it", gone)
	w.Must(w.Delete(t.Context(), w.mia.actor, gone, 0))
	names := func(p person, q group.Query) string {
		t.Helper()
		q.Limit = 9
		found, err := w.List(t.Context(), p.actor, q)
		w.Must(err)
		var all []string
		for i := range found {
			all = append(all, found[i].Name)
		}
		return strings.Join(all, ", ")
	}
	for want, q := range map[string]group.Query{
		"100 %, Été à Nice": {},
		"Été à Nice":        {Text: "E\u0301TÉ"}, // however it is typed
		"100 %":             {Text: "%"},
		"":                  {Text: "_"},
		"gone":              {Deleted: true}, // what went with it comes back with it
	} {
		if got := names(w.ana, q); got != want {
			t.Errorf("%+v: %q", q, got)
		}
	}
	if got := names(w.ana, group.Query{Tag: "sea"}); got != "Été à Nice" {
		t.Error(got)
	}
	if mias, maxs := names(w.mia, group.Query{Deleted: true}), names(w.max, group.Query{Deleted: true}); mias != "gone" || maxs != "" {
		t.Errorf("deleted: %q for mia, %q for max", mias, maxs)
	}
	_, err = w.List(t.Context(), zoe.actor, group.Query{OrgID: w.org, Limit: 9})
	w.Fails(err, core.ErrNotFound)
	_, err = w.List(t.Context(), w.ana.actor, group.Query{OrgID: zoe.org, Limit: 9})
	w.Fails(err, core.ErrNotFound)
}
