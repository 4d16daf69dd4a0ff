package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type identityRow struct {
	bun.BaseModel `bun:"table:identities,alias:i"`

	Issuer    string      `bun:"issuer,pk"`
	Subject   string      `bun:"subject,pk"`
	UserID    core.UserID `bun:"user_id"`
	CreatedAt stamp       `bun:"created_at"`
}

type identities struct{ repository }

func (r identities) Add(ctx context.Context, i *core.Identity) error {
	_, err := r.NewInsert().Model(&identityRow{Issuer: i.Issuer, Subject: i.Subject, UserID: i.UserID, CreatedAt: stamp{i.CreatedAt}}).Exec(ctx)
	return translate("add identity", err)
}

func (r identities) Get(ctx context.Context, issuer, subject string) (*core.Identity, error) {
	var row identityRow
	if err := r.NewSelect().Model(&row).Where("i.issuer = ? AND i.subject = ?", issuer, subject).Scan(ctx); err != nil {
		return nil, translate("get identity", err)
	}
	return &core.Identity{Issuer: row.Issuer, Subject: row.Subject, UserID: row.UserID, CreatedAt: row.CreatedAt.Time}, nil
}

func (r identities) RemoveOf(ctx context.Context, user core.UserID) error {
	_, err := r.NewRaw(`DELETE FROM identities WHERE user_id = ?`, user).Exec(ctx)
	return translate("remove identities", err)
}
