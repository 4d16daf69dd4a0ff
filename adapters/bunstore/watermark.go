package bunstore

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type markedCopyRow struct {
	bun.BaseModel `bun:"table:marked_copies,alias:mc"`

	AssetID     core.AssetID `bun:"asset_id,pk"`
	Number      int          `bun:"number,pk"`
	Recipient   []byte       `bun:"recipient,pk"`
	OrgID       core.OrgID   `bun:"org_id"`
	BlobKey     string       `bun:"blob_key"`
	ContentType string       `bun:"content_type"`
	SizeBytes   int64        `bun:"size_bytes"`
	CreatedAt   stamp        `bun:"created_at"`
	ExpiresAt   stamp        `bun:"expires_at"`
}

type markedCopies struct{ repository }

func (r markedCopies) Get(
	ctx context.Context, org core.OrgID, asset core.AssetID, number int, recipient []byte, now time.Time,
) (*core.MarkedCopy, error) {
	var row markedCopyRow
	err := r.NewSelect().Model(&row).Where("mc.org_id = ? AND mc.asset_id = ? AND mc.number = ? AND mc.recipient = ? AND mc.expires_at > ?",
		org, asset, number, recipient, stamp{now}).Scan(ctx)
	if err != nil {
		return nil, translate("get marked copy", err)
	}
	return &core.MarkedCopy{
		OrgID: row.OrgID, AssetID: row.AssetID, Number: row.Number, Recipient: row.Recipient, BlobKey: row.BlobKey,
		ContentType: row.ContentType, SizeBytes: row.SizeBytes, CreatedAt: row.CreatedAt.Time, ExpiresAt: row.ExpiresAt.Time,
	}, nil
}

// Add takes the place of a copy that has expired and has not been removed yet.
func (r markedCopies) Add(ctx context.Context, c *core.MarkedCopy) error {
	res, err := r.NewInsert().Model(&markedCopyRow{
		AssetID: c.AssetID, Number: c.Number, Recipient: c.Recipient, OrgID: c.OrgID, BlobKey: c.BlobKey,
		ContentType: c.ContentType, SizeBytes: c.SizeBytes, CreatedAt: stamp{c.CreatedAt}, ExpiresAt: stamp{c.ExpiresAt},
	}).On(`CONFLICT (asset_id, number, recipient) DO UPDATE SET blob_key = excluded.blob_key, content_type = excluded.content_type,
		size_bytes = excluded.size_bytes, created_at = excluded.created_at, expires_at = excluded.expires_at
		WHERE mc.expires_at <= excluded.created_at`).Returning("NULL").Exec(ctx)
	err = translate("add marked copy", err)
	if errors.Is(err, errReference) {
		return core.ErrNotFound
	}
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(translate("add marked copy", err), core.ErrConflict)
	}
	return nil
}

func (r markedCopies) RemoveExpired(ctx context.Context, t time.Time, limit int) (keys []string, err error) {
	err = r.NewRaw(`DELETE FROM marked_copies WHERE blob_key IN (SELECT blob_key FROM marked_copies WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)
		RETURNING blob_key`, stamp{t}, limit).Scan(ctx, &keys)
	return keys, translate("remove expired copies", err)
}

// Copies implements ports.Inspector.
func (s *Store) Copies(ctx context.Context, now time.Time) iter.Seq2[core.MarkedCopy, error] {
	const text = `SELECT asset_id, number, blob_key, size_bytes FROM marked_copies WHERE expires_at > $1 ORDER BY asset_id, number, recipient`
	return func(yield func(core.MarkedCopy, error) bool) {
		for scan, err := range s.each(ctx, text, stamp{now}) {
			var c core.MarkedCopy
			if err == nil {
				err = scan(&c.AssetID, &c.Number, &c.BlobKey, &c.SizeBytes)
			}
			if !yield(c, translate("fsck", err)) || err != nil {
				return
			}
		}
	}
}

// DropCopy implements ports.Inspector.
func (s *Store) DropCopy(ctx context.Context, blobKey string) (bool, error) {
	res, err := s.write.NewRaw(`DELETE FROM marked_copies WHERE blob_key = ?`, blobKey).Exec(ctx)
	if err != nil {
		return false, translate("fsck", err)
	}
	n, err := res.RowsAffected()
	return n > 0, translate("fsck", err)
}
