package httpapi

import (
	"context"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

// ShareRulesInput is what a link shall be like. What is left out stays as it is
// or, of a new link, at its default; null is the default, too.
type ShareRulesInput struct {
	Name              optional[string]          `json:"name,omitzero" maxLength:"200" doc:"What to call it; visitors do not see it; null: nothing" example:"For the client"`
	Audience          optional[audienceBody]    `json:"audience,omitzero" doc:"Who alone may open it; null: everybody who has it"`
	Password          optional[string]          `json:"password,omitzero" minLength:"4" maxLength:"1024" writeOnly:"true" doc:"What visitors have to know; null: nothing" example:"harbour"`
	ExpiresAt         optional[time.Time]       `json:"expires_at,omitzero" doc:"When it shall end by itself; null: never" example:"2026-12-31T12:00:00Z"`
	MaxViews          optional[int64]           `json:"max_views,omitzero" minimum:"1" maximum:"1000000000000" doc:"How often it may be opened; null: no limit" example:"100"`
	MaxDownloads      optional[int64]           `json:"max_downloads,omitzero" minimum:"1" maximum:"1000000000000" doc:"How many downloads there may be; null: no limit" example:"7"`
	AllowDownload     optional[bool]            `json:"allow_download,omitzero" doc:"Whether files may be downloaded; null: they may, of kind download" example:"true"`
	AllowViewMetadata optional[bool]            `json:"allow_view_metadata,omitzero" doc:"Whether tags, checksums and times are shown; null: they are, of kind download" example:"true"`
	IPAllow           optional[[]string]        `json:"ip_allow,omitzero" maxItems:"50" doc:"Networks or single addresses from which it may be opened; null: from anywhere" example:"[\"192.0.2.0/24\"]"`
	Watermark         optional[bool]            `json:"watermark,omitzero" doc:"Whether pictures carry a watermark, which is not available yet" example:"false"`
	Request           optional[fileRequestBody] `json:"request,omitzero" doc:"Of kind upload: replaces what may be sent; null: anything"`
	Notify            optional[shareNotifyBody] `json:"notify,omitzero" doc:"Replaces the list of what its creator gets mail about; null: nothing"`
}

// apply changes rules as the body says. shows is the default of what only
// links of kind download do.
func (b *ShareRulesInput) apply(r *share.RulesInput, shows bool) {
	take(b.Name, "", &r.Name)
	if b.Audience.set {
		r.Accounts = b.Audience.value.AccountIDs
	}
	if b.Password.set {
		r.Password = &b.Password.value
	}
	take(b.ExpiresAt, time.Time{}, &r.ExpiresAt)
	take(b.MaxViews, core.Unlimited, &r.MaxViews)
	take(b.MaxDownloads, core.Unlimited, &r.MaxDownloads)
	take(b.AllowDownload, shows, &r.AllowDownload)
	take(b.AllowViewMetadata, shows, &r.AllowViewMetadata)
	take(b.IPAllow, nil, &r.IPAllow)
	take(b.Watermark, false, &r.Watermark)
	if b.Request.set {
		q := b.Request.value
		r.Request = core.FileRequest{MaxFiles: orUnlimited(q.MaxFiles), MaxBytes: orUnlimited(q.MaxBytes), ContentTypes: q.ContentTypes}
	}
	if b.Notify.set {
		r.Notify = core.ShareNotify(b.Notify.value)
	}
}

// take sets what the client has sent; null is the default.
func take[T any](o optional[T], byDefault T, to *T) {
	switch {
	case o.set && o.null:
		*to = byDefault
	case o.set:
		*to = o.value
	}
}

func orUnlimited(n *int64) int64 {
	if n == nil {
		return core.Unlimited
	}
	return *n
}

type createShareInput struct {
	NodeInput
	OnceInput
	Body struct {
		Kind core.ShareKind `json:"kind,omitempty" enum:"download,upload" default:"download" doc:"To look and download, or to send files into a folder" example:"download"`
		ShareRulesInput
	}
}

type createdShareOutput struct {
	Location string `header:"Location" doc:"Where the link's description is" example:"/api/shares/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1b"`
	ETag     string `header:"ETag" doc:"The version of the resource, and what it has counted" example:"\"1-active-0-0-0\""`
	Body     issuedShareBody
}

func (h shareRoutes) create(ctx context.Context, in *createShareInput) (*createdShareOutput, error) {
	wish, err := once(ctx, in.OnceInput, showIssuedShare)
	if err != nil {
		return nil, err
	}
	kind := in.Body.Kind
	if kind == "" {
		kind = core.ShareDownload
	}
	return h.created(ctx, share.CreateInput{NodeID: in.NodeID, Kind: kind, RulesInput: in.Body.rules(kind == core.ShareDownload), Once: wish})
}

// rules are those of a link of which nothing is known but the body.
func (b *ShareRulesInput) rules(shows bool) share.RulesInput {
	rules := share.RulesInput{
		MaxViews: core.Unlimited, MaxDownloads: core.Unlimited, AllowDownload: shows, AllowViewMetadata: shows,
		Request: core.FileRequest{MaxFiles: core.Unlimited, MaxBytes: core.Unlimited},
	}
	b.apply(&rules, shows)
	return rules
}

func (h shareRoutes) created(ctx context.Context, in share.CreateInput) (*createdShareOutput, error) {
	s, err := h.shares.Create(ctx, actorOf(ctx), in)
	if err != nil {
		return nil, err
	}
	return &createdShareOutput{"/api/shares/" + s.Link.ID.String(), shareTag(s), showIssuedShare(s)}, nil
}

type updateShareInput struct {
	ShareInput
	MatchInput
	Body struct{ ShareRulesInput }
}

func (h shareRoutes) update(ctx context.Context, in *updateShareInput) (*shareOutput, error) {
	version, err := h.expected(ctx, in.ShareID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	s, err := h.shares.Update(ctx, actorOf(ctx), in.ShareID, version, func(kind core.ShareKind, r *share.RulesInput) {
		in.Body.apply(r, kind == core.ShareDownload)
	})
	if err != nil {
		return nil, err
	}
	return shareAnswer(s), nil
}

type endShareInput struct {
	ShareInput
	MatchInput
}

func (h shareRoutes) revoke(ctx context.Context, in *endShareInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.ShareID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.shares.Revoke(ctx, actorOf(ctx), in.ShareID, version)
}

type rotatedShareOutput struct {
	ETag string `header:"ETag" doc:"The version of the resource, and what it has counted" example:"\"4-active-12-3-0\""`
	Body issuedShareBody
}

func (h shareRoutes) rotate(ctx context.Context, in *endShareInput) (*rotatedShareOutput, error) {
	version, err := h.expected(ctx, in.ShareID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	s, err := h.shares.Rotate(ctx, actorOf(ctx), in.ShareID, version)
	if err != nil {
		return nil, err
	}
	return &rotatedShareOutput{shareTag(s), showIssuedShare(s)}, nil
}

type shareAccessBody struct {
	ID        core.AccessID   `json:"id" format:"uuid" doc:"Identifies the row" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1c"`
	Kind      core.AccessKind `json:"kind" enum:"view,download,password,upload" doc:"What was done or tried" example:"download"`
	Granted   bool            `json:"granted" doc:"Whether it was allowed"`
	Refused   *string         `json:"refused" doc:"The code of the problem that was answered; null: it was allowed" example:"share_expired"`
	NodeID    *core.NodeID    `json:"node_id" format:"uuid" doc:"The file it was about, as the visitor named it; null: what the link leads to" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	GroupID   *core.GroupID   `json:"group_id" format:"uuid" doc:"Of a link of a group: that, or the group in it that was looked at; null: of another link" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	AccountID *core.AccountID `json:"account_id" format:"uuid" doc:"The account of the organisation that was signed in; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Address   string          `json:"address" doc:"Where the request came from, as far as the server keeps that" example:"192.0.2.7"`
	UserAgent string          `json:"user_agent" doc:"What the visitor's program calls itself" example:"Mozilla/5.0"`
	Referer   string          `json:"referer" doc:"The page from which the visitor came, as the visitor's program says" example:"https://mail.example.com/"`
	At        time.Time       `json:"at" doc:"When"`
}

func showShareAccess(a *core.ShareAccess) shareAccessBody {
	return shareAccessBody{
		a.ID, a.Kind, a.Refused == "", orNull(a.Refused), orNull(a.NodeID), orNull(a.GroupID), orNull(a.AccountID), a.Address, a.UserAgent, a.Referer, a.At,
	}
}

type listAccessesInput struct {
	ShareInput
	Kind    core.AccessKind `query:"kind" enum:"view,download,password,upload" doc:"Only this" example:"download"`
	Granted string          `query:"granted" enum:"true,false" doc:"Only what was allowed, or only what was refused" example:"false"`
	From    time.Time       `query:"from" doc:"Only what was done then or later" example:"2026-01-01T00:00:00Z"`
	To      time.Time       `query:"to" doc:"Only what was done earlier" example:"2027-01-01T00:00:00Z"`
	Format  string          `query:"format" enum:"json,csv" default:"json" doc:"A page, or all as one file" example:"csv"`
	PageInput
}

// accessAnswer describes what accesses writes.
func accessAnswer(schemas huma.Registry) map[string]*huma.MediaType {
	return pageOrCSV(schemas, reflect.TypeFor[page[shareAccessBody]]())
}

func (h shareRoutes) accesses(ctx context.Context, in *listAccessesInput) (*writtenOutput, error) {
	q := share.AccessInput{LinkID: in.ShareID, Kind: in.Kind, From: in.From, To: in.To}
	if in.Granted != "" {
		q.Refused = new(in.Granted == "false")
	}
	if in.Format == "csv" {
		return h.export(ctx, q)
	}
	var err error
	if q.Before, err = h.logs.open(ctx, in.Cursor); err != nil {
		return nil, err
	}
	q.Limit = in.more()
	rows, err := h.shares.Accesses(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, err
	}
	body, err := pageOf(ctx, in.PageInput, h.logs, rows, showShareAccess, func(a *core.ShareAccess) core.AccessID { return a.ID })
	if err != nil {
		return nil, err
	}
	return written(ctx, body)
}

var accessColumns = []string{"id", "at", "kind", "granted", "refused", "node_id", "group_id", "account_id", "address", "user_agent", "referer"}

func (h shareRoutes) export(ctx context.Context, q share.AccessInput) (*writtenOutput, error) {
	q.Limit = exportPage
	body, err := export[*core.ShareAccess]{"access-log.csv", accessColumns, func(ctx context.Context, after []*core.ShareAccess) ([]*core.ShareAccess, error) {
		if len(after) > 0 {
			q.Before = after[len(after)-1].ID
		}
		return h.shares.Accesses(ctx, actorOf(ctx), q)
	}, accessRecord, h.timeout}.open(ctx)
	return &writtenOutput{body}, err
}

func accessRecord(a *core.ShareAccess) ([]string, error) {
	granted := "true"
	if a.Refused != "" {
		granted = "false"
	}
	return []string{
		a.ID.String(), timeCell(a.At), string(a.Kind), granted, a.Refused, idCell(a.NodeID), idCell(a.GroupID), idCell(a.AccountID), a.Address, a.UserAgent, a.Referer,
	}, nil
}
