package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
)

type auditRoutes struct {
	orgs    *org.Service
	cursors codec[core.AuditID]
	timeout time.Duration // of each page of an export
}

func (h auditRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listAuditLog", method: http.MethodGet, path: "/api/orgs/{org_id}/audit-log", tag: tagOrgs, codes: []string{"forbidden"},
		answer:  auditAnswer,
		summary: "Who did what",
		about:   "Lists the entries of an organisation's audit log, newest first. With format=csv, all entries that the filters leave come as one file, whatever limit and cursor are; text in it that a spreadsheet would take for a formula begins with an apostrophe.",
	}, h.list)
}

type actorBody struct {
	Kind      core.ActorKind  `json:"kind" enum:"account,api_key,share_link,platform_admin,system" doc:"By which kind of credential, or as what: a platform admin acts on the whole server" example:"account"`
	AccountID *core.AccountID `json:"account_id" format:"uuid" doc:"The account; null: the server itself, or a platform admin, who has none here" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Email     string          `json:"email" doc:"The user's address, as it was then; empty: the server itself" example:"ana@example.com"`
}

type targetBody struct {
	Kind string `json:"kind" doc:"What kind of thing" example:"account"`
	ID   string `json:"id" doc:"Identifies it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
}

type changeBody struct {
	From any `json:"from" doc:"What it was; null: not there"`
	To   any `json:"to" doc:"What it became; null: not there"`
}

type auditEntryBody struct {
	ID      core.AuditID          `json:"id" format:"uuid" doc:"Identifies the entry" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e19"`
	Actor   actorBody             `json:"actor" doc:"Who did it"`
	Action  string                `json:"action" doc:"What was done: a noun, a dot and a verb" example:"account.updated"`
	Target  targetBody            `json:"target" doc:"To what it was done"`
	Address string                `json:"address" doc:"Where the request came from" example:"192.0.2.7"`
	Changes map[string]changeBody `json:"changes" doc:"The members that changed, by name"`
	At      time.Time             `json:"at" doc:"When it was done"`
}

func showAuditEntry(e *core.AuditEntry) auditEntryBody {
	body := auditEntryBody{
		ID: e.ID, Actor: actorBody{e.ActorKind, orNull(e.ActorID), e.ActorEmail}, Action: e.Action, Target: targetBody{e.TargetKind, e.TargetID},
		Address: e.Address, Changes: make(map[string]changeBody, len(e.Changes)), At: e.At,
	}
	for name, c := range e.Changes {
		body.Changes[name] = changeBody{c.From, c.To}
	}
	return body
}

type listAuditLogInput struct {
	OrgInput
	Actor  core.AccountID `query:"actor" format:"uuid" doc:"Only what this account did" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Action string         `query:"action" maxLength:"100" doc:"Only this action, or, with a dot at its end, all of one noun: account." example:"account.updated"`
	From   time.Time      `query:"from" doc:"Only what was done then or later" example:"2026-01-01T00:00:00Z"`
	To     time.Time      `query:"to" doc:"Only what was done earlier" example:"2027-01-01T00:00:00Z"`
	Format string         `query:"format" enum:"json,csv" default:"json" doc:"A page, or all as one file" example:"csv"`
	PageInput
}

// auditQuery is what the use case takes, by its shape.
type auditQuery = struct {
	OrgID    core.OrgID
	Actor    core.AccountID
	Action   string
	From, To time.Time
	Before   core.AuditID
	Limit    int
}

// auditAnswer describes what list writes.
func auditAnswer(schemas huma.Registry) map[string]*huma.MediaType {
	return pageOrCSV(schemas, reflect.TypeFor[page[auditEntryBody]]())
}

func (h auditRoutes) list(ctx context.Context, in *listAuditLogInput) (*writtenOutput, error) {
	q := auditQuery{OrgID: in.OrgID, Actor: in.Actor, Action: in.Action, From: in.From, To: in.To}
	if in.Format == "csv" {
		return h.export(ctx, q)
	}
	var err error
	if q.Before, err = h.cursors.open(ctx, in.Cursor); err != nil {
		return nil, err
	}
	q.Limit = in.more()
	rows, err := h.orgs.AuditLog(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, err
	}
	body, err := pageOf(ctx, in.PageInput, h.cursors, rows, showAuditEntry, func(e *core.AuditEntry) core.AuditID { return e.ID })
	if err != nil {
		return nil, err
	}
	return written(ctx, body)
}

var auditColumns = []string{
	"id", "at", "actor_kind", "actor_account_id", "actor_email", "action", "target_kind", "target_id", "address", "changes",
}

func (h auditRoutes) export(ctx context.Context, q auditQuery) (*writtenOutput, error) {
	q.Limit = exportPage
	body, err := export[*core.AuditEntry]{"audit-log.csv", auditColumns, func(ctx context.Context, after []*core.AuditEntry) ([]*core.AuditEntry, error) {
		if len(after) > 0 {
			q.Before = after[len(after)-1].ID
		}
		return h.orgs.AuditLog(ctx, actorOf(ctx), q)
	}, auditRecord, h.timeout}.open(ctx)
	return &writtenOutput{body}, err
}

func auditRecord(e *core.AuditEntry) ([]string, error) {
	changes, err := marshal(showAuditEntry(e).Changes)
	return []string{
		e.ID.String(), timeCell(e.At), string(e.ActorKind), idCell(e.ActorID), e.ActorEmail, e.Action, e.TargetKind, e.TargetID, e.Address,
		string(changes),
	}, err
}
