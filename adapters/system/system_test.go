package system_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/ports"
)

var (
	_ ports.Clock = system.Clock{}
	_ ports.IDs   = (*system.IDs)(nil)
	_ ports.Text  = system.Text{}
	_ ports.Zones = system.Zones{}
)

func TestZones(t *testing.T) {
	for name, known := range map[string]bool{
		"UTC": true, "Europe/Berlin": true, "America/Argentina/ComodRivadavia": true, "Mars/Olympus": false, "../../etc/passwd": false,
		"/etc/localtime": false, "Europe/Berlin\x00": false,
	} {
		if got := (system.Zones{}).Known(name); got != known {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestClockTellsUTCInMicroseconds(t *testing.T) {
	now := system.Clock{}.Now()
	if now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
		t.Errorf("Now() = %v, want UTC and whole microseconds", now)
	}
	if d := time.Since(now); d < 0 || d > time.Minute {
		t.Errorf("Now() is %v away from the wall clock", d)
	}
}

func TestClockIsShiftedByItsOffset(t *testing.T) {
	for _, offset := range []time.Duration{48 * time.Hour, -48 * time.Hour} {
		ahead := system.Clock{Offset: offset}.Now().Sub(system.Clock{}.Now())
		if d := ahead - offset; d.Abs() > time.Minute {
			t.Errorf("offset %v shifts the clock by %v", offset, ahead)
		}
	}
}

func TestIDsAreUUIDv7OfTheClocksTime(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 123_456_000, time.UTC)
	id := uuid.UUID(system.NewIDs(&fakeClock{now: at}).NewID())
	if id.Version() != 7 || id.Variant() != uuid.RFC4122 {
		t.Fatalf("%s has version %d, variant %v", id, id.Version(), id.Variant())
	}
	sec, nsec := id.Time().UnixTime()
	if got := time.Unix(sec, nsec).UTC(); !got.Equal(at.Truncate(time.Millisecond)) {
		t.Errorf("the id says %v, want %v", got, at)
	}
}

func TestIDsIncreaseWhenTheClockStandsStillOrGoesBack(t *testing.T) {
	clock := &fakeClock{now: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}
	ids := system.NewIDs(clock)
	last := ids.NewID()
	for i := range 10_000 {
		if i == 5_000 {
			clock.now = clock.now.Add(-time.Hour)
		}
		next := ids.NewID()
		if bytes.Compare(next[:], last[:]) <= 0 {
			t.Fatalf("id %d: %x does not follow %x", i, next, last)
		}
		if next[6]>>4 != 7 || next[8]>>6 != 2 {
			t.Fatalf("id %d: %x lost its version or variant", i, next)
		}
		last = next
	}
}

func TestIDsIncreaseUnderEightGoroutines(t *testing.T) {
	const goroutines, each = 8, 20_000
	ids := system.NewIDs(system.Clock{})
	minted := make([][][16]byte, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for range each {
				minted[g] = append(minted[g], ids.NewID())
			}
		})
	}
	wg.Wait()
	compare := func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }
	for g, own := range minted {
		if !slices.IsSortedFunc(own, compare) {
			t.Errorf("goroutine %d saw ids out of order", g)
		}
	}
	all := slices.Concat(minted...)
	slices.SortFunc(all, compare)
	if n := len(slices.Compact(all)); n != goroutines*each {
		t.Errorf("%d different ids of %d", n, goroutines*each)
	}
}

func TestNFCComposes(t *testing.T) {
	for in, want := range map[string]string{"e\u0301": "\u00e9", "\u00e9": "\u00e9", "\u212b": "\u00c5", "\ufb01": "\ufb01", "": ""} {
		if got := (system.Text{}).NFC(in); got != want {
			t.Errorf("NFC(%+q) = %+q, want %+q", in, got, want)
		}
	}
}

func BenchmarkNewID(b *testing.B) {
	ids := system.NewIDs(system.Clock{})
	b.ReportAllocs()
	for b.Loop() {
		_ = ids.NewID()
	}
}

type fakeClock struct{ now time.Time }

func (f *fakeClock) Now() time.Time { return f.now }
