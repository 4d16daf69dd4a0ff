package coffer

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/riverqueue"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/ports"
)

// timeSpan keeps provider signatures readable.
type timeSpan = time.Duration

// pruneLimits is the job that forgets rate limits which limit nobody any more.
type pruneLimits struct{}

// Kind implements ports.Job.
func (pruneLimits) Kind() string { return "system.prune_limits" }

// sweepDisk is the job that removes temporary files a crash has left.
type sweepDisk struct{}

// Kind implements ports.Job.
func (sweepDisk) Kind() string { return "system.sweep_disk" }

const temporaryAge = 24 * time.Hour

// jobs is the registry once every kind of job has its handler.
type jobs struct{ *riverqueue.Registry }

// registerJobs says what runs in the background, and what of it by the clock.
func registerJobs(
	r *riverqueue.Registry, assets *asset.Service, people *identity.Service, limiter *bunstore.Limiter, blobs blobStore, clock ports.Clock,
) jobs {
	const long = time.Hour
	riverqueue.Handle(r, assets.RemoveBlobs, riverqueue.HandleOptions{Timeout: 10 * time.Minute})
	riverqueue.Handle(r, assets.HashVersion, riverqueue.HandleOptions{Timeout: long})
	riverqueue.Handle(r, assets.Reconcile, riverqueue.HandleOptions{Timeout: long, MaxAttempts: 1})
	riverqueue.Handle(r, assets.EmptyTrash, riverqueue.HandleOptions{Timeout: long, MaxAttempts: 1})
	riverqueue.Handle(r, assets.Sweep, riverqueue.HandleOptions{Timeout: 6 * time.Hour, MaxAttempts: 1})
	riverqueue.Handle(r, people.Prune, riverqueue.HandleOptions{Timeout: long, MaxAttempts: 1})
	riverqueue.Handle(r, func(ctx context.Context, _ pruneLimits) error {
		const batch = 1_000
		for {
			n, err := limiter.Prune(ctx, clock.Now(), batch)
			if err != nil || n < batch {
				return err
			}
		}
	}, riverqueue.HandleOptions{MaxAttempts: 1})
	riverqueue.Handle(r, func(ctx context.Context, _ sweepDisk) error { return blobs.sweep(ctx) }, riverqueue.HandleOptions{MaxAttempts: 1})

	// An interval begins anew with each process, so what is rare also runs at
	// the start.
	r.Every(time.Minute, true, func() ports.Job { return asset.Reconcile{} })
	r.Every(time.Hour, true, func() ports.Job { return asset.EmptyTrash{} })
	r.Every(24*time.Hour, true, func() ports.Job { return asset.Sweep{} })
	r.Every(time.Hour, true, func() ports.Job { return identity.Prune{} })
	r.Every(time.Hour, true, func() ports.Job { return pruneLimits{} })
	r.Every(24*time.Hour, true, func() ports.Job { return sweepDisk{} })
	return jobs{r}
}
