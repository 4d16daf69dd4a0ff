package ports

import (
	"context"
	"io"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Deriver makes pictures of files, and finds what can be read in them.
type Deriver interface {
	// Derive looks at a file. It takes a bounded amount of memory, time and disk,
	// over all calls, and does not trust the file, which harms nothing but the
	// call: what it can make nothing of it refuses by core.ErrCannotDerive, with
	// the reason. It returns an error of ctx if that ends before.
	Derive(ctx context.Context, in Underived) (*Derivation, error)

	// Missing returns which kinds of files nothing is derived from for lack of a
	// program of the system.
	Missing() []core.DerivableKind
}

// Underived is a file.
type Underived struct {
	Kind      core.DerivableKind
	SizeBytes int64
	Open      func(ctx context.Context) (io.ReadCloser, error)
}

// Derivation is what was derived. Pictures are at most a few MB.
type Derivation struct {
	Thumbnail   []byte // empty: there is none
	Poster      []byte // of a video
	Width       int    // pixels, of the original as it is seen
	Height      int
	Duration    time.Duration // of a video
	Placeholder []byte        // a thumbhash
	Words       []string      // of a text, each once, in no order
}

// Derived knows what is derived of versions, until they are purged.
type Derived interface {
	// Add makes versions those of which something will be derived, and returns
	// which have not been. It returns core.ErrNotFound if one is not there.
	Add(ctx context.Context, now time.Time, us ...Undone) ([]Undone, error)

	// Get returns what is derived of a version, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, asset core.AssetID, number int) (*core.Derived, error)

	// Finish stores the outcome for a version that is pending, with the words of
	// its text. It returns core.ErrConflict if it is no longer: of concurrent
	// calls one succeeds; and core.ErrNotFound if the version is gone.
	Finish(ctx context.Context, d *core.Derived, words []string) error

	// Retry makes pending again what has failed or is unsupported. It returns
	// core.ErrConflict if it is neither, and core.ErrNotFound.
	Retry(ctx context.Context, org core.OrgID, asset core.AssetID, number int, now time.Time) error

	// Undone returns current versions, of assets with an id above after and of
	// any org, of which nothing is derived, or that are pending or unsupported, in
	// order of their assets.
	Undone(ctx context.Context, after core.AssetID, limit int) ([]Undone, error)
}

// Undone is a version of which there may be something to derive. Status is
// empty if nobody has tried.
type Undone struct {
	OrgID       core.OrgID
	AssetID     core.AssetID
	Number      int
	ContentType string
	Status      core.DerivedStatus
	Failure     core.Underivable
	UpdatedAt   time.Time
}
