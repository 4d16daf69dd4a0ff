package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is what goes on while servers come and go. What was acknowledged is
// kept, to be looked for afterwards.
type load struct {
	t    *testing.T
	stop chan struct{}
	wg   sync.WaitGroup

	mu       sync.Mutex
	acked    map[string][]string // by what was asked for
	unknown  int                 // requests without an answer, which were repeated
	failures []string
}

func newLoad(t *testing.T) *load {
	t.Helper()
	return &load{t: t, stop: make(chan struct{}), acked: map[string][]string{}}
}

// each does something again and again, with a number that is new each time.
func (l *load) each(work func(i int)) {
	l.wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-l.stop:
				return
			default:
				work(i)
			}
		}
	})
}

func (l *load) end() {
	close(l.stop)
	l.wg.Wait()
	for _, f := range l.failures {
		l.t.Error(f)
	}
	l.t.Logf("acknowledged: %v; %d requests had no answer", l.counts(), l.unknown)
}

func (l *load) counts() string {
	out := ""
	for what, all := range l.acked {
		out += fmt.Sprintf("%d %s ", len(all), what)
	}
	return out
}

func (l *load) ack(what, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[what] = append(l.acked[what], id)
}

// insists sends a request until it is answered, as a client does who has a key
// for it or knows that it may be repeated.
func (l *load) insists(u *user, method, path string, body any, headers ...with) *answer {
	const pause = 20 * time.Millisecond
	for end := time.Now().Add(time.Minute); ; time.Sleep(pause) {
		a, err := u.try(method, path, body, headers...)
		if err == nil && a.status != http.StatusBadGateway && a.status != http.StatusServiceUnavailable {
			if a.status >= http.StatusInternalServerError {
				l.fail("%s: %d %s", a.what, a.status, a.body)
			}
			return a
		}
		l.mu.Lock()
		l.unknown++
		l.mu.Unlock()
		if time.Now().After(end) {
			l.fail("%s %s: no answer for a minute", method, path)
			return &answer{t: l.t, what: method + " " + path, body: []byte("{}")}
		}
	}
}

func (l *load) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const most = 20
	if len(l.failures) < most {
		l.failures = append(l.failures, fmt.Sprintf(format, args...))
	}
}

// uploads is a small file from its creation to its end.
func (l *load) uploads(u *user, name string) {
	body := []byte(name)
	a := l.insists(u, "POST", "/api/orgs/"+u.org+"/assets", object{"name": name, "size_bytes": len(body)}, with{"Idempotency-Key": name})
	if a.status != http.StatusCreated {
		l.fail("%s: %d %s", a.what, a.status, a.body)
		return
	}
	if put, err := tryPut(l.t, a.single(), strings.NewReader(name)); err != nil || put.status != http.StatusOK && put.status != http.StatusPreconditionFailed {
		l.fail("PUT: %v %v", put, err)
		return
	}
	id := a.text("asset.id")
	switch a = l.insists(u, "POST", "/api/assets/"+id+"/complete", object{"upload_id": a.text("upload.upload_id")}); a.status {
	case http.StatusOK:
		l.ack("uploads", id)
	case http.StatusLocked: // by a server that died meanwhile: a job ends it later
		l.ack("left", id)
	default:
		l.fail("%s: %d %s", a.what, a.status, a.body)
	}
}

