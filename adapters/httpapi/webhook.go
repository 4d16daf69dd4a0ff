package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/webhook"
	"github.com/seed-755a8038/coffer/core"
)

type webhookRoutes struct {
	webhooks   *webhook.Service
	cursors    codec[core.WebhookID]
	deliveries codec[core.DeliveryID]
}

const (
	webhooksPath = "/api/orgs/{org_id}/webhooks"
	webhookPath  = webhooksPath + "/{webhook_id}"
)

func (h webhookRoutes) mount(api huma.API) {
	register(api, operation{
		id: "createWebhook", method: http.MethodPost, path: webhooksPath, tag: tagEvents, status: http.StatusCreated,
		codes:   []string{"forbidden", "feature_unavailable", "limit_exceeded"},
		summary: "Make a webhook",
		about:   "Sends events to an address from now on, for owners and admins, and shows the secret that signs them this once. Messages are signed as Standard Webhooks has it; any of its libraries verifies them. An organisation has at most 20 webhooks.",
	}, h.create)
	register(api, operation{
		id: "listWebhooks", method: http.MethodGet, path: webhooksPath, tag: tagEvents, codes: []string{"forbidden"},
		summary: "An organisation's webhooks", about: "Lists webhooks, newest first, to owners and admins.",
	}, h.list)
	register(api, operation{
		id: "getWebhook", method: http.MethodGet, path: webhookPath, tag: tagEvents, codes: []string{"forbidden"}, also: notModified,
		summary: "One webhook", about: "Returns a webhook, without its secret.",
	}, h.get)
	register(api, operation{
		id: "updateWebhook", method: http.MethodPatch, path: webhookPath, tag: tagEvents, codes: []string{"forbidden", "feature_unavailable"},
		summary: "Change a webhook",
		about:   "Members that are left out stay as they are. What waits for a webhook that is switched off is given up; it can be sent again.",
	}, h.update)
	register(api, operation{
		id: "deleteWebhook", method: http.MethodDelete, path: webhookPath, tag: tagEvents, status: http.StatusNoContent, codes: []string{"forbidden"},
		summary: "Delete a webhook", about: "Removes a webhook and the record of what was sent to it.",
	}, h.remove)
	register(api, operation{
		id: "rotateWebhookSecret", method: http.MethodPost, path: webhookPath + "/rotate-secret", tag: tagEvents,
		codes:   []string{"forbidden", "feature_unavailable"},
		summary: "Change a webhook's secret",
		about:   "Makes another secret and shows it this once. For 24 hours messages carry signatures by both, so that the receiver can change over at any time.",
	}, h.rotate)
	h.mountDeliveries(api)
}

type webhookBody struct {
	ID                  core.WebhookID       `json:"id" format:"uuid" doc:"Identifies the webhook" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	OrgID               core.OrgID           `json:"org_id" format:"uuid" doc:"The organisation whose events it gets" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	URL                 string               `json:"url" doc:"Where events are sent" example:"https://example.com/hooks/coffer"`
	Events              []string             `json:"events" doc:"Which are: types, or a noun with a dot and a star; none: all" example:"[\"asset.*\",\"transaction.completed\"]"`
	Description         string               `json:"description" doc:"What people call it" example:"Search index"`
	Active              bool                 `json:"active" doc:"Whether events are sent"`
	DisabledReason      *core.DisabledReason `json:"disabled_reason" enum:"gone,failing" doc:"Why the server has switched it off: the endpoint has answered 410, or has failed for five days; null: it has not" example:"failing"`
	DisabledAt          *time.Time           `json:"disabled_at" doc:"When it has; null: it has not"`
	FailingSince        *time.Time           `json:"failing_since" doc:"Since when every attempt has failed; null: the last one has not, or there was none"`
	PreviousSecretUntil *time.Time           `json:"previous_secret_until" doc:"Until when the secret before the present one signs as well; null: there was none"`
	CreatedBy           core.AccountID       `json:"created_by" format:"uuid" doc:"The account that made it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Version             int64                `json:"version" doc:"Counts its changes; the ETag" example:"1"`
	CreatedAt           time.Time            `json:"created_at" doc:"When it was made"`
	UpdatedAt           time.Time            `json:"updated_at" doc:"When it was last changed"`
}

func showWebhook(w *core.Webhook) webhookBody {
	return webhookBody{
		ID: w.ID, OrgID: w.OrgID, URL: w.URL, Events: each(w.Events, same[string]), Description: w.Description, Active: w.Active,
		DisabledReason: orNull(w.Disabled), DisabledAt: timeOrNull(w.DisabledAt), FailingSince: timeOrNull(w.FailingSince),
		PreviousSecretUntil: timeOrNull(w.OldSecretUntil), CreatedBy: w.CreatedBy, Version: w.Version, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
	}
}

type createWebhookInput struct {
	OrgInput
	OnceInput
	Body struct {
		URL         string   `json:"url" minLength:"1" maxLength:"2048" doc:"Where to send events: https, to an address on the internet" example:"https://example.com/hooks/coffer"`
		Events      []string `json:"events,omitempty" maxItems:"50" doc:"Which: types, or a noun with a dot and a star; left out: all" example:"[\"asset.*\",\"transaction.completed\"]"`
		Description string   `json:"description,omitempty" maxLength:"500" doc:"What to call it" example:"Search index"`
		Active      *bool    `json:"active,omitempty" doc:"Whether to send events; left out: yes"`
	}
}

type issuedWebhookBody struct {
	Webhook webhookBody `json:"webhook" doc:"The webhook"`
	Secret  string      `json:"secret" doc:"What signs messages to it, which is never shown again" example:"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="`
}

func showIssuedWebhook(i webhook.Issued) issuedWebhookBody {
	return issuedWebhookBody{showWebhook(i.Webhook), i.Secret}
}

type createdWebhookOutput struct {
	Location string `header:"Location" doc:"Where the webhook is" example:"/api/orgs/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12/webhooks/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
	ETag     string `header:"ETag" doc:"The version of the resource" example:"\"1\""`
	Body     issuedWebhookBody
}

