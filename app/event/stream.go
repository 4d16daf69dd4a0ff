package event

import (
	"context"
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
	ends    time.Time
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
	f, err := s.join(ctx, a.UserID, in.OrgID)
	if err != nil {
		return nil, err
	}
	f.advance(head)
	return &Stream{service: s, feed: f, actor: a, org: in.OrgID, types: types, seq: seq, ends: s.Clock.Now().Add(lifeOfStream)}, nil
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

// Next returns events that the actor may hear of now, in order, once there are
// any; after wait, none. What the actor is in the org is looked at each time, so
// the error of somebody who was removed is core.ErrNotFound. At its end, which
// is that of the service or of an hour, it returns io.EOF.
func (t *Stream) Next(ctx context.Context, wait time.Duration) ([]*core.Event, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		if !t.service.Clock.Now().Before(t.ends) {
			return nil, io.EOF
		}
		head, changed := t.feed.state()
		if head > t.seq {
			heard, err := t.page(ctx)
			if err != nil || len(heard) > 0 {
				return heard, err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-t.service.closed:
			return nil, io.EOF
		case <-changed:
		case <-timer.C:
			_, err := t.service.standing(ctx, t.actor, t.org)
			return nil, err
		}
	}
}

// page reads on, and returns what the actor may hear of.
func (t *Stream) page(ctx context.Context) ([]*core.Event, error) {
	f, err := t.service.standing(ctx, t.actor, t.org)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var events []*core.Event
	seq := t.seq
	err = t.service.Store.View(ctx, func(tx ports.Tx) (err error) {
		events, seq, err = tx.Streams.After(ctx, t.org, seq, pageSize)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(events) == 0 { // pruned since
		return nil, core.ErrEventExpired
	}
	reads := make(map[core.DriveID]bool)
	var heard []*core.Event
	for _, e := range events {
		if !e.Matches(t.types) {
			continue
		}
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
