package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const password = "correct horse battery staple"

// world is a server and everybody who works with it.
type world struct {
	t       testing.TB
	server  *server
	actors  []actor
	filers  []*filer // among the actors
	people  []*person
	gone    bool // what is in the trash may have gone for good by itself
	round   int
	serial  atomic.Int64
	written atomic.Int64 // answers of success to what changes something
	lost    atomic.Int64 // requests without one

	mu     sync.Mutex
	errors []string
}

// actor works until ctx ends, writes down what was answered, and checks it.
type actor interface {
	// work is one round. It begins anew with whatever it needs of the round.
	work(ctx context.Context)
	// check compares what the server has with the ledger of all rounds since the
	// last check, or with all there is, and closes it: all that was unknown is known.
	check(ctx context.Context, everything bool)
}

func (w *world) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}

// report fails the test with what went wrong since the last time.
func (w *world) report(when string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	const most = 10
	for _, text := range w.errors[:min(len(w.errors), most)] {
		w.t.Errorf("%s: %s", when, text)
	}
	if more := len(w.errors) - most; more > 0 {
		w.t.Errorf("%s: and %d more", when, more)
	}
	w.errors = nil
}

// newWorld brings people to a server that runs.
func newWorld(t testing.TB, s *server) *world {
	t.Helper()
	w := &world{t: t, server: s}
	ctx := context.Background()
	for i := range 3 {
		f := &filer{person: w.signUp(ctx), large: i == 0}
		w.filers = append(w.filers, f)
		w.actors = append(w.actors, f)
	}
	w.actors = append(w.actors, &newcomers{w: w}, newHost(ctx, w.signUp(ctx)), newMerchant(ctx, w), newPublisher(ctx, w.signUp(ctx)))
	w.report("at the beginning")
	if t.Failed() {
		t.FailNow()
	}
	return w
}

// during lets everybody work while the fault happens; the time after it is theirs too.
func (w *world) during(fault func()) {
	w.round++
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, a := range w.actors {
		wg.Go(func() { a.work(ctx) })
	}
	fault()
	cancel()
	wg.Wait()
}

// check holds the server, which runs, to what it has answered.
func (w *world) check(when string, everything bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for _, a := range w.actors {
		wg.Go(func() { a.check(ctx, everything) })
	}
	wg.Wait()
	w.report(when)
	w.server.logIsClean()
	w.server.fsck(20 * time.Second)
	if w.round%20 == 0 {
		w.t.Logf("round %d: %d acknowledged writes, %d without an answer", w.round, w.written.Load(), w.lost.Load())
	}
	if w.t.Failed() {
		w.t.Logf("%s, round %d\n%s", when, w.round, w.server.tail())
		w.t.FailNow()
	}
}

func (w *world) name() string { return fmt.Sprintf("%d-%d", w.round, w.serial.Add(1)) }

// person is somebody with a drive.
type person struct {
	*caller

	email, org, drive, account string
}

func (w *world) signUp(ctx context.Context) *person {
	email := fmt.Sprintf("p%d@example.com", w.serial.Add(1))
	c := &caller{w: w}
	a := c.ask(ctx, "POST", "/api/auth/signup", object{"email": email, "password": password, "name": "P"})
	if !a.done() {
		w.wrong("%v", a)
	}
	c.token = a.text("access_token")
	p := &person{c, email, a.text("org.id"), a.text("drive.id"), a.text("account.id")}
	w.people = append(w.people, p)
	return p
}

// logIn makes a new session: the old one may have ended by the clock.
func (p *person) logIn(ctx context.Context) *answer {
	a := (&caller{w: p.w}).ask(ctx, "POST", "/api/auth/login", object{"email": p.email, "password": password})
	if a.done() {
		p.token = a.text("access_token")
	}
	return a
}

// change asks for something to be changed. What it was refused for is the server's
// affair, unless it should not have been.
func (p *person) change(ctx context.Context, method, path string, body any) *answer {
	a := p.ask(ctx, method, path, body)
	switch {
	case a.unknown():
		p.w.lost.Add(1)
		time.Sleep(time.Duration(5+rand.IntN(20)) * time.Millisecond) // it may be down for a while
	case a.done():
		p.w.written.Add(1)
	}
	return a
}

// must is a question after the fault, which has to be answered.
func (p *person) must(ctx context.Context, method, path string, body any) *answer {
	a := p.ask(ctx, method, path, body)
	if a.status == 401 {
		if in := p.logIn(ctx); !in.done() {
			p.w.wrong("%s cannot sign in: %v", p.email, in)
		}
		a = p.ask(ctx, method, path, body)
	}
	if !a.done() {
		p.w.wrong("after the fault: %v", a)
	}
	return a
}

// newcomers sign up, one after the other.
type newcomers struct {
	w     *world
	fresh []newcomer
}

type newcomer struct {
	email   string
	certain bool
}

func (n *newcomers) work(ctx context.Context) {
	for ctx.Err() == nil && len(n.fresh) < 40 {
		email := fmt.Sprintf("n%d@example.com", n.w.serial.Add(1))
		p := &person{caller: &caller{w: n.w}}
		a := p.change(context.WithoutCancel(ctx), "POST", "/api/auth/signup", object{"email": email, "password": password, "name": "N"})
		if a.done() || a.unknown() {
			n.fresh = append(n.fresh, newcomer{email, a.done()})
		} else {
			n.w.wrong("%v", a)
		}
	}
}

func (n *newcomers) check(ctx context.Context, _ bool) {
	rand.Shuffle(len(n.fresh), func(i, j int) { n.fresh[i], n.fresh[j] = n.fresh[j], n.fresh[i] })
	for _, c := range n.fresh[:min(len(n.fresh), 6)] { // passwords take their time
		p := &person{caller: &caller{w: n.w}, email: c.email}
		a := p.logIn(ctx)
		if a.done() {
			continue
		}
		if c.certain {
			n.w.wrong("%s had signed up: %v", c.email, a)
		} else if again := p.ask(ctx, "POST", "/api/auth/signup", object{"email": c.email, "password": password, "name": "N"}); !again.done() {
			n.w.wrong("%s neither is nor can sign up: %v", c.email, again)
		}
	}
	n.fresh = nil
}
