// Package signedblob gives a store without an HTTP face of its own, a
// directory or memory, what S3 has: URLs that are signed here, carry every
// condition of the request, and are served by the handler of this package.
package signedblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/ports"
)

// Backend keeps the bytes. Its methods keep the contract of ports.Blobs; the
// last three serve the signed requests, whose signature has been checked.
type Backend interface {
	ports.Multiparts

	CreateOnly() bool
	Stat(ctx context.Context, key string) (ports.BlobInfo, error)
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	Put(ctx context.Context, key, contentType string, r io.Reader) (ports.BlobInfo, error)
	Copy(ctx context.Context, src, dst string) error
	Delete(ctx context.Context, keys ...string) error
	List(ctx context.Context, prefix string) iter.Seq2[ports.BlobInfo, error]
	Ping(ctx context.Context) error

	// Upload stores exactly p.Size bytes of r and returns the entity tag,
	// unquoted. It returns core.ErrSizeMismatch, core.ErrChecksumMismatch or, if
	// p.CreateOnly, core.ErrBlobExists; on any error nothing is stored.
	Upload(ctx context.Context, p ports.PutSpec, r io.Reader) (string, error)

	// UploadPart stores exactly p.Size bytes of r as one part.
	UploadPart(ctx context.Context, p ports.PartSpec, r io.Reader) (ports.Part, error)

	// OpenSeeker opens the whole blob, with its strong entity tag, unquoted.
	// The caller closes it. If it is an *os.File, the kernel sends it by itself.
	OpenSeeker(ctx context.Context, key string) (io.ReadSeekCloser, ports.BlobInfo, string, error)
}

// Options configures Blobs.
type Options struct {
	Key            []byte      // secret that signs, at least 32 bytes
	BaseURL        string      // where clients reach the handler, as https://example.org/blobs/
	Path           string      // path the handler sees, if a proxy changes it; by default BaseURL's
	AllowedOrigins []string    // other origins whose scripts may use the URLs; "*" is all
	Clock          ports.Clock // decides what has expired

	MaxPutBody   int64         // bytes in one PUT; by default 5 GiB, as S3
	StallTimeout time.Duration // how long a transfer may make no progress; by default a minute

	// OnError, if set, learns of every failure that is not the client's.
	OnError func(r *http.Request, err error)
}

const (
	minKey         = 32      // bytes
	defaultMaxBody = 5 << 30 // bytes
	defaultStall   = time.Minute
)

// Blobs is a ports.Blobs whose signed requests it serves itself, as an http.Handler.
type Blobs struct {
	Backend

	macs    macs
	base    string // URL, ends with a slash
	path    string // of the URL, ends with a slash
	origins []string
	clock   ports.Clock
	maxBody int64
	stall   time.Duration
	onError func(*http.Request, error)
}

// New returns the blobs of the backend. It returns an error if the options
// cannot work: the key is too short or BaseURL is not an absolute HTTP URL.
func New(backend Backend, o Options) (*Blobs, error) {
	if len(o.Key) < minKey {
		return nil, fmt.Errorf("signed blobs: the key has %d bytes, needs %d", len(o.Key), minKey)
	}
	if o.Clock == nil {
		return nil, errors.New("signed blobs: no clock")
	}
	u, err := url.Parse(o.BaseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("signed blobs: %q is not an absolute HTTP URL", o.BaseURL)
	}
	b := &Blobs{
		Backend: backend, macs: newMACs(o.Key), clock: o.Clock,
		base: withSlash(u.String()), path: withSlash(u.Path), origins: slices.Clone(o.AllowedOrigins),
		maxBody: o.MaxPutBody, stall: o.StallTimeout, onError: o.OnError,
	}
	if o.Path != "" {
		b.path = withSlash(o.Path)
	}
	if b.maxBody <= 0 {
		b.maxBody = defaultMaxBody
	}
	if b.stall <= 0 {
		b.stall = defaultStall
	}
	if b.onError == nil {
		b.onError = func(*http.Request, error) {}
	}
	return b, nil
}

// Diagnose implements ports.Diagnosable, if the backend does.
func (b *Blobs) Diagnose(ctx context.Context, fix bool) []ports.Finding {
	if d, ok := b.Backend.(ports.Diagnosable); ok {
		return d.Diagnose(ctx, fix)
	}
	return nil
}

func withSlash(s string) string { return strings.TrimSuffix(s, "/") + "/" }