func (h webhookRoutes) create(ctx context.Context, in *createWebhookInput) (*createdWebhookOutput, error) {
	wish, err := once(ctx, in.OnceInput, showIssuedWebhook)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	issued, err := h.webhooks.Create(ctx, actorOf(ctx), webhook.CreateInput{
		OrgID: in.OrgID, URL: b.URL, Events: b.Events, Description: b.Description, Active: b.Active == nil || *b.Active, Once: wish,
	})
	if err != nil {
		return nil, err
	}
	w := issued.Webhook
	return &createdWebhookOutput{"/api/orgs/" + in.OrgID.String() + "/webhooks/" + w.ID.String(), etag(w.Version), showIssuedWebhook(issued)}, nil
}

type listWebhooksInput struct {
	OrgInput
	PageInput
}

type webhooksOutput struct{ Body page[webhookBody] }

func (h webhookRoutes) list(ctx context.Context, in *listWebhooksInput) (*webhooksOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.webhooks.List(ctx, actorOf(ctx), webhook.Query{OrgID: in.OrgID, Before: before, Limit: in.more()})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, showWebhook, func(w *core.Webhook) core.WebhookID { return w.ID })
	return &webhooksOutput{out}, err
}

// WebhookInput names a webhook of an org.
type WebhookInput struct {
	OrgInput
	WebhookID core.WebhookID `path:"webhook_id" format:"uuid" doc:"The webhook" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e31"`
}

type getWebhookInput struct {
	WebhookInput
	ConditionalInput
}

type webhookOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"3\""`
	Body   webhookBody
}

func (h webhookRoutes) get(ctx context.Context, in *getWebhookInput) (*webhookOutput, error) {
	w, err := h.webhooks.Get(ctx, actorOf(ctx), in.OrgID, in.WebhookID)
	if err != nil {
		return nil, err
	}
	tag := etag(w.Version)
	return &webhookOutput{fresh(in.IfNoneMatch, tag), tag, showWebhook(w)}, nil
}

type updateWebhookInput struct {
	WebhookInput
	MatchInput
	Body struct {
		URL         *string            `json:"url,omitempty" minLength:"1" maxLength:"2048" doc:"Where to send events" example:"https://example.com/hooks/coffer"`
		Events      optional[[]string] `json:"events,omitzero" doc:"Which, at most 50 entries; null: all" example:"[\"asset.*\"]"`
		Description optional[string]   `json:"description,omitzero" maxLength:"500" doc:"What to call it; null: nothing" example:"Search index"`
		Active      *bool              `json:"active,omitempty" doc:"Whether to send events"`
	}
}

func (h webhookRoutes) update(ctx context.Context, in *updateWebhookInput) (*webhookOutput, error) {
	version, err := h.expected(ctx, in.WebhookInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	c := core.WebhookChange{URL: b.URL, Active: b.Active}
	if b.Events.set {
		c.Events = &b.Events.value
	}
	if b.Description.set {
		c.Description = &b.Description.value
	}
	w, err := h.webhooks.Update(ctx, actorOf(ctx), in.OrgID, in.WebhookID, c, version)
	if err != nil {
		return nil, err
	}
	return &webhookOutput{http.StatusOK, etag(w.Version), showWebhook(w)}, nil
}

func (h webhookRoutes) expected(ctx context.Context, in WebhookInput, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		w, err := h.webhooks.Get(ctx, actorOf(ctx), in.OrgID, in.WebhookID)
		if err != nil {
			return 0, err
		}
		return w.Version, nil
	})
}

type deleteWebhookInput struct {
	WebhookInput
	MatchInput
}

func (h webhookRoutes) remove(ctx context.Context, in *deleteWebhookInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.WebhookInput, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.webhooks.Delete(ctx, actorOf(ctx), in.OrgID, in.WebhookID, version)
}

type rotateWebhookInput struct {
	WebhookInput
	OnceInput
}

type rotatedWebhookOutput struct {
	ETag string `header:"ETag" doc:"The version of the resource" example:"\"2\""`
	Body issuedWebhookBody
}

func (h webhookRoutes) rotate(ctx context.Context, in *rotateWebhookInput) (*rotatedWebhookOutput, error) {
	wish, err := once(ctx, in.OnceInput, showIssuedWebhook)
	if err != nil {
		return nil, err
	}
	if wish != nil {
		wish.Status = http.StatusOK
	}
	issued, err := h.webhooks.RotateSecret(ctx, actorOf(ctx), in.OrgID, in.WebhookID, wish)
	if err != nil {
		return nil, err
	}
	return &rotatedWebhookOutput{etag(issued.Webhook.Version), showIssuedWebhook(issued)}, nil
}
