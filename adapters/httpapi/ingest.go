package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/core"
)

type ingestRoutes struct {
	datasets *dataset.Service
	assets   *asset.Service
	timeout  time.Duration
}

const sessionPath = "/api/ingest/sessions/{session_id}"

func (h ingestRoutes) mount(api huma.API) {
	register(api, operation{
		id: "beginIngest", method: http.MethodPost, path: "/api/ingest/datasets", tag: tagDatasets, status: http.StatusCreated,
		codes:   []string{"not_found", "forbidden", "slug_taken", "dataset_archived"},
		summary: "Begin to ingest",
		about:   "Opens a session that brings the files and items of a version together. If the organisation has no dataset of the slug it is made, with a drive of its own. One that is there is not changed: leave out what you do not want to repeat. A session is good for seven days after it was used last.",
	}, h.begin)
	register(api, operation{
		id: "getIngestSession", method: http.MethodGet, path: sessionPath, tag: tagDatasets,
		codes:   []string{"dataset_archived"},
		summary: "An ingest session", about: "Tells how far a session is: items counts what is stored while it publishes.",
	}, h.get)
	register(api, operation{
		id: "abortIngestSession", method: http.MethodDelete, path: sessionPath, tag: tagDatasets, status: http.StatusNoContent,
		codes:   []string{"session_closed", "publish_in_progress", "dataset_archived"},
		summary: "Abort an ingest session", about: "Ends a session without a version. Uploads that are not complete are given up, and files that it has brought and that nothing else shows are removed.",
	}, h.abort)
	register(api, operation{
		id: "registerIngestAssets", method: http.MethodPost, path: "/api/ingest/assets:batch", tag: tagDatasets,
		codes:   []string{"not_found", "session_closed", "publish_in_progress", "dataset_archived", "forbidden", "limit_exceeded", "name_taken", "conflict"},
		summary: "Register files",
		about:   "Registers up to 1,000 files of a version, all or none: by path, with a signed upload each, or by asset_id, a file of any drive that you may read, whose current version is taken without a copy. Paths are folders of the dataset's drive, made as they are needed. A file that is at the path already gets another version; if it has the same size and checksum_sha256, upload is null and there is nothing to send. The same request again continues the same uploads.",
	}, h.register)
	register(api, operation{
		id: "completeIngestAssets", method: http.MethodPost, path: "/api/ingest/assets:complete", tag: tagDatasets,
		codes:   []string{"not_found", "session_closed", "publish_in_progress", "dataset_archived", "forbidden"},
		summary: "Complete uploads",
		about:   "Completes up to 1,000 uploads, each by itself: the answer says of each whether its file is ready, or why not.",
	}, h.complete)
	h.mountPublish(api)
}

// IngestSessionBody is a session.
type IngestSessionBody struct {
	ID          core.IngestSessionID `json:"id" format:"uuid" doc:"Identifies the session" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
	DatasetID   core.DatasetID       `json:"dataset_id" format:"uuid" doc:"The dataset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e42"`
	AccountID   core.AccountID       `json:"account_id" format:"uuid" doc:"The account that opened it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Status      core.IngestStatus    `json:"status" enum:"open,publishing,published,aborted,expired" doc:"Only an open one takes files" example:"open"`
	BaseVersion int64                `json:"base_version" doc:"The version that was current when it was opened; 0: none" example:"3"`
	Items       int64                `json:"items" doc:"How many items are stored, while it publishes and after" example:"120000"`
	Version     *int64               `json:"version" doc:"The version it has published; null: none" example:"4"`
	CreatedAt   time.Time            `json:"created_at" doc:"When it was opened"`
	ExpiresAt   time.Time            `json:"expires_at" doc:"When it ends if nobody uses it"`
	ClosedAt    *time.Time           `json:"closed_at" doc:"When it ended; null: it has not"`
}

func showIngestSession(s *core.IngestSession) IngestSessionBody {
	return IngestSessionBody{
		ID: s.ID, DatasetID: s.DatasetID, AccountID: s.AccountID, Status: s.Status, BaseVersion: s.BaseVersion, Items: s.Items,
		Version: orNull(s.Published), CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt, ClosedAt: timeOrNull(s.ClosedAt),
	}
}

type ingestBegunBody struct {
	Dataset datasetBody       `json:"dataset" doc:"The dataset"`
	Session IngestSessionBody `json:"session" doc:"The session"`
}

func showBegun(b dataset.Begun) ingestBegunBody {
	return ingestBegunBody{showDataset(&b.Dataset), showIngestSession(&b.Session)}
}

type beginIngestInput struct {
	GroupsInput
	OnceInput
	Body struct {
		Slug        string                      `json:"slug" minLength:"3" maxLength:"63" doc:"Lower-case letters, digits, and single hyphens between them" example:"street-signs"`
		Name        string                      `json:"name,omitempty" maxLength:"200" doc:"What to call it; the slug if left out" example:"Street signs"`
		Description *string                     `json:"description,omitempty" maxLength:"10000" doc:"What it is about; plain text" example:"Photographs of signs."`
		Visibility  *core.Visibility            `json:"visibility,omitempty" enum:"org,restricted" doc:"Whether everybody in the organisation may view it (org, which a new one is if it is left out), or those with a grant" example:"restricted"`
		ItemSchemas *map[string]json.RawMessage `json:"item_schemas,omitempty" doc:"JSON Schemas 2020-12 by the type of the items they are for, in place of or beside the built-in ones"`
	}
}

type ingestBegunOutput struct{ Body ingestBegunBody }

func (h ingestRoutes) begin(ctx context.Context, in *beginIngestInput) (*ingestBegunOutput, error) {
	wish, err := once(ctx, in.OnceInput, showBegun)
	if err != nil {
		return nil, err
	}
	if wish != nil { // which organisation it is for is a part of the request
		wish.Request = append(wish.Request, in.OrgID.String()...)
	}
	b := &in.Body
	out, err := h.datasets.Begin(ctx, actorOf(ctx), dataset.BeginInput{
		OrgID: in.OrgID, Slug: b.Slug, Name: b.Name, Description: b.Description, Visibility: b.Visibility,
		Schemas: (*core.ItemSchemas)(b.ItemSchemas), Once: wish,
	})
	if err != nil {
		return nil, err
	}
	return &ingestBegunOutput{showBegun(out)}, nil
}

// IngestSessionInput names a session.
type IngestSessionInput struct {
	SessionID core.IngestSessionID `path:"session_id" format:"uuid" doc:"The session" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e41"`
}

type ingestSessionOutput struct{ Body IngestSessionBody }

func (h ingestRoutes) get(ctx context.Context, in *IngestSessionInput) (*ingestSessionOutput, error) {
	s, err := h.datasets.Session(ctx, actorOf(ctx), in.SessionID)
	if err != nil {
		return nil, err
	}
	return &ingestSessionOutput{showIngestSession(s)}, nil
}

func (h ingestRoutes) abort(ctx context.Context, in *IngestSessionInput) (*struct{}, error) {
	return nil, h.datasets.Abort(ctx, actorOf(ctx), in.SessionID)
}
