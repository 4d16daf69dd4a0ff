package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/seed-755a8038/coffer/app/report"
	"github.com/seed-755a8038/coffer/core"
)

const pdfType = "application/pdf"

const aboutExport = " In licences that include it. In CSV there is one table, of which section says what a row counts: total, series, asset, country, device, link; text that a spreadsheet would take for a formula begins with an apostrophe. PDF is for people: characters that its font has not are shown as boxes."

func (h reportRoutes) mountExports(api huma.API) {
	register(api, operation{
		id: "exportShareAnalytics", method: http.MethodGet, path: sharePath + "/analytics/export", tag: tagShares, answer: exportAnswer,
		codes:   []string{"forbidden", "feature_unavailable", "validation_failed"},
		summary: "Analytics of a link as a file",
		about:   "The analytics of a link as one file." + aboutExport,
	}, h.exportLink)
	register(api, operation{
		id: "exportGroupAnalytics", method: http.MethodGet, path: groupPath + "/analytics/export", tag: tagGroups, answer: exportAnswer,
		codes:   []string{"forbidden", "feature_unavailable", "validation_failed", "group_deleted"},
		summary: "Analytics of a group as a file",
		about:   "The analytics of a group with those in it as one file." + aboutExport,
	}, h.exportGroup)
}

// exportAnswer describes what send writes.
func exportAnswer(huma.Registry) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{
		csvType: {Schema: &huma.Schema{Type: huma.TypeString, Description: "A line for each number, after one with the names of the columns"}},
		pdfType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "A document of a few pages"}},
	}
}

// FormatInput says how a file is written.
type FormatInput struct {
	Format core.ReportFormat `query:"format" enum:"csv,pdf" default:"csv" doc:"For programs, or for people" example:"pdf"`
}

type exportLinkInput struct {
	ShareID core.ShareLinkID `path:"share_id" format:"uuid" doc:"The link" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1b"`
	SpanInput
	FormatInput
}

func (h reportRoutes) exportLink(ctx context.Context, in *exportLinkInput) (*writtenOutput, error) {
	return h.export(ctx, core.ReportTarget{Kind: core.ReportShare, ShareLinkID: in.ShareID}, in.SpanInput, in.Format)
}

type exportGroupInput struct {
	GroupID core.GroupID `path:"group_id" format:"uuid" doc:"The group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	SpanInput
	FormatInput
}

func (h reportRoutes) exportGroup(ctx context.Context, in *exportGroupInput) (*writtenOutput, error) {
	return h.export(ctx, core.ReportTarget{Kind: core.ReportGroup, GroupID: in.GroupID}, in.SpanInput, in.Format)
}

func (h reportRoutes) export(ctx context.Context, t core.ReportTarget, span SpanInput, f core.ReportFormat) (*writtenOutput, error) {
	file, err := h.reports.Export(ctx, actorOf(ctx), t, report.SpanInput{Period: span.Period, From: span.From, To: span.To}, f)
	if err != nil {
		return nil, err
	}
	return &writtenOutput{func(c huma.Context) {
		c.SetHeader("Content-Type", file.Type)
		c.SetHeader("Content-Disposition", `attachment; filename="`+file.Name+`"`)
		c.SetStatus(http.StatusOK)
		deadlines := http.NewResponseController(humaecho.UnwrapV4(c).Response().Writer)
		err := deadlines.SetWriteDeadline(realNow().Add(h.timeout))
		if err == nil || errors.Is(err, http.ErrNotSupported) {
			err = file.Write(connOf(ctx), c.BodyWriter())
		}
		if err != nil {
			// Half an answer is out: the client must not take it for a whole one.
			requestOf(ctx).failed = err
			panic(http.ErrAbortHandler)
		}
	}}, nil
}
