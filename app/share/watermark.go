package share

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// markLook is a part of what a recipient's fingerprint is made of. A release
// that makes marks look otherwise changes it, and so does not hand out copies
// of the one before.
const markLook = "share-watermark 1"

// mark is what a visitor's copies say, and what they are found by.
type mark struct {
	text      string
	recipient []byte
}

// markOf returns the mark of a visitor: the address of whoever has signed in,
// else that of their machine, and the hour of at.
func (s *Service) markOf(ctx context.Context, a *arrival, at time.Time) (mark, error) {
	viewer, err := s.viewer(ctx, a.visit)
	if err != nil {
		return mark{}, err
	}
	text := core.WatermarkText(viewer, at)
	return mark{text, s.secrets.Fingerprint([]byte(markLook), a.facts.Link.ID[:], []byte(text))}, nil
}

// viewer is who looks, as a mark says it. A credential that does not stand any
// more makes nobody anybody.
func (s *Service) viewer(ctx context.Context, v Visit) (string, error) {
	if v.Actor.Kind != core.ActorAccount {
		return v.From.Address, nil
	}
	c, err := s.hot.ForUser(ctx, v.Actor)
	if err == nil {
		err = c.Check()
	}
	if core.KindOf(err) == core.KindUnauthenticated || core.KindOf(err) == core.KindForbidden {
		return v.From.Address, nil
	}
	if err != nil {
		return "", err
	}
	var u *core.User
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		u, err = tx.Users.Get(ctx, v.Actor.UserID)
		return err
	})
	if err != nil {
		return "", err
	}
	return u.Email, nil
}

// handed returns what is handed out of a file: the file itself, or the copy
// that carries the visitor's mark. All bytes of a link go through here. What
// cannot carry a mark is refused by core.ErrCannotWatermark; core.ErrWatermarkBusy
// says that the copy is not ready in time. A link that was changed while its
// copy was made is judged anew, with all that at is.
func (s *Service) handed(
	ctx context.Context, at *arrival, kind core.AccessKind, name string, v core.Version, since time.Time,
) (*arrival, string, core.Version, error) {
	if !at.facts.Link.Watermark {
		return at, name, v, nil
	}
	m, err := s.markOf(ctx, at, since)
	if err != nil {
		return at, "", core.Version{}, err
	}
	c, made, err := s.copyFor(ctx, v, m)
	if err != nil {
		return at, "", core.Version{}, s.refuse(ctx, at, kind, v.AssetID, err)
	}
	if made { // which takes time
		later, err := s.open(ctx, at.visit, kind, v.AssetID)
		if err != nil {
			return at, "", core.Version{}, err
		}
		at = later
	}
	name, v = c.Of(name, v)
	return at, name, v, nil
}

// copyFor returns the copy of a version with a mark, and whether that had to be
// made or waited for.
func (s *Service) copyFor(ctx context.Context, v core.Version, m mark) (*core.MarkedCopy, bool, error) {
	c, err := s.kept(ctx, v, m)
	if !errors.Is(err, core.ErrNotFound) {
		return c, false, err
	}
	wait, cancel := context.WithTimeout(ctx, s.opts.WatermarkWait)
	defer cancel()
	done := s.flights.join(v.BlobKey+" "+string(m.recipient), func() (*core.MarkedCopy, error) {
		// Who hangs up does not take it from the others who wait, nor from
		// themselves when they come again.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.WatermarkTimeout)
		defer cancel()
		c, err := s.kept(ctx, v, m) // the flight before has just landed
		if !errors.Is(err, core.ErrNotFound) {
			return c, err
		}
		return s.makeCopy(ctx, v, m)
	})
	select {
	case <-done.ended:
		return done.made, true, done.err
	case <-wait.Done():
	}
	if err := ctx.Err(); err != nil {
		return nil, true, err
	}
	return nil, true, core.ErrWatermarkBusy
}

func (s *Service) kept(ctx context.Context, v core.Version, m mark) (c *core.MarkedCopy, err error) {
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		c, err = tx.MarkedCopies.Get(ctx, v.OrgID, v.AssetID, v.Number, m.recipient, s.clock.Now())
		return err
	})
	return c, err
}

