package bunstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// The hot page of ports.Access: what decides about a folder, and a page of it.
// On PostgreSQL both statements travel together (page_postgres.go).

// forPage finds drive $3 and in it folder $4.
var forPage = inEachForm(func(f form) string {
	return `SELECT ` + f.state + `, ac.id, coalesce(ac.status, ''), coalesce(ac.role, ''), coalesce(m.role, ''),
		coalesce(d.default_role, ''), d.org_id, d.id, d.owner_account_id, u.email, coalesce(pf.kind, ''),
		CASE WHEN pf.parent_id IS NULL OR NOT EXISTS (SELECT 1 FROM nodes AS t WHERE t.drive_id = pf.drive_id AND t.trashed_at IS NOT NULL
			AND t.kind = 'folder') THEN 0
		ELSE (` + upFrom + `pf.id` + uphill + `SELECT CASE WHEN count(up.purged_at) > 0 THEN 2 WHEN count(up.trashed_at) > 0 THEN 1 ELSE 0 END FROM up)
		END` + f.key + f.from + `
		LEFT JOIN drives d ON d.id = $3` + f.within + ` AND d.deleted_at IS NULL
			AND EXISTS (SELECT 1 FROM orgs o WHERE o.id = d.org_id AND o.deleted_at IS NULL)` + f.standing + `
		LEFT JOIN nodes pf ON pf.id = $4 AND pf.drive_id = d.id
		` + f.where
})

// Pages by name: of folder $1 in drive $2, at most $3 nodes, after the name $4.
const (
	pageOf = `SELECT n.id, n.kind, n.name, n.created_by, n.version, n.created_at, n.updated_at, n.status, n.content_type, n.size_bytes,
			n.current_version, n.newest_version, n.metadata, cv.sha256, coalesce(dv.status, ''), dv.failure, dv.thumbnail_key, dv.thumbnail_type,
			coalesce(dv.width, 0), coalesce(dv.height, 0), coalesce(dv.duration_ms, 0), dv.placeholder
		FROM nodes AS n LEFT JOIN asset_versions AS cv ON cv.asset_id = n.id AND cv.number = n.current_version
		LEFT JOIN derived AS dv ON dv.asset_id = n.id AND dv.number = n.current_version
		WHERE n.parent_id = $1 AND (n.drive_id = $2) IS TRUE AND n.trashed_at IS NULL`
	pageUp    = pageOf + ` AND n.name > $4 ORDER BY n.name LIMIT $3`
	pageDown  = pageOf + ` AND n.name < $4 ORDER BY n.name DESC LIMIT $3`
	pageOfEnd = pageOf + ` ORDER BY n.name DESC LIMIT $3`
)

// pageText returns the statement of a page by name, and its arguments. No name
// is empty.
func pageText(q ports.NodeQuery, arg func([16]byte) any) (string, []any) {
	args := []any{arg(q.ParentID), arg(q.DriveID), q.Limit}
	switch {
	case !q.Descending:
		return pageUp, append(args, q.After.Name)
	case q.After.Name == "":
		return pageOfEnd, args
	}
	return pageDown, append(args, q.After.Name)
}

// ForPage implements ports.Access.
func (s *Store) ForPage(ctx context.Context, a core.Actor, q ports.NodeQuery) (core.FolderFacts, []ports.Entry, error) {
	if q.ParentID.IsZero() {
		q.ParentID = core.RootOf(q.DriveID)
	}
	f, entries, err := s.dialect.page(ctx, s, a, q)
	if err != nil {
		return f, nil, unknownCaller("page of a folder", a, err)
	}
	for i := range entries {
		n := &entries[i].Node
		n.OrgID, n.DriveID, n.ParentID = f.OrgID, q.DriveID, q.ParentID
	}
	return f, entries, missing(f.Credential, f.DriveID.IsZero() || f.Kind == "")
}

// folderFacts are the destinations of forPage without what is about keys.
type folderFacts struct {
	core.FolderFacts
	owner core.AccountID
	trash int
}

