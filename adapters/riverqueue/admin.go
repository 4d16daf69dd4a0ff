package riverqueue

import (
	"context"
	"errors"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// countSQL counts jobs by what they wait for; %s is the time in the database's
// words. A job whose next attempt is near is "available" to River already. Jobs
// that succeeded, by far the most, are kept out by the index on state.
const countSQL = `select
	count(*) filter (where state = 'available' and scheduled_at <= %[1]s),
	count(*) filter (where state = 'running'),
	count(*) filter (where state = 'retryable' or state = 'available' and scheduled_at > %[1]s),
	count(*) filter (where state in ('discarded', 'cancelled'))
from river_job where state in ('available', 'running', 'retryable', 'discarded', 'cancelled')`

// reclaimSQL makes jobs that run wait again or, if they have used up their attempts,
// dead; %s is as above.
const reclaimSQL = `update river_job set state = 'available', scheduled_at = %[1]s where state = 'running' and attempt < max_attempts;
update river_job set state = 'discarded', finalized_at = %[1]s where state = 'running'`

// dead are the states of a job that failed for good: by its last attempt, or by Cancel.
var dead = []rivertype.JobState{rivertype.JobStateDiscarded, rivertype.JobStateCancelled}

// maxDead is the most dead jobs one call lists.
const maxDead = 1000

// Stats implements ports.Queue.
func (q *Queue) Stats(ctx context.Context) (ports.QueueStats, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	s, err := q.backend.count(ctx)
	if err != nil {
		return ports.QueueStats{}, fmt.Errorf("count jobs: %w", err)
	}
	return s, nil
}

// Dead implements ports.Queue. It lists at least one and at most 1000 jobs.
func (q *Queue) Dead(ctx context.Context, before int64, limit int) ([]ports.DeadJob, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	params := river.NewJobListParams().States(dead...).
		OrderBy(river.JobListOrderByID, river.SortOrderDesc).
		First(min(max(limit, 1), maxDead))
	if before > 0 {
		params = params.Where("id < @before", river.NamedArgs{"before": before})
	}
	list, err := q.backend.JobList(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("list dead jobs: %w", err)
	}
	out := make([]ports.DeadJob, len(list.Jobs))
	for i, row := range list.Jobs {
		out[i] = deadJob(row)
	}
	return out, nil
}

func deadJob(row *rivertype.JobRow) ports.DeadJob {
	d := ports.DeadJob{ID: row.ID, Kind: row.Kind, Payload: row.EncodedArgs, Attempts: row.Attempt}
	if row.FinalizedAt != nil {
		d.DiedAt = row.FinalizedAt.UTC()
	}
	if n := len(row.Errors); n > 0 {
		d.Error = row.Errors[n-1].Error
	}
	return d
}

// Retry implements ports.Queue. The job gets one attempt if it had used all of
// its own. It returns core.ErrConflict if the job must be unique and another one
// like it waits or runs.
func (q *Queue) Retry(ctx context.Context, id int64) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	err := q.backend.retry(ctx, id)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rivertype.ErrNotFound):
		return core.ErrNotFound
	case violatesUnique(err):
		return fmt.Errorf("retry job %d: another one like it is alive: %w", id, core.ErrConflict)
	}
	return fmt.Errorf("retry job %d: %w", id, err)
}
