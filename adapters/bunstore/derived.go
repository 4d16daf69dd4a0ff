package bunstore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// previewRow is the part of a row of derived, dv, that is joined to its node.
type previewRow struct {
	Status         core.DerivedStatus `bun:"status,scanonly"`
	Failure        core.Underivable   `bun:"failure,scanonly"`
	Attempts       int                `bun:"attempts,scanonly"`
	ThumbnailKey   string             `bun:"thumbnail_key,scanonly"`
	ThumbnailType  string             `bun:"thumbnail_type,scanonly"`
	ThumbnailBytes int64              `bun:"thumbnail_bytes,scanonly"`
	PosterKey      string             `bun:"poster_key,scanonly"`
	PosterType     string             `bun:"poster_type,scanonly"`
	PosterBytes    int64              `bun:"poster_bytes,scanonly"`
	Width          int                `bun:"width,scanonly"`
	Height         int                `bun:"height,scanonly"`
	DurationMS     int64              `bun:"duration_ms,scanonly"`
	Placeholder    []byte             `bun:"placeholder,scanonly"`
}

const previewColumns = `dv.status AS dv_status, dv.failure AS dv_failure, dv.attempts AS dv_attempts,
	dv.thumbnail_key AS dv_thumbnail_key, dv.thumbnail_type AS dv_thumbnail_type, dv.thumbnail_bytes AS dv_thumbnail_bytes,
	dv.poster_key AS dv_poster_key, dv.poster_type AS dv_poster_type, dv.poster_bytes AS dv_poster_bytes,
	dv.width AS dv_width, dv.height AS dv_height, dv.duration_ms AS dv_duration_ms, dv.placeholder AS dv_placeholder`

// previewFacts are the columns of a prepared statement that into takes.
const previewFacts = `coalesce(dv.status, ''), coalesce(dv.failure, ''), coalesce(dv.attempts, 0),
	coalesce(dv.thumbnail_key, ''), coalesce(dv.thumbnail_type, ''), coalesce(dv.thumbnail_bytes, 0),
	coalesce(dv.poster_key, ''), coalesce(dv.poster_type, ''), coalesce(dv.poster_bytes, 0),
	coalesce(dv.width, 0), coalesce(dv.height, 0), coalesce(dv.duration_ms, 0), dv.placeholder`

func (r *previewRow) into() []any {
	return []any{
		&r.Status, &r.Failure, &r.Attempts, &r.ThumbnailKey, &r.ThumbnailType, &r.ThumbnailBytes, &r.PosterKey, &r.PosterType, &r.PosterBytes,
		&r.Width, &r.Height, &r.DurationMS, &r.Placeholder,
	}
}

// preview returns nil of a row that is not there.
func (r *previewRow) preview() *core.Preview {
	if r.Status == "" {
		return nil
	}
	return &core.Preview{
		Status: r.Status, Failure: r.Failure, Attempts: r.Attempts,
		Thumbnail: core.Picture{BlobKey: r.ThumbnailKey, ContentType: r.ThumbnailType, SizeBytes: r.ThumbnailBytes},
		Poster:    core.Picture{BlobKey: r.PosterKey, ContentType: r.PosterType, SizeBytes: r.PosterBytes},
		Width:     r.Width, Height: r.Height, Duration: time.Duration(r.DurationMS) * time.Millisecond, Placeholder: nilIfEmpty(r.Placeholder),
	}
}

type derived struct{ repository }

// derivedRow is a row of derived before anything is.
type derivedRow struct {
	bun.BaseModel `bun:"table:derived"`

	AssetID        core.AssetID       `bun:"asset_id"`
	Number         int                `bun:"number"`
	OrgID          core.OrgID         `bun:"org_id"`
	Status         core.DerivedStatus `bun:"status"`
	Failure        string             `bun:"failure"`
	Attempts       int                `bun:"attempts"`
	ThumbnailKey   string             `bun:"thumbnail_key"`
	ThumbnailType  string             `bun:"thumbnail_type"`
	ThumbnailBytes int64              `bun:"thumbnail_bytes"`
	PosterKey      string             `bun:"poster_key"`
	PosterType     string             `bun:"poster_type"`
	PosterBytes    int64              `bun:"poster_bytes"`
	Width          int                `bun:"width"`
	Height         int                `bun:"height"`
	DurationMS     int64              `bun:"duration_ms"`
	UpdatedAt      stamp              `bun:"updated_at"`
}

