package system

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"

	"github.com/seed-755a8038/coffer/ports"
)

// IDs mints UUIDv7s whose first 60 free bits are time: 48 bits of milliseconds
// and, in rand_a, the fraction of the millisecond (RFC 9562, section 6.2,
// method 3). It is safe for concurrent use.
type IDs struct {
	clock ports.Clock
	last  atomic.Uint64 // the time part of the newest id
}

// NewIDs returns a source of ids that reads the time from clock.
func NewIDs(clock ports.Clock) *IDs { return &IDs{clock: clock} }

// NewID implements ports.IDs. Ids increase strictly even when the clock stands
// still or is set back.
func (i *IDs) NewID() [16]byte {
	var id [16]byte
	_, _ = rand.Read(id[8:]) // never fails: crypto/rand ends the program instead
	t := i.tick()
	binary.BigEndian.PutUint64(id[:8], t>>12<<16|0x7000|t&0xfff)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// tick returns the time part of the next id, above every one before it.
func (i *IDs) tick() uint64 {
	const nanosPerMilli = 1_000_000
	ns := uint64(max(0, i.clock.Now().UnixNano()))
	t := ns/nanosPerMilli<<12 | ns%nanosPerMilli*4096/nanosPerMilli
	for {
		last := i.last.Load()
		next := max(t, last+1)
		if i.last.CompareAndSwap(last, next) {
			return next
		}
	}
}
