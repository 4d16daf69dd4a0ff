package ports

import (
	"context"
	"io"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Reports stores reports. Another org's report is reported as core.ErrNotFound.
type Reports interface {
	// Add stores a new report, or returns an error with the code limit_exceeded
	// if the org has most already. Concurrent calls never go over the limit
	// together.
	Add(ctx context.Context, r *core.Report, most int64) error

	// Get returns the report, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.ReportID) (*core.Report, error)

	// Lock is Get, and nothing else changes the report or plans a run of it until
	// the unit of work ends. It is for Update only.
	Lock(ctx context.Context, org core.OrgID, id core.ReportID) (*core.Report, error)

	// Save stores a changed report whose Version is one above the stored one,
	// else returns core.ErrStale.
	Save(ctx context.Context, r *core.Report) error

	// Remove removes the report with its runs, or returns core.ErrNotFound.
	Remove(ctx context.Context, org core.OrgID, id core.ReportID) error

	// List returns reports of an org, newest first.
	List(ctx context.Context, q ReportQuery) ([]*core.Report, error)

	// Due returns reports of any live org that are to be sent at now or were
	// before, the one that has waited longest first.
	Due(ctx context.Context, now time.Time, limit int) ([]ReportRef, error)
}

// ReportQuery is a page of an org's reports.
type ReportQuery struct {
	OrgID  core.OrgID
	Before core.ReportID
	Limit  int
}

// ReportRef names a report of any org.
type ReportRef struct {
	OrgID core.OrgID
	ID    core.ReportID
}

// ReportRuns stores what has become of each time that a report was to be sent.
// Another org's, or another report's, is reported as core.ErrNotFound.
type ReportRuns interface {
	// Plan stores a new run of a report that is locked, and says when the report
	// is sent next, which is no change of it. It returns core.ErrConflict if there
	// is a run for that time, and core.ErrReportRunning if somebody asks for one
	// while another is pending.
	Plan(ctx context.Context, run *core.ReportRun, next time.Time) error

	// Get returns the run, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.ReportRunID) (*core.ReportRun, error)

	// Save stores what has become of a run, whose Version is above the stored
	// one, which was seen; else it returns core.ErrStale: another server goes on with it, or
	// it is gone.
	Save(ctx context.Context, run *core.ReportRun, seen int64) error

	// List returns runs of a report, newest first.
	List(ctx context.Context, q ReportRunQuery) ([]*core.ReportRun, error)

	// Waiting returns pending runs of any org that somebody may go on with at now,
	// the one that has waited longest first.
	Waiting(ctx context.Context, now time.Time, limit int) ([]ReportRunRef, error)

	// Prune removes at most limit runs made before t that are not pending, of any
	// org, and returns how many.
	Prune(ctx context.Context, t time.Time, limit int) (int, error)
}

// ReportRunQuery is a page of the runs of a report. Status empty means any.
type ReportRunQuery struct {
	OrgID    core.OrgID
	ReportID core.ReportID
	Status   core.RunStatus
	Before   core.ReportRunID
	Limit    int
}

// ReportRunRef names a run of any org.
type ReportRunRef struct {
	OrgID core.OrgID
	ID    core.ReportRunID
}

// ReportDocument is what a file of analytics shows.
type ReportDocument struct {
	Title     string // of the document
	OrgName   string
	Subject   string // what the numbers are of
	Color     string // #rrggbb, or empty
	Analytics core.Analytics
	MadeAt    time.Time
}

// ReportFiles makes the files that analytics come as.
type ReportFiles interface {
	// Write writes a file. The same document makes the same file. It needs memory
	// for what is in the document, and a few megabytes.
	Write(ctx context.Context, w io.Writer, f core.ReportFormat, d ReportDocument) error
}
