package identity

import (
	"context"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// record writes into the audit log of a user's personal org what the user did
// to themselves, or somebody who had read the user's mail.
func (s *Service) record(
	ctx context.Context, tx ports.Tx, u *core.User, from core.Client, action string, target app.Target, changes map[string]core.Change,
) error {
	account, err := tx.Accounts.Of(ctx, u.PersonalOrgID, u.ID)
	if err != nil {
		return err
	}
	return tx.Audit.Add(ctx, s.entry(u, account.ID, from, action, target, changes))
}

func (s *Service) entry(
	u *core.User, account core.AccountID, from core.Client, action string, target app.Target, changes map[string]core.Change,
) *core.AuditEntry {
	f := core.OrgFacts{OrgID: u.PersonalOrgID, AccountID: account, Email: u.Email}
	a := core.Actor{Kind: core.ActorAccount, UserID: u.ID, From: from}
	return app.Audited(s.ids.NewID(), f, a, action, target, changes, s.clock.Now())
}

func userTarget(u *core.User) app.Target { return app.Target{Kind: "user", ID: u.ID.String()} }

func sessionTarget(id core.SessionID) app.Target {
	return app.Target{Kind: "session", ID: id.String()}
}
