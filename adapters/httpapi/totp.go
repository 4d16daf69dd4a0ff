package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/identity"
)

type totpRoutes struct{ identity *identity.Service }

func (h totpRoutes) mount(api huma.API) {
	register(api, operation{
		id: "beginTotp", method: http.MethodPost, path: "/api/me/totp", tag: tagMe, codes: []string{"wrong_password", "totp_enabled"},
		summary: "Begin a second factor",
		about:   "Makes a secret for an authenticator app. Signing in asks for codes only after it is confirmed.",
	}, h.begin)
	register(api, operation{
		id: "confirmTotp", method: http.MethodPost, path: "/api/me/totp/confirm", tag: tagMe, codes: []string{"invalid_totp_code", "not_found", "totp_enabled"},
		summary: "Confirm the second factor",
		about:   "Shows, by a code, that the app has the secret. The recovery codes of the answer, each good once, are not shown again.",
	}, h.confirm)
	register(api, operation{
		id: "removeTotp", method: http.MethodDelete, path: "/api/me/totp", tag: tagMe, status: http.StatusNoContent,
		codes:   []string{"wrong_password", "invalid_totp_code", "not_found"},
		summary: "Remove the second factor", about: "Takes the second factor away. A recovery code serves as code, too.",
	}, h.remove)
}

type beginTOTPInput struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"1024" writeOnly:"true" doc:"The present password; only a user who has none leaves it out" example:"correct horse battery staple"`
	}
}

type beginTOTPOutput struct {
	Body struct {
		URL string `json:"otpauth_url" doc:"What the app reads, as a QR code" example:"otpauth://totp/Coffer:ana@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Coffer"`
	}
}

func (h totpRoutes) begin(ctx context.Context, in *beginTOTPInput) (*beginTOTPOutput, error) {
	url, err := h.identity.BeginTOTP(ctx, actorOf(ctx), in.Body.Password)
	if err != nil {
		return nil, err
	}
	out := new(beginTOTPOutput)
	out.Body.URL = url
	return out, nil
}

type confirmTOTPInput struct {
	Body struct {
		Code string `json:"code" minLength:"6" maxLength:"6" doc:"What the app shows" example:"492039"`
	}
}

type confirmTOTPOutput struct {
	Body struct {
		Codes []string `json:"recovery_codes" doc:"Each is good once, in place of a code" example:"[\"hV3kTq9wZ2mXc7Lp\"]"`
	}
}

func (h totpRoutes) confirm(ctx context.Context, in *confirmTOTPInput) (*confirmTOTPOutput, error) {
	codes, err := h.identity.ConfirmTOTP(ctx, actorOf(ctx), in.Body.Code)
	if err != nil {
		return nil, err
	}
	out := new(confirmTOTPOutput)
	out.Body.Codes = codes
	return out, nil
}

type removeTOTPInput struct {
	Body struct {
		Password string `json:"password,omitempty" maxLength:"1024" writeOnly:"true" doc:"The present password; only a user who has none leaves it out" example:"correct horse battery staple"`
		Code     string `json:"code" minLength:"6" maxLength:"64" doc:"A code of the app, or a recovery code" example:"492039"`
	}
}

func (h totpRoutes) remove(ctx context.Context, in *removeTOTPInput) (*struct{}, error) {
	return nil, h.identity.RemoveTOTP(ctx, actorOf(ctx), in.Body.Password, in.Body.Code)
}
