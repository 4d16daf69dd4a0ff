package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

// nodeRoutes are the operations on a drive's tree.
type nodeRoutes struct {
	drives   *drive.Service
	assets   *asset.Service
	thumbs   thumbnails
	pages    codec[drive.Position]
	searches codec[core.NodeID]
	trashes  codec[drive.TrashPosition]
	feeds    codec[int64]
	timeout  time.Duration // of each part of an archive
}

const (
	nodePath  = "/api/nodes/{node_id}"
	nodesPath = "/api/drives/{drive_id}/nodes"
)

func (h nodeRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listNodes", method: http.MethodGet, path: nodesPath, tag: tagDrives, keys: true, codes: []string{"forbidden", "trashed", "validation_failed"},
		summary: "What is in a folder",
		about:   "Lists the folders and files directly in a folder: the drive's root, the one named by parent_id, or the one that path leads to.",
	}, h.list)
	register(api, operation{
		id: "createFolder", method: http.MethodPost, path: "/api/drives/{drive_id}/folders", tag: tagDrives, keys: true, status: http.StatusCreated,
		codes:   []string{"forbidden", "name_taken", "trashed"},
		also:    map[int]string{http.StatusOK: "With parents: true, and the folder was there."},
		summary: "Create a folder",
		about:   "Makes a folder in the drive's root, in the folder named by parent_id, or in the one that path leads to from there. With parents: true what is missing of the path is made, and a folder that is there is taken.",
	}, h.createFolder)
	register(api, operation{
		id: "getNode", method: http.MethodGet, path: nodePath, tag: tagDrives, keys: true, also: notModified, codes: []string{"forbidden"},
		summary: "One folder or file", about: "Returns a node, also while it is in the trash.",
	}, h.get)
	register(api, operation{
		id: "getNodePath", method: http.MethodGet, path: nodePath + "/path", tag: tagDrives, keys: true, codes: []string{"forbidden"},
		summary: "The way to a node", about: "Lists the folders from the drive's root, which comes first, down to the node itself, which comes last.",
	}, h.path)
	h.mountChanges(api)
	h.mountFinding(api)
	h.mountBulk(api)
}

type nodeBody struct {
	ID        core.NodeID     `json:"id" format:"uuid" doc:"Identifies the node; of a file, the asset" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	OrgID     core.OrgID      `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	DriveID   core.DriveID    `json:"drive_id" format:"uuid" doc:"The drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	ParentID  *core.NodeID    `json:"parent_id" format:"uuid" doc:"The folder it is in; null: the drive's root" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
	Kind      core.NodeKind   `json:"kind" enum:"folder,asset" doc:"What it is" example:"asset"`
	Name      string          `json:"name" doc:"What it is called; unique in its folder; empty: the drive's root itself" example:"holiday.jpg"`
	CreatedBy *core.AccountID `json:"created_by" format:"uuid" doc:"The account that created it; null: it came with its drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	TrashedAt *time.Time      `json:"trashed_at" doc:"When it was itself moved to the trash; null: it was not"`
	Version   int64           `json:"version" doc:"Counts its changes; the ETag" example:"1"`
	CreatedAt time.Time       `json:"created_at" doc:"When it was made"`
	UpdatedAt time.Time       `json:"updated_at" doc:"When it was last changed"`
	*FileBody
}

// FileBody is what a file has and a folder has not.
type FileBody struct {
	Status         core.AssetStatus `json:"status,omitzero" enum:"pending,ready" doc:"Of a file: whether its bytes have arrived" example:"ready"`
	ContentType    string           `json:"content_type,omitempty" doc:"Of a file: its media type" example:"image/jpeg"`
	SizeBytes      int64            `json:"size_bytes" required:"false" doc:"Of a file: its size" example:"5000000"`
	ChecksumSHA256 *string          `json:"checksum_sha256" required:"false" doc:"Of a file: the SHA-256 of its current version, in hexadecimal; null: not known yet" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Tags           []string         `json:"tags" required:"false" doc:"Of a file: the words to find it by" example:"[\"holiday\"]"`
	Preview        *PreviewBody     `json:"preview" required:"false" doc:"Of a file: what is derived of it; null: nothing is"`
}

// parentOf shows the folder a node is in: null at the drive's root.
func parentOf(n *core.Node) *core.NodeID {
	if n.ParentID.IsZero() || n.ParentID == core.RootOf(n.DriveID) {
		return nil
	}
	return &n.ParentID
}

func showFolder(n *core.Node) nodeBody { return showEntry(drive.Entry{Node: *n}) }

func showNewEntry(e *drive.Entry) nodeBody { return showEntry(*e) }

func showEntry(e drive.Entry) nodeBody {
	n := &e.Node
	body := nodeBody{
		ID: n.ID, OrgID: n.OrgID, DriveID: n.DriveID, ParentID: parentOf(n), Kind: n.Kind, Name: n.Name, CreatedBy: orNull(n.CreatedBy),
		TrashedAt: timeOrNull(n.TrashedAt), Version: n.Version, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
	}
	if f := &e.File; n.Kind == core.KindAsset {
		body.FileBody = &FileBody{f.Status, f.ContentType, f.SizeBytes, checksum(f.SHA256), each(f.Metadata.Tags, same), showPreview(f.Preview)}
	}
	return body
}

// pageOfEntries shows a page of files and folders, with URLs of their pictures.
func pageOfEntries[P any](
	ctx context.Context, t thumbnails, in PageInput, c codec[P], rows []drive.Entry, end func(e drive.Entry) P,
) (*nodesOutput, error) {
	var failed error
	out, err := pageOf(ctx, in, c, rows, func(e drive.Entry) nodeBody {
		body := showEntry(e)
		if body.FileBody != nil {
			failed = errors.Join(failed, t.dress(ctx, e.File.Preview, body.Preview))
		}
		return body
	}, end)
	return &nodesOutput{out}, errors.Join(failed, err)
}

