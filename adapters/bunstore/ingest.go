package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type ingestSessionRow struct {
	bun.BaseModel `bun:"table:ingest_sessions,alias:s"`

	ID          core.IngestSessionID  `bun:"id,pk"`
	OrgID       core.OrgID            `bun:"org_id"`
	DatasetID   core.DatasetID        `bun:"dataset_id"`
	AccountID   core.AccountID        `bun:"account_id"`
	Status      core.IngestStatus     `bun:"status"`
	BaseVersion int64                 `bun:"base_version"`
	VersionID   core.DatasetVersionID `bun:"version_id"`
	Published   int64                 `bun:"published"`
	Leased      stamp                 `bun:"leased"`
	Items       int64                 `bun:"items"`
	CreatedAt   stamp                 `bun:"created_at"`
	ExpiresAt   stamp                 `bun:"expires_at"`
	ClosedAt    stamp                 `bun:"closed_at"`
}

func newIngestSessionRow(s *core.IngestSession) *ingestSessionRow {
	return &ingestSessionRow{
		ID: s.ID, OrgID: s.OrgID, DatasetID: s.DatasetID, AccountID: s.AccountID, Status: s.Status, BaseVersion: s.BaseVersion,
		VersionID: s.VersionID, Published: s.Published, Leased: stamp{s.Leased}, Items: s.Items,
		CreatedAt: stamp{s.CreatedAt}, ExpiresAt: stamp{s.ExpiresAt}, ClosedAt: stamp{s.ClosedAt},
	}
}

func (r *ingestSessionRow) session() *core.IngestSession {
	return &core.IngestSession{
		ID: r.ID, OrgID: r.OrgID, DatasetID: r.DatasetID, AccountID: r.AccountID, Status: r.Status, BaseVersion: r.BaseVersion,
		VersionID: r.VersionID, Published: r.Published, Leased: r.Leased.Time, Items: r.Items,
		CreatedAt: r.CreatedAt.Time, ExpiresAt: r.ExpiresAt.Time, ClosedAt: r.ClosedAt.Time,
	}
}

type ingestFileRow struct {
	bun.BaseModel `bun:"table:ingest_files,alias:f"`

	SessionID core.IngestSessionID `bun:"session_id,pk"`
	Path      string               `bun:"path,pk"`
	OrgID     core.OrgID           `bun:"org_id"`
	AssetID   core.AssetID         `bun:"asset_id"`
	Number    int                  `bun:"number"`
}

type ingestSessions struct{ repository }

func (r ingestSessions) Add(ctx context.Context, s *core.IngestSession) error {
	_, err := r.NewInsert().Model(newIngestSessionRow(s)).Exec(ctx)
	return translate("add ingest session", err)
}

func (r ingestSessions) DatasetOf(ctx context.Context, id core.IngestSessionID) (dataset core.DatasetID, err error) {
	err = r.NewRaw(`SELECT dataset_id FROM ingest_sessions WHERE id = ?`, id).Scan(ctx, &dataset)
	return dataset, translate("dataset of session", err)
}

func (r ingestSessions) Get(ctx context.Context, org core.OrgID, id core.IngestSessionID) (*core.IngestSession, error) {
	return r.one(ctx, r.NewSelect(), org, id)
}

func (r ingestSessions) Lock(ctx context.Context, org core.OrgID, id core.IngestSessionID) (*core.IngestSession, error) {
	return r.one(ctx, r.alone(r.NewSelect()), org, id)
}

func (r ingestSessions) one(ctx context.Context, sel *bun.SelectQuery, org core.OrgID, id core.IngestSessionID) (*core.IngestSession, error) {
	var row ingestSessionRow
	if err := sel.Model(&row).Where("s.org_id = ? AND s.id = ?", org, id).Scan(ctx); err != nil {
		return nil, translate("get ingest session", err)
	}
	return row.session(), nil
}

func (r ingestSessions) Save(ctx context.Context, s *core.IngestSession) error {
	res, err := r.NewUpdate().Model(newIngestSessionRow(s)).ExcludeColumn("org_id", "dataset_id", "account_id", "base_version", "created_at").
		Where("s.id = ? AND s.org_id = ?", s.ID, s.OrgID).Exec(ctx)
	return saved("save ingest session", res, err)
}

func (r ingestSessions) Due(ctx context.Context, t time.Time, after core.IngestSessionID, limit int) ([]*core.IngestSession, error) {
	return r.list(ctx, r.NewSelect().Where("s.status IN ('open', 'publishing') AND (s.expires_at <= ?0 OR s.leased <= ?0) AND s.id > ?1", stamp{t}, floor(after)), limit)
}

func (r ingestSessions) Released(ctx context.Context, t time.Time, after core.IngestSessionID, limit int) ([]*core.IngestSession, error) {
	return r.list(ctx, r.NewSelect().Where("(s.status IN ('aborted', 'expired') OR s.status = 'published' AND s.closed_at <= ?) AND s.id > ?", stamp{t}, floor(after)).
		Where("EXISTS (SELECT 1 FROM ingest_files f WHERE f.session_id = s.id)"), limit)
}

