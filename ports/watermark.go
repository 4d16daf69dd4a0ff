package ports

import (
	"context"
	"io"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Marker makes copies of pictures and PDFs that say who looks at them.
type Marker interface {
	// Mark returns a copy of a file with a text over all of every page, frame or
	// picture, as large and readable as that. It takes a bounded amount of
	// memory, over all calls, and does not trust the file: what it cannot mark it
	// refuses by core.ErrCannotWatermark, with the reason, and never returns
	// unmarked. It returns core.ErrWatermarkBusy if ctx ends before there was
	// room for it. The caller closes the copy.
	Mark(ctx context.Context, in Unmarked) (*Marked, error)
}

// Unmarked is a file and what is to be written over it.
type Unmarked struct {
	Text      string // printable ASCII
	SizeBytes int64
	Open      func(ctx context.Context) (io.ReadCloser, error)
}

// Marked is a copy that carries its mark.
type Marked struct {
	io.ReadCloser

	ContentType string
	SizeBytes   int64
}

// MarkedCopies knows which copies there are, until they expire or the asset is
// purged.
type MarkedCopies interface {
	// Get returns a recipient's copy of a version that has not expired at now, or
	// core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, asset core.AssetID, number int, recipient []byte, now time.Time) (*core.MarkedCopy, error)

	// Add stores a copy. It returns core.ErrConflict if the recipient has one,
	// expired or not, and core.ErrNotFound if the version is gone.
	Add(ctx context.Context, c *core.MarkedCopy) error

	// RemoveExpired removes at most limit copies that have expired at t, of any
	// org, and returns their blob keys.
	RemoveExpired(ctx context.Context, t time.Time, limit int) ([]string, error)
}
