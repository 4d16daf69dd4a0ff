package faults

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// proxy stands between a server and what it needs, and misbehaves when it is told to.
type proxy struct {
	target string
	l      net.Listener

	mu     sync.Mutex
	down   bool          // refuses who comes
	stall  bool          // takes and gives nothing
	delay  time.Duration // of each piece
	change *sync.Cond    // of the above
	conns  map[*net.TCPConn]bool
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: target, l: l, conns: map[*net.TCPConn]bool{}}
	p.change = sync.NewCond(&p.mu)
	go p.serve()
	t.Cleanup(func() {
		_ = l.Close()
		p.heal()
		p.cut()
	})
	return p
}

func (p *proxy) serve() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		if in, ok := c.(*net.TCPConn); ok {
			go p.carry(in)
		}
	}
}

func (p *proxy) carry(in *net.TCPConn) {
	if !p.add(in) {
		return
	}
	c, err := net.Dial("tcp", p.target)
	out, ok := c.(*net.TCPConn)
	if err != nil || !ok || !p.add(out) {
		p.reset(in)
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { p.pump(in, out) })
	wg.Go(func() { p.pump(out, in) })
	wg.Wait()
	p.reset(in)
	p.reset(out)
}

// add keeps the connection, or resets it if the proxy is down.
func (p *proxy) add(c *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		_ = c.SetLinger(0)
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) reset(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

func (p *proxy) pump(to, from *net.TCPConn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		for p.stall {
			p.change.Wait()
		}
		delay := p.delay
		p.mu.Unlock()
		time.Sleep(delay)
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			if err == io.EOF { //nolint:errorlint // Read returns it as it is
				_ = to.CloseWrite()
				return
			}
			_ = to.SetLinger(0)
			_ = to.Close()
			_ = from.Close()
			return
		}
	}
}

// cut resets every connection in the middle of whatever it carries.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
	clear(p.conns)
}

func (p *proxy) set(down, stall bool, delay time.Duration) {
	p.mu.Lock()
	p.down, p.stall, p.delay = down, stall, delay
	p.mu.Unlock()
	p.change.Broadcast()
}

func (p *proxy) heal() { p.set(false, false, 0) }

// interruptions are what happens to connections; the long ones take their time.
var interruptions = []struct {
	name  string
	long  bool
	begin func(*world, *proxy)
}{
	{"resets", false, func(w *world, p *proxy) {
		for range 3 {
			w.someWork(30)
			p.cut()
		}
	}},
	{"a delay", true, func(w *world, p *proxy) {
		w.someWork(10)
		p.set(false, false, 40*time.Millisecond)
		w.someWork(30)
	}},
	{"silence", true, func(w *world, p *proxy) {
		w.someWork(20)
		p.set(false, true, 0)
		time.Sleep(time.Second)
	}},
	{"an outage", false, func(w *world, p *proxy) {
		w.someWork(20)
		p.set(true, false, 0)
		p.cut()
		time.Sleep(time.Second)
	}},
}

func TestAServerOutlivesItsConnections(t *testing.T) {
	t.Parallel()
	env := postgresS3.setup(t)
	database, err := url.Parse(env["COFFER_DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := url.Parse(env["S3_ENDPOINT"])
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]*proxy{"the database": newProxy(t, database.Host), "the bucket": newProxy(t, bucket.Host)}
	database.Host = ways["the database"].l.Addr().String()
	bucket.Host = ways["the bucket"].l.Addr().String()
	env["COFFER_DATABASE_URL"], env["S3_ENDPOINT"] = database.String(), bucket.String()
	s := newServer(t, plain, t.TempDir(), env)
	s.start()
	w := newWorld(t, s)
	times := max(1, *long/20)
	for i := range times * len(interruptions) {
		for name, p := range ways {
			what := interruptions[i%len(interruptions)]
			if *long == 0 && what.long {
				continue
			}
			when := what.name + " of " + name
			w.during(func() {
				what.begin(w, p)
				p.heal()
			})
			w.heals()
			w.check(when, false)
			if *long > 0 {
				w.calm(when)
			}
		}
	}
	w.calm("all of that")
	w.check("at the end", true)
	s.stop()
	t.Logf("%d acknowledged writes, %d without an answer", w.written.Load(), w.lost.Load())
}

// heals waits until the server finds that what it needs is there again. A dead
// connection that was in use a moment ago is found dead by the next request only.
func (w *world) heals() {
	w.t.Helper()
	for end := time.Now().Add(startTimeout); !w.server.ready(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("the server is not ready again\n%s", w.server.tail())
		}
	}
	time.Sleep(1200 * time.Millisecond)
}

// calm is a round without a fault: every request gets its answer.
func (w *world) calm(after string) {
	w.t.Helper()
	lost := w.lost.Load()
	w.during(func() { w.someWork(20) })
	if n := w.lost.Load() - lost; n > 0 {
		w.t.Errorf("after %s, %d requests got no answer", after, n)
	}
	w.check("calm after "+after, false)
}
