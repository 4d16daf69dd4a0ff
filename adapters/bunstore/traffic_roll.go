package bunstore

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

// trafficChunk is how many rows one statement writes.
const trafficChunk = 500

type waitingVisit struct {
	ID      core.AccessID    `bun:"id"`
	OrgID   core.OrgID       `bun:"org_id"`
	LinkID  core.ShareLinkID `bun:"link_id"`
	GroupID core.GroupID     `bun:"group_id"`
	AssetID core.AssetID     `bun:"asset_id"`
	Kind    core.AccessKind  `bun:"kind"`
	Visitor []byte           `bun:"visitor"`
	Country string           `bun:"country"`
	Device  core.Device      `bun:"device"`
	At      stamp            `bun:"at"`
}

type trafficRow struct {
	bun.BaseModel `bun:"alias:t"`

	SubjectID subjectID      `bun:"subject_id"`
	OrgID     core.OrgID     `bun:"org_id"`
	By        core.TrafficBy `bun:"dim"`
	Grain     core.Grain     `bun:"grain"`
	Bucket    stamp          `bun:"bucket"`
	Key       string         `bun:"key"`
	Views     int64          `bun:"views"`
	Visitors  int64          `bun:"visitors"`
	Downloads int64          `bun:"downloads"`
	LastAt    stamp          `bun:"last_at"`
}

type visitorRow struct {
	bun.BaseModel `bun:"alias:t"`

	Visitor   []byte      `bun:"visitor"`
	SubjectID subjectID   `bun:"subject_id"`
	Via       string      `bun:"via"`
	OrgID     core.OrgID  `bun:"org_id"`
	First     stamp       `bun:"first"`
	Country   string      `bun:"country"`
	Device    core.Device `bun:"device"`
}

// RollUp locks what it adds to before it removes what it adds: groups, then
// links, then visits, as whoever deletes them.
func (r traffic) RollUp(ctx context.Context, limit int) (int, error) {
	if err := r.lock(ctx, "traffic_rolls", "slot", 1); err != nil {
		return 0, err
	}
	var rows []waitingVisit
	err := r.NewRaw(`SELECT v.id, v.org_id, v.link_id, v.group_id, v.kind, v.visitor, v.country, v.device, v.at, n.id AS asset_id FROM share_visits v
		LEFT JOIN share_links l ON l.id = v.link_id LEFT JOIN nodes n ON n.id = coalesce(v.node_id, l.node_id) AND n.kind = 'asset'
		ORDER BY v.id LIMIT ?`, limit).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return 0, translate("visits that wait", err)
	}
	visits, err := r.visits(ctx, rows)
	if err != nil {
		return 0, err
	}
	seen, err := r.seen(ctx, visits)
	if err != nil {
		return 0, err
	}
	tally := core.NewTally(visits, seen)
	if err := r.addSums(ctx, tally); err != nil {
		return 0, err
	}
	if err := r.addVisitors(ctx, tally); err != nil {
		return 0, err
	}
	ids := make([]core.AccessID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	_, err = r.NewRaw(`DELETE FROM share_visits WHERE id IN (?)`, bun.List(ids)).Exec(ctx)
	return len(rows), translate("remove visits", err)
}

// visits returns those visits whose link is there, with the groups that are.
func (r traffic) visits(ctx context.Context, rows []waitingVisit) ([]core.Visit, error) {
	wanted, groups := make(map[core.ShareLinkID]bool), make(map[core.GroupID][]core.GroupID)
	for i := range rows {
		wanted[rows[i].LinkID] = true
		if g := rows[i].GroupID; !g.IsZero() {
			groups[g] = nil
		}
	}
	holders, err := r.holders(ctx, rows, groups)
	if err != nil {
		return nil, err
	}
	if err := r.trails(ctx, groups); err != nil {
		return nil, err
	}
	links, err := present(ctx, r, "share_links", wanted)
	if err != nil {
		return nil, err
	}
	out := make([]core.Visit, 0, len(rows))
	for i := range rows {
		v := &rows[i]
		if !links[v.LinkID] {
			continue
		}
		visit := core.Visit{ //nolint:exhaustruct_v5 // the visitor follows
			OrgID: v.OrgID, LinkID: v.LinkID, Groups: visited(v, groups, holders[v.AssetID]), AssetID: v.AssetID, Kind: v.Kind, Country: v.Country, Device: v.Device, At: v.At.Time,
		}
		copy(visit.Visitor[:], v.Visitor)
		out = append(out, visit)
	}
	return out, nil
}

