package httpapi

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/core"
)

type datasetItemRoutes struct {
	datasets *dataset.Service
	cursors  codec[dataset.ItemPosition]
}

const itemPath = "/api/items/{item_id}"

func (h datasetItemRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listDatasetItems", method: http.MethodGet, path: datasetPath + "/items", tag: tagDatasets, codes: []string{"dataset_unpublished"},
		summary: "The items of a dataset",
		about: "Lists the items of a version in the order of its manifest. q looks for words in titles, tags and data, all of them, of which the last may be the beginning of one. " +
			"A cursor stays with its version, whatever is published meanwhile. A page can have fewer than limit and yet not be the last: go on until next_cursor is null.",
	}, h.list)
	register(api, operation{
		id: "getItem", method: http.MethodGet, path: itemPath, tag: tagDatasets, also: notModified,
		summary: "One item", about: "Returns an item of a published version of a dataset that you may view. It never changes.",
	}, h.get)
	register(api, operation{
		id: "signItemUrl", method: http.MethodPost, path: itemPath + "/assets/{role}/signed-url", tag: tagDatasets,
		summary: "A short-lived URL of an item's file",
		about:   "Returns a signed URL of the file that the item has in that role: as it was published, whatever has become of it in its drive. Each time it is asked anew whether the dataset is published, and whether you may view it. Types that can run script are always saved, never shown.",
	}, h.sign)
}

type itemFileBody struct {
	Role        string       `json:"role" doc:"What it is to the item" example:"main"`
	AssetID     core.AssetID `json:"asset_id" format:"uuid" doc:"The file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	Number      int          `json:"number" doc:"Which of its versions" example:"1"`
	Path        *string      `json:"path" doc:"Under which path it came; null: it was in a drive already" example:"pictures/1.jpg"`
	Name        string       `json:"name" doc:"What to call it" example:"1.jpg"`
	ContentType string       `json:"content_type" doc:"Its media type" example:"image/jpeg"`
	SizeBytes   int64        `json:"size_bytes" doc:"Its size" example:"5000000"`
	SHA256      *string      `json:"sha256" doc:"Its SHA-256, in hexadecimal; null: it is still being found out" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
}

func showItemFile(f core.ItemFile) itemFileBody {
	return itemFileBody{f.Role, f.AssetID, f.Number, orNull(f.Path), f.Name, f.ContentType, f.SizeBytes, orNull(hex.EncodeToString(f.SHA256))}
}

