package bunstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type groupAssetRow struct {
	bun.BaseModel `bun:"table:group_assets,alias:a"`

	GroupID     core.GroupID   `bun:"group_id,pk"`
	AssetID     core.AssetID   `bun:"asset_id,pk"`
	OrgID       core.OrgID     `bun:"org_id"`
	Position    int64          `bun:"position"`
	Section     string         `bun:"section"`
	Title       string         `bun:"title"`
	Description string         `bun:"description"`
	AddedBy     core.AccountID `bun:"added_by"`
	AddedAt     stamp          `bun:"added_at"`
}

// positionGap is between neighbours, so that most files find room between two
// others without these being touched.
const positionGap = 1 << 20

type groupAssets struct{ repository }

func (r groupAssets) Add(ctx context.Context, most int64, files ...core.GroupAsset) error {
	if len(files) == 0 {
		return nil
	}
	group, rows, ids := files[0].GroupID, make([]groupAssetRow, len(files)), make([]core.AssetID, len(files))
	var last int64
	if err := r.NewRaw(`SELECT coalesce(max(position), 0) FROM group_assets WHERE group_id = ?`, group).Scan(ctx, &last); err != nil {
		return translate("add to group", err)
	}
	for i, x := range files {
		ids[i] = x.AssetID
		rows[i] = groupAssetRow{
			GroupID: group, AssetID: x.AssetID, OrgID: x.OrgID, Position: last + int64(i+1)*positionGap, Section: x.Section, Title: x.Title,
			Description: x.Description, AddedBy: x.AddedBy, AddedAt: stamp{x.AddedAt},
		}
	}
	var there []core.AssetID
	if err := r.NewRaw(`SELECT asset_id FROM group_assets WHERE group_id = ? AND asset_id IN (?)`, group, bun.List(ids)).Scan(ctx, &there); err != nil {
		return translate("add to group", err)
	}
	if len(there) > 0 {
		return core.ErrAlreadyInGroup.With("asset_id", there[0].String())
	}
	if most != core.Unlimited { // to count takes as long as there is much
		var n int64
		if err := r.NewRaw(`SELECT count(*) FROM group_assets WHERE group_id = ?`, group).Scan(ctx, &n); err != nil {
			return translate("add to group", err)
		}
		if err := core.CheckLimit("max_assets_per_group", most, n, int64(len(files))); err != nil {
			return err
		}
	}
	_, err := r.NewInsert().Model(&rows).Exec(ctx)
	if err = translate("add to group", err); errors.Is(err, errReference) { // removed at this moment
		return core.ErrNotFound
	}
	return err
}

func (r groupAssets) Save(ctx context.Context, x core.GroupAsset) error {
	res, err := r.NewRaw(`UPDATE group_assets SET section = ?, title = ?, description = ? WHERE group_id = ? AND asset_id = ?`,
		x.Section, x.Title, x.Description, x.GroupID, x.AssetID).Exec(ctx)
	return r.all("save in group", 1)(affected("save in group", res, err))
}

func (r groupAssets) Tidy(ctx context.Context, g *core.Group) error {
	_, err := r.NewRaw(`UPDATE group_assets SET section = '' WHERE group_id = ? AND section <> '' AND section NOT IN (?)`,
		g.ID, bun.List(append([]string{""}, g.Order.Sections...))).Exec(ctx)
	return translate("tidy group", err)
}

// all makes an error of having found less than everything.
func (groupAssets) all(op string, want int) func(n int, err error) error {
	return func(n int, err error) error {
		if err == nil && n != want {
			return fmt.Errorf("%s: %w", op, core.ErrNotFound)
		}
		return err
	}
}

func (r groupAssets) Order(ctx context.Context, group core.GroupID, position int, files ...core.AssetID) error {
	if len(files) == 0 {
		return nil
	}
	base, err := r.before(ctx, group, position, files)
	if err != nil {
		return err
	}
	var numbers strings.Builder
	for i, id := range files {
		fmt.Fprintf(&numbers, " WHEN '%s' THEN %d", id, base+int64(i)*positionGap)
	}
	res, err := r.NewRaw(`UPDATE group_assets SET position = CASE asset_id? END WHERE group_id = ? AND asset_id IN (?)`,
		bun.Safe(numbers.String()), group, bun.List(files)).Exec(ctx)
	return r.all("order group", len(files))(affected("order group", res, err))
}