type listNodesInput struct {
	DriveInput
	ParentID core.NodeID `query:"parent_id" format:"uuid" doc:"The folder; the drive's root if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
	Path     string      `query:"path" maxLength:"16384" doc:"The way to a folder, from parent_id or from the root" example:"/photos/2026"`
	Sort     string      `query:"sort" enum:"name,-name,size,-size,updated_at,-updated_at,kind,-kind" default:"name" doc:"The order; with - backwards. Names are in order of their bytes, kind has the folders first" example:"-updated_at"`
	PageInput
}

type nodesOutput struct{ Body page[nodeBody] }

func (h nodeRoutes) list(ctx context.Context, in *listNodesInput) (*nodesOutput, error) {
	after, err := h.pages.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	order, backwards := strings.CutPrefix(in.Sort, "-")
	page := drive.ListInput{
		ParentID: in.ParentID, Path: in.Path, Sort: drive.Sort(order), Descending: backwards, After: after, Limit: in.more(),
	}
	rows, err := h.rows(ctx, in.DriveID, page)
	if err != nil {
		return nil, err
	}
	sort := page.Sort
	return pageOfEntries(ctx, h.thumbs, in.PageInput, h.pages, rows, func(e drive.Entry) drive.Position { return drive.PositionOf(sort, &e) })
}

// rows lists a folder, the quick way if there is one.
func (h nodeRoutes) rows(ctx context.Context, id core.DriveID, page drive.ListInput) ([]drive.Entry, error) {
	if page.Path == "" && page.Sort == drive.ByName {
		return h.drives.Page(ctx, actorOf(ctx), id, page)
	}
	sc, err := h.drives.Enter(ctx, actorOf(ctx), id)
	if err != nil {
		return nil, err
	}
	return h.drives.List(ctx, sc, page)
}

type createFolderInput struct {
	DriveInput
	OnceInput
	Body struct {
		Name     string      `json:"name" minLength:"1" maxLength:"255" doc:"What to call the folder" example:"2026"`
		ParentID core.NodeID `json:"parent_id,omitzero" format:"uuid" doc:"The folder to make it in; the drive's root if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
		Path     string      `json:"path,omitempty" maxLength:"16384" doc:"The way from there to the folder to make it in" example:"/photos"`
		Parents  bool        `json:"parents,omitempty" doc:"Make what is missing of the path, and take a folder that is there"`
	}
}

type nodeOutput struct {
	Status   int
	Location string `header:"Location" doc:"Where the node is" example:"/api/nodes/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	ETag     string `header:"ETag" doc:"The version of the node" example:"\"1\""`
	Body     nodeBody
}

func nodeTag(e *drive.Entry) string {
	if e.Node.Kind == core.KindAsset {
		return fileTag(&e.Node, &e.File)
	}
	return etag(e.Node.Version)
}

func nodeAnswer(status int, e *drive.Entry) *nodeOutput {
	return &nodeOutput{status, "/api/nodes/" + e.Node.ID.String(), nodeTag(e), showEntry(*e)}
}

func (h nodeRoutes) createFolder(ctx context.Context, in *createFolderInput) (*nodeOutput, error) {
	wish, err := once(ctx, in.OnceInput, showFolder)
	if err != nil {
		return nil, err
	}
	sc, err := h.drives.Enter(ctx, actorOf(ctx), in.DriveID)
	if err != nil {
		return nil, err
	}
	n, made, err := h.drives.CreateFolder(ctx, sc, drive.FolderInput{
		Name: in.Body.Name, ParentID: in.Body.ParentID, Path: in.Body.Path, Parents: in.Body.Parents, Once: wish,
	})
	if err != nil {
		return nil, err
	}
	status := http.StatusCreated
	if !made {
		status = http.StatusOK
	}
	return nodeAnswer(status, &drive.Entry{Node: *n}), nil
}

type getNodeInput struct {
	NodeInput
	ConditionalInput
}

func (h nodeRoutes) get(ctx context.Context, in *getNodeInput) (*nodeOutput, error) {
	sc, err := h.drives.EnterAt(ctx, actorOf(ctx), in.NodeID)
	if err != nil {
		return nil, err
	}
	e, err := h.drives.Get(ctx, sc, in.NodeID)
	if err != nil {
		return nil, err
	}
	out := nodeAnswer(http.StatusOK, e)
	if out.Body.FileBody == nil {
		out.Status = fresh(in.IfNoneMatch, out.ETag)
		return out, nil
	}
	if err := h.thumbs.dress(ctx, e.File.Preview, out.Body.Preview); err != nil {
		return nil, err
	}
	out.Status = freshFile(in.IfNoneMatch, out.ETag, out.Body.Preview)
	return out, nil
}

type pathOutput struct {
	Body struct {
		Items []nodeBody `json:"items" doc:"The drive's root first, the node itself last"`
	}
}

func (h nodeRoutes) path(ctx context.Context, in *NodeInput) (*pathOutput, error) {
	sc, err := h.drives.EnterAt(ctx, actorOf(ctx), in.NodeID)
	if err != nil {
		return nil, err
	}
	way, err := h.drives.Path(ctx, sc, in.NodeID)
	if err != nil {
		return nil, err
	}
	out := &pathOutput{}
	out.Body.Items = each(way, func(n core.Node) nodeBody { return showFolder(&n) })
	return out, nil
}
