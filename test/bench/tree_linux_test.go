package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
)

// A drive as large as a company's: in its root lie a folder of 100,000 files and
// 9,000 folders of 100.
const (
	wideFiles     = 100_000
	narrowFolders = 9_000
	narrowFiles   = 100
	nodesPerPage  = 100
)

// forest is a PostgreSQL with somebody's large drive.
type forest struct {
	*postgres
	owner *person
	wide  core.NodeID // the folder of many files
}

func newForest(b *testing.B) *forest {
	b.Helper()
	f := &forest{postgres: startPostgres(b)}
	store, err := bunstore.OpenPostgres(f.dsn+"&synchronous_commit=off", 2, migrations.Postgres())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	crowd := newCrowd(b, store)
	f.owner = crowd.add(b, 1)[0]
	f.wide = core.NodeID(crowd.ids.NewID())
	const fresh = `(lpad(to_hex(1700000000000 + %[1]s), 12, '0') || '7000' || '8000' || lpad(to_hex(%[1]s), 12, '0'))::uuid`
	node := func(id, parent, kind, name, status, size, version string) string {
		return fmt.Sprintf(`INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, created_by, height, version, created_at, updated_at,
			status, content_type, size_bytes, current_version, newest_version, metadata)
			SELECT %s, '%s', '%s', %s, '%s', %s, lower(%s), '%s', 0, 1, 1700000000000000 + i, 1700000000000000 + i::bigint * 7919 %% 1000000007, '%s', '%s', %s, %s, %s, '{}'`,
			id, f.owner.org, f.owner.drive, parent, kind, name, name, f.owner.account, status, map[string]string{"asset": "image/jpeg", "folder": ""}[kind], size, version, version)
	}
	folderID := fmt.Sprintf(fresh, "(1 + i)::bigint")
	version := `INSERT INTO asset_versions (asset_id, number, org_id, blob_key, content_type, size_bytes, sha256, upload_id, created_by, created_at)
		SELECT id, 1, org_id, org_id || '/' || id || '/x', content_type, size_bytes, decode(md5(name) || md5(id::text), 'hex'), id, created_by, created_at
		FROM nodes WHERE kind = 'asset'`
	f.run(
		b,
		node(fmt.Sprintf("'%s'", f.wide), "drive_id", "folder", "'wide'", "", "0", "0")+" FROM (SELECT 0 AS i) AS g, (SELECT '"+f.owner.drive.String()+"'::uuid AS drive_id) AS d",
		node(folderID, "'"+f.owner.drive.String()+"'", "folder", "'folder ' || lpad(i::text, 6, '0')", "", "0", "0")+fmt.Sprintf(" FROM generate_series(1, %d) AS i", narrowFolders),
		node(fmt.Sprintf(fresh, "(20000 + i)::bigint"), "'"+f.wide.String()+"'", "asset", "'IMG ' || md5(i::text) || '.jpg'", "ready", "1000 + i % 1000000", "1")+
			fmt.Sprintf(" FROM generate_series(1, %d) AS i", wideFiles),
		node(fmt.Sprintf(fresh, "(200000 + i)::bigint"), fmt.Sprintf(fresh, "(1 + 1 + i / "+fmt.Sprint(narrowFiles)+")::bigint"), "asset",
			"'report ' || substr(md5(i::text), 1, 10) || ' ' || i || '.pdf'", "ready", "1000 + i % 1000000", "1")+
			fmt.Sprintf(" FROM generate_series(0, %d) AS i", narrowFolders*narrowFiles-1),
		version, "VACUUM ANALYZE", "CHECKPOINT",
	)
	return f
}

// pagePath is the first page of the wide folder.
func (f *forest) pagePath(cursor string) string {
	q := url.Values{"parent_id": {f.wide.String()}, "limit": {fmt.Sprint(nodesPerPage)}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return "/api/drives/" + f.owner.drive.String() + "/nodes?" + q.Encode()
}

// cursors turns all pages, and returns what leads to each.
func (f *forest) cursors(b *testing.B, api http.Handler) []string {
	b.Helper()
	all := []string{""}
	for {
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  *string           `json:"next_cursor"`
		}
		ask(b, api, http.StatusOK, request(http.MethodGet, f.pagePath(all[len(all)-1]), "", f.owner.token), &page)
		if page.Next == nil {
			return all
		}
		all = append(all, *page.Next)
	}
}

// BenchmarkForest compares pages of a folder of 100,000 files, in a drive of
// 1,000,000 nodes, with pgbench executing the same statement, and the first of
// them with the last.
func BenchmarkForest(b *testing.B) {
	f := newForest(b)
	store, err := bunstore.OpenPostgres(f.dsn, 2, migrations.Postgres())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	pages := f.cursors(b, newAPI(b, store, store))
	if len(pages) < wideFiles/nodesPerPage {
		b.Fatalf("%d pages", len(pages))
	}
	b.Run("page", func(b *testing.B) { f.pageContest(b, pages) })
	b.Run("search", func(b *testing.B) { f.searches(b, newAPI(b, store, store)) })
	b.Run("change", func(b *testing.B) { f.changes(b, newAPI(b, store, store)) })
}

