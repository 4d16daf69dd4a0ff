package admin

import (
	"context"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// operator is who runs the server, as the audit logs of orgs know them: a
// platform admin by the e-mail address alone, so that those who are affected
// know whom to ask; the system without one.
type operator struct {
	kind    core.ActorKind
	email   string
	address string // of the client
}

// record writes into an org's audit log what an operator did to it, or to the
// user whose personal org it is.
func (s *Service) record(
	ctx context.Context, tx ports.Tx, by operator, org core.OrgID, action string, target app.Target, changes map[string]core.Change,
) error {
	f := core.OrgFacts{OrgID: org, Email: by.email}
	a := core.Actor{Kind: by.kind, From: core.Client{Address: by.address}}
	return tx.Audit.Add(ctx, app.Audited(s.ids.NewID(), f, a, action, target, changes, s.clock.Now()))
}
