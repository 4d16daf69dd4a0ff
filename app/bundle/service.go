// Package bundle moves organisations between servers: everything that one has
// goes into a file, its bundle, from which another server adds it.
//
// A bundle is a tar stream: a manifest, the users to whom its rows refer, the
// rows table by table (JSON, one a line, in entries of about a megabyte), then
// the bytes of each version with lines that say their SHA-256, and last a SHA-256
// of all of it. The first half is one snapshot of the database.
package bundle

import (
	"context"
	"io"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Deps are the ports the service works on.
type Deps struct {
	Store   ports.Store
	Blobs   ports.Blobs
	Secrets ports.Secrets
	Clock   ports.Clock
	IDs     ports.IDs
	Text    ports.Text
	Claim   Claim
}

// Claim makes the blob store this installation's, or refuses one of another.
type Claim func(ctx context.Context) error

// Service makes bundles and takes them in, for the system.
type Service struct{ Deps }

// NewService returns a Service on the given ports.
func NewService(d Deps) *Service { return &Service{d} }

const (
	format = 1

	maxManifest = 1 << 20
	maxLine     = 16 << 20 // of a row, which is at most a few documents of a request
	chunkBytes  = 1 << 20  // an entry of lines ends after the line that makes it longer
	maxChunk    = maxLine + chunkBytes
	sumsEvery   = 1000 // blobs, after which their sums are said

	manifestName = "manifest.json"
	usersDir     = "users/"
	tablesDir    = "tables/"
	blobsDir     = "blobs/"
	sumsDir      = "sums/"
	endName      = "end.json"

	versionsTable = "asset_versions"
	slugsTable    = "org_slugs"
)

// Manifest says what a bundle has.
type Manifest struct {
	Format     int       `json:"format"`
	Schema     int64     `json:"schema"` // the number of the latest migration
	OrgID      string    `json:"org_id"`
	Slug       string    `json:"slug"`
	Name       string    `json:"name"`
	Owner      string    `json:"owner,omitempty"` // of a personal org: its user
	ExportedAt time.Time `json:"exported_at"`
	// Key is the same where the same secret seals, and says nothing about it.
	Key    []byte  `json:"key"`
	Tables []Table `json:"tables"`
}

// Table says how many rows of a table there are.
type Table struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Summary is what was written or read.
type Summary struct {
	Manifest Manifest
	Slug     string // of the org where it is now
	Rows     int64
	Users    int64
	Blobs    int64
	Bytes    int64    // of blobs
	Missing  []string // blobs that were not there, and why; the first hundred
	Lost     int64    // how many
	Created  int64    // users who were not known
	Resealed bool     // what another secret had sealed was given up
}

const maxMissing = 100

func (s *Summary) lose(key, why string) {
	if s.Lost++; len(s.Missing) < maxMissing {
		s.Missing = append(s.Missing, key+": "+why)
	}
}

// bundleUser is a user in a bundle.
type bundleUser struct {
	ID         core.UserID      `json:"id"`
	Email      string           `json:"email"`
	Name       string           `json:"name"`
	Deleted    bool             `json:"deleted,omitempty"`
	Identities []bundleIdentity `json:"identities,omitempty"`
}

type bundleIdentity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// blobLine says what became of the blob of a version.
type blobLine struct {
	Key     string `json:"key"`
	Size    int64  `json:"size"`
	SHA256  []byte `json:"sha256,omitempty"`
	Missing string `json:"missing,omitempty"` // why there are no bytes
}

// endLine is the last word of a bundle.
type endLine struct {
	Entries int64  `json:"entries"`
	SHA256  []byte `json:"sha256"`
}

// File is where a bundle is written, and read again.
type File interface {
	io.Writer
	io.ReaderAt
}

// key is the same for all servers with one secret.
func (s *Service) key() []byte {
	return s.Secrets.Fingerprint([]byte("bundle"), []byte("which secret seals"))
}

// record writes into the audit log of an org what was done to it.
func (s *Service) record(ctx context.Context, tx ports.Tx, org core.OrgID, action string, changes map[string]core.Change) error {
	f := core.OrgFacts{OrgID: org}
	target := app.Target{Kind: "org", ID: org.String()}
	return tx.Audit.Add(ctx, app.Audited(s.IDs.NewID(), f, core.Actor{Kind: core.ActorSystem}, action, target, changes, s.Clock.Now()))
}
