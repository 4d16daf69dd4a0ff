package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

// publicShareRoutes are for visitors, who have nothing but a link's token. A
// bearer token makes one of them somebody.
type publicShareRoutes struct {
	shares  *share.Service
	drives  *drive.Service
	assets  *asset.Service
	pages   codec[drive.Position]
	files   codec[share.FilePosition]                     // of a group
	nested  codec[share.GroupName]                        // groups in a group
	limit   func(ctx context.Context, token string) error // of requests with one link
	secure  bool                                          // cookies for https only
	timeout time.Duration                                 // of each part of an archive
	thumbs  thumbnails
}

const publicPath = "/api/public/shares/{token}"

// shareCodes are the problems of a visitor whom a link does not let in.
var shareCodes = []string{
	"share_expired", "share_revoked", "share_unavailable", "share_exhausted", "share_address_refused", "share_sign_in_required", "share_not_for_you",
}

// openCodes are those of an operation that needs the link to be open, with more.
func openCodes(more ...string) []string {
	return append(append(more, "share_password_required"), shareCodes...)
}

func (h publicShareRoutes) mount(api huma.API) {
	register(api, operation{
		id: "getPublicShare", method: http.MethodGet, path: publicPath, tag: tagPublic, public: true, codes: slices.Clone(shareCodes),
		summary: "What a link is",
		about:   "Tells what a link is and what it needs: a password, or somebody signed in. What it leads to is told only to whom it is open. Counts nothing.",
	}, h.look)
	register(api, operation{
		id: "unlockPublicShare", method: http.MethodPost, path: publicPath + "/auth", tag: tagPublic, public: true,
		codes:   append(slices.Clone(shareCodes), "share_password_wrong"),
		summary: "Show a link's password",
		about:   "Returns what opens the link for an hour, sent as X-Share-Access. Who tries wrong passwords has to wait longer and longer between tries, and never for ever.",
	}, h.unlock)
	register(api, operation{
		id: "listPublicShare", method: http.MethodGet, path: publicPath + "/nodes", tag: tagPublic, public: true, codes: openCodes("share_is_a_request", "validation_failed"),
		also:    quietAnswer,
		summary: "What a link shows", about: "Lists what is in a shared folder, or in a folder below it; of a shared file, the file. The first page of what the link leads to counts as a view, all else counts nothing.",
	}, h.list)
	register(api, operation{
		id: "signPublicDownload", method: http.MethodGet, path: publicPath + "/download-url", tag: tagPublic, public: true,
		codes: openCodes("share_is_a_request", "share_download_off", "cannot_watermark", "watermark_busy", "validation_failed"), also: quietAnswer,
		summary: "A URL to download", about: "Returns a signed URL of a shared file. Counts a download.",
	}, h.sign)
	register(api, operation{
		id: "downloadPublicShare", method: http.MethodGet, path: publicPath + "/download/{asset_id}", tag: tagPublic, public: true, status: http.StatusFound,
		codes: openCodes("share_is_a_request", "share_download_off", "cannot_watermark", "watermark_busy"), also: quietAnswer,
		summary: "Download a shared file",
		about:   "Leads to a signed URL of the file. Counts a download, unless a Range header and the cookie of an earlier answer show that somebody goes on with one.",
	}, h.download)
	register(api, operation{
		id: "downloadPublicFolder", method: http.MethodGet, path: publicPath + "/archive", tag: tagPublic, public: true,
		codes: openCodes("share_is_a_request", "share_download_off", "not_a_folder", "validation_failed"), answer: archiveAnswer, also: quietAnswer,
		summary: "A shared folder as a zip file", about: "Streams a zip file of everything in the folder and below it, uncompressed. Counts one download. Of a link with watermarks, what cannot carry one is left out, and a file in the archive lists it.",
	}, h.archive)
	h.mountUploads(api)
	h.mountGroups(api)
}

var quietAnswer = map[int]string{
	http.StatusNoContent: "To what nobody looks at: a prefetch, or a program that makes previews of links. Nothing is shown, and nothing counted.",
}

// quiet is the answer to a visit that counts nothing.
func quiet() error { return &ready{status: http.StatusNoContent} }

// VisitInput is what every visitor sends. The token is not checked by its form:
// any that leads nowhere has the same answer.
type VisitInput struct {
	Token   string `path:"token" doc:"The link's token" example:"5f1c2a7e00112233445566778899aabbccddeeff5f1c2a7e0011223344556677"`
	Access  string `header:"X-Share-Access" doc:"What opens a link with a password" example:"AAAAAGn1c2E"`
	Referer string `header:"Referer" hidden:"true"`
}

// visit is the visit that a request is, within the limit of requests.
func (h publicShareRoutes) visit(ctx context.Context, in VisitInput) (share.Visit, error) {
	req := requestOf(ctx)
	return share.Visit{
		Token: in.Token, Access: in.Access, Actor: req.actor, From: req.client, Referer: strings.ToValidUTF8(in.Referer, "\ufffd"),
		Quiet: approachOf(req.http).Quiet(),
	}, h.limit(ctx, in.Token)
}

