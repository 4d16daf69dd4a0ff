package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Users stores users.
type Users interface {
	// Add stores a new user, or returns core.ErrEmailTaken.
	Add(ctx context.Context, u *core.User) error

	// Get returns the user, or core.ErrNotFound.
	Get(ctx context.Context, id core.UserID) (*core.User, error)

	// Lock is Get of a user who is not deleted, and nothing else changes the
	// user until the unit of work ends. It is for Update only, and comes before
	// Accounts.Roster.
	Lock(ctx context.Context, id core.UserID) (*core.User, error)

	// ByEmail returns the user with that clean address, or core.ErrNotFound.
	ByEmail(ctx context.Context, email string) (*core.User, error)

	// Save stores a changed user whose Version is one above the stored one,
	// else returns core.ErrStale. It can also return core.ErrEmailTaken.
	Save(ctx context.Context, u *core.User) error

	// List returns users who are not deleted, by id.
	List(ctx context.Context, q UserQuery) ([]*core.User, error)
}

// UserQuery is a page of all users.
type UserQuery struct {
	Text  string // part of the address or the name, in any case; empty: any
	After core.UserID
	Limit int
}

// Identities stores how external issuers know users.
type Identities interface {
	// Add stores a new identity, or returns core.ErrConflict if somebody has it.
	Add(ctx context.Context, i *core.Identity) error

	// Get returns an identity, or core.ErrNotFound.
	Get(ctx context.Context, issuer, subject string) (*core.Identity, error)

	// RemoveOf forgets all identities of a user.
	RemoveOf(ctx context.Context, user core.UserID) error
}

// Sessions stores refresh-token families.
type Sessions interface {
	// Add stores a new session.
	Add(ctx context.Context, s *core.Session) error

	// ListOf returns a user's sessions that are live at now, by id.
	ListOf(ctx context.Context, user core.UserID, now time.Time) ([]*core.Session, error)

	// Rotate replaces the current token of a live session and returns the
	// session as it is then. It returns core.ErrRefreshReused if old was
	// replaced before, with the id and the user of the session it belonged to
	// (nothing else of it set), and core.ErrRefreshInvalid if no live session has it. Of any
	// number of concurrent calls with one token, one succeeds.
	Rotate(ctx context.Context, r Rotation) (*core.Session, error)

	// Revoke ends the session. Revoking twice, or an unknown session, is not
	// an error.
	Revoke(ctx context.Context, id core.SessionID, now time.Time) error

	// RevokeOf ends a user's sessions but the one to keep (zero: all).
	RevokeOf(ctx context.Context, user core.UserID, keep core.SessionID, now time.Time) error

	// RemoveOf forgets a user's sessions and their tokens.
	RemoveOf(ctx context.Context, user core.UserID) error

	// RevokeByToken ends the session that has or had the token with this hash.
	// It returns that session, or the zero one if there was none to end: that
	// is not an error.
	RevokeByToken(ctx context.Context, hash []byte, now time.Time) (core.Session, error)

	// Prune removes at most limit sessions that ended before t, and what was
	// kept to recognise their tokens, and returns how many there were.
	Prune(ctx context.Context, t time.Time, limit int) (int, error)
}

// Rotation replaces the token of a session by a new one.
type Rotation struct {
	OldHash, NewHash []byte
	From             core.Client
	Now              time.Time
	ExpiresAt        time.Time
}

// Tickets stores secrets that are good once.
type Tickets interface {
	// Add stores a new ticket, in place of any of its kind for the same user
	// or account: only the latest counts.
	Add(ctx context.Context, t *core.Ticket) error

	// Take removes the ticket and returns it, or core.ErrTicketInvalid if
	// there is none of that kind that is valid at now. Of concurrent calls one
	// succeeds.
	Take(ctx context.Context, kind core.TicketKind, hash []byte, now time.Time) (*core.Ticket, error)

	// DropOf removes a user's tickets of a kind.
	DropOf(ctx context.Context, kind core.TicketKind, user core.UserID) error

	// Prune removes at most limit expired tickets and returns how many.
	Prune(ctx context.Context, now time.Time, limit int) (int, error)
}
