package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/argon2"
	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/migrations"
)

const (
	loginPairs = 150 // each half costs a hash
	mailPairs  = 600
	sameTime   = 0.05 // by how much two medians may differ, of the smaller
)

// BenchmarkKnownAndUnknown compares how long the server takes to answer for an
// e-mail address that has a user and for one that has none: at log-in with a
// wrong password, when a password was forgotten, and when somebody is invited.
// A stranger must not learn from it who is here. The two are asked about in
// pairs, in random order, over one connection; compared are the medians.
//
//	go test ./test/bench -run '^$' -bench KnownAndUnknown -benchtime 1x
func BenchmarkKnownAndUnknown(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		dir := b.TempDir()
		store, err := bunstore.OpenSQLite(b.Context(), filepath.Join(dir, "coffer.db"), migrations.SQLite())
		if err != nil {
			b.Fatal(err)
		}
		compareTimes(b, dir, store, nil)
	})
	p := startPostgres(b)
	b.Run("PostgreSQL", func(b *testing.B) {
		store, err := bunstore.OpenPostgres(p.dsn, 2, migrations.Postgres())
		if err != nil {
			b.Fatal(err)
		}
		compareTimes(b, b.TempDir(), store, onPostgres(b, p))
	})
}

// addresses are as many that are known as are not, of the same form.
type addresses struct{ known, unknown []string }

// newAddresses signs up the owners of the known ones, who share a password.
func newAddresses(b *testing.B, store *bunstore.Store, people int) (addresses, *person) {
	b.Helper()
	if _, err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	hash, err := argon2.New().Hash(context.Background(), "correct horse battery staple")
	if err != nil {
		b.Fatal(err)
	}
	crowd := newCrowd(b, store)
	all := crowd.add(b, people+1) // the last one is who invites
	if _, err := store.DB().ExecContext(b.Context(), "UPDATE users SET password_hash = $1", hash); err != nil {
		b.Fatal(err)
	}
	var a addresses
	for _, p := range all[:people] {
		a.known = append(a.known, p.org.String()+"@example.com")
		a.unknown = append(a.unknown, fmt.Sprintf("%x-%s@example.com", rand.N(uint32(16)), p.user.String()[2:]))
	}
	return a, all[people]
}

