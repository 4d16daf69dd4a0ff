package core

// GroupEntry is a group of an org as one account stands to it, without the
// levels above it, which are groups of the same list.
type GroupEntry struct {
	ID       GroupID
	ParentID GroupID
	Name     string
	Creator  bool
	IsPublic bool
	Account  *GroupRights // as in GroupLevel
	Role     *GroupRights // likewise
}

// GroupNode is a group in a tree of those that an account may view.
type GroupNode struct {
	ID       GroupID
	Name     string
	Assets   int // in it
	Total    int // in it and in the groups below it, each once
	Children []*GroupNode

	above *GroupNode
	seen  int // the number of the file that was last counted in Total
}

// GroupTree is the groups of an org that an account may view. One that it may
// not is left out, and what is below it moves up.
type GroupTree struct {
	Top []*GroupNode

	nodes map[GroupID]*GroupNode
	files int
	last  AssetID
}

// forest judges the groups of an org from the top down.
type forest struct {
	standing GroupStanding // of the account, in the org
	index    map[GroupID]*GroupEntry
	verdicts map[GroupID]groupVerdict
}

func newForest(status AccountStatus, role OrgRole, groups []GroupEntry) *forest {
	f := &forest{GroupStanding{Status: status, OrgRole: role}, make(map[GroupID]*GroupEntry, len(groups)), make(map[GroupID]groupVerdict, len(groups))}
	for i := range groups {
		f.index[groups[i].ID] = &groups[i]
	}
	return f
}

// verdict remembers what it has found out, so that each group is asked once.
func (f *forest) verdict(e *GroupEntry, depth int) groupVerdict {
	if v, ok := f.verdicts[e.ID]; ok {
		return v
	}
	var above groupVerdict
	if parent := f.index[e.ParentID]; parent != nil && depth < MaxGroupDepth {
		above = f.verdict(parent, depth+1)
	}
	l := GroupLevel{e.ID, e.Name, e.Creator, e.IsPublic, e.Account, e.Role}
	v := l.after(above)
	f.verdicts[e.ID] = v
	return v
}

func (f *forest) rights(e *GroupEntry) GroupRights {
	s := f.standing
	s.Creator, s.IsPublic = e.Creator, e.IsPublic
	rights, _ := s.judge(f.verdict(e, 1))
	return rights
}

// GroupsWith returns which of the groups an account has rights on. groups has
// those above each, too.
func GroupsWith(want GroupRights, status AccountStatus, role OrgRole, groups []GroupEntry) map[GroupID]bool {
	f := newForest(status, role, groups)
	out := make(map[GroupID]bool)
	for i := range groups {
		if f.rights(&groups[i]).Has(want) {
			out[groups[i].ID] = true
		}
	}
	return out
}

// NewGroupTree returns what an account may view of an org's groups, in their
// order.
func NewGroupTree(status AccountStatus, role OrgRole, groups []GroupEntry) *GroupTree {
	f := newForest(status, role, groups)
	t := &GroupTree{nodes: make(map[GroupID]*GroupNode)}
	for i := range groups {
		if e := &groups[i]; f.rights(e).Has(GroupView) {
			t.nodes[e.ID] = &GroupNode{ID: e.ID, Name: e.Name}
		}
	}
	for i := range groups {
		n := t.nodes[groups[i].ID]
		if n == nil {
			continue
		}
		if n.above = t.nearest(f, groups[i].ParentID); n.above == nil {
			t.Top = append(t.Top, n)
			continue
		}
		n.above.Children = append(n.above.Children, n)
	}
	return t
}

// nearest returns the first group of the tree on the way up from one.
func (t *GroupTree) nearest(f *forest, id GroupID) *GroupNode {
	for range MaxGroupDepth {
		if n := t.nodes[id]; n != nil {
			return n
		}
		e := f.index[id]
		if e == nil {
			return nil
		}
		id = e.ParentID
	}
	return nil
}

// Count counts a file of a group. The groups that a file is in come one after
// the other: so it takes no memory to count it once.
func (t *GroupTree) Count(id GroupID, file AssetID) {
	if t.files == 0 || file != t.last {
		t.files++
		t.last = file
	}
	n := t.nodes[id]
	if n == nil {
		return
	}
	n.Assets++
	for ; n != nil && n.seen != t.files; n = n.above {
		n.seen = t.files
		n.Total++
	}
}
