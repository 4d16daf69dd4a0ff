package bunstore

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// quota is the ports.Quota of a unit of work.
type quota struct {
	store *Store
	tx    *bun.Tx
}

func (q quota) Reserve(ctx context.Context, r ports.Reservation) (ports.Granted, bool, error) {
	return q.store.reserve(ctx, q.tx, r)
}

// Reserve implements ports.Quota as a unit of work of its own, in one round trip.
func (s *Store) Reserve(ctx context.Context, r ports.Reservation) (ports.Granted, bool, error) {
	return s.reserve(ctx, nil, r)
}

func (s *Store) reserve(ctx context.Context, tx *bun.Tx, r ports.Reservation) (ports.Granted, bool, error) {
	g, ok, err := s.dialect.reserve(ctx, s, tx, r)
	faultpoint.Hit(faultpoint.AfterReserve)
	if ok && r.Actor.ByKey() {
		s.uses.note(r.Actor.Key.Hash, r.Actor.At)
	}
	return g, ok, err
}

// writer is form for reservations, which find the caller's account ac in org o
// and drive d only if the credential stands. For a key or a link, $5 says when;
// a link brings new files only ($8), and into its folder alone ($6).
type writer struct{ from, stands string }

func ofEachWriter(text func(w writer) string) statement {
	people := func(session string) string {
		return text(writer{
			from: `FROM users u
	` + session + ` JOIN sessions s ON s.id = $2 AND s.user_id = u.id AND s.revoked_at IS NULL
	JOIN orgs o ON o.id = $3 AND o.deleted_at IS NULL
	JOIN accounts ac ON ac.org_id = o.id AND ac.user_id = u.id
	JOIN drives d ON d.id = coalesce($4, o.default_drive_id) AND d.org_id = o.id AND d.deleted_at IS NULL`,
			stands: `u.id = $1`,
		})
	}
	return statement{session: people(``), issuer: people(`LEFT`), key: text(writer{
		from: byKey.from + `
	JOIN orgs o ON o.id = $3 AND o.id = ko.id
	JOIN drives d ON d.id = coalesce($4, k.drive_id) AND d.org_id = o.id AND d.deleted_at IS NULL` + byKey.within,
		stands: `k.hash = $1 AND k.prefix = $2 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $5)
		AND k.permissions IN (` + permitted + `)`,
	}), link: text(writer{
		from: byLink.from + `
	JOIN orgs o ON o.id = $3 AND o.id = lo.id
	JOIN drives d ON d.id = coalesce($4, sl.drive_id) AND d.org_id = o.id AND d.deleted_at IS NULL` + byLink.within,
		stands: strings.TrimPrefix(byLink.where, `WHERE `) + ` AND (sl.expires_at IS NULL OR sl.expires_at > $5)
		AND coalesce($6, d.id) = sl.node_id AND $8 = 1`,
	})}
}

// newAssets is how many assets a reservation adds.
func newAssets(r ports.Reservation) int {
	if r.NewAsset == nil {
		return 0
	}
	return 1
}

func parentOf(r ports.Reservation) core.NodeID {
	if r.NewAsset == nil {
		return core.NodeID{}
	}
	return r.NewAsset.ParentID
}
