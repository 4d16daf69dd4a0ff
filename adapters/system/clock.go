// Package system reads the real clock, mints real identifiers and knows Unicode.
package system

import (
	"time"

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
