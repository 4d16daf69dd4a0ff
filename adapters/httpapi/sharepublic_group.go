package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

const publicGroupPath = "/api/public/groups/{token}"

// mountGroups registers what visitors do with a link of a group. What is the
// same as with other links is the same here.
func (h publicShareRoutes) mountGroups(api huma.API) {
	register(api, operation{
		id: "getPublicGroup", method: http.MethodGet, path: publicGroupPath, tag: tagPublic, public: true, codes: append(slices.Clone(shareCodes), "validation_failed"),
		summary: "What a link of a group is",
		about: "Tells what a link of a group is and what it needs: a password, or somebody signed in. To whom it is open it tells of the group, or with group_id of one nested in it, and the first of the groups in that; " +
			"more of them are at …/groups. Nothing outside the shared group is there. Counts nothing.",
	}, h.lookAtGroup)
	register(api, operation{
		id: "unlockPublicGroup", method: http.MethodPost, path: publicGroupPath + "/auth", tag: tagPublic, public: true,
		codes:   append(slices.Clone(shareCodes), "share_password_wrong"),
		summary: "Show the password of a link of a group",
		about:   "Returns what opens the link for an hour, sent as X-Share-Access. A link without a password of its own has the group's. Who tries wrong passwords has to wait longer and longer between tries, and never for ever.",
	}, h.unlock)
	register(api, operation{
		id: "listPublicGroupAssets", method: http.MethodGet, path: publicGroupPath + "/assets", tag: tagPublic, public: true, codes: openCodes("share_is_a_request", "validation_failed"),
		also:    quietAnswer,
		summary: "The files of a shared group",
		about:   "Lists the files of the shared group, or of one nested in it, section by section in the group's order, wherever in the organisation's drives they are. The first page of the shared group itself counts as a view, all else counts nothing.",
	}, h.listGroup)
	register(api, operation{
		id: "listPublicGroups", method: http.MethodGet, path: publicGroupPath + "/groups", tag: tagPublic, public: true, codes: openCodes("share_is_a_request", "validation_failed"),
		also:    quietAnswer,
		summary: "The groups in a shared group", about: "Lists the groups in the shared group, or in one nested in it, by name. Counts nothing.",
	}, h.listNested)
	register(api, operation{
		id: "signPublicGroupDownload", method: http.MethodGet, path: publicGroupPath + "/download-url", tag: tagPublic, public: true,
		codes: openCodes("share_is_a_request", "share_download_off", "validation_failed"), also: quietAnswer,
		summary: "A URL to download a file of a shared group", about: "Returns a signed URL of a file of the shared group, or of one nested in it. Counts a download.",
	}, h.signOfGroup)
	register(api, operation{
		id: "downloadPublicGroup", method: http.MethodGet, path: publicGroupPath + "/download/{asset_id}", tag: tagPublic, public: true, status: http.StatusFound,
		codes: openCodes("share_is_a_request", "share_download_off", "validation_failed"), also: quietAnswer,
		summary: "Download a file of a shared group",
		about:   "Leads to a signed URL of the file. Counts a download, unless a Range header and the cookie of an earlier answer show that somebody goes on with one.",
	}, h.downloadOfGroup)
}

// NestedInput names the group that a visitor looks at.
type NestedInput struct {
	GroupID core.GroupID `query:"group_id" format:"uuid" doc:"A group nested in the shared one; that one if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e32"`
}

// SharedGroupBody is a group as visitors see it.
type SharedGroupBody struct {
	ID          core.GroupID `json:"id" format:"uuid" doc:"Identifies it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	Name        string       `json:"name" doc:"What it is called" example:"Spring campaign"`
	Description string       `json:"description" doc:"What it is about; plain text" example:"All that goes to print."`
	CoverURL    *string      `json:"cover_url" format:"uri" doc:"A short-lived URL of its picture; null: none, or the link turns downloads off or counts them" example:"https://files.example.com/blobs/a?signature=5f1c"`
	Tags        []string     `json:"tags,omitempty" doc:"If metadata is shown" example:"[\"spring\"]"`
	AssetCount  *int         `json:"asset_count,omitzero" doc:"If metadata is shown: how many files are in it; counted up to 1,000" example:"12"`
	GroupCount  int          `json:"group_count" doc:"How many groups are in it; counted up to 1,000" example:"2"`
}

func showNested(n share.Nested, metadata bool) SharedGroupBody {
	body := SharedGroupBody{
		ID: n.ID, Name: n.Name, Description: n.Description, CoverURL: orNull(n.CoverURL), Tags: n.Metadata.Tags, GroupCount: n.Groups,
	}
	if metadata {
		body.AssetCount = &n.Assets
	}
	return body
}

type groupStepBody struct {
	ID   core.GroupID `json:"id" format:"uuid" doc:"Identifies the group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	Name string       `json:"name" doc:"What it is called" example:"Spring campaign"`
}

