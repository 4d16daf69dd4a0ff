package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

// shareRoutes are for those who make share links; publicShareRoutes for those
// who come with one.
type shareRoutes struct {
	shares  *share.Service
	cursors codec[core.ShareLinkID]
	logs    codec[core.AccessID]
	timeout time.Duration // of each page of an export
}

const sharePath = "/api/shares/{share_id}"

func (h shareRoutes) mount(api huma.API) {
	register(api, operation{
		id: "createShare", method: http.MethodPost, path: nodePath + "/shares", tag: tagShares, status: http.StatusCreated,
		codes:   []string{"forbidden", "feature_unavailable", "share_policy", "trashed"},
		summary: "Share a file or folder",
		about:   "Makes a link for whoever has it: to look at and download what is there, or, with kind upload, to send files into a folder. Editors of the drive may; a link never allows what whoever made it may not do any more. Passwords, numeric limits, names, certain people, networks and watermarks need a licence that includes them.",
	}, h.create)
	register(api, operation{
		id: "listNodeShares", method: http.MethodGet, path: nodePath + "/shares", tag: tagShares, codes: []string{"forbidden"},
		summary: "The links to a file or folder", about: "Lists links, newest first: those that work or, with ended=true, all.",
	}, h.ofNode)
	register(api, operation{
		id: "listOrgShares", method: http.MethodGet, path: "/api/orgs/{org_id}/shares", tag: tagShares,
		summary: "The links of an organisation", about: "Lists the links to what is in drives that the user may write in, and of groups that they may share, newest first: those that work or, with ended=true, all.",
	}, h.ofOrg)
	register(api, operation{
		id: "getShare", method: http.MethodGet, path: sharePath, tag: tagShares, also: notModified, codes: []string{"forbidden"},
		summary: "One link", about: "Returns a link, also one that has ended.",
	}, h.get)
	register(api, operation{
		id: "updateShare", method: http.MethodPatch, path: sharePath, tag: tagShares,
		codes:   []string{"forbidden", "feature_unavailable", "share_policy", "share_revoked", "group_deleted"},
		summary: "Change a link",
		about:   "Members that are left out stay as they are; null clears. Only what the change adds has to be in the licence and within the organisation's rules. A new password ends what was opened with the one before.",
	}, h.update)
	register(api, operation{
		id: "revokeShare", method: http.MethodDelete, path: sharePath, tag: tagShares, status: http.StatusNoContent, codes: []string{"forbidden"},
		summary: "Revoke a link", about: "Ends a link for good, from its next use on. Revoking twice is no error.",
	}, h.revoke)
	register(api, operation{
		id: "rotateShare", method: http.MethodPost, path: sharePath + "/rotate", tag: tagShares, codes: []string{"forbidden", "share_revoked", "group_deleted"},
		summary: "Give a link another token", about: "The link's address changes, and the one before leads nowhere. What it allows, its counts and its access log stay.",
	}, h.rotate)
	register(api, operation{
		id: "listShareAccesses", method: http.MethodGet, path: sharePath + "/access-log", tag: tagShares, codes: []string{"forbidden"}, answer: accessAnswer,
		summary: "Who used a link",
		about:   "Lists what was done with a link, and what was refused, newest first. With format=csv, all rows that the filters leave come as one file, whatever limit and cursor are; text in it that a spreadsheet would take for a formula begins with an apostrophe.",
	}, h.accesses)
	h.mountGroups(api)
}

type audienceBody struct {
	AccountIDs []core.AccountID `json:"account_ids" maxItems:"200" doc:"Active accounts of the organisation, who alone may open it" example:"[\"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13\"]"`
}

type fileRequestBody struct {
	MaxFiles     *int64   `json:"max_files" required:"false" minimum:"1" maximum:"1000000000000" doc:"How many files may be sent; null: no limit" example:"20"`
	MaxBytes     *int64   `json:"max_bytes" required:"false" minimum:"1" maximum:"5000000000000" doc:"The size of each file at most; null: what the licence allows" example:"50000000"`
	ContentTypes []string `json:"content_types" required:"false" maxItems:"50" doc:"Which media types, or kinds such as image; none: any" example:"[\"image\",\"application/pdf\"]"`
}

type shareNotifyBody struct {
	FirstView    bool `json:"first_view,omitempty" doc:"When it is opened for the first time"`
	EachDownload bool `json:"each_download,omitempty" doc:"At each download"`
	EachUpload   bool `json:"each_upload,omitempty" doc:"At each file that arrives"`
	LimitReached bool `json:"limit_reached,omitempty" doc:"When it has been used as often as it may be"`
	ExpiringSoon bool `json:"expiring_soon,omitempty" doc:"A day before it expires"`
}

