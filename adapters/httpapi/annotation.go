package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/core"
)

type annotationRoutes struct {
	datasets *dataset.Service
	cursors  codec[core.AnnotationID]
	versions codec[int64]
}

const annotationPath = "/api/annotations/{annotation_id}"

const aboutAnnotations = "comment has text; label has label, and perhaps confidence (0 to 1) and text; region has x, y, width and height in parts (0 to 1) of what it is on, and perhaps page, label and text; " +
	"range has start, end and unit (seconds or chars), and perhaps label and text."

func (h annotationRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listItemAnnotations", method: http.MethodGet, path: itemPath + "/annotations", tag: tagDatasets,
		summary: "What is said about an item", about: "Lists the annotations of the item of this external_id, in whichever version they were made, the oldest first.",
	}, h.ofItem)
	register(api, operation{
		id: "annotateItem", method: http.MethodPost, path: itemPath + "/annotations", tag: tagDatasets, status: http.StatusCreated, codes: []string{"forbidden", "dataset_archived"},
		summary: "Say something about an item",
		about:   "Makes an annotation, which belongs to the item of this external_id in later versions, too. It needs the right to annotate. What is in body depends on kind: " + aboutAnnotations,
	}, h.create)
	register(api, operation{
		id: "listDatasetAnnotations", method: http.MethodGet, path: datasetPath + "/annotations", tag: tagDatasets, codes: []string{"validation_failed"},
		summary: "What is said about a dataset's items", about: "Lists annotations, the oldest first; also those of items that the current version has not.",
	}, h.ofDataset)
	register(api, operation{
		id: "getAnnotation", method: http.MethodGet, path: annotationPath, tag: tagDatasets, also: notModified,
		summary: "One annotation", about: "Returns an annotation of a dataset that you may view.",
	}, h.get)
	register(api, operation{
		id: "updateAnnotation", method: http.MethodPatch, path: annotationPath, tag: tagDatasets, codes: []string{"forbidden", "dataset_archived"},
		summary: "Say something else",
		about:   "Replaces the body of an annotation, for its author. What it said before stays to be seen. What is in body depends on kind: " + aboutAnnotations,
	}, h.update)
	register(api, operation{
		id: "deleteAnnotation", method: http.MethodDelete, path: annotationPath, tag: tagDatasets, status: http.StatusNoContent, codes: []string{"forbidden", "dataset_archived"},
		summary: "Delete an annotation", about: "Removes an annotation with what it said before, for its author and for those who may change the dataset.",
	}, h.remove)
	register(api, operation{
		id: "listAnnotationVersions", method: http.MethodGet, path: annotationPath + "/versions", tag: tagDatasets,
		summary: "What an annotation said before", about: "Lists what an annotation said before each change, newest first.",
	}, h.history)
}

// AnnotationBody is an annotation.
type AnnotationBody struct {
	ID            core.AnnotationID   `json:"id" format:"uuid" doc:"Identifies the annotation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e61"`
	DatasetID     core.DatasetID      `json:"dataset_id" format:"uuid" doc:"The dataset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
	ExternalID    string              `json:"external_id" doc:"The item, in each version" example:"harbour/1"`
	VersionNumber int64               `json:"version_number" doc:"In which version of the dataset it was made" example:"3"`
	AuthorID      core.AccountID      `json:"author_id" format:"uuid" doc:"The account that made it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Kind          core.AnnotationKind `json:"kind" enum:"comment,label,region,range" doc:"What it is about" example:"comment"`
	Body          json.RawMessage     `json:"body" doc:"What it says; an object"`
	Version       int64               `json:"version" doc:"Counts its changes; the ETag" example:"1"`
	CreatedAt     time.Time           `json:"created_at" doc:"When it was made"`
	UpdatedAt     time.Time           `json:"updated_at" doc:"When it was last changed"`
}

func showAnnotation(a *core.Annotation) AnnotationBody {
	return AnnotationBody{a.ID, a.DatasetID, a.ExternalID, a.Number, a.AuthorID, a.Kind, a.Body, a.Version, a.CreatedAt, a.UpdatedAt}
}

type listedAnnotationBody struct {
	AnnotationBody
	Orphaned bool `json:"orphaned" doc:"Whether the current version has no item of this external_id"`
}

func showListedAnnotation(a dataset.ListedAnnotation) listedAnnotationBody {
	return listedAnnotationBody{showAnnotation(&a.Annotation), a.Orphaned}
}

type itemAnnotationsInput struct {
	ItemInput
	PageInput
}

type annotationsOutput struct{ Body page[listedAnnotationBody] }

func (h annotationRoutes) page(ctx context.Context, in PageInput, load func(after core.AnnotationID) ([]dataset.ListedAnnotation, error)) (*annotationsOutput, error) {
	after, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := load(after)
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in, h.cursors, rows, showListedAnnotation, func(a dataset.ListedAnnotation) core.AnnotationID { return a.ID })
	return &annotationsOutput{out}, err
}

func (h annotationRoutes) ofItem(ctx context.Context, in *itemAnnotationsInput) (*annotationsOutput, error) {
	return h.page(ctx, in.PageInput, func(after core.AnnotationID) ([]dataset.ListedAnnotation, error) {
		return h.datasets.AnnotationsOf(ctx, actorOf(ctx), in.ItemID, after, in.more())
	})
}

