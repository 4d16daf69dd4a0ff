package event

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// FollowInput says what somebody wants to hear of.
type FollowInput struct {
	OrgID core.OrgID
	Types []string     // as a webhook filters; none: all
	After core.EventID // the last one they have; zero: from now on
}

// Stream is one who follows the events of an org. It holds a place in the log,
// and a page of it at most.
type Stream struct {
	service *Service
	feed    *feed
	actor   core.Actor
	org     core.OrgID
	types   []string
	seq     int64
	place   place
	ends    time.Time
}

// place is the id of the event with a number.
type place struct {
	seq int64
	id  core.EventID
}

// Follow begins a stream, which must be closed. It returns core.ErrEventExpired
// if After is not kept, and core.ErrTooManyStreams.
func (s *Service) Follow(ctx context.Context, a core.Actor, in FollowInput) (*Stream, error) {
	if _, err := s.standing(ctx, a, in.OrgID); err != nil {
		return nil, err
	}
	types, err := core.CleanEventFilter("query.types", in.Types)
	if err != nil {
		return nil, err
	}
	seq, head, err := s.start(ctx, in.OrgID, in.After)
	if err != nil {
		return nil, err
	}
	f, err := s.join(a.UserID, in.OrgID) //nolint:contextcheck // the feed outlives whoever is first
	if err != nil {
		return nil, err
	}
	f.advance(head)
	ends := s.Clock.Now().Add(lifeOfStream)
	if !a.Until.IsZero() && a.Until.Before(ends) {
		ends = a.Until
	}
	return &Stream{service: s, feed: f, actor: a, org: in.OrgID, types: types, seq: seq, ends: ends}, nil
}

// standing returns what the actor is in an org whose events they may follow.
func (s *Service) standing(ctx context.Context, a core.Actor, org core.OrgID) (core.OrgFacts, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	f, err := s.Access.ForOrg(ctx, a, org)
	if err != nil {
		return f, err
	}
	return f, core.CanInOrg(f, core.ViewOrg)
}

// Close ends the stream.
func (t *Stream) Close() { t.service.leave(t.actor.UserID, t.org) }

// Place returns the last event that the stream has passed, heard or not: where
// another may go on. It is zero if that is not kept.
func (t *Stream) Place(ctx context.Context) (core.EventID, error) {
	if t.place.seq == t.seq {
		return t.place.id, nil
	}
	at := place{seq: t.seq}
	err := t.service.view(ctx, func(ctx context.Context, tx ports.Tx) (err error) {
		at.id, err = tx.Streams.At(ctx, t.org, t.seq)
		return err
	})
	if err != nil && !errors.Is(err, core.ErrNotFound) {
		return core.EventID{}, err
	}
	t.place = at
	return at.id, nil
}

// Next returns events that the actor may hear of now, in order, once there are
// any; after wait, none. What the actor is in the org is looked at each time, so
// the error of somebody who was removed is core.ErrNotFound. At its end, which
// is that of the service, of the actor's token or of an hour, it returns io.EOF.
func (t *Stream) Next(ctx context.Context, wait time.Duration) ([]*core.Event, error) {
	wake, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		if err := t.over(ctx); err != nil {
			return nil, err
		}
		head, changed := t.feed.state()
		switch {
		case wake.Err() != nil: // also while it catches up with what it does not hear of
			_, err := t.service.standing(ctx, t.actor, t.org)
			return nil, err
		case head > t.seq:
			heard, err := t.page(ctx, head)
			if err != nil || len(heard) > 0 {
				return heard, err
			}
		default:
			select {
			case <-wake.Done():
			case <-t.service.open.Done():
			case <-changed:
			}
		}
	}
}

// over returns why the stream has ended, if it has.
func (t *Stream) over(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if t.service.open.Err() != nil || !t.service.Clock.Now().Before(t.ends) {
		return io.EOF
	}
	return nil
}

// page reads on, up to head, and returns what the actor may hear of.
func (t *Stream) page(ctx context.Context, head int64) ([]*core.Event, error) {
	f, err := t.service.standing(ctx, t.actor, t.org)
	if err != nil {
		return nil, err
	}
	var events []*core.Event
	var seq int64
	err = t.service.view(ctx, func(ctx context.Context, tx ports.Tx) (err error) {
		events, seq, err = tx.Streams.After(ctx, ports.StreamQuery{OrgID: t.org, After: t.seq, Last: head, Types: t.types, Limit: pageSize})
		return err
	})
	if err != nil {
		return nil, expired(err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reads := make(map[core.DriveID]bool)
	var heard []*core.Event
	for _, e := range events {
		ok, err := t.hears(ctx, f, e, reads)
		if err != nil {
			return nil, err
		}
		if ok {
			heard = append(heard, e)
		}
	}
	t.seq = seq
	return heard, nil
}

// hears reports whether the actor may hear of an event. reads is what is known
// of drives so far.
func (t *Stream) hears(ctx context.Context, f core.OrgFacts, e *core.Event, reads map[core.DriveID]bool) (bool, error) {
	if core.HearsAll(f) {
		return true, nil
	}
	drive, ok := e.InDrive()
	if !ok {
		return false, nil
	}
	if may, known := reads[drive]; known {
		return may, nil
	}
	standing, err := t.service.Access.ForDrive(ctx, t.actor, drive)
	if err == nil {
		err = core.CanInDrive(standing, core.DriveViewer)
	}
	may := err == nil && standing.OrgID == t.org
	if core.KindOf(err) == core.KindNotFound || core.KindOf(err) == core.KindForbidden {
		err = nil // gone, or not for them
	}
	reads[drive] = may
	return may, err
}
