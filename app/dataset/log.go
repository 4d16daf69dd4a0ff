package dataset

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// note writes an access down in the log of a dataset: before it happens if what
// is looked at leaves the server with it, else soon.
func (s *Service) note(ctx context.Context, f core.DatasetFacts, a core.Actor, access core.DatasetAccess) error {
	access.ID, access.OrgID, access.DatasetID, access.AccountID = core.DatasetAccessID(s.IDs.NewID()), f.OrgID, f.Dataset.ID, f.AccountID
	access.Address, access.UserAgent, access.At = s.opts.LogAddresses.Of(a.From.Address), a.From.UserAgent, s.Clock.Now()
	if access.Kind.Leaves() {
		return s.Log.Keep(ctx, &access)
	}
	return s.Log.Note(ctx, &access)
}

// AccessQuery is a page of a dataset's access log. The zero value of a filter means
// any.
type AccessQuery struct {
	DatasetID core.DatasetID
	AccountID core.AccountID
	Kind      core.DatasetAccessKind
	From, To  time.Time
	Before    core.DatasetAccessID
	Limit     int
}

// Accesses returns rows of a dataset's access log, newest first, to those who
// manage it.
func (s *Service) Accesses(ctx context.Context, a core.Actor, q AccessQuery) ([]*core.DatasetAccess, error) {
	f, err := s.may(ctx, a, q.DatasetID, core.DatasetManage)
	if err != nil {
		return nil, err
	}
	return s.Log.Accesses(ctx, ports.DatasetAccessQuery{
		OrgID: f.OrgID, Dataset: q.DatasetID, Account: q.AccountID, Kind: q.Kind, From: q.From, To: q.To, Before: q.Before, Limit: q.Limit,
	})
}

// PruneLog is the job that forgets old accesses.
type PruneLog struct{}

// Kind implements ports.Job.
func (PruneLog) Kind() string { return "dataset.prune_log" }

// PruneLog removes accesses that are older than they are kept.
func (s *Service) PruneLog(ctx context.Context, _ PruneLog) error {
	const batch = 5_000
	for {
		n, err := s.Log.Prune(ctx, s.Clock.Now().Add(-s.opts.LogRetention), batch)
		if err != nil || n < batch {
			return err
		}
	}
}
