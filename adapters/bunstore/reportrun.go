package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type reportRunRow struct {
	bun.BaseModel `bun:"table:report_runs,alias:rr"`

	ID          core.ReportRunID         `bun:"id,pk"`
	OrgID       core.OrgID               `bun:"org_id"`
	ReportID    core.ReportID            `bun:"report_id"`
	PlannedAt   stamp                    `bun:"planned_at"`
	RequestedBy core.AccountID           `bun:"requested_by"`
	From        stamp                    `bun:"from_at"`
	To          stamp                    `bun:"to_at"`
	Status      core.RunStatus           `bun:"status"`
	Attempts    int                      `bun:"attempts"`
	NextAt      stamp                    `bun:"next_at"`
	StartedAt   stamp                    `bun:"started_at"`
	FinishedAt  stamp                    `bun:"finished_at"`
	Code        string                   `bun:"code"`
	Error       string                   `bun:"error"`
	Recipients  document[[]runRecipient] `bun:"recipients"`
	Files       document[[]runFile]      `bun:"files"`
	Version     int64                    `bun:"version"`
	CreatedAt   stamp                    `bun:"created_at"`
}

// runRecipient is core.RunRecipient as JSON; the time is in microseconds.
type runRecipient struct {
	AccountID core.AccountID `json:"account_id"`
	Email     string         `json:"email,omitempty"`
	Status    core.RunStatus `json:"status"`
	SentAt    int64          `json:"sent_at,omitempty"`
	Code      string         `json:"code,omitempty"`
	Error     string         `json:"error,omitempty"`
}

// runFile is core.RunFile as JSON.
type runFile struct {
	Name     string            `json:"name"`
	Format   core.ReportFormat `json:"format"`
	Bytes    int64             `json:"bytes"`
	Attached bool              `json:"attached,omitempty"`
}

func newReportRunRow(r *core.ReportRun) *reportRunRow {
	row := &reportRunRow{
		ID: r.ID, OrgID: r.OrgID, ReportID: r.ReportID, PlannedAt: stamp{r.PlannedAt}, RequestedBy: r.RequestedBy, From: stamp{r.From}, To: stamp{r.To},
		Status: r.Status, Attempts: r.Attempts, NextAt: stamp{r.NextAt}, StartedAt: stamp{r.StartedAt}, FinishedAt: stamp{r.FinishedAt},
		Code: r.Code, Error: r.Error, Version: r.Version, CreatedAt: stamp{r.CreatedAt},
	}
	for _, t := range r.Recipients {
		to := runRecipient{AccountID: t.AccountID, Email: t.Email, Status: t.Status, Code: t.Code, Error: t.Error}
		if !t.SentAt.IsZero() {
			to.SentAt = t.SentAt.UnixMicro()
		}
		row.Recipients.v = append(row.Recipients.v, to)
	}
	for _, f := range r.Files {
		row.Files.v = append(row.Files.v, runFile(f))
	}
	return row
}

func (r *reportRunRow) run() *core.ReportRun {
	run := &core.ReportRun{ //nolint:exhaustruct_v5 // the rest follows
		ID: r.ID, OrgID: r.OrgID, ReportID: r.ReportID, PlannedAt: r.PlannedAt.Time, RequestedBy: r.RequestedBy, From: r.From.Time, To: r.To.Time,
		Status: r.Status, Attempts: r.Attempts, NextAt: r.NextAt.Time, StartedAt: r.StartedAt.Time, FinishedAt: r.FinishedAt.Time,
		Code: r.Code, Error: r.Error, Version: r.Version, CreatedAt: r.CreatedAt.Time,
	}
	for _, t := range r.Recipients.v {
		to := core.RunRecipient{AccountID: t.AccountID, Email: t.Email, Status: t.Status, SentAt: time.Time{}, Code: t.Code, Error: t.Error}
		if t.SentAt != 0 {
			to.SentAt = time.UnixMicro(t.SentAt).UTC()
		}
		run.Recipients = append(run.Recipients, to)
	}
	for _, f := range r.Files.v {
		run.Files = append(run.Files, core.RunFile(f))
	}
	return run
}

type reportRuns struct{ repository }

func (r reportRuns) Plan(ctx context.Context, run *core.ReportRun, next time.Time) error {
	if !run.RequestedBy.IsZero() {
		n, err := r.NewSelect().Model((*reportRunRow)(nil)).Where("rr.report_id = ? AND rr.status = 'pending'", run.ReportID).Count(ctx)
		if err != nil {
			return translate("count runs", err)
		}
		if n > 0 {
			return core.ErrReportRunning
		}
	}
	if _, err := r.NewInsert().Model(newReportRunRow(run)).Exec(ctx); err != nil {
		return translate("plan run", err)
	}
	_, err := r.NewRaw(`UPDATE reports SET next_at = ? WHERE org_id = ? AND id = ?`, stamp{next}, run.OrgID, run.ReportID).Exec(ctx)
	return translate("plan run", err)
}

func (r reportRuns) Get(ctx context.Context, org core.OrgID, id core.ReportRunID) (*core.ReportRun, error) {
	var row reportRunRow
	if err := r.NewSelect().Model(&row).Where("rr.org_id = ? AND rr.id = ?", org, id).Scan(ctx); err != nil {
		return nil, translate("get run", err)
	}
	return row.run(), nil
}

func (r reportRuns) Save(ctx context.Context, run *core.ReportRun, seen int64) error {
	res, err := r.NewUpdate().Model(newReportRunRow(run)).
		ExcludeColumn("org_id", "report_id", "planned_at", "requested_by", "from_at", "to_at", "created_at").
		Where("rr.org_id = ? AND rr.id = ? AND rr.version = ?", run.OrgID, run.ID, seen).Exec(ctx)
	return saved("save run", res, err)
}

func (r reportRuns) List(ctx context.Context, q ports.ReportRunQuery) ([]*core.ReportRun, error) {
	var rows []reportRunRow
	sel := r.NewSelect().Model(&rows).Where("rr.org_id = ? AND rr.report_id = ?", q.OrgID, q.ReportID).OrderExpr("rr.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel = sel.Where("rr.id < ?", q.Before)
	}
	if q.Status != "" {
		sel = sel.Where("rr.status = ?", q.Status)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list runs", err)
	}
	out := make([]*core.ReportRun, len(rows))
	for i := range rows {
		out[i] = rows[i].run()
	}
	return out, nil
}

func (r reportRuns) Waiting(ctx context.Context, now time.Time, limit int) ([]ports.ReportRunRef, error) {
	var rows []struct {
		OrgID core.OrgID       `bun:"org_id"`
		ID    core.ReportRunID `bun:"id"`
	}
	err := r.NewRaw(`SELECT org_id, id FROM report_runs WHERE status = 'pending' AND next_at <= ? ORDER BY next_at, id LIMIT ?`,
		stamp{now}, limit).Scan(ctx, &rows)
	if err != nil {
		return nil, translate("find waiting runs", err)
	}
	out := make([]ports.ReportRunRef, len(rows))
	for i, row := range rows {
		out[i] = ports.ReportRunRef(row)
	}
	return out, nil
}

func (r reportRuns) Prune(ctx context.Context, t time.Time, limit int) (int, error) {
	res, err := r.NewRaw(`DELETE FROM report_runs WHERE id IN (SELECT id FROM report_runs WHERE created_at < ? AND status <> 'pending'
		ORDER BY created_at LIMIT ?)`, stamp{t}, limit).Exec(ctx)
	return affected("prune runs", res, err)
}

var _ ports.ReportRuns = reportRuns{}
