package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

func (h nodeRoutes) mountBulk(api huma.API) {
	register(api, operation{
		id: "changeNodes", method: http.MethodPost, path: "/api/nodes/bulk", tag: tagDrives, keys: true, codes: []string{"validation_failed"},
		summary: "Change many nodes",
		about:   "Moves, trashes, restores, purges or tags up to 1,000 folders and files, each by itself and in the order given: one that fails does not keep the others. The answer says of each what came of it, with the problem that the single operation would have answered.",
	}, h.bulk)
	register(api, operation{
		id: "downloadFolder", method: http.MethodGet, path: nodePath + "/archive", tag: tagDrives, keys: true,
		codes: []string{"forbidden", "trashed", "not_a_folder"}, answer: archiveAnswer,
		summary: "A folder as a zip file",
		about:   "Streams a zip file of everything in a folder and below it, uncompressed, under names that every system can have. A file that breaks off lacks its end, which readers of zip files notice.",
	}, h.archive)
}

type bulkInput struct {
	Body struct {
		Op         string           `json:"op" enum:"move,trash,restore,purge,tag" doc:"What to do with each" example:"move"`
		IDs        []core.NodeID    `json:"ids" minItems:"1" maxItems:"1000" doc:"The folders and files" example:"[\"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15\"]"`
		ParentID   core.NodeID      `json:"parent_id,omitzero" format:"uuid" doc:"For move and restore: the folder to put them into; for move, the drive's root if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
		DriveID    core.DriveID     `json:"drive_id,omitzero" format:"uuid" doc:"For move: the drive to move them to, if another" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
		OnConflict drive.OnConflict `json:"on_conflict,omitempty" enum:"fail,rename" default:"fail" doc:"For move: what to do if a name is taken" example:"fail"`
		Add        []string         `json:"add_tags,omitempty" maxItems:"100" doc:"For tag: the tags to add" example:"[\"holiday\"]"`
		Remove     []string         `json:"remove_tags,omitempty" maxItems:"100" doc:"For tag: the tags to remove" example:"[\"draft\"]"`
	}
}

type bulkResult struct {
	ID    core.NodeID `json:"id" format:"uuid" doc:"The folder or file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	OK    bool        `json:"ok" doc:"Whether it was done"`
	Node  *nodeBody   `json:"node,omitzero" doc:"What it is now; left out if it was not done, or is gone"`
	Error *bulkError  `json:"error,omitzero" doc:"Why it was not done; left out if it was"`
}

// bulkError is the problem that the single operation would have answered.
type bulkError struct {
	Code    string         `json:"code" doc:"The kind of problem, for programs" example:"name_taken"`
	Status  int            `json:"status" doc:"The HTTP status that the single operation would have" example:"409"`
	Detail  string         `json:"detail" doc:"What went wrong, for people" example:"there is already something with this name in the folder"`
	Details map[string]any `json:"details" doc:"Further members of the problem"`
}

func bulkErrorOf(p *problem) *bulkError { return &bulkError{p.Code, p.Status, p.Detail, p.Details} }

type bulkOutput struct {
	Body struct {
		Items []bulkResult `json:"items" doc:"What came of each, in the order given"`
	}
}

func (h nodeRoutes) bulk(ctx context.Context, in *bulkInput) (*bulkOutput, error) {
	out, failed := &bulkOutput{}, false
	for i, id := range in.Body.IDs {
		r := bulkResult{ID: id}
		e, err := h.one(ctx, in, id)
		switch {
		case i == 0 && (core.KindOf(err) == core.KindUnauthenticated || errors.Is(err, core.ErrUserDisabled)):
			return nil, err // it is about the caller, not about the node
		case err != nil:
			p := explain(ctx, err)
			r.Error = bulkErrorOf(p)
			failed = failed || p.Status >= http.StatusInternalServerError
		case e != nil:
			r.OK, r.Node = true, new(showEntry(*e))
		default:
			r.OK = true
		}
		out.Body.Items = append(out.Body.Items, r)
	}
	if !failed { // what was refused is no failure of the request
		requestOf(ctx).failed = nil
	}
	return out, nil
}

// one does to a node what the single operation would do.
func (h nodeRoutes) one(ctx context.Context, in *bulkInput, id core.NodeID) (*drive.Entry, error) {
	body := &in.Body
	sc, err := h.drives.EnterAt(ctx, actorOf(ctx), id)
	if err != nil {
		return nil, err
	}
	switch body.Op {
	case "move":
		to := drive.Target{ParentID: body.ParentID, OnConflict: body.OnConflict}
		if to.Scope, err = h.target(ctx, sc, body.DriveID, body.ParentID); err != nil {
			return nil, err
		}
		return h.drives.Move(ctx, sc, id, to, 0)
	case "trash", "purge":
		return nil, h.drives.Delete(ctx, sc, id, body.Op == "purge", 0)
	case "restore":
		return h.drives.Restore(ctx, sc, id, drive.RestoreInput{ParentID: body.ParentID})
	}
	e, err := h.drives.Changeable(ctx, sc, id)
	switch {
	case err != nil:
		return nil, err
	case e.Node.Kind != core.KindAsset:
		return nil, errNotFile
	}
	if _, err := h.assets.Tag(ctx, actorOf(ctx), id, body.Add, body.Remove); err != nil {
		return nil, err
	}
	return h.drives.Changeable(ctx, sc, id)
}

var errNotFile = &core.Error{Kind: core.KindConflict, Code: "not_a_file", Message: "this is a folder; only files have tags"}

type archiveOutput struct{ Body func(huma.Context) }

const zipType = "application/zip"

func archiveAnswer(huma.Registry) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{zipType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "A zip file"}}}
}

func (h nodeRoutes) archive(ctx context.Context, in *NodeInput) (*archiveOutput, error) {
	actor := actorOf(ctx)
	sc, err := h.drives.EnterAt(ctx, actor, in.NodeID)
	if err != nil {
		return nil, err
	}
	again := func(ctx context.Context) error { // a right that ends while the archive is written ends the archive
		sc, err := h.drives.EnterAt(ctx, actor, in.NodeID)
		if err != nil {
			return err
		}
		return sc.CanRead()
	}
	a, err := h.drives.OpenArchive(ctx, sc, in.NodeID, again)
	if err != nil {
		return nil, err
	}
	return archiveAnswerOf(ctx, a, h.timeout), nil
}

func archiveAnswerOf(ctx context.Context, a *drive.Archive, patience time.Duration) *archiveOutput {
	return &archiveOutput{func(c huma.Context) { sendArchive(ctx, humaecho.UnwrapV4(c).Response(), a, patience) }}
}

// sendArchive writes an archive as the answer, which may take as long as it
// makes progress. One that breaks off ends the connection, so that nobody takes
// it for whole.
func sendArchive(ctx context.Context, res *echo.Response, a *drive.Archive, patience time.Duration) {
	h := res.Header()
	h.Set("Content-Type", zipType)
	h.Set("Content-Disposition", core.ContentDisposition(false, a.Name))
	h.Set("Cache-Control", "private, no-store")
	res.WriteHeader(http.StatusOK)
	w := &patientWriter{w: res, patience: patience, deadlines: http.NewResponseController(res.Writer)}
	if err := a.Write(connOf(ctx), w); err != nil {
		requestOf(ctx).failed = err
		panic(http.ErrAbortHandler)
	}
}
