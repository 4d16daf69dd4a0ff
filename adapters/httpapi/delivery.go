package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/webhook"
	"github.com/seed-755a8038/coffer/core"
)

func (h webhookRoutes) mountDeliveries(api huma.API) {
	register(api, operation{
		id: "pingWebhook", method: http.MethodPost, path: webhookPath + "/ping", tag: tagEvents, status: http.StatusCreated,
		codes:   []string{"forbidden", "feature_unavailable", "webhook_inactive"},
		summary: "Try a webhook out", about: "Sends an event of the type webhook.ping, whatever the webhook filters. The delivery says, once it was made, what was answered.",
	}, h.ping)
	register(api, operation{
		id: "listWebhookDeliveries", method: http.MethodGet, path: webhookPath + "/deliveries", tag: tagEvents, codes: []string{"forbidden"},
		summary: "What was sent to a webhook",
		about:   "Lists deliveries of the last 30 days, newest first, with the last request and what was answered: the status, some headers, and the first 4 KiB of the body.",
	}, h.listDeliveries)
	register(api, operation{
		id: "redeliver", method: http.MethodPost, path: webhookPath + "/deliveries/{delivery_id}/redeliver", tag: tagEvents, status: http.StatusAccepted,
		codes:   []string{"forbidden", "feature_unavailable", "webhook_inactive"},
		summary: "Send a delivery again", about: "Sends the same message, with the same webhook-id, whatever has become of it, and tries again for three days if need be.",
	}, h.redeliver)
}

type webhookRequestBody struct {
	URL     string            `json:"url" doc:"Where it was sent" example:"https://example.com/hooks/coffer"`
	Headers map[string]string `json:"headers" doc:"Its headers, without the signature"`
	Body    string            `json:"body" doc:"Its body, as it was signed" example:"{\"type\":\"asset.uploaded\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"data\":{}}"`
}

type webhookResponseBody struct {
	Status  int               `json:"status" doc:"The status" example:"200"`
	Headers map[string]string `json:"headers" doc:"Up to 32 headers, each cut to 256 bytes"`
	Body    string            `json:"body" doc:"The body, cut to 4 KiB" example:"ok"`
}

type deliveryBody struct {
	ID            core.DeliveryID      `json:"id" format:"uuid" doc:"Identifies the delivery" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e32"`
	EventID       core.EventID         `json:"event_id" format:"uuid" doc:"The event; the webhook-id of the message" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e33"`
	Type          string               `json:"type" doc:"The type of the event" example:"asset.uploaded"`
	Status        core.DeliveryStatus  `json:"status" enum:"pending,delivered,failed" doc:"pending: it waits for its first or next attempt; failed: it was given up" example:"delivered"`
	Attempts      int                  `json:"attempts" doc:"How often it was sent" example:"1"`
	NextAttemptAt *time.Time           `json:"next_attempt_at" doc:"When it is sent next; null: it is not"`
	LastAttemptAt *time.Time           `json:"last_attempt_at" doc:"When it was sent last; null: it was not"`
	DurationMS    *int64               `json:"duration_ms" doc:"How long the last attempt took, in milliseconds; null: there was none" example:"12"`
	Request       *webhookRequestBody  `json:"request" doc:"The last request; null: there was none"`
	Response      *webhookResponseBody `json:"response" doc:"What was answered; null: nothing"`
	Error         *string              `json:"error" doc:"Why nothing was answered, or the delivery was given up; null: there is no such reason" example:"the connection was refused"`
	CreatedAt     time.Time            `json:"created_at" doc:"When it was made"`
}

func showDelivery(d *core.Delivery) deliveryBody {
	b := deliveryBody{
		ID: d.ID, EventID: d.EventID, Type: d.Type, Status: d.Status, Attempts: d.Attempts, NextAttemptAt: timeOrNull(d.NextAt),
		LastAttemptAt: timeOrNull(d.Last.At), Error: orNull(d.Last.Error), CreatedAt: d.CreatedAt,
	}
	if d.Last.At.IsZero() {
		return b
	}
	b.DurationMS = new(d.Last.Took.Milliseconds())
	b.Request = &webhookRequestBody{URL: d.Last.URL, Body: string(d.Body), Headers: map[string]string{
		"content-type": jsonType, "webhook-id": d.EventID.String(), "webhook-timestamp": strconv.FormatInt(d.Last.At.Unix(), 10),
	}}
	if d.Last.Status != 0 {
		headers := d.Last.Header
		if headers == nil {
			headers = map[string]string{}
		}
		b.Response = &webhookResponseBody{d.Last.Status, headers, d.Last.Body}
	}
	return b
}

type pingWebhookInput struct {
	WebhookInput
	OnceInput
}

type deliveryOutput struct{ Body deliveryBody }

func (h webhookRoutes) ping(ctx context.Context, in *pingWebhookInput) (*deliveryOutput, error) {
	wish, err := once(ctx, in.OnceInput, showDelivery)
	if err != nil {
		return nil, err
	}
	d, err := h.webhooks.Ping(ctx, actorOf(ctx), in.OrgID, in.WebhookID, wish)
	if err != nil {
		return nil, err
	}
	return &deliveryOutput{showDelivery(d)}, nil
}

type listDeliveriesInput struct {
	WebhookInput
	Status core.DeliveryStatus `query:"status" enum:"pending,delivered,failed" doc:"Only deliveries in this state" example:"failed"`
	PageInput
}

type deliveriesOutput struct{ Body page[deliveryBody] }

func (h webhookRoutes) listDeliveries(ctx context.Context, in *listDeliveriesInput) (*deliveriesOutput, error) {
	before, err := h.deliveries.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.webhooks.Deliveries(ctx, actorOf(ctx), webhook.DeliveryQuery{
		OrgID: in.OrgID, WebhookID: in.WebhookID, Status: in.Status, Before: before, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.deliveries, rows, showDelivery, func(d *core.Delivery) core.DeliveryID { return d.ID })
	return &deliveriesOutput{out}, err
}

type redeliverInput struct {
	WebhookInput
	DeliveryID core.DeliveryID `path:"delivery_id" format:"uuid" doc:"The delivery" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e32"`
}

func (h webhookRoutes) redeliver(ctx context.Context, in *redeliverInput) (*deliveryOutput, error) {
	d, err := h.webhooks.Redeliver(ctx, actorOf(ctx), in.OrgID, in.WebhookID, in.DeliveryID)
	if err != nil {
		return nil, err
	}
	return &deliveryOutput{showDelivery(d)}, nil
}
