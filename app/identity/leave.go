package identity

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Delete forgets the user, at once and for good. It asks for the password, if
// there is one, and for a code, if there is a second factor. The accounts in
// other orgs end as by leaving; the personal org is closed with all in it. It
// returns core.ErrLastOwner with the orgs that would have no owner.
func (s *Service) Delete(ctx context.Context, a core.Actor, password, code string) error {
	u, err := s.Me(ctx, a)
	if err != nil {
		return err
	}
	if err := s.checkCurrent(ctx, a, u, password); err != nil {
		return err
	}
	now := s.clock.Now()
	if u.TOTP.Enabled() {
		if err := s.take(ctx, totpRate, u.ID.String(), now); err != nil {
			return err
		}
	}
	proven := u.PasswordHash
	return s.store.Update(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.Lock(ctx, a.UserID)
		switch {
		case errors.Is(err, core.ErrNotFound):
			return core.ErrUnauthenticated // a twin of this request was faster
		case err != nil:
			return err
		case u.PasswordHash != proven:
			return core.ErrWrongPassword
		}
		// The code is not spent if the deletion is refused: nothing has happened.
		if err := s.checkSecond(u, code, now); err != nil {
			return err
		}
		if err := s.leaveOrgs(ctx, tx, a, u, now); err != nil {
			return err
		}
		// Nobody goes on paying for somebody who has gone, nor to them.
		if err := tx.Jobs.Enqueue(ctx, app.EndSubscriptions{UserID: u.ID}, app.EndSubscriptions{OrgID: u.PersonalOrgID}); err != nil {
			return err
		}
		return forget(ctx, tx, u, now)
	})
}

// checkSecond asks for a code of a user who has a second factor.
func (s *Service) checkSecond(u *core.User, code string, now time.Time) error {
	switch {
	case !u.TOTP.Enabled():
		return nil
	case code == "":
		return core.ErrTOTPRequired
	}
	_, ok, err := s.checkCode(u.TOTP, code, now)
	if err == nil && !ok {
		err = core.ErrTOTPWrong
	}
	return err
}

// leaveOrgs ends all accounts of a locked user. The orgs are locked in the
// order of their ids, so that two who go at once do not wait for each other.
func (s *Service) leaveOrgs(ctx context.Context, tx ports.Tx, a core.Actor, u *core.User, now time.Time) error {
	all, err := tx.Accounts.AllOf(ctx, u.ID)
	if err != nil {
		return err
	}
	rosters := make(map[core.OrgID]core.Roster, len(all))
	for _, m := range all {
		roster, err := tx.Accounts.Roster(ctx, m.Org.ID)
		if errors.Is(err, core.ErrNotFound) {
			continue // purged meanwhile, its accounts too
		}
		if err != nil {
			return err
		}
		rosters[m.Org.ID] = roster
	}
	// What was read before the locks may have changed. None was added: that
	// needs the user's lock.
	if all, err = tx.Accounts.AllOf(ctx, u.ID); err != nil {
		return err
	}
	if err := checkOwners(all, rosters, now); err != nil {
		return err
	}
	for _, m := range all {
		if err := s.leave(ctx, tx, a, u, &m, now); err != nil {
			return err
		}
	}
	return nil
}

// orphan is an org as core.ErrLastOwner names it.
type orphan struct {
	ID   core.OrgID `json:"id"`
	Name string     `json:"name"`
}

// checkOwners refuses to leave live orgs without an owner, and says which.
func checkOwners(all []ports.Membership, rosters map[core.OrgID]core.Roster, now time.Time) error {
	var orphans []orphan
	for _, m := range all {
		after := m.Account
		if err := after.Forget(now); err != nil {
			return err
		}
		if m.Org.IsPersonal || m.Org.Deleted() {
			continue
		}
		if rosters[m.Org.ID].CheckOwners(&m.Account, &after) != nil {
			orphans = append(orphans, orphan{m.Org.ID, m.Org.Name})
		}
	}
	if len(orphans) > 0 {
		return core.ErrLastOwner.Say("you are the only owner of organisations; make somebody else an owner, or delete them").With("orgs", orphans)
	}
	return nil
}

// leave ends one account. A personal org is closed; in another the account's
// drive passes into custody.
func (s *Service) leave(ctx context.Context, tx ports.Tx, a core.Actor, u *core.User, m *ports.Membership, now time.Time) error {
	f := core.OrgFacts{OrgID: m.Org.ID, AccountID: m.Account.ID, Email: u.Email}
	action, target := "account.deleted", app.Target{Kind: "account", ID: m.Account.ID.String()}
	changes := map[string]core.Change{"status": {From: string(m.Account.Status), To: string(core.AccountRemoved)}}
	if m.Org.ID == u.PersonalOrgID {
		if err := m.Org.DeleteWith(u, now); err != nil {
			return err
		}
		if err := tx.Orgs.Save(ctx, &m.Org); err != nil {
			return err
		}
		action, target = "org.deleted", app.Target{Kind: "org", ID: m.Org.ID.String()}
	} else if err := app.HandOver(ctx, tx, &m.Account, now); err != nil {
		return err
	}
	if err := m.Account.Forget(now); err != nil {
		return err
	}
	if err := tx.Accounts.Save(ctx, &m.Account); err != nil {
		return err
	}
	entry := app.Audited(s.ids.NewID(), f, a, action, target, changes, now)
	if err := tx.Audit.Add(ctx, entry); err != nil {
		return err
	}
	return app.Announce(ctx, tx, s.ids.NewID(), entry, map[string]any{target.Kind + "_id": target.ID})
}

// forget removes what is known of a person; the row stays, for what refers to it.
func forget(ctx context.Context, tx ports.Tx, u *core.User, now time.Time) error {
	if err := tx.Identities.RemoveOf(ctx, u.ID); err != nil {
		return err
	}
	if err := tx.Sessions.RemoveOf(ctx, u.ID); err != nil {
		return err
	}
	for _, kind := range []core.TicketKind{core.VerifyEmail, core.ResetPassword} {
		if err := tx.Tickets.DropOf(ctx, kind, u.ID); err != nil {
			return err
		}
	}
	u.Delete(now)
	return tx.Users.Save(ctx, u)
}
