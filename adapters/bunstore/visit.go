package bunstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

const (
	maxVisitors   = 1_000 // in one lane; who comes then waits outside
	maxGroup      = 256   // visits of one group
	visitPatience = 10 * time.Second
)

// visits lets visits that come at once share a unit of work: whoever comes
// first leads, and does what is waiting by then together with their own. Those
// who lead wait for nobody but the database, and nobody works for them when
// they are gone: there is no goroutine of its own.
type visits struct {
	mu    sync.Mutex
	lanes map[laneKey]*lane
}

// laneKey names a lane: one that links share, or a link's own.
type laneKey struct {
	shared byte
	link   core.ShareLinkID // zero: shared
}

// lane is a queue of visits. Groups of one lane follow one another.
type lane struct {
	users   int           // who hold it
	room    chan struct{} // one for each who is inside
	led     bool
	waiting []*visit // for a group, in the order in which they came
}

// visit is an access on its way into the log.
type visit struct {
	*core.ShareAccess
	rank    int64     // among those of its link and kind in the group, from 1; 0: it does not count
	turn    chan bool // true: lead the next group; false: there is an answer
	granted bool
	before  int64
	err     error
}

// Visit implements ports.Visits.
func (s *Store) Visit(ctx context.Context, a *core.ShareAccess) (bool, int64, error) {
	own := *a // the group may outlive the call
	v := &visit{ShareAccess: &own, turn: make(chan bool, 1)}
	err := s.visits.run(ctx, laneKey{shared: a.LinkID[15] % s.dialect.visitLanes}, v, s.visitShared)
	if err == nil && errors.Is(v.err, errPassedOver) {
		v.turn = make(chan bool, 1)
		err = s.visits.run(ctx, laneKey{link: a.LinkID}, v, s.visitAlone)
	}
	if err != nil {
		return false, 0, translate("visit", err)
	}
	faultpoint.Hit(faultpoint.AfterVisit)
	return v.granted, v.before, translate("visit", v.err)
}

// errPassedOver reports a visit of a link that is not there, or that somebody
// else has locked.
var errPassedOver = errors.New("passed over")

func (s *Store) visitShared(ctx context.Context, group []*visit) { s.visitAll(ctx, true, group) }

func (s *Store) visitAlone(ctx context.Context, group []*visit) { s.visitAll(ctx, false, group) }

// run makes the visit part of a group in a lane. It returns an error only if
// ctx ends before there is an answer: the visit may or may not count then.
func (g *visits) run(ctx context.Context, key laneKey, v *visit, do func(context.Context, []*visit)) error {
	l := g.enter(key)
	defer g.leave(key, l)
	select {
	case l.room <- struct{}{}:
		defer func() { <-l.room }()
	case <-ctx.Done():
		return ctx.Err()
	}
	lead, err := g.join(ctx, l, v)
	if lead {
		g.lead(ctx, l, do)
	}
	return err
}

func (g *visits) enter(key laneKey) *lane {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lanes[key]
	if l == nil {
		if g.lanes == nil {
			g.lanes = make(map[laneKey]*lane)
		}
		l = &lane{room: make(chan struct{}, maxVisitors)}
		g.lanes[key] = l
	}
	l.users++
	return l
}

func (g *visits) leave(key laneKey, l *lane) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(g.lanes, key)
	}
}

