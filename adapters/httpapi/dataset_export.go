package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/core"
)

const ndjsonType = "application/x-ndjson"

func (h datasetRoutes) mountExport(api huma.API) {
	register(api, operation{
		id: "exportDataset", method: http.MethodGet, path: datasetPath + "/export", tag: tagDatasets, answer: ndjsonAnswer,
		codes:   []string{"dataset_unpublished", "validation_failed"},
		summary: "All items or annotations as one file",
		about: "Writes a line of JSON for each item of a version, in the order and the form of its manifest, so that it can be published again, or for each annotation of the dataset, the oldest first. " +
			"A file is named by the path under which it came, or by its id. Should something go wrong on the way, the connection is cut, and the file is not whole.",
	}, h.export)
}

func ndjsonAnswer(huma.Registry) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{
		ndjsonType: {Schema: &huma.Schema{Type: huma.TypeString, Description: "A JSON object on each line"}},
	}
}

// lines are a list that comes as one file, page by page, each entry as a line of
// JSON.
type lines[P comparable] struct {
	file    string // what to call it
	page    func(ctx context.Context, from P) (rows []any, next P, err error)
	timeout time.Duration // of each page
}

// open returns what writes the file. The first page is asked for before the answer
// begins, so that a refusal can still be one.
func (l lines[P]) open(ctx context.Context) (func(huma.Context), error) {
	var from P
	rows, next, err := l.page(ctx, from)
	if err != nil {
		return nil, err
	}
	return func(c huma.Context) {
		c.SetHeader("Content-Type", ndjsonType)
		c.SetHeader("Content-Disposition", `attachment; filename="`+l.file+`"`)
		c.SetStatus(http.StatusOK)
		if err := l.stream(connOf(ctx), c, rows, next); err != nil {
			// Half an answer is out: the client must not take it for a whole one.
			requestOf(ctx).failed = err
			panic(http.ErrAbortHandler)
		}
	}, nil
}