func (r ingestSessions) list(ctx context.Context, sel *bun.SelectQuery, limit int) ([]*core.IngestSession, error) {
	var rows []ingestSessionRow
	err := sel.Model(&rows).OrderExpr("s.id").Limit(int64(limit)).Scan(ctx)
	out := make([]*core.IngestSession, len(rows))
	for i := range rows {
		out[i] = rows[i].session()
	}
	return out, translate("list ingest sessions", err)
}

func (r ingestSessions) PutFiles(ctx context.Context, files []core.SessionFile) error {
	if len(files) == 0 {
		return nil
	}
	rows := make([]ingestFileRow, len(files))
	for i, f := range files {
		rows[i] = ingestFileRow{SessionID: f.SessionID, Path: f.Path, OrgID: f.OrgID, AssetID: f.AssetID, Number: f.Number}
	}
	_, err := r.NewInsert().Model(&rows).On("CONFLICT (session_id, path) DO UPDATE").Set("asset_id = EXCLUDED.asset_id").Set("number = EXCLUDED.number").Exec(ctx)
	return translate("put ingest files", err)
}

func (r ingestSessions) Files(ctx context.Context, session core.IngestSessionID, after string, limit int) ([]core.SessionFile, error) {
	var rows []ingestFileRow
	err := r.NewSelect().Model(&rows).Where("f.session_id = ? AND f.path > ?", session, after).OrderExpr("f.path").Limit(int64(limit)).Scan(ctx)
	out := make([]core.SessionFile, len(rows))
	for i := range rows {
		row := &rows[i]
		out[i] = core.SessionFile{SessionID: row.SessionID, OrgID: row.OrgID, Path: row.Path, AssetID: row.AssetID, Number: row.Number}
	}
	return out, translate("list ingest files", err)
}

func (r ingestSessions) DropFiles(ctx context.Context, session core.IngestSessionID, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	_, err := r.NewRaw(`DELETE FROM ingest_files WHERE session_id = ? AND path IN (?)`, session, bun.List(paths)).Exec(ctx)
	return translate("drop ingest files", err)
}

// foundFile is a row of what Resolve looks for. Files of sessions come after
// those that are published, and the latest last.
type foundFile struct {
	AssetID core.AssetID `bun:"asset_id"`
	Number  int          `bun:"number"`
	Path    string       `bun:"path"`
	Ready   bool         `bun:"ready"`
}

func (r ingestSessions) Resolve(ctx context.Context, q ports.IngestQuery) (ports.IngestFiles, error) {
	out := ports.IngestFiles{ByPath: make(map[string]ports.IngestFile, len(q.Paths)), ByAsset: make(map[core.AssetID]ports.IngestFile, len(q.Assets))}
	const text = `SELECT f.asset_id, f.number, f.path, true AS ready, 0 AS step, f.since AS since
		FROM dataset_files f WHERE f.dataset_id = ?0 AND f.{key} IN (?2)
		UNION ALL SELECT f.asset_id, f.number, f.path, v.number IS NOT NULL, 1, 0
		FROM ingest_files f LEFT JOIN asset_versions v ON v.asset_id = f.asset_id AND v.number = f.number WHERE f.session_id = ?1 AND f.{key} IN (?2)
		ORDER BY step, since, number, path`
	if len(q.Paths) > 0 {
		found, err := r.find(ctx, text, "path", q, bun.List(q.Paths))
		if err != nil {
			return out, err
		}
		for _, f := range found {
			out.ByPath[f.Path] = ports.IngestFile(f)
		}
	}
	if len(q.Assets) > 0 {
		found, err := r.find(ctx, text, "asset_id", q, bun.List(q.Assets))
		if err != nil {
			return out, err
		}
		for _, f := range found {
			out.ByAsset[f.AssetID] = ports.IngestFile(f)
		}
	}
	return out, nil
}

func (r ingestSessions) find(ctx context.Context, text, key string, q ports.IngestQuery, in any) (rows []foundFile, err error) {
	var found []struct {
		foundFile
		Step  int   `bun:"step"`
		Since int64 `bun:"since"`
	}
	err = r.NewRaw(withKey(text, key), q.DatasetID, q.SessionID, in).Scan(ctx, &found)
	rows = make([]foundFile, len(found))
	for i := range found {
		rows[i] = found[i].foundFile
	}
	return rows, translate("resolve files", err)
}

func (r ingestSessions) Unused(
	ctx context.Context, drive core.DriveID, session core.IngestSessionID, assets []core.AssetID,
) (ids []core.AssetID, err error) {
	if len(assets) == 0 {
		return nil, nil
	}
	err = r.NewRaw(`SELECT n.id FROM nodes n WHERE n.id IN (?) AND n.drive_id = ? AND n.kind = 'asset' AND n.purged_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM dataset_files df WHERE df.asset_id = n.id)
		AND NOT EXISTS (SELECT 1 FROM ingest_files f JOIN ingest_sessions s ON s.id = f.session_id AND s.status IN ('open', 'publishing')
			WHERE f.asset_id = n.id AND f.session_id <> ?) ORDER BY n.id`, bun.List(assets), drive, session).Scan(ctx, &ids)
	return ids, translate("unused files", err)
}