type shareBody struct {
	ID                core.ShareLinkID `json:"id" format:"uuid" doc:"Identifies the link" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1b"`
	OrgID             core.OrgID       `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	DriveID           *core.DriveID    `json:"drive_id" format:"uuid" doc:"The drive; null: of a group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	NodeID            *core.NodeID     `json:"node_id" format:"uuid" doc:"The file or folder; null: of a group" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	GroupID           *core.GroupID    `json:"group_id" format:"uuid" doc:"The group; null: to a file or folder" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	Kind              core.ShareKind   `json:"kind" enum:"download,upload" doc:"To look and download, or to send files" example:"download"`
	State             core.ShareState  `json:"state" enum:"active,expired,exhausted,revoked" doc:"How it is doing by itself" example:"active"`
	Name              *string          `json:"name" doc:"What its owner calls it; null: nothing" example:"For the client"`
	ShareURL          string           `json:"share_url" format:"uri" doc:"Where it leads: what to hand out" example:"https://files.example.com/s/5f1c2a7e"`
	Audience          *audienceBody    `json:"audience" doc:"Who alone may open it; null: everybody who has it"`
	PasswordProtected bool             `json:"password_protected" doc:"Whether it has a password of its own; without one, a link of a group asks for the group's, if that has one"`
	AllowDownload     bool             `json:"allow_download" doc:"Whether files may be downloaded"`
	AllowViewMetadata bool             `json:"allow_view_metadata" doc:"Whether tags, checksums and times are shown"`
	ExpiresAt         *time.Time       `json:"expires_at" doc:"When it ends by itself; null: never"`
	MaxViews          *int64           `json:"max_views" doc:"How often it may be opened; null: no limit" example:"100"`
	MaxDownloads      *int64           `json:"max_downloads" doc:"How many downloads there may be; null: no limit" example:"7"`
	IPAllow           []string         `json:"ip_allow" doc:"The networks from which it may be opened; none: from anywhere" example:"[\"192.0.2.0/24\"]"`
	Watermark         bool             `json:"watermark" doc:"Whether pictures and PDFs are handed out only with a mark of who looks at them, and nothing else is"`
	Request           *fileRequestBody `json:"request" doc:"Of kind upload: what may be sent; null: of kind download"`
	Notify            shareNotifyBody  `json:"notify" doc:"Of what its creator gets mail"`
	Views             int64            `json:"views" doc:"How often it was opened" example:"12"`
	Downloads         int64            `json:"downloads" doc:"How many downloads there were" example:"3"`
	Uploads           int64            `json:"uploads" doc:"How many files were begun" example:"0"`
	LastAccessedAt    *time.Time       `json:"last_accessed_at" doc:"When it was last used; null: never"`
	CreatedBy         core.AccountID   `json:"created_by" format:"uuid" doc:"The account that made it, whose rights bound the link's" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	RevokedAt         *time.Time       `json:"revoked_at" doc:"When it was revoked; null: it was not"`
	RevokedBy         *core.AccountID  `json:"revoked_by" format:"uuid" doc:"Who revoked it; null: nobody, or the server, because the account that made it has left" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Version           int64            `json:"version" doc:"Counts its changes; the ETag begins with it" example:"1"`
	CreatedAt         time.Time        `json:"created_at" doc:"When it was made"`
	UpdatedAt         time.Time        `json:"updated_at" doc:"When it was last changed"`
}

func showShare(s share.Shared) shareBody {
	l := s.Link
	body := shareBody{
		ID: l.ID, OrgID: l.OrgID, DriveID: orNull(l.DriveID), NodeID: orNull(l.NodeID), GroupID: orNull(l.GroupID), Kind: l.Kind, State: s.State, Name: orNull(l.Name), ShareURL: s.URL,
		PasswordProtected: l.PasswordHash != "", AllowDownload: l.AllowDownload, AllowViewMetadata: l.AllowViewMetadata,
		ExpiresAt: timeOrNull(l.ExpiresAt), MaxViews: limit(l.MaxViews), MaxDownloads: limit(l.MaxDownloads), IPAllow: each(l.IPAllow, text),
		Watermark: l.Watermark, Notify: shareNotifyBody(l.Notify), Views: l.Views, Downloads: l.Downloads, Uploads: l.Uploads,
		LastAccessedAt: timeOrNull(l.LastAccessedAt), CreatedBy: l.CreatedBy, RevokedAt: timeOrNull(l.RevokedAt), RevokedBy: orNull(l.RevokedBy),
		Version: l.Version, CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt,
	}
	if len(l.Accounts) > 0 {
		body.Audience = &audienceBody{l.Accounts}
	}
	if l.Kind == core.ShareUpload {
		body.Request = new(showRequest(l.Request))
	}
	return body
}