func (f *folderFacts) into() []any {
	return append(driveFacts(&f.DriveFacts, &f.owner), &f.Email, &f.Kind, &f.trash)
}

func (f *folderFacts) facts() core.FolderFacts {
	f.Ownership = ownership(f.owner, f.AccountID)
	f.InTrash = f.trash == 1
	if f.trash > 1 {
		f.Kind = ""
	}
	return f.FolderFacts
}

func pageSQLite(ctx context.Context, s *Store, a core.Actor, q ports.NodeQuery) (core.FolderFacts, []ports.Entry, error) {
	var f folderFacts
	if err := s.ask(ctx, a, forPage, []any{a.UserID, a.SessionID, q.DriveID, q.ParentID}, &f.Credential, f.into()...); err != nil {
		return f.FolderFacts, nil, err
	}
	text, args := pageText(q, s.dialect.idArg)
	stmt, err := s.statements.get(ctx, s.read.DB, text) //nolint:sqlclosecheck // kept by statements
	if err != nil {
		return f.FolderFacts, nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return f.FolderFacts, nil, err
	}
	entries, err := scanPage(rows, q.Limit)
	return f.facts(), entries, err
}

func scanPage(rows *sql.Rows, limit int) (entries []ports.Entry, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	entries = make([]ports.Entry, 0, limit)
	for rows.Next() {
		var r pageRow
		var id core.NodeID
		var createdBy core.AccountID
		if err := rows.Scan(&id, &r.kind, &r.name, &createdBy, &r.version, &r.createdAt, &r.updatedAt, &r.status,
			&r.contentType, &r.size, &r.current, &r.newest, &r.metadata, &r.sha256, &r.derived, &r.failure, &r.key, &r.keyType,
			&r.width, &r.height, &r.duration, &r.placeholder); err != nil {
			return nil, err
		}
		r.id, r.createdBy = id, createdBy
		entry, err := r.entry()
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, rows.Err()
}

// pageRow is a row of a page as the drivers are quickest to fill it.
type pageRow struct {
	id, createdBy                   [16]byte
	kind, name, status, contentType string
	version, createdAt, updatedAt   int64
	size, current, newest           int64
	metadata, sha256                []byte

	derived                 string // empty: nothing
	failure, key, keyType   *string
	width, height, duration int64
	placeholder             []byte
}

// preview leaves out what no listing shows.
func (r *pageRow) preview() *core.Preview {
	if r.derived == "" {
		return nil
	}
	return &core.Preview{ //nolint:exhaustruct_v5 // see above
		Status: core.DerivedStatus(r.derived), Failure: core.Underivable(*r.failure), Width: int(r.width), Height: int(r.height),
		Duration: time.Duration(r.duration) * time.Millisecond, Placeholder: nilIfEmpty(r.placeholder),
		Thumbnail: core.Picture{BlobKey: *r.key, ContentType: *r.keyType}, //nolint:exhaustruct_v5 // see above
	}
}

func (r *pageRow) entry() (ports.Entry, error) {
	e := ports.Entry{
		Node: core.Node{ //nolint:exhaustruct_v5 // the rest is the folder's, or not of live nodes
			ID: r.id, Kind: core.NodeKind(r.kind), Name: r.name, CreatedBy: r.createdBy, Version: r.version,
			CreatedAt: time.UnixMicro(r.createdAt).UTC(), UpdatedAt: time.UnixMicro(r.updatedAt).UTC(),
		},
		File: core.File{
			Status: core.AssetStatus(r.status), ContentType: r.contentType, SizeBytes: r.size, SHA256: nilIfEmpty(r.sha256),
			Current: int(r.current), Newest: int(r.newest), Preview: r.preview(), Metadata: core.Metadata{}, //nolint:exhaustruct_v5 // see below
		},
	}
	const none = `{}`
	if string(r.metadata) == none {
		return e, nil
	}
	return e, json.Unmarshal(r.metadata, (*metadataJSON)(&e.File.Metadata))
}
