package bench

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/migrations"
)

const (
	rounds    = 5               // of measuring everything in turns
	slice     = 2 * time.Second // of measuring one thing
	users     = 1_000
	files     = 100 // of each user
	warmUp    = time.Second
	quiet     = "warn" // log level
	talkative = "info" // the default one: a line for each request
)

// contest measures the limit and several variants of ours in turns.
type contest struct {
	limit    func() result // its server is the load generator itself
	variants []variant
}

type variant struct {
	name   string
	server *server
	run    func(time.Duration) result
}

// hold runs the contest and reports medians. The first variant's ratio is the
// benchmark's result.
func (c contest) hold(b *testing.B) {
	b.Helper()
	var limits []result
	ratios, results := make([][]float64, len(c.variants)), make([][]result, len(c.variants))
	for _, v := range c.variants {
		v.run(warmUp)
	}
	for range rounds {
		before := c.limit()
		for i, v := range c.variants {
			r := v.run(slice)
			results[i] = append(results[i], r)
			ratios[i] = append(ratios[i], r.perSecond/before.perSecond)
		}
		limits = append(limits, before)
	}
	for _, v := range c.variants {
		profile(b, v.server, v.name, v.run)
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%-24s %9s %6s %10s %10s %10s %10s", "", "per s", "ratio", "p50", "p99", "server", "database")
	fmt.Fprintf(&table, "\n%-24s %s", "limit", summary(limits, 1))
	for i, v := range c.variants {
		fmt.Fprintf(&table, "\n%-24s %s", v.name, summary(results[i], median(ratios[i])))
	}
	b.Log("\n" + table.String())
	b.ReportMetric(0, "ns/op") // says nothing here
	b.ReportMetric(median(each(limits, func(r result) float64 { return r.perSecond })), "limit/s")
	b.ReportMetric(median(each(results[0], func(r result) float64 { return r.perSecond })), "req/s")
	b.ReportMetric(median(ratios[0]), "ratio")
	b.ReportMetric(float64(median(each(results[0], func(r result) time.Duration { return r.p99 })).Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(median(each(results[0], func(r result) time.Duration { return r.server })).Microseconds()), "server-µs/req")
}

func summary(all []result, ratio float64) string {
	text := fmt.Sprintf("%9.0f %6.2f", median(each(all, func(r result) float64 { return r.perSecond })), ratio)
	for _, of := range []func(result) time.Duration{
		func(r result) time.Duration { return r.p50.Round(10 * time.Microsecond) },
		func(r result) time.Duration { return r.p99.Round(10 * time.Microsecond) },
		func(r result) time.Duration { return r.server.Round(time.Microsecond) },
		func(r result) time.Duration { return r.database.Round(time.Microsecond) },
	} {
		if d := median(each(all, of)); d > 0 {
			text += fmt.Sprintf(" %10v", d)
		} else {
			text += fmt.Sprintf(" %10s", "-") // not measured
		}
	}
	return text
}

func each[T, U any](all []T, fn func(T) U) []U {
	out := make([]U, len(all))
	for i, v := range all {
		out[i] = fn(v)
	}
	return out
}

// populated is a PostgreSQL with people and their files, and the people.
func populated(b *testing.B) (*postgres, []*person) {
	b.Helper()
	p := startPostgres(b)
	store, err := bunstore.OpenPostgres(p.dsn+"&synchronous_commit=off", 2, migrations.Postgres())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	crowd := newCrowd(b, store)
	people := crowd.add(b, users)
	crowd.give(b, newAPI(b, store, store), people, files)
	p.run(b, "VACUUM ANALYZE", "CHECKPOINT")
	return p, people
}

// downloads returns the requests of downloads, each connection's in an order of
// its own.
func downloads(people []*person) func(connection, n int) []byte {
	var requests [][]byte
	for i, p := range people {
		for k := range 10 { // of each user's files, always others
			requests = append(requests, rawRequest("GET", downloadPath(p, (i+k*7)%len(p.assets)), "", p.token))
		}
	}
	return func(connection, n int) []byte {
		return requests[(connection*7919+n*104_729)%len(requests)]
	}
}

// series numbers the runs of creates, whose names no other may have.
var series atomic.Int64

// creates returns the requests of creating files.
func creates(people []*person) func(connection, n int) []byte {
	round := series.Add(1)
	return func(connection, n int) []byte {
		p := people[(connection*7919+n*31)%len(people)]
		return rawRequest("POST", createPath(p), createBody(fmt.Sprintf("new-%d-%d-%d.jpg", round, connection, n)), p.token)
	}
}

func rawRequest(method, path, body, token string) []byte {
	r := method + " " + path + " HTTP/1.1\r\nHost: coffer.test\r\nAuthorization: Bearer " + token + "\r\n"
	if body != "" {
		r += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return []byte(r + "\r\n" + body)
}

// statementOf returns the one statement of a request, and its arguments.
func statementOf(b *testing.B, t *tapped, ask func()) (string, []arg) {
	b.Helper()
	ask() // prepares
	_, texts := t.during(ask)
	if len(texts) != 1 {
		b.Fatalf("the request has the statements %q", texts)
	}
	return texts[0], t.args[texts[0]]
}

// BenchmarkPostgres compares whole requests, on PostgreSQL and S3, with pgbench
// executing the same statement: for a signed download URL, and to create a
// file, which reserves room under exact limits.
func BenchmarkPostgres(b *testing.B) {
	p, people := populated(b)
	b.Run("download", func(b *testing.B) { downloadContest(b, p, people) })
	b.Run("create, many orgs", func(b *testing.B) { createContest(b, p, people) })
	b.Run("create, one org", func(b *testing.B) { createContest(b, p, people[:1]) })
}

func downloadContest(b *testing.B, p *postgres, people []*person) {
	b.Helper()
	t := newTapped(b)
	text, args := statementOf(b, t, func() { t.download(b, t.bySession) })
	limit := newPgbench(b, p, workload{
		name: "download", text: text, args: args,
		source: `SELECT u.id AS user_id, s.id AS session_id, n.id AS asset_id
			FROM users u JOIN sessions s ON s.user_id = u.id JOIN nodes n ON n.org_id = u.personal_org_id AND n.status = 'ready'`,
		values: map[string]string{t.person.user.String(): "user_id", t.person.session.String(): "session_id", t.person.assets[0].String(): "asset_id"},
	})
	common := onPostgres(b, p)
	against := func(level string) variant {
		s := startServer(b, b.TempDir(), common, settings{"COFFER_LOG_LEVEL": level})
		return variant{"download, log level " + level, s, func(took time.Duration) result {
			return load(b, s, p.cpu, took, http.StatusOK, downloads(people))
		}}
	}
	one := against(talkative)
	two := []*server{one.server, startServer(b, b.TempDir(), common)}
	contest{
		limit: func() result { return limit.measure(b) },
		variants: []variant{one, against(quiet), {"download, two nodes", one.server, func(took time.Duration) result {
			return loadAll(b, two, p.cpu, took, http.StatusOK, downloads(people))
		}}},
	}.hold(b)
}

func createContest(b *testing.B, p *postgres, people []*person) {
	b.Helper()
	t := newTapped(b)
	const name = "captured.jpg"
	t.create(b, "first.jpg", t.bySession)
	var c created
	_, texts := t.during(func() { c = t.create(b, name, t.bySession) })
	if len(texts) != 1 {
		b.Fatalf("the request has the statements %q", texts)
	}
	asset := c.Asset.ID.String()
	source := `SELECT u.id AS user_id, s.id AS session_id, u.personal_org_id AS org_id FROM users u JOIN sessions s ON s.user_id = u.id`
	if len(people) == 1 {
		source += fmt.Sprintf(" WHERE u.id = '%s'", people[0].user)
	}
	text := texts[0]
	limit := newPgbench(b, p, workload{
		name: fmt.Sprintf("create_%d", len(people)), text: text, args: t.args[text], source: source,
		values: map[string]string{
			t.person.user.String(): "user_id", t.person.session.String(): "session_id", t.person.org.String(): "org_id",
			asset: "new_asset", c.Upload.ID: "new_upload", name: "'new-' || new_asset || '.jpg'",
			t.person.org.String() + "/" + asset + "/" + name: "org_id || '/' || new_asset || '/new.jpg'",
		},
	})
	common := onPostgres(b, p)
	s := startServer(b, b.TempDir(), common)
	two := []*server{s, startServer(b, b.TempDir(), common)}
	contest{
		limit: func() result {
			limit.refill(b)
			return limit.measure(b)
		},
		variants: []variant{{"create, log level info", s, func(took time.Duration) result {
			return load(b, s, p.cpu, took, http.StatusCreated, creates(people))
		}}, {"create, two nodes", s, func(took time.Duration) result {
			return loadAll(b, two, p.cpu, took, http.StatusCreated, creates(people))
		}}},
	}.hold(b)
}