func showRequest(r core.FileRequest) fileRequestBody {
	return fileRequestBody{limit(r.MaxFiles), limit(r.MaxBytes), each(r.ContentTypes, same)}
}

func text[T fmt.Stringer](v T) string { return v.String() }

// issuedShareBody is a link with its token, where that is new.
type issuedShareBody struct {
	Share    shareBody `json:"share" doc:"The link"`
	Token    string    `json:"token" doc:"Its secret: what the public operations take" example:"5f1c2a7e00112233445566778899aabbccddeeff5f1c2a7e0011223344556677"`
	ShareURL string    `json:"share_url" format:"uri" doc:"Where it leads: what to hand out" example:"https://files.example.com/s/5f1c2a7e"`
}

func showIssuedShare(s share.Shared) issuedShareBody {
	return issuedShareBody{showShare(s), s.Token, s.URL}
}

// shareTag is the entity tag of a link: what is counted, and whether it has
// expired, is not of its version.
func shareTag(s share.Shared) string {
	l := s.Link
	return strconv.Quote(fmt.Sprintf("%d-%s-%d-%d-%d", l.Version, s.State, l.Views, l.Downloads, l.Uploads))
}

// ShareInput names a link.
type ShareInput struct {
	ShareID core.ShareLinkID `path:"share_id" format:"uuid" doc:"The link" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1b"`
}

type getShareInput struct {
	ShareInput
	ConditionalInput
}

type shareOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource, and what it has counted" example:"\"3-active-12-3-0\""`
	Body   shareBody
}

func shareAnswer(s share.Shared) *shareOutput {
	return &shareOutput{http.StatusOK, shareTag(s), showShare(s)}
}

func (h shareRoutes) get(ctx context.Context, in *getShareInput) (*shareOutput, error) {
	s, err := h.shares.Get(ctx, actorOf(ctx), in.ShareID)
	if err != nil {
		return nil, err
	}
	out := shareAnswer(s)
	out.Status = fresh(in.IfNoneMatch, out.ETag)
	return out, nil
}

// SharesInput is a page of links.
type SharesInput struct {
	Ended bool `query:"ended" doc:"Also links that were revoked or have expired"`
	PageInput
}

type nodeSharesInput struct {
	NodeInput
	SharesInput
}

type sharesOutput struct{ Body page[shareBody] }

func (h shareRoutes) ofNode(ctx context.Context, in *nodeSharesInput) (*sharesOutput, error) {
	return h.list(ctx, in.SharesInput, func(l share.ListInput) ([]share.Shared, error) {
		return h.shares.OfNode(ctx, actorOf(ctx), in.NodeID, l)
	})
}

type orgSharesInput struct {
	OrgInput
	SharesInput
}

func (h shareRoutes) ofOrg(ctx context.Context, in *orgSharesInput) (*sharesOutput, error) {
	return h.list(ctx, in.SharesInput, func(l share.ListInput) ([]share.Shared, error) {
		return h.shares.OfOrg(ctx, actorOf(ctx), in.OrgID, l)
	})
}

func (h shareRoutes) list(ctx context.Context, in SharesInput, load func(share.ListInput) ([]share.Shared, error)) (*sharesOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := load(share.ListInput{Ended: in.Ended, Before: before, Limit: in.more()})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, showShare, func(s share.Shared) core.ShareLinkID { return s.Link.ID })
	return &sharesOutput{out}, err
}

// expected returns the version that If-Match asks for. It is the first part of
// a link's tag; what the rest says may change meanwhile.
func (h shareRoutes) expected(ctx context.Context, id core.ShareLinkID, ifMatch string) (int64, error) {
	if ifMatch == "" {
		return 0, nil
	}
	s, err := h.shares.Get(ctx, actorOf(ctx), id)
	if err != nil {
		return 0, err
	}
	return matched(tags(ifMatch), s.Link.Version, func(tag string) bool {
		version, _, _ := strings.Cut(strings.Trim(tag, `"`), "-")
		return strings.HasPrefix(tag, `"`) && version == strconv.FormatInt(s.Link.Version, 10)
	})
}
