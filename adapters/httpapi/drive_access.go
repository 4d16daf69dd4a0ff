package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

type driveAccessRoutes struct {
	drives  *drive.Service
	cursors codec[core.AccountID]
}

func (h driveAccessRoutes) mount(api huma.API) {
	register(api, operation{
		id: "getDriveUsage", method: http.MethodGet, path: drivePath + "/usage", tag: tagDrives,
		summary: "What a drive uses",
		about:   "Says how much the drive's files take and of what that is made up. It counts every file and folder, and takes up to a second for a drive of a million.",
	}, h.usage)
	register(api, operation{
		id: "getNodeAccess", method: http.MethodGet, path: "/api/nodes/{node_id}/access", tag: tagDrives,
		summary: "Who can do what with a file or folder",
		about: "Says what you may do and by which rule; to those who manage the drive, the same of every account that may read it. " +
			"Rights are those of the whole drive. What API keys may do, the list of the drive's keys tells.",
	}, h.access)
}

type driveUsageBody struct {
	UsedBytes    int64  `json:"used_bytes" doc:"What counts against the quota: all versions, uploads under way and the trash" example:"5000000"`
	QuotaBytes   *int64 `json:"quota_bytes" doc:"What may be used; null: only the licence limits it" example:"1000000000"`
	Files        int64  `json:"files" doc:"Files outside the trash" example:"3"`
	Folders      int64  `json:"folders" doc:"Folders outside the trash" example:"2"`
	FilesBytes   int64  `json:"files_bytes" doc:"What their present contents take" example:"3000000"`
	VersionBytes int64  `json:"versions_bytes" doc:"What older versions of files take, in the trash too, and uploads of newer ones" example:"1000000"`
	TrashFiles   int64  `json:"trash_files" doc:"Files in the trash, those in trashed folders included" example:"1"`
	TrashFolders int64  `json:"trash_folders" doc:"Folders in the trash, likewise" example:"1"`
	TrashBytes   int64  `json:"trash_bytes" doc:"What the present contents of the files in the trash take" example:"1000000"`
	PurgingBytes int64  `json:"purging_bytes" doc:"What files take that were deleted for good and are being removed" example:"0"`
}

type driveUsageOutput struct{ Body driveUsageBody }

func (h driveAccessRoutes) usage(ctx context.Context, in *DriveInput) (*driveUsageOutput, error) {
	u, err := h.drives.Usage(ctx, actorOf(ctx), in.DriveID)
	if err != nil {
		return nil, err
	}
	return &driveUsageOutput{driveUsageBody{
		UsedBytes: u.UsedBytes, QuotaBytes: limit(u.QuotaBytes), Files: u.Files, Folders: u.Folders, FilesBytes: u.FileBytes, VersionBytes: u.VersionBytes(),
		TrashFiles: u.TrashFiles, TrashFolders: u.TrashFolders, TrashBytes: u.TrashBytes, PurgingBytes: u.PurgingBytes,
	}}, nil
}

type rightsBody struct {
	Read      bool `json:"read" doc:"See and download"`
	Write     bool `json:"write" doc:"Create and change"`
	Delete    bool `json:"delete" doc:"Delete what one has created oneself"`
	DeleteAny bool `json:"delete_any" doc:"Delete what anybody has created"`
	Manage    bool `json:"manage" doc:"Name the drive, and say who may do what in it"`
}

// StandingBody is what an account may do, and why.
type StandingBody struct {
	Role   *core.DriveRole `json:"role" enum:"viewer,editor,admin" doc:"The role in the drive; null: none" example:"editor"`
	Rights rightsBody      `json:"rights" doc:"What that allows"`
	Rule   core.AccessRule `json:"rule" enum:"personal_drive,drive_member,org_owner,org_admin,default_role,org_viewer_limit,none" doc:"What decides it: it is the account's own drive; its role as a member of the drive; being an owner or admin of the organisation; the drive's default role; that a viewer of the organisation is a viewer at most; or nothing" example:"drive_member"`
}

func showStanding(f core.DriveFacts) StandingBody {
	role, rule := f.Explain()
	r := f.Rights()
	return StandingBody{orNull(role), rightsBody{r.Read, r.Write, r.Delete, r.DeleteAny, f.Manages()}, rule}
}

type accessItemBody struct {
	AccountID core.AccountID     `json:"account_id" format:"uuid" doc:"The account" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Email     string             `json:"email" doc:"The user's address" example:"ana@example.com"`
	Name      string             `json:"name" doc:"What to call the user" example:"Ana"`
	OrgRole   core.OrgRole       `json:"org_role" enum:"owner,admin,member,viewer" doc:"What the user is in the organisation" example:"member"`
	Status    core.AccountStatus `json:"status" enum:"invited,active,suspended,removed" doc:"Only an active account has access" example:"active"`
	StandingBody
}

type accessBody struct {
	You        StandingBody     `json:"you" doc:"What the user who asks may do, and why"`
	Items      []accessItemBody `json:"items" doc:"Every account that may read it; empty unless you manage the drive"`
	NextCursor *string          `json:"next_cursor" maxLength:"4096" doc:"Leads to the next page; null on the last one"`
}

// NodeInput names a node.
type NodeInput struct {
	NodeID core.NodeID `path:"node_id" format:"uuid" doc:"The file or folder; the drive's id names its root" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
}

type getNodeAccessInput struct {
	NodeInput
	PageInput
}

type accessOutput struct{ Body accessBody }

func (h driveAccessRoutes) access(ctx context.Context, in *getNodeAccessInput) (*accessOutput, error) {
	after, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	a, err := h.drives.Access(ctx, actorOf(ctx), in.NodeID, after, in.more())
	if err != nil {
		return nil, err
	}
	items := make([]accessItemBody, len(a.All))
	for i, m := range a.All {
		items[i] = accessItemBody{
			m.Account.ID, m.Email, m.Name, m.Account.Role, m.Account.Status,
			showStanding(core.DriveFacts{DriveStanding: m.Standing, AccountID: m.Account.ID}),
		}
	}
	p, err := pageOf(ctx, in.PageInput, h.cursors, items, same, func(m accessItemBody) core.AccountID { return m.AccountID })
	if err != nil {
		return nil, err
	}
	return &accessOutput{accessBody{showStanding(a.You), p.Items, p.NextCursor}}, nil
}
