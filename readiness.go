package coffer

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/httpapi"
	"github.com/seed-755a8038/coffer/ports"
)

// readiness asks everything the server depends on.
type readiness struct {
	asks map[string]func(context.Context) error
	log  *slog.Logger

	mu   sync.Mutex
	down []string // what was, when it was last asked
}

func newReadiness(store *bunstore.Store, blobs blobStore, queue ports.Queue, going *leaving, log *slog.Logger) *readiness {
	return &readiness{log: log, asks: map[string]func(context.Context) error{
		"server": going.check, "database": store.Ping, "blob_store": blobs.Ping,
		"queue": func(ctx context.Context) error {
			_, err := queue.Stats(ctx)
			return err
		},
	}}
}

// check asks all, and to the end even if who wanted to know has gone: a probe
// that waits for less than a database that hangs must not hide why.
func (r *readiness) check(ctx context.Context) map[string]error {
	const patience = 3 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	out := make(map[string]error, len(r.asks))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for name, ask := range r.asks { // at once: one that hangs must not make the others look down
		wg.Go(func() {
			err := ask(ctx)
			mu.Lock()
			defer mu.Unlock()
			out[name] = err
		})
	}
	wg.Wait()
	r.tell(ctx, out)
	return out
}

// tell logs what has changed since it was last asked: whoever balances asks each
// few seconds, and an outage must not fill the log.
func (r *readiness) tell(ctx context.Context, found map[string]error) {
	var down, reasons []string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		// that the server is going is in the log already
		if err := found[name]; err != nil && !errors.Is(err, errLeaving) {
			down, reasons = append(down, name), append(reasons, name+": "+err.Error())
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Equal(down, r.down) {
		return
	}
	r.down = down
	if down == nil {
		r.log.InfoContext(ctx, "the server can work again")
		return
	}
	r.log.WarnContext(ctx, "the server cannot work: what it depends on is down", "error", strings.Join(reasons, "; "))
}

func (r *readiness) components(ctx context.Context) []httpapi.Component {
	var out []httpapi.Component
	for name, err := range r.check(ctx) {
		out = append(out, httpapi.Component{Name: name, OK: err == nil})
	}
	return out
}
