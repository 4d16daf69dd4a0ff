package drive

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Members returns the accounts that have a role of their own in a shared
// drive, by id, to everybody who may read it. It returns core.ErrPersonalDrive.
func (s *Service) Members(ctx context.Context, a core.Actor, id core.DriveID, after core.AccountID, limit int) ([]ports.DriveAccount, error) {
	f, err := s.access.ForDrive(ctx, a, id)
	if err == nil {
		err = core.CanInDrive(f, core.DriveViewer)
	}
	switch {
	case err != nil:
		return nil, err
	case f.Ownership != core.SharedDrive:
		return nil, core.ErrPersonalDrive
	}
	return s.accounts(ctx, ports.DriveAccountQuery{OrgID: f.OrgID, DriveID: id, Members: true, After: after, Limit: limit})
}

func (s *Service) accounts(ctx context.Context, q ports.DriveAccountQuery) (found []ports.DriveAccount, err error) {
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		found, err = tx.DriveMembers.List(ctx, q)
		return err
	})
	return found, err
}

// SetMember gives an account of the org a role of its own in a shared drive,
// from its next request on. See core.CheckDriveMember for what it refuses; it
// returns core.ErrPersonalDrive, too.
func (s *Service) SetMember(ctx context.Context, a core.Actor, id core.DriveID, account core.AccountID, role core.DriveRole) (*ports.DriveAccount, error) {
	var after *ports.DriveAccount
	err := s.setMember(ctx, a, id, account, func(tx ports.Tx, org core.OrgFacts, m *ports.DriveAccount) (err error) {
		if err := core.CheckDriveMember(&m.Account, role); err != nil {
			return err
		}
		after = m
		if m.Standing.Member == role {
			return nil
		}
		err = tx.DriveMembers.Put(ctx, core.DriveMember{DriveID: id, AccountID: account, Role: role, CreatedAt: s.clock.Now()})
		if err != nil {
			return err
		}
		if after, err = tx.DriveMembers.Get(ctx, org.OrgID, id, account); err != nil {
			return err
		}
		return s.recordDrive(ctx, tx, org, a, "drive.member_set", id, memberChanges(m, after.Standing.Member))
	})
	return after, err
}

// RemoveMember takes away an account's own role in a shared drive: it has then
// what its role in the org gives it. It returns core.ErrPersonalDrive.
func (s *Service) RemoveMember(ctx context.Context, a core.Actor, id core.DriveID, account core.AccountID) error {
	return s.setMember(ctx, a, id, account, func(tx ports.Tx, org core.OrgFacts, m *ports.DriveAccount) error {
		if err := tx.DriveMembers.Remove(ctx, id, account); err != nil {
			return err
		}
		return s.recordDrive(ctx, tx, org, a, "drive.member_removed", id, memberChanges(m, core.DriveNone))
	})
}

// setMember runs a change of a member, while the org's people stay who they are.
func (s *Service) setMember(
	ctx context.Context, a core.Actor, id core.DriveID, account core.AccountID,
	change func(tx ports.Tx, org core.OrgFacts, m *ports.DriveAccount) error,
) error {
	f, org, err := s.sharer(ctx, a, id)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx ports.Tx) error {
		if _, err := tx.Accounts.Roster(ctx, f.OrgID); err != nil {
			return err
		}
		m, err := tx.DriveMembers.Get(ctx, f.OrgID, id, account)
		if err != nil {
			return err
		}
		return change(tx, org, m)
	})
}

// sharer is manager for a shared drive.
func (s *Service) sharer(ctx context.Context, a core.Actor, id core.DriveID) (core.DriveFacts, core.OrgFacts, error) {
	f, org, err := s.manager(ctx, a, id)
	if err == nil && f.Ownership != core.SharedDrive {
		err = core.ErrPersonalDrive
	}
	return f, org, err
}

func memberChanges(m *ports.DriveAccount, role core.DriveRole) map[string]core.Change {
	who := m.Account.ID.String()
	return map[string]core.Change{
		"account_id": {From: who, To: who},
		"role":       {From: orNil(m.Standing.Member), To: orNil(role)},
	}
}
