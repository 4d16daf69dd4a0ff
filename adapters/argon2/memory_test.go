package argon2_test

import (
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/argon2"
)

// parallel is how many logins arrive at once. Unbounded they would hold
// parallel × 19 MiB = 1.2 GiB.
const parallel = 64

// memoryLimit is what parallel logins may add to the heap: what the slots hold,
// twice more that the collector has not taken back yet, and some room.
func memoryLimit(p *argon2.Passwords) uint64 {
	return 3*uint64(p.Slots())*argon2.MemoryPerHash + 16<<20
}

func TestParallelVerifiesStayWithinTheirMemory(t *testing.T) {
	p := argon2.New()
	hash, err := p.Hash(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	if peak := peakHeap(func() { verifyParallel(t, p, hash) }); peak > memoryLimit(p) {
		t.Errorf("%d parallel verifies took %d MiB, limit %d MiB", parallel, peak>>20, memoryLimit(p)>>20)
	} else {
		t.Logf("%d parallel verifies took %d MiB, limit %d MiB", parallel, peak>>20, memoryLimit(p)>>20)
	}
}

func BenchmarkVerify(b *testing.B) {
	p := argon2.New()
	hash, _ := p.Hash(b.Context(), "password")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.Verify(b.Context(), hash, "password")
	}
}

func BenchmarkParallelVerifies(b *testing.B) {
	p := argon2.New()
	hash, _ := p.Hash(b.Context(), "password")
	var peak uint64
	for b.Loop() {
		peak = max(peak, peakHeap(func() { verifyParallel(b, p, hash) }))
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	if peak > memoryLimit(p) {
		b.Errorf("peak of %d MiB is over the limit of %d MiB", peak>>20, memoryLimit(p)>>20)
	}
}

func verifyParallel(t testing.TB, p *argon2.Passwords, hash string) {
	t.Helper()
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			if ok, err := p.Verify(t.Context(), hash, "password"); !ok || err != nil {
				t.Errorf("Verify = %v, %v", ok, err)
			}
		})
	}
	wg.Wait()
}

// peakHeap returns by how much the heap grew at most while run ran, in bytes,
// seen every millisecond: live objects and garbage not yet collected.
func peakHeap(run func()) uint64 {
	const name = "/memory/classes/heap/objects:bytes"
	read := func() uint64 {
		sample := []metrics.Sample{{Name: name}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before := read()
	done := make(chan struct{})
	var peak uint64
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				peak = max(peak, read())
			}
		}
	})
	run()
	close(done)
	watch.Wait()
	return peak - min(before, peak)
}
