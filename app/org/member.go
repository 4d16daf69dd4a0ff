package org

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Members returns the accounts of an org that are not removed and no open
// invitations, by id.
func (s *Service) Members(ctx context.Context, a core.Actor, id core.OrgID, after core.AccountID, limit int) ([]ports.Member, error) {
	if _, err := s.may(ctx, a, id, core.ViewOrg); err != nil {
		return nil, err
	}
	return s.list(ctx, ports.AccountQuery{
		OrgID: id, Statuses: []core.AccountStatus{core.AccountActive, core.AccountSuspended}, After: after, Limit: limit,
	})
}

func (s *Service) list(ctx context.Context, q ports.AccountQuery) (members []ports.Member, err error) {
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		members, err = tx.Accounts.List(ctx, q)
		return err
	})
	return members, err
}

// MemberChange is what a change leaves alone (empty) or sets.
type MemberChange struct {
	Role    core.OrgRole
	Status  core.AccountStatus // active or suspended
	IfMatch int64
}

func (c MemberChange) check() error {
	if c.Role != "" {
		if err := core.CheckOrgRole("body.role", c.Role); err != nil {
			return err
		}
	}
	switch c.Status {
	case "", core.AccountActive, core.AccountSuspended:
		return nil
	case core.AccountInvited, core.AccountRemoved: // by other ways only
	}
	return core.Invalid("body.status", "must be active or suspended")
}

// ChangeMember gives an account another role, suspends it or lets it in again.
// It takes effect on the account's next request. It returns core.ErrLastOwner,
// core.ErrAccountState, core.ErrStale.
func (s *Service) ChangeMember(ctx context.Context, a core.Actor, id core.OrgID, account core.AccountID, c MemberChange) (ports.Member, error) {
	if err := c.check(); err != nil {
		return ports.Member{}, err
	}
	var after *core.Account
	err := s.manage(ctx, a, id, account, c.Role, func(tx ports.Tx, m *managed) error {
		if c.IfMatch != 0 && c.IfMatch != m.account.Version {
			return core.ErrStale
		}
		before := *m.account
		after = m.account
		if c.Role != "" && c.Role != before.Role {
			if err := after.ChangeRole(c.Role, m.now); err != nil {
				return err
			}
		}
		if c.Status != "" && c.Status != before.Status {
			turn := after.Suspend
			if c.Status == core.AccountActive {
				turn = after.Reactivate
			}
			if err := turn(m.now); err != nil {
				return err
			}
		}
		if after.Version == before.Version {
			return nil
		}
		after.Version = before.Version + 1
		if err := m.roster.CheckOwners(&before, after); err != nil {
			return err
		}
		if err := tx.Accounts.Save(ctx, after); err != nil {
			return err
		}
		return s.record(ctx, tx, m.facts, a, "account.updated", accountTarget(after), accountChanges(&before, after))
	})
	if err != nil {
		return ports.Member{}, err
	}
	return s.member(ctx, after)
}

// RemoveMember ends an account, or withdraws an invitation. Its personal drive
// passes into the custody of the org's owners and admins. ifMatch is the
// version the client has seen, 0 for any.
func (s *Service) RemoveMember(ctx context.Context, a core.Actor, id core.OrgID, account core.AccountID, ifMatch int64) error {
	return s.manage(ctx, a, id, account, "", func(tx ports.Tx, m *managed) error {
		if ifMatch != 0 && ifMatch != m.account.Version {
			return core.ErrStale
		}
		return s.remove(ctx, tx, m, a, "account.removed")
	})
}

// Leave ends the actor's own account.
func (s *Service) Leave(ctx context.Context, a core.Actor, id core.OrgID) error {
	f, err := s.may(ctx, a, id, core.ViewOrg)
	if err != nil {
		return err
	}
	if f.IsPersonal {
		return core.ErrPersonalOrg
	}
	return s.within(ctx, f, f.AccountID, func(tx ports.Tx, m *managed) error {
		return s.remove(ctx, tx, m, a, "account.left")
	})
}

