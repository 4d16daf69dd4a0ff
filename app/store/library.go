package store

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Library returns what a user has bought and may have now, newest first.
func (s *Service) Library(ctx context.Context, a core.Actor, before core.EntitlementID, limit int) (held []ports.Held, err error) {
	if err := s.signedIn(ctx, a); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		held, err = tx.Entitlements.List(ctx, ports.EntitlementQuery{UserID: a.UserID, Now: s.Clock.Now(), Before: before, Limit: limit})
		return err
	})
	return held, err
}

// ContentsInput is a page of a folder that was bought.
type ContentsInput struct {
	ID       core.EntitlementID
	ParentID core.NodeID // the folder, or one below it; zero: that
	After    ports.ContentsPosition
	Limit    int
}

// Contents returns what is in a folder that the user has bought, also while it
// is in the trash. It returns core.ErrNotFolder.
func (s *Service) Contents(ctx context.Context, a core.Actor, in ContentsInput) (entries []ports.Entry, err error) {
	if err := s.signedIn(ctx, a); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		held, err := tx.Entitlements.Get(ctx, a.UserID, in.ID)
		if err == nil && !held.Live(s.Clock.Now()) {
			err = core.ErrNotFound
		}
		if err != nil {
			return err
		}
		if in.ParentID.IsZero() {
			in.ParentID = held.NodeID
		}
		t, err := tx.Nodes.Trail(ctx, held.Node.DriveID, in.ParentID)
		if err != nil {
			return err
		}
		n, err := t.Node()
		switch {
		case err != nil || !t.Within(held.NodeID):
			return core.ErrNotFound
		case n.Kind != core.KindFolder:
			return core.ErrNotFolder
		}
		entries, err = tx.Entitlements.Contents(ctx, ports.ContentsQuery{
			DriveID: n.DriveID, ParentID: n.ID, Bought: held.CreatedAt, After: in.After, Limit: in.Limit,
		})
		return err
	})
	return entries, err
}

// Purchases returns a user's transactions, newest first.
func (s *Service) Purchases(ctx context.Context, a core.Actor, q ports.TransactionQuery) ([]ports.TransactionEntry, error) {
	if err := s.signedIn(ctx, a); err != nil {
		return nil, err
	}
	q.OrgID, q.BuyerID = core.OrgID{}, a.UserID
	return s.transactions(ctx, q)
}

func (s *Service) transactions(ctx context.Context, q ports.TransactionQuery) (found []ports.TransactionEntry, err error) {
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		found, err = tx.Transactions.List(ctx, q)
		return err
	})
	return found, err
}

// Memberships returns a user's subscriptions, newest first.
func (s *Service) Memberships(ctx context.Context, a core.Actor, q ports.SubscriptionQuery) ([]*core.Subscription, error) {
	if err := s.signedIn(ctx, a); err != nil {
		return nil, err
	}
	q.OrgID, q.UserID = core.OrgID{}, a.UserID
	return s.subscriptions(ctx, q)
}

func (s *Service) subscriptions(ctx context.Context, q ports.SubscriptionQuery) (found []*core.Subscription, err error) {
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		found, err = tx.Subscriptions.List(ctx, q)
		return err
	})
	return found, err
}
