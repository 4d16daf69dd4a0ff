// Package system reads the real clock, mints real identifiers, and knows Unicode
// and time zones.
package system

import (
	"time"
	_ "time/tzdata" // time zones, on machines that have none

	"golang.org/x/text/unicode/norm"
)

// Clock is the wall clock, shifted by Offset so that expiry can be seen from
// outside without waiting for it. The zero value tells the real time.
type Clock struct{ Offset time.Duration }

// Now implements ports.Clock.
func (c Clock) Now() time.Time {
	return time.Now().Add(c.Offset).UTC().Truncate(time.Microsecond)
}

// Text implements ports.Text with the Unicode tables of golang.org/x/text.
type Text struct{}

// NFC implements ports.Text.
func (Text) NFC(s string) string { return norm.NFC.String(s) }

// Zones implements ports.Zones with the machine's time zones, or, where it has
// none, with those built into the program.
type Zones struct{}

// Known implements ports.Zones.
func (Zones) Known(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil
}

// Location implements ports.Zones.
func (Zones) Location(name string) (*time.Location, error) { return time.LoadLocation(name) }