type lookedGroupBody struct {
	SharedGroupBody

	Organisation GroupOrderBody    `json:"organisation" doc:"How its files are arranged"`
	Path         []groupStepBody   `json:"path" doc:"The way from the shared group down to it, both included"`
	Groups       []SharedGroupBody `json:"groups" doc:"The first 100 of the groups in it, by name"`
	MoreGroups   bool              `json:"more_groups" doc:"Whether there are more groups in it, which …/groups lists"`
}

type publicGroupBody struct {
	OrgName           string           `json:"org_name" doc:"The organisation that shares" example:"Example Studio"`
	Branding          visitBranding    `json:"branding" doc:"How it shows itself"`
	NeedsPassword     bool             `json:"needs_password" doc:"Whether a password has to be shown first"`
	NeedsSignIn       bool             `json:"needs_sign_in" doc:"Whether somebody has to be signed in, whom the link is for"`
	Open              bool             `json:"open" doc:"Whether it is open to you; if not, nothing else is told"`
	Group             *lookedGroupBody `json:"group" doc:"The group; null: not open, or nobody looks at it"`
	AllowDownload     bool             `json:"allow_download" doc:"Whether files may be downloaded"`
	AllowPreview      bool             `json:"allow_preview" doc:"Whether pictures come with a URL for showing them in place: not where downloads are off or counted"`
	AllowViewMetadata bool             `json:"allow_view_metadata" doc:"Whether tags, checksums, times and numbers of files are shown"`
	ExpiresAt         *time.Time       `json:"expires_at" doc:"When the link ends; null: never, or not open"`
}

type lookAtGroupInput struct {
	VisitInput
	NestedInput
}

type publicGroupOutput struct{ Body publicGroupBody }

// firstGroups is how many groups the first answer has of those in a group.
const firstGroups = 100

func (h publicShareRoutes) lookAtGroup(ctx context.Context, in *lookAtGroupInput) (*publicGroupOutput, error) {
	v, err := h.visitGroup(ctx, in.VisitInput, in.GroupID)
	if err != nil {
		return nil, err
	}
	c, err := h.shares.LookGroup(ctx, v, share.GroupInput{Groups: firstGroups + 1})
	if err != nil {
		return nil, err
	}
	body := publicGroupBody{
		OrgName: c.OrgName, Branding: visitBranding{orNull(c.Branding.PrimaryColor), orNull(c.Branding.AccentColor)},
		NeedsPassword: c.NeedsPassword, NeedsSignIn: c.NeedsSignIn, Open: c.Open, AllowDownload: c.AllowDownload, AllowPreview: c.AllowPreview,
		AllowViewMetadata: c.AllowViewMetadata, ExpiresAt: timeOrNull(c.ExpiresAt),
	}
	if c.Open && !v.Quiet {
		body.Group = new(showLookedGroup(&c))
	}
	return &publicGroupOutput{body}, nil
}

func showLookedGroup(c *share.GroupContents) lookedGroupBody {
	o := c.Itself.Order
	more := len(c.Groups) > firstGroups
	if more {
		c.Groups = c.Groups[:firstGroups]
	}
	show := func(n share.Nested) SharedGroupBody { return showNested(n, c.AllowViewMetadata) }
	return lookedGroupBody{
		SharedGroupBody: show(c.Itself), Organisation: GroupOrderBody{each(o.Sections, same), o.Sort, o.Layout},
		Path:   each(c.Group.Path, func(s core.GroupStep) groupStepBody { return groupStepBody(s) }),
		Groups: each(c.Groups, show), MoreGroups: more,
	}
}

// visitGroup is the visit of who looks at a group.
func (h publicShareRoutes) visitGroup(ctx context.Context, in VisitInput, id core.GroupID) (share.Visit, error) {
	v, err := h.visit(ctx, in)
	v.Group = id
	return v, err
}

// SharedFileBody is a file of a group as visitors see it.
type SharedFileBody struct {
	AssetID        core.AssetID `json:"asset_id" format:"uuid" doc:"The file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	Name           string       `json:"name" doc:"The file's name" example:"beach.jpg"`
	ContentType    string       `json:"content_type" doc:"Its media type" example:"image/jpeg"`
	SizeBytes      int64        `json:"size_bytes" doc:"Its size" example:"5000000"`
	Section        *string      `json:"section" doc:"The section of the group it is in; null: none" example:"Print"`
	Title          *string      `json:"title" doc:"What it is called in the group; null: as the file" example:"The beach"`
	Description    string       `json:"description" doc:"What is said of it in the group; plain text" example:"For the front page."`
	PreviewURL     *string      `json:"preview_url" format:"uri" doc:"Of a picture: a short-lived URL for showing it in place; null: none, or the link turns downloads off or counts them" example:"https://files.example.com/blobs/a?signature=5f1c"`
	ChecksumSHA256 *string      `json:"checksum_sha256,omitzero" doc:"If metadata is shown and it is known: its SHA-256, in hexadecimal" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Tags           []string     `json:"tags,omitempty" doc:"If metadata is shown" example:"[\"holiday\"]"`
	UpdatedAt      *time.Time   `json:"updated_at,omitzero" doc:"If metadata is shown: when the file was last changed"`
	ThumbnailURL   *string      `json:"thumbnail_url,omitzero" format:"uri" doc:"A short-lived URL of a picture of it; left out: there is none, or the link turns downloads off, counts them or has a watermark" example:"https://files.example.com/blobs/a?signature=5f1c"`
	Placeholder    *string      `json:"placeholder,omitzero" doc:"A thumbhash, in base64, to show until the picture is there" example:"3OcRJYB4d3h/iIeHeEh3eIhw+j3A"`
}