// compareTimes measures what the server tells by its time.
func compareTimes(b *testing.B, dir string, store *bunstore.Store, on settings) {
	b.Helper()
	a, boss := newAddresses(b, store, mailPairs+warmPairs)
	_ = store.Close()
	more := settings{"COFFER_HTTP_TRUSTED_PROXIES": "127.0.0.1", "COFFER_LOG_LEVEL": quiet} // for clients from everywhere: tries are limited
	maps.Copy(more, on)
	s := startServer(b, dir, more)
	c := dial(b, s)
	org := found(b, s, boss)
	for _, q := range []struct {
		name   string
		pairs  int
		status int
		ask    func(email string) []byte
	}{
		{"login", loginPairs, http.StatusUnauthorized, func(email string) []byte {
			return from("POST", "/api/auth/login", `{"email":"`+email+`","password":"wrong horse battery staple"}`, "")
		}},
		{"forgot", mailPairs, http.StatusAccepted, func(email string) []byte {
			return from("POST", "/api/auth/password/forgot", `{"email":"`+email+`"}`, "")
		}},
		{"invite", mailPairs, http.StatusCreated, func(email string) []byte {
			return from("POST", "/api/orgs/"+org+"/invitations", `{"email":"`+email+`","role":"member"}`, boss.token)
		}},
	} {
		known, unknown := c.pairs(b, a, q.pairs, q.status, q.ask)
		k, u := median(known), median(unknown)
		ratio := float64(k) / float64(u)
		b.Logf("%-7s known %9v, unknown %9v, ratio %.3f, difference %v", q.name, k.Round(time.Microsecond), u.Round(time.Microsecond), ratio, (k - u).Round(time.Microsecond))
		b.ReportMetric(ratio, q.name+"-ratio")
		if max(ratio, 1/ratio) > 1+sameTime {
			b.Errorf("%s takes %v for a known address and %v for an unknown one", q.name, k, u)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// warmPairs are asked about before the clock runs.
const warmPairs = 20

// pairs asks about as many known addresses as unknown ones, each about once.
func (c *conn) pairs(b *testing.B, a addresses, n, want int, ask func(email string) []byte) (known, unknown []time.Duration) {
	b.Helper()
	one := func(email string) time.Duration {
		request := ask(email)
		begin := time.Now()
		status, err := c.exchange(request)
		took := time.Since(begin)
		if err != nil || status != want {
			b.Fatalf("status %d, %v, want %d, of %q", status, err, want, request)
		}
		return took
	}
	for i := range n + warmPairs {
		var k, u time.Duration
		if rand.N(2) == 0 {
			k = one(a.known[i])
			u = one(a.unknown[i])
		} else {
			u = one(a.unknown[i])
			k = one(a.known[i])
		}
		if i >= warmPairs {
			known, unknown = append(known, k), append(unknown, u)
		}
	}
	return known, unknown
}

// from is a request of a client with an address of its own, as a proxy passes it on.
func from(method, path, body, token string) []byte {
	n := rand.Uint32()
	request := rawRequest(method, path, body, token)
	if token == "" {
		request = []byte(strings.Replace(string(request), "Authorization: Bearer \r\n", "", 1))
	}
	client := fmt.Sprintf("Host: coffer.test\r\nX-Forwarded-For: 10.%d.%d.%d\r\n", n>>16&255, n>>8&255, n&255)
	return []byte(strings.Replace(string(request), "Host: coffer.test\r\n", client, 1))
}

func dial(b *testing.B, s *server) *conn {
	b.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return newConn(c)
}

// found makes an org that people can be invited to.
func found(b *testing.B, s *server, p *person) string {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+s.addr+"/api/orgs", strings.NewReader(`{"name":"Acme"}`))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	var org struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(res.Body).Decode(&org); err != nil || res.StatusCode != http.StatusCreated {
		b.Fatalf("POST /api/orgs: %d, %v", res.StatusCode, err)
	}
	return org.ID
}

// BenchmarkParallelLogins lets 64 people log in at once, again and again: the
// passwords' hashes must not add up to more memory than those that run.
//
//	go test ./test/bench -run '^$' -bench ParallelLogins -benchtime 1x
func BenchmarkParallelLogins(b *testing.B) {
	const (
		parallel = 64
		logins   = 10  // of each
		mostMB   = 200 // resident, of the whole server; unbounded, the hashes alone would take 1,275
	)
	dir := b.TempDir()
	store, err := bunstore.OpenSQLite(b.Context(), filepath.Join(dir, "coffer.db"), migrations.SQLite())
	if err != nil {
		b.Fatal(err)
	}
	a, _ := newAddresses(b, store, parallel)
	_ = store.Close()
	s := startServer(b, dir, settings{"COFFER_HTTP_TRUSTED_PROXIES": "127.0.0.1", "COFFER_LOG_LEVEL": quiet})
	idle := residentMB(s.pid())
	peak, stop := make(chan float64), make(chan struct{})
	go func() {
		most := idle
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(5 * time.Millisecond):
				most = max(most, residentMB(s.pid()))
			}
		}
	}()
	begin := time.Now()
	times := make([][]time.Duration, parallel)
	failed := make(chan error, parallel)
	for i := range parallel {
		go func() {
			took, err := logIns(s, a.known[i], logins)
			times[i] = took
			failed <- err
		}()
	}
	var failures error
	for range parallel {
		failures = errors.Join(failures, <-failed)
	}
	elapsed := time.Since(begin)
	close(stop)
	most := <-peak
	if failures != nil {
		b.Fatal(failures)
	}
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	b.Logf("%d log-ins, %d at once: %.0f per second, half within %v, all within %v; %.0f MB idle, %.0f MB at most", len(all), parallel,
		float64(len(all))/elapsed.Seconds(), all[len(all)/2].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond), idle, most)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(all))/elapsed.Seconds(), "logins/s")
	b.ReportMetric(most, "peak-MB")
	if most > mostMB {
		b.Errorf("the server took %.0f MB, which is more than %d", most, mostMB)
	}
}

// logIns logs somebody in, one time after the other.
func logIns(s *server, email string, n int) (took []time.Duration, err error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	conn := newConn(c)
	for range n {
		begin := time.Now()
		status, err := conn.exchange(from("POST", "/api/auth/login", `{"email":"`+email+`","password":"correct horse battery staple"}`, ""))
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("log-in: status %d", status)
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}
