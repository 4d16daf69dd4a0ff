package coffer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/derive"
	"github.com/seed-755a8038/coffer/adapters/riverqueue"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/analytics"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/app/report"
	"github.com/seed-755a8038/coffer/app/share"
	appstore "github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/app/webhook"
	"github.com/seed-755a8038/coffer/core"
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

// again makes a periodic job's failure a line in the log: the next one makes
// up for it, and a dead job each minute of an outage would help nobody.
func again[J ports.Job](log *slog.Logger, handle func(context.Context, J) error) func(context.Context, J) error {
	return func(ctx context.Context, job J) error {
		if err := handle(ctx, job); err != nil {
			log.ErrorContext(ctx, "periodic job failed", "kind", job.Kind(), "error", err)
		}
		return nil
	}
}

// spare is how often a periodic job is begun at most. Its failures are no reason to
// begin again (see above), so all but the first are for servers that die: else its
// next tick, perhaps in an hour, would be the next time that anything is done.
const spare = 3

// works is what runs in the background.
type works struct {
	Hooks    *webhook.Service
	Post     app.Post
	Assets   *asset.Service
	Drives   *drive.Service
	People   *identity.Service
	Orgs     *org.Service
	Shares   *share.Service
	Store    *appstore.Service
	Groups   *group.Service
	Datasets *dataset.Service
	Traffic  *analytics.Service
	Reports  *report.Service
	Limiter  *bunstore.Limiter
	Blobs    blobStore
	Deriver  *derive.Deriver
}

// registerJobs says what runs in the background, and what of it by the clock.
func registerJobs(r *riverqueue.Registry, w works, cfg Config, clock ports.Clock, log *slog.Logger) jobs {
	// A job of a process that died runs again after its timeout, and what is
	// periodic waits for it: so nothing periodic has a long one.
	const long = 10 * time.Minute
	riverqueue.Handle(r, w.Assets.RemoveBlobs, riverqueue.HandleOptions{Timeout: 10 * time.Minute})
	riverqueue.Handle(r, func(ctx context.Context, job app.SendMail) error {
		err := w.Post.Send(ctx, job)
		if errors.Is(err, core.ErrMailRefused) {
			return riverqueue.Cancel(err) // for ever
		}
		return err
	}, riverqueue.HandleOptions{})
	riverqueue.Handle(r, w.People.MailReset, riverqueue.HandleOptions{})
	riverqueue.Handle(r, w.Assets.HashVersion, riverqueue.HandleOptions{Timeout: time.Hour})
	riverqueue.Handle(r, again(log, w.Assets.Reconcile), riverqueue.HandleOptions{Timeout: 5 * time.Minute, MaxAttempts: spare})
	riverqueue.Handle(r, w.Assets.LandCopies, riverqueue.HandleOptions{Timeout: time.Hour})
	riverqueue.Handle(r, w.Drives.Reap, riverqueue.HandleOptions{Timeout: long})
	riverqueue.Handle(r, w.Drives.EmptyDrive, riverqueue.HandleOptions{Timeout: long})
	riverqueue.Handle(r, again(log, w.Drives.Housekeep), riverqueue.HandleOptions{Timeout: long, MaxAttempts: spare})
	riverqueue.Handle(r, w.Shares.Notify, riverqueue.HandleOptions{})
	riverqueue.Handle(r, again(log, w.Shares.Housekeep), riverqueue.HandleOptions{Timeout: long, MaxAttempts: spare})
	registerDerived(r, w.Assets, cfg, log)
	registerStore(r, w.Store, log)
	registerWebhooks(r, w.Hooks, log)
	registerAnalytics(r, w.Traffic, log)
	registerReports(r, w.Reports, log)
	registerDatasets(r, w.Datasets, log)
	riverqueue.Handle(r, again(log, w.Groups.Purge), riverqueue.HandleOptions{Timeout: long, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, w.Assets.Sweep), riverqueue.HandleOptions{Timeout: time.Hour, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, w.Orgs.Purge), riverqueue.HandleOptions{Timeout: 5 * time.Minute, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, w.Drives.RemoveDeleted), riverqueue.HandleOptions{Timeout: long, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, w.People.Prune), riverqueue.HandleOptions{Timeout: long, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, func(ctx context.Context, _ pruneLimits) error {
		const batch = 1_000
		for {
			n, err := w.Limiter.Prune(ctx, clock.Now(), batch)
			if err != nil || n < batch {
				return err
			}
		}
	}), riverqueue.HandleOptions{MaxAttempts: spare})
	riverqueue.Handle(r, again(log, func(ctx context.Context, _ sweepDisk) error {
		return errors.Join(w.Blobs.sweep(ctx), w.Deriver.Sweep(now().Add(-temporaryAge))) // files carry the real time
	}), riverqueue.HandleOptions{MaxAttempts: spare})

	// An interval begins anew with each process, so what is rare also runs at
	// the start.
	r.Every(time.Minute, true, func() ports.Job { return asset.Reconcile{} })
	r.Every(time.Hour, true, func() ports.Job { return drive.Housekeep{} })
	r.Every(10*time.Minute, true, func() ports.Job { return share.Housekeep{} })
	r.Every(time.Minute, true, func() ports.Job { return appstore.Renew{} })
	r.Every(10*time.Minute, true, func() ports.Job { return appstore.Settle{} })
	r.Every(time.Hour, true, func() ports.Job { return appstore.Prune{} })
	r.Every(time.Hour, true, func() ports.Job { return group.Purge{} })
	r.Every(5*time.Minute, true, func() ports.Job { return org.Purge{} })
	r.Every(time.Minute, true, func() ports.Job { return drive.RemoveDeleted{} })
	r.Every(24*time.Hour, true, func() ports.Job { return asset.Sweep{} })
	r.Every(time.Hour, true, func() ports.Job { return identity.Prune{} })
	r.Every(time.Hour, true, func() ports.Job { return pruneLimits{} })
	r.Every(24*time.Hour, true, func() ports.Job { return sweepDisk{} })
	return jobs{r}
}

