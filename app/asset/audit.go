package asset

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// author is who does something to an asset, as the audit log knows them.
type author struct {
	facts core.OrgFacts
	actor core.Actor
}

func authorOf(f core.DriveFacts, a core.Actor) author {
	return author{core.OrgFacts{Credential: f.Credential, OrgID: f.OrgID, AccountID: f.AccountID, Status: f.Status, Role: f.OrgRole, Email: f.Email}, a}
}

// itself is the author of what a job does.
func itself(org core.OrgID) author {
	return author{core.OrgFacts{OrgID: org}, core.Actor{Kind: core.ActorSystem}}
}

func (s *Service) record(
	ctx context.Context, tx ports.Tx, by author, action string, id core.AssetID, changes map[string]core.Change, now time.Time,
) error {
	return tx.Audit.Add(ctx, s.entry(by, action, id, changes, now))
}

func (s *Service) entry(by author, action string, id core.AssetID, changes map[string]core.Change, now time.Time) *core.AuditEntry {
	return app.Audited(s.ids.NewID(), by.facts, by.actor, action, app.Target{Kind: "asset", ID: id.String()}, changes, now)
}

// shown is metadata as the audit log has it.
func shown(m core.Metadata) map[string]any {
	return map[string]any{"tags": m.Tags, "custom_fields": m.CustomFields}
}
