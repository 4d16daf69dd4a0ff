package bunstore

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// nodeRow is a folder or an asset; the fields from Status on are an asset's.
type nodeRow struct {
	bun.BaseModel `bun:"table:nodes,alias:n"`

	ID         core.NodeID    `bun:"id,pk"`
	OrgID      core.OrgID     `bun:"org_id"`
	DriveID    core.DriveID   `bun:"drive_id"`
	ParentID   core.NodeID    `bun:"parent_id"`
	Kind       core.NodeKind  `bun:"kind"`
	Name       string         `bun:"name"`
	NameFolded string         `bun:"name_folded"`
	CreatedBy  core.AccountID `bun:"created_by"`
	TrashedAt  stamp          `bun:"trashed_at"`
	PurgedAt   stamp          `bun:"purged_at"`
	Height     int            `bun:"height"`
	Version    int64          `bun:"version"`
	CreatedAt  stamp          `bun:"created_at"`
	UpdatedAt  stamp          `bun:"updated_at"`

	Status      core.AssetStatus `bun:"status"`
	ContentType string           `bun:"content_type"`
	SizeBytes   int64            `bun:"size_bytes"`
	SHA256      []byte           `bun:"sha256,scanonly"` // of the current version
	Current     int              `bun:"current_version"`
	Newest      int              `bun:"newest_version"`
	Metadata    metadata         `bun:"metadata"`

	Preview previewRow `bun:"embed:dv_"`
}

func newNodeRow(n *core.Node, f *core.File) *nodeRow {
	return &nodeRow{
		ID: n.ID, OrgID: n.OrgID, DriveID: n.DriveID, ParentID: n.ParentID, Kind: n.Kind,
		Name: n.Name, NameFolded: core.Fold(n.Name), CreatedBy: n.CreatedBy, TrashedAt: stamp{n.TrashedAt}, PurgedAt: stamp{n.PurgedAt},
		Height: n.Height, Version: n.Version, CreatedAt: stamp{n.CreatedAt}, UpdatedAt: stamp{n.UpdatedAt},
		Status: f.Status, ContentType: f.ContentType, SizeBytes: f.SizeBytes,
		Current: f.Current, Newest: f.Newest, Metadata: metadata(f.Metadata),
	}
}

