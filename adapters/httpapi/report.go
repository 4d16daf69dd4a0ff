package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/report"
	"github.com/seed-755a8038/coffer/core"
)

type reportRoutes struct {
	reports *report.Service
	cursors codec[core.ReportID]
	runs    codec[core.ReportRunID]
	timeout time.Duration // of writing an export
}

const (
	reportsPath = "/api/orgs/{org_id}/reports"
	reportPath  = reportsPath + "/{report_id}"
)

func (h reportRoutes) mount(api huma.API) {
	register(api, operation{
		id: "createReport", method: http.MethodPost, path: reportsPath, tag: tagReports, status: http.StatusCreated,
		codes:   []string{"forbidden", "feature_unavailable", "limit_exceeded", "group_deleted"},
		summary: "Make a report",
		about:   "Mails analytics by a schedule from now on, for owners and admins, to members of the organisation. A report shows what whoever made or last changed it may see when it is sent. An organisation has at most 50 reports.",
	}, h.create)
	register(api, operation{
		id: "listReports", method: http.MethodGet, path: reportsPath, tag: tagReports, codes: []string{"forbidden"},
		summary: "An organisation's reports", about: "Lists reports, newest first, to owners and admins.",
	}, h.list)
	register(api, operation{
		id: "getReport", method: http.MethodGet, path: reportPath, tag: tagReports, codes: []string{"forbidden"}, also: notModified,
		summary: "One report", about: "Returns a report.",
	}, h.get)
	register(api, operation{
		id: "updateReport", method: http.MethodPatch, path: reportPath, tag: tagReports, codes: []string{"forbidden", "feature_unavailable", "group_deleted"},
		summary: "Change a report",
		about:   "Members that are left out stay as they are. From then on the report shows what you may see.",
	}, h.update)
	register(api, operation{
		id: "deleteReport", method: http.MethodDelete, path: reportPath, tag: tagReports, status: http.StatusNoContent, codes: []string{"forbidden"},
		summary: "Delete a report", about: "Removes a report and the history of its runs.",
	}, h.remove)
	h.mountRuns(api)
	h.mountExports(api)
}

type reportTargetBody struct {
	Kind    core.ReportKind   `json:"kind" enum:"org,group,share" doc:"All links in shared drives, a group with those in it, or a share link" example:"group"`
	GroupID *core.GroupID     `json:"group_id,omitempty" format:"uuid" doc:"The group, of the kind group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	ShareID *core.ShareLinkID `json:"share_id,omitempty" format:"uuid" doc:"The link, of the kind share" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1b"`
}

func (b reportTargetBody) target() core.ReportTarget {
	t := core.ReportTarget{Kind: b.Kind}
	if b.GroupID != nil {
		t.GroupID = *b.GroupID
	}
	if b.ShareID != nil {
		t.ShareLinkID = *b.ShareID
	}
	return t
}

type reportRecipientBody struct {
	AccountID core.AccountID `json:"account_id" format:"uuid" doc:"The account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Email     *string        `json:"email" doc:"Its address now; null: it is no active member any more, and gets nothing" example:"ana@example.com"`
}

type reportBody struct {
	ID         core.ReportID         `json:"id" format:"uuid" doc:"Identifies the report" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
	OrgID      core.OrgID            `json:"org_id" format:"uuid" doc:"The organisation it is of" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	Name       string                `json:"name" doc:"What people call it; the title of its files" example:"Spring campaign"`
	Target     reportTargetBody      `json:"target" doc:"What it is about"`
	Period     core.Period           `json:"period" enum:"day,week,month,year" doc:"It covers the last whole one before it is sent, in the organisation's time zone" example:"week"`
	Formats    []core.ReportFormat   `json:"formats" doc:"The files that come with the mail" example:"[\"pdf\"]"`
	Recipients []reportRecipientBody `json:"recipients" doc:"Who gets it"`
	Schedule   string                `json:"schedule" doc:"When it is sent: minute, hour, day of the month, month, day of the week, as cron has it" example:"0 8 * * MON"`
	TimeZone   string                `json:"time_zone" doc:"The time zone of the schedule" example:"Europe/Berlin"`
	Active     bool                  `json:"active" doc:"Whether it is sent"`
	NextAt     *time.Time            `json:"next_at" doc:"When it is sent next; null: it is not active"`
	CreatedBy  core.AccountID        `json:"created_by" format:"uuid" doc:"The account that made it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	OnBehalfOf core.AccountID        `json:"on_behalf_of" format:"uuid" doc:"The account that made or last changed it: it shows what this may see" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Version    int64                 `json:"version" doc:"Counts its changes; the ETag" example:"1"`
	CreatedAt  time.Time             `json:"created_at" doc:"When it was made"`
	UpdatedAt  time.Time             `json:"updated_at" doc:"When it was last changed"`
}

