package faults

import (
	"context"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

// The store signs and checks by the clock of the server here: with S3, whose clock
// is the real one, nothing could be sent by then.
var postgresDisk = wiring{"PostgreSQL and disk", func(t testing.TB) settings {
	t.Helper()
	return settings{"COFFER_DATABASE_URL": env.Postgres(t)}
}}

func TestAServerOutlivesItsClock(t *testing.T) {
	t.Parallel()
	offsets, wirings := []time.Duration{20 * time.Minute, -10 * time.Minute, 2 * time.Hour}, []wiring{sqliteDisk}
	if *long > 0 {
		offsets = []time.Duration{
			time.Minute, -time.Minute, 20 * time.Minute, -10 * time.Minute, 2 * time.Hour, -2 * time.Hour, 26 * time.Hour, 8 * 24 * time.Hour,
			-24 * time.Hour, 40 * 24 * time.Hour, 400 * 24 * time.Hour, 0,
		}
		wirings = append(wirings, postgresDisk)
	}
	for _, wi := range wirings {
		t.Run(wi.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, plain, t.TempDir(), wi.setup(t))
			s.start()
			w := newWorld(t, s)
			for _, offset := range offsets {
				w.during(func() {
					w.someWork(60)
					s.stop()
				})
				s.start()
				w.check("before the clock is turned", false)
				// What the clock makes due is done when a server starts. On PostgreSQL, where
				// another one could be at it, a job that was killed is left alone for ten
				// minutes: there the server is not killed.
				if wi.name == sqliteDisk.name {
					s.kill()
				} else {
					s.stop()
				}
				s.env["COFFER_CLOCK_OFFSET"] = offset.String()
				s.start()
				w.gone = offset > 24*time.Hour
				for _, p := range w.people {
					if a := p.logIn(context.Background()); !a.done() {
						w.wrong("%s cannot sign in: %v", p.email, a)
					}
				}
				// The jobs of the start come once the lead that a killed server had in the
				// queue is over, after 15 seconds, and another one has asked for it, 6 later.
				s.fsck(time.Minute)
				w.check("at "+offset.String(), true)
			}
			w.calm("the clock was turned")
			s.stop()
			t.Logf("%d turns, %d acknowledged writes, %d without an answer", len(offsets), w.written.Load(), w.lost.Load())
		})
	}
}
