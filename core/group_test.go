package core_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

func groupID(n byte) (id core.GroupID) { id[0], id[15] = 1, n; return id }

var groupNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestAGroupIsDeletedAndRestored(t *testing.T) {
	const kept = time.Hour
	parent := groupID(1)
	fresh := func() *core.Group {
		return core.NewGroup(groupID(2), core.OrgID{1}, core.AccountID{1}, core.GroupChange{Name: "a", ParentID: parent}, groupNow)
	}
	g := fresh()
	if g.Version != 1 || g.OwnerID != g.CreatedBy || g.Deleted() {
		t.Errorf("new: %+v", g)
	}
	if err := g.Restore(true, kept, groupNow); !errors.Is(err, core.ErrGroupNotDeleted) {
		t.Errorf("restore of a live group: %v", err)
	}
	if err := g.Delete(groupNow); err != nil || !g.Deleted() || g.DeletedWith != g.ID || g.Version != 2 {
		t.Errorf("delete: %v, %+v", err, g)
	}
	if err := g.Delete(groupNow); !errors.Is(err, core.ErrGroupDeleted) {
		t.Errorf("second delete: %v", err)
	}
	late := *g
	if err := late.Restore(true, kept, groupNow.Add(kept)); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("restore when it is purged: %v", err)
	}
	orphan := *g
	if err := orphan.Restore(false, kept, groupNow.Add(kept-1)); err != nil || !orphan.ParentID.IsZero() || orphan.Deleted() {
		t.Errorf("restore without parent: %v, %+v", err, orphan)
	}
	if err := g.Restore(true, kept, groupNow); err != nil || g.ParentID != parent || g.Version != 3 || !g.DeletedWith.IsZero() {
		t.Errorf("restore: %v, %+v", err, g)
	}
	nested := fresh()
	nested.DeletedAt, nested.DeletedWith = groupNow, parent
	if err := nested.Restore(true, kept, groupNow); !errors.Is(err, core.ErrGroupNotDeleted) {
		t.Errorf("restore of what went with another: %v", err)
	}
}

func TestGroupsNestWithoutCyclesTo32Levels(t *testing.T) {
	var trail []core.GroupID
	for n := range byte(core.MaxGroupDepth) {
		trail = append(trail, groupID(n+1))
	}
	for _, c := range []struct {
		what   string
		id     core.GroupID
		trail  []core.GroupID
		height int
		want   error
	}{
		{"at the top", groupID(99), nil, 0, nil},
		{"a tall one at the top", groupID(99), nil, 31, nil},
		{"too tall a one", groupID(99), nil, 32, core.ErrGroupTooDeep},
		{"the last level", groupID(99), trail[:31], 0, nil},
		{"beyond it", groupID(99), trail, 0, core.ErrGroupTooDeep},
		{"with one below it", groupID(99), trail[:31], 1, core.ErrGroupTooDeep},
		{"into itself", groupID(3), trail[:3], 0, core.ErrGroupCycle},
		{"below itself", groupID(1), trail[:3], 0, core.ErrGroupCycle},
	} {
		err := core.CheckNest(c.id, c.trail, c.height)
		if c.want == nil && err != nil || c.want != nil && (!errors.Is(err, c.want) || err.Error() != c.want.Error()) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

func TestSectionsHaveNamesOfTheirOwn(t *testing.T) {
	same := func(s string) string { return s }
	got, err := core.CleanGroupOrder("body.organisation", core.GroupOrder{Sections: []string{" a ", "b"}}, same)
	if err != nil || !slices.Equal(got.Sections, []string{"a", "b"}) || got.Sort != core.GroupByName || got.Layout != core.GroupGrid {
		t.Errorf("%+v, %v", got, err)
	}
	g := core.Group{Order: got}
	for section, ok := range map[string]bool{"": true, "a": true, "A": false, "c": false} {
		if err := g.CheckSection("body.section", section); (err == nil) != ok {
			t.Errorf("section %q: %v", section, err)
		}
	}
	many := make([]string, core.MaxGroupSections+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for _, bad := range [][]string{{"a", " a"}, {""}, {"a\nb"}, many} {
		if _, err := core.CleanGroupOrder("body.organisation", core.GroupOrder{Sections: bad}, same); core.KindOf(err) != core.KindInvalid {
			t.Errorf("sections %q: %v", bad, err)
		}
	}
}

func TestOnlyWhatOneMayShareComesIntoAGroup(t *testing.T) {
	missing := errors.New("missing")
	editor := core.DriveStanding{Status: core.AccountActive, OrgRole: core.OrgMember, Ownership: core.SharedDrive, Default: core.DriveEditor}
	with := func(change func(c *core.GroupCandidate)) core.GroupCandidate {
		c := core.GroupCandidate{DriveStanding: editor, Kind: core.KindAsset, Status: core.AssetReady, Live: true}
		change(&c)
		return c
	}
	for what, c := range map[string]struct {
		of   core.GroupCandidate
		want error
	}{
		"a file":                {with(func(*core.GroupCandidate) {}), nil},
		"a folder":              {with(func(c *core.GroupCandidate) { c.Kind = core.KindFolder }), missing},
		"one that is unread":    {with(func(c *core.GroupCandidate) { c.Default = core.DriveNone }), missing},
		"one that is only read": {with(func(c *core.GroupCandidate) { c.Default = core.DriveViewer }), core.ErrForbidden},
		"another's personal":    {with(func(c *core.GroupCandidate) { c.Ownership = core.OthersDrive }), missing},
		"a trashed one":         {with(func(c *core.GroupCandidate) { c.Live = false }), core.ErrAssetTrashed},
		"one without bytes":     {with(func(c *core.GroupCandidate) { c.Status = core.AssetPending }), core.ErrAssetNotReady},
		"one of an org viewer":  {with(func(c *core.GroupCandidate) { c.OrgRole = core.OrgViewer }), core.ErrForbidden},
	} {
		if err := core.CheckGroupAsset(c.of, missing); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}
