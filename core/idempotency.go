package core

import "time"

// IdempotencyTTL is how long an answer is kept for replay.
const IdempotencyTTL = 24 * time.Hour

// MaxIdempotencyKey is the longest Idempotency-Key, in bytes.
const MaxIdempotencyKey = 255

// What can go wrong with an idempotency key.
var (
	ErrIdempotencyConflict = &Error{Kind: KindConflict, Code: "idempotency_conflict", Message: "this Idempotency-Key was used with another request; use a new key"}
)

// Idempotency is the answer to a request that creates something, kept under
// the key its client chose, so that the same request is carried out once.
type Idempotency struct {
	Scope       string // who: keys of one user do not meet those of another
	Key         string
	Fingerprint []byte // of the whole request, keyed, so that it tells nothing
	Status      int
	Answer      []byte // sealed
	CreatedAt   time.Time
	ExpiresAt   time.Time
}
