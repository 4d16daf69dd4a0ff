package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const groupFiles = 100_000

// BenchmarkGroup reads pages of a group of 100,000 files: the first, and one in
// the middle, in each order.
func BenchmarkGroup(b *testing.B) {
	db := openedFor(b)
	crowd := newCrowd(b, db)
	owner := crowd.add(b, 1)[0]
	g := core.NewGroup(core.GroupID(crowd.ids.NewID()), owner.org, owner.account, core.GroupChange{
		Name: "many", Order: core.GroupOrder{Sections: []string{"one", "two"}, Sort: core.GroupByName, Layout: core.GroupList},
	}, crowd.now)
	if err := db.Update(b.Context(), func(tx ports.Tx) error { return tx.Groups.Add(b.Context(), g, core.Unlimited) }); err != nil {
		b.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprintf(`INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, created_by, height, version, created_at, updated_at,
			status, content_type, size_bytes, current_version, newest_version, metadata)
			SELECT gen_random_uuid(), '%s', '%s', '%s', 'asset', 'file ' || i, 'file ' || i, '%s', 0, 1, i, i, 'ready', 'image/jpeg', 9, 1, 1, '{}'
			FROM generate_series(1, %d) AS i`, owner.org, owner.drive, core.RootOf(owner.drive), owner.account, groupFiles),
		`INSERT INTO asset_versions (asset_id, number, org_id, blob_key, content_type, size_bytes, sha256, upload_id, created_by, created_at)
			SELECT id, 1, org_id, 'x' || id, content_type, size_bytes, decode(md5(name) || md5(name), 'hex'), id, created_by, created_at FROM nodes WHERE kind = 'asset'`,
		fmt.Sprintf(`INSERT INTO group_assets (group_id, asset_id, org_id, position, section, title, description, added_by, added_at)
			SELECT '%s', id, org_id, created_at * 1000, CASE created_at %% 3 WHEN 0 THEN '' WHEN 1 THEN 'one' ELSE 'two' END, '', '', '%s', created_at
			FROM nodes WHERE kind = 'asset'`, g.ID, owner.account),
		`ANALYZE`,
	} {
		if _, err := db.DB().ExecContext(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
	for _, sections := range [][]string{nil, g.Order.Sections} {
		for _, sort := range []core.GroupSort{core.GroupByName, core.GroupByDate, core.GroupByType, core.GroupByCustom} {
			b.Run(fmt.Sprintf("%s/sections=%d", sort, len(sections)), func(b *testing.B) {
				read := func(after ports.GroupPosition) (ports.GroupPosition, time.Duration) {
					var page []ports.ListedGroupAsset
					begin := time.Now()
					err := db.View(b.Context(), func(tx ports.Tx) (err error) {
						page, err = tx.GroupAssets.List(b.Context(), ports.GroupAssetQuery{
							GroupID: g.ID, Order: core.GroupOrder{Sections: sections, Sort: sort}, After: after, Limit: nodesPerPage,
						})
						return err
					})
					if err != nil || len(page) != nodesPerPage {
						b.Fatal(len(page), err)
					}
					return page[len(page)-1].At, time.Since(begin)
				}
				var first, next []time.Duration
				for range 3 {
					at, took := read(ports.GroupPosition{})
					first = append(first, took)
					for range 3 {
						at, took = read(at)
					}
					next = append(next, took)
				}
				slices.Sort(first)
				slices.Sort(next)
				b.ReportMetric(float64(first[1].Microseconds())/1000, "ms-first")
				b.ReportMetric(float64(next[1].Microseconds())/1000, "ms-next")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
	b.Run("tree", func(b *testing.B) {
		n, begin := 0, time.Now()
		err := db.View(b.Context(), func(tx ports.Tx) error {
			for _, err := range tx.GroupAssets.All(context.WithoutCancel(b.Context()), owner.org) {
				if n++; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n != groupFiles {
			b.Fatal(n, err)
		}
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "ms")
		b.ReportMetric(0, "ns/op")
	})
}