func (f *forest) pageContest(b *testing.B, pages []string) {
	b.Helper()
	t := newTap(b, f.dsn)
	tapped, err := bunstore.OpenPostgres(t.url, 1, migrations.Postgres())
	if err != nil {
		b.Fatal(err)
	}
	defer tapped.Close()
	api := newAPI(b, tapped, tapped)
	turn := func() {
		ask(b, api, http.StatusOK, request(http.MethodGet, f.pagePath(pages[len(pages)/2]), "", f.owner.token), nil)
	}
	turn()
	turn()
	trips, texts := t.during(turn)
	if trips > 1 || len(texts) != 2 {
		b.Fatalf("a page takes %d round trips, %q", trips, texts)
	}
	text := texts[1]
	after := *t.args[text][3]
	limit := newPgbench(b, f.postgres, workload{
		name: "page", text: text, args: t.args[text],
		source: fmt.Sprintf("SELECT name FROM nodes WHERE parent_id = '%s'", f.wide), values: map[string]string{after: "name"},
	})
	s := startServer(b, b.TempDir(), onPostgres(b, f.postgres))
	among := func(name string, some []string) variant {
		return variant{name, s, func(took time.Duration) result {
			requests := make([][]byte, len(some))
			for i, cursor := range some {
				requests[i] = rawRequest("GET", f.pagePath(cursor), "", f.owner.token)
			}
			return load(b, s, f.cpu, took, http.StatusOK, func(connection, n int) []byte { return requests[(connection*7919+n*31)%len(requests)] })
		}}
	}
	const some = 10
	contest{
		limit:    func() result { return limit.measure(b) },
		variants: []variant{among("any page", pages), among("first pages", pages[:some]), among("last pages", pages[len(pages)-some-1:len(pages)-1])},
	}.hold(b)
}

// searches reports how long searches take, at the 95th percentile.
func (f *forest) searches(b *testing.B, api http.Handler) {
	b.Helper()
	for name, query := range map[string]string{
		"rare word": "q=a1b2c3", "common word": "q=report", "part of many": "q=img", "no hit": "q=zebra%20crossing", "one letter": "q=r", "two letters": "q=im",
		"type": "type=image", "size": "min_size=900000&max_size=900100", "date": "from=2023-11-14T22:20:00Z&to=2023-11-14T22:21:00Z",
		"word and type": "q=report&type=image", "word and size": "q=report&min_size=999000",
	} {
		var took []time.Duration
		for range 40 {
			begin := time.Now()
			ask(b, api, http.StatusOK, request(http.MethodGet, "/api/drives/"+f.owner.drive.String()+"/search?"+query, "", f.owner.token), nil)
			took = append(took, time.Since(begin))
		}
		b.Logf("%-14s p50 %8v p95 %8v", name, percentile(took, 50), percentile(took, 95))
	}
}

// percentile returns the time that so many of a hundred take at most.
func percentile(took []time.Duration, percent int) time.Duration {
	slices.Sort(took)
	return took[len(took)*percent/100].Round(10 * time.Microsecond)
}

// changes reports how long changes of a large drive take, and of a small one.
func (f *forest) changes(b *testing.B, api http.Handler) {
	b.Helper()
	drive := "/api/drives/" + f.owner.drive.String()
	var folder struct {
		ID string `json:"id"`
	}
	var create, rename, move []time.Duration
	timed := func(into *[]time.Duration, status int, r *http.Request, out any) {
		begin := time.Now()
		ask(b, api, status, r, out)
		*into = append(*into, time.Since(begin))
	}
	for i := range 100 {
		timed(&create, http.StatusCreated, request(http.MethodPost, drive+"/folders", fmt.Sprintf(`{"name": "new %d"}`, i), f.owner.token), &folder)
		timed(&rename, http.StatusOK, request(http.MethodPatch, "/api/nodes/"+f.wide.String(), fmt.Sprintf(`{"name": "wide %d"}`, i), f.owner.token), nil)
		timed(&move, http.StatusOK, request(http.MethodPatch, "/api/nodes/"+f.wide.String(), fmt.Sprintf(`{"parent_id": %q}`, folder.ID), f.owner.token), nil)
	}
	for name, took := range map[string][]time.Duration{"create a folder": create, "rename 100,000 files' folder": rename, "move it": move} {
		b.Logf("%-28s p50 %8v p95 %8v", strings.TrimSpace(name), percentile(took, 50), percentile(took, 95))
	}
}
