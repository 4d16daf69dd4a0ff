package core

import "time"

// AuditID identifies an entry of the audit log; ids sort in order of time.
type AuditID = ID[AuditEntry]

// AuditEntry is one line of an org's audit log: who did what to what, from
// where, and what changed. It is never changed.
type AuditEntry struct {
	ID         AuditID
	OrgID      OrgID
	ActorKind  ActorKind
	ActorID    AccountID // zero for the system and for a platform admin, who has no account in the org
	ActorEmail string    // as it was then; empty for the system
	Action     string    // noun.verb, such as member.invited
	TargetKind string    // account, org, asset, session, user
	TargetID   string
	Address    string // of the client
	Changes    map[string]Change
	At         time.Time
}

// Change is a field before and after. JSON values; nil for what is absent.
type Change struct {
	From any `json:"from"`
	To   any `json:"to"`
}
