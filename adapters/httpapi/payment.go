package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/store"
)

// paymentRoutes are for payment providers.
type paymentRoutes struct{ store *store.Service }

func (h paymentRoutes) mount(api huma.API) {
	register(api, operation{
		id: "receiveStripeEvent", method: http.MethodPost, path: "/api/payments/stripe/webhook", tag: tagStore, public: true, raw: true, status: http.StatusNoContent,
		codes: []string{
			"not_found", "malformed_json", "body_too_large", "unsupported_media_type", "request_timeout",
			"payment_event_invalid", "payment_event_early", "payment_mismatch", "transaction_state",
		},
		summary: "Messages of Stripe",
		about:   "Takes the events of Stripe, signed with the secret of the webhook endpoint. Each has its effect once, however often it comes, and in whatever order: what is about something that is not known yet is refused, so that Stripe sends it again. Events that are of no concern are taken and change nothing.",
	}, h.stripe)
}

type stripeEventInput struct {
	Signature string `header:"Stripe-Signature" maxLength:"1024" doc:"Signs the body" example:"t=1767225600,v1=5f1c"`
	RawBody   []byte `contentType:"application/json"`
}

func (h paymentRoutes) stripe(ctx context.Context, in *stripeEventInput) (*struct{}, error) {
	return nil, h.store.Receive(ctx, "stripe", requestOf(ctx).http.Header, in.RawBody)
}