func (r derived) Add(ctx context.Context, now time.Time, us ...ports.Undone) ([]ports.Undone, error) {
	type key struct {
		AssetID core.AssetID `bun:"asset_id"`
		Number  int          `bun:"number"`
	}
	var out []ports.Undone
	for some := range slices.Chunk(us, plantBatch) {
		rows := make([]derivedRow, len(some))
		for i, u := range some {
			rows[i] = derivedRow{AssetID: u.AssetID, Number: u.Number, OrgID: u.OrgID, Status: core.DerivedPending, UpdatedAt: stamp{now}}
		}
		var keys []key
		err := r.NewInsert().Model(&rows).On("CONFLICT (asset_id, number) DO NOTHING").Returning("asset_id, number").Scan(ctx, &keys)
		if err = translate("add derived", err); errors.Is(err, errReference) {
			err = core.ErrNotFound
		}
		if err != nil {
			return nil, err
		}
		added := make(map[key]bool, len(keys))
		for _, k := range keys {
			added[k] = true
		}
		for _, u := range some {
			if added[key{u.AssetID, u.Number}] {
				out = append(out, u)
			}
		}
	}
	return out, nil
}

func (r derived) Get(ctx context.Context, org core.OrgID, asset core.AssetID, number int) (*core.Derived, error) {
	var row struct {
		Preview   previewRow `bun:"embed:dv_"`
		UpdatedAt stamp      `bun:"dv_updated_at"`
	}
	err := r.NewRaw(`SELECT ?, dv.updated_at AS dv_updated_at FROM derived AS dv WHERE dv.org_id = ? AND dv.asset_id = ? AND dv.number = ?`,
		bun.Safe(previewColumns), org, asset, number).Scan(ctx, &row)
	if err != nil {
		return nil, translate("get derived", err)
	}
	return &core.Derived{OrgID: org, AssetID: asset, Number: number, Preview: *row.Preview.preview(), UpdatedAt: row.UpdatedAt.Time}, nil
}

func (r derived) Finish(ctx context.Context, d *core.Derived, words []string) error {
	t, p := &d.Thumbnail, &d.Poster
	res, err := r.NewRaw(`UPDATE derived SET status = ?, failure = ?, attempts = ?, thumbnail_key = ?, thumbnail_type = ?, thumbnail_bytes = ?,
			poster_key = ?, poster_type = ?, poster_bytes = ?, width = ?, height = ?, duration_ms = ?, placeholder = ?, updated_at = ?
		WHERE org_id = ? AND asset_id = ? AND number = ? AND status = 'pending'`,
		d.Status, d.Failure, d.Attempts, t.BlobKey, t.ContentType, t.SizeBytes, p.BlobKey, p.ContentType, p.SizeBytes,
		d.Width, d.Height, d.Duration.Milliseconds(), d.Placeholder, stamp{d.UpdatedAt}, d.OrgID, d.AssetID, d.Number).Exec(ctx)
	if err := r.changed(ctx, d.OrgID, d.AssetID, d.Number)(affected("finish derived", res, err)); err != nil {
		return err
	}
	if _, err := r.NewRaw(`DELETE FROM asset_texts WHERE asset_id = ? AND number = ?`, d.AssetID, d.Number).Exec(ctx); err != nil {
		return translate("index text", err)
	}
	if len(words) == 0 {
		return nil
	}
	return translate("index text", r.dialect.addWords(ctx, r.repository, d, words))
}

func (r derived) Retry(ctx context.Context, org core.OrgID, asset core.AssetID, number int, now time.Time) error {
	res, err := r.NewRaw(`UPDATE derived SET status = 'pending', failure = '', updated_at = ?
		WHERE org_id = ? AND asset_id = ? AND number = ? AND status IN ('failed', 'unsupported')`, stamp{now}, org, asset, number).Exec(ctx)
	return r.changed(ctx, org, asset, number)(affected("retry derived", res, err))
}

// changed finds out why no row was.
func (r derived) changed(ctx context.Context, org core.OrgID, asset core.AssetID, number int) func(int, error) error {
	return func(n int, err error) error {
		if err != nil || n > 0 {
			return err
		}
		if _, err := r.Get(ctx, org, asset, number); err != nil {
			return err
		}
		return core.ErrConflict
	}
}

func (r derived) Undone(ctx context.Context, after core.AssetID, limit int) ([]ports.Undone, error) {
	var rows []struct {
		ID          core.AssetID       `bun:"id"`
		OrgID       core.OrgID         `bun:"org_id"`
		Number      int                `bun:"current_version"`
		ContentType string             `bun:"content_type"`
		Status      core.DerivedStatus `bun:"status"`
		Failure     core.Underivable   `bun:"failure"`
		UpdatedAt   stamp              `bun:"updated_at"`
	}
	err := r.NewRaw(`SELECT n.id, n.org_id, n.current_version, n.content_type, dv.status, dv.failure, dv.updated_at
		FROM nodes AS n LEFT JOIN derived AS dv ON dv.asset_id = n.id AND dv.number = n.current_version
		WHERE n.id > ? AND n.kind = 'asset' AND n.status = 'ready' AND n.purged_at IS NULL
		AND (dv.status IS NULL OR dv.status IN ('pending', 'unsupported')) ORDER BY n.id LIMIT ?`, floor(after), limit).Scan(ctx, &rows)
	if err != nil {
		return nil, translate("undone", err)
	}
	out := make([]ports.Undone, len(rows))
	for i, row := range rows {
		out[i] = ports.Undone{
			OrgID: row.OrgID, AssetID: row.ID, Number: row.Number, ContentType: row.ContentType,
			Status: row.Status, Failure: row.Failure, UpdatedAt: row.UpdatedAt.Time,
		}
	}
	return out, nil
}

