package httpapi

import (
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/seed-755a8038/coffer/core"
)

const (
	jsonType = "application/json"
	csvType  = "text/csv"

	exportPage = 500 // entries that are in memory at a time
)

var auditColumns = []string{
	"id", "at", "actor_kind", "actor_account_id", "actor_email", "action", "target_kind", "target_id", "address", "changes",
}

// export answers with all entries that q finds, page by page. The first one is
// asked for before the answer begins, so that a refusal can still be one.
func (h auditRoutes) export(ctx context.Context, q auditQuery) (*auditOutput, error) {
	q.Limit = exportPage
	first, err := h.orgs.AuditLog(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, err
	}
	return &auditOutput{func(c huma.Context) {
		c.SetHeader("Content-Type", csvType+"; charset=utf-8; header=present")
		c.SetHeader("Content-Disposition", `attachment; filename="audit-log.csv"`)
		c.SetStatus(http.StatusOK)
		if err := h.stream(connOf(ctx), c, q, first); err != nil {
			// Half an answer is out: the client must not take it for a whole one.
			requestOf(ctx).failed = err
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

// stream writes a page, then those after it. Each has the time of a request.
func (h auditRoutes) stream(ctx context.Context, c huma.Context, q auditQuery, rows []*core.AuditEntry) error {
	w := csv.NewWriter(c.BodyWriter())
	w.UseCRLF = true
	if err := w.Write(auditColumns); err != nil {
		return err
	}
	deadlines := http.NewResponseController(humaecho.UnwrapV4(c).Response().Writer)
	for {
		if err := deadlines.SetWriteDeadline(realNow().Add(h.timeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for _, e := range rows {
			record, err := auditRecord(e)
			if err != nil {
				return err
			}
			if err := w.Write(record); err != nil {
				return err
			}
		}
		w.Flush()
		if err := w.Error(); err != nil || len(rows) < q.Limit {
			return err
		}
		q.Before = rows[len(rows)-1].ID
		var err error
		if rows, err = h.page(ctx, q); err != nil {
			return err
		}
	}
}

func (h auditRoutes) page(ctx context.Context, q auditQuery) ([]*core.AuditEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	return h.orgs.AuditLog(ctx, actorOf(ctx), q)
}

func auditRecord(e *core.AuditEntry) ([]string, error) {
	changes, err := marshal(showAuditEntry(e).Changes)
	if err != nil {
		return nil, err
	}
	account := ""
	if !e.ActorID.IsZero() {
		account = e.ActorID.String()
	}
	record := []string{
		e.ID.String(), e.At.UTC().Format(time.RFC3339Nano), string(e.ActorKind), account, e.ActorEmail, e.Action, e.TargetKind, e.TargetID, e.Address,
		string(changes),
	}
	for i := range record {
		record[i] = plainCell(record[i])
	}
	return record, nil
}

// plainCell returns text in a form that no spreadsheet takes for a formula.
func plainCell(text string) string {
	if text != "" && strings.IndexByte("=+-@\t\r", text[0]) >= 0 {
		return "'" + text
	}
	return text
}