func showGroupFile(x share.GroupFile) SharedFileBody {
	return SharedFileBody{
		AssetID: x.AssetID, Name: x.Node.Name, ContentType: x.File.ContentType, SizeBytes: x.File.SizeBytes, Section: orNull(x.Section),
		Title: orNull(x.Title), Description: x.Description, PreviewURL: orNull(x.PreviewURL), ChecksumSHA256: checksum(x.File.SHA256),
		Tags: x.File.Metadata.Tags, UpdatedAt: timeOrNull(x.Node.UpdatedAt),
	}
}

type listGroupFilesInput struct {
	VisitInput
	NestedInput
	PageInput
}

type groupFilesOutput struct{ Body page[SharedFileBody] }

func (h publicShareRoutes) listGroup(ctx context.Context, in *listGroupFilesInput) (*groupFilesOutput, error) {
	after, err := h.files.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	v, err := h.visitGroup(ctx, in.VisitInput, in.GroupID)
	if err != nil {
		return nil, err
	}
	kind := core.AccessView
	if in.Cursor != "" {
		kind = ""
	}
	c, err := h.shares.EnterGroup(ctx, v, share.GroupInput{Kind: kind, Files: in.more(), FilesAfter: after})
	switch {
	case err != nil:
		return nil, err
	case v.Quiet:
		return nil, quiet()
	}
	var failed error
	out, err := pageOf(ctx, in.PageInput, h.files, c.Files, func(x share.GroupFile) SharedFileBody {
		body, preview := showGroupFile(x), showPreview(x.File.Preview)
		if preview != nil {
			failed = errors.Join(failed, h.thumbs.dress(ctx, x.File.Preview, preview))
			body.ThumbnailURL, body.Placeholder = preview.ThumbnailURL, preview.Placeholder
		}
		return body
	}, func(x share.GroupFile) share.FilePosition { return x.At })
	return &groupFilesOutput{out}, errors.Join(failed, err)
}

type listNestedInput struct {
	VisitInput
	ParentID core.GroupID `query:"parent_id" format:"uuid" doc:"A group nested in the shared one; that one if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e32"`
	PageInput
}

type nestedOutput struct{ Body page[SharedGroupBody] }

func (h publicShareRoutes) listNested(ctx context.Context, in *listNestedInput) (*nestedOutput, error) {
	after, err := h.nested.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	v, err := h.visitGroup(ctx, in.VisitInput, in.ParentID)
	if err != nil {
		return nil, err
	}
	c, err := h.shares.EnterGroup(ctx, v, share.GroupInput{Groups: in.more(), GroupsAfter: after})
	switch {
	case err != nil:
		return nil, err
	case v.Quiet:
		return nil, quiet()
	}
	show := func(n share.Nested) SharedGroupBody { return showNested(n, c.AllowViewMetadata) }
	out, err := pageOf(ctx, in.PageInput, h.nested, c.Groups, show, func(n share.Nested) share.GroupName { return n.At })
	return &nestedOutput{out}, err
}

type signOfGroupInput struct {
	VisitInput
	NestedInput
	AssetID     core.AssetID `query:"asset_id" required:"true" format:"uuid" doc:"The file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	Disposition string       `query:"disposition" enum:"inline,attachment" default:"attachment" doc:"To show or to save. Types that can run script are always saved" example:"inline"`
}

func (h publicShareRoutes) signOfGroup(ctx context.Context, in *signOfGroupInput) (*signedURLOutput, error) {
	v, err := h.visitGroup(ctx, in.VisitInput, in.GroupID)
	if err != nil {
		return nil, err
	}
	return h.signed(ctx, v, in.AssetID, in.Disposition)
}

type downloadOfGroupInput struct {
	DownloadInput
	NestedInput
}

func (h publicShareRoutes) downloadOfGroup(ctx context.Context, in *downloadOfGroupInput) (*redirectOutput, error) {
	v, err := h.visitGroup(ctx, in.VisitInput, in.GroupID)
	if err != nil {
		return nil, err
	}
	return h.redirected(ctx, v, &in.DownloadInput)
}
