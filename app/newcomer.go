package app

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Newcomer is a new user with the personal org that each has.
type Newcomer struct {
	User    *core.User
	Org     *core.Org
	Account *core.Account
	Drive   *core.Drive
}

// NewNewcomer returns a user with that clean address and name, a personal org, its
// owner account and a personal drive.
func NewNewcomer(ids ports.IDs, email, name, passwordHash string, now time.Time) Newcomer {
	orgID := core.OrgID(ids.NewID())
	u := core.NewUser(core.UserID(ids.NewID()), email, name, passwordHash, orgID, now)
	o := core.NewPersonalOrg(orgID, name, core.PersonalSlug(name, orgID), now)
	a := core.NewOwner(core.AccountID(ids.NewID()), orgID, u.ID, now)
	d := core.NewPersonalDrive(core.DriveID(ids.NewID()), orgID, a.ID, now)
	return Newcomer{User: u, Org: o, Account: a, Drive: d}
}

// Add stores all of it.
func (n *Newcomer) Add(ctx context.Context, tx ports.Tx) error {
	if err := tx.Orgs.Add(ctx, n.Org, n.Drive.ID); err != nil {
		return err
	}
	if err := tx.Users.Add(ctx, n.User); err != nil {
		return err
	}
	if err := tx.Accounts.Add(ctx, n.Account); err != nil {
		return err
	}
	return tx.Drives.Add(ctx, n.Drive)
}

// Claim takes a user from whoever signed up without owning the address: password
// and second factor, sessions, tickets, identities, API keys and share links end
// together.
func Claim(ctx context.Context, tx ports.Tx, u *core.User, now time.Time) error {
	u.Claim(now)
	if err := tx.Users.Save(ctx, u); err != nil {
		return err
	}
	for _, kind := range []core.TicketKind{core.VerifyEmail, core.ResetPassword, core.SignIn} {
		if err := tx.Tickets.DropOf(ctx, kind, u.ID); err != nil {
			return err
		}
	}
	if err := tx.Identities.RemoveOf(ctx, u.ID); err != nil {
		return err
	}
	accounts, err := tx.Accounts.AllOf(ctx, u.ID)
	if err != nil {
		return err
	}
	for i := range accounts {
		if err := RevokeGrants(ctx, tx, &accounts[i].Account, now); err != nil {
			return err
		}
	}
	return tx.Sessions.RevokeOf(ctx, u.ID, core.SessionID{}, now)
}
