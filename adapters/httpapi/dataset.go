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

type datasetRoutes struct {
	datasets *dataset.Service
	cursors  codec[core.DatasetID]
	versions codec[int64]
	logs     codec[core.DatasetAccessID]
	diffs    codec[diffPosition]
	timeout  time.Duration // of each page of an export
}

const (
	datasetsPath = "/api/datasets"
	datasetPath  = datasetsPath + "/{dataset_id}"
)

func (h datasetRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listDatasets", method: http.MethodGet, path: datasetsPath, tag: tagDatasets, codes: []string{"not_found"},
		summary: "An organisation's datasets", about: "Lists datasets that you may view, newest first; to those who may publish in them also drafts and archived ones.",
	}, h.list)
	register(api, operation{
		id: "getDataset", method: http.MethodGet, path: datasetPath, tag: tagDatasets, also: notModified,
		summary: "One dataset", about: "Returns a dataset that you may view.",
	}, h.get)
	register(api, operation{
		id: "updateDataset", method: http.MethodPatch, path: datasetPath, tag: tagDatasets, codes: []string{"forbidden", "slug_taken", "dataset_unpublished"},
		summary: "Change a dataset",
		about:   "For its creator, and for owners and admins of the organisation. Members that are left out stay as they are. With status archived, it is shown to those only who may publish in it. Other item_schemas are for what is published from then on.",
	}, h.update)
	register(api, operation{
		id: "deleteDataset", method: http.MethodDelete, path: datasetPath, tag: tagDatasets, status: http.StatusNoContent, codes: []string{"forbidden"},
		summary: "Delete a dataset",
		about:   "For its creator, and for owners and admins of the organisation. It goes for good, with all versions, annotations, its access log, and its drive with the files in it.",
	}, h.remove)
	register(api, operation{
		id: "listDatasetVersions", method: http.MethodGet, path: datasetPath + "/versions", tag: tagDatasets,
		summary: "What was published of a dataset", about: "Lists the versions, newest first. They never change, and stay readable.",
	}, h.published)
	register(api, operation{
		id: "compareDatasetVersions", method: http.MethodGet, path: datasetPath + "/diff", tag: tagDatasets, codes: []string{"dataset_unpublished", "validation_failed"},
		summary: "What differs between two versions",
		about:   "Lists the items, by external_id, that were added or removed from one version to the other, and those of which something differs, with the names of what does. A page can have fewer than limit and yet not be the last: go on until next_cursor is null.",
	}, h.diff)
	register(api, operation{
		id: "getDatasetGrants", method: http.MethodGet, path: datasetPath + "/grants", tag: tagDatasets, codes: []string{"forbidden"}, also: notModified,
		summary: "Who may do what with a dataset", about: "Returns the grants of a dataset, for those who may change it.",
	}, h.grants)
	register(api, operation{
		id: "setDatasetGrants", method: http.MethodPut, path: datasetPath + "/grants", tag: tagDatasets, codes: []string{"forbidden"},
		summary: "Say who may do what with a dataset",
		about: "Replaces all grants, for those who may change the dataset. One for an account decides in place of one for its role. Owners and admins of the organisation, and who has made the dataset, have all rights; if its visibility is org, every account may view it, and members may annotate it, without a grant. " +
			"Who may publish may write in the dataset's drive.",
	}, h.setGrants)
	register(api, operation{
		id: "listDatasetAccesses", method: http.MethodGet, path: datasetPath + "/access-log", tag: tagDatasets, codes: []string{"forbidden", "validation_failed"},
		summary: "Who looked at a dataset",
		about:   "Lists what was looked at, newest first, for those who may change the dataset. list: a page of its items; view: an item; file: a signed URL of a file was handed out; export: its items or annotations as one file; diff: two versions were compared; annotate: annotations were read.",
	}, h.accesses)
	h.mountExport(api)
}

