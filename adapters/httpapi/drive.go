package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

type driveRoutes struct {
	drives  *drive.Service
	cursors codec[string]
}

func (h driveRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listNodes", method: http.MethodGet, path: "/api/drives/{drive_id}/nodes", tag: tagDrives,
		summary: "What is in a folder", about: "Lists the folders and files directly in a folder, or at the drive's root, by name.",
	}, h.nodes)
}

type driveBody struct {
	ID             core.DriveID    `json:"id" format:"uuid" doc:"Identifies the drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	OrgID          core.OrgID      `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	OwnerAccountID *core.AccountID `json:"owner_account_id" format:"uuid" doc:"The one account it belongs to; null: it is shared" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Name           string          `json:"name" doc:"What people call it" example:"Personal"`
	DefaultRole    *core.DriveRole `json:"default_role" enum:"viewer,editor,admin" doc:"What members of the organisation may do here; null: nothing" example:"viewer"`
	QuotaBytes     *int64          `json:"quota_bytes" doc:"What its files may take; null: only the licence limits it" example:"1000000000"`
	UsedBytes      int64           `json:"used_bytes" doc:"What its files take, versions and trash included" example:"5000000"`
	CreatedAt      time.Time       `json:"created_at" doc:"When it was made"`
	UpdatedAt      time.Time       `json:"updated_at" doc:"When it was last changed"`
}

func showDrive(d *core.Drive) driveBody {
	body := driveBody{
		ID: d.ID, OrgID: d.OrgID, Name: d.Name, QuotaBytes: limit(d.QuotaBytes), UsedBytes: d.UsedBytes,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
	if d.IsPersonal() {
		body.OwnerAccountID = &d.OwnerAccountID
	}
	if d.DefaultRole != core.DriveNone {
		body.DefaultRole = &d.DefaultRole
	}
	return body
}

type nodeBody struct {
	ID        core.NodeID   `json:"id" format:"uuid" doc:"Identifies the node; of a file, the asset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	OrgID     core.OrgID    `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	DriveID   core.DriveID  `json:"drive_id" format:"uuid" doc:"The drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	ParentID  *core.NodeID  `json:"parent_id" format:"uuid" doc:"The folder it is in; null: the drive's root" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
	Kind      core.NodeKind `json:"kind" enum:"folder,asset" doc:"What it is" example:"asset"`
	Name      string        `json:"name" doc:"What it is called; unique in its folder" example:"holiday.jpg"`
	Version   int64         `json:"version" doc:"Counts its changes" example:"1"`
	CreatedAt time.Time     `json:"created_at" doc:"When it was made"`
	UpdatedAt time.Time     `json:"updated_at" doc:"When it was last changed"`
	*FileBody
}

// FileBody is what a file has and a folder has not.
type FileBody struct {
	Status      core.AssetStatus `json:"status,omitzero" enum:"pending,ready" doc:"Of a file: whether its bytes have arrived" example:"ready"`
	ContentType string           `json:"content_type,omitempty" doc:"Of a file: its media type" example:"image/jpeg"`
	SizeBytes   int64            `json:"size_bytes" required:"false" doc:"Of a file: its size" example:"5000000"`
}

// parentOf shows the folder a node is in: null at the drive's root.
func parentOf(n *core.Node) *core.NodeID {
	if n.ParentID == core.RootOf(n.DriveID) {
		return nil
	}
	return &n.ParentID
}

func showNode(n *core.Node, f *core.File) nodeBody {
	body := nodeBody{
		ID: n.ID, OrgID: n.OrgID, DriveID: n.DriveID, ParentID: parentOf(n), Kind: n.Kind, Name: n.Name, Version: n.Version,
		CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
	}
	if n.Kind == core.KindAsset {
		body.FileBody = &FileBody{f.Status, f.ContentType, f.SizeBytes}
	}
	return body
}

type listNodesInput struct {
	DriveID  core.DriveID `path:"drive_id" format:"uuid" doc:"The drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	ParentID core.NodeID  `query:"parent_id" format:"uuid" doc:"The folder; the drive's root if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
	PageInput
}

type nodesOutput struct{ Body page[nodeBody] }

func (h driveRoutes) nodes(ctx context.Context, in *listNodesInput) (*nodesOutput, error) {
	after, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.drives.List(ctx, actorOf(ctx), drive.ListInput{
		DriveID: in.DriveID, ParentID: in.ParentID, After: after, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	bodies := make([]nodeBody, len(rows))
	for i := range rows {
		bodies[i] = showNode(&rows[i].Node, &rows[i].File)
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, bodies, same, func(n nodeBody) string { return n.Name })
	return &nodesOutput{out}, err
}
