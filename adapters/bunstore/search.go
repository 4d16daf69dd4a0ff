package bunstore

import (
	"context"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	// minTrigrams is the shortest text, in characters, that the index of parts
	// of names can find.
	minTrigrams = 3
	// searchWindow is how many of the newest nodes are looked at one by one.
	searchWindow = 4_000
	// searchFolders is how many folders the part of a tree that is searched may
	// have for them to be listed.
	searchFolders = 1_000
)

// Search first looks at the newest nodes one by one: what is found often fills
// its page there. The rest is rare enough to be found by its indexes and
// sorted. A database that has to choose between the two is often wrong, for it
// cannot know how rare a part of a name is.
func (r listings) Search(ctx context.Context, q ports.NodeSearch) ([]ports.Entry, error) {
	in, err := r.reach(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(q.Words) > 0 { // rare enough, and slow to look at one by one
		return r.hits(ctx, in, core.NodeID{}, q.Limit)
	}
	// As a range, the drive's nodes are in this order in one index only: that of
	// all nodes would do for equal drives, and lead through those of others.
	newest := r.NewSelect().TableExpr("nodes").Where("drive_id >= ? AND drive_id <= ?", q.DriveID, q.DriveID).
		OrderExpr("drive_id DESC, id DESC").Limit(searchWindow)
	if !q.Before.IsZero() {
		newest.Where("id < ?", q.Before)
	}
	out, err := r.entries(ctx, in.walk(in.matching(r.NewSelect().ModelTableExpr("(?) AS n", newest))).OrderExpr("n.id DESC").Limit(int64(q.Limit)))
	if err != nil || len(out) >= q.Limit {
		return out, err
	}
	var since []core.NodeID // the last of those
	if err := newest.Column("id").Offset(searchWindow-1).Limit(1).Scan(ctx, &since); err != nil || len(since) == 0 {
		return out, translate("search", err)
	}
	more, err := r.hits(ctx, in, since[0], q.Limit-len(out))
	return append(out, more...), err
}

// hits finds nodes by what is looked for, those with an id below since if that
// is not zero, newest first.
func (r listings) hits(ctx context.Context, in reach, since core.NodeID, limit int) ([]ports.Entry, error) {
	// What limits the ids is not for the indexes: it would look useful to them.
	// The way up is walked in order, so that it is only walked for one page.
	hits := in.matching(r.NewSelect().Model((*nodeRow)(nil)).Column("n.id", "n.parent_id", "n.drive_id"))
	if since.IsZero() {
		since = in.Before
	}
	sorted := r.NewSelect().TableExpr("hits").OrderExpr("id DESC")
	if !since.IsZero() {
		sorted.Where("id < ?", since)
	}
	found := in.walk(r.NewSelect().ColumnExpr("n.id").TableExpr("(?) AS n", sorted)).OrderExpr("n.id DESC").Limit(int64(limit))
	return r.entries(ctx, r.NewSelect().WithQuery(bun.NewWithQuery("hits", hits).Materialized()).
		Where("n.id IN (?)", found).OrderExpr("n.id DESC"))
}

// reach is which nodes a search looks at. What only the way up from a node can
// tell is left out of it where nothing depends on that: it is not only slow,
// its estimated costs alone lead the database astray.
type reach struct {
	ports.NodeSearch
	dialect *dialect
	folders []core.NodeID // all in the search's root; nil: too many, or the whole drive
	trash   bool          // some folder of the drive is in the trash
}

func (r listings) reach(ctx context.Context, q ports.NodeSearch) (reach, error) {
	in := reach{NodeSearch: q, dialect: r.dialect}
	err := r.NewRaw(`SELECT `+trashedFolders+` FROM nodes AS n WHERE n.id = ?`, core.RootOf(q.DriveID)).Scan(ctx, &in.trash)
	if err == nil && in.partial() {
		err = r.NewRaw(downIn+downTo+` AND c.kind = 'folder'`+downEnd+`SELECT id FROM down LIMIT ?`, q.Root, q.DriveID, searchFolders+1).
			Scan(ctx, &in.folders)
	}
	if err != nil {
		return in, translate("search", err)
	}
	if len(in.folders) > searchFolders {
		in.folders = nil
	} else if in.folders == nil {
		in.folders = []core.NodeID{}
	}
	return in, err
}

// partial reports whether the search is of a part of the drive.
func (in reach) partial() bool { return in.Root != core.RootOf(in.DriveID) }

// walk adds what depends on the folders above a node n.
func (in reach) walk(sel *bun.SelectQuery) *bun.SelectQuery {
	if in.trash {
		sel.Where(notBelowTrashed)
	}
	if in.partial() && in.folders == nil {
		sel.Where("EXISTS ("+upFrom+"n.parent_id"+uphill+"SELECT 1 FROM up WHERE up.id = ?)", in.Root)
	}
	return sel
}

// matching adds what depends on a node n itself.
func (in reach) matching(sel *bun.SelectQuery) *bun.SelectQuery {
	q := in.NodeSearch
	sel.Where("n.drive_id = ? AND n.trashed_at IS NULL AND n.parent_id IS NOT NULL", q.DriveID)
	if in.partial() && in.folders != nil {
		sel.Where("n.parent_id IN (?)", bun.List(in.folders))
	}
	switch {
	case q.Text == "":
	case utf8.RuneCountInString(q.Text) < minTrigrams:
		sel.Where("n.name_folded >= ? AND n.name_folded < ?", q.Text, after(q.Text))
	default:
		sel.Where(`n.name_folded LIKE ? ESCAPE '\'`, likePattern(q.Text))
	}
	if len(q.Words) > 0 {
		cond, args := in.dialect.textHas("n.id", "n.current_version", q.OrgID, q.Words)
		sel.Where("n.kind = 'asset'").Where(cond, args...)
	}
	if q.MinSize > 0 || q.MaxSize > 0 { // folders have none
		sel.Where("n.kind = 'asset' AND n.size_bytes >= ?", q.MinSize)
	}
	if q.MaxSize > 0 {
		sel.Where("n.size_bytes <= ?", q.MaxSize)
	}
	if q.Kind != "" {
		sel.Where("n.kind = ?", q.Kind)
	}
	if q.Type != "" {
		sel.Where("n.kind = 'asset' AND (n.content_type = ? OR n.content_type >= ? AND n.content_type < ? OR n.content_type >= ? AND n.content_type < ?)",
			q.Type, q.Type+"/", after(q.Type+"/"), q.Type+";", after(q.Type+";"))
	}
	if q.Tag != "" {
		sel.Where(in.dialect.hasTag, in.dialect.tagArg(q.Tag)).Where("n.metadata <> '{}'")
	}
	if !q.From.IsZero() {
		sel.Where("n.updated_at >= ?", stamp{q.From})
	}
	if !q.To.IsZero() {
		sel.Where("n.updated_at < ?", stamp{q.To})
	}
	return sel
}
