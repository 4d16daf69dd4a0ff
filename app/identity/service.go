// Package identity holds the use cases of people: signing up, in and out.
package identity

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	AccessTTL  time.Duration // of an access token
	RefreshTTL time.Duration // of a session that nobody uses
	LinkURL    string        // what mailed links begin with, without a slash at the end
	PublicURL  string        // scheme://host of the API, to which providers send browsers back
}

// Service runs the identity use cases. It is safe for concurrent use.
type Service struct {
	store     ports.Store
	access    ports.Access
	passwords ports.Passwords
	tokens    ports.Tokens
	secrets   ports.Secrets
	otp       ports.OneTimePasswords
	providers ports.SignInProviders
	external  ports.ExternalTokens
	limiter   ports.Limiter // survives restarts: it protects passwords
	clock     ports.Clock
	ids       ports.IDs
	text      ports.Text
	opts      Options
}

// Deps are the ports the service works on.
type Deps struct {
	Store     ports.Store
	Access    ports.Access
	Passwords ports.Passwords
	Tokens    ports.Tokens
	Secrets   ports.Secrets
	OTP       ports.OneTimePasswords
	Providers ports.SignInProviders
	External  ports.ExternalTokens
	Limiter   ports.Limiter
	Clock     ports.Clock
	IDs       ports.IDs
	Text      ports.Text
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service {
	return &Service{
		store: d.Store, access: d.Access, passwords: d.Passwords, tokens: d.Tokens, secrets: d.Secrets,
		otp: d.OTP, providers: d.Providers, external: d.External, limiter: d.Limiter, clock: d.Clock, ids: d.IDs, text: d.Text, opts: opts,
	}
}

// Tokens are what a client needs to act as a user.
type Tokens struct {
	AccessToken  string
	RefreshToken string
	ExpiresIn    time.Duration // of the access token
}

// Me returns the user behind the credential.
func (s *Service) Me(ctx context.Context, a core.Actor) (*core.User, error) {
	credential, err := s.access.ForUser(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := credential.Check(); err != nil {
		return nil, err
	}
	var u *core.User
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		u, err = tx.Users.Get(ctx, a.UserID)
		return err
	})
	return u, err
}

// grant begins a session and returns its tokens; the caller stores the session.
func (s *Service) grant(user core.UserID, org core.OrgID, from core.Client, now time.Time) (*core.Session, Tokens, error) {
	refresh := s.secrets.Token()
	session := core.NewSession(core.SessionID(s.ids.NewID()), user, hashToken(refresh), from, now, s.opts.RefreshTTL)
	access, err := s.issue(user, session.ID, org, now)
	if err != nil {
		return nil, Tokens{}, err
	}
	return session, Tokens{AccessToken: access, RefreshToken: refresh, ExpiresIn: s.opts.AccessTTL}, nil
}

func (s *Service) issue(user core.UserID, session core.SessionID, org core.OrgID, now time.Time) (string, error) {
	return s.tokens.Issue(core.Claims{
		UserID: user, SessionID: session, OrgID: org, IssuedAt: now, ExpiresAt: now.Add(s.opts.AccessTTL),
	})
}

// hashToken is what is stored of a refresh token: 256 random bits need no salt.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
