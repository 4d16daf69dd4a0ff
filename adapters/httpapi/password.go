package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/identity"
)

type passwordRoutes struct{ identity *identity.Service }

func (h passwordRoutes) mount(api huma.API) {
	register(api, operation{
		id: "forgotPassword", method: http.MethodPost, path: "/api/auth/password/forgot", tag: tagAuth, public: true, status: http.StatusAccepted,
		summary: "Ask for a new password", about: "Mails a link that is good for one hour, once, if the address has a user. The answer is the same if not.",
	}, h.forgot)
	register(api, operation{
		id: "resetPassword", method: http.MethodPost, path: "/api/auth/password/reset", tag: tagAuth, public: true, status: http.StatusNoContent,
		codes:   []string{"invalid_token"},
		summary: "Set a new password", about: "Sets a password with the token of a mailed link, and ends all sessions of the user.",
	}, h.reset)
	register(api, operation{
		id: "changePassword", method: http.MethodPut, path: "/api/me/password", tag: tagMe, status: http.StatusNoContent,
		codes:   []string{"wrong_password", "no_password"},
		summary: "Change the password", about: "Sets another password and ends all other sessions. A user who has none yet, because they sign in elsewhere, sets the first one with a mailed link. Tries at the present password are limited, as those of a login.",
	}, h.change)
}

type forgotPasswordInput struct {
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"254" doc:"The user's address" example:"ana@example.com"`
	}
}

func (h passwordRoutes) forgot(ctx context.Context, in *forgotPasswordInput) (*struct{}, error) {
	return nil, h.identity.Forgot(ctx, in.Body.Email, clientOf(ctx))
}

type resetPasswordInput struct {
	Body struct {
		Token    string `json:"token" minLength:"1" maxLength:"1024" writeOnly:"true" doc:"What the mailed link ends with" example:"tGzv3JOkF0XG5Qx2TlKWIAo4bJ1mZ9sYc7dEhRfUn0M"`
		Password string `json:"password" minLength:"8" maxLength:"1024" writeOnly:"true" doc:"At least 8 characters" example:"correct horse battery staple"`
	}
}

func (h passwordRoutes) reset(ctx context.Context, in *resetPasswordInput) (*struct{}, error) {
	return nil, h.identity.Reset(ctx, in.Body.Token, in.Body.Password, clientOf(ctx))
}

type changePasswordInput struct {
	Body struct {
		Current string `json:"current_password,omitempty" maxLength:"1024" writeOnly:"true" doc:"The present password" example:"correct horse battery staple"`
		New     string `json:"new_password" minLength:"8" maxLength:"1024" writeOnly:"true" doc:"At least 8 characters" example:"purple monkey dishwasher"`
	}
}

func (h passwordRoutes) change(ctx context.Context, in *changePasswordInput) (*struct{}, error) {
	return nil, h.identity.ChangePassword(ctx, actorOf(ctx), in.Body.Current, in.Body.New)
}