// laneDerive is where jobs wait that take long and that nobody waits for.
const laneDerive = "derive"

// registerDerived is the part of it that derives something of files.
func registerDerived(r *riverqueue.Registry, assets *asset.Service, cfg Config, log *slog.Logger) {
	const steps = 4 // processes that one file needs, one after the other
	riverqueue.Handle(r, assets.Derive, riverqueue.HandleOptions{Timeout: steps*cfg.Derived.Timeout + time.Minute, Lane: laneDerive})
	riverqueue.Handle(r, assets.DerivePage, riverqueue.HandleOptions{Timeout: 5 * time.Minute, Lane: laneDerive})
	riverqueue.Handle(r, again(log, assets.DeriveMissing), riverqueue.HandleOptions{MaxAttempts: spare})
	r.Every(24*time.Hour, true, func() ports.Job { return asset.DeriveMissing{} })
}

// registerWebhooks is the part of it that is about webhooks.
func registerWebhooks(r *riverqueue.Registry, hooks *webhook.Service, log *slog.Logger) {
	riverqueue.Handle(r, again(log, hooks.Prune), riverqueue.HandleOptions{Timeout: 10 * time.Minute, MaxAttempts: spare})
	r.Every(time.Hour, true, func() ports.Job { return webhook.Prune{} })
}

// registerAnalytics is the part of it that counts visits.
func registerAnalytics(r *riverqueue.Registry, traffic *analytics.Service, log *slog.Logger) {
	riverqueue.Handle(r, again(log, traffic.RollUp), riverqueue.HandleOptions{Timeout: 5 * time.Minute, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, traffic.Prune), riverqueue.HandleOptions{Timeout: 10 * time.Minute, MaxAttempts: spare})
	r.Every(time.Minute, true, func() ports.Job { return analytics.RollUp{} })
	r.Every(time.Hour, true, func() ports.Job { return analytics.Prune{} })
}

// registerReports is the part of it that mails reports. A run says itself when it
// is tried again, so its jobs need not.
func registerReports(r *riverqueue.Registry, reports *report.Service, log *slog.Logger) {
	riverqueue.Handle(r, again(log, reports.Plan), riverqueue.HandleOptions{MaxAttempts: spare})
	riverqueue.Handle(r, again(log, reports.Send), riverqueue.HandleOptions{Timeout: core.ReportRunTime, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, reports.Prune), riverqueue.HandleOptions{Timeout: 10 * time.Minute, MaxAttempts: spare})
	r.Every(30*time.Second, true, func() ports.Job { return report.Plan{} })
	r.Every(time.Hour, true, func() ports.Job { return report.Prune{} })
}

// registerDatasets is the part of it that ends sessions, and removes what nobody
// sees and old logs.
func registerDatasets(r *riverqueue.Registry, datasets *dataset.Service, log *slog.Logger) {
	// What is not done in that time, the next one goes on with.
	const while = 2 * time.Minute
	riverqueue.Handle(r, again(log, datasets.Tidy), riverqueue.HandleOptions{Timeout: while, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, datasets.Purge), riverqueue.HandleOptions{Timeout: while, MaxAttempts: spare})
	r.Every(time.Minute, true, func() ports.Job { return dataset.Tidy{} })
	r.Every(time.Minute, true, func() ports.Job { return dataset.Purge{} })
	riverqueue.Handle(r, again(log, datasets.PruneLog), riverqueue.HandleOptions{Timeout: 10 * time.Minute, MaxAttempts: spare})
	r.Every(time.Hour, true, func() ports.Job { return dataset.PruneLog{} })
}

// registerStore registers the jobs of sales.
func registerStore(r *riverqueue.Registry, s *appstore.Service, log *slog.Logger) {
	const long = 10 * time.Minute
	// What is about people's money is tried for weeks.
	const patient = 25
	riverqueue.Handle(r, s.Spread, riverqueue.HandleOptions{})
	riverqueue.Handle(r, s.Identify, riverqueue.HandleOptions{})
	riverqueue.Handle(r, s.EndAtProvider, riverqueue.HandleOptions{MaxAttempts: patient})
	riverqueue.Handle(r, s.GiveBack, riverqueue.HandleOptions{MaxAttempts: patient})
	riverqueue.Handle(r, s.EndSubscriptions, riverqueue.HandleOptions{Timeout: long})
	riverqueue.Handle(r, again(log, s.Renew), riverqueue.HandleOptions{Timeout: long, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, s.Settle), riverqueue.HandleOptions{Timeout: long, MaxAttempts: spare})
	riverqueue.Handle(r, again(log, s.Prune), riverqueue.HandleOptions{Timeout: long, MaxAttempts: spare})
}
