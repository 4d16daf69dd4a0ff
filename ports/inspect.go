package ports

import (
	"context"
	"iter"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Inspector checks what must always be true of the stored rows. It reads in
// bounded memory and changes nothing but what RepairUsage and DropCopy say.
type Inspector interface {
	// Invariants returns the names of the checks that Violations makes.
	Invariants() []string

	// Violations yields every row that breaks an invariant at now. An org that
	// was deleted before purged should be gone.
	Violations(ctx context.Context, now, purged time.Time) iter.Seq2[Violation, error]

	// Stored yields every finished version of every org, by asset and number.
	Stored(ctx context.Context) iter.Seq2[core.Version, error]

	// Exists reports whether there still is such a version.
	Exists(ctx context.Context, v core.Version) (bool, error)

	// Copies yields the marked copies that have not expired at now, of every org,
	// without their recipients.
	Copies(ctx context.Context, now time.Time) iter.Seq2[core.MarkedCopy, error]

	// DropCopy forgets a marked copy, which is made again when it is needed. It
	// reports whether there was one.
	DropCopy(ctx context.Context, blobKey string) (bool, error)

	// Pictures yields what is derived of versions and has pictures, of every org,
	// with those only.
	Pictures(ctx context.Context) iter.Seq2[core.Derived, error]

	// DropPictures forgets what was derived of a version, which is derived again
	// within a day. It reports whether it still had those pictures.
	DropPictures(ctx context.Context, d core.Derived) (bool, error)

	// RepairUsage sets what is counted to what is there. A server may be running.
	RepairUsage(ctx context.Context) error
}

// Violation is one row that breaks an invariant.
type Violation struct {
	Invariant string
	Subject   string // kind and id of the row
	Detail    string
	Counter   bool // RepairUsage mends it
}
