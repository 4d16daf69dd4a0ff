// Package event lets people follow what happens in an org while it happens.
package event

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	pollEvery    = time.Second      // so late an event is seen at most, where the database is quick
	patience     = 10 * time.Second // with the database, each time
	numberBatch  = 5_000
	pageSize     = 100 // events in memory for each stream
	lifeOfStream = time.Hour

	mostOfUser = 8 // streams at once, on one server
	mostOfOrg  = 200
	mostOfAll  = 4_000
)

// Deps are the ports the service works on.
type Deps struct {
	Store  ports.Store
	Access ports.Access
	Clock  ports.Clock
}

// Service runs the streams of events. It is safe for concurrent use.
type Service struct {
	Deps

	open  context.Context // ends when the service does, and all streams with it
	close context.CancelFunc

	mu    sync.Mutex
	feeds map[core.OrgID]*feed
	users map[core.UserID]int // streams of each
	all   int                 // streams
}

// NewService returns a Service on the given ports.
func NewService(d Deps) *Service {
	open, end := context.WithCancel(context.Background())
	return &Service{Deps: d, open: open, close: end, feeds: make(map[core.OrgID]*feed), users: make(map[core.UserID]int)}
}

// Close ends all streams, and those that are begun later.
func (s *Service) Close() { s.close() }

// feed looks for new events of an org, once for all who follow it.
type feed struct {
	listeners int // under the service's lock
	stop      context.CancelFunc

	mu      sync.Mutex
	head    int64
	changed chan struct{} // closed once head is another
}

func (f *feed) state() (head int64, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.head, f.changed
}

func (f *feed) advance(head int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if head > f.head {
		f.head = head
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// join returns the feed of an org, which runs until nobody follows it.
func (s *Service) join(user core.UserID, org core.OrgID) (*feed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.feeds[org]
	if s.users[user] >= mostOfUser || f != nil && f.listeners >= mostOfOrg || s.all >= mostOfAll {
		return nil, core.ErrTooManyStreams
	}
	if f == nil {
		// It lives as long as somebody follows, not as long as whoever is first.
		ctx, stop := context.WithCancel(s.open)
		f = &feed{stop: stop, changed: make(chan struct{})}
		s.feeds[org] = f
		go s.poll(ctx, org, f)
	}
	s.users[user]++
	s.all++
	f.listeners++
	return f, nil
}

func (s *Service) leave(user core.UserID, org core.OrgID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.users[user]--; s.users[user] == 0 {
		delete(s.users, user)
	}
	f := s.feeds[org]
	if f.listeners--; f.listeners == 0 {
		f.stop()
		delete(s.feeds, org)
	}
}

// poll looks at the log again and again. What fails is seen by the streams when
// they look at their standing.
func (s *Service) poll(ctx context.Context, org core.OrgID, f *feed) {
	ticks := time.NewTicker(pollEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if head, err := s.number(ctx, org); err == nil {
			f.advance(head)
		}
	}
}

// number gives every event of an org that is there its number, and returns the
// latest. Where there is nothing new it takes one look.
func (s *Service) number(ctx context.Context, org core.OrgID) (head int64, err error) {
	for {
		var more bool
		err := s.view(ctx, func(ctx context.Context, tx ports.Tx) (err error) {
			head, more, err = tx.Streams.Head(ctx, org)
			return err
		})
		if err != nil || !more {
			return head, err
		}
		if err := s.numberSome(ctx, org); err != nil {
			return head, err
		}
	}
}

func (s *Service) numberSome(ctx context.Context, org core.OrgID) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		_, err := tx.Streams.Number(ctx, org, numberBatch)
		return err
	})
}

// view is the store's, for so long as there is patience.
func (s *Service) view(ctx context.Context, fn func(ctx context.Context, tx ports.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.Store.View(ctx, func(tx ports.Tx) error { return fn(ctx, tx) })
}

// start returns the latest number, and the one after which a stream begins: the
// same, or that of an event.
func (s *Service) start(ctx context.Context, org core.OrgID, after core.EventID) (seq, head int64, err error) {
	head, err = s.number(ctx, org)
	if err != nil || after.IsZero() {
		return head, head, err
	}
	err = s.view(ctx, func(ctx context.Context, tx ports.Tx) (err error) {
		seq, err = tx.Streams.Place(ctx, org, after)
		return err
	})
	return seq, head, expired(err)
}

// expired says of what is not there that it is no longer kept.
func expired(err error) error {
	if errors.Is(err, core.ErrNotFound) {
		return core.ErrEventExpired
	}
	return err
}
