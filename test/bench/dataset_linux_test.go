package bench

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/migrations"
)

const (
	someItems    = 100_000
	manyItems    = 1_000_000
	ingestAssets = 1_000 // that items have, each many times
)

// BenchmarkPublish publishes a manifest of 100,000 items by HTTP, beside COPY of
// the same rows into the same tables (on SQLite, INSERT … SELECT of them), and
// one of 1,000,000, of which it tells the most memory that the server has taken.
func BenchmarkPublish(b *testing.B) {
	b.Run("PostgreSQL", func(b *testing.B) {
		p := startPostgres(b)
		store, err := bunstore.OpenPostgres(p.dsn, 2, migrations.Postgres())
		if err != nil {
			b.Fatal(err)
		}
		defer store.Close()
		publishes(b, store, onPostgres(b, p), b.TempDir(), func(version string) time.Duration { return copyAgain(b, p.dsn, version) })
	})
	b.Run("SQLite", func(b *testing.B) {
		dir := b.TempDir()
		store, err := bunstore.OpenSQLite(b.Context(), filepath.Join(dir, "coffer.db"), migrations.SQLite())
		if err != nil {
			b.Fatal(err)
		}
		defer store.Close()
		publishes(b, store, settings{}, dir, func(version string) time.Duration { return insertAgain(b, store.DB(), version) })
	})
}

func publishes(b *testing.B, store *bunstore.Store, on settings, dir string, limit func(version string) time.Duration) {
	b.Helper()
	if _, err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	crowd := newCrowd(b, store)
	s := startServer(b, dir, on)
	api := &publisherOf{b: b, server: s, token: crowd.add(b, 1)[0].token}
	api.begin(store.DB())
	api.publish(ingestAssets, 0) // warms up, and brings all files
	var ours, theirs []time.Duration
	for turn := range 3 {
		took, _ := api.publish(someItems, turn+1)
		ours = append(ours, took)
		var version string
		if err := store.DB().QueryRowContext(b.Context(), "SELECT id FROM dataset_versions ORDER BY number DESC LIMIT 1").Scan(&version); err != nil {
			b.Fatal(err)
		}
		theirs = append(theirs, limit(version))
	}
	b.ReportMetric(median(ours).Seconds(), "s/publish-100k")
	b.ReportMetric(median(theirs).Seconds(), "s/copy-100k")
	b.ReportMetric(median(ours).Seconds()/median(theirs).Seconds(), "times-copy")
	before := residentMB(s.pid())
	took, most := api.publish(manyItems, 9)
	b.ReportMetric(took.Seconds(), "s/publish-1M")
	b.ReportMetric(most-before, "MB-growth-1M")
	b.ReportMetric(0, "ns/op")
}

// publisherOf publishes by HTTP.
type publisherOf struct {
	b       *testing.B
	server  *server
	token   string
	dataset string
	session string
}