// approachOf is what a request tells of who looks.
func approachOf(r *http.Request) core.Approach {
	a := core.Approach{Method: r.Method, UserAgent: userAgent(r.Header)}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		a.Purposes = append(a.Purposes, r.Header.Values(name)...)
	}
	return a
}

// SharedNodeBody is a file or folder as visitors see it.
type SharedNodeBody struct {
	ID             core.NodeID   `json:"id" format:"uuid" doc:"Identifies it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	Kind           core.NodeKind `json:"kind" enum:"folder,asset" doc:"What it is" example:"asset"`
	Name           string        `json:"name" doc:"What it is called; empty: a whole drive" example:"holiday.jpg"`
	ContentType    string        `json:"content_type,omitempty" doc:"Of a file: its media type" example:"image/jpeg"`
	SizeBytes      *int64        `json:"size_bytes,omitzero" doc:"Of a file: its size" example:"5000000"`
	ChecksumSHA256 *string       `json:"checksum_sha256,omitzero" doc:"Of a file, if metadata is shown and it is known: its SHA-256, in hexadecimal" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Tags           []string      `json:"tags,omitempty" doc:"Of a file, if metadata is shown" example:"[\"holiday\"]"`
	UpdatedAt      *time.Time    `json:"updated_at,omitzero" doc:"If metadata is shown: when it was last changed"`
	ThumbnailURL   *string       `json:"thumbnail_url,omitzero" format:"uri" doc:"Of a file in a list: a short-lived URL of a picture of it; left out: there is none, or the link turns downloads off, counts them or has a watermark" example:"https://files.example.com/blobs/a?signature=5f1c"`
	Placeholder    *string       `json:"placeholder,omitzero" doc:"A thumbhash, in base64, to show until the picture is there" example:"3OcRJYB4d3h/iIeHeEh3eIhw+j3A"`
}

func showShared(e drive.Entry) SharedNodeBody {
	body := SharedNodeBody{ID: e.Node.ID, Kind: e.Node.Kind, Name: e.Node.Name, UpdatedAt: timeOrNull(e.Node.UpdatedAt)}
	if e.Node.Kind == core.KindAsset {
		body.ContentType, body.SizeBytes = e.File.ContentType, &e.File.SizeBytes
		body.ChecksumSHA256, body.Tags = checksum(e.File.SHA256), e.File.Metadata.Tags
	}
	return body
}

type publicShareBody struct {
	Kind          core.ShareKind `json:"kind" enum:"download,upload" doc:"To look and download, or to send files" example:"download"`
	OrgName       string         `json:"org_name" doc:"The organisation that shares" example:"Example Studio"`
	Branding      visitBranding  `json:"branding" doc:"How it shows itself"`
	NeedsPassword bool           `json:"needs_password" doc:"Whether a password has to be shown first"`
	NeedsSignIn   bool           `json:"needs_sign_in" doc:"Whether somebody has to be signed in, whom the link is for"`
	Open          bool           `json:"open" doc:"Whether it is open to you; if not, nothing else is told"`

	Target            *SharedNodeBody  `json:"target" doc:"Where it leads; null: not open, or of kind upload"`
	FolderName        *string          `json:"folder_name" doc:"Of kind upload: where files go; null: not open, or of kind download" example:"Inbox"`
	AllowDownload     bool             `json:"allow_download" doc:"Whether files may be downloaded"`
	AllowViewMetadata bool             `json:"allow_view_metadata" doc:"Whether tags, checksums and times are shown"`
	Watermark         bool             `json:"watermark" doc:"Whether files carry your mark: your e-mail address if you are signed in, else your address, and the hour. Checksums are not shown, and sizes are those of the files without it"`
	Request           *fileRequestBody `json:"request" doc:"What may be sent; null: not open, or of kind download"`
	ExpiresAt         *time.Time       `json:"expires_at" doc:"When the link ends; null: never, or not open"`
}

type visitBranding struct {
	PrimaryColor *string `json:"primary_color" doc:"The colour of most things; null: none" example:"#1a2b3c"`
	AccentColor  *string `json:"accent_color" doc:"The colour of what stands out; null: none" example:"#ff8800"`
}

func showLooked(l share.Looked) publicShareBody {
	body := publicShareBody{
		Kind: l.Kind, OrgName: l.OrgName, Branding: visitBranding{orNull(l.Branding.PrimaryColor), orNull(l.Branding.AccentColor)},
		NeedsPassword: l.NeedsPassword, NeedsSignIn: l.NeedsSignIn, Open: l.Open, AllowDownload: l.AllowDownload,
		AllowViewMetadata: l.AllowViewMetadata, Watermark: l.Watermark, ExpiresAt: timeOrNull(l.ExpiresAt),
	}
	switch {
	case l.Open && l.Kind == core.ShareUpload:
		body.FolderName, body.Request = &l.Target.Node.Name, new(showRequest(l.Request))
	case l.Open:
		body.Target = new(showShared(l.Target))
	}
	return body
}