func showReport(r report.Shown) reportBody {
	b := reportBody{
		ID: r.ID, OrgID: r.OrgID, Name: r.Name, Target: reportTargetBody{r.Target.Kind, orNull(r.Target.GroupID), orNull(r.Target.ShareLinkID)},
		Period: r.Period, Formats: each(r.Formats, same[core.ReportFormat]), Schedule: r.Schedule, TimeZone: r.TimeZone, Active: r.Active,
		NextAt: timeOrNull(r.NextAt), CreatedBy: r.CreatedBy, OnBehalfOf: r.OnBehalfOf, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	b.Recipients = each(r.Recipients, func(id core.AccountID) reportRecipientBody {
		return reportRecipientBody{id, orNull(r.Members[id].Email)}
	})
	return b
}

type createReportInput struct {
	OrgInput
	OnceInput
	Body struct {
		Name       string              `json:"name" minLength:"1" maxLength:"200" doc:"What to call it" example:"Spring campaign"`
		Target     reportTargetBody    `json:"target" doc:"What it is about"`
		Period     core.Period         `json:"period" enum:"day,week,month,year" doc:"What it covers: the last whole one" example:"week"`
		Formats    []core.ReportFormat `json:"formats,omitempty" maxItems:"2" doc:"pdf, csv or both; left out: pdf" example:"[\"pdf\",\"csv\"]"`
		Recipients []string            `json:"recipients" minItems:"1" maxItems:"50" doc:"The addresses of active members" example:"[\"ana@example.com\"]"`
		Schedule   string              `json:"schedule" minLength:"1" maxLength:"100" doc:"When to send it, by cron: five fields, of which the minute is one number" example:"0 8 * * MON"`
		TimeZone   *string             `json:"time_zone,omitempty" maxLength:"64" doc:"Of the schedule, an IANA name; left out: the organisation's" example:"Europe/Berlin"`
		Active     *bool               `json:"active,omitempty" doc:"Whether to send it; left out: yes"`
	}
}

type createdReportOutput struct {
	Location string `header:"Location" doc:"Where the report is" example:"/api/orgs/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12/reports/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
	ETag     string `header:"ETag" doc:"The version of the resource" example:"\"1\""`
	Body     reportBody
}

func (h reportRoutes) create(ctx context.Context, in *createReportInput) (*createdReportOutput, error) {
	wish, err := once(ctx, in.OnceInput, showReport)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	if b.Formats == nil {
		b.Formats = []core.ReportFormat{core.ReportPDF}
	}
	target := b.Target.target()
	r, err := h.reports.Create(ctx, actorOf(ctx), report.CreateInput{OrgID: in.OrgID, Once: wish, ChangeInput: report.ChangeInput{
		Name: &b.Name, Target: &target, Period: &b.Period, Formats: &b.Formats, Recipients: &b.Recipients, Schedule: &b.Schedule,
		TimeZone: b.TimeZone, Active: b.Active,
	}})
	if err != nil {
		return nil, err
	}
	return &createdReportOutput{"/api/orgs/" + in.OrgID.String() + "/reports/" + r.ID.String(), etag(r.Version), showReport(r)}, nil
}

type listReportsInput struct {
	OrgInput
	PageInput
}

type reportsOutput struct{ Body page[reportBody] }

func (h reportRoutes) list(ctx context.Context, in *listReportsInput) (*reportsOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.reports.List(ctx, actorOf(ctx), report.Query{OrgID: in.OrgID, Before: before, Limit: in.more()})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, showReport, func(r report.Shown) core.ReportID { return r.ID })
	return &reportsOutput{out}, err
}

// ReportInput names a report of an org.
type ReportInput struct {
	OrgInput
	ReportID core.ReportID `path:"report_id" format:"uuid" doc:"The report" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
}

type getReportInput struct {
	ReportInput
	ConditionalInput
}

type reportOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body   reportBody
}

func (h reportRoutes) get(ctx context.Context, in *getReportInput) (*reportOutput, error) {
	r, err := h.reports.Get(ctx, actorOf(ctx), in.OrgID, in.ReportID)
	if err != nil {
		return nil, err
	}
	tag := etag(r.Version)
	return &reportOutput{fresh(in.IfNoneMatch, tag), tag, showReport(r)}, nil
}

type updateReportInput struct {
	ReportInput
	MatchInput
	Body struct {
		Name       *string              `json:"name,omitempty" minLength:"1" maxLength:"200" doc:"What to call it" example:"Spring campaign"`
		Target     *reportTargetBody    `json:"target,omitempty" doc:"What it is about"`
		Period     *core.Period         `json:"period,omitempty" enum:"day,week,month,year" doc:"What it covers: the last whole one" example:"week"`
		Formats    *[]core.ReportFormat `json:"formats,omitempty" minItems:"1" maxItems:"2" doc:"pdf, csv or both" example:"[\"csv\"]"`
		Recipients *[]string            `json:"recipients,omitempty" minItems:"1" maxItems:"50" doc:"The addresses of active members, all of them" example:"[\"ana@example.com\"]"`
		Schedule   *string              `json:"schedule,omitempty" minLength:"1" maxLength:"100" doc:"When to send it, by cron" example:"0 8 1 * *"`
		TimeZone   optional[string]     `json:"time_zone,omitzero" maxLength:"64" doc:"Of the schedule; null: the organisation's" example:"Europe/Berlin"`
		Active     *bool                `json:"active,omitempty" doc:"Whether to send it"`
	}
}

func (h reportRoutes) update(ctx context.Context, in *updateReportInput) (*reportOutput, error) {
	version, err := h.expected(ctx, in.ReportInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	c := report.ChangeInput{Name: b.Name, Period: b.Period, Formats: b.Formats, Recipients: b.Recipients, Schedule: b.Schedule, Active: b.Active}
	if b.Target != nil {
		c.Target = new(b.Target.target())
	}
	if b.TimeZone.set {
		c.TimeZone = &b.TimeZone.value
	}
	r, err := h.reports.Update(ctx, actorOf(ctx), in.OrgID, in.ReportID, c, version)
	if err != nil {
		return nil, err
	}
	return &reportOutput{http.StatusOK, etag(r.Version), showReport(r)}, nil
}

func (h reportRoutes) expected(ctx context.Context, in ReportInput, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		r, err := h.reports.Get(ctx, actorOf(ctx), in.OrgID, in.ReportID)
		if err != nil {
			return 0, err
		}
		return r.Version, nil
	})
}

type deleteReportInput struct {
	ReportInput
	MatchInput
}

func (h reportRoutes) remove(ctx context.Context, in *deleteReportInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.ReportInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.reports.Delete(ctx, actorOf(ctx), in.OrgID, in.ReportID, version)
}