type datasetAnnotationsInput struct {
	DatasetInput
	ExternalID string              `query:"external_id" maxLength:"255" doc:"Only of the item of this name" example:"harbour/1"`
	Kind       core.AnnotationKind `query:"kind" enum:"comment,label,region,range" doc:"Only this kind" example:"label"`
	AuthorID   core.AccountID      `query:"author_id" format:"uuid" doc:"Only by this account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	PageInput
}

func (h annotationRoutes) ofDataset(ctx context.Context, in *datasetAnnotationsInput) (*annotationsOutput, error) {
	return h.page(ctx, in.PageInput, func(after core.AnnotationID) ([]dataset.ListedAnnotation, error) {
		return h.datasets.Annotations(ctx, actorOf(ctx), dataset.AnnotationQuery{
			DatasetID: in.DatasetID, ExternalID: in.ExternalID, Kind: in.Kind, Author: in.AuthorID, After: after, Limit: in.more(),
		})
	})
}

type createAnnotationInput struct {
	ItemInput
	OnceInput
	Body struct {
		Kind core.AnnotationKind `json:"kind" enum:"comment,label,region,range" doc:"What it is about" example:"comment"`
		Body map[string]any      `json:"body" doc:"What it says" example:"{\"text\":\"The light is wrong.\"}"`
	}
}

type createdAnnotationOutput struct {
	Location string `header:"Location" doc:"Where the annotation is" example:"/api/annotations/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e61"`
	ETag     string `header:"ETag" doc:"The version of the resource" example:"\"1\""`
	Body     AnnotationBody
}

func (h annotationRoutes) create(ctx context.Context, in *createAnnotationInput) (*createdAnnotationOutput, error) {
	wish, err := once(ctx, in.OnceInput, showAnnotation)
	if err != nil {
		return nil, err
	}
	a, err := h.datasets.Annotate(ctx, actorOf(ctx), in.ItemID, dataset.AnnotationInput{Kind: in.Body.Kind, Body: in.Body.Body, Once: wish})
	if err != nil {
		return nil, err
	}
	return &createdAnnotationOutput{"/api/annotations/" + a.ID.String(), etag(a.Version), showAnnotation(a)}, nil
}

// AnnotationInput names an annotation.
type AnnotationInput struct {
	AnnotationID core.AnnotationID `path:"annotation_id" format:"uuid" doc:"The annotation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e61"`
}

type getAnnotationInput struct {
	AnnotationInput
	ConditionalInput
}

type annotationOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body   AnnotationBody
}

func (h annotationRoutes) get(ctx context.Context, in *getAnnotationInput) (*annotationOutput, error) {
	a, err := h.datasets.Annotation(ctx, actorOf(ctx), in.AnnotationID)
	if err != nil {
		return nil, err
	}
	tag := etag(a.Version)
	return &annotationOutput{fresh(in.IfNoneMatch, tag), tag, showAnnotation(a)}, nil
}

type updateAnnotationInput struct {
	AnnotationInput
	MatchInput
	Body struct {
		Kind core.AnnotationKind `json:"kind,omitempty" enum:"comment,label,region,range" doc:"What it is about; left out: as it is" example:"comment"`
		Body map[string]any      `json:"body" doc:"All that it says" example:"{\"text\":\"The light is right now.\"}"`
	}
}

func (h annotationRoutes) update(ctx context.Context, in *updateAnnotationInput) (*annotationOutput, error) {
	version, err := h.expected(ctx, in.AnnotationID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	a, err := h.datasets.ChangeAnnotation(ctx, actorOf(ctx), in.AnnotationID, dataset.AnnotationInput{Kind: in.Body.Kind, Body: in.Body.Body}, version)
	if err != nil {
		return nil, err
	}
	return &annotationOutput{http.StatusOK, etag(a.Version), showAnnotation(a)}, nil
}

func (h annotationRoutes) expected(ctx context.Context, id core.AnnotationID, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		a, err := h.datasets.Annotation(ctx, actorOf(ctx), id)
		if err != nil {
			return 0, err
		}
		return a.Version, nil
	})
}

type deleteAnnotationInput struct {
	AnnotationInput
	MatchInput
}

func (h annotationRoutes) remove(ctx context.Context, in *deleteAnnotationInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.AnnotationID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.datasets.DeleteAnnotation(ctx, actorOf(ctx), in.AnnotationID, version)
}

type annotationVersionBody struct {
	Version int64               `json:"version" doc:"Which version of the annotation it was" example:"1"`
	Kind    core.AnnotationKind `json:"kind" enum:"comment,label,region,range" doc:"What it was about" example:"comment"`
	Body    json.RawMessage     `json:"body" doc:"What it said; an object"`
	At      time.Time           `json:"at" doc:"When it was said"`
}

func showAnnotationVersion(v core.AnnotationVersion) annotationVersionBody {
	return annotationVersionBody{v.Version, v.Kind, v.Body, v.At}
}

type annotationVersionsInput struct {
	AnnotationInput
	PageInput
}

type annotationVersionsOutput struct {
	Body page[annotationVersionBody]
}

func (h annotationRoutes) history(ctx context.Context, in *annotationVersionsInput) (*annotationVersionsOutput, error) {
	before, err := h.versions.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.datasets.AnnotationVersions(ctx, actorOf(ctx), in.AnnotationID, before, in.more())
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.versions, rows, showAnnotationVersion, func(v core.AnnotationVersion) int64 { return v.Version })
	return &annotationVersionsOutput{out}, err
}
