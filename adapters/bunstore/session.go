package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions,alias:s"`

	ID         core.SessionID `bun:"id,pk"`
	UserID     core.UserID    `bun:"user_id"`
	TokenHash  []byte         `bun:"token_hash"`
	UserAgent  string         `bun:"user_agent"`
	Address    string         `bun:"address"`
	CreatedAt  stamp          `bun:"created_at"`
	LastSeenAt stamp          `bun:"last_seen_at"`
	ExpiresAt  stamp          `bun:"expires_at"`
	RevokedAt  stamp          `bun:"revoked_at"`
}

func (r *sessionRow) session() *core.Session {
	return &core.Session{
		ID: r.ID, UserID: r.UserID, TokenHash: r.TokenHash, UserAgent: r.UserAgent, Address: r.Address,
		CreatedAt: r.CreatedAt.Time, LastSeenAt: r.LastSeenAt.Time, ExpiresAt: r.ExpiresAt.Time, RevokedAt: r.RevokedAt.Time,
	}
}

type sessions struct{ repository }

func (r sessions) Add(ctx context.Context, s *core.Session) error {
	_, err := r.NewInsert().Model(&sessionRow{
		ID: s.ID, UserID: s.UserID, TokenHash: s.TokenHash, UserAgent: s.UserAgent, Address: s.Address,
		CreatedAt: stamp{s.CreatedAt}, LastSeenAt: stamp{s.LastSeenAt}, ExpiresAt: stamp{s.ExpiresAt}, RevokedAt: stamp{s.RevokedAt},
	}).Exec(ctx)
	return translate("add session", err)
}

func (r sessions) ListOf(ctx context.Context, user core.UserID, now time.Time) ([]*core.Session, error) {
	var rows []sessionRow
	err := r.NewSelect().Model(&rows).Where("s.user_id = ? AND s.revoked_at IS NULL AND s.expires_at > ?", user, stamp{now}).
		OrderExpr("s.id").Scan(ctx)
	if err != nil {
		return nil, translate("list sessions", err)
	}
	out := make([]*core.Session, len(rows))
	for i := range rows {
		out[i] = rows[i].session()
	}
	return out, nil
}

func (r sessions) RevokeOf(ctx context.Context, user core.UserID, keep core.SessionID, now time.Time) error {
	_, err := r.NewRaw(`UPDATE sessions SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL AND id <> ?`,
		stamp{now}, user, floor(keep)).Exec(ctx)
	return translate("revoke sessions", err)
}

func (r sessions) RemoveOf(ctx context.Context, user core.UserID) error {
	_, err := r.NewRaw(`DELETE FROM sessions WHERE user_id = ?`, user).Exec(ctx) // their tokens go with them
	return translate("remove sessions", err)
}

func (r sessions) Rotate(ctx context.Context, n ports.Rotation) (*core.Session, error) {
	var row sessionRow
	err := r.NewRaw(`UPDATE sessions SET token_hash = ?, user_agent = ?, address = ?, last_seen_at = ?, expires_at = ?
		WHERE token_hash = ? AND revoked_at IS NULL AND expires_at > ? RETURNING *`,
		n.NewHash, n.From.UserAgent, n.From.Address, stamp{n.Now}, stamp{n.ExpiresAt}, n.OldHash, stamp{n.Now}).Scan(ctx, &row)
	if err = translate("rotate session", err); errors.Is(err, core.ErrNotFound) {
		return r.reused(ctx, n.OldHash)
	}
	if err != nil {
		return nil, err
	}
	_, err = r.NewRaw(`INSERT INTO session_tokens (hash, session_id) VALUES (?, ?)`, n.OldHash, row.ID).Exec(ctx)
	return row.session(), translate("rotate session", err)
}

// reused tells a token that was exchanged before from one nobody knows.
func (r sessions) reused(ctx context.Context, hash []byte) (*core.Session, error) {
	known := new(core.Session)
	err := r.NewRaw(`SELECT s.id, s.user_id FROM session_tokens t JOIN sessions s ON s.id = t.session_id
		WHERE t.hash = ? AND s.revoked_at IS NULL`, hash).Scan(ctx, &known.ID, &known.UserID)
	if err = translate("find session", err); errors.Is(err, core.ErrNotFound) {
		return nil, core.ErrRefreshInvalid
	}
	if err != nil {
		return nil, err
	}
	return known, core.ErrRefreshReused
}

func (r sessions) Revoke(ctx context.Context, id core.SessionID, now time.Time) error {
	_, err := r.NewRaw(`UPDATE sessions SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`, stamp{now}, id).Exec(ctx)
	return translate("revoke session", err)
}

func (r sessions) RevokeByToken(ctx context.Context, hash []byte, now time.Time) (core.Session, error) {
	// A token that is being exchanged right now has left the one place and is
	// not yet seen in the other: only a second look, after the wait, finds it.
	var none core.Session
	for range 2 {
		var row sessionRow
		err := r.NewRaw(`UPDATE sessions SET revoked_at = ? WHERE revoked_at IS NULL
			AND (token_hash = ? OR id IN (SELECT session_id FROM session_tokens WHERE hash = ?)) RETURNING *`, stamp{now}, hash, hash).Scan(ctx, &row)
		if err = translate("revoke session", err); err == nil {
			return *row.session(), nil
		}
		if !errors.Is(err, core.ErrNotFound) {
			return none, err
		}
	}
	return none, nil
}

func (r sessions) Prune(ctx context.Context, t time.Time, limit int) (int, error) {
	res, err := r.NewRaw(`DELETE FROM sessions WHERE id IN
		(SELECT id FROM sessions WHERE expires_at < ? OR revoked_at < ? LIMIT ?)`, stamp{t}, stamp{t}, limit).Exec(ctx)
	return affected("prune sessions", res, err)
}
