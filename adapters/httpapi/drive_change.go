package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

// sharedDriveRoutes are the drives themselves; driveRoutes is what is in them.
type sharedDriveRoutes struct {
	drives  *drive.Service
	cursors codec[core.DriveID]
}

const drivePath = "/api/drives/{drive_id}"

func (h sharedDriveRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listDrives", method: http.MethodGet, path: "/api/orgs/{org_id}/drives", tag: tagDrives,
		summary: "An organisation's drives", about: "Lists the drives that the user may read, in the order in which they were made: the user's personal drive and shared ones.",
	}, h.list)
	register(api, operation{
		id: "createDrive", method: http.MethodPost, path: "/api/orgs/{org_id}/drives", tag: tagDrives, status: http.StatusCreated,
		codes:   []string{"forbidden", "personal_org", "drive_name_taken"},
		summary: "Create a shared drive",
		about:   "Makes an empty shared drive. Owners and admins of the organisation only. No two shared drives of an organisation have one name, in any case.",
	}, h.create)
	register(api, operation{
		id: "getDrive", method: http.MethodGet, path: drivePath, tag: tagDrives, also: notModified,
		summary: "One drive", about: "Returns a drive, with the user's own role in it. Another account's personal drive does not exist, for owners of the organisation neither.",
	}, h.get)
	register(api, operation{
		id: "updateDrive", method: http.MethodPatch, path: drivePath, tag: tagDrives,
		codes:   []string{"forbidden", "drive_name_taken", "personal_drive"},
		summary: "Change a drive",
		about: "Members that are left out stay as they are. Admins of the drive, and owners and admins of the organisation; only the latter set the quota, which may be less than is used: " +
			"then nothing more comes in. A personal drive has a name only.",
	}, h.update)
	register(api, operation{
		id: "deleteDrive", method: http.MethodDelete, path: drivePath, tag: tagDrives, status: http.StatusNoContent,
		codes:   []string{"forbidden", "drive_not_empty", "default_drive", "personal_drive", "sold", "dataset_drive", "used_by_dataset"},
		summary: "Delete a shared drive",
		about: "Owners and admins of the organisation only. A drive with something in it, or in its trash, is deleted only with force: it is gone for everybody at once, for good, " +
			"and what it used is given back as its files are removed in the background.",
	}, h.remove)
}

// driveEntryBody is a drive as one account sees it.
type driveEntryBody struct {
	DriveBody
	Role      core.DriveRole `json:"role" enum:"viewer,editor,admin" doc:"What the user who asks may do here" example:"editor"`
	IsDefault bool           `json:"is_default" doc:"Whether the organisation's files go here that name no drive"`
	Version   int64          `json:"version" doc:"Counts the changes" example:"2"`
}

// driveEntry is what the use cases return, by its shape.
type driveEntry = struct {
	Drive     core.Drive
	Standing  core.DriveStanding
	IsDefault bool
}

func showDriveEntry[E ~driveEntry](in E) driveEntryBody {
	e := driveEntry(in)
	return driveEntryBody{showDrive(&e.Drive), e.Standing.Role(), e.IsDefault, e.Drive.Version}
}

type listDrivesInput struct {
	OrgInput
	PageInput
}

type drivesOutput struct{ Body page[driveEntryBody] }

func (h sharedDriveRoutes) list(ctx context.Context, in *listDrivesInput) (*drivesOutput, error) {
	after, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.drives.Drives(ctx, actorOf(ctx), in.OrgID, after, in.more())
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, each(rows, showDriveEntry), same, func(d driveEntryBody) core.DriveID { return d.ID })
	return &drivesOutput{out}, err
}

type createDriveInput struct {
	OrgInput
	OnceInput
	Body struct {
		Name        string                   `json:"name" minLength:"1" maxLength:"200" doc:"What people call it" example:"Marketing"`
		QuotaBytes  optional[int64]          `json:"quota_bytes,omitzero" minimum:"0" doc:"What its files may take; null or left out: only the licence limits it" example:"1000000000"`
		DefaultRole optional[core.DriveRole] `json:"default_role,omitzero" enum:"viewer,editor,admin" doc:"What members of the organisation may do here who have no role of their own; null or left out: nothing" example:"viewer"`
	}
}