// holders returns the groups that files are in which were downloaded from a
// group, and adds them to groups.
func (r traffic) holders(ctx context.Context, rows []waitingVisit, groups map[core.GroupID][]core.GroupID) (map[core.AssetID][]core.GroupID, error) {
	assets := make(map[core.AssetID]bool)
	for i := range rows {
		if !rows[i].GroupID.IsZero() && !rows[i].AssetID.IsZero() {
			assets[rows[i].AssetID] = true
		}
	}
	if len(assets) == 0 {
		return nil, nil
	}
	var found []struct {
		GroupID core.GroupID `bun:"group_id"`
		AssetID core.AssetID `bun:"asset_id"`
	}
	err := r.NewRaw(`SELECT group_id, asset_id FROM group_assets WHERE asset_id IN (?)`, bun.List(slices.Collect(maps.Keys(assets)))).Scan(ctx, &found)
	holders := make(map[core.AssetID][]core.GroupID, len(assets))
	for _, x := range found {
		holders[x.AssetID], groups[x.GroupID] = append(holders[x.AssetID], x.GroupID), nil
	}
	return holders, translate("groups of files", err)
}

// visited returns the groups that a visit counts for: the one that was looked
// at, or those nested in it that a file from there is in, and all they are in.
func visited(v *waitingVisit, trails map[core.GroupID][]core.GroupID, holders []core.GroupID) []core.GroupID {
	own := trails[v.GroupID]
	if slices.Contains(holders, v.GroupID) {
		return own
	}
	out := slices.Clone(own)
	for _, h := range holders {
		if !slices.Contains(trails[h], v.GroupID) {
			continue
		}
		for _, g := range trails[h] {
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// trails finds for each group itself and those it is in, and keeps them.
func (r traffic) trails(ctx context.Context, groups map[core.GroupID][]core.GroupID) error {
	if len(groups) == 0 {
		return nil
	}
	var rows []struct {
		First core.GroupID `bun:"first"`
		ID    core.GroupID `bun:"id"`
	}
	err := r.NewRaw(`WITH RECURSIVE up (first, id, parent_id, step) AS (SELECT g.id, g.id, g.parent_id, 0 FROM groups AS g WHERE g.id IN (?)
		UNION ALL SELECT up.first, g.id, g.parent_id, up.step + 1 FROM up JOIN groups AS g ON g.id = up.parent_id WHERE up.step < 100)
		SELECT first, id FROM up`, bun.List(slices.Collect(maps.Keys(groups)))).Scan(ctx, &rows)
	if err != nil {
		return translate("trails of groups", err)
	}
	wanted := make(map[core.GroupID]bool, len(rows))
	for _, row := range rows {
		wanted[row.ID] = true
	}
	there, err := present(ctx, r, "groups", wanted)
	for _, row := range rows {
		if there[row.ID] {
			groups[row.First] = append(groups[row.First], row.ID)
		}
	}
	return err
}

// present returns which of the rows are there, and keeps them from being removed
// until the transaction ends, though not from being changed.
func present[T any](ctx context.Context, r traffic, table string, ids map[core.ID[T]]bool) (map[core.ID[T]]bool, error) {
	q := r.NewSelect().Column("id").TableExpr(table).Where("id IN (?)", bun.List(slices.Collect(maps.Keys(ids)))).OrderExpr("id")
	if len(ids) == 0 {
		return nil, nil
	}
	if r.dialect.forUpdate != "" {
		q.For("KEY SHARE")
	}
	var found []core.ID[T]
	if err := q.Scan(ctx, &found); err != nil {
		return nil, translate("lock "+table, err)
	}
	there := make(map[core.ID[T]]bool, len(found))
	for _, id := range found {
		there[id] = true
	}
	return there, nil
}

// seen returns what is known of the visitors of visits.
func (r traffic) seen(ctx context.Context, visits []core.Visit) (map[core.VisitorKey]core.SeenVisitor, error) {
	asked := make(map[trafficTables]map[core.VisitorHash]bool)
	for k := range core.VisitorKeys(visits) {
		tables, _ := tablesOf(k.Subject)
		if asked[tables] == nil {
			asked[tables] = make(map[core.VisitorHash]bool)
		}
		asked[tables][k.Visitor] = true
	}
	seen := make(map[core.VisitorKey]core.SeenVisitor)
	for tables, hashes := range asked {
		for some := range slices.Chunk(slices.Collect(maps.Keys(hashes)), trafficChunk) {
			list := make([][]byte, len(some))
			for i := range some {
				list[i] = some[i][:]
			}
			var rows []visitorRow
			err := r.NewSelect().Model(&rows).ModelTableExpr("? AS t", bun.Ident(tables.visitors)).Where("t.visitor IN (?)", bun.List(list)).Scan(ctx)
			if err != nil {
				return nil, translate("visitors", err)
			}
			for i := range rows {
				row := &rows[i]
				seen[row.key(tables)] = core.SeenVisitor{OrgID: row.OrgID, First: row.First.Time, Country: row.Country, Device: row.Device}
			}
		}
	}
	return seen, nil
}

func (r *visitorRow) key(tables trafficTables) core.VisitorKey {
	var k core.VisitorKey
	if tables == groupTraffic {
		k.Subject.GroupID = core.GroupID(r.SubjectID)
	} else {
		k.Subject.LinkID = core.ShareLinkID(r.SubjectID)
	}
	copy(k.Visitor[:], r.Visitor)
	k.Via, _ = core.ParseID[core.ShareLink](r.Via) // empty: none
	return k
}

func (r traffic) addSums(ctx context.Context, tally *core.Tally) error {
	rows := make(map[trafficTables][]trafficRow)
	for k, sum := range tally.Sums {
		tables, id := tablesOf(k.Subject)
		rows[tables] = append(rows[tables], trafficRow{
			SubjectID: id, OrgID: sum.OrgID, By: k.By, Grain: k.Grain, Bucket: stamp{k.Bucket}, Key: k.Key,
			Views: sum.Views, Visitors: sum.Visitors, Downloads: sum.Downloads, LastAt: stamp{sum.LastAt},
		})
	}
	for tables, all := range rows {
		slices.SortFunc(all, func(a, b trafficRow) int {
			return cmp.Or(bytes.Compare(a.SubjectID[:], b.SubjectID[:]), cmp.Compare(a.By, b.By), cmp.Compare(a.Grain, b.Grain),
				a.Bucket.Compare(b.Bucket.Time), cmp.Compare(a.Key, b.Key))
		})
		for some := range slices.Chunk(all, trafficChunk) {
			_, err := r.NewInsert().Model(&some).ModelTableExpr("? AS t", bun.Ident(tables.sums)).
				On("CONFLICT (subject_id, dim, grain, bucket, key) DO UPDATE").
				Set("views = t.views + excluded.views, visitors = t.visitors + excluded.visitors, downloads = t.downloads + excluded.downloads").
				Set("last_at = CASE WHEN t.last_at IS NULL OR excluded.last_at > t.last_at THEN excluded.last_at ELSE t.last_at END").Exec(ctx)
			if err != nil {
				return translate("add traffic", err)
			}
		}
	}
	return nil
}

func (r traffic) addVisitors(ctx context.Context, tally *core.Tally) error {
	rows := make(map[trafficTables][]visitorRow)
	for k, who := range tally.Changed {
		tables, id := tablesOf(k.Subject)
		rows[tables] = append(rows[tables], visitorRow{
			Visitor: k.Visitor[:], SubjectID: id, Via: textOf(k.Via), OrgID: who.OrgID, First: stamp{who.First}, Country: who.Country, Device: who.Device,
		})
	}
	for tables, all := range rows {
		for some := range slices.Chunk(all, trafficChunk) {
			_, err := r.NewInsert().Model(&some).ModelTableExpr("? AS t", bun.Ident(tables.visitors)).On("CONFLICT (visitor, subject_id, via) DO UPDATE").
				Set("first = excluded.first, country = excluded.country, device = excluded.device").Exec(ctx)
			if err != nil {
				return translate("add visitors", err)
			}
		}
	}
	return nil
}
