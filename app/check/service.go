// Package check compares what the server has stored with what must be true.
package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options say what a check does beside looking at the rows.
type Options struct {
	Repair bool // mend what can be mended without loss
	Deep   bool // read every blob and compare its SHA-256
}

// Problem is something that is not as it must be.
type Problem struct {
	Check    string `json:"check"`
	Subject  string `json:"subject"`
	Detail   string `json:"detail"`
	Repaired bool   `json:"repaired"`
}

// Report is what a check found.
type Report struct {
	Checks   int       `json:"checks"`
	Problems []Problem `json:"problems"`
}

// maxProblems bounds a report; what is beyond it is told by one line.
const maxProblems = 10_000

// Orphans hands remove the keys of blobs that nothing refers to, in batches.
type Orphans func(ctx context.Context, remove func(keys []string) error) (int, error)

// Retention is how long a deleted org is kept.
type Retention time.Duration

// Service runs checks.
type Service struct {
	inspector ports.Inspector
	blobs     ports.Blobs
	orphans   Orphans
	retention time.Duration
	clock     ports.Clock
}

// NewService returns a Service on the given ports.
func NewService(inspector ports.Inspector, blobs ports.Blobs, orphans Orphans, retention Retention, clock ports.Clock) *Service {
	return &Service{inspector: inspector, blobs: blobs, orphans: orphans, retention: time.Duration(retention), clock: clock}
}

// Run makes every check. It changes nothing unless told to.
func (s *Service) Run(ctx context.Context, o Options) (Report, error) {
	const blobChecks = 5
	r := Report{Checks: len(s.inspector.Invariants()) + blobChecks, Problems: []Problem{}}
	counters, err := s.rows(ctx, &r, o.Repair)
	if err != nil {
		return r, err
	}
	if o.Repair && counters {
		if err := s.inspector.RepairUsage(ctx); err != nil {
			return r, err
		}
	}
	if err := s.versions(ctx, &r, o.Deep); err != nil {
		return r, err
	}
	if err := s.copies(ctx, &r, o.Repair); err != nil {
		return r, err
	}
	if err := s.pictures(ctx, &r, o.Repair); err != nil {
		return r, err
	}
	err = s.strays(ctx, &r, o.Repair)
	return r, err
}

// rows looks for rows that break an invariant, and says whether counters are
// among them, which can be mended.
func (s *Service) rows(ctx context.Context, r *Report, repair bool) (counters bool, err error) {
	now := s.clock.Now()
	for v, err := range s.inspector.Violations(ctx, now, now.Add(-s.retention)) {
		if err != nil {
			return false, err
		}
		counters = counters || v.Counter
		r.add(Problem{Check: v.Invariant, Subject: v.Subject, Detail: v.Detail, Repaired: repair && v.Counter})
	}
	return counters, nil
}

func (r *Report) add(p Problem) {
	switch len(r.Problems) {
	case maxProblems:
		r.Problems = append(r.Problems, Problem{Check: "report", Subject: "all", Detail: "there are more problems than are listed"})
	case maxProblems + 1:
	default:
		r.Problems = append(r.Problems, p)
	}
}

// versions compares each finished version with its blob.
func (s *Service) versions(ctx context.Context, r *Report, deep bool) error {
	const name = "a version has its blob, with its size and SHA-256"
	for v, err := range s.inspector.Stored(ctx) {
		if err != nil {
			return err
		}
		detail, err := s.compare(ctx, v, deep)
		if err != nil {
			return err
		}
		if detail != "" {
			there, err := s.inspector.Exists(ctx, v) // a server may be running
			if err != nil {
				return err
			}
			if !there {
				continue
			}
			r.add(Problem{Check: name, Subject: fmt.Sprintf("asset %s version %d", v.AssetID, v.Number), Detail: detail})
		}
	}
	return nil
}

func (s *Service) compare(ctx context.Context, v core.Version, deep bool) (string, error) {
	info, err := s.blobs.Stat(ctx, v.BlobKey)
	switch {
	case errors.Is(err, core.ErrBlobNotFound):
		return "there is no blob " + v.BlobKey, nil
	case err != nil:
		return "", err
	case info.Size != v.SizeBytes:
		return fmt.Sprintf("the blob has %d bytes, not %d", info.Size, v.SizeBytes), nil
	}
	sum := info.SHA256
	if deep {
		if sum, err = app.HashBlob(ctx, s.blobs, v.BlobKey); err != nil {
			return "", err
		}
	}
	if sum != nil && v.SHA256 != nil && !bytes.Equal(sum, v.SHA256) {
		return fmt.Sprintf("the blob has SHA-256 %x, not %x", sum, v.SHA256), nil
	}
	return "", nil
}

// copies compares each marked copy with its blob. One that is missing or of
// another size is nobody's loss: it is made anew.
func (s *Service) copies(ctx context.Context, r *Report, repair bool) error {
	const name = "a marked copy has its blob, with its size"
	for c, err := range s.inspector.Copies(ctx, s.clock.Now()) {
		if err != nil {
			return err
		}
		info, err := s.blobs.Stat(ctx, c.BlobKey)
		if err != nil && !errors.Is(err, core.ErrBlobNotFound) {
			return err
		}
		if err == nil && info.Size == c.SizeBytes {
			continue
		}
		p := Problem{Check: name, Subject: fmt.Sprintf("asset %s version %d", c.AssetID, c.Number), Detail: "the blob " + c.BlobKey + " is missing or has another size"}
		if repair {
			if p.Repaired, err = s.inspector.DropCopy(ctx, c.BlobKey); err != nil {
				return err
			}
		}
		r.add(p)
	}
	return nil
}

// pictures compares what is derived of versions with its blobs. What is missing
// or of another size is derived again.
func (s *Service) pictures(ctx context.Context, r *Report, repair bool) error {
	const name = "what is derived has its blobs, with their sizes"
	for d, err := range s.inspector.Pictures(ctx) {
		if err != nil {
			return err
		}
		for _, p := range []core.Picture{d.Thumbnail, d.Poster} {
			if p.BlobKey == "" {
				continue
			}
			info, err := s.blobs.Stat(ctx, p.BlobKey)
			if err != nil && !errors.Is(err, core.ErrBlobNotFound) {
				return err
			}
			if err == nil && info.Size == p.SizeBytes {
				continue
			}
			p := Problem{Check: name, Subject: fmt.Sprintf("asset %s version %d", d.AssetID, d.Number), Detail: "the blob " + p.BlobKey + " is missing or has another size"}
			if repair {
				if p.Repaired, err = s.inspector.DropPictures(ctx, d); err != nil {
					return err
				}
			}
			r.add(p)
			break
		}
	}
	return nil
}

// strays looks for blobs that nothing refers to.
func (s *Service) strays(ctx context.Context, r *Report, repair bool) error {
	count, err := s.orphans(ctx, func(keys []string) error {
		for _, key := range keys {
			r.add(Problem{Check: "a blob has a row", Subject: "blob " + key, Detail: "nothing refers to it", Repaired: repair})
		}
		if !repair {
			return nil
		}
		return s.blobs.Delete(ctx, keys...)
	})
	if err != nil && count == 0 && !errors.Is(err, core.ErrUnavailable) { // the store is not marked as ours: a finding, not the end
		r.add(Problem{Check: "the blob store belongs to this database", Subject: "blob store", Detail: err.Error(), Repaired: false})
		return nil
	}
	return err
}
