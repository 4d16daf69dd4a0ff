package httpapi

import (
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"reflect"
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

// export is a list that comes as one file, page by page.
type export[E any] struct {
	file    string // what to call it
	columns []string
	page    func(ctx context.Context, after []E) ([]E, error) // the page after that one (nil: the first), of exportPage
	record  func(E) ([]string, error)
	timeout time.Duration // of each page
}

// open returns what writes the export. The first page is asked for before the
// answer begins, so that a refusal can still be one.
func (e export[E]) open(ctx context.Context) (func(huma.Context), error) {
	first, err := e.page(ctx, nil)
	if err != nil {
		return nil, err
	}
	return func(c huma.Context) {
		c.SetHeader("Content-Type", csvType+"; charset=utf-8; header=present")
		c.SetHeader("Content-Disposition", `attachment; filename="`+e.file+`"`)
		c.SetStatus(http.StatusOK)
		if err := e.stream(connOf(ctx), c, first); err != nil {
			// Half an answer is out: the client must not take it for a whole one.
			requestOf(ctx).failed = err
			panic(http.ErrAbortHandler)
		}
	}, nil
}

// stream writes a page, then those after it. Each has the time of a request.
func (e export[E]) stream(ctx context.Context, c huma.Context, rows []E) error {
	w := csv.NewWriter(c.BodyWriter())
	w.UseCRLF = true
	if err := w.Write(e.columns); err != nil {
		return err
	}
	deadlines := http.NewResponseController(humaecho.UnwrapV4(c).Response().Writer)
	for {
		if err := deadlines.SetWriteDeadline(realNow().Add(e.timeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for _, row := range rows {
			record, err := e.record(row)
			if err != nil {
				return err
			}
			for i := range record {
				record[i] = core.PlainCell(record[i])
			}
			if err := w.Write(record); err != nil {
				return err
			}
		}
		w.Flush()
		if err := w.Error(); err != nil || len(rows) < exportPage {
			return err
		}
		var err error
		if rows, err = e.next(ctx, rows); err != nil {
			return err
		}
	}
}

func (e export[E]) next(ctx context.Context, rows []E) ([]E, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	return e.page(ctx, rows)
}

// idCell is an id, or nothing.
func idCell[T any](id core.ID[T]) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

func timeCell(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// writtenOutput is written by the handler: which type it has is up to the client.
type writtenOutput struct{ Body func(huma.Context) }

// written is an answer in JSON.
func written(ctx context.Context, body any) (*writtenOutput, error) {
	text, err := marshal(body)
	return &writtenOutput{func(c huma.Context) {
		c.SetHeader("Content-Type", jsonType)
		c.SetStatus(http.StatusOK)
		_, err := c.BodyWriter().Write(text)
		requestOf(ctx).failed = err
	}}, err
}

// pageOrCSV describes a list that comes in either form.
func pageOrCSV(schemas huma.Registry, page reflect.Type) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{
		jsonType: {Schema: schemas.Schema(page, true, "")},
		csvType:  {Schema: &huma.Schema{Type: huma.TypeString, Description: "A line for each entry, after one with the names of the columns"}},
	}
}
