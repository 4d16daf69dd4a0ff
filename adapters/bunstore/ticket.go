package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type ticketRow struct {
	bun.BaseModel `bun:"table:tickets,alias:t"`

	Hash      []byte          `bun:"hash,pk"`
	Kind      core.TicketKind `bun:"kind"`
	UserID    core.UserID     `bun:"user_id"`
	AccountID core.AccountID  `bun:"account_id"`
	OrgID     core.OrgID      `bun:"org_id"`
	Email     string          `bun:"email"`
	CreatedAt stamp           `bun:"created_at"`
	ExpiresAt stamp           `bun:"expires_at"`
}

type tickets struct{ repository }

func (r tickets) Add(ctx context.Context, t *core.Ticket) error {
	if !t.UserID.IsZero() { // of two mails at once, one is the latest
		if _, err := users(r).Lock(ctx, t.UserID); err != nil {
			return err
		}
	}
	_, err := r.NewRaw(`DELETE FROM tickets WHERE kind = ? AND (user_id = ? OR account_id = ?)`, t.Kind, t.UserID, t.AccountID).Exec(ctx)
	if err == nil {
		_, err = r.NewInsert().Model(&ticketRow{
			Hash: t.Hash, Kind: t.Kind, UserID: t.UserID, AccountID: t.AccountID, OrgID: t.OrgID, Email: t.Email,
			CreatedAt: stamp{t.CreatedAt}, ExpiresAt: stamp{t.ExpiresAt},
		}).Exec(ctx)
	}
	return translate("add ticket", err)
}

func (r tickets) Take(ctx context.Context, kind core.TicketKind, hash []byte, now time.Time) (*core.Ticket, error) {
	var row ticketRow
	err := r.NewRaw(`DELETE FROM tickets WHERE hash = ? AND kind = ? AND expires_at > ? RETURNING *`, hash, kind, stamp{now}).Scan(ctx, &row)
	if err = translate("take ticket", err); errors.Is(err, core.ErrNotFound) {
		return nil, core.ErrTicketInvalid
	}
	if err != nil {
		return nil, err
	}
	return &core.Ticket{
		Hash: row.Hash, Kind: row.Kind, UserID: row.UserID, AccountID: row.AccountID, OrgID: row.OrgID, Email: row.Email,
		CreatedAt: row.CreatedAt.Time, ExpiresAt: row.ExpiresAt.Time,
	}, nil
}

func (r tickets) DropOf(ctx context.Context, kind core.TicketKind, user core.UserID) error {
	_, err := r.NewRaw(`DELETE FROM tickets WHERE kind = ? AND user_id = ?`, kind, user).Exec(ctx)
	return translate("drop tickets", err)
}

func (r tickets) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	res, err := r.NewRaw(`DELETE FROM tickets WHERE hash IN (SELECT hash FROM tickets WHERE expires_at <= ? LIMIT ?)`, stamp{now}, limit).Exec(ctx)
	return affected("prune tickets", res, err)
}
