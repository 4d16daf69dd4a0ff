package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

func (h nodeRoutes) mountFinding(api huma.API) {
	register(api, operation{
		id: "searchNodes", method: http.MethodGet, path: "/api/drives/{drive_id}/search", tag: tagDrives, keys: true, codes: []string{"forbidden", "validation_failed"},
		summary: "Find folders and files", about: "Lists what is found anywhere in the drive, newest first, without the trash. All filters that are given have to fit.",
	}, h.search)
	register(api, operation{
		id: "listTrash", method: http.MethodGet, path: "/api/drives/{drive_id}/trash", tag: tagDrives, keys: true, codes: []string{"forbidden"},
		summary: "What is in the trash", about: "Lists what was moved to the trash, latest first. What was in a trashed folder is not listed: it comes back with the folder.",
	}, h.trash)
	register(api, operation{
		id: "emptyTrash", method: http.MethodDelete, path: "/api/drives/{drive_id}/trash", tag: tagDrives, keys: true, status: http.StatusNoContent, codes: []string{"forbidden"},
		summary: "Empty the trash", about: "Removes for good everything that is in the trash now, but what somebody has bought: that stays there. If that is much, it goes on after the answer.",
	}, h.emptyTrash)
	register(api, operation{
		id: "listChanges", method: http.MethodGet, path: "/api/drives/{drive_id}/changes", tag: tagDrives, keys: true,
		codes:   []string{"forbidden", "cursor_expired", "cursor_invalid", "validation_failed"},
		summary: "What has happened in a drive",
		about:   "Lists changes in the order in which they were made, each exactly once, from the cursor on; without a cursor, from as far back as changes are kept; with cursor=now, none of what there is. The answer always has a next_cursor: ask again with it later. A change of a folder counts for all that is in it. Files are told of from their first complete version on.",
	}, h.changes)
}

type findInput struct {
	DriveInput
	Text    string        `query:"q" maxLength:"255" doc:"Only those with this in their name; case does not matter. One or two characters find names that begin with them. With in=text, only files with all of these words in their text, the last as the beginning of one" example:"beach"`
	In      string        `query:"in" enum:"name,text" default:"name" doc:"Where to look for q: in names, or in the texts of transcripts, plain texts, JSON and PDFs, which are found once they are derived" example:"text"`
	Kind    core.NodeKind `query:"kind" enum:"folder,asset" doc:"Only folders, or only files" example:"asset"`
	Type    string        `query:"type" maxLength:"127" doc:"Only files of this media type, or of one kind: image" example:"image"`
	Tag     string        `query:"tag" maxLength:"100" doc:"Only files with this tag" example:"holiday"`
	MinSize int64         `query:"min_size" minimum:"0" doc:"Only files with at least so many bytes" example:"1000000"`
	MaxSize int64         `query:"max_size" minimum:"0" doc:"Only files with at most so many bytes; 0: any" example:"5000000"`
	From    time.Time     `query:"from" doc:"Only what was changed then or later" example:"2026-01-01T00:00:00Z"`
	To      time.Time     `query:"to" doc:"Only what was changed earlier" example:"2027-01-01T00:00:00Z"`
	PageInput
}

func (h nodeRoutes) search(ctx context.Context, in *findInput) (*nodesOutput, error) {
	before, err := h.searches.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	sc, err := h.drives.Enter(ctx, actorOf(ctx), in.DriveID)
	if err != nil {
		return nil, err
	}
	rows, err := h.drives.Search(ctx, sc, drive.SearchInput{
		Text: in.Text, InText: in.In == "text", Kind: in.Kind, Type: in.Type, Tag: in.Tag, MinSize: in.MinSize, MaxSize: in.MaxSize,
		From: in.From, To: in.To, Before: before, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	return pageOfEntries(ctx, h.thumbs, in.PageInput, h.searches, rows, func(e drive.Entry) core.NodeID { return e.Node.ID })
}

type trashInput struct {
	DriveInput
	PageInput
}

func (h nodeRoutes) trash(ctx context.Context, in *trashInput) (*nodesOutput, error) {
	before, err := h.trashes.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	sc, err := h.drives.Enter(ctx, actorOf(ctx), in.DriveID)
	if err != nil {
		return nil, err
	}
	rows, err := h.drives.Trash(ctx, sc, before, in.more())
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.trashes, rows, showEntry, func(e drive.Entry) drive.TrashPosition {
		return drive.TrashPosition{TrashedAt: e.Node.TrashedAt, ID: e.Node.ID}
	})
	return &nodesOutput{out}, err
}

func (h nodeRoutes) emptyTrash(ctx context.Context, in *DriveInput) (*struct{}, error) {
	sc, err := h.drives.Enter(ctx, actorOf(ctx), in.DriveID)
	if err != nil {
		return nil, err
	}
	return nil, h.drives.EmptyTrash(ctx, sc)
}

type nodeChangeBody struct {
	Kind        core.ChangeKind `json:"kind" enum:"created,updated,moved,moved_in,moved_out,trashed,restored,purged" doc:"What happened; moved is another name or folder, moved_in and moved_out are from and to another drive" example:"moved"`
	NodeID      core.NodeID     `json:"node_id" format:"uuid" doc:"To which node" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	NodeKind    core.NodeKind   `json:"node_kind" enum:"folder,asset" doc:"What it is" example:"asset"`
	ParentID    *core.NodeID    `json:"parent_id" format:"uuid" doc:"The folder it was in after the change; null: the drive's root" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
	Name        string          `json:"name" doc:"What it was called after the change" example:"beach.jpg"`
	NodeVersion int64           `json:"node_version" doc:"The version of the node that the change made" example:"2"`
	At          time.Time       `json:"at" doc:"When"`
}

func showNodeChange(c core.NodeChange) nodeChangeBody {
	n := core.Node{DriveID: c.DriveID, ParentID: c.ParentID}
	return nodeChangeBody{c.Kind, c.NodeID, c.NodeKind, parentOf(&n), c.Name, c.NodeVersion, c.At}
}

// cursorNow stands for the cursor of what comes from now on.
const cursorNow = "now"

type listChangesInput struct {
	DriveInput
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most"`
	Cursor string `query:"cursor" maxLength:"4096" doc:"The next_cursor of the answer before; now: none of what there is; left out: as far back as changes are kept" example:"now"`
}

type changesOutput struct {
	Body struct {
		Items      []nodeChangeBody `json:"items" doc:"What has happened, in order"`
		NextCursor string           `json:"next_cursor" maxLength:"4096" doc:"Leads to what comes after these, now or later" example:"AAECAw"`
		HasMore    bool             `json:"has_more" doc:"Whether there is more already"`
	}
}

func (h nodeRoutes) changes(ctx context.Context, in *listChangesInput) (*changesOutput, error) {
	from := drive.Since{Oldest: in.Cursor == "" || in.Cursor == cursorNow, Now: in.Cursor == cursorNow}
	if !from.Oldest {
		var err error
		if from.Seq, err = h.feeds.open(ctx, in.Cursor); err != nil {
			return nil, err
		}
	}
	sc, err := h.drives.Enter(ctx, actorOf(ctx), in.DriveID)
	if err != nil {
		return nil, err
	}
	changes, end, latest, err := h.drives.Changes(ctx, sc, from, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &changesOutput{}
	out.Body.Items, out.Body.HasMore = each(changes, showNodeChange), end < latest
	out.Body.NextCursor, err = h.feeds.seal(ctx, end)
	return out, err
}