type createdDriveOutput struct {
	Location string `header:"Location" doc:"Where the drive is" example:"/api/drives/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	ETag     string `header:"ETag" doc:"The version of the resource, and as what it is shown" example:"\"1-admin-0\""`
	Body     driveEntryBody
}

func (h sharedDriveRoutes) create(ctx context.Context, in *createDriveInput) (*createdDriveOutput, error) {
	wish, err := once(ctx, in.OnceInput, shownDrive(h.drives.CreateDrive))
	if err != nil {
		return nil, err
	}
	e, err := h.drives.CreateDrive(ctx, actorOf(ctx), drive.CreateDriveInput{
		OrgID: in.OrgID, Name: in.Body.Name, QuotaBytes: quotaOf(in.Body.QuotaBytes), DefaultRole: in.Body.DefaultRole.value, Once: wish,
	})
	if err != nil {
		return nil, err
	}
	body := showDriveEntry(e)
	return &createdDriveOutput{"/api/drives/" + e.Drive.ID.String(), driveTag(body), body}, nil
}

// shownDrive returns how the answer of a use case is shown. It takes the use
// case for the type that it returns.
func shownDrive[I any, E ~driveEntry](func(context.Context, core.Actor, I) (E, error)) func(E) driveEntryBody {
	return showDriveEntry[E]
}

// quotaOf is a quota as the domain counts: null and nothing are no limit.
func quotaOf(o optional[int64]) int64 {
	if !o.set || o.null {
		return core.Unlimited
	}
	return o.value
}

// DriveInput names a drive.
type DriveInput struct {
	DriveID core.DriveID `path:"drive_id" format:"uuid" doc:"The drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
}

type getDriveInput struct {
	DriveInput
	ConditionalInput
}

type driveOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource, and as what it is shown" example:"\"3-admin-5000000\""`
	Body   driveEntryBody
}

// driveTag is the entity tag of a drive as one account sees it: what it uses
// and whose role it shows are not of the drive's version.
func driveTag(d driveEntryBody) string {
	tag := fmt.Sprintf("%d-%s-%d", d.Version, d.Role, d.UsedBytes)
	if d.IsDefault {
		tag += "-default"
	}
	return strconv.Quote(tag)
}

func driveAnswer[E ~driveEntry](e E) *driveOutput {
	body := showDriveEntry(e)
	return &driveOutput{http.StatusOK, driveTag(body), body}
}

func (h sharedDriveRoutes) get(ctx context.Context, in *getDriveInput) (*driveOutput, error) {
	e, err := h.drives.Drive(ctx, actorOf(ctx), in.DriveID)
	if err != nil {
		return nil, err
	}
	out := driveAnswer(e)
	out.Status = fresh(in.IfNoneMatch, out.ETag)
	return out, nil
}

type updateDriveInput struct {
	DriveInput
	MatchInput
	Body struct {
		Name        optional[string]         `json:"name,omitzero" minLength:"1" maxLength:"200" doc:"What people call it; it cannot be null" example:"Marketing"`
		QuotaBytes  optional[int64]          `json:"quota_bytes,omitzero" minimum:"0" doc:"What its files may take; null: only the licence limits it" example:"1000000000"`
		DefaultRole optional[core.DriveRole] `json:"default_role,omitzero" enum:"viewer,editor,admin" doc:"What members of the organisation may do here who have no role of their own; null: nothing" example:"viewer"`
	}
}

func (h sharedDriveRoutes) update(ctx context.Context, in *updateDriveInput) (*driveOutput, error) {
	var change drive.UpdateDriveInput
	if name := in.Body.Name; name.set {
		if name.null {
			return nil, core.Invalid("body.name", "must not be null: every drive has a name")
		}
		change.Name = &name.value
	}
	if in.Body.QuotaBytes.set {
		change.QuotaBytes = new(quotaOf(in.Body.QuotaBytes))
	}
	if in.Body.DefaultRole.set {
		change.DefaultRole = &in.Body.DefaultRole.value
	}
	var err error
	if change.IfMatch, err = h.expected(ctx, in.DriveID, in.IfMatch); err != nil {
		return nil, err
	}
	e, err := h.drives.UpdateDrive(ctx, actorOf(ctx), in.DriveID, change)
	if err != nil {
		return nil, err
	}
	return driveAnswer(e), nil
}

type deleteDriveInput struct {
	DriveInput
	MatchInput
	Force bool `query:"force" doc:"Delete it with all that is in it"`
}

func (h sharedDriveRoutes) remove(ctx context.Context, in *deleteDriveInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.DriveID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.drives.DeleteDrive(ctx, actorOf(ctx), in.DriveID, in.Force, version)
}

// expected returns the version that If-Match asks for. It is the first part of
// a drive's tag; what the rest says may change meanwhile.
func (h sharedDriveRoutes) expected(ctx context.Context, id core.DriveID, ifMatch string) (int64, error) {
	if ifMatch == "" {
		return 0, nil
	}
	e, err := h.drives.Drive(ctx, actorOf(ctx), id)
	if err != nil {
		return 0, err
	}
	current := `"` + strconv.FormatInt(e.Drive.Version, 10)
	return matched(tags(ifMatch), e.Drive.Version, func(tag string) bool {
		version, _, ok := strings.Cut(tag, "-")
		return ok && version == current || tag == current+`"`
	})
}