type datasetBody struct {
	ID             core.DatasetID             `json:"id" format:"uuid" doc:"Identifies the dataset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
	OrgID          core.OrgID                 `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	DriveID        core.DriveID               `json:"drive_id" format:"uuid" doc:"The drive of its files" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	Slug           string                     `json:"slug" doc:"Its name for programs" example:"harbour-2026"`
	Name           string                     `json:"name" doc:"What it is called" example:"Harbour, 2026"`
	Description    string                     `json:"description" doc:"What it is about; plain text" example:"Pictures of each morning."`
	Status         core.DatasetStatus         `json:"status" enum:"draft,published,archived" doc:"For whom it is there: a draft has no version yet, an archived one is shown to those only who may publish in it" example:"published"`
	Visibility     core.Visibility            `json:"visibility" enum:"org,restricted" doc:"Who may view it without a grant: everybody in the organisation, or nobody" example:"org"`
	ItemSchemas    map[string]json.RawMessage `json:"item_schemas" doc:"JSON Schemas 2020-12 of its items by their types, beside and in place of the built-in ones"`
	CurrentVersion *int64                     `json:"current_version" doc:"The number of the version that is shown; null: nothing has been published" example:"3"`
	CreatedBy      core.AccountID             `json:"created_by" format:"uuid" doc:"The account that made it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Version        int64                      `json:"version" doc:"Counts its changes, and those of its grants; the ETag" example:"1"`
	CreatedAt      time.Time                  `json:"created_at" doc:"When it was made"`
	UpdatedAt      time.Time                  `json:"updated_at" doc:"When it was last changed"`
}

func showDataset(d *core.Dataset) datasetBody {
	schemas := d.Schemas
	if schemas == nil {
		schemas = core.ItemSchemas{}
	}
	return datasetBody{
		ID: d.ID, OrgID: d.OrgID, DriveID: d.DriveID, Slug: d.Slug, Name: d.Name, Description: d.Description, Status: d.Status,
		Visibility: d.Visibility, ItemSchemas: schemas, CurrentVersion: orNull(d.CurrentVersion), CreatedBy: d.CreatedBy,
		Version: d.Version, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}

// DatasetsInput names the org whose datasets a request is about.
type DatasetsInput struct {
	OrgID core.OrgID `query:"org_id" format:"uuid" doc:"The organisation; left out: the one you have switched to" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
}

type listDatasetsInput struct {
	DatasetsInput
	Status core.DatasetStatus `query:"status" enum:"draft,published,archived" doc:"Only datasets in this state" example:"published"`
	Text   string             `query:"q" maxLength:"255" doc:"Only datasets with this in their name, in any case" example:"harbour"`
	PageInput
}

type datasetsOutput struct{ Body page[datasetBody] }

func (h datasetRoutes) list(ctx context.Context, in *listDatasetsInput) (*datasetsOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.datasets.List(ctx, actorOf(ctx), dataset.Query{OrgID: in.OrgID, Status: in.Status, Text: in.Text, Before: before, Limit: in.more()})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, showDataset, func(d *core.Dataset) core.DatasetID { return d.ID })
	return &datasetsOutput{out}, err
}

// DatasetInput names a dataset.
type DatasetInput struct {
	DatasetID core.DatasetID `path:"dataset_id" format:"uuid" doc:"The dataset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
}

type getDatasetInput struct {
	DatasetInput
	ConditionalInput
}

type datasetOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body   datasetBody
}

func (h datasetRoutes) get(ctx context.Context, in *getDatasetInput) (*datasetOutput, error) {
	d, err := h.datasets.Get(ctx, actorOf(ctx), in.DatasetID)
	if err != nil {
		return nil, err
	}
	tag := etag(d.Version)
	return &datasetOutput{fresh(in.IfNoneMatch, tag), tag, showDataset(d)}, nil
}

type datasetVersionBody struct {
	Number       int64          `json:"number" doc:"Counts the versions, from 1" example:"3"`
	Items        int64          `json:"items" doc:"How many items it has" example:"1200"`
	ManifestHash string         `json:"manifest_hash" doc:"SHA-256 of what is stored of its items, in hexadecimal: the same for the same content" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	CreatedBy    core.AccountID `json:"created_by" format:"uuid" doc:"The account that published it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	PublishedAt  time.Time      `json:"published_at" doc:"When it was published"`
}

func showDatasetVersion(v *core.DatasetVersion) datasetVersionBody {
	return datasetVersionBody{v.Number, v.Items, hex.EncodeToString(v.ManifestHash), v.CreatedBy, v.PublishedAt}
}

type datasetVersionsInput struct {
	DatasetInput
	PageInput
}

type datasetVersionsOutput struct{ Body page[datasetVersionBody] }

func (h datasetRoutes) published(ctx context.Context, in *datasetVersionsInput) (*datasetVersionsOutput, error) {
	before, err := h.versions.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.datasets.Versions(ctx, actorOf(ctx), in.DatasetID, before, in.more())
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.versions, rows, showDatasetVersion, func(v *core.DatasetVersion) int64 { return v.Number })
	return &datasetVersionsOutput{out}, err
}