// Transfer makes another active account an owner and the actor an admin.
func (s *Service) Transfer(ctx context.Context, a core.Actor, id core.OrgID, to core.AccountID) error {
	f, err := s.may(ctx, a, id, core.DeleteOrg)
	if err != nil {
		return err
	}
	if f.IsPersonal {
		return core.ErrPersonalOrg
	}
	return s.within(ctx, f, to, func(tx ports.Tx, m *managed) error {
		own, err := tx.Accounts.Get(ctx, id, f.AccountID)
		if err != nil {
			return err
		}
		if m.account.Status != core.AccountActive || m.account.ID == own.ID || own.Role != core.OrgOwner || own.Status != core.AccountActive {
			return core.ErrAccountState
		}
		before, former := *m.account, *own
		if before.Role != core.OrgOwner {
			if err := m.account.ChangeRole(core.OrgOwner, m.now); err != nil {
				return err
			}
			if err := tx.Accounts.Save(ctx, m.account); err != nil {
				return err
			}
		}
		if err := own.ChangeRole(core.OrgAdmin, m.now); err != nil {
			return err
		}
		if err := tx.Accounts.Save(ctx, own); err != nil {
			return err
		}
		if err := s.record(ctx, tx, f, a, "org.transferred", accountTarget(m.account), accountChanges(&before, m.account)); err != nil {
			return err
		}
		return s.record(ctx, tx, f, a, "org.transferred", accountTarget(own), accountChanges(&former, own))
	})
}

// managed is an account about to be changed, with what decides about it. The
// org's people do not change meanwhile.
type managed struct {
	facts   core.OrgFacts
	account *core.Account
	roster  core.Roster
	now     time.Time
}

// manage runs a change of another's account, if the actor may make it.
func (s *Service) manage(
	ctx context.Context, a core.Actor, id core.OrgID, account core.AccountID, role core.OrgRole, change func(ports.Tx, *managed) error,
) error {
	f, err := s.may(ctx, a, id, core.ManageMembers)
	if err != nil {
		return err
	}
	if f.IsPersonal {
		return core.ErrPersonalOrg
	}
	return s.within(ctx, f, account, func(tx ports.Tx, m *managed) error {
		if m.account.Status == core.AccountRemoved {
			return core.ErrNotFound
		}
		if err := core.CanManage(f, m.account, role); err != nil {
			return err
		}
		return change(tx, m)
	})
}

func (s *Service) within(ctx context.Context, f core.OrgFacts, account core.AccountID, change func(ports.Tx, *managed) error) error {
	return s.store.Update(ctx, func(tx ports.Tx) (err error) {
		m := &managed{facts: f, now: s.clock.Now()}
		if m.roster, err = tx.Accounts.Roster(ctx, f.OrgID); err != nil {
			return err
		}
		if m.account, err = tx.Accounts.Get(ctx, f.OrgID, account); err != nil {
			return err
		}
		return change(tx, m)
	})
}

func (s *Service) remove(ctx context.Context, tx ports.Tx, m *managed, a core.Actor, action string) error {
	before := *m.account
	if err := m.account.Remove(m.now); err != nil {
		return err
	}
	if err := m.roster.CheckOwners(&before, m.account); err != nil {
		return err
	}
	if err := tx.Accounts.Save(ctx, m.account); err != nil {
		return err
	}
	if err := app.HandOver(ctx, tx, &before, m.now); err != nil {
		return err
	}
	return s.record(ctx, tx, m.facts, a, action, accountTarget(m.account), accountChanges(&before, m.account))
}

func (s *Service) member(ctx context.Context, a *core.Account) (ports.Member, error) {
	m := ports.Member{Account: *a, Email: a.InvitedEmail}
	if a.UserID.IsZero() {
		return m, nil
	}
	err := s.store.View(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.Get(ctx, a.UserID)
		if err == nil {
			m.Email, m.Name = u.Email, u.Name
		}
		return err
	})
	return m, err
}

func accountTarget(a *core.Account) app.Target {
	return app.Target{Kind: "account", ID: a.ID.String()}
}

func accountChanges(before, after *core.Account) map[string]core.Change {
	changes := make(map[string]core.Change)
	if before.Role != after.Role {
		changes["role"] = core.Change{From: string(before.Role), To: string(after.Role)}
	}
	if before.Status != after.Status {
		changes["status"] = core.Change{From: string(before.Status), To: string(after.Status)}
	}
	return changes
}
