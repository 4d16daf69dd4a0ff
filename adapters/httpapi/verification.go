package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/identity"
)

type verificationRoutes struct{ identity *identity.Service }

func (h verificationRoutes) mount(api huma.API) {
	register(api, operation{
		id: "verifyEmail", method: http.MethodPost, path: "/api/auth/verify-email", tag: tagAuth, public: true, status: http.StatusNoContent,
		codes:   []string{"invalid_token"},
		summary: "Confirm an e-mail address", about: "Records that the user of a mailed link owns the address. The link is good once.",
	}, h.verify)
	register(api, operation{
		id: "resendVerification", method: http.MethodPost, path: "/api/auth/resend-verification", tag: tagAuth, status: http.StatusAccepted,
		summary: "Mail the confirmation again", about: "Mails another link to confirm the address, in place of the one before. A confirmed address gets no mail.",
	}, h.resend)
}

type verifyEmailInput struct {
	Body struct {
		Token string `json:"token" minLength:"1" maxLength:"1024" writeOnly:"true" doc:"What the mailed link ends with" example:"tGzv3JOkF0XG5Qx2TlKWIAo4bJ1mZ9sYc7dEhRfUn0M"`
	}
}

func (h verificationRoutes) verify(ctx context.Context, in *verifyEmailInput) (*struct{}, error) {
	return nil, h.identity.VerifyEmail(ctx, in.Body.Token, clientOf(ctx))
}

func (h verificationRoutes) resend(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, h.identity.ResendVerification(ctx, actorOf(ctx))
}
