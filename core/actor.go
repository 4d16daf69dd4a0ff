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
	Key       KeyRef
	Link      LinkRef   // of a visitor who sends a file
	At        time.Time // when the key was shown, which decides whether it has expired
	Until     time.Time // when the token ends; zero: it is a key, or nobody has shown one
	From      Client
}

// ByKey reports whether the actor is a script with an API key.
func (a Actor) ByKey() bool { return a.Kind == ActorAPIKey }

// ByLink reports whether the actor is a visitor who sends a file by a share
// link of kind upload. Whether they may has been judged: see CanOpen.
func (a Actor) ByLink() bool { return a.Kind == ActorShareLink }

// Credential is what the store knows about an actor's credential now.
type Credential struct {
	UserDisabled   bool
	SessionRevoked bool
	APIKey         KeyFacts
}

// ByKey reports whether the credential is an API key.
func (c Credential) ByKey() bool { return !c.APIKey.ID.IsZero() }

// Check refuses a credential that was good when it was issued and is not now.
func (c Credential) Check() error {
	switch {
	case c.ByKey() && (c.UserDisabled || c.APIKey.Status != KeyActive):
		return ErrKeyInvalid
	case c.UserDisabled:
		return ErrUserDisabled
	case c.SessionRevoked:
		return ErrUnauthenticated
	}
	return nil
}

// refuseKey is the refusal of what only people may do.
func (c Credential) refuseKey() error {
	if err := c.Check(); err != nil {
		return err
	}
	return ErrKeyNotAllowed
}

// Claims is what an access token says.
type Claims struct {
	UserID    UserID
	SessionID SessionID
	OrgID     OrgID
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// OnBehalfOf returns the actor of what the server does for a user who is not
// there: it may what the user may then, unless they are disabled.
func OnBehalfOf(user UserID) Actor {
	return Actor{Kind: ActorAccount, UserID: user, External: true}
}
