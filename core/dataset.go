package core

import (
	"encoding/json"
	"time"
)

// What can go wrong with a dataset.
var (
	ErrDatasetArchived    = &Error{Kind: KindConflict, Code: "dataset_archived", Message: "the dataset is archived; set its status to published first"}
	ErrDatasetSlugTaken   = &Error{Kind: KindConflict, Code: "slug_taken", Message: "the organisation has a dataset of this slug; choose another slug"}
	ErrDatasetUnpublished = &Error{Kind: KindConflict, Code: "dataset_unpublished", Message: "nothing of the dataset has been published yet"}
	ErrDatasetDrive       = &Error{Kind: KindConflict, Code: "dataset_drive", Message: "the drive belongs to a dataset and goes with it; delete the dataset"}
	ErrDatasetUses        = &Error{Kind: KindConflict, Code: "used_by_dataset", Message: "published versions of datasets show the file, so it cannot be removed for good; delete those datasets first"}

	errDatasetDraft = Invalid("body.status", "cannot be draft again once something is published")
)

// CheckShown refuses to remove for good what that many datasets show.
func CheckShown(datasets int64) error {
	if datasets == 0 {
		return nil
	}
	return ErrDatasetUses.With("datasets", datasets)
}

// Limits of datasets.
const (
	MaxDatasetSchemas   = 50
	MaxSchemaBytes      = 64 << 10 // of all schemas of a dataset, as JSON
	MaxDatasetGrants    = 500
	MaxDatasetVersions  = 1_000_000
	MaxDatasetItems     = 10_000_000 // of a version
	MaxManifestFailures = 100        // that are told
)

// DatasetID identifies a dataset.
type DatasetID = ID[Dataset]

// DatasetStatus says for whom a dataset is there.
type DatasetStatus string

// The states of a dataset. Who may not publish sees published ones only.
const (
	DatasetDraft     DatasetStatus = "draft" // nothing is published yet
	DatasetPublished DatasetStatus = "published"
	DatasetArchived  DatasetStatus = "archived" // kept, and shown to nobody else
)

// Visibility says who of the org may view a dataset without a grant.
type Visibility string

// The visibilities.
const (
	VisibleToOrg      Visibility = "org"        // every active account
	VisibleToGrantees Visibility = "restricted" // nobody
)

// ItemSchemas are JSON Schemas 2020-12 by the type of the items that they are for.
type ItemSchemas map[string]json.RawMessage

// Dataset is what an org publishes, version by version, as items with files.
type Dataset struct {
	ID             DatasetID
	OrgID          OrgID
	DriveID        DriveID // its files are in a drive of its own
	Slug           string  // unique among the org's
	Name           string
	Description    string
	Status         DatasetStatus
	Visibility     Visibility
	Schemas        ItemSchemas // its own, in place of or beside the built-in ones
	CurrentVersion int64       // 0: none is published
	CreatedBy      AccountID
	OwnerID        AccountID // who has the rights of its creator; zero once that account has left
	DeletedAt      time.Time // a job is removing it
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// DatasetChange is what an update leaves alone (nil) or sets, clean.
type DatasetChange struct {
	Slug        *string
	Name        *string
	Description *string
	Status      *DatasetStatus
	Visibility  *Visibility
	Schemas     *ItemSchemas
}

// NewDataset returns a dataset without items, in a drive of its own.
func NewDataset(id DatasetID, org OrgID, drive DriveID, by AccountID, c DatasetChange, now time.Time) *Dataset {
	d := &Dataset{
		ID: id, OrgID: org, DriveID: drive, Status: DatasetDraft, Visibility: VisibleToOrg, CreatedBy: by, OwnerID: by,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	d.apply(c)
	return d
}

// Change applies c. A dataset of which something is published is no draft again;
// one of which nothing is cannot be published so.
func (d *Dataset) Change(c DatasetChange, now time.Time) error {
	if c.Status != nil && *c.Status != d.Status {
		switch {
		case *c.Status == DatasetDraft && d.CurrentVersion > 0:
			return errDatasetDraft
		case *c.Status == DatasetPublished && d.CurrentVersion == 0:
			return ErrDatasetUnpublished
		}
		d.Status = *c.Status
	}
	d.apply(c)
	d.touch(now)
	return nil
}

func (d *Dataset) apply(c DatasetChange) {
	set(&d.Slug, c.Slug)
	set(&d.Name, c.Name)
	set(&d.Description, c.Description)
	set(&d.Visibility, c.Visibility)
	set(&d.Schemas, c.Schemas)
}

// Publish makes a version the one that is shown.
func (d *Dataset) Publish(number int64, now time.Time) {
	d.CurrentVersion, d.Status = number, DatasetPublished
	d.touch(now)
}

// Touch makes another version of the dataset, as a change of its grants does.
func (d *Dataset) Touch(now time.Time) { d.touch(now) }

// Delete hides the dataset from everybody for good; a job removes it.
func (d *Dataset) Delete(now time.Time) {
	d.DeletedAt = now
	d.touch(now)
}

func (d *Dataset) touch(now time.Time) {
	d.Version++
	d.UpdatedAt = now
}

// DatasetVersionID identifies a version of a dataset.
type DatasetVersionID = ID[DatasetVersion]

// DatasetVersion is what was published at once. It never changes.
type DatasetVersion struct {
	ID           DatasetVersionID
	OrgID        OrgID
	DatasetID    DatasetID
	Number       int64 // from 1; 0 while its items are being stored
	SessionID    IngestSessionID
	ManifestHash []byte // SHA-256 of its items as they are stored
	Items        int64
	CreatedBy    AccountID
	CreatedAt    time.Time
	PublishedAt  time.Time // zero: not yet
}
