package ports

import (
	"context"
	"time"
)

// Job is the payload of a background job, stored as JSON. Kind is stable: it
// names the job in the database.
type Job interface{ Kind() string }

// Jobs enqueues work in the unit of work that causes it: the job exists if and
// only if the unit commits. Delivery is at least once, so a handler must be
// idempotent.
type Jobs interface {
	// Enqueue stores the jobs. It returns an error if a kind has no handler.
	Enqueue(ctx context.Context, jobs ...Job) error
}

// DeadJob is a job that failed for good.
type DeadJob struct {
	ID       int64
	Kind     string
	Payload  []byte // JSON
	Attempts int
	Error    string // of the last attempt
	DiedAt   time.Time
}

// QueueStats counts jobs by what they wait for.
type QueueStats struct {
	Ready   int64 // could run now
	Running int64
	Retry   int64 // failed, will run again
	Dead    int64 // failed for good
}

// Queue runs jobs in the background and answers for them.
type Queue interface {
	// Start begins to work until Stop.
	Start(ctx context.Context) error

	// Stop lets running jobs end until ctx does, then cancels them and waits.
	Stop(ctx context.Context) error

	// Stats counts the jobs.
	Stats(ctx context.Context) (QueueStats, error)

	// Dead lists jobs that failed for good, latest first, those with an id
	// below before (0: from the latest).
	Dead(ctx context.Context, before int64, limit int) ([]DeadJob, error)

	// Retry makes a dead job run again. It returns core.ErrNotFound if there
	// is no dead job with that id.
	Retry(ctx context.Context, id int64) error
}
