package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type idempotencyRow struct {
	bun.BaseModel `bun:"table:idempotency_keys,alias:i"`

	Scope       string `bun:"scope,pk"`
	Key         string `bun:"key,pk"`
	Fingerprint []byte `bun:"fingerprint"`
	Status      int    `bun:"status"`
	Answer      []byte `bun:"answer"`
	CreatedAt   stamp  `bun:"created_at"`
	ExpiresAt   stamp  `bun:"expires_at"`
}

type idempotency struct{ repository }

func (r idempotency) Get(ctx context.Context, scope, key string, now time.Time) (*core.Idempotency, error) {
	var row idempotencyRow
	err := r.NewSelect().Model(&row).Where("i.scope = ? AND i.key = ? AND i.expires_at > ?", scope, key, stamp{now}).Scan(ctx)
	if err != nil {
		return nil, translate("get idempotency key", err)
	}
	return &core.Idempotency{
		Scope: row.Scope, Key: row.Key, Fingerprint: row.Fingerprint, Status: row.Status, Answer: row.Answer,
		CreatedAt: row.CreatedAt.Time, ExpiresAt: row.ExpiresAt.Time,
	}, nil
}

func (r idempotency) Add(ctx context.Context, i *core.Idempotency) error {
	_, err := r.NewRaw(`DELETE FROM idempotency_keys WHERE scope = ? AND key = ? AND expires_at <= ?`,
		i.Scope, i.Key, stamp{i.CreatedAt}).Exec(ctx)
	if err == nil {
		_, err = r.NewInsert().Model(&idempotencyRow{
			Scope: i.Scope, Key: i.Key, Fingerprint: i.Fingerprint, Status: i.Status, Answer: i.Answer,
			CreatedAt: stamp{i.CreatedAt}, ExpiresAt: stamp{i.ExpiresAt},
		}).Exec(ctx)
	}
	return translate("add idempotency key", err)
}

func (r idempotency) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	res, err := r.NewRaw(`DELETE FROM idempotency_keys WHERE (scope, key) IN
		(SELECT scope, key FROM idempotency_keys WHERE expires_at <= ? LIMIT ?)`, stamp{now}, limit).Exec(ctx)
	return affected("prune idempotency keys", res, err)
}
