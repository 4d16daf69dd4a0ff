package core

import "time"

// ActorKind says by which kind of credential somebody acts.
type ActorKind string

// The kinds of actor.
const (
	ActorAccount   ActorKind = "account"
	ActorAPIKey    ActorKind = "api_key"
	ActorShareLink ActorKind = "share_link"
	ActorSystem    ActorKind = "system"

	// ActorPlatformAdmin is a user who acts as an operator, in the audit logs
	// of orgs that are not theirs.
	ActorPlatformAdmin ActorKind = "platform_admin"
)

// Actor is who makes a request, as far as the credential itself tells. Whether
// the credential still stands is a fact the store knows: see Credential.
type Actor struct {
	Kind      ActorKind
	UserID    UserID
	SessionID SessionID // zero: the token is of another issuer
	External  bool      // by a token of another issuer, which needs no session
	ActiveOrg OrgID     // the org the user has switched to
	From      Client
}

// Credential is what the store knows about an actor's credential now.
type Credential struct {
	UserDisabled   bool
	SessionRevoked bool
}

// Check refuses a credential that was good when it was issued and is not now.
func (c Credential) Check() error {
	switch {
	case c.UserDisabled:
		return ErrUserDisabled
	case c.SessionRevoked:
		return ErrUnauthenticated
	}
	return nil
}

// Claims is what an access token says.
type Claims struct {
	UserID    UserID
	SessionID SessionID
	OrgID     OrgID
	IssuedAt  time.Time
	ExpiresAt time.Time
}
