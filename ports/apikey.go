package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// APIKeys stores API keys. Another drive's key is reported as core.ErrNotFound.
type APIKeys interface {
	// Add stores a new key, or returns core.ErrConflict if its hash is known.
	Add(ctx context.Context, k *core.APIKey) error

	// Get returns the key, or core.ErrNotFound.
	Get(ctx context.Context, drive core.DriveID, id core.APIKeyID) (*core.APIKey, error)

	// List returns keys of a drive, newest first.
	List(ctx context.Context, q APIKeyQuery) ([]*core.APIKey, error)

	// Revoke ends a key for good and reports whether it was not revoked yet: of
	// concurrent calls one does it. by zero is the server itself.
	Revoke(ctx context.Context, drive core.DriveID, id core.APIKeyID, by core.AccountID, now time.Time) (bool, error)

	// RevokeOf ends all keys that the account has made.
	RevokeOf(ctx context.Context, org core.OrgID, account core.AccountID, now time.Time) error
}

// APIKeyQuery is a page of a drive's keys. The zero value of a filter means any.
type APIKeyQuery struct {
	DriveID core.DriveID
	Status  core.KeyStatus // at Now
	Now     time.Time
	Before  core.APIKeyID
	Limit   int
}

// KeyUses keeps when API keys were last used. Hot notes it as it answers a key
// that stands, which costs the answer nothing.
type KeyUses interface {
	// Run stores what is noted, at most a second later, until ctx ends, and
	// then what is left. A key's last use never moves back. What cannot be
	// stored is told to failed and tried again; of more than some hundred keys
	// at once, some uses are lost.
	Run(ctx context.Context, failed func(error))
}
