package ports

import (
	"context"
	"io"
	"iter"
	"net/http"
	"time"
)

// Blobs stores immutable bytes by key. Clients reach the bytes only through
// signed requests; the server itself through the streaming methods. Every
// method is safe for concurrent use, and returns core.ErrBlobNotFound for a
// key (core.ErrUploadNotFound for a multipart upload) that is not there.
//
// A key is slash-separated UTF-8 of at most 1,024 bytes and must not have
// empty, "." or ".." elements; other keys are refused with an error.
type Blobs interface {
	SignedBlobs
	Multiparts

	// CreateOnly reports whether a signed PUT honours If-None-Match: *, that
	// is, whether the bytes of an existing key can never be replaced by one.
	// Where it is false, uploads go to a staging key and are copied on completion.
	CreateOnly() bool

	// Stat describes the blob.
	Stat(ctx context.Context, key string) (BlobInfo, error)

	// Open streams length bytes from offset; a negative length means to the
	// end. The caller closes the reader.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)

	// Put stores everything r yields, in bounded memory. Readers see the old
	// blob or the new one, never a part; a failed Put changes nothing. The blob
	// is durable when Put returns.
	Put(ctx context.Context, key, contentType string, r io.Reader) (BlobInfo, error)

	// Copy makes dst a copy of src without sending bytes through the server
	// where the store can, replacing dst.
	Copy(ctx context.Context, src, dst string) error

	// Delete removes the blobs. A missing blob is not an error.
	Delete(ctx context.Context, keys ...string) error

	// List yields every blob whose key starts with prefix, in byte order of
	// the keys, in bounded memory. It ends at the first error.
	List(ctx context.Context, prefix string) iter.Seq2[BlobInfo, error]

	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
}

// SignedBlobs signs requests that a client sends straight to the store.
// Signing does no I/O.
type SignedBlobs interface {
	// SignPut signs an upload of exactly s.Size bytes. The store refuses
	// another length, content type or checksum and, if s.CreateOnly, a key
	// that exists (412).
	SignPut(ctx context.Context, s PutSpec) (SignedRequest, error)

	// SignPart signs the upload of one part.
	SignPart(ctx context.Context, s PartSpec) (SignedRequest, error)

	// SignGet signs a download; the answer supports ranges and conditional
	// requests, and carries s.ContentType, s.Disposition and
	// Cache-Control: private, no-store.
	SignGet(ctx context.Context, s GetSpec) (SignedRequest, error)
}

// Multiparts uploads one blob in numbered parts.
type Multiparts interface {
	// CreateMultipart starts a multipart upload of size bytes into key and
	// returns the store's name for it. All parts but the last have partSize bytes.
	CreateMultipart(ctx context.Context, key, contentType string, size, partSize int64) (string, error)

	// Parts yields what has arrived, in order of part numbers.
	Parts(ctx context.Context, key, uploadID string) iter.Seq2[Part, error]

	// CompleteMultipart makes the blob of the given parts, in order, visible
	// at once and durable. It returns core.ErrUploadIncomplete when a part is
	// missing or its ETag is another, and core.ErrBlobExists when key exists
	// and the store is create-only. Completing an upload that is already
	// completed returns core.ErrUploadNotFound: the caller asks Stat.
	CompleteMultipart(ctx context.Context, key, uploadID string, parts []Part) error

	// AbortMultipart forgets the upload and its parts. An unknown upload is
	// not an error.
	AbortMultipart(ctx context.Context, key, uploadID string) error

	// Multiparts yields the uploads in progress, oldest first where the store
	// knows the order.
	Multiparts(ctx context.Context) iter.Seq2[Multipart, error]
}

// BlobInfo describes a stored blob.
type BlobInfo struct {
	Key         string
	Size        int64  // bytes
	ContentType string // empty where the store keeps none
	SHA256      []byte // 32 bytes, or nil where the store does not know it
	ModifiedAt  time.Time
}

// PutSpec describes an upload by one PUT.
type PutSpec struct {
	Key         string
	Size        int64 // bytes, exactly
	ContentType string
	SHA256      []byte // 32 bytes, or nil if not declared
	CreateOnly  bool
	Expires     time.Time
}

// PartSpec describes the upload of one part of a multipart upload.
type PartSpec struct {
	Key      string
	UploadID string // the store's name for the upload
	Number   int    // from 1
	Size     int64  // bytes, exactly
	Expires  time.Time
}

// GetSpec describes a download.
type GetSpec struct {
	Key         string
	ContentType string
	Disposition string // the whole Content-Disposition header
	Expires     time.Time
}

// SignedRequest is what a client has to send. Header holds every header the
// signature covers except Host and Content-Length.
type SignedRequest struct {
	Method string
	URL    string
	Header http.Header
}

// Part is one part of a multipart upload that has arrived.
type Part struct {
	Number int
	Size   int64
	ETag   string // without quotes
}

// Multipart is a multipart upload in progress.
type Multipart struct {
	Key       string
	UploadID  string
	StartedAt time.Time
}

// Finding is what a check of a dependency found: one line for an operator.
type Finding struct {
	Check   string // what was looked at, as "conditional writes"
	OK      bool
	Warning bool   // works, but not as well as it should
	Detail  string // what was seen and, if not OK, what to do
}

// Diagnosable is a dependency that can examine itself for coffer doctor.
type Diagnosable interface {
	// Diagnose examines the dependency, leaving nothing behind. fix allows it
	// to set what it can, such as the bucket's CORS rules.
	Diagnose(ctx context.Context, fix bool) []Finding
}
