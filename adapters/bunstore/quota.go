package bunstore

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// quota is the ports.Quota of a unit of work.
type quota struct {
	store *Store
	tx    *bun.Tx
}

func (q quota) Reserve(ctx context.Context, r ports.Reservation) (ports.Granted, bool, error) {
	return q.store.dialect.reserve(ctx, q.store, q.tx, r)
}

// Reserve implements ports.Quota as a unit of work of its own, in one round trip.
func (s *Store) Reserve(ctx context.Context, r ports.Reservation) (ports.Granted, bool, error) {
	return s.dialect.reserve(ctx, s, nil, r)
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
