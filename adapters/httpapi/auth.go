package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/core"
)

type authRoutes struct{ identity *identity.Service }

func (h authRoutes) mount(api huma.API) {
	register(api, operation{
		id: "signUp", method: http.MethodPost, path: "/api/auth/signup", tag: tagAuth, public: true, status: http.StatusCreated,
		codes:   []string{"email_taken"},
		summary: "Sign up", about: "Makes a user with a personal organisation, its owner account, a personal drive and a session, all or nothing.",
	}, h.signUp)
	register(api, operation{
		id: "logIn", method: http.MethodPost, path: "/api/auth/login", tag: tagAuth, public: true,
		codes:   []string{"invalid_credentials", "user_disabled", "totp_required", "invalid_totp_code"},
		summary: "Log in", about: "Begins a session. A user with a second factor sends a code of it, too. Tries at a password are limited; waiting lifts the limit.",
	}, h.logIn)
	register(api, operation{
		id: "refreshTokens", method: http.MethodPost, path: "/api/auth/refresh", tag: tagAuth, public: true,
		codes:   []string{"invalid_refresh_token", "refresh_token_reused", "user_disabled"},
		summary: "Exchange a refresh token", about: "Returns new tokens. A refresh token is good for one use: if it comes twice, its whole session ends.",
	}, h.refresh)
	register(api, operation{
		id: "logOut", method: http.MethodPost, path: "/api/auth/logout", tag: tagAuth, public: true, status: http.StatusNoContent,
		summary: "Log out", about: "Ends the session of a refresh token; its access tokens stop working at once. An unknown token is no error.",
	}, h.logOut)
	register(api, operation{
		id: "switchOrg", method: http.MethodPost, path: "/api/auth/switch-org", tag: tagAuth, codes: []string{"not_found", "session_required"},
		summary: "Switch to another organisation",
		about:   "Returns an access token whose active organisation is another one of the user's. The session and its refresh token stay as they are. A token of another issuer has no session: with it, name the organisation in each request.",
	}, h.switchOrg)
}

// TokensBody is what a client needs to act as a user.
type TokensBody struct {
	AccessToken  string `json:"access_token" doc:"Sent as Authorization: Bearer" example:"eyJhbGciOiJIUzI1NiJ9.e30.c2ln"`
	RefreshToken string `json:"refresh_token" doc:"Exchanged for new tokens, once" example:"tGzv3JOkF0XG5Qx2TlKWIAo4bJ1mZ9sYc7dEhRfUn0M"`
	TokenType    string `json:"token_type" enum:"Bearer" doc:"Always Bearer" example:"Bearer"`
	ExpiresIn    int64  `json:"expires_in" doc:"How long the access token is valid, in seconds" example:"3600"`
}

func showTokens(t identity.Tokens) TokensBody {
	return TokensBody{t.AccessToken, t.RefreshToken, "Bearer", int64(t.ExpiresIn / time.Second)}
}

type signedUpBody struct {
	User    userBody    `json:"user" doc:"The user"`
	Org     OrgBody     `json:"org" doc:"The personal organisation"`
	Account accountBody `json:"account" doc:"The user's account there"`
	Drive   DriveBody   `json:"drive" doc:"The personal drive"`
	TokensBody
}

func showSignedUp(s *identity.SignedUp) signedUpBody {
	return signedUpBody{
		showUser(s.User), showOrg(s.Org, s.Account.ID, s.Account.Role), showAccount(s.Account), showDrive(s.Drive), showTokens(s.Tokens),
	}
}

type signUpInput struct {
	OnceInput
	Body struct {
		Email    string `json:"email" minLength:"3" maxLength:"254" doc:"Where to reach the user; case does not matter" example:"ana@example.com"`
		Password string `json:"password" minLength:"8" maxLength:"1024" writeOnly:"true" doc:"At least 8 characters" example:"correct horse battery staple"`
		Name     string `json:"name,omitempty" maxLength:"200" doc:"What to call the user; the address's first part if left out" example:"Ana"`
	}
}

type signedUpOutput struct{ Body signedUpBody }

func (h authRoutes) signUp(ctx context.Context, in *signUpInput) (*signedUpOutput, error) {
	wish, err := once(ctx, in.OnceInput, showSignedUp)
	if err != nil {
		return nil, err
	}
	out, err := h.identity.SignUp(ctx, identity.SignUpInput{
		Email: in.Body.Email, Password: in.Body.Password, Name: in.Body.Name, From: clientOf(ctx), Once: wish,
	})
	if err != nil {
		return nil, err
	}
	return &signedUpOutput{showSignedUp(out)}, nil
}

type logInInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254" doc:"The user's address" example:"ana@example.com"`
		Password string `json:"password" maxLength:"1024" writeOnly:"true" doc:"The user's password" example:"correct horse battery staple"`
		TOTPCode string `json:"totp_code,omitempty" maxLength:"64" writeOnly:"true" doc:"A code of the second factor, or a recovery code" example:"123456"`
	}
}

type tokensOutput struct{ Body TokensBody }

func (h authRoutes) logIn(ctx context.Context, in *logInInput) (*tokensOutput, error) {
	t, err := h.identity.LogIn(ctx, identity.LogInInput{
		Email: in.Body.Email, Password: in.Body.Password, TOTPCode: in.Body.TOTPCode, From: clientOf(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &tokensOutput{showTokens(t)}, nil
}

type refreshInput struct {
	Body struct {
		RefreshToken string `json:"refresh_token" minLength:"1" maxLength:"1024" writeOnly:"true" doc:"The newest refresh token" example:"tGzv3JOkF0XG5Qx2TlKWIAo4bJ1mZ9sYc7dEhRfUn0M"`
	}
}

func (h authRoutes) refresh(ctx context.Context, in *refreshInput) (*tokensOutput, error) {
	t, err := h.identity.Refresh(ctx, in.Body.RefreshToken, clientOf(ctx))
	if err != nil {
		return nil, err
	}
	return &tokensOutput{showTokens(t)}, nil
}

func (h authRoutes) logOut(ctx context.Context, in *refreshInput) (*struct{}, error) {
	return nil, h.identity.LogOut(ctx, in.Body.RefreshToken, clientOf(ctx))
}

type switchOrgInput struct {
	Body struct {
		OrgID core.OrgID `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	}
}

type accessTokenBody struct {
	AccessToken string `json:"access_token" doc:"Sent as Authorization: Bearer" example:"eyJhbGciOiJIUzI1NiJ9.e30.c2ln"`
	TokenType   string `json:"token_type" enum:"Bearer" doc:"Always Bearer" example:"Bearer"`
	ExpiresIn   int64  `json:"expires_in" doc:"How long the access token is valid, in seconds" example:"3600"`
}

type accessTokenOutput struct{ Body accessTokenBody }

func (h authRoutes) switchOrg(ctx context.Context, in *switchOrgInput) (*accessTokenOutput, error) {
	t, err := h.identity.SwitchOrg(ctx, actorOf(ctx), in.Body.OrgID)
	if err != nil {
		return nil, err
	}
	all := showTokens(t)
	return &accessTokenOutput{accessTokenBody{all.AccessToken, all.TokenType, all.ExpiresIn}}, nil
}