// stream writes a page, then those after it. Each has the time of a request.
func (l lines[P]) stream(ctx context.Context, c huma.Context, rows []any, next P) error {
	const buffer = 64 << 10
	w := bufio.NewWriterSize(c.BodyWriter(), buffer)
	deadlines := http.NewResponseController(humaecho.UnwrapV4(c).Response().Writer)
	var none P
	for {
		if err := deadlines.SetWriteDeadline(realNow().Add(l.timeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for _, row := range rows {
			text, err := marshal(row)
			if err != nil {
				return err
			}
			if _, err := w.Write(append(text, '\n')); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil || next == none {
			return err
		}
		var err error
		if rows, next, err = l.next(ctx, next); err != nil {
			return err
		}
	}
}

func (l lines[P]) next(ctx context.Context, from P) ([]any, P, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return l.page(ctx, from)
}

type exportDatasetInput struct {
	DatasetInput
	Version int64  `query:"version" minimum:"1" doc:"Of which version the items are; left out: of the current one" example:"3"`
	What    string `query:"what" enum:"items,annotations" default:"items" doc:"What to write" example:"annotations"`
}

func (h datasetRoutes) export(ctx context.Context, in *exportDatasetInput) (*writtenOutput, error) {
	if in.What == "annotations" {
		if in.Version != 0 {
			return nil, core.Invalid("query.version", "is for items: annotations are of all versions")
		}
		body, err := lines[core.AnnotationID]{"annotations.ndjson", func(ctx context.Context, after core.AnnotationID) ([]any, core.AnnotationID, error) {
			rows, err := h.datasets.ExportAnnotations(ctx, actorOf(ctx), dataset.AnnotationQuery{DatasetID: in.DatasetID, After: after, Limit: exportPage})
			var next core.AnnotationID
			if len(rows) == exportPage {
				next = rows[exportPage-1].ID
			}
			return each(rows, func(a dataset.ListedAnnotation) any { return showListedAnnotation(a) }), next, err
		}, h.timeout}.open(ctx)
		return &writtenOutput{body}, err
	}
	body, err := lines[dataset.ItemPosition]{"items.ndjson", func(ctx context.Context, from dataset.ItemPosition) ([]any, dataset.ItemPosition, error) {
		out, err := h.datasets.ExportItems(ctx, actorOf(ctx), dataset.ItemQuery{DatasetID: in.DatasetID, Number: in.Version, From: from, Limit: exportPage})
		return each(out.Items, func(i dataset.ListedItem) any { return showManifestItem(&i.DatasetItem) }), out.Next, err
	}, h.timeout}.open(ctx)
	return &writtenOutput{body}, err
}

// manifestItemBody is an item as a manifest has it.
type manifestItemBody struct {
	ExternalID string              `json:"external_id"`
	Type       string              `json:"type"`
	Title      string              `json:"title,omitempty"`
	Tags       []string            `json:"tags,omitempty"`
	Data       json.RawMessage     `json:"data"`
	Assets     []manifestAssetBody `json:"assets,omitempty"`
}

type manifestAssetBody struct {
	Role    string       `json:"role"`
	Path    string       `json:"path,omitempty"`
	AssetID core.AssetID `json:"asset_id,omitzero"`
}

func showManifestItem(i *core.DatasetItem) manifestItemBody {
	return manifestItemBody{i.ExternalID, i.Type, i.Title, i.Tags, i.Data, each(i.Assets, func(a core.ItemAsset) manifestAssetBody {
		if a.Path != "" {
			return manifestAssetBody{Role: a.Role, Path: a.Path}
		}
		return manifestAssetBody{Role: a.Role, AssetID: a.AssetID}
	})}
}

type diffInput struct {
	DatasetInput
	From int64 `query:"from" required:"true" minimum:"1" doc:"The number of the version to begin with" example:"2"`
	To   int64 `query:"to" minimum:"1" doc:"The number of the version to compare it with; left out: the current one" example:"3"`
	PageInput
}

type itemChangeBody struct {
	ExternalID string              `json:"external_id" doc:"The item" example:"harbour/1"`
	Change     string              `json:"change" enum:"added,removed,changed" doc:"What became of it" example:"changed"`
	Fields     []string            `json:"fields" enum:"type,title,tags,data,assets" doc:"Of a changed one: what of it differs" example:"[\"title\"]"`
	FromItemID *core.DatasetItemID `json:"from_item_id" format:"uuid" doc:"The item in the first version; null: it was not there" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e42"`
	ToItemID   *core.DatasetItemID `json:"to_item_id" format:"uuid" doc:"The item in the other version; null: it is not there" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e43"`
}

func showItemChange(c dataset.ItemChange) itemChangeBody {
	id := func(i *core.DatasetItem) *core.DatasetItemID {
		if i == nil {
			return nil
		}
		return &i.ID
	}
	return itemChangeBody{c.ExternalID, c.Change, each(c.Fields, same), id(c.From), id(c.To)}
}

type diffOutput struct {
	Body struct {
		From       int64            `json:"from" doc:"The number of the first version" example:"2"`
		To         int64            `json:"to" doc:"The number of the other version" example:"3"`
		Items      []itemChangeBody `json:"items" doc:"What differs, by external_id"`
		NextCursor *string          `json:"next_cursor" maxLength:"4096" doc:"Leads to the next page; null on the last one"`
	}
}

// diffPosition is where a page begins: a version that was the current one for the
// first page stays that which is compared.
type diffPosition struct {
	To    int64
	After string
}

func (h datasetRoutes) diff(ctx context.Context, in *diffInput) (*diffOutput, error) {
	at, err := h.diffs.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	q := dataset.DiffQuery{DatasetID: in.DatasetID, From: in.From, To: in.To, After: at.After, Limit: in.Limit}
	if at.To != 0 {
		q.To = at.To
	}
	d, err := h.datasets.Diff(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, err
	}
	var out diffOutput
	out.Body.From, out.Body.To, out.Body.Items = d.From, d.To, each(d.Changes, showItemChange)
	var next diffPosition
	if d.Next != "" {
		next = diffPosition{d.To, d.Next}
	}
	out.Body.NextCursor, err = sealNext(ctx, h.diffs, next)
	return &out, err
}
