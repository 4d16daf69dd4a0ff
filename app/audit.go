package app

import (
	"maps"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Target is what an action was done to.
type Target struct {
	Kind string // account, org, asset …
	ID   string
}

// Audited returns the line that the audit log of the actor's org has of an
// action. Of a script, the actor is the account that made its API key, and
// which key it was is one more of the changes; likewise of a visitor with a
// share link.
func Audited(
	id [16]byte, f core.OrgFacts, a core.Actor, action string, target Target, changes map[string]core.Change, now time.Time,
) *core.AuditEntry {
	switch {
	case f.ByKey():
		with := map[string]core.Change{"api_key": {To: map[string]any{"id": f.APIKey.ID.String(), "prefix": a.Key.Prefix}}}
		maps.Copy(with, changes)
		changes = with
	case a.ByLink():
		with := map[string]core.Change{"share_link": {To: map[string]any{"id": a.Link.ID.String()}}}
		maps.Copy(with, changes)
		changes = with
	}
	return &core.AuditEntry{
		ID: core.AuditID(id), OrgID: f.OrgID, ActorKind: a.Kind, ActorID: f.AccountID, ActorEmail: f.Email, Action: action,
		TargetKind: target.Kind, TargetID: target.ID, Address: a.From.Address, Changes: changes, At: now,
	}
}