func (p *publisherOf) ask(method, path, kind string, body io.Reader, into any) {
	p.b.Helper()
	req, err := http.NewRequestWithContext(p.b.Context(), method, "http://"+p.server.addr+path, body)
	if err != nil {
		p.b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= http.StatusBadRequest {
		p.b.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, text, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		p.b.Fatal(err)
	}
}

// begin opens a session, and gives its dataset files that are there.
func (p *publisherOf) begin(db *sql.DB) {
	p.open()
	for _, text := range []string{
		`INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, created_by, height, version, created_at, updated_at,
			status, content_type, size_bytes, current_version, newest_version, metadata)
			SELECT CAST('01990000-0000-7000-8000-' || substr('000000000000' || i, -12) AS uuid), d.org_id, d.drive_id, d.drive_id, 'asset', 'f' || i, 'f' || i, d.created_by, 0, 1, i, i,
			'ready', 'image/jpeg', 0, 1, 1, '{}' FROM datasets d, (WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) SELECT i FROM n) AS g`,
		`INSERT INTO asset_versions (asset_id, number, org_id, blob_key, content_type, size_bytes, sha256, upload_id, created_by, created_at)
			SELECT id, 1, org_id, 'x' || id, content_type, 0, NULL, id, created_by, 1 FROM nodes WHERE kind = 'asset'`,
		`INSERT INTO ingest_files (session_id, path, org_id, asset_id, number) SELECT s.id, n.name, n.org_id, n.id, 1 FROM ingest_sessions s, nodes n WHERE n.kind = 'asset'`,
	} {
		if p.server.cmd.Env != nil && !isPostgres(p.server) {
			text = strings.ReplaceAll(text, " AS uuid)", " AS text)")
		} else {
			text = strings.ReplaceAll(text, "substr('000000000000' || i, -12)", "lpad(i::text, 12, '0')")
		}
		if _, err := db.ExecContext(p.b.Context(), text); err != nil {
			p.b.Fatal(err)
		}
	}
}

func isPostgres(s *server) bool {
	for _, e := range s.cmd.Env {
		if strings.HasPrefix(e, "COFFER_DATABASE_URL=") {
			return true
		}
	}
	return false
}

func (p *publisherOf) open() {
	var a struct {
		Dataset struct{ ID string }
		Session struct{ ID string }
	}
	p.ask(http.MethodPost, "/api/ingest/datasets", "application/json", strings.NewReader(`{"slug": "bench"}`), &a)
	p.dataset, p.session = a.Dataset.ID, a.Session.ID
}

// publish publishes n items, which are others each turn, and returns how long
// that took and the most memory that the server had meanwhile.
func (p *publisherOf) publish(n, turn int) (time.Duration, float64) {
	p.b.Helper()
	if turn > 0 {
		p.open()
	}
	r, w := io.Pipe()
	go func() {
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, `{"external_id":"item-%07d","type":"image","title":"Street sign %d of turn %d","tags":["sign","t%d"],`+
				`"data":{"lens":35,"place":"Örebro %d","seen":[%d,1.5,true],"text":"a photograph of a sign by the road"},"assets":[{"role":"main","path":"f%d"}]}`+"\n",
				i, i, turn, i%50, i%997, i, i%ingestAssets)
			if b.Len() > 64<<10 {
				_, _ = w.Write(b.Bytes())
				b.Reset()
			}
		}
		_, _ = w.Write(b.Bytes())
		_ = w.Close()
	}()
	var most atomic.Int64
	stop := make(chan struct{})
	go func() {
		for {
			most.Store(max(most.Load(), int64(residentMB(p.server.pid())*1000)))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	var a struct {
		Published bool
		Version   struct{ Items int }
	}
	begin := time.Now()
	p.ask(http.MethodPost, "/api/ingest/datasets/"+p.dataset+"/publish?session_id="+p.session, "application/x-ndjson", r, &a)
	took := time.Since(begin)
	close(stop)
	if !a.Published || a.Version.Items != n {
		p.b.Fatalf("%+v", a)
	}
	p.b.Logf("%d items in %v, at most %d MB", n, took.Round(time.Millisecond), most.Load()/1000)
	return took, float64(most.Load()) / 1000
}

// copied are the tables of items, and their columns with those that are new.
var copied = []struct{ into, from string }{
	{"dataset_items (id, org_id, version_id, line, external_id, type, title, tags, data, words)", "SELECT gen_random_uuid(), org_id, $v, line, external_id, type, title, tags, data, words FROM dataset_items WHERE version_id = $1 ORDER BY id"},
	{"dataset_item_tags (version_id, tag, item_id, org_id)", "SELECT $v, tag, item_id, org_id FROM dataset_item_tags WHERE version_id = $1"},
	{"dataset_item_assets (item_id, role, version_id, org_id, asset_id, number, path)", "SELECT gen_random_uuid(), role, $v, org_id, asset_id, number, path FROM dataset_item_assets WHERE version_id = $1"},
}

const another = "01990000-0000-7000-9000-000000000000"

// copyAgain measures how long COPY takes for the rows of a version, as those of
// another, which go again.
func copyAgain(b *testing.B, dsn, version string) time.Duration {
	b.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close(ctx)
	rows := make([]bytes.Buffer, len(copied))
	for i, t := range copied {
		text := strings.NewReplacer("$v", "'"+another+"'::uuid", "$1", "'"+version+"'").Replace(t.from)
		if _, err := c.PgConn().CopyTo(ctx, &rows[i], "COPY ("+text+") TO STDOUT"); err != nil {
			b.Fatal(err)
		}
	}
	begin := time.Now()
	_, err = c.Exec(ctx, "BEGIN")
	for i, t := range copied {
		_, failed := c.PgConn().CopyFrom(ctx, &rows[i], "COPY "+t.into+" FROM STDIN")
		err = errors.Join(err, failed)
	}
	_, failed := c.Exec(ctx, "COMMIT")
	took := time.Since(begin)
	for _, table := range []string{"dataset_items", "dataset_item_tags", "dataset_item_assets"} {
		_, gone := c.Exec(ctx, "DELETE FROM "+table+" WHERE version_id = '"+another+"'")
		failed = errors.Join(failed, gone)
	}
	if err = errors.Join(err, failed); err != nil {
		b.Fatal(err)
	}
	b.Logf("COPY %v", took.Round(time.Millisecond))
	return took
}

// insertAgain is copyAgain for SQLite, in one transaction.
func insertAgain(b *testing.B, db *sql.DB, version string) time.Duration {
	b.Helper()
	const id = "'01990000-0000-7000-9' || substr(hex(randomblob(2)), 1, 3) || '-' || hex(randomblob(6))"
	begin := time.Now()
	tx, err := db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, text := range []string{
		`INSERT INTO dataset_words (rowid, words) SELECT seq + 5000000, replace(version_id, '-', '') || ' ' || lower(title) || ' sign lens 35 place seen text a photograph of by the road' FROM dataset_items WHERE version_id = $1`,
		`INSERT INTO dataset_items (seq, id, org_id, version_id, line, external_id, type, title, tags, data)
			SELECT seq + 5000000, ` + id + `, org_id, '` + another + `', line, external_id, type, title, tags, data FROM dataset_items WHERE version_id = $1`,
		`INSERT INTO dataset_item_tags (version_id, tag, item_id, org_id) SELECT '` + another + `', tag, item_id, org_id FROM dataset_item_tags WHERE version_id = $1`,
		`INSERT INTO dataset_item_assets (item_id, role, version_id, org_id, asset_id, number, path)
			SELECT ` + id + `, role, '` + another + `', org_id, asset_id, number, path FROM dataset_item_assets WHERE version_id = $1`,
	} {
		if _, err := tx.ExecContext(b.Context(), text, version); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	took := time.Since(begin)
	for _, text := range []string{
		`DELETE FROM dataset_words WHERE rowid >= 5000000`, `DELETE FROM dataset_items WHERE seq >= 5000000`,
		`DELETE FROM dataset_item_tags WHERE version_id = '` + another + `'`, `DELETE FROM dataset_item_assets WHERE version_id = '` + another + `'`,
	} {
		if _, err := db.ExecContext(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("INSERT … SELECT %v", took.Round(time.Millisecond))
	return took
}
