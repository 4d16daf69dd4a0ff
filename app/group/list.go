package group

import (
	"context"
	"maps"
	"slices"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Query is a page of an org's groups. The zero value of a filter means any.
type Query struct {
	OrgID    core.OrgID // zero: the actor's active one
	ParentID core.GroupID
	Text     string
	Tag      string
	Deleted  bool
	Before   core.GroupID
	Limit    int
}

// List returns groups that the actor may view, newest first; of those that were
// deleted by themselves, the ones that it may restore.
func (s *Service) List(ctx context.Context, a core.Actor, in Query) ([]Group, error) {
	org := orgOf(a, in.OrgID)
	f, err := s.Access.ForOrg(ctx, a, org)
	if err != nil {
		return nil, err
	}
	if err := core.CanInOrg(f, core.ViewOrg); err != nil {
		return nil, err
	}
	if !in.ParentID.IsZero() {
		parent, err := s.may(ctx, a, in.ParentID, core.GroupView)
		if err == nil && parent.OrgID != org {
			err = core.ErrNotFound
		}
		if err != nil {
			return nil, err
		}
	}
	q := ports.GroupQuery{
		OrgID: org, ParentID: in.ParentID, Text: s.Text.NFC(in.Text), Tag: s.Text.NFC(in.Tag), Deleted: in.Deleted, Before: in.Before, Limit: in.Limit,
	}
	var found []ports.ListedGroup
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		found, err = visible(ctx, tx, f, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.showAll(ctx, found)
}

// visible is a page of those groups on which an account has rights. Owners and
// admins have them on all; for others, core judges the whole tree, and pages are
// read until one is full.
func visible(ctx context.Context, tx ports.Tx, f core.OrgFacts, q ports.GroupQuery) ([]ports.ListedGroup, error) {
	if f.Role == core.OrgOwner || f.Role == core.OrgAdmin {
		return tx.Groups.List(ctx, q)
	}
	want := core.GroupView
	if q.Deleted {
		want |= core.GroupDelete
	}
	entries, err := tx.GroupTrees.Entries(ctx, q.OrgID, f.AccountID, f.Role, q.Deleted)
	if err != nil {
		return nil, err
	}
	may, shown := core.GroupsWith(want, f.Status, f.Role, entries), core.GroupsWith(core.GroupView, f.Status, f.Role, entries)
	const most = 500 // that are named, or read at a time
	if len(may) <= most {
		q.IDs = slices.AppendSeq(make([]core.GroupID, 0, len(may)), maps.Keys(may))
	}
	limit := q.Limit
	var out []ports.ListedGroup
	for len(out) < limit {
		page, err := tx.Groups.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, g := range page {
			if !may[g.ID] || len(out) == limit {
				continue
			}
			if !shown[g.ParentID] {
				g.ParentID = core.GroupID{}
			}
			out = append(out, g)
		}
		if len(page) < q.Limit {
			break
		}
		q.Before, q.Limit = page[len(page)-1].ID, most
	}
	return out, nil
}

// Tree returns all groups that the actor may view, with how many files are in
// them.
func (s *Service) Tree(ctx context.Context, a core.Actor, org core.OrgID) ([]*core.GroupNode, error) {
	f, err := s.Access.ForOrg(ctx, a, orgOf(a, org))
	if err != nil {
		return nil, err
	}
	if err := core.CanInOrg(f, core.ViewOrg); err != nil {
		return nil, err
	}
	var tree *core.GroupTree
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		entries, err := tx.GroupTrees.Entries(ctx, f.OrgID, f.AccountID, f.Role, false)
		if err != nil {
			return err
		}
		tree = core.NewGroupTree(f.Status, f.Role, entries)
		for file, err := range tx.GroupAssets.All(ctx, f.OrgID) {
			if err != nil {
				return err
			}
			tree.Count(file.GroupID, file.AssetID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tree.Top, nil
}
