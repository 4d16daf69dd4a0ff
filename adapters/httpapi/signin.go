package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/core"
)

// signInCookie is what a browser keeps while its user is at a provider.
const signInCookie = "coffer_sign_in"

type signInRoutes struct {
	identity *identity.Service
	https    bool // of the public URL
}

func (h signInRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listSignInProviders", method: http.MethodGet, path: "/api/auth/providers", tag: tagAuth, public: true,
		summary: "Where else to sign in", about: "Lists the OpenID Connect providers at which users can sign in, in the operator's order, on one page.",
	}, h.list)
	register(api, operation{
		id: "startSignIn", method: http.MethodGet, path: identity.SignInPath + "/{provider}/start", tag: tagAuth, public: true, status: http.StatusFound,
		codes:   []string{"validation_failed"},
		summary: "Sign in at a provider",
		about: "Leads a browser to the provider, with a cookie that ties its answer to this browser. After that the callback answers with tokens, as a login; " +
			"with return_to and challenge it leads the browser back to the app instead. The second factor is the provider's matter: none is asked for here.",
	}, h.start)
	register(api, operation{
		id: "finishSignIn", method: http.MethodGet, path: identity.SignInPath + "/{provider}/callback", tag: tagAuth, public: true,
		codes:   []string{"sign_in_invalid", "sign_in_refused", "email_unverified", "user_disabled", "conflict", "validation_failed"},
		also:    map[int]string{http.StatusSeeOther: "The sign-in began with return_to: Location is that address with code, or with error."},
		summary: "Come back from a provider",
		about: "Where the provider leads the browser. An unknown person whose address the provider has verified becomes a user, or is the user with that address; " +
			"an address that was never confirmed here then passes to them alone: passwords, second factors and sessions from before end.",
	}, h.finish)
	register(api, operation{
		id: "exchangeSignIn", method: http.MethodPost, path: identity.SignInPath + "/exchange", tag: tagAuth, public: true,
		codes:   []string{"invalid_token", "user_disabled"},
		summary: "Exchange the code of a sign-in", about: "Returns tokens for the code that return_to was given. It is good once, for a minute, with the verifier of the challenge.",
	}, h.exchange)
}

type providerBody struct {
	Name     string `json:"name" doc:"Identifies the provider" example:"work"`
	Label    string `json:"label" doc:"What to call it" example:"Work account"`
	StartURL string `json:"start_url" format:"uri-reference" doc:"Where to lead the browser" example:"/api/auth/oidc/work/start"`
}

type providersOutput struct{ Body page[providerBody] }

func (h signInRoutes) list(context.Context, *struct{}) (*providersOutput, error) {
	return &providersOutput{page[providerBody]{Items: each(h.identity.Providers(), func(p identity.Provider) providerBody {
		return providerBody{p.Name, p.Label, identity.SignInPath + "/" + p.Name + "/start"}
	})}}, nil
}

// ProviderInput names a provider.
type ProviderInput struct {
	Provider string `path:"provider" doc:"The provider's name" example:"work"`
}

type startSignInInput struct {
	ProviderInput
	ReturnTo  string `query:"return_to" maxLength:"1024" doc:"Where to lead the browser afterwards: an address of the app, or http of the person's own machine (127.0.0.1, [::1] or localhost, any port)" example:"http://127.0.0.1:7777/done"`
	Challenge string `query:"challenge" maxLength:"128" doc:"Required with return_to: the SHA-256, in base64url, of a verifier that the app keeps (RFC 7636, S256)" example:"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"`
}

type startSignInOutput struct {
	Location string      `header:"Location" doc:"The provider's page" example:"https://login.example.com/authorize?client_id=coffer"`
	Cookie   http.Cookie `header:"Set-Cookie" doc:"Ties the answer to this browser"`
}

func (h signInRoutes) start(ctx context.Context, in *startSignInInput) (*startSignInOutput, error) {
	address, keep, err := h.identity.BeginSignIn(ctx, identity.BeginSignInInput{
		Provider: in.Provider, ReturnTo: in.ReturnTo, Challenge: in.Challenge, From: clientOf(ctx),
	})
	if err != nil {
		return nil, err
	}
	return &startSignInOutput{address, h.cookie(keep, int(core.SignInTTL.Seconds()))}, nil
}

// cookie returns the browser's part of a sign-in; a negative age removes it.
// Lax lets it come along when the provider leads the browser back.
func (h signInRoutes) cookie(value string, age int) http.Cookie {
	return http.Cookie{ //nolint:gosec // without TLS, a Secure cookie would not come back
		Name: signInCookie, Value: value, Path: identity.SignInPath, MaxAge: age,
		HttpOnly: true, Secure: h.https, SameSite: http.SameSiteLaxMode,
	}
}

type finishSignInInput struct {
	ProviderInput
	Kept        string `cookie:"coffer_sign_in" doc:"What the start had the browser keep"`
	State       string `query:"state" maxLength:"1024" doc:"As the start sent it"`
	Code        string `query:"code" maxLength:"4096" doc:"The provider's code"`
	Error       string `query:"error" maxLength:"4096" doc:"Why the provider did not sign the person in"`
	Description string `query:"error_description" maxLength:"4096" doc:"The same in words"`
}

// finishSignInOutput carries a cookie that removes the browser's part of the sign-in,
// however it ends: that part is good for one answer.
type finishSignInOutput struct {
	Cookie http.Cookie `header:"Set-Cookie" doc:"Removes what the start had the browser keep"`
	Body   TokensBody
}

func (h signInRoutes) finish(ctx context.Context, in *finishSignInInput) (*finishSignInOutput, error) {
	out, err := h.identity.FinishSignIn(ctx, identity.FinishSignInInput{
		Provider: in.Provider, Kept: in.Kept, State: in.State, Code: in.Code, Error: in.Error, Description: in.Description, From: clientOf(ctx),
	})
	over := h.cookie("", -1)
	if err != nil {
		p := explain(ctx, err)
		p.headers.Set("Set-Cookie", over.String())
		return nil, p
	}
	if out.ReturnTo != "" {
		return nil, &ready{http.StatusSeeOther, nil, http.Header{"Location": {out.ReturnTo}, "Set-Cookie": {over.String()}}}
	}
	return &finishSignInOutput{over, showTokens(out.Tokens)}, nil
}

type exchangeSignInInput struct {
	Body struct {
		Code     string `json:"code" minLength:"1" maxLength:"1024" writeOnly:"true" doc:"What return_to was given" example:"tGzv3JOkF0XG5Qx2TlKWIAo4bJ1mZ9sYc7dEhRfUn0M"`
		Verifier string `json:"verifier" minLength:"43" maxLength:"128" writeOnly:"true" doc:"That of the challenge" example:"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"`
	}
}

func (h signInRoutes) exchange(ctx context.Context, in *exchangeSignInInput) (*tokensOutput, error) {
	t, err := h.identity.ExchangeSignIn(ctx, in.Body.Code, in.Body.Verifier, clientOf(ctx))
	if err != nil {
		return nil, err
	}
	return &tokensOutput{showTokens(t)}, nil
}