// removeOf removes what is derived of assets, and returns the keys of its blobs.
func (r derived) removeOf(ctx context.Context, ids []core.AssetID) (keys []string, err error) {
	in := bun.List(ids)
	if _, err := r.NewRaw(`DELETE FROM asset_texts WHERE asset_id IN (?)`, in).Exec(ctx); err != nil {
		return nil, translate("remove texts", err)
	}
	var rows []struct {
		Thumbnail string `bun:"thumbnail_key"`
		Poster    string `bun:"poster_key"`
	}
	if err := r.NewRaw(`DELETE FROM derived WHERE asset_id IN (?) RETURNING thumbnail_key, poster_key`, in).Scan(ctx, &rows); err != nil {
		return nil, translate("remove derived", err)
	}
	for _, row := range rows {
		for _, key := range []string{row.Thumbnail, row.Poster} {
			if key != "" {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}

// textHas returns the condition that the version with that number (both are SQL)
// of an asset of the org has a text with all of the words of core.SearchWords,
// the last of them as the beginning of one.
func (d *dialect) textHas(asset, number string, org core.OrgID, words []string) (cond string, args []any) {
	from, match := d.hasWords(words)
	return "(" + asset + ", " + number + ") IN (SELECT t.asset_id, t.number FROM " + from + " AND t.org_id = ?)", []any{match, org}
}

// Words have letters, digits and marks only, so that none has to be escaped.
func hasWordsPostgres(words []string) (from, match string) {
	return `asset_texts AS t WHERE t.words @@ CAST(? AS tsquery)`, "'" + strings.Join(words, "' & '") + "':*"
}

func hasWordsSQLite(words []string) (from, match string) {
	return `asset_words JOIN asset_texts AS t ON t.id = asset_words.rowid WHERE asset_words MATCH ?`, `"` + strings.Join(words, `" "`) + `" *`
}

func addWordsPostgres(ctx context.Context, r repository, d *core.Derived, words []string) error {
	_, err := r.NewRaw(`INSERT INTO asset_texts (asset_id, number, org_id, words) VALUES (?, ?, ?, array_to_tsvector(CAST(? AS text[])))`,
		d.AssetID, d.Number, d.OrgID, pgdialect.Array(words)).Exec(ctx)
	return err
}

func addWordsSQLite(ctx context.Context, r repository, d *core.Derived, words []string) error {
	var id int64
	err := r.NewRaw(`INSERT INTO asset_texts (asset_id, number, org_id) VALUES (?, ?, ?) RETURNING id`, d.AssetID, d.Number, d.OrgID).Scan(ctx, &id)
	if err != nil {
		return err
	}
	_, err = r.NewRaw(`INSERT INTO asset_words (rowid, words) VALUES (?, ?)`, id, strings.Join(words, " ")).Exec(ctx)
	return err
}

// Pictures implements ports.Inspector.
func (s *Store) Pictures(ctx context.Context) iter.Seq2[core.Derived, error] {
	const text = `SELECT asset_id, number, thumbnail_key, thumbnail_bytes, poster_key, poster_bytes FROM derived
		WHERE thumbnail_key <> '' OR poster_key <> '' ORDER BY asset_id, number`
	return func(yield func(core.Derived, error) bool) {
		for scan, err := range s.each(ctx, text) {
			var d core.Derived
			if err == nil {
				err = scan(&d.AssetID, &d.Number, &d.Thumbnail.BlobKey, &d.Thumbnail.SizeBytes, &d.Poster.BlobKey, &d.Poster.SizeBytes)
			}
			if !yield(d, translate("fsck", err)) || err != nil {
				return
			}
		}
	}
}

// DropPictures implements ports.Inspector.
func (s *Store) DropPictures(ctx context.Context, d core.Derived) (bool, error) {
	res, err := s.write.NewRaw(`UPDATE derived SET status = 'pending', thumbnail_key = '', thumbnail_bytes = 0, poster_key = '', poster_bytes = 0
		WHERE asset_id = ? AND number = ? AND thumbnail_key = ? AND poster_key = ?`,
		d.AssetID, d.Number, d.Thumbnail.BlobKey, d.Poster.BlobKey).Exec(ctx)
	n, err := affected("fsck", res, err)
	return n > 0, err
}
