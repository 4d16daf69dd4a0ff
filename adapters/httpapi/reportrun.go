package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/report"
	"github.com/seed-755a8038/coffer/core"
)

func (h reportRoutes) mountRuns(api huma.API) {
	register(api, operation{
		id: "runReport", method: http.MethodPost, path: reportPath + "/run", tag: tagReports, status: http.StatusAccepted,
		codes:   []string{"forbidden", "feature_unavailable", "report_running", "conflict"},
		summary: "Send a report now", about: "Sends a report beside its schedule, also one that is not active. The run says what has become of it.",
	}, h.run)
	register(api, operation{
		id: "listReportRuns", method: http.MethodGet, path: reportPath + "/runs", tag: tagReports, codes: []string{"forbidden"},
		summary: "What has become of a report",
		about:   "Lists each time that a report was to be sent, newest first, with who got it and why others did not.",
	}, h.listRuns)
}

type runRecipientBody struct {
	AccountID core.AccountID `json:"account_id" format:"uuid" doc:"The account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Email     *string        `json:"email" doc:"Its address then; null: it was no active member any more" example:"ana@example.com"`
	Status    core.RunStatus `json:"status" enum:"pending,sent,failed,skipped" doc:"What has become of the mail; sent: the mail server has taken it" example:"sent"`
	SentAt    *time.Time     `json:"sent_at" doc:"When; null: it was not sent"`
	Code      *string        `json:"code" doc:"Why it was not sent: recipient_gone, mail_refused, mail_failed, internal; null: there is no reason" example:"mail_refused"`
	Error     *string        `json:"error" doc:"The same for people" example:"the mail server refuses the address"`
}

type runFileBody struct {
	Name     string            `json:"name" doc:"Its name" example:"analytics-2026-03-02-2026-03-08.pdf"`
	Format   core.ReportFormat `json:"format" enum:"pdf,csv" doc:"Its format" example:"pdf"`
	Bytes    int64             `json:"size_bytes" doc:"Its size, in bytes" example:"48213"`
	Attached bool              `json:"attached" doc:"Whether it came with the mail; else that said where to get it"`
}

type reportRunBody struct {
	ID            core.ReportRunID   `json:"id" format:"uuid" doc:"Identifies the run" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e42"`
	PlannedAt     time.Time          `json:"planned_at" doc:"The time of the schedule, or when somebody asked for it"`
	RequestedBy   *core.AccountID    `json:"requested_by" format:"uuid" doc:"Who has; null: the schedule" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	From          time.Time          `json:"from" doc:"Where the time begins that it covers"`
	To            time.Time          `json:"to" doc:"Where it ends"`
	Status        core.RunStatus     `json:"status" enum:"pending,sent,failed,skipped" doc:"sent: to at least one recipient; skipped: there was a reason not to" example:"sent"`
	Attempts      int                `json:"attempts" doc:"How often it was tried" example:"1"`
	NextAttemptAt *time.Time         `json:"next_attempt_at" doc:"When it is tried next; null: it is not"`
	StartedAt     *time.Time         `json:"started_at" doc:"When it was first tried; null: it was not"`
	FinishedAt    *time.Time         `json:"finished_at" doc:"When it ended; null: it has not"`
	Code          *string            `json:"code" doc:"Why it was skipped or has failed, or the last attempt has: org_deleted, report_inactive, feature_unavailable, maker_gone, target_gone, no_recipients, no_mail_server, mail_failed, internal; null: there is no reason" example:"mail_failed"`
	Error         *string            `json:"error" doc:"The same for people" example:"the mail server did not take it"`
	Recipients    []runRecipientBody `json:"recipients" doc:"Who was to get it"`
	Files         []runFileBody      `json:"files" doc:"What was made"`
	CreatedAt     time.Time          `json:"created_at" doc:"When it was planned"`
}

func showReportRun(r *core.ReportRun) reportRunBody {
	return reportRunBody{
		ID: r.ID, PlannedAt: r.PlannedAt, RequestedBy: orNull(r.RequestedBy), From: r.From, To: r.To, Status: r.Status, Attempts: r.Attempts,
		NextAttemptAt: timeOrNull(r.NextAt), StartedAt: timeOrNull(r.StartedAt), FinishedAt: timeOrNull(r.FinishedAt),
		Code: orNull(r.Code), Error: orNull(r.Error), CreatedAt: r.CreatedAt,
		Recipients: each(r.Recipients, func(t core.RunRecipient) runRecipientBody {
			return runRecipientBody{t.AccountID, orNull(t.Email), t.Status, timeOrNull(t.SentAt), orNull(t.Code), orNull(t.Error)}
		}),
		Files: each(r.Files, func(f core.RunFile) runFileBody { return runFileBody{f.Name, f.Format, f.Bytes, f.Attached} }),
	}
}

type runReportInput struct {
	ReportInput
	OnceInput
}

type reportRunOutput struct{ Body reportRunBody }

func (h reportRoutes) run(ctx context.Context, in *runReportInput) (*reportRunOutput, error) {
	wish, err := once(ctx, in.OnceInput, showReportRun)
	if err != nil {
		return nil, err
	}
	if wish != nil {
		wish.Status = http.StatusAccepted
	}
	r, err := h.reports.RunNow(ctx, actorOf(ctx), in.OrgID, in.ReportID, wish)
	if err != nil {
		return nil, err
	}
	return &reportRunOutput{showReportRun(r)}, nil
}

type listReportRunsInput struct {
	ReportInput
	Status core.RunStatus `query:"status" enum:"pending,sent,failed,skipped" doc:"Only runs in this state" example:"failed"`
	PageInput
}

type reportRunsOutput struct{ Body page[reportRunBody] }

func (h reportRoutes) listRuns(ctx context.Context, in *listReportRunsInput) (*reportRunsOutput, error) {
	before, err := h.runs.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.reports.Runs(ctx, actorOf(ctx), report.RunQuery{
		OrgID: in.OrgID, ReportID: in.ReportID, Status: in.Status, Before: before, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.runs, rows, showReportRun, func(r *core.ReportRun) core.ReportRunID { return r.ID })
	return &reportRunsOutput{out}, err
}
