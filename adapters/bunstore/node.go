package bunstore

import (
	"context"
	"strings"

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
}

func newNodeRow(n *core.Node, f *core.File) *nodeRow {
	return &nodeRow{
		ID: n.ID, OrgID: n.OrgID, DriveID: n.DriveID, ParentID: n.ParentID, Kind: n.Kind,
		Name: n.Name, NameFolded: core.Fold(n.Name), CreatedBy: n.CreatedBy, TrashedAt: stamp{n.TrashedAt},
		Version: n.Version, CreatedAt: stamp{n.CreatedAt}, UpdatedAt: stamp{n.UpdatedAt},
		Status: f.Status, ContentType: f.ContentType, SizeBytes: f.SizeBytes,
		Current: f.Current, Newest: f.Newest, Metadata: metadata(f.Metadata),
	}
}

func (r *nodeRow) node() core.Node {
	return core.Node{
		ID: r.ID, OrgID: r.OrgID, DriveID: r.DriveID, ParentID: r.ParentID, Kind: r.Kind, Name: r.Name,
		CreatedBy: r.CreatedBy, TrashedAt: r.TrashedAt.Time,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

func (r *nodeRow) file() core.File {
	return core.File{
		Status: r.Status, ContentType: r.ContentType, SizeBytes: r.SizeBytes, SHA256: nilIfEmpty(r.SHA256),
		Current: r.Current, Newest: r.Newest, Metadata: core.Metadata(r.Metadata),
	}
}

func (r *nodeRow) asset() *core.Asset { return &core.Asset{Node: r.node(), File: r.file()} }

type nodes struct{ repository }

func (r nodes) List(ctx context.Context, q ports.NodeQuery) ([]ports.Entry, error) {
	var rows []nodeRow
	err := withHash(r.NewSelect().Model(&rows)).
		Where("n.parent_id = ? AND n.name > ? AND n.trashed_at IS NULL AND n.drive_id = ?", q.ParentID, q.After, q.DriveID).
		OrderExpr("n.name").Limit(int64(q.Limit)).Scan(ctx)
	if err != nil {
		return nil, translate("list nodes", err)
	}
	out := make([]ports.Entry, len(rows))
	for i := range rows {
		out[i] = ports.Entry{Node: rows[i].node(), File: rows[i].file()}
	}
	return out, nil
}

func (r nodes) NamesLike(ctx context.Context, drive core.DriveID, parent core.NodeID, prefix string, limit int) ([]string, error) {
	var names []string
	err := r.NewSelect().Model((*nodeRow)(nil)).Column("name").
		Where("n.parent_id = ? AND n.drive_id = ? AND n.trashed_at IS NULL", parent, drive).
		Where("n.name >= ? AND n.name < ?", prefix, after(prefix)).
		OrderExpr("n.name").Limit(int64(limit)).Scan(ctx, &names)
	return names, translate("names", err)
}

// withHash adds the SHA-256 of the current version, which only versions keep.
func withHash(sel *bun.SelectQuery) *bun.SelectQuery {
	return sel.ColumnExpr("n.*").ColumnExpr("cv.sha256").
		Join("LEFT JOIN asset_versions AS cv ON cv.asset_id = n.id AND cv.number = n.current_version")
}

// after returns the least text above all that begin with prefix, which must
// end with an ASCII character.
func after(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string(rune(prefix[last]+1))
}

func (r nodes) Exists(ctx context.Context, drive core.DriveID, id core.NodeID) (bool, error) {
	n, err := r.NewSelect().Model((*nodeRow)(nil)).Where("n.id = ? AND n.drive_id = ? AND n.kind = 'folder' AND n.trashed_at IS NULL", id, drive).Count(ctx)
	return n > 0, translate("find folder", err)
}

// likePattern returns a LIKE pattern that finds text anywhere, taken literally;
// the escape character is \.
func likePattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
