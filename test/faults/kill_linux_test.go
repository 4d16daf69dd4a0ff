package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// someWork waits until a few answers have come, however fast the machine is, and a moment more.
func (w *world) someWork(most int) {
	enough := w.written.Load() + rand.Int64N(int64(most))
	for end := time.Now().Add(5 * time.Second); w.written.Load() < enough && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
}

func TestAServerThatIsKilledAtRandomLosesNothing(t *testing.T) {
	t.Parallel()
	rounds := 3
	if *long > 0 {
		rounds = *long
	}
	for _, wi := range both {
		t.Run(wi.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, plain, t.TempDir(), wi.setup(t))
			s.start()
			w := newWorld(t, s)
			for i := range rounds {
				w.during(func() {
					w.someWork(150)
					s.kill()
				})
				s.start()
				w.check(fmt.Sprintf("after kill %d", i+1), i == rounds-1)
			}
			s.stop()
			t.Logf("%d kills, %d acknowledged writes, %d without an answer", rounds, w.written.Load(), w.lost.Load())
		})
	}
}

func TestAServerThatDiesAtANamedPointLosesNothing(t *testing.T) {
	t.Parallel()
	times := max(1, *long/len(faultpoint.All()))
	few := map[string][]string{
		sqliteDisk.name: {faultpoint.AfterCommit, faultpoint.BlobNamed, faultpoint.BlobDurable, faultpoint.AfterVisit},
		postgresS3.name: {faultpoint.BeforeCommit, faultpoint.AfterCommit, faultpoint.JobEnqueued},
	}
	for _, wi := range both {
		t.Run(wi.name, func(t *testing.T) {
			t.Parallel()
			points := few[wi.name]
			if *long > 0 {
				points = faultpoint.All()
			}
			s := newServer(t, pointed, t.TempDir(), wi.setup(t))
			s.start()
			w := newWorld(t, s)
			s.kill()
			died := map[string]int{}
			for range times {
				for _, point := range points {
					n := 1 + rand.IntN(40)
					if w.parts = point == faultpoint.PartNamed || point == faultpoint.BlobJoined; w.parts {
						n = 1 + rand.IntN(3)
					}
					s.start(fmt.Sprintf("FAULT_POINT=%s:%d", point, n))
					w.during(func() {
						select {
						case <-s.exited:
							died[point]++
						case <-time.After(5 * time.Second): // the wiring may not have it
						}
						s.kill()
					})
					s.start()
					w.check("after "+point, false)
					s.kill()
				}
			}
			s.start()
			w.check("at the end", true)
			s.stop()
			t.Logf("%d acknowledged writes, %d without an answer; deaths: %v", w.written.Load(), w.lost.Load(), died)
		})
	}
}
