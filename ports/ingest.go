package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// IngestSessions stores sessions and the files they bring. Another org's is
// reported as core.ErrNotFound.
type IngestSessions interface {
	// Add stores a new session.
	Add(ctx context.Context, s *core.IngestSession) error

	// DatasetOf returns the dataset of a session of any org, or core.ErrNotFound.
	DatasetOf(ctx context.Context, id core.IngestSessionID) (core.DatasetID, error)

	// Get returns the session, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.IngestSessionID) (*core.IngestSession, error)

	// Lock is Get, and nothing else changes the session until the unit of work
	// ends. It is for Update only, and comes after the lock of its dataset.
	Lock(ctx context.Context, org core.OrgID, id core.IngestSessionID) (*core.IngestSession, error)

	// Save stores a locked session.
	Save(ctx context.Context, s *core.IngestSession) error

	// Due returns sessions whose time, or whose publisher's, was over at t, of any
	// org, by id.
	Due(ctx context.Context, t time.Time, after core.IngestSessionID, limit int) ([]*core.IngestSession, error)

	// Released returns sessions that were closed before t, or without a version,
	// and still have files, of any org, by id.
	Released(ctx context.Context, t time.Time, after core.IngestSessionID, limit int) ([]*core.IngestSession, error)

	// PutFiles stores files in place of those of the same paths.
	PutFiles(ctx context.Context, files []core.SessionFile) error

	// Files returns files of a session by path.
	Files(ctx context.Context, session core.IngestSessionID, after string, limit int) ([]core.SessionFile, error)

	// DropFiles forgets files of a session.
	DropFiles(ctx context.Context, session core.IngestSessionID, paths []string) error

	// Resolve returns what the paths and ids of a manifest mean: files of the
	// session, or else of what is published of the dataset, the latest of each.
	Resolve(ctx context.Context, q IngestQuery) (IngestFiles, error)

	// Unused returns those of the assets that are in the drive, whose files no
	// published version and no other open session has.
	Unused(ctx context.Context, drive core.DriveID, session core.IngestSessionID, assets []core.AssetID) ([]core.AssetID, error)
}

// IngestQuery names files.
type IngestQuery struct {
	SessionID core.IngestSessionID
	DatasetID core.DatasetID
	Paths     []string
	Assets    []core.AssetID
}

// IngestFile is a version of a file that items may have.
type IngestFile struct {
	AssetID core.AssetID
	Number  int
	Path    string
	Ready   bool // its bytes have arrived
}

// IngestFiles are files by their names.
type IngestFiles struct {
	ByPath  map[string]IngestFile
	ByAsset map[core.AssetID]IngestFile
}

// NewItem is an item that is being stored, with the words it is found by.
type NewItem struct {
	core.DatasetItem

	Words []string // each once
}

// IngestItems stores the items of versions that nobody sees yet.
type IngestItems interface {
	// Store adds items of one version, whose ids are in their order.
	Store(ctx context.Context, items []NewItem) error

	// Duplicates returns items whose external id an earlier item of the version
	// has, by line, and how many there are.
	Duplicates(ctx context.Context, version core.DatasetVersionID, limit int) ([]core.DatasetItem, int64, error)
}

// DatasetPurges removes what nobody sees any more, piece by piece.
type DatasetPurges interface {
	// Discarded returns versions that were discarded, of any org, by id.
	Discarded(ctx context.Context, after core.DatasetVersionID, limit int) ([]core.DatasetVersion, error)

	// StripVersion removes at most about limit rows of a discarded version; with
	// done, it is gone.
	StripVersion(ctx context.Context, id core.DatasetVersionID, limit int) (done bool, err error)

	// Deleted returns datasets that were deleted, of any org, by id.
	Deleted(ctx context.Context, after core.DatasetID, limit int) ([]core.Dataset, error)

	// Strip removes at most about limit rows of a deleted dataset; with done, it
	// is gone.
	Strip(ctx context.Context, id core.DatasetID, limit int) (done bool, err error)
}
