package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Assets stores assets. Another org's asset is reported as core.ErrNotFound.
// New ones are added by Quota.Reserve only, so that none escapes the limits.
type Assets interface {
	// Get returns the asset, trashed or not, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.AssetID) (*core.Asset, error)

	// Many returns those of the assets that there are, trashed or not.
	Many(ctx context.Context, org core.OrgID, ids []core.AssetID) (map[core.AssetID]*core.Asset, error)

	// ByName returns the live asset of that name in a folder, or core.ErrNotFound.
	ByName(ctx context.Context, org core.OrgID, parent core.NodeID, name string) (*core.Asset, error)

	// List returns live assets that the account may read, newest first.
	List(ctx context.Context, q AssetQuery) ([]*core.Asset, error)

	// Save stores a changed asset whose Version is one above the stored one,
	// else returns core.ErrStale. It can also return core.ErrNameTaken.
	Save(ctx context.Context, a *core.Asset) error

	// SaveMany is Save of assets that Uploads.Finish has locked, all or none.
	SaveMany(ctx context.Context, as []*core.Asset) error

	// Lock returns the asset, which nothing else changes until the unit of
	// work ends, or core.ErrNotFound. It comes before any other write of it.
	Lock(ctx context.Context, org core.OrgID, id core.AssetID) (*core.Asset, error)

	// Purge removes the asset with its versions, their marked copies, what is
	// derived of them and its uploads, gives back what they used, and returns the keys of their blobs
	// and the multipart uploads to abort. Of concurrent calls one finds the asset; the others get
	// core.ErrNotFound.
	Purge(ctx context.Context, org core.OrgID, id core.AssetID) (Remains, error)

	// Trashed returns assets trashed before t, oldest first, of any org.
	Trashed(ctx context.Context, t time.Time, limit int) ([]*core.Asset, error)
}

// AssetQuery is a page of an org's assets. The zero value of a filter means any.
type AssetQuery struct {
	OrgID     core.OrgID
	AccountID core.AccountID // whose standing decides what is listed
	DriveID   core.DriveID
	Status    core.AssetStatus
	Type      string // a media type, or its part before the slash
	Tag       string
	Text      string // part of the name, in any case
	Before    core.AssetID
	Limit     int
}

// Remains is what a purge leaves in the blob store, to be removed by a job.
type Remains struct {
	BlobKeys   []string
	Multiparts []Multipart
}

// Versions stores the finished contents of assets.
type Versions interface {
	// Add stores new versions.
	Add(ctx context.Context, vs ...*core.Version) error

	// Get returns one version, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, asset core.AssetID, number int) (*core.Version, error)

	// Current returns the current versions of those of the assets that have one.
	Current(ctx context.Context, org core.OrgID, assets []core.AssetID) (map[core.AssetID]core.Version, error)

	// ByUpload returns the version that an upload has become, or core.ErrNotFound.
	ByUpload(ctx context.Context, org core.OrgID, asset core.AssetID, upload core.UploadID) (*core.Version, error)

	// SetSHA256 records the hash of a version that had none.
	SetSHA256(ctx context.Context, org core.OrgID, asset core.AssetID, number int, sha256 []byte) error

	// Unknown returns those of the blob keys that neither a version, nor a
	// marked copy of one, nor what is derived of one, nor an upload of any org refers to, also as the source
	// of a copy.
	Unknown(ctx context.Context, keys []string) ([]string, error)

	// List returns the versions with a number below before (0: all), newest first.
	List(ctx context.Context, org core.OrgID, asset core.AssetID, before, limit int) ([]core.Version, error)
}

// Uploads stores uploads in progress. They are added by Quota.Reserve.
type Uploads interface {
	// Of returns an asset's uploads, newest first.
	Of(ctx context.Context, org core.OrgID, asset core.AssetID) ([]*core.Upload, error)

	// Due returns uploads whose CheckAt is not after t, earliest first, of any org.
	Due(ctx context.Context, t time.Time, limit int) ([]*core.Upload, error)

	// UnknownMultiparts returns those that no upload of any org refers to.
	UnknownMultiparts(ctx context.Context, ms []Multipart) ([]Multipart, error)

	// Claim gives the caller alone the right to turn the upload into a
	// version, until then; reconciliation does not look at it before. It
	// returns core.ErrUploadBusy if somebody else has that right, and
	// core.ErrUploadNotFound.
	Claim(ctx context.Context, id core.UploadID, now, until time.Time) error

	// ClaimMany is Claim of those of the uploads into files of a drive that
	// travel by one PUT and that nobody else has claimed, and returns them, in no
	// order.
	ClaimMany(ctx context.Context, drive core.DriveID, ids []core.UploadID, now, until time.Time) ([]*core.Upload, error)

	// Renew makes claims that end at held end at until instead, and returns the
	// uploads: the others are gone, or somebody else has claimed them since.
	Renew(ctx context.Context, ids []core.UploadID, held, until time.Time) ([]core.UploadID, error)

	// Postpone ends the claim that ends at held, and sets when reconciliation looks
	// at the upload again. Zero stands for no claim. If there is another one it
	// does nothing.
	Postpone(ctx context.Context, id core.UploadID, held, checkAt time.Time) error

	// Finish removes uploads that have become versions, of those that are claimed
	// until held as Postpone has it: what they reserved stays used, and their assets
	// stay locked until the unit of work ends. Of the others, busy are those that
	// are there; the rest is gone: of concurrent Finish and Abort calls one succeeds.
	Finish(ctx context.Context, org core.OrgID, held time.Time, ids ...core.UploadID) (finished, busy []core.UploadID, err error)

	// Abort removes an upload, gives back what it reserved and, if its asset
	// never had a version, removes the asset. It returns core.ErrUploadNotFound
	// if the upload is gone.
	Abort(ctx context.Context, org core.OrgID, id core.UploadID) error
}

// Quota grants room for uploads.
type Quota interface {
	// Reserve makes room for an upload and stores it, with its asset if that
	// is new, or does nothing: it returns false if the actor may not write
	// there or a limit is in the way, for the caller to find out which (see
	// Access.ForUpload). Concurrent calls never go over a limit together. It
	// returns core.ErrNameTaken, and core.ErrStale if the upload of another
	// version has not the next number of its asset.
	Reserve(ctx context.Context, r Reservation) (Granted, bool, error)
}

// Reservation asks for room for one upload. The drive is the upload's, or the
// org's default drive, or the one of an API key, if that is zero; the parent is
// the asset's, or the drive's root. What decides is looked up in the same
// statement: the actor's standing has to be one of
// core.StandingsAtLeast(core.DriveEditor), and a key's permissions one of
// core.PermissionsWith(core.PermitWrite).
type Reservation struct {
	Actor     core.Actor
	Upload    *core.Upload
	NewAsset  *core.Asset // nil: another version of an asset that exists
	Unlimited bool        // no licence limits; drive quotas still hold
	Now       time.Time
}

// Granted is what a reservation has settled.
type Granted struct {
	DriveID   core.DriveID
	AccountID core.AccountID
}
