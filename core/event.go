package core

import "time"

// EventID identifies an event; ids sort in order of time.
type EventID = ID[Event]

// Event is something that has happened in an org, for those outside who want to
// know. It is stored in the transaction of the change that it tells of.
type Event struct {
	ID    EventID
	OrgID OrgID
	Type  string         // noun.verb, such as transaction.completed
	Data  map[string]any // JSON values
	At    time.Time
}
