package core

import "time"

// EventID identifies an event; ids sort in order of time.
type EventID = ID[Event]

// Event is something that has happened in an org, for those outside who want to
// know. It is stored in the transaction of the change that it tells of, and
// has no secrets.
type Event struct {
	ID    EventID
	OrgID OrgID
	Type  string         // noun.verb, such as transaction.completed
	Data  map[string]any // JSON values
	At    time.Time
}

// eventNouns are what events are about.
var eventNouns = []string{
	"account", "asset", "dataset", "drive", "entitlement", "group", "node", "org", "product", "share", "subscription", "transaction",
}

// NewEvent returns an event of the org.
func NewEvent(id [16]byte, org OrgID, kind string, data map[string]any, now time.Time) *Event {
	return &Event{ID: EventID(id), OrgID: org, Type: kind, Data: data, At: now}
}
