package app

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// HandOver takes away what roles in drives, rights on groups, API keys and share
// links an account has that leaves, so that none comes back with it, perhaps as another user's;
// and it puts its personal drive into the custody of its org's owners and admins. An
// account that never became active has none. The org's roster is locked, which
// keeps the drive's new name free.
func HandOver(ctx context.Context, tx ports.Tx, left *core.Account, now time.Time) error {
	if err := tx.GroupPermissions.Forget(ctx, left.OrgID, left.ID); err != nil { // first: it locks the groups
		return err
	}
	if err := tx.DatasetGrants.Forget(ctx, left.OrgID, left.ID); err != nil {
		return err
	}
	if err := RevokeGrants(ctx, tx, left, now); err != nil {
		return err
	}
	if err := tx.DriveMembers.RemoveAll(ctx, left.ID); err != nil {
		return err
	}
	d, err := tx.Drives.PersonalOf(ctx, left.OrgID, left.ID)
	if errors.Is(err, core.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	u, err := tx.Users.Get(ctx, left.UserID)
	if err != nil {
		return err
	}
	d.HandOver(u.Email, now)
	for n := 2; ; n++ {
		_, err := tx.Drives.ByName(ctx, left.OrgID, d.Name)
		if errors.Is(err, core.ErrNotFound) {
			break
		}
		if err != nil {
			return err
		}
		d.Name = core.CustodyName(u.Email, n) // who came back has left once more
	}
	return tx.Drives.Save(ctx, d)
}

// RevokeGrants ends what an account has given others, or scripts, to come in
// by: its API keys and its share links.
func RevokeGrants(ctx context.Context, tx ports.Tx, a *core.Account, now time.Time) error {
	if err := tx.APIKeys.RevokeOf(ctx, a.OrgID, a.ID, now); err != nil {
		return err
	}
	return tx.ShareLinks.RevokeOf(ctx, a.OrgID, a.ID, now)
}
