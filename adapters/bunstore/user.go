package bunstore

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID              core.UserID `bun:"id,pk"`
	Email           string      `bun:"email"`
	Name            string      `bun:"name"`
	PasswordHash    string      `bun:"password_hash"`
	PersonalOrgID   core.OrgID  `bun:"personal_org_id"`
	EmailVerifiedAt stamp       `bun:"email_verified_at"`
	PlatformAdmin   bool        `bun:"platform_admin"`
	DisabledAt      stamp       `bun:"disabled_at"`
	Version         int64       `bun:"version"`
	CreatedAt       stamp       `bun:"created_at"`
	UpdatedAt       stamp       `bun:"updated_at"`
}

func newUserRow(u *core.User) *userRow {
	return &userRow{
		ID: u.ID, Email: u.Email, Name: u.Name, PasswordHash: u.PasswordHash, PersonalOrgID: u.PersonalOrgID,
		EmailVerifiedAt: stamp{u.EmailVerifiedAt}, PlatformAdmin: u.PlatformAdmin, DisabledAt: stamp{u.DisabledAt},
		Version: u.Version, CreatedAt: stamp{u.CreatedAt}, UpdatedAt: stamp{u.UpdatedAt},
	}
}

func (r *userRow) user() *core.User {
	return &core.User{
		ID: r.ID, Email: r.Email, Name: r.Name, PasswordHash: r.PasswordHash, PersonalOrgID: r.PersonalOrgID,
		EmailVerifiedAt: r.EmailVerifiedAt.Time, PlatformAdmin: r.PlatformAdmin, DisabledAt: r.DisabledAt.Time,
		Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type users struct{ repository }

func (r users) Add(ctx context.Context, u *core.User) error {
	_, err := r.NewInsert().Model(newUserRow(u)).Exec(ctx)
	return translate("add user", err)
}

func (r users) Get(ctx context.Context, id core.UserID) (*core.User, error) {
	return r.one(ctx, "u.id = ?", id)
}

func (r users) ByEmail(ctx context.Context, email string) (*core.User, error) {
	return r.one(ctx, "u.email = ?", email)
}

func (r users) one(ctx context.Context, where string, arg any) (*core.User, error) {
	var row userRow
	if err := r.NewSelect().Model(&row).Where(where, arg).Scan(ctx); err != nil {
		return nil, translate("get user", err)
	}
	return row.user(), nil
}

func (r users) Save(ctx context.Context, u *core.User) error {
	res, err := r.NewUpdate().Model(newUserRow(u)).Where("u.id = ? AND u.version = ?", u.ID, u.Version-1).Exec(ctx)
	return saved("save user", res, err)
}

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
	var id core.SessionID
	err := r.NewRaw(`SELECT s.id FROM session_tokens t JOIN sessions s ON s.id = t.session_id
		WHERE t.hash = ? AND s.revoked_at IS NULL`, hash).Scan(ctx, &id)
	if err = translate("find session", err); errors.Is(err, core.ErrNotFound) {
		return nil, core.ErrRefreshInvalid
	}
	if err != nil {
		return nil, err
	}
	known := new(core.Session)
	known.ID = id
	return known, core.ErrRefreshReused
}

func (r sessions) Revoke(ctx context.Context, id core.SessionID, now time.Time) error {
	_, err := r.NewRaw(`UPDATE sessions SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL`, stamp{now}, id).Exec(ctx)
	return translate("revoke session", err)
}

func (r sessions) RevokeByToken(ctx context.Context, hash []byte, now time.Time) error {
	// A token that is being exchanged right now has left the one place and is
	// not yet seen in the other: only a second look, after the wait, finds it.
	for range 2 {
		res, err := r.NewRaw(`UPDATE sessions SET revoked_at = ? WHERE revoked_at IS NULL
			AND (token_hash = ? OR id IN (SELECT session_id FROM session_tokens WHERE hash = ?))`, stamp{now}, hash, hash).Exec(ctx)
		if n, err := affected("revoke session", res, err); err != nil || n > 0 {
			return err
		}
	}
	return nil
}

func (r sessions) Prune(ctx context.Context, t time.Time, limit int) (int, error) {
	res, err := r.NewRaw(`DELETE FROM sessions WHERE id IN
		(SELECT id FROM sessions WHERE expires_at < ? OR revoked_at < ? LIMIT ?)`, stamp{t}, stamp{t}, limit).Exec(ctx)
	return affected("prune sessions", res, err)
}
