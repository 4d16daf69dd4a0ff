package group

import (
	"context"
	"fmt"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Permissions returns a group's own rows to those who may set them.
func (s *Service) Permissions(ctx context.Context, a core.Actor, id core.GroupID) (rows []core.GroupPermission, err error) {
	f, err := s.permitter(ctx, a, id)
	if err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		rows, err = tx.GroupPermissions.List(ctx, f.GroupID)
		return err
	})
	return rows, err
}

func (s *Service) permitter(ctx context.Context, a core.Actor, id core.GroupID) (core.GroupFacts, error) {
	f, err := s.Groups.ForGroup(ctx, a, id)
	if err != nil {
		return f, err
	}
	return f, core.CanPermitInGroup(f)
}

// SetPermissions replaces a group's rows. It returns core.ErrGroupLockout.
func (s *Service) SetPermissions(ctx context.Context, a core.Actor, id core.GroupID, rows []core.GroupPermission) (out []core.GroupPermission, err error) {
	f, err := s.permitter(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if err := core.CheckGroupPermissions(rows); err != nil {
		return nil, err
	}
	if err := core.CheckGroupLockout(f, rows); err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		if _, err := tx.Accounts.Roster(ctx, f.OrgID); err != nil { // nobody leaves meanwhile, whose row would stay
			return err
		}
		if err := knowsAll(ctx, tx, f.OrgID, rows); err != nil {
			return err
		}
		g, err := s.locked(ctx, tx, f, 0)
		if err != nil {
			return err
		}
		before, err := tx.GroupPermissions.List(ctx, id)
		if err != nil {
			return err
		}
		if err := tx.GroupPermissions.Replace(ctx, id, rows); err != nil {
			return err
		}
		if out, err = tx.GroupPermissions.List(ctx, id); err != nil {
			return err
		}
		changes := permissionChanges(before, out)
		if len(changes) == 0 {
			return nil
		}
		if err := s.record(ctx, tx, by{f.OrgFacts, a}, "group.permissions_set", g, changes); err != nil {
			return err
		}
		return s.emit(ctx, tx, "group.updated", g, nil)
	})
	return out, err
}

// knowsAll refuses rows for accounts that are not of the org, or are no more.
func knowsAll(ctx context.Context, tx ports.Tx, org core.OrgID, rows []core.GroupPermission) error {
	var ids []core.AccountID
	for _, p := range rows {
		if !p.AccountID.IsZero() {
			ids = append(ids, p.AccountID)
		}
	}
	known, err := tx.Accounts.Statuses(ctx, org, ids)
	if err != nil {
		return err
	}
	for i, p := range rows {
		if status, ok := known[p.AccountID]; !p.AccountID.IsZero() && (!ok || status == core.AccountRemoved) {
			return core.Invalid(fmt.Sprintf("body.permissions[%d].account_id", i), "is no account of this organisation")
		}
	}
	return nil
}

// permissionChanges are by whom a row is for.
func permissionChanges(before, after []core.GroupPermission) map[string]core.Change {
	grantee := func(p core.GroupPermission) string {
		if p.Role != "" {
			return string(p.Role)
		}
		return p.AccountID.String()
	}
	changes := make(map[string]core.Change)
	for _, p := range before {
		changes[grantee(p)] = core.Change{From: p.Rights.String()}
	}
	for _, p := range after {
		c := changes[grantee(p)]
		c.To = p.Rights.String()
		if changes[grantee(p)] = c; c.From == c.To {
			delete(changes, grantee(p))
		}
	}
	return changes
}

// Effective is what an account may do with a group, and why.
type Effective struct {
	AccountID core.AccountID
	Role      core.OrgRole
	Status    core.AccountStatus
	Reasons   []core.GroupReason
}

// Effective explains what an account may do with a group: to everybody who may
// view it of themselves (account zero), to those who set its permissions of all.
func (s *Service) Effective(ctx context.Context, a core.Actor, id core.GroupID, account core.AccountID) (Effective, error) {
	own, err := s.may(ctx, a, id, core.GroupView)
	if err != nil {
		return Effective{}, err
	}
	f := own
	if !account.IsZero() && account != f.AccountID {
		if err := core.CanPermitInGroup(own); err != nil {
			return Effective{}, err
		}
		err := s.Store.View(ctx, func(tx ports.Tx) (err error) {
			f, err = tx.GroupPermissions.Facts(ctx, own.OrgID, id, account)
			return err
		})
		if err != nil {
			return Effective{}, err
		}
	}
	return Effective{f.AccountID, f.Role, f.Status, own.Discreet(f.Standing().Explain())}, nil
}