// before returns where the first of files goes to.
func (r groupAssets) before(ctx context.Context, group core.GroupID, position int, files []core.AssetID) (int64, error) {
	neighbours := func(from, n int) (found []int64, err error) {
		err = r.NewRaw(`SELECT position FROM group_assets WHERE group_id = ? AND asset_id NOT IN (?) ORDER BY position, asset_id LIMIT ? OFFSET ?`,
			group, bun.List(files), n, from).Scan(ctx, &found)
		return found, translate("order group", err)
	}
	if position == 0 {
		first, err := neighbours(0, 1)
		if err != nil || len(first) == 0 {
			return 0, err
		}
		return first[0] - int64(len(files))*positionGap, nil
	}
	for range 2 {
		near, err := neighbours(position-1, 2)
		switch {
		case err != nil:
			return 0, err
		case len(near) == 2 && near[1]-near[0] > 1:
			return near[0] + (near[1]-near[0])/2, nil
		case len(near) == 1:
			return near[0] + positionGap, nil
		case len(near) == 0:
			var last int64
			err := r.NewRaw(`SELECT coalesce(max(position), 0) FROM group_assets WHERE group_id = ? AND asset_id NOT IN (?)`, group, bun.List(files)).Scan(ctx, &last)
			return last + positionGap, translate("order group", err)
		}
		if err := r.spread(ctx, group); err != nil { // no room between the two
			return 0, err
		}
	}
	return 0, errors.New("bunstore: no room in a group that has just been spread")
}

// spread numbers what is in a group anew, with gaps.
func (r groupAssets) spread(ctx context.Context, group core.GroupID) error {
	_, err := r.NewRaw(`UPDATE group_assets SET position = o.n * ?0
		FROM (SELECT asset_id, row_number() OVER (ORDER BY position, asset_id) AS n FROM group_assets WHERE group_id = ?1) AS o
		WHERE group_assets.group_id = ?1 AND group_assets.asset_id = o.asset_id`, positionGap, group).Exec(ctx)
	return translate("order group", err)
}

func (r groupAssets) Remove(ctx context.Context, group core.GroupID, files ...core.AssetID) error {
	if len(files) == 0 {
		return nil
	}
	res, err := r.NewRaw(`DELETE FROM group_assets WHERE group_id = ? AND asset_id IN (?)`, group, bun.List(files)).Exec(ctx)
	return r.all("remove from group", len(files))(affected("remove from group", res, err))
}

// shownInGroup is true of a node n of drive d that those see who view a group.
const shownInGroup = `(n.status = 'ready' AND n.trashed_at IS NULL AND d.deleted_at IS NULL AND ` + notBelowTrashed + `)`

// shownInOneGroup is the same of the files of group ?0, for pages that are sorted
// by name: for these, all of its files are looked at, and so it is asked but once
// which drives have folders in the trash.
var shownInOneGroup = strings.Replace(shownInGroup, trashedFolders, `n.drive_id IN (SELECT x.id FROM drives AS x
	WHERE x.org_id = (SELECT og.org_id FROM groups AS og WHERE og.id = ?0)
	AND EXISTS (SELECT 1 FROM nodes AS t WHERE t.drive_id = x.id AND t.trashed_at IS NOT NULL AND t.kind = 'folder'))`, 1)

func (r groupAssets) List(ctx context.Context, q ports.GroupAssetQuery) ([]ports.ListedGroupAsset, error) {
	var rows []struct {
		nodeRow
		GroupID     core.GroupID   `bun:"a_group_id"`
		Section     string         `bun:"a_section"`
		Title       string         `bun:"a_title"`
		Description string         `bun:"a_description"`
		Position    int64          `bun:"a_position"`
		AddedBy     core.AccountID `bun:"a_added_by"`
		AddedAt     stamp          `bun:"a_added_at"`
		Shown       bool           `bun:"shown"`
	}
	// The page's files are found first, by as little as their order needs: a
	// database that sorts whole rows of a large group takes minutes.
	page := r.NewSelect().ColumnExpr("a.asset_id").TableExpr("group_assets AS a").
		Join("JOIN nodes AS n ON n.id = a.asset_id").Join("JOIN drives AS d ON d.id = n.drive_id").
		Where("a.group_id = ? AND n.purged_at IS NULL", q.GroupID).Limit(int64(q.Limit))
	if !q.AssetID.IsZero() {
		page.Where("a.asset_id = ?", q.AssetID)
	}
	if !q.Hidden {
		page.Where(shownInOneGroup, q.GroupID)
	}
	sel := withHash(r.NewSelect().Model(&rows).ModelTableExpr("nodes AS n")).With("page", inGroupOrder(page, q)).
		ColumnExpr(`a.group_id AS a_group_id, a.section AS a_section, a.title AS a_title, a.description AS a_description, a.position AS a_position,
			a.added_by AS a_added_by, a.added_at AS a_added_at`).ColumnExpr(shownInOneGroup+` AS shown`, q.GroupID).
		Join("JOIN group_assets AS a ON a.asset_id = n.id AND a.group_id = ?", q.GroupID).Join("JOIN drives AS d ON d.id = n.drive_id").
		Where("n.id IN (SELECT asset_id FROM page)")
	if err := inGroupOrder(sel, q).Scan(ctx); err != nil {
		return nil, translate("list group", err)
	}
	out := make([]ports.ListedGroupAsset, len(rows))
	for i := range rows {
		row := &rows[i]
		x := core.GroupAsset{
			GroupID: row.GroupID, OrgID: row.OrgID, AssetID: row.ID, Section: row.Section, Title: row.Title, Description: row.Description,
			AddedBy: row.AddedBy, AddedAt: row.AddedAt.Time,
		}
		out[i] = ports.ListedGroupAsset{GroupAsset: x, Entry: row.entry(), Hidden: !row.Shown, At: positionIn(q.Order.Sort, x, &row.nodeRow, row.Position)}
	}
	return out, nil
}

