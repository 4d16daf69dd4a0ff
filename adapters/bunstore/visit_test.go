package bunstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// crowded lets visits run through a lane whose groups take a second each.
type crowded struct {
	*testing.T
	visits visits
	mu     sync.Mutex
	groups [][]int // who was in each
	number map[*visit]int
	ended  map[int]error
	fails  func(ctx context.Context)
}

func newCrowded(t *testing.T) *crowded {
	return &crowded{T: t, number: map[*visit]int{}, ended: map[int]error{}, fails: func(context.Context) {}}
}

var errPanic = errors.New("panic")

// comes starts a visit, and waits until it waits.
func (c *crowded) comes(ctx context.Context, i int) {
	v := &visit{ShareAccess: &core.ShareAccess{}, turn: make(chan bool, 1)}
	c.mu.Lock()
	c.number[v] = i
	c.mu.Unlock()
	go func() {
		err := errPanic // until run returns
		defer func() {
			_ = recover()
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ended[i] = err
		}()
		if got := c.visits.run(ctx, laneKey{shared: 1}, v, c.do); got != nil {
			err = got
		} else {
			err = v.err
		}
	}()
	synctest.Wait()
}

func (c *crowded) do(ctx context.Context, group []*visit) {
	var members []int
	c.mu.Lock()
	for _, v := range group {
		members = append(members, c.number[v])
	}
	c.groups = append(c.groups, members)
	c.mu.Unlock()
	time.Sleep(time.Second)
	c.fails(ctx)
	for _, v := range group {
		v.err = ctx.Err()
	}
}

// quiet waits until all is over.
func (c *crowded) quiet() {
	time.Sleep(time.Hour)
	synctest.Wait()
}

// were checks the groups, and that nothing is left behind.
func (c *crowded) were(want ...[]int) {
	c.Helper()
	c.quiet()
	if !slices.EqualFunc(c.groups, want, slices.Equal) {
		c.Errorf("groups %v, want %v", c.groups, want)
	}
	if len(c.visits.lanes) != 0 || len(c.ended) != len(c.number) {
		c.Errorf("%d lanes are left, and %d of %d visits have ended", len(c.visits.lanes), len(c.ended), len(c.number))
	}
}

// ends checks how visits have ended.
func (c *crowded) ends(want error, numbers ...int) {
	c.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range numbers {
		if err := c.ended[i]; !errors.Is(err, want) {
			c.Errorf("visit %d: %v, want %v", i, err, want)
		}
	}
}

func TestVisitsAreGrouped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t)
		for i := range 4 {
			c.comes(t.Context(), i)
		}
		time.Sleep(1500 * time.Millisecond) // into the second group
		c.comes(t.Context(), 4)
		c.were([]int{0}, []int{1, 2, 3}, []int{4})
		c.ends(nil, 0, 1, 2, 3, 4)
	})
}

func TestVisitorsLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t)
		ctx, leave := context.WithCancel(t.Context())
		c.comes(ctx, 0) // leads, and goes on
		for i, ctx := range []context.Context{ctx, t.Context(), ctx, t.Context()} {
			c.comes(ctx, i+1)
		}
		leave()
		synctest.Wait()
		c.ends(context.Canceled, 1, 3)
		c.comes(ctx, 5)
		c.ends(context.Canceled, 5)
		c.were([]int{0}, []int{2, 4})
		c.ends(nil, 0, 2, 4)
	})
}

// TestALeaderLeaves: who is to lead may leave in the same moment, and who is in
// a group already.
func TestALeaderLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t)
		together, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		inGroup, leave := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer leave()
		for i, ctx := range []context.Context{t.Context(), together, together, t.Context(), inGroup, t.Context()} {
			c.comes(ctx, i)
		}
		c.quiet()
		if len(c.groups) < 2 || !slices.Contains(c.groups[1], 3) {
			t.Errorf("groups %v", c.groups)
		}
		c.ends(context.DeadlineExceeded, 4)
		c.ends(nil, 0, 3, 5)
		if len(c.visits.lanes) != 0 || len(c.ended) != 6 {
			t.Errorf("%d lanes are left, %d visits have ended", len(c.visits.lanes), len(c.ended))
		}
	})
}

func TestAGroupPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t)
		c.fails = func(context.Context) {
			if len(c.groups) == 2 {
				panic("boom")
			}
		}
		for i := range 4 {
			c.comes(t.Context(), i)
		}
		time.Sleep(1500 * time.Millisecond)
		c.comes(t.Context(), 4)
		c.were([]int{0}, []int{1, 2, 3}, []int{4})
		c.ends(nil, 0, 4)
		c.ends(core.ErrUnavailable, 2, 3)
		c.ends(errPanic, 1)
	})
}

// TestADatabaseThatHangs: a group gives up in the end, whoever leads it.
func TestADatabaseThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t)
		c.fails = func(ctx context.Context) { <-ctx.Done() }
		c.comes(t.Context(), 0)
		c.were([]int{0})
		c.ends(context.DeadlineExceeded, 0)
	})
}

// TestAFullLane: groups are bounded, and who finds the lane full waits outside.
func TestAFullLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowded(t)
		leaving, leave := context.WithCancel(t.Context())
		for i := range maxVisitors + 5 {
			ctx := t.Context()
			if i == maxVisitors+1 {
				ctx = leaving
			}
			c.comes(ctx, i)
		}
		leave()
		synctest.Wait()
		c.ends(context.Canceled, maxVisitors+1)
		c.visits.mu.Lock()
		for _, l := range c.visits.lanes {
			if len(l.waiting) != maxVisitors-1 {
				t.Errorf("%d wait inside", len(l.waiting))
			}
		}
		c.visits.mu.Unlock()
		c.quiet()
		total := 0
		for _, g := range c.groups {
			total += len(g)
			if len(g) > maxGroup {
				t.Errorf("a group of %d", len(g))
			}
		}
		if total != maxVisitors+4 || len(c.visits.lanes) != 0 {
			t.Errorf("%d were in groups, %d lanes are left", total, len(c.visits.lanes))
		}
	})
}
