package bunstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// subjectID is the id of what traffic is counted of, as a column.
type subjectID = core.ID[core.Subject]

// The tables of links and of groups.
type trafficTables struct{ sums, visitors string }

var (
	linkTraffic  = trafficTables{"link_traffic", "link_visitors"}
	groupTraffic = trafficTables{"group_traffic", "group_visitors"}
)

// tablesOf returns where a subject is, and its id.
func tablesOf(s core.Subject) (trafficTables, subjectID) {
	if s.GroupID.IsZero() {
		return linkTraffic, subjectID(s.LinkID)
	}
	return groupTraffic, subjectID(s.GroupID)
}

// which is a list of the subjects whose sums make up those of a subject.
func which(s core.Subject) schema.QueryAppender {
	if s.OrgID.IsZero() {
		_, id := tablesOf(s)
		return bun.SafeQuery("?", id)
	}
	return bun.SafeQuery(`SELECT l.id FROM share_links AS l JOIN drives AS d ON d.id = l.drive_id WHERE d.org_id = ? AND d.owner_account_id IS NULL`, s.OrgID)
}

type traffic struct{ repository }

func (r traffic) Waiting(ctx context.Context) (time.Time, error) {
	var first stamp
	err := r.NewRaw(`SELECT min(at) FROM share_visits`).Scan(ctx, &first)
	return first.Time, translate("visits that wait", err)
}

// ranges are the rows of a table r (n, grain, lo, hi): what the span with each
// number is made of.
func ranges(spans [][]core.GrainRange) bun.Safe {
	var rows []string
	for n, span := range spans {
		for _, g := range span {
			rows = append(rows, fmt.Sprintf("(%d, %d, %d, %d)", n, g.Grain, g.From.UnixMicro(), g.To.UnixMicro()))
		}
	}
	if len(rows) == 0 {
		return "(0, 0, 0, 0)" // of no grain
	}
	return bun.Safe(strings.Join(rows, ", "))
}

// trafficIn begins a query for the sums t of a subject in ranges r.
const trafficIn = `WITH r (n, grain, lo, hi) AS (VALUES ?)
	SELECT ? CAST(sum(t.views) AS bigint) AS views, CAST(sum(t.visitors) AS bigint) AS visitors,
		CAST(sum(t.downloads) AS bigint) AS downloads, max(t.last_at) AS last_at
	FROM r CROSS JOIN ? `

// sumsOf is the table t of a subject's sums of one dimension in a range r.
const sumsOf = `? AS t WHERE t.subject_id IN (?) AND t.dim = ? AND t.grain = r.grain AND t.bucket >= r.lo AND t.bucket < r.hi`

func (r traffic) sums(tables trafficTables, s core.Subject, by core.TrafficBy) schema.QueryAppender {
	return bun.SafeQuery(r.dialect.eachRange, bun.Ident(tables.sums), which(s), by)
}

func (r traffic) Points(ctx context.Context, s core.Subject, bounds []time.Time) ([]core.Traffic, error) {
	out := make([]core.Traffic, max(0, len(bounds)-1))
	spans := make([][]core.GrainRange, len(out))
	for i := range out {
		spans[i] = core.Cover(bounds[i], bounds[i+1])
	}
	tables, _ := tablesOf(s)
	var rows []struct {
		N         int   `bun:"n"`
		Views     int64 `bun:"views"`
		Visitors  int64 `bun:"visitors"`
		Downloads int64 `bun:"downloads"`
	}
	err := r.NewRaw(trafficIn+`GROUP BY r.n`, ranges(spans), bun.Safe("r.n,"), r.sums(tables, s, core.TrafficTotal)).Scan(ctx, &rows)
	for _, row := range rows {
		out[row.N] = core.Traffic{Views: row.Views, Visitors: row.Visitors, Downloads: row.Downloads}
	}
	return out, translate("traffic", err)
}

func (r traffic) Tops(ctx context.Context, q ports.TrafficQuery) ([]ports.TrafficRow, error) {
	tables, _ := tablesOf(q.Subject)
	key, by := bun.Safe("t.key"), q.By
	if !q.OrgID.IsZero() && by == core.TrafficByLink {
		key, by = "CAST(t.subject_id AS text)", core.TrafficTotal
	}
	var rows []struct {
		Key       string `bun:"key"`
		Views     int64  `bun:"views"`
		Visitors  int64  `bun:"visitors"`
		Downloads int64  `bun:"downloads"`
		LastAt    stamp  `bun:"last_at"`
	}
	err := r.NewRaw(trafficIn+`GROUP BY ? ORDER BY sum(t.views) + sum(t.downloads) DESC, ? LIMIT ?`,
		ranges([][]core.GrainRange{core.Cover(q.From, q.To)}), key+" AS key,", r.sums(tables, q.Subject, by), key, key, q.Limit).Scan(ctx, &rows)
	out := make([]ports.TrafficRow, len(rows))
	for i, row := range rows {
		out[i] = ports.TrafficRow{Key: row.Key, Traffic: core.Traffic{Views: row.Views, Visitors: row.Visitors, Downloads: row.Downloads}, LastAt: row.LastAt.Time}
	}
	return out, translate("traffic", err)
}

