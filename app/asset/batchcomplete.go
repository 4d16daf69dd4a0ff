package asset

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// BatchComplete says which upload of which file has ended.
type BatchComplete struct {
	AssetID core.AssetID
	CompleteInput
}

// Completed is what has become of an upload.
type Completed struct {
	Asset *core.Asset
	Err   error // why it has not become a version
}

const (
	batchLanes  = 8   // in which the blob store is asked
	batchFinish = 250 // uploads that become versions in one unit of work, which holds the drive
)

// CompleteMany is Complete of many files, each by itself. Those of the drive that
// came by one PUT become versions together, which takes few units of work.
func (s *Service) CompleteMany(ctx context.Context, a core.Actor, drive core.DriveID, ended []BatchComplete) ([]Completed, error) {
	f, err := s.hot.ForDrive(ctx, a, drive)
	if err != nil {
		return nil, err
	}
	if err := core.CanInDrive(f, core.DriveEditor); err != nil {
		return nil, err
	}
	out := make([]Completed, len(ended))
	for from := 0; from < len(ended); from += batchFinish {
		to := min(from+batchFinish, len(ended))
		// The bytes are there: a client that hangs up now does not undo that.
		if err := s.completeSome(context.WithoutCancel(ctx), authorOf(f, a), f, ended[from:to], out[from:to]); err != nil {
			return nil, err
		}
	}
	return out, inLanes(out, func(i int, c *Completed) error {
		if c.Asset == nil && c.Err == nil {
			c.Asset, c.Err = s.Complete(ctx, a, ended[i].AssetID, ended[i].CompleteInput)
		}
		return nil
	})
}

// completeSome completes what can be completed together, and leaves the rest of
// out as it is: what has parts, what is elsewhere, what somebody else completes or
// has completed.
func (s *Service) completeSome(ctx context.Context, by author, f core.DriveFacts, ended []BatchComplete, out []Completed) error {
	now := s.clock.Now()
	held := now.Add(core.UploadClaim)
	all, ids, err := s.claimed(ctx, f, ended, now, held)
	if err != nil {
		return err
	}
	held, err = s.hold(ctx, held, ids, func(ctx context.Context) error {
		return inLanes(all, func(_ int, l **landed) error {
			if *l != nil {
				(*l).sum, (*l).err = s.examine(ctx, (*l).upload, nil, by)
			}
			return nil
		})
	})
	whole := slices.DeleteFunc(slices.Clone(all), func(l *landed) bool { return l == nil || l.err != nil })
	if err == nil && len(whole) > 0 {
		err = s.finish(ctx, place{f.OrgID, f.DriveID}, held, by, whole...)
	}
	var again []*core.Upload
	for i, l := range all {
		switch {
		case l == nil:
		case err != nil, errors.Is(l.err, core.ErrStale), errors.Is(l.err, core.ErrUploadNotFound), errors.Is(l.err, core.ErrUploadBusy):
			again = append(again, l.upload)
		case l.err != nil:
			again = append(again, l.upload)
			out[i].Err = l.err
		default:
			out[i].Asset = l.asset
		}
	}
	if errors.Is(err, core.ErrStale) || errors.Is(err, core.ErrUploadBusy) { // each by itself, then
		err = nil
	}
	return errors.Join(err, s.unclaim(ctx, held, again...))
}

// claimed claims the uploads that can be completed together, until held. Where
// another upload is, or nothing, there is nil.
func (s *Service) claimed(
	ctx context.Context, f core.DriveFacts, ended []BatchComplete, now, held time.Time,
) (all []*landed, claimed []core.UploadID, err error) {
	ids := make([]core.UploadID, len(ended))
	for i, e := range ended {
		ids[i] = e.UploadID
	}
	var uploads []*core.Upload
	err = s.store.Update(ctx, func(tx ports.Tx) (err error) {
		uploads, err = tx.Uploads.ClaimMany(ctx, f.DriveID, ids, now, held)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	of := make(map[core.UploadID]*core.Upload, len(uploads))
	for _, u := range uploads {
		of[u.ID] = u
	}
	taken := make(map[core.AssetID]bool, len(ended))
	all = make([]*landed, len(ended))
	for i, e := range ended {
		// Of two uploads to one file, the other comes by itself.
		if u := of[e.UploadID]; u != nil && u.AssetID == e.AssetID && !taken[u.AssetID] {
			all[i], taken[u.AssetID] = &landed{upload: u}, true
			claimed = append(claimed, u.ID)
			delete(of, u.ID)
		}
	}
	var others []*core.Upload
	for _, u := range of {
		others = append(others, u)
	}
	return all, claimed, s.unclaim(ctx, held, others...)
}

// inLanes does the same to each of many, some of them at once.
func inLanes[T any](all []T, do func(i int, of *T) error) error {
	var wg sync.WaitGroup
	free, failed := make(chan struct{}, batchLanes), make([]error, len(all))
	for i := range all {
		free <- struct{}{}
		wg.Go(func() {
			failed[i] = do(i, &all[i])
			<-free
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}