type publicShareOutput struct{ Body publicShareBody }

func (h publicShareRoutes) look(ctx context.Context, in *VisitInput) (*publicShareOutput, error) {
	v, err := h.visit(ctx, *in)
	if err != nil {
		return nil, err
	}
	l, err := h.shares.Look(ctx, v)
	switch {
	case err != nil:
		return nil, err
	case l.OfGroup: // which has operations of its own
		return nil, core.ErrNotFound
	}
	return &publicShareOutput{showLooked(l)}, nil
}

type unlockShareInput struct {
	VisitInput
	Body struct {
		Password string `json:"password" maxLength:"1024" writeOnly:"true" doc:"The link's password" example:"harbour"`
	}
}

type unlockedShareOutput struct {
	Body struct {
		Access    string `json:"share_access_token" doc:"To send as X-Share-Access with this link" example:"AAAAAGn1c2E"`
		ExpiresIn int    `json:"expires_in" doc:"For how many seconds it opens the link" example:"3600"`
	}
}

func (h publicShareRoutes) unlock(ctx context.Context, in *unlockShareInput) (*unlockedShareOutput, error) {
	v, err := h.visit(ctx, in.VisitInput)
	if err != nil {
		return nil, err
	}
	access, ttl, err := h.shares.Unlock(ctx, v, in.Body.Password)
	if err != nil {
		return nil, err
	}
	out := &unlockedShareOutput{}
	out.Body.Access, out.Body.ExpiresIn = access, int(ttl.Seconds())
	return out, nil
}

type listPublicInput struct {
	VisitInput
	ParentID core.NodeID `query:"parent_id" format:"uuid" doc:"A folder below the one that is shared; that one if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
	Sort     string      `query:"sort" enum:"name,-name,size,-size,kind,-kind" default:"name" doc:"The order; with - backwards" example:"kind"`
	PageInput
}

type sharedNodesOutput struct{ Body page[SharedNodeBody] }

func (h publicShareRoutes) list(ctx context.Context, in *listPublicInput) (*sharedNodesOutput, error) {
	after, err := h.pages.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	v, err := h.visit(ctx, in.VisitInput)
	if err != nil {
		return nil, err
	}
	rows, l, err := h.browse(ctx, v, in.ParentID, in.Cursor == "", drive.ListInput{
		ParentID: in.ParentID, Sort: drive.Sort(strings.TrimPrefix(in.Sort, "-")), Descending: strings.HasPrefix(in.Sort, "-"), After: after, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	sort := drive.Sort(strings.TrimPrefix(in.Sort, "-"))
	out, err := pageOf(ctx, in.PageInput, h.pages, rows, same, func(e drive.Entry) drive.Position { return drive.PositionOf(sort, &e) })
	if err != nil {
		return nil, err
	}
	items, err := h.visible(ctx, out.Items, l)
	return &sharedNodesOutput{page[SharedNodeBody]{Items: items, NextCursor: out.NextCursor}}, err
}

// browse lists a folder to a visitor, or the shared file itself. first says that
// it is the first page, which counts as a view where the link leads to.
func (h publicShareRoutes) browse(ctx context.Context, v share.Visit, parent core.NodeID, first bool, in drive.ListInput) ([]drive.Entry, share.Looked, error) {
	kind := core.AccessKind("")
	if first {
		kind = core.AccessView
	}
	sc, l, err := h.shares.Enter(ctx, v, parent, kind)
	switch {
	case err != nil:
		return nil, l, err
	case v.Quiet:
		return nil, l, quiet()
	case l.Target.Node.Kind == core.KindAsset:
		return []drive.Entry{l.Target}, l, nil
	}
	rows, err := h.drives.List(ctx, sc, in)
	return rows, l, share.Hidden(err)
}

// visible shows a page to visitors: without what has no bytes yet, and without
// metadata where the link hides it.
func (h publicShareRoutes) visible(ctx context.Context, rows []drive.Entry, l share.Looked) ([]SharedNodeBody, error) {
	out := make([]SharedNodeBody, 0, len(rows))
	for _, e := range rows {
		if e.Node.Kind == core.KindAsset && e.File.Status != core.AssetReady {
			continue
		}
		l.Hide(&e)
		body, preview := showShared(e), showPreview(e.File.Preview)
		if preview != nil {
			if err := h.thumbs.dress(ctx, e.File.Preview, preview); err != nil {
				return nil, err
			}
			body.ThumbnailURL, body.Placeholder = preview.ThumbnailURL, preview.Placeholder
		}
		out = append(out, body)
	}
	return out, nil
}