// makeCopy marks a version and keeps the copy: its bytes first, then its row.
// Bytes without one are swept.
func (s *Service) makeCopy(ctx context.Context, v core.Version, m mark) (*core.MarkedCopy, error) {
	marked, err := s.marker.Mark(ctx, ports.Unmarked{
		Text: m.text, SizeBytes: v.SizeBytes,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return s.blobs.Open(ctx, v.BlobKey, 0, -1) },
	})
	if err != nil {
		return nil, err
	}
	c := &core.MarkedCopy{
		OrgID: v.OrgID, AssetID: v.AssetID, Number: v.Number, Recipient: m.recipient, BlobKey: core.MarkedKey(v.OrgID, v.AssetID, s.ids.NewID()),
		ContentType: marked.ContentType, SizeBytes: marked.SizeBytes,
	}
	_, err = s.blobs.Put(ctx, c.BlobKey, c.ContentType, marked)
	if err = errors.Join(err, marked.Close()); err != nil {
		return nil, err
	}
	// Whoever is led to it at the end of its hour has a URL for a while, and goes
	// on with the download for a day.
	c.CreatedAt = s.clock.Now()
	c.ExpiresAt = c.CreatedAt.Add(time.Hour + ResumeTTL + s.opts.DownloadTTL)
	err = s.store.Update(ctx, func(tx ports.Tx) error { return tx.MarkedCopies.Add(ctx, c) })
	if err == nil {
		return c, nil
	}
	err = errors.Join(err, s.blobs.Delete(ctx, c.BlobKey))
	if errors.Is(err, core.ErrConflict) { // another server was faster
		return s.kept(ctx, v, m)
	}
	return nil, err
}

// copies returns what an archive has in the place of each file; nil if that is
// the file itself. All copies of an archive have the hour in which it began.
func (s *Service) copies(ctx context.Context, at *arrival) (Copy, error) {
	if !at.facts.Link.Watermark {
		return nil, nil //nolint:nilnil // no copies, and no error
	}
	m, err := s.markOf(ctx, at, at.now)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, name string, v core.Version) (string, core.Version, error) {
		c, _, err := s.copyFor(ctx, v, m)
		if err != nil {
			return "", core.Version{}, err
		}
		name, v = c.Of(name, v)
		return name, v, nil
	}, nil
}

// Copy returns what is handed out of a file, and under which name.
type Copy = func(ctx context.Context, name string, v core.Version) (string, core.Version, error)

// forget removes copies that have expired.
func (s *Service) forget(ctx context.Context) error {
	for ctx.Err() == nil {
		var keys []string
		err := s.store.Update(ctx, func(tx ports.Tx) (err error) {
			if keys, err = tx.MarkedCopies.RemoveExpired(ctx, s.clock.Now(), housekeepBatch); err != nil {
				return err
			}
			return app.EnqueueRemoval(ctx, tx, ports.Remains{BlobKeys: keys})
		})
		if err != nil || len(keys) < housekeepBatch {
			return err
		}
	}
	return ctx.Err()
}

// flights are copies in the making: whoever wants one that somebody else wants
// waits for that one.
type flights struct {
	mu  sync.Mutex
	all map[string]*flight
}

// flight is one of them. made and err are set once ended is closed.
type flight struct {
	ended chan struct{}
	made  *core.MarkedCopy
	err   error
}

// join begins fn, unless it is under way under that name.
func (f *flights) join(name string, fn func() (*core.MarkedCopy, error)) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.all[name]; ok {
		return one
	}
	one := &flight{ended: make(chan struct{}), err: errLost}
	if f.all == nil {
		f.all = make(map[string]*flight)
	}
	f.all[name] = one
	go func() {
		defer func() {
			if r := recover(); r != nil { // there is no handler above that would
				one.err = fmt.Errorf("a copy could not be made: %v", r)
			}
			f.mu.Lock()
			delete(f.all, name)
			f.mu.Unlock()
			close(one.ended)
		}()
		one.made, one.err = fn()
	}()
	return one
}

var errLost = errors.New("a copy was neither made nor refused")