func (r traffic) Names(
	ctx context.Context, org core.OrgID, group core.GroupID, assets []core.AssetID, links []core.ShareLinkID,
) (map[[16]byte]string, error) {
	names := make(map[[16]byte]string, len(assets)+len(links))
	var rows []struct {
		ID   core.NodeID `bun:"id"`
		Name string      `bun:"name"`
	}
	if len(assets) > 0 {
		err := r.NewRaw(`SELECT n.id, coalesce(nullif(a.title, ''), n.name) AS name FROM nodes n LEFT JOIN group_assets a ON a.asset_id = n.id AND a.group_id = ?
			WHERE n.org_id = ? AND n.id IN (?) AND n.trashed_at IS NULL AND n.purged_at IS NULL`, group, org, bun.List(assets)).Scan(ctx, &rows)
		if err != nil {
			return nil, translate("names", err)
		}
	}
	for _, row := range rows {
		names[row.ID] = row.Name
	}
	if rows = nil; len(links) > 0 {
		err := r.NewRaw(`SELECT id, name FROM share_links WHERE org_id = ? AND id IN (?)`, org, bun.List(links)).Scan(ctx, &rows)
		if err != nil {
			return nil, translate("names", err)
		}
	}
	for _, row := range rows {
		names[row.ID] = row.Name
	}
	return names, nil
}

// Prune takes one subject at a time, and what says that there is something of it
// at last.
func (r traffic) Prune(ctx context.Context, t time.Time, limit int) (total int, err error) {
	before := stamp{core.GrainMonth.Start(t)}
	for _, table := range []string{linkTraffic.sums, groupTraffic.sums} {
		for total < limit {
			var due []subjectID
			err := r.NewRaw(`SELECT subject_id FROM ? WHERE grain = 3 AND bucket < ? ORDER BY bucket LIMIT 1`, bun.Ident(table), before).Scan(ctx, &due)
			if err != nil {
				return total, translate("prune "+table, err)
			}
			if len(due) == 0 {
				break
			}
			n, err := r.pruneSubject(ctx, table, due[0], before, limit-total)
			if total += n; err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// pruneSubject removes at most limit sums of a subject: those of months, by which
// it is found, once there are no others.
func (r traffic) pruneSubject(ctx context.Context, table string, id subjectID, before stamp, limit int) (int, error) {
	total := 0
	for _, grains := range []string{"1, 2", "3"} {
		if total == limit {
			break
		}
		res, err := r.NewRaw(`DELETE FROM ? WHERE (subject_id, dim, grain, bucket, key) IN (SELECT subject_id, dim, grain, bucket, key FROM ?
			WHERE subject_id = ? AND dim IN ('total', 'asset', 'country', 'device', 'link') AND grain IN (?) AND bucket < ? LIMIT ?)`,
			bun.Ident(table), bun.Ident(table), id, bun.Safe(grains), before, limit-total).Exec(ctx)
		n, err := affected("prune "+table, res, err)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

func (r traffic) Forget(ctx context.Context, t time.Time, limit int) (n int, err error) {
	today := core.GrainDay.Start(t)
	if _, err := r.NewRaw(`DELETE FROM visitor_salts WHERE day < ?`, stamp{today}).Exec(ctx); err != nil {
		return 0, translate("forget salts", err)
	}
	if first, err := r.Waiting(ctx); err != nil || !first.IsZero() && first.Before(today) {
		return 0, err
	}
	for _, table := range []string{linkTraffic.visitors, groupTraffic.visitors} {
		res, err := r.NewRaw(`DELETE FROM ? WHERE (visitor, subject_id, via) IN (SELECT visitor, subject_id, via FROM ? WHERE first < ? LIMIT ?)`,
			bun.Ident(table), bun.Ident(table), stamp{today}, limit-n).Exec(ctx)
		more, err := affected("forget visitors", res, err)
		if n += more; err != nil || n == limit {
			return n, err
		}
	}
	return n, nil
}

// Salt implements ports.Visits.
func (s *Store) Salt(ctx context.Context, day time.Time, fresh core.VisitorSalt) (salt core.VisitorSalt, err error) {
	var stored []byte
	for range 2 { // who has lost a race reads what the winner has stored
		err = s.write.NewRaw(`SELECT salt FROM visitor_salts WHERE day = ?`, stamp{day}).Scan(ctx, &stored)
		if err = translate("salt", err); err == nil {
			copy(salt[:], stored)
			return salt, nil
		}
		_, err = s.write.NewRaw(`INSERT INTO visitor_salts (day, salt) VALUES (?, ?) ON CONFLICT (day) DO NOTHING`, stamp{day}, fresh[:]).Exec(ctx)
		if err != nil {
			break
		}
	}
	if err == nil {
		err = s.write.NewRaw(`SELECT salt FROM visitor_salts WHERE day = ?`, stamp{day}).Scan(ctx, &stored)
		copy(salt[:], stored)
	}
	return salt, translate("salt", err)
}

// strip removes at most limit rows of each of the tables, whose subjects,
// links l or groups g, are about to go. It returns false if there may be more.
func (r traffic) strip(ctx context.Context, tables trafficTables, limit int, which string, args ...any) (done bool, err error) {
	parents, parent := "share_links AS l", "l.id"
	if tables == groupTraffic {
		parents, parent = "groups AS g", "g.id"
	}
	for table, key := range map[string]string{
		tables.sums:     "x.subject_id, x.dim, x.grain, x.bucket, x.key",
		tables.visitors: "x.visitor, x.subject_id, x.via",
	} {
		text := `DELETE FROM ` + table + ` WHERE (` + strings.ReplaceAll(key, "x.", "") + `) IN (SELECT ` + key + ` FROM ` + parents + `
			JOIN ` + table + ` AS x ON x.subject_id = ` + parent + ` WHERE ` + which + ` LIMIT ?)`
		res, err := r.NewRaw(text, append(slices.Clip(args), limit)...).Exec(ctx)
		if n, err := affected("strip "+table, res, err); err != nil || n == limit {
			return false, err
		}
	}
	return true, nil
}
