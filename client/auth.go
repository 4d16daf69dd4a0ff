package client

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Credentials are what signing in gives.
type Credentials struct {
	AccessToken  string
	RefreshToken string    // good for one use
	ExpiresAt    time.Time // of the access token
}

// Auth is how somebody stays signed in: it renews itself.
type Auth struct {
	// Save keeps new tokens, for the next start of the program: those before are
	// of no use once it is called. It may be nil.
	Save func(Credentials) error

	// Lock is called before tokens are renewed. It keeps other programs with the
	// same tokens from doing so until unlock is called, after Save, and returns the
	// tokens as they are by then: a refresh token is good for one use, whoever uses
	// it. It may be nil.
	Lock func(ctx context.Context) (now Credentials, unlock func(), err error)

	mu     sync.Mutex // held while renewing
	state  sync.RWMutex
	tokens Credentials
}

// NewAuth returns a session with tokens from before, or with none.
func NewAuth(t Credentials) *Auth { return &Auth{tokens: t} }

// Credentials returns the present ones.
func (s *Auth) Credentials() Credentials {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.tokens
}

// Set takes new tokens.
func (s *Auth) Set(t Credentials) error {
	s.keep(t)
	if s.Save == nil {
		return nil
	}
	return s.Save(t)
}

func (s *Auth) keep(t Credentials) {
	s.state.Lock()
	defer s.state.Unlock()
	s.tokens = t
}

// renew gets new tokens in place of a refused one, once for all requests that were
// refused with the same.
func (s *Auth) renew(ctx context.Context, c *Client, refused string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Credentials()
	if now.AccessToken != refused {
		return nil
	}
	if s.Lock != nil {
		latest, unlock, err := s.Lock(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		now = latest
		s.keep(now)
		if now.AccessToken != "" && now.AccessToken != refused { // by another program
			return nil
		}
	}
	if now.RefreshToken == "" {
		return &Error{Status: http.StatusUnauthorized, Code: "unauthenticated", Title: "Not signed in", Detail: "sign in first"}
	}
	anonymous := *c
	anonymous.auth = nil
	t, err := anonymous.RefreshTokens(ctx, RefreshTokensJSONRequestBody{RefreshToken: &now.RefreshToken})
	if err != nil {
		return err
	}
	return s.Set(t.Credentials())
}

// Credentials returns what signing in has given, as Auth keeps it.
func (t *Tokens) Credentials() Credentials {
	return Credentials{
		AccessToken: t.AccessToken, RefreshToken: t.RefreshToken,
		ExpiresAt: time.Now(). //nolint:forbidigo // a program of somebody else has no port for it
					Add(time.Duration(t.ExpiresIn) * time.Second),
	}
}
