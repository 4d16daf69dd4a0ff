package dataset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Grants are those of a dataset at a version of it.
type Grants struct {
	Grants  []core.DatasetGrant // those of roles first
	Version int64               // of the dataset
}

// Grants returns who may do what with a dataset, to those who manage it.
func (s *Service) Grants(ctx context.Context, a core.Actor, id core.DatasetID) (out Grants, err error) {
	f, err := s.may(ctx, a, id, core.DatasetManage)
	if err != nil {
		return out, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		d, err := tx.Datasets.Get(ctx, f.OrgID, id)
		if err != nil {
			return err
		}
		out.Version = d.Version
		out.Grants, err = tx.DatasetGrants.List(ctx, id)
		return err
	})
	return out, err
}

// SetGrants replaces all grants of a dataset, and lets those write in its drive who
// may publish then, and nobody else. ifMatch is the version of the dataset that
// the client has seen, 0 for any.
func (s *Service) SetGrants(ctx context.Context, a core.Actor, id core.DatasetID, grants []core.DatasetGrant, ifMatch int64) (out Grants, err error) {
	f, err := s.may(ctx, a, id, core.DatasetManage)
	if err != nil {
		return out, err
	}
	if err := core.CheckDatasetGrants(grants); err != nil {
		return out, err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		if _, err := tx.Accounts.Roster(ctx, f.OrgID); err != nil { // nobody leaves meanwhile, whose grant would stay
			return err
		}
		if err := knowsAll(ctx, tx, f.OrgID, grants); err != nil {
			return err
		}
		if err := tx.Drives.Lock(ctx, f.OrgID, false, f.Dataset.DriveID); err != nil {
			return err
		}
		d, err := s.locked(ctx, tx, f, ifMatch)
		if err != nil {
			return err
		}
		before, err := tx.DatasetGrants.List(ctx, id)
		if err != nil {
			return err
		}
		if err := tx.DatasetGrants.Replace(ctx, id, grants); err != nil {
			return err
		}
		if out.Grants, err = tx.DatasetGrants.List(ctx, id); err != nil {
			return err
		}
		if changes := grantChanges(before, out.Grants); len(changes) > 0 {
			if err := s.granted(ctx, tx, f, a, d, out.Grants, changes); err != nil {
				return err
			}
		}
		out.Version = d.Version
		return nil
	})
	return out, err
}

// granted finishes a change of grants.
func (s *Service) granted(
	ctx context.Context, tx ports.Tx, f core.DatasetFacts, a core.Actor, d *core.Dataset, grants []core.DatasetGrant, changes map[string]core.Change,
) error {
	d.Touch(s.Clock.Now())
	if err := tx.Datasets.Save(ctx, d); err != nil {
		return err
	}
	if err := s.letWrite(ctx, tx, d, grants); err != nil {
		return err
	}
	return s.did(ctx, tx, f, a, grantsSet, d, changes)
}

// letWrite makes editors of a dataset's drive of those who may publish, and of
// nobody else. Its creator stays one; owners and admins of the org need no role.
func (s *Service) letWrite(ctx context.Context, tx ports.Tx, d *core.Dataset, grants []core.DatasetGrant) error {
	var members core.DriveRole
	publishers := map[core.AccountID]bool{}
	if !d.OwnerID.IsZero() {
		publishers[d.OwnerID] = true
	}
	for _, g := range grants {
		switch {
		case !g.Publishes():
		case g.Role == core.OrgMember:
			members = core.DriveEditor
		default:
			publishers[g.AccountID] = true
		}
	}
	drive, err := tx.Drives.Get(ctx, d.OrgID, d.DriveID)
	if err != nil {
		return err
	}
	if drive.DefaultRole != members {
		if err := drive.Change(core.DriveChange{DefaultRole: &members}, s.Clock.Now()); err != nil {
			return err
		}
		if err := tx.Drives.Save(ctx, drive); err != nil {
			return err
		}
	}
	if err := s.dropEditors(ctx, tx, d, publishers); err != nil {
		return err
	}
	for _, id := range slices.SortedFunc(maps.Keys(publishers), func(a, b core.AccountID) int { return slices.Compare(a[:], b[:]) }) {
		account, err := tx.Accounts.Get(ctx, d.OrgID, id)
		if err != nil {
			return err
		}
		if core.CheckDriveMember(account, core.DriveEditor) != nil { // has another role already, or not yet one
			continue
		}
		if err := tx.DriveMembers.Put(ctx, core.DriveMember{DriveID: d.DriveID, AccountID: id, Role: core.DriveEditor, CreatedAt: s.Clock.Now()}); err != nil {
			return err
		}
	}
	return nil
}

// dropEditors takes the roles in a dataset's drive from all but some.
func (s *Service) dropEditors(ctx context.Context, tx ports.Tx, d *core.Dataset, but map[core.AccountID]bool) error {
	const page = 500
	q := ports.DriveAccountQuery{OrgID: d.OrgID, DriveID: d.DriveID, Members: true, Limit: page}
	for {
		list, err := tx.DriveMembers.List(ctx, q)
		if err != nil {
			return err
		}
		for _, m := range list {
			id := m.Member.Account.ID
			if q.After = id; but[id] {
				continue
			}
			if err := tx.DriveMembers.Remove(ctx, d.DriveID, id); err != nil && !errors.Is(err, core.ErrNotFound) {
				return err
			}
		}
		if len(list) < page {
			return nil
		}
	}
}

// knowsAll refuses grants for accounts that are not of the org, or are no more.
func knowsAll(ctx context.Context, tx ports.Tx, org core.OrgID, grants []core.DatasetGrant) error {
	var ids []core.AccountID
	for _, g := range grants {
		if !g.AccountID.IsZero() {
			ids = append(ids, g.AccountID)
		}
	}
	known, err := tx.Accounts.Statuses(ctx, org, ids)
	if err != nil {
		return err
	}
	for i, g := range grants {
		if status, ok := known[g.AccountID]; !g.AccountID.IsZero() && (!ok || status == core.AccountRemoved) {
			return core.Invalid(fmt.Sprintf("body.grants[%d].account_id", i), "is no account of this organisation")
		}
	}
	return nil
}

// grantChanges are by whom a grant is for.
func grantChanges(before, after []core.DatasetGrant) map[string]core.Change {
	grantee := func(g core.DatasetGrant) string {
		if g.Role != "" {
			return string(g.Role)
		}
		return g.AccountID.String()
	}
	changes := make(map[string]core.Change)
	for _, g := range before {
		changes[grantee(g)] = core.Change{From: g.Rights.String()}
	}
	for _, g := range after {
		c := changes[grantee(g)]
		c.To = g.Rights.String()
		if changes[grantee(g)] = c; c.From == c.To {
			delete(changes, grantee(g))
		}
	}
	return changes
}

// types are the names of the types that have a schema.
func types(schemas core.ItemSchemas) []string {
	return append([]string{}, slices.Sorted(maps.Keys(schemas))...)
}
