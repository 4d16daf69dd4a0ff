package core

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRateNeverAllowsMoreThanItsBurstInAPeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rate{Burst: rapid.IntRange(1, 20).Draw(t, "burst"), Period: time.Duration(rapid.IntRange(1, 100).Draw(t, "period")) * time.Second}
		start := time.Unix(1_000_000, 0)
		now, full := start, time.Time{}
		var granted []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "gap")) * time.Millisecond)
			next, a := r.Take(full, now)
			full = next
			if a.OK {
				granted = append(granted, now)
				continue
			}
			if _, again := r.Take(full, now.Add(a.RetryAfter)); !again.OK {
				t.Fatalf("told to wait %s, and refused again", a.RetryAfter)
			}
		}
		// A burst and what has come back since: at most two bursts touch one period.
		for i := range granted {
			n := 0
			for _, g := range granted[i:] {
				if g.Sub(granted[i]) < r.Interval() {
					n++
				}
			}
			if n > r.Burst+1 {
				t.Fatalf("%d granted within one interval, burst %d", n, r.Burst)
			}
		}
	})
}

func TestIDsGoBackAndForth(t *testing.T) {
	id, err := ParseID[User]("01932c07-5c4b-7d3e-8f6a-0123456789ab")
	if err != nil || id.String() != "01932c07-5c4b-7d3e-8f6a-0123456789ab" {
		t.Fatal(id, err)
	}
	for _, bad := range []string{"", "x", "01932c075c4b7d3e8f6a0123456789ab", "01932c07-5c4b-7d3e-8f6a-0123456789aX", "{1932c07-5c4b-7d3e-8f6a-0123456789ab}"} {
		if _, err := ParseID[User](bad); err == nil {
			t.Errorf("%q is an id", bad)
		}
	}
	var back UserID
	for _, v := range []any{id.String(), id[:], []byte(id.String()), [16]byte(id)} {
		if err := back.Scan(v); err != nil || back != id {
			t.Errorf("scan %T: %v, %v", v, back, err)
		}
	}
	if v, err := (UserID{}).Value(); v != nil || err != nil {
		t.Error(v, err)
	}
}
