package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

func (h nodeRoutes) mountChanges(api huma.API) {
	register(api, operation{
		id: "updateNode", method: http.MethodPatch, path: nodePath, tag: tagDrives, keys: true,
		codes:   []string{"forbidden", "name_taken", "trashed", "root_folder", "folder_into_itself", "too_many_nodes", "limit_exceeded"},
		summary: "Rename or move a node",
		about:   "Gives a folder or file another name, another folder, or both. A folder takes what is in it along. parent_id null means the drive's root; drive_id names another drive of the same organisation, into whose root it goes if parent_id is left out, with at most 10,000 nodes at a time.",
	}, h.update)
	register(api, operation{
		id: "deleteNode", method: http.MethodDelete, path: nodePath, tag: tagDrives, keys: true, status: http.StatusNoContent,
		codes:   []string{"forbidden", "trashed", "root_folder", "too_many_nodes", "sold", "used_by_dataset"},
		summary: "Delete a node",
		about:   "Moves a folder with all that is in it, or a file, to the trash, where it still takes room; with permanent=true it goes for good, with all versions. A large folder is gone at once and gives its room back step by step.",
	}, h.remove)
	register(api, operation{
		id: "copyNode", method: http.MethodPost, path: nodePath + "/copy", tag: tagDrives, keys: true, status: http.StatusCreated,
		codes:   []string{"forbidden", "name_taken", "trashed", "root_folder", "folder_into_itself", "too_many_nodes", "limit_exceeded", "upload_incomplete"},
		summary: "Copy a node",
		about:   "Copies a file, or a folder with all that is in it (at most 10,000 nodes), into another folder of the same organisation; of files, the current versions. The room is taken at once; files are pending until the server has copied their bytes.",
	}, h.copy)
	register(api, operation{
		id: "restoreNode", method: http.MethodPost, path: nodePath + "/restore", tag: tagDrives, keys: true,
		codes:   []string{"forbidden", "not_trashed", "root_folder", "trashed"},
		summary: "Take a node out of the trash",
		about:   "Puts a folder or file back where it was, or into the folder named; into the drive's root if its own is gone. A number is added to its name if that is taken.",
	}, h.restore)
}

type updateNodeInput struct {
	NodeInput
	MatchInput
	Body struct {
		Name       optional[string]      `json:"name,omitzero" minLength:"1" maxLength:"255" doc:"What to call it" example:"beach.jpg"`
		ParentID   optional[core.NodeID] `json:"parent_id,omitzero" format:"uuid" doc:"The folder to move it into; null: the drive's root" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
		DriveID    core.DriveID          `json:"drive_id,omitzero" format:"uuid" doc:"The drive to move it to, if another" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
		OnConflict drive.OnConflict      `json:"on_conflict,omitempty" enum:"fail,rename" default:"fail" doc:"What to do if the name is taken: refuse, or call it \"a (1).txt\"" example:"fail"`
	}
}

func (h nodeRoutes) update(ctx context.Context, in *updateNodeInput) (*nodeOutput, error) {
	if in.Body.Name.null {
		return nil, core.Invalid("body.name", "must not be null: every node has a name")
	}
	sc, err := h.drives.EnterAt(ctx, actorOf(ctx), in.NodeID)
	if err != nil {
		return nil, err
	}
	version, err := h.expected(ctx, sc, in.NodeID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	var name *string
	if in.Body.Name.set {
		name = &in.Body.Name.value
	}
	if !in.Body.ParentID.set && (in.Body.DriveID.IsZero() || in.Body.DriveID == sc.DriveID) {
		e, err := h.drives.Rename(ctx, sc, in.NodeID, name, in.Body.OnConflict, version)
		if err != nil {
			return nil, err
		}
		return nodeAnswer(http.StatusOK, e), nil
	}
	to := drive.Target{Scope: sc, ParentID: in.Body.ParentID.value, Name: name, OnConflict: in.Body.OnConflict}
	if to.Scope, err = h.target(ctx, sc, in.Body.DriveID, in.Body.ParentID.value); err != nil {
		return nil, err
	}
	e, err := h.drives.Move(ctx, sc, in.NodeID, to, version)
	if err != nil {
		return nil, err
	}
	return nodeAnswer(http.StatusOK, e), nil
}

// target returns the drive that something shall go to: the one named, else that
// of the folder named, else the one it is in. One that does not exist for the
// caller is a fault of the body, not of the path.
func (h nodeRoutes) target(ctx context.Context, from core.Scope, id core.DriveID, parent core.NodeID) (core.Scope, error) {
	var sc core.Scope
	var err error
	location := "body.parent_id"
	switch {
	case !id.IsZero():
		location = "body.drive_id"
		sc, err = h.drives.Enter(ctx, actorOf(ctx), id)
	case !parent.IsZero():
		sc, err = h.drives.EnterAt(ctx, actorOf(ctx), parent)
	default:
		return from, nil
	}
	if core.KindOf(err) == core.KindNotFound {
		return sc, core.Invalid(location, "does not exist, or you may not see it")
	}
	return sc, err
}

// expected returns the version that If-Match asks for.
func (h nodeRoutes) expected(ctx context.Context, sc core.Scope, id core.NodeID, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		e, err := h.drives.Get(ctx, sc, id)
		if err != nil {
			return 0, err
		}
		return e.Node.Version, nil
	})
}

