package ports

import "time"

// Clock tells the time: UTC, truncated to the microsecond, so that a timestamp
// survives every store unchanged.
type Clock interface{ Now() time.Time }

// IDs mints UUIDv7s, strictly increasing within a process. The caller converts
// one to the type it needs: core.AssetID(ids.NewID()).
type IDs interface{ NewID() [16]byte }

// Text knows the parts of Unicode the standard library does not: core passes
// every name through it once, before any rule looks at the name.
type Text interface {
	// NFC returns s in Unicode normal form C.
	NFC(s string) string
}

// Zones knows the time zones of the IANA database.
type Zones interface {
	// Known reports whether there is a time zone of that name.
	Known(name string) bool

	// Location returns the time zone of that name, UTC for the empty one, or an
	// error if it is not known.
	Location(name string) (*time.Location, error)
}

// Schedules knows cron expressions.
type Schedules interface {
	// Next returns the first time after one that an expression of five fields
	// names (minute, hour, day of the month, month, day of the week), in UTC. It
	// returns the zero time if none comes within years, and an error if it is no
	// such expression.
	Next(expr string, after time.Time) (time.Time, error)
}
