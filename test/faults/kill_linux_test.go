package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
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