type deleteNodeInput struct {
	NodeInput
	MatchInput
	Permanent bool `query:"permanent" doc:"Delete for good, with all that is in it and all versions"`
}

func (h nodeRoutes) remove(ctx context.Context, in *deleteNodeInput) (*struct{}, error) {
	sc, err := h.drives.EnterAt(ctx, actorOf(ctx), in.NodeID)
	if err != nil {
		return nil, err
	}
	version, err := h.expected(ctx, sc, in.NodeID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.drives.Delete(ctx, sc, in.NodeID, in.Permanent, version)
}

type copyNodeInput struct {
	NodeInput
	OnceInput
	Body struct {
		ParentID   core.NodeID      `json:"parent_id,omitzero" format:"uuid" doc:"The folder to copy it into; the drive's root if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
		DriveID    core.DriveID     `json:"drive_id,omitzero" format:"uuid" doc:"The drive to copy it to, if another" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
		Name       *string          `json:"name,omitempty" minLength:"1" maxLength:"255" doc:"What to call the copy; like its source if left out" example:"copy.jpg"`
		OnConflict drive.OnConflict `json:"on_conflict,omitempty" enum:"fail,rename" default:"rename" doc:"What to do if the name is taken: refuse, or call it \"a (1).txt\"" example:"rename"`
	}
}

func (h nodeRoutes) copy(ctx context.Context, in *copyNodeInput) (*nodeOutput, error) {
	wish, err := once(ctx, in.OnceInput, showNewEntry)
	if err != nil {
		return nil, err
	}
	sc, err := h.drives.EnterAt(ctx, actorOf(ctx), in.NodeID)
	if err != nil {
		return nil, err
	}
	to := drive.Target{ParentID: in.Body.ParentID, Name: in.Body.Name, OnConflict: in.Body.OnConflict}
	if to.Scope, err = h.target(ctx, sc, in.Body.DriveID, in.Body.ParentID); err != nil {
		return nil, err
	}
	e, err := h.drives.Copy(ctx, sc, in.NodeID, to, wish)
	if err != nil {
		return nil, err
	}
	return nodeAnswer(http.StatusCreated, e), nil
}

type restoreNodeInput struct {
	NodeInput
	Body *struct {
		ParentID core.NodeID `json:"parent_id,omitzero" format:"uuid" doc:"The folder to put it into; where it was if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
		Name     *string     `json:"name,omitempty" minLength:"1" maxLength:"255" doc:"What to call it; as before if left out" example:"beach.jpg"`
	}
}

func (h nodeRoutes) restore(ctx context.Context, in *restoreNodeInput) (*nodeOutput, error) {
	sc, err := h.drives.EnterAt(ctx, actorOf(ctx), in.NodeID)
	if err != nil {
		return nil, err
	}
	var to drive.RestoreInput
	if in.Body != nil {
		to = drive.RestoreInput{ParentID: in.Body.ParentID, Name: in.Body.Name}
	}
	e, err := h.drives.Restore(ctx, sc, in.NodeID, to)
	if err != nil {
		return nil, err
	}
	return nodeAnswer(http.StatusOK, e), nil
}
