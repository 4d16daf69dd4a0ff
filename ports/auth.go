package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Passwords hashes passwords, slowly on purpose and in bounded memory: calls
// wait for each other rather than exhaust the machine.
type Passwords interface {
	// Hash returns a PHC string with a new salt.
	Hash(ctx context.Context, password string) (string, error)

	// Verify reports whether the password has that hash. An empty hash costs
	// the same time and matches nothing.
	Verify(ctx context.Context, hash, password string) (bool, error)
}

// Tokens issues and checks access tokens.
type Tokens interface {
	// Issue signs claims.
	Issue(c core.Claims) (string, error)

	// Verify returns what a token says, or core.ErrUnauthenticated if it is
	// forged, expired at now, or of another kind.
	Verify(token string, now time.Time) (core.Claims, error)
}

// Secrets makes and keeps secrets.
type Secrets interface {
	// Token returns 32 random bytes as unpadded base64url.
	Token() string

	// Fingerprint returns a keyed hash: equal for equal data, and telling
	// nothing about it to those who do not have the key.
	Fingerprint(data ...[]byte) []byte

	// Seal encrypts and authenticates data; Open reverses it.
	Seal(data []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// Limiter counts requests against rates, each key on its own.
type Limiter interface {
	// Take asks for one request under key at now. A refused request costs nothing.
	Take(ctx context.Context, r core.Rate, key string, now time.Time) (core.Allowance, error)

	// Forget makes the key's allowance whole again.
	Forget(ctx context.Context, r core.Rate, key string) error
}

// Idempotency keeps answers for replay.
type Idempotency interface {
	// Get returns the answer kept under a key that is valid at now, or
	// core.ErrNotFound.
	Get(ctx context.Context, scope, key string, now time.Time) (*core.Idempotency, error)

	// Add keeps an answer, in place of one that has expired, or returns
	// core.ErrIdempotencyConflict if one is kept under that key: then the
	// whole unit of work must be given up.
	Add(ctx context.Context, i *core.Idempotency) error

	// Prune removes at most limit expired answers and returns how many.
	Prune(ctx context.Context, now time.Time, limit int) (int, error)
}
