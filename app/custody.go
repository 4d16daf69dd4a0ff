package app

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// HandOver puts the personal drive of an account that leaves into the custody
// of its org's owners and admins. An account that never became active has none.
func HandOver(ctx context.Context, tx ports.Tx, left *core.Account, now time.Time) error {
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
	return tx.Drives.Save(ctx, d)
}