func TestTwoNodesOfWhichOneIsKilledInTurn(t *testing.T) {
	t.Parallel()
	b, nodes := balanced(t, 2, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true", "COFFER_WEBHOOKS_ALLOW_PRIVATE": "true", "COFFER_RATE_LIMIT_PER_MINUTE": "0"})
	for _, s := range nodes {
		s.start()
	}
	ana, ben := b.through(nodes[0].signUp("ana")), b.through(nodes[1].signUp("ben"))
	acme := ana.found(object{"name": "Acme"})
	to := newReceiver(t)
	acme.listens(to, object{"events": []string{"transaction.completed", "asset.uploaded"}})
	file := acme.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
	const most = 60
	shared := acme.shares(file, object{"max_downloads": most})
	stream := acme.at(nodes[0]).follow("?types=asset.uploaded", "")

	acme.upload(object{"name": "first.txt"}, []byte("first"))
	eventually(t, "the stream has a place to go on from", func() bool { return len(stream.all()) > 0 })

	l := newLoad(t)
	for w := range 2 {
		l.each(func(i int) { l.uploads(acme, fmt.Sprintf("file-%d-%d.txt", w, i)) })
	}
	l.each(func(i int) { l.buysOne(acme, ben, file, i) })
	var seen atomic.Int64
	l.each(func(int) {
		if a, err := shared.try("GET", shared.path("/download/"+file), nil, shared.sent()...); err == nil && a.status == http.StatusFound {
			seen.Add(1)
		}
		time.Sleep(10 * time.Millisecond)
	})
	for range 2 {
		for _, s := range nodes {
			time.Sleep(time.Second)
			s.crash()
		}
	}
	time.Sleep(500 * time.Millisecond)
	l.end()

	// Whoever followed the first node goes on at the second.
	stream.ends() // with the server
	_, last := stream.kinds()
	rest := acme.at(nodes[1]).follow("?types=asset.uploaded", last)
	told := map[any]int{}
	eventually(t, "the streams tell of every upload", func() bool {
		clear(told)
		for _, e := range slices.Concat(stream.all(), rest.all()) {
			told[e.data["node_id"]]++
		}
		return !slices.ContainsFunc(l.acked["uploads"], func(id string) bool { return told[id] == 0 })
	})
	for id, n := range told {
		if n != 1 {
			t.Errorf("the streams tell of %s %d times", id, n)
		}
	}

	// Nothing that was acknowledged is lost, and nothing is there twice.
	for i, id := range l.acked["uploads"] {
		acme.at(nodes[i%2]).want(http.StatusOK, "GET", "/api/assets/"+id+"/download", nil) // only what is ready is
	}
	if len(l.acked["uploads"]) == 0 || len(l.acked["sales"]) == 0 {
		t.Error("nothing went on meanwhile")
	}
	for _, id := range l.acked["sales"] {
		nodes[0].exactly(id, 1)
	}
	for _, kind := range []string{"transaction.completed", "asset.uploaded"} {
		want := len(l.acked["uploads"]) + 2 // a.txt and first.txt
		if kind == "transaction.completed" {
			want = len(l.acked["sales"])
		}
		patiently(t, "webhooks are told of every "+kind, func() bool { return len(distinct(to.all(kind))) >= want })
		if n := nodes[0].number("SELECT count(*) FROM events WHERE type = '" + kind + "' AND org_id = '" + acme.org + "'"); len(distinct(to.all(kind))) != n {
			t.Errorf("%d events %s arrive, of %d", len(distinct(to.all(kind))), kind, n)
		}
	}
	for range most + 1 {
		_, _ = shared.try("GET", shared.path("/download/"+file), nil, shared.sent()...) // uses up what is left
	}
	if a := acme.want(http.StatusOK, "GET", "/api/shares/"+shared.id, nil); a.number("downloads") != most || seen.Load() > most {
		t.Errorf("%d downloads are counted and %d were seen, of %d", a.number("downloads"), seen.Load(), most)
	}
}

// buysOne sells a product that nobody else has.
func (l *load) buysOne(seller, buyer *user, file string, i int) {
	name := fmt.Sprintf("Product %d", i)
	a := l.insists(seller, "POST", seller.products(""), article(name, nil), with{"Idempotency-Key": fmt.Sprintf("product-%d", i)})
	if a.status == http.StatusConflict { // without an answer the first time: its name is taken now
		return
	}
	if a.status != http.StatusCreated {
		l.fail("%s: %d %s", a.what, a.status, a.body)
		return
	}
	product := a.text("id")
	l.insists(seller, "POST", seller.products("/"+product+"/assets"), aFile(file))
	l.insists(seller, "PATCH", seller.products("/"+product), object{"status": "published"})
	a = l.insists(buyer, "POST", "/api/transactions", object{"product_id": product})
	if a.status != http.StatusCreated && a.status != http.StatusOK {
		l.fail("%s: %d %s", a.what, a.status, a.body)
		return
	}
	id := a.text("transaction.id")
	a = l.insists(seller, "POST", order(id, "/complete"), nil)
	if a.status == http.StatusOK || a.status == http.StatusConflict { // completed by a request that had no answer
		l.ack("sales", id)
		return
	}
	l.fail("%s: %d %s", a.what, a.status, a.body)
}

func distinct(all []*message) map[string]bool {
	ids := map[string]bool{}
	for _, m := range all {
		ids[m.id()] = true
	}
	return ids
}

// all returns what was heard.
func (s *stream) all() []heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

func TestARollingUpgradeLosesNoRequest(t *testing.T) {
	t.Parallel()
	b, nodes := balanced(t, 2, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true", "COFFER_SHUTDOWN_DELAY": "3s", "COFFER_RATE_LIMIT_PER_MINUTE": "0"})
	for _, s := range nodes {
		s.start()
	}
	ana := b.through(nodes[0].signUp("ana"))
	var asked atomic.Int64
	l := newLoad(t)
	for w := range 4 {
		l.each(func(i int) {
			method, path, want, body := "GET", "/api/me", http.StatusOK, any(nil)
			if w%2 == 1 { // cannot be repeated: it must be answered
				method, path, want, body = "POST", "/api/orgs/"+ana.org+"/assets", http.StatusCreated, object{"name": fmt.Sprintf("%d-%d.txt", w, i), "size_bytes": 1}
			}
			a, err := ana.try(method, path, body)
			if err != nil || a.status != want {
				l.fail("%s %s: %v %+v", method, path, err, a)
			}
			asked.Add(1)
			time.Sleep(20 * time.Millisecond)
		})
	}
	for _, s := range nodes {
		s.stop()
		s.start()
		eventually(t, "the balancer sees it", func() bool { return b.up[slices.Index(nodes, s)].Load() })
	}
	l.end()
	if n := b.lost.Load(); n > 0 || asked.Load() < 40 {
		t.Errorf("%d of %d requests are lost", n, asked.Load())
	}
}

func TestLimitsThatProtectSecretsHoldOnAllNodes(t *testing.T) {
	t.Parallel()
	_, nodes := balanced(t, 2, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true"})
	for _, s := range nodes {
		s.start()
	}
	ana := nodes[0].signUp("ana")
	ana.client.url = nodes[0].env["COFFER_PUBLIC_URL"] // where links lead
	limited := func(what string, most int, try func(s *server) *answer) {
		for i := range most {
			if a := try(nodes[i%2]); a.status == http.StatusTooManyRequests {
				t.Errorf("%s: limited after %d tries", what, i)
			}
		}
		for _, s := range nodes {
			try(s).isProblem(http.StatusTooManyRequests, "rate_limited")
		}
	}
	limited("logging in", 10, func(s *server) *answer {
		return s.anybody().ask("POST", "/api/auth/login", object{"email": ana.email, "password": "wrong wrong wrong"})
	})
	file := ana.at(nodes[0]).upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
	eventually(t, "the balancer is up", nodes[1].ready)
	l := ana.shares(file, object{"password": "harbour"})
	limited("a link's password", 5, func(s *server) *answer {
		there := *l
		there.client = s.anybody()
		return there.unlocks("wrong", "198.51.100.1")
	})

	// A second factor has a limit of its own, and signing in with one the password's.
	ben := nodes[1].signUp("ben")
	factor := ben.want(http.StatusOK, "POST", "/api/me/totp", object{"password": password}).text("otpauth_url")
	ben.at(nodes[0]).want(http.StatusOK, "POST", "/api/me/totp/confirm", object{"code": codeAt(t, factor, time.Now())})
	limited("signing in with a code", 10, func(s *server) *answer { return ben.at(s).tryLogin(object{"totp_code": "no code"}) })
	cleo := nodes[0].signUp("cleo")
	factor = cleo.want(http.StatusOK, "POST", "/api/me/totp", object{"password": password}).text("otpauth_url")
	cleo.at(nodes[1]).want(http.StatusOK, "POST", "/api/me/totp/confirm", object{"code": codeAt(t, factor, time.Now())})
	// Of twenty tries one has confirmed it.
	limited("a code", 19, func(s *server) *answer {
		return cleo.at(s).ask("DELETE", "/api/me/totp", object{"password": password, "code": "no code"})
	})
	right := object{"password": password, "totp_code": codeAt(t, factor, time.Now().Add(30*time.Second))}
	cleo.at(nodes[1]).tryLogin(right).isProblem(http.StatusTooManyRequests, "rate_limited") // it is one limit, and the right code tells nothing
}