// Titles stand in for names.
const shownTitle = `CASE WHEN a.title <> '' THEN a.title ELSE n.name END`

func positionIn(sort core.GroupSort, x core.GroupAsset, n *nodeRow, position int64) ports.GroupPosition {
	at := ports.GroupPosition{Section: x.Section, AssetID: x.AssetID}
	title := x.Title
	if title == "" {
		title = n.Name
	}
	switch sort {
	case core.GroupByCustom:
		at.Number = position
	case core.GroupByDate:
		at.Number = -x.AddedAt.UnixMicro()
	case core.GroupByType:
		at.Type, at.Text = n.ContentType, title
	case core.GroupByName:
		at.Text = title
	}
	return at
}

// inGroupOrder orders files by their sections, then as the group says, and
// begins after a position.
func inGroupOrder(sel *bun.SelectQuery, q ports.GroupAssetQuery) *bun.SelectQuery {
	var keys []string
	var args, after []any
	if len(q.Order.Sections) > 0 {
		keys = append(keys, "CASE a.section"+strings.Repeat(" WHEN ? THEN ?", len(q.Order.Sections))+" ELSE 0 END")
		after = append(after, slices.Index(q.Order.Sections, q.After.Section)+1)
		for i, name := range q.Order.Sections {
			args = append(args, name, i+1)
		}
	}
	switch q.Order.Sort {
	case core.GroupByCustom:
		keys, after = append(keys, "a.position"), append(after, q.After.Number)
	case core.GroupByDate:
		keys, after = append(keys, "-a.added_at"), append(after, q.After.Number)
	case core.GroupByType:
		keys, after = append(keys, "n.content_type", shownTitle), append(after, q.After.Type, q.After.Text)
	case core.GroupByName:
		keys, after = append(keys, shownTitle), append(after, q.After.Text)
	}
	order := strings.Join(append(keys, "a.asset_id"), ", ")
	sel.OrderExpr(order, args...)
	if q.After.AssetID.IsZero() {
		return sel
	}
	all := slices.Concat(args, after, []any{q.After.AssetID})
	return sel.Where("("+order+") > (?"+strings.Repeat(", ?", len(after))+")", all...)
}

func (r groupAssets) Candidates(
	ctx context.Context, org core.OrgID, account core.AccountID, ids []core.NodeID,
) (map[core.NodeID]core.GroupCandidate, error) {
	out := make(map[core.NodeID]core.GroupCandidate, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		standingRow
		ID     core.NodeID      `bun:"id"`
		Kind   core.NodeKind    `bun:"kind"`
		Status core.AssetStatus `bun:"node_status"`
		Live   bool             `bun:"live"`
	}
	err := r.NewRaw(`SELECT n.id, n.kind, n.status AS node_status, n.trashed_at IS NULL AND `+notBelowTrashed+` AS live, `+standingAs+`
		FROM nodes AS n JOIN drives AS d ON d.id = n.drive_id AND d.deleted_at IS NULL
		JOIN accounts AS ac ON ac.org_id = n.org_id AND ac.id = ?
		LEFT JOIN drive_members AS m ON m.drive_id = d.id AND m.account_id = ac.id
		WHERE n.org_id = ? AND n.purged_at IS NULL AND n.id IN (?)`, account, org, bun.List(ids)).Scan(ctx, &rows)
	for i := range rows {
		row := &rows[i]
		out[row.ID] = core.GroupCandidate{DriveStanding: row.standing(account), NodeID: row.ID, Kind: row.Kind, Status: row.Status, Live: row.Live}
	}
	return out, translate("candidates for group", err)
}

// All reads row by row, so that it takes no memory however many there are.
func (r groupAssets) All(ctx context.Context, org core.OrgID) iter.Seq2[ports.GroupFile, error] {
	return func(yield func(ports.GroupFile, error) bool) {
		rows, err := r.QueryContext(ctx, `SELECT a.asset_id, a.group_id FROM group_assets AS a
			JOIN groups AS g ON g.id = a.group_id AND g.deleted_at IS NULL
			JOIN nodes AS n ON n.id = a.asset_id JOIN drives AS d ON d.id = n.drive_id
			WHERE a.org_id = ? AND `+shownInGroup+` ORDER BY a.asset_id`, org)
		if err != nil {
			yield(ports.GroupFile{}, translate("files of groups", err))
			return
		}
		defer func() { _ = rows.Close() }() // Err has told
		for rows.Next() {
			var f ports.GroupFile
			err := rows.Scan(&f.AssetID, &f.GroupID)
			if !yield(f, translate("files of groups", err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(ports.GroupFile{}, translate("files of groups", err))
		}
	}
}
