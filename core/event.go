package core

import (
	"strings"
	"time"
)

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

// ErrTooManyStreams reports that events are followed too often at once: by
// somebody, or by all of an org.
var ErrTooManyStreams = (&Error{
	Kind: KindRateLimited, Code: "too_many_streams", Message: "you, or all of the organisation, follow events too often at once; end another stream first",
}).With("retry_after", int64(15))

// ErrEventExpired reports a place in a stream of events that is no longer kept.
// It is the same as ErrCursorExpired, said of events.
var ErrEventExpired = ErrCursorExpired.Say("the event is not known, or no longer kept; follow without Last-Event-ID, and load anew what you keep a copy of")

// HearsAll reports whether somebody with this standing in an org hears of
// everything there. Others hear of what is in drives that they may read.
func HearsAll(f OrgFacts) bool { return f.Role.May(ManageWebhooks) }

// InDrive returns the drive that decides who hears of an event, if one does.
func (e *Event) InDrive() (DriveID, bool) {
	noun, _, _ := strings.Cut(e.Type, ".")
	text, ok := e.Data["drive_id"].(string)
	if !ok || noun != "node" && noun != "asset" && noun != "drive" {
		return DriveID{}, false
	}
	id, err := ParseID[Drive](text)
	return id, err == nil
}
