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

	// ByEmail returns the user with that clean address, or core.ErrNotFound.
	ByEmail(ctx context.Context, email string) (*core.User, error)

	// Save stores a changed user whose Version is one above the stored one,
	// else returns core.ErrStale. It can also return core.ErrEmailTaken.
	Save(ctx context.Context, u *core.User) error
}

// Sessions stores refresh-token families.
type Sessions interface {
	// Add stores a new session.
	Add(ctx context.Context, s *core.Session) error

	// Rotate replaces the current token of a live session and returns the
	// session as it is then. It returns core.ErrRefreshReused if old was
	// replaced before, with the session it belonged to (nothing else of it
	// set), and core.ErrRefreshInvalid if no live session has it. Of any
	// number of concurrent calls with one token, one succeeds.
	Rotate(ctx context.Context, r Rotation) (*core.Session, error)

	// Revoke ends the session. Revoking twice, or an unknown session, is not
	// an error.
	Revoke(ctx context.Context, id core.SessionID, now time.Time) error

	// RevokeByToken ends the session that has or had the token with this hash.
	// A token nobody knows is not an error.
	RevokeByToken(ctx context.Context, hash []byte, now time.Time) error

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
