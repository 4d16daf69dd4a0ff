package core

import (
	"math"
	"time"
)

// Rate allows Burst requests at once and Burst requests per Period in the long
// run (the generic cell rate algorithm, ITU-T I.371).
type Rate struct {
	Name   string
	Burst  int
	Period time.Duration
}

// Allowance is the state of a rate after a request.
type Allowance struct {
	OK         bool
	Limit      int
	Remaining  int
	RetryAfter time.Duration // until the next request is allowed; 0 if OK
	Reset      time.Duration // until Limit is whole again
}

// Interval is the time one request takes back of the burst.
func (r Rate) Interval() time.Duration { return r.Period / time.Duration(r.Burst) }

// Take decides one request at now. full is when the bucket would be full again
// (the theoretical arrival time), zero for a new one; the returned time is the
// one to keep. A refused request leaves it unchanged.
func (r Rate) Take(full, now time.Time) (time.Time, Allowance) {
	// A bucket never takes longer than the period to fill: a time beyond that
	// comes from a clock that was wrong.
	if full.Before(now) || full.After(now.Add(r.Period)) {
		full = now
	}
	next := full.Add(r.Interval())
	a := Allowance{Limit: r.Burst}
	if wait := next.Sub(now) - r.Period; wait > 0 {
		a.RetryAfter, a.Reset = wait, full.Sub(now)
		return full, a
	}
	a.OK, a.Reset = true, next.Sub(now)
	a.Remaining = int((r.Period - a.Reset) / r.Interval())
	return next, a
}

// RateLimited returns the refusal of a request that came too early.
func RateLimited(a Allowance) error {
	e := &Error{Kind: KindRateLimited, Code: "rate_limited", Message: "too many requests; wait before you try again"}
	return e.With("retry_after", int64(math.Ceil(a.RetryAfter.Seconds())))
}
