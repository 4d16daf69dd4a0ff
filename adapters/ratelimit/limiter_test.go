package ratelimit_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/ratelimit"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var (
	_ ports.Limiter = (*ratelimit.Limiter)(nil)

	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	login = core.Rate{Name: "login", Burst: 5, Period: time.Minute}
)

func take(t testing.TB, l *ratelimit.Limiter, r core.Rate, key string, now time.Time) core.Allowance {
	t.Helper()
	a, err := l.Take(t.Context(), r, key, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestABurstIsAllowedThenOneRequestPerInterval(t *testing.T) {
	l := ratelimit.New(ratelimit.DefaultKeys)
	for i := range login.Burst {
		if a := take(t, l, login, "ana", start); !a.OK || a.Remaining != login.Burst-1-i || a.Limit != login.Burst {
			t.Fatalf("request %d: %+v", i, a)
		}
	}
	for range 3 { // a refused request costs nothing
		if a := take(t, l, login, "ana", start); a.OK || a.RetryAfter != 12*time.Second || a.Reset != time.Minute {
			t.Fatalf("over the burst: %+v", a)
		}
	}
	if a := take(t, l, login, "ana", start.Add(12*time.Second)); !a.OK || a.Remaining != 0 {
		t.Errorf("after one interval: %+v", a)
	}
	if a := take(t, l, login, "ana", start.Add(12*time.Second)); a.OK {
		t.Errorf("a second one after one interval: %+v", a)
	}
	if a := take(t, l, login, "ana", start.Add(time.Hour)); !a.OK || a.Remaining != login.Burst-1 {
		t.Errorf("after an hour: %+v", a)
	}
}

func TestKeysAndRatesAreCountedOnTheirOwn(t *testing.T) {
	l := ratelimit.New(ratelimit.DefaultKeys)
	reset := core.Rate{Name: "reset", Burst: 5, Period: time.Minute}
	for range login.Burst {
		take(t, l, login, "ana", start)
	}
	if a := take(t, l, login, "bo", start); a.Remaining != login.Burst-1 {
		t.Errorf("another key: %+v", a)
	}
	if a := take(t, l, reset, "ana", start); a.Remaining != login.Burst-1 {
		t.Errorf("another rate: %+v", a)
	}
}

func TestForgetMakesTheAllowanceWhole(t *testing.T) {
	l := ratelimit.New(ratelimit.DefaultKeys)
	for range login.Burst {
		take(t, l, login, "ana", start)
		take(t, l, login, "bo", start)
	}
	if err := l.Forget(t.Context(), login, "ana"); err != nil {
		t.Fatal(err)
	}
	if a := take(t, l, login, "ana", start); !a.OK || a.Remaining != login.Burst-1 {
		t.Errorf("forgotten key: %+v", a)
	}
	if a := take(t, l, login, "bo", start); a.OK {
		t.Errorf("another key was forgotten too: %+v", a)
	}
}

func TestARateThatAllowsNothingIsAnError(t *testing.T) {
	for _, r := range []core.Rate{{Name: "zero"}, {Name: "no period", Burst: 1}, {Name: "negative", Burst: -1, Period: time.Minute}, {Name: "too fine", Burst: 2, Period: 1}} {
		if _, err := ratelimit.New(1).Take(t.Context(), r, "k", start); err == nil {
			t.Errorf("%s: no error", r.Name)
		}
	}
}

func TestTheNumberOfKeysIsBounded(t *testing.T) {
	const keys = 6_400
	l := ratelimit.New(keys)
	for i := range 10 * keys {
		take(t, l, login, strconv.Itoa(i), start)
	}
	if n := l.Len(); n > keys || n < keys/2 {
		t.Errorf("%d keys are remembered, want at most %d", n, keys)
	}
}

func TestAFloodOfNewKeysDoesNotFreeTheOneThatWasRefused(t *testing.T) {
	const keys = 6_400
	l := ratelimit.New(keys)
	for range login.Burst {
		take(t, l, login, "attacker", start)
	}
	for i := range 20 * keys {
		take(t, l, login, fmt.Sprint("2001:db8::", i), start)
	}
	if a := take(t, l, login, "attacker", start); a.OK {
		t.Errorf("the flood freed the attacker: %+v", a)
	}
}

func TestWholeBucketsAreForgottenFirst(t *testing.T) {
	const keys = 640
	l := ratelimit.New(keys)
	for i := range 10 * keys {
		take(t, l, login, fmt.Sprint("old", i), start)
	}
	later := start.Add(time.Hour)
	for range login.Burst {
		take(t, l, login, "ana", later)
	}
	for i := range keys {
		take(t, l, login, fmt.Sprint("new", i), later)
	}
	if a := take(t, l, login, "ana", later); a.OK {
		t.Errorf("a bucket in use went before whole ones: %+v", a)
	}
}

func TestRacingRequestsTakeExactlyTheBurst(t *testing.T) {
	l := ratelimit.New(ratelimit.DefaultKeys)
	rate := core.Rate{Name: "race", Burst: 100, Period: time.Hour}
	for round := range 20 {
		var granted atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range rate.Burst / 4 {
					if a, err := l.Take(t.Context(), rate, strconv.Itoa(round), start); err != nil {
						t.Error(err)
					} else if a.OK {
						granted.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if n := granted.Load(); n != int64(rate.Burst) {
			t.Fatalf("%d of 400 racing requests were granted, want %d", n, rate.Burst)
		}
	}
}

func TestRacingFloodStaysBounded(t *testing.T) {
	const keys = 640
	l := ratelimit.New(keys)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 5_000 {
				if _, err := l.Take(t.Context(), login, fmt.Sprint(g, "/", i), start); err != nil {
					t.Error(err)
				}
				_ = l.Forget(t.Context(), login, fmt.Sprint(g, "/", i-5))
			}
		})
	}
	wg.Wait()
	if n := l.Len(); n > keys {
		t.Errorf("%d keys are remembered, want at most %d", n, keys)
	}
}

func BenchmarkTake(b *testing.B) {
	l := ratelimit.New(ratelimit.DefaultKeys)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			_, _ = l.Take(b.Context(), login, strconv.Itoa(i%10_000), start)
		}
	})
}
