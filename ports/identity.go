package ports

import (
	"context"
	"time"
)

// ExternalUser is what an external issuer says of a person.
type ExternalUser struct {
	Issuer        string
	Subject       string
	Email         string // may be empty
	EmailVerified bool
	Name          string    // may be empty
	Until         time.Time // when the bearer token ends that says so; zero: there is none
}

// SignInProviders signs people in at OpenID Connect providers, by authorisation
// code with PKCE, state and nonce.
type SignInProviders interface {
	// Names returns the configured providers, in the order of the configuration.
	Names() []SignInProvider

	// Begin returns where to send the browser, and the state of the sign-in,
	// to be kept (sealed) by the browser until it comes back. It returns
	// core.ErrNotFound for an unknown provider, core.ErrUnavailable if the
	// provider does not answer.
	Begin(ctx context.Context, provider, redirectURL string) (url string, state SignInState, err error)

	// Finish exchanges the code that came back, and checks everything:
	// signature, issuer, audience, expiry, nonce. It returns
	// core.ErrUnauthenticated if anything is wrong.
	Finish(ctx context.Context, provider, redirectURL, code string, state SignInState) (ExternalUser, error)
}

// SignInProvider is one way to sign in.
type SignInProvider struct {
	Name  string // in URLs
	Label string // for people
}

// SignInState is what ties the answer of a provider to the browser that asked.
type SignInState struct {
	Provider string    `json:"provider"`
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Begun    time.Time `json:"begun"`
}

// ExternalTokens checks bearer tokens of configured external issuers.
type ExternalTokens interface {
	// Issued reports whether the token claims to be of a configured issuer,
	// without checking anything.
	Issued(token string) bool

	// Verify checks a token by its issuer's published keys and returns whom it
	// names. It returns core.ErrUnauthenticated if anything is wrong, and
	// core.ErrUnavailable if the issuer's keys cannot be had.
	Verify(ctx context.Context, token string, now time.Time) (ExternalUser, error)
}

// OneTimePasswords computes second factors (RFC 6238: SHA-1, 6 digits, 30 s).
type OneTimePasswords interface {
	// NewSecret returns a random secret, and the otpauth URL that tells an
	// authenticator app about it.
	NewSecret(account string) (secret []byte, url string, err error)

	// Check returns the time step whose code was given, at most one step away
	// from now and later than after; ok is false if there is none.
	Check(secret []byte, code string, now time.Time, after int64) (step int64, ok bool)
}
