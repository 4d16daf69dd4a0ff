package core

import "time"

// UploadID identifies an upload.
type UploadID = ID[Upload]

// UploadStrategy says how the bytes of an upload travel.
type UploadStrategy string

// The strategies: one signed PUT, or numbered parts with a signed PUT each.
const (
	UploadSingle    UploadStrategy = "single"
	UploadMultipart UploadStrategy = "multipart"
	UploadCopy      UploadStrategy = "copy" // the server brings them, from another blob
)

// Sizes of uploads, in bytes.
const (
	MultipartThreshold       = 64 * MB        // from here on an upload has parts
	MaxBlobBytes       int64 = 5_000_000 * MB // 5 TB
	MaxParts                 = 10_000
	minPartSize        int64 = 16 << 20
	partSizeStep       int64 = 1 << 20
)

// What can go wrong with an upload, beside the errors of blobs.
var (
	ErrUploadMismatch = &Error{Kind: KindConflict, Code: "upload_mismatch", Message: "this is not the upload_id of the file's upload"}
	ErrUploadBusy     = (&Error{
		Kind: KindLocked, Code: "upload_busy", Message: "the upload is being verified by an earlier request; ask again in a moment",
	}).With("retry_after", 5)
	ErrNotMultipart = &Error{Kind: KindConflict, Code: "upload_not_multipart", Message: "the upload is a single PUT; it has no parts"}
)

// Upload reserves room for one version of an asset until its bytes have
// arrived: it holds quota, and nothing else of the server changes before it is
// completed.
type Upload struct {
	ID          UploadID
	OrgID       OrgID
	DriveID     DriveID
	AssetID     AssetID
	Number      int // of the version it will become
	BlobKey     string
	StagingKey  string // where the PUT goes if the store cannot protect BlobKey; else empty
	SourceKey   string // of a copy: the blob its bytes come from; else empty
	ContentType string
	SizeBytes   int64
	SHA256      []byte // declared; nil: not declared
	Strategy    UploadStrategy
	PartSize    int64  // bytes; 0 for a single PUT
	StoreID     string // the store's name of a multipart upload
	CreatedBy   AccountID
	CreatedAt   time.Time
	CheckAt     time.Time // when reconciliation looks at it
	ExpiresAt   time.Time // when it is given up
}

// UploadTimes are how long parts of an upload live.
type UploadTimes struct {
	URL       time.Duration // a signed URL
	Single    time.Duration // an upload by one PUT
	Multipart time.Duration // an upload in parts, which a client may resume
}

// Plan fills in how the bytes travel and how long the upload lives.
func (u *Upload) Plan(times UploadTimes, now time.Time) {
	u.CreatedAt, u.CheckAt = now, now.Add(times.URL)
	u.Strategy, u.ExpiresAt = UploadSingle, now.Add(times.Single)
	if u.SizeBytes >= MultipartThreshold {
		u.Strategy, u.ExpiresAt = UploadMultipart, now.Add(times.Multipart)
		u.PartSize = PartSize(u.SizeBytes)
	}
}

// Stage makes it the upload of bytes that are at the staging key of id already,
// however many they are.
func (u *Upload) Stage(id UploadID, times UploadTimes, now time.Time) {
	u.ID, u.StagingKey = id, StagingKey(id)
	u.Strategy, u.PartSize, u.ExpiresAt = UploadSingle, 0, now.Add(times.Single)
}

// NewCopy returns the upload that makes an asset a copy of a version; number 1
// of asset, called name. It reserves room as any upload does.
func NewCopy(id UploadID, of *Version, asset *Asset, times UploadTimes, now time.Time) *Upload {
	return &Upload{
		ID: id, OrgID: asset.OrgID, DriveID: asset.DriveID, AssetID: asset.ID, Number: 1, BlobKey: BlobKey(asset.OrgID, asset.ID, 1, asset.Name),
		SourceKey: of.BlobKey, ContentType: of.ContentType, SizeBytes: of.SizeBytes, SHA256: of.SHA256, Strategy: UploadCopy,
		CreatedBy: asset.CreatedBy, CreatedAt: now, CheckAt: now.Add(times.URL), ExpiresAt: now.Add(times.Multipart),
	}
}

// PutKey returns the key that a single PUT writes to.
func (u *Upload) PutKey() string {
	if u.StagingKey != "" {
		return u.StagingKey
	}
	return u.BlobKey
}

// Keys returns every key that bytes of the upload may lie under.
func (u *Upload) Keys() []string {
	if u.StagingKey != "" {
		return []string{u.BlobKey, u.StagingKey}
	}
	return []string{u.BlobKey}
}

// Whoever verifies an upload claims it for a while and, as long as that takes, again
// and again: others wait for who has died no longer than for one while.
const (
	UploadClaim      = 30 * time.Second
	UploadClaimAgain = 10 * time.Second
)

// PartCount returns how many parts the upload has; 0 for a single PUT.
func (u *Upload) PartCount() int {
	if u.PartSize == 0 {
		return 0
	}
	return int((u.SizeBytes + u.PartSize - 1) / u.PartSize)
}

// PartBytes returns the exact size of part number n, from 1.
func (u *Upload) PartBytes(n int) int64 {
	if n < u.PartCount() {
		return u.PartSize
	}
	return u.SizeBytes - int64(u.PartCount()-1)*u.PartSize
}

// Finished returns the version the upload has become; sha256 is what the store
// says of the bytes, or nil.
func (u *Upload) Finished(sha256 []byte, now time.Time) *Version {
	return &Version{
		AssetID: u.AssetID, OrgID: u.OrgID, Number: u.Number, BlobKey: u.BlobKey, ContentType: u.ContentType,
		SizeBytes: u.SizeBytes, SHA256: sha256, UploadID: u.ID, CreatedBy: u.CreatedBy, CreatedAt: now,
	}
}

// PartSize returns the size of each part but the last, for a file of size bytes:
// at least 16 MiB, and so large that there are at most MaxParts.
func PartSize(size int64) int64 {
	part := (size + MaxParts - 1) / MaxParts
	part = (part + partSizeStep - 1) / partSizeStep * partSizeStep
	return max(part, minPartSize)
}