type datasetItemBody struct {
	ID            core.DatasetItemID `json:"id" format:"uuid" doc:"Identifies the item of this version" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e42"`
	DatasetID     core.DatasetID     `json:"dataset_id" format:"uuid" doc:"The dataset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
	VersionNumber int64              `json:"version_number" doc:"The version" example:"3"`
	ExternalID    string             `json:"external_id" doc:"The publisher's name of it, the same in each version" example:"harbour/1"`
	Type          string             `json:"type" doc:"Its type" example:"image"`
	Title         string             `json:"title" doc:"What it is called; may be empty" example:"The harbour"`
	Tags          []string           `json:"tags" doc:"Its tags, sorted" example:"[\"sea\"]"`
	Data          json.RawMessage    `json:"data" doc:"What else there is to know; an object"`
	Assets        []itemFileBody     `json:"assets" doc:"Its files, by role"`
}

func showItem(id core.DatasetID, number int64, i *core.DatasetItem, files []core.ItemFile) datasetItemBody {
	return datasetItemBody{i.ID, id, number, i.ExternalID, i.Type, i.Title, each(i.Tags, same), i.Data, each(files, showItemFile)}
}

type listItemsInput struct {
	DatasetInput
	Version int64  `query:"version" minimum:"1" doc:"The number of the version; left out: the current one" example:"3"`
	Type    string `query:"type" maxLength:"63" doc:"Only items of this type" example:"image"`
	Tag     string `query:"tag" maxLength:"100" doc:"Only items with this tag" example:"sea"`
	Text    string `query:"q" maxLength:"500" doc:"Only items with these words" example:"harbour morn"`
	PageInput
}

type itemsOutput struct{ Body page[datasetItemBody] }

func (h datasetItemRoutes) list(ctx context.Context, in *listItemsInput) (*itemsOutput, error) {
	from, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	items, err := h.datasets.Items(ctx, actorOf(ctx), dataset.ItemQuery{
		DatasetID: in.DatasetID, Number: in.Version, Type: in.Type, Tag: in.Tag, Text: in.Text, From: from, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := &itemsOutput{Body: page[datasetItemBody]{Items: make([]datasetItemBody, len(items.Items))}}
	for i := range items.Items {
		out.Body.Items[i] = showItem(in.DatasetID, items.Number, &items.Items[i].DatasetItem, items.Items[i].Files)
	}
	out.Body.NextCursor, err = sealNext(ctx, h.cursors, items.Next)
	return out, err
}

// sealNext is the cursor of a position that is zero on the last page.
func sealNext[P comparable](ctx context.Context, c codec[P], next P) (*string, error) {
	var none P
	if next == none {
		return nil, nil //nolint:nilnil // the last page has none
	}
	cursor, err := c.seal(ctx, next)
	return &cursor, err
}

// ItemInput names an item.
type ItemInput struct {
	ItemID core.DatasetItemID `path:"item_id" format:"uuid" doc:"The item" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e42"`
}

type getItemInput struct {
	ItemInput
	ConditionalInput
}

type itemOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"1\""`
	Body   datasetItemBody
}

func (h datasetItemRoutes) get(ctx context.Context, in *getItemInput) (*itemOutput, error) {
	f, err := h.datasets.Item(ctx, actorOf(ctx), in.ItemID)
	if err != nil {
		return nil, err
	}
	tag := etag(1) // it never changes
	return &itemOutput{fresh(in.IfNoneMatch, tag), tag, showItem(f.Dataset.ID, f.Number, &f.Item, f.Files)}, nil
}

type signItemInput struct {
	ItemInput
	Role string `path:"role" maxLength:"63" doc:"What the file is to the item" example:"main"`
	Body *struct {
		Disposition string `json:"disposition,omitempty" enum:"inline,attachment" doc:"To show or to save; to save if left out" example:"inline"`
		TTLSeconds  int    `json:"ttl_seconds,omitempty" minimum:"60" maximum:"300" doc:"How long the URL lives; 300 if left out" example:"120"`
	}
}

type itemURLBody struct {
	URL         string    `json:"url" format:"uri" doc:"Where the bytes are; good for whoever has it, until it expires" example:"https://files.example.com/blobs/a?signature=5f1c"`
	ExpiresAt   time.Time `json:"expires_at" doc:"Until when the URL is valid"`
	ContentType string    `json:"content_type" doc:"Its media type" example:"image/jpeg"`
	SizeBytes   int64     `json:"size_bytes" doc:"Its size" example:"5000000"`
	FileName    string    `json:"file_name" doc:"What to call the file" example:"1.jpg"`
}

type itemURLOutput struct{ Body itemURLBody }

func (h datasetItemRoutes) sign(ctx context.Context, in *signItemInput) (*itemURLOutput, error) {
	show, ttl := false, defaultURLTTL
	if in.Body != nil {
		show = in.Body.Disposition == inline
		if in.Body.TTLSeconds != 0 {
			ttl = in.Body.TTLSeconds
		}
	}
	s, err := h.datasets.SignFile(ctx, actorOf(ctx), in.ItemID, in.Role, show, time.Duration(ttl)*time.Second)
	if err != nil {
		return nil, err
	}
	return &itemURLOutput{itemURLBody{s.URL, s.ExpiresAt, s.File.ContentType, s.File.SizeBytes, s.File.Name}}, nil
}