// join waits until the visit has an answer or has to lead.
func (g *visits) join(ctx context.Context, l *lane, v *visit) (lead bool, err error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	g.mu.Lock()
	l.waiting = append(l.waiting, v)
	lead, l.led = !l.led, true
	g.mu.Unlock()
	if lead {
		return true, nil
	}
	select {
	case lead = <-v.turn:
		return lead, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(l.waiting, v); i >= 0 { // of no group yet
		l.waiting = slices.Delete(l.waiting, i, i+1)
		select {
		case <-v.turn: // to lead
			l.next()
		default:
		}
		return false, ctx.Err()
	}
	select {
	case <-v.turn: // only just
		return false, nil
	default:
		return false, ctx.Err()
	}
}

// lead does a group, of which the leader is the first, though their own context
// ends meanwhile or they panic.
func (g *visits) lead(ctx context.Context, l *lane, do func(context.Context, []*visit)) {
	g.mu.Lock()
	n := min(len(l.waiting), maxGroup)
	group := l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	g.mu.Unlock()
	for _, v := range group {
		v.err = core.ErrUnavailable
	}
	defer func() {
		g.mu.Lock()
		l.next()
		g.mu.Unlock()
		for _, v := range group[1:] {
			v.turn <- false
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), visitPatience)
	defer cancel()
	do(ctx, group)
}

// next lets the first who waits lead. The lane's visits are locked.
func (l *lane) next() {
	if l.led = len(l.waiting) > 0; l.led {
		l.waiting[0].turn <- true
	}
}

// visitAll stores a group and answers all in it. One that the database refuses
// does not take the others with it.
func (s *Store) visitAll(ctx context.Context, shared bool, group []*visit) {
	err := s.visitGroup(ctx, shared, group)
	if err == nil {
		return
	}
	if len(group) > 1 && rejected(err) {
		for i := range group {
			s.visitAll(ctx, shared, group[i:i+1])
		}
		return
	}
	for _, v := range group {
		v.err = err
	}
}

func (s *Store) visitGroup(ctx context.Context, shared bool, group []*visit) error {
	counts := countVisits(group)
	if err := s.dialect.visit(ctx, s, shared, counts, group); err != nil {
		return err
	}
	for _, v := range group {
		c := counts[v.LinkID]
		switch {
		case c.found:
			v.answer(c)
		case shared:
			v.err = errPassedOver
		default:
			v.err = fmt.Errorf("link %s: %w", v.LinkID, core.ErrNotFound)
		}
	}
	return nil
}

// The kinds of access that have a count, and mostly a limit.
const (
	countViews = iota
	countDownloads
	countUploads
	counted
)

// visitCount is what a group does with a link.
type visitCount struct {
	link   core.ShareLinkID
	wanted [counted]int64 // visits that count, of each kind
	at     stamp          // of the last of them
	found  bool
	before [counted]int64
	most   [counted]limit
}

// countOf returns which count an access is for, or false.
func countOf(a *core.ShareAccess) (int, bool) {
	if a.Refused != "" {
		return 0, false
	}
	switch a.Kind {
	case core.AccessView:
		return countViews, true
	case core.AccessDownload:
		return countDownloads, true
	case core.AccessUpload:
		return countUploads, true
	case core.AccessPassword:
	}
	return 0, false
}

// countVisits adds up a group, link by link, and ranks its visits.
func countVisits(group []*visit) map[core.ShareLinkID]*visitCount {
	counts := make(map[core.ShareLinkID]*visitCount, 1)
	for _, v := range group {
		c := counts[v.LinkID]
		if c == nil {
			c = &visitCount{link: v.LinkID}
			counts[v.LinkID] = c
		}
		v.rank = 0
		if kind, ok := countOf(v.ShareAccess); ok {
			c.wanted[kind]++
			v.rank = c.wanted[kind]
			if v.At.After(c.at.Time) {
				c.at.Time = v.At
			}
		}
	}
	return counts
}

// granted is how many of those who wish it have their access of a kind.
func (c *visitCount) granted(kind int) int64 {
	most := int64(c.most[kind])
	if most == core.Unlimited {
		return c.wanted[kind]
	}
	return min(c.wanted[kind], max(0, most-c.before[kind]))
}

// answer tells a visit what has become of it.
func (v *visit) answer(c *visitCount) {
	kind, counts := countOf(v.ShareAccess)
	v.err = nil
	if !counts {
		v.granted = v.Refused == ""
		return
	}
	granted := c.granted(kind)
	v.granted, v.before = v.rank <= granted, c.before[kind]+min(v.rank-1, granted)
}
