package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/seed-755a8038/coffer/client"
)

const (
	endFiles = 250 // that are completed at once
	rounds   = 4   // of a batch: URLs expire, and files change while they are read
)

// sender sends files of which the server is told many at a time.
type sender struct {
	*transfer

	lanes chan struct{} // in which files travel
	sums  *sums
	open  func(*brought) (*os.File, error)
	tell  func(ctx context.Context, files []*brought) (registered, error) // registers them
	end   func(ctx context.Context, some []client.EndedInput) (*client.EndedOutput, error)
}

// brought is a file on its way.
type brought struct {
	manifestFile

	to   string // where it goes, for people; empty: as the server says
	size int64
	sum  string // empty: it could not be read
	had  int64  // what the progress has of it
}

func (f *brought) target(item *client.IngestAsset) string { return cmp.Or(f.to, item.Path) }

// registered is files that the server has answered.
type registered struct {
	files []*brought
	items []client.IngestAsset
}

// each does something with each file, as many at once as there are lanes.
func (s *sender) each(ctx context.Context, files []*brought, do func(ctx context.Context, i int, f *brought) error) error {
	group, within := errgroup.WithContext(ctx)
	for i, f := range files {
		select {
		case s.lanes <- struct{}{}:
		case <-within.Done():
			return cmp.Or(group.Wait(), ctx.Err())
		}
		group.Go(func() error {
			defer func() { <-s.lanes }()
			return do(within, i, f)
		})
	}
	return group.Wait()
}

// summed finds out the SHA-256 of files.
func (s *sender) summed(ctx context.Context, files []*brought) error {
	return s.each(ctx, files, func(ctx context.Context, _ int, f *brought) error {
		if f.AssetID != uuid.Nil {
			return nil
		}
		err := s.opened(f, func(file *os.File) error {
			info, err := file.Stat()
			if err != nil {
				return err
			}
			if info.Size() != f.size {
				s.progress.expect(info.Size() - f.size)
				f.size = info.Size()
			}
			f.sum, err = s.sums.of(ctx, f.local, file, info)
			return err
		})
		if err != nil {
			f.sum = ""
			return s.fail(f.local, err)
		}
		return nil
	})
}

func (s *sender) opened(f *brought, do func(*os.File) error) error {
	file, err := s.open(f)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	return do(file)
}

// bring sends what the server does not have, and completes it. What does not
// arrive whole is registered anew, which signs it again.
func (s *sender) bring(ctx context.Context, r registered) error {
	for round := 1; len(r.files) > 0; round++ {
		left, why, err := s.round(ctx, r)
		if err != nil {
			return err
		}
		if round == rounds {
			for i, f := range left {
				if err := s.fail(f.local, why[i]); err != nil {
					return err
				}
			}
			return nil
		}
		if len(left) == 0 {
			return nil
		}
		if r, err = s.tell(ctx, left); err != nil {
			return err
		}
	}
	return nil
}

// round returns the files that have to be registered once more, and why.
func (s *sender) round(ctx context.Context, r registered) (left []*brought, why []error, err error) {
	sent := make([]error, len(r.files))
	err = s.each(ctx, r.files, func(ctx context.Context, i int, f *brought) error {
		item := &r.items[i]
		if item.Upload == nil { // it is there
			s.shows(f)(f.size, f.size)
			return s.note(event{Action: kept, Path: f.local, To: f.target(item)})
		}
		sent[i] = s.opened(f, func(file *os.File) error {
			how := client.Transfer{Parallel: s.parts, Progress: s.shows(f)}
			return s.client.SendUpload(ctx, item.Asset.ID, item.Upload, file, f.size, how)
		})
		// A store that is away for a moment is asked again in the next round.
		if sent[i] != nil && !lost(sent[i]) && s.hopeless(sent[i]) {
			return sent[i]
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return s.completed(ctx, r, sent)
}

// shows is how a file tells its progress, in each round anew.
func (s *sender) shows(f *brought) func(arrived, total int64) {
	return func(arrived, _ int64) {
		s.progress.add(arrived - f.had)
		f.had = arrived
	}
}

// completed completes what was sent.
func (s *sender) completed(ctx context.Context, r registered, sent []error) (left []*brought, why []error, err error) {
	var all []client.EndedInput
	var at []int
	for i := range r.files {
		switch {
		case sent[i] != nil:
			left, why = append(left, r.files[i]), append(why, sent[i])
		case r.items[i].Upload != nil:
			all = append(all, client.EndedInput{AssetID: r.items[i].Asset.ID, UploadID: r.items[i].Upload.UploadID})
			at = append(at, i)
		}
	}
	var ended []client.Ended
	for some := range slices.Chunk(all, endFiles) {
		answer, err := again(ctx, func() (*client.EndedOutput, error) { return s.end(ctx, some) })
		if err != nil {
			return nil, nil, err
		}
		ended = append(ended, answer.Items...)
	}
	if len(ended) != len(at) {
		return nil, nil, fmt.Errorf("the server answers %d uploads by %d", len(at), len(ended))
	}
	for n, done := range ended {
		f := r.files[at[n]]
		if !done.Ready {
			left, why = append(left, f), append(why, problemOf(done.Error))
			continue
		}
		if err := s.note(event{Action: acted, Path: f.local, To: f.target(&r.items[at[n]]), Bytes: f.size}); err != nil {
			return nil, nil, err
		}
	}
	return left, why, nil
}

// problemOf is what came of one of many, as if it had been asked for by itself.
func problemOf(e *client.BulkError) error {
	return &client.Error{Status: int(e.Status), Code: e.Code, Detail: e.Detail, Members: e.Details}
}
