package core_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-755a8038/coffer/core"
)

// TestATreeCountsWhatItsModelCounts compares a tree with what sets of files say,
// group by group, each judged by itself.
func TestATreeCountsWhatItsModelCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "groups")
		role := rapid.SampledFrom([]core.OrgRole{core.OrgOwner, core.OrgMember, core.OrgViewer}).Draw(t, "role")
		groups, parents := make([]core.GroupEntry, n), make([]int, n)
		for i := range groups {
			groups[i] = core.GroupEntry{ID: groupID(byte(i + 1)), Creator: rapid.Bool().Draw(t, "creator"), IsPublic: rapid.IntRange(0, 3).Draw(t, "public") == 0}
			if parents[i] = rapid.IntRange(-1, i-1).Draw(t, "parent"); parents[i] >= 0 {
				groups[i].ParentID = groupID(byte(parents[i] + 1))
			}
			if rapid.IntRange(0, 3).Draw(t, "row?") == 0 {
				groups[i].Account = new(core.GroupRights(rapid.IntRange(0, 1).Draw(t, "row")))
			}
		}
		in := make([]map[int]bool, n) // files of each group
		tree := core.NewGroupTree(core.AccountActive, role, groups)
		for i := range in {
			in[i] = map[int]bool{}
		}
		for file := range rapid.IntRange(0, 6).Draw(t, "files") {
			for i := range n {
				if rapid.Bool().Draw(t, "in") {
					in[i][file] = true
					tree.Count(groups[i].ID, core.AssetID{byte(file)})
				}
			}
		}
		visible := func(i int) bool {
			s := core.GroupStanding{Status: core.AccountActive, OrgRole: role, Creator: groups[i].Creator, IsPublic: groups[i].IsPublic}
			for at := i; at >= 0; at = parents[at] {
				s.Levels = append([]core.GroupLevel{{ID: groups[at].ID, Account: groups[at].Account}}, s.Levels...)
			}
			return s.Rights().Has(core.GroupView)
		}
		want := map[core.GroupID]string{}
		for i := range n {
			if !visible(i) {
				continue
			}
			all := map[int]bool{}
			for j := range n {
				below := false
				for at := j; at >= 0; at = parents[at] {
					below = below || at == i
				}
				for file := range in[j] {
					all[file] = all[file] || below && visible(j)
				}
			}
			total := 0
			for _, ok := range all {
				if ok {
					total++
				}
			}
			above := parents[i]
			for above >= 0 && !visible(above) {
				above = parents[above]
			}
			want[groups[i].ID] = fmt.Sprint(len(in[i]), total, above)
		}
		got := map[core.GroupID]string{}
		var walk func(nodes []*core.GroupNode, above int)
		walk = func(nodes []*core.GroupNode, above int) {
			for _, n := range nodes {
				got[n.ID] = fmt.Sprint(n.Assets, n.Total, above)
				walk(n.Children, int(n.ID[15])-1)
			}
		}
		walk(tree.Top, -1)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("tree %v, want %v", got, want)
		}
	})
}

// TestATreeOfTenThousandGroups: each of 10,000 groups, 32 levels deep, has ten
// files, every other one of which is in a second group, too.
func TestATreeOfTenThousandGroups(t *testing.T) {
	const n = 10_000
	id := func(i int) (id core.GroupID) { id[0], id[14], id[15] = 1, byte(i>>8), byte(i); return id }
	groups := make([]core.GroupEntry, n)
	for i := range groups {
		groups[i] = core.GroupEntry{ID: id(i)}
		if i%core.MaxGroupDepth > 0 {
			groups[i].ParentID = id(i - 1)
		}
	}
	begin := time.Now()
	tree := core.NewGroupTree(core.AccountActive, core.OrgAdmin, groups)
	for file := range n * 10 {
		asset := core.AssetID{1, byte(file >> 16), byte(file >> 8), byte(file)}
		tree.Count(id(file/10), asset)
		if file%2 == 0 {
			tree.Count(id((file/10+1)%n), asset)
		}
	}
	t.Logf("%v", time.Since(begin))
	total := 0
	for _, top := range tree.Top {
		total += top.Total
	}
	// A file is counted twice only where its two groups are in different trees.
	if chains := (n + core.MaxGroupDepth - 1) / core.MaxGroupDepth; len(tree.Top) != chains || total != n*10+chains*5 {
		t.Errorf("%d tops with %d files", len(tree.Top), total)
	}
}
