package share

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// AccessInput is a page of a link's access log. The zero value of a filter
// means any.
type AccessInput struct {
	LinkID   core.ShareLinkID
	Kind     core.AccessKind
	Refused  *bool
	From, To time.Time
	Before   core.AccessID
	Limit    int
}

// Accesses returns rows of a link's access log, newest first.
func (s *Service) Accesses(ctx context.Context, a core.Actor, in AccessInput) (rows []*core.ShareAccess, err error) {
	l, _, err := s.mine(ctx, a, in.LinkID)
	if err != nil {
		return nil, err
	}
	err = s.store.Survey(ctx, func(tx ports.Tx) (err error) {
		rows, err = tx.ShareLinks.Accesses(ctx, ports.AccessQuery{
			OrgID: l.OrgID, LinkID: l.ID, Kind: in.Kind, Refused: in.Refused, From: in.From, To: in.To, Before: in.Before, Limit: in.Limit,
		})
		return err
	})
	return rows, err
}
