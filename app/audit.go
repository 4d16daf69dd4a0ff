package app

import (
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Target is what an action was done to.
type Target struct {
	Kind string // account, org, asset …
	ID   string
}

// Audited returns the line that the audit log of the actor's org has of an
// action.
func Audited(
	id [16]byte, f core.OrgFacts, a core.Actor, action string, target Target, changes map[string]core.Change, now time.Time,
) *core.AuditEntry {
	return &core.AuditEntry{
		ID: core.AuditID(id), OrgID: f.OrgID, ActorKind: a.Kind, ActorID: f.AccountID, ActorEmail: f.Email, Action: action,
		TargetKind: target.Kind, TargetID: target.ID, Address: a.From.Address, Changes: changes, At: now,
	}
}