func (r *nodeRow) node() core.Node {
	return core.Node{
		ID: r.ID, OrgID: r.OrgID, DriveID: r.DriveID, ParentID: r.ParentID, Kind: r.Kind, Name: r.Name,
		CreatedBy: r.CreatedBy, TrashedAt: r.TrashedAt.Time, PurgedAt: r.PurgedAt.Time,
		Height: r.Height, Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

func (r *nodeRow) file() core.File {
	return core.File{
		Status: r.Status, ContentType: r.ContentType, SizeBytes: r.SizeBytes, SHA256: nilIfEmpty(r.SHA256),
		Current: r.Current, Newest: r.Newest, Metadata: core.Metadata(r.Metadata), Preview: r.Preview.preview(),
	}
}

func (r *nodeRow) asset() *core.Asset { return &core.Asset{Node: r.node(), File: r.file()} }

func (r *nodeRow) entry() ports.Entry { return ports.Entry{Node: r.node(), File: r.file()} }

func toEntries(rows []nodeRow) []ports.Entry {
	out := make([]ports.Entry, len(rows))
	for i := range rows {
		out[i] = rows[i].entry()
	}
	return out
}

func toNodes(rows []nodeRow) []core.Node {
	out := make([]core.Node, len(rows))
	for i := range rows {
		out[i] = rows[i].node()
	}
	return out
}

type nodes struct{ repository }

// maxTrail bounds every walk up or down a tree, should one ever be broken.
const maxTrail = 200

func (r nodes) Trail(ctx context.Context, drive core.DriveID, id core.NodeID) (core.Trail, error) {
	var rows []nodeRow
	err := r.NewRaw(`WITH RECURSIVE up (id, parent_id, step) AS (
			SELECT id, parent_id, 0 FROM nodes WHERE id = ? AND drive_id = ?
			UNION ALL
			SELECT p.id, p.parent_id, up.step + 1 FROM up JOIN nodes AS p ON p.id = up.parent_id WHERE up.step < ?
		) SELECT n.* FROM up JOIN nodes AS n ON n.id = up.id ORDER BY up.step`, id, drive, maxTrail).Scan(ctx, &rows)
	if err != nil {
		return nil, translate("trail", err)
	}
	if len(rows) > 0 && !rows[len(rows)-1].ParentID.IsZero() {
		return nil, fmt.Errorf("trail: node %s does not reach the root of its drive", id)
	}
	return toNodes(rows), nil
}

func (r nodes) Get(ctx context.Context, drive core.DriveID, id core.NodeID) (*ports.Entry, error) {
	return r.one(ctx, "n.id = ? AND n.drive_id = ?", id, drive)
}

// inDrive makes sure that what was found by its parent or its id is of a drive, and
// inOrg that it is of an org. It shall not be found by that: until a table has
// statistics, PostgreSQL takes an index by the drive for as good as that of names, and
// reads the whole drive.
const (
	inDrive = "(n.drive_id = ?) IS TRUE"
	inOrg   = "(n.org_id = ?) IS TRUE"
)

func (r nodes) ByName(ctx context.Context, drive core.DriveID, parent core.NodeID, name string) (*ports.Entry, error) {
	return r.one(ctx, "n.parent_id = ? AND n.name = ? AND n.trashed_at IS NULL AND "+inDrive, parent, name, drive)
}

func (r nodes) ByNames(ctx context.Context, drive core.DriveID, parent core.NodeID, names []string) (map[string]ports.Entry, error) {
	out := make(map[string]ports.Entry, len(names))
	if len(names) == 0 {
		return out, nil
	}
	var rows []nodeRow
	err := withHash(r.NewSelect().Model(&rows)).
		Where("n.parent_id = ? AND n.name IN (?) AND n.trashed_at IS NULL AND "+inDrive, parent, bun.List(names), drive).Scan(ctx)
	for i := range rows {
		out[rows[i].Name] = rows[i].entry()
	}
	return out, translate("nodes by name", err)
}

func (r nodes) one(ctx context.Context, where string, args ...any) (*ports.Entry, error) {
	var row nodeRow
	if err := withHash(r.NewSelect().Model(&row)).Where(where, args...).Scan(ctx); err != nil {
		return nil, translate("get node", err)
	}
	e := row.entry()
	return &e, nil
}

func (r nodes) ByPath(ctx context.Context, drive core.DriveID, root core.NodeID, path []string) (*ports.Entry, error) {
	if len(path) == 0 {
		return r.one(ctx, "n.id = ? AND n.drive_id = ? AND n.trashed_at IS NULL", root, drive)
	}
	if len(path) > core.MaxDepth {
		return nil, core.ErrNotFound
	}
	// One step down by the index of names for each name, in one round trip.
	name := "CASE down.step" + strings.Repeat(" WHEN ? THEN ?", len(path)) + " END"
	args := []any{root, drive}
	for i := range path {
		args = append(args, i, path[i])
	}
	return r.one(ctx, `n.id = (WITH RECURSIVE down (id, step) AS (
			SELECT id, 0 FROM nodes WHERE id = ? AND drive_id = ? AND trashed_at IS NULL
			UNION ALL
			SELECT c.id, down.step + 1 FROM down
			JOIN nodes AS c ON c.parent_id = down.id AND c.name = `+name+` AND c.trashed_at IS NULL AND (c.drive_id = ?) IS TRUE
		) SELECT id FROM down WHERE step = ?)`, append(args, drive, len(path))...)
}

func (r nodes) Add(ctx context.Context, n *core.Node, parent core.Trail) error {
	if _, err := r.NewInsert().Model(newNodeRow(n, new(core.File))).Exec(ctx); err != nil {
		return translate("add node", err)
	}
	return r.Raise(ctx, parent, n.Height)
}

func (r nodes) Save(ctx context.Context, n *core.Node) error {
	res, err := r.NewUpdate().Model(newNodeRow(n, new(core.File))).Column(placeColumns...).
		Where("n.drive_id = ? AND n.id = ? AND n.version = ?", n.DriveID, n.ID, n.Version-1).Exec(ctx)
	return saved("save node", res, err)
}

// placeColumns are what Nodes.Save stores. The height is not among them: what
// it counts may have grown since the node was read.
var placeColumns = []string{"parent_id", "name", "name_folded", "trashed_at", "purged_at", "version", "updated_at"}

func (r nodes) Raise(ctx context.Context, parent core.Trail, height int) error {
	var ids []core.NodeID
	var heights strings.Builder
	for i := range parent {
		height++
		if parent[i].Height < height {
			parent[i].Height = height
			ids = append(ids, parent[i].ID)
			fmt.Fprintf(&heights, " WHEN '%s' THEN %d", parent[i].ID, height)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := r.NewRaw(`UPDATE nodes SET height = CASE id? END WHERE id IN (?)`, bun.Safe(heights.String()), bun.List(ids)).Exec(ctx)
	return translate("raise folders", err)
}

func (r nodes) NamesLike(ctx context.Context, drive core.DriveID, parent core.NodeID, prefix string, limit int) ([]string, error) {
	var names []string
	err := r.NewSelect().Model((*nodeRow)(nil)).Column("name").
		Where("n.parent_id = ? AND "+inDrive+" AND n.trashed_at IS NULL", parent, drive).
		Where("n.name >= ? AND n.name < ?", prefix, after(prefix)).
		OrderExpr("n.name").Limit(int64(limit)).Scan(ctx, &names)
	return names, translate("names", err)
}

// withHash adds the SHA-256 and the preview of the current version, which only
// versions keep.
func withHash(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.ColumnExpr("n.*").ColumnExpr("cv.sha256").ColumnExpr(previewColumns).
		Join("LEFT JOIN asset_versions AS cv ON cv.asset_id = n.id AND cv.number = n.current_version").
		Join("LEFT JOIN derived AS dv ON dv.asset_id = n.id AND dv.number = n.current_version")
}

// after returns the least text above all that begin with prefix, which is not
// empty: that with the next character in the place of its last.
func after(prefix string) string {
	last, size := utf8.DecodeLastRuneInString(prefix)
	next := last + 1
	switch next {
	case surrogates: // no characters
		next = afterSurrogates
	case utf8.MaxRune + 1: // nothing is above that, but what is longer
		return prefix + string(utf8.MaxRune)
	}
	return prefix[:len(prefix)-size] + string(next)
}

const surrogates, afterSurrogates = 0xD800, 0xE000

// likePattern returns a LIKE pattern that finds text anywhere, taken literally;
// the escape character is \.
func likePattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
