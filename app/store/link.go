package store

import (
	"context"
	"errors"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Links returns what is linked to a product, in order, to those who sell: it can
// be in drives that others may not see.
func (s *Service) Links(ctx context.Context, a core.Actor, org core.OrgID, id core.ProductID) (links []ports.LinkedNode, err error) {
	if _, err := s.may(ctx, a, org, core.ManageProducts); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		if _, err := tx.Products.Get(ctx, org, id); err != nil {
			return err
		}
		links, err = tx.ProductLinks.List(ctx, id)
		return err
	})
	return links, err
}

// LinkInput says what shall be linked to a product.
type LinkInput struct {
	OrgID     core.OrgID
	ProductID core.ProductID
	NodeID    core.NodeID
	Kind      core.NodeKind // that it has to be; empty: either
	Position  int           // the place in the order; beyond the end: the end
	Once      *app.Once
}

// Link makes a file or folder a part of a product. Whoever has the product
// already gets it, too, by a job. It returns core.ErrAlreadyLinked,
// core.ErrProductFull, and the refusals of core.CheckSellable.
func (s *Service) Link(ctx context.Context, a core.Actor, in LinkInput) (ports.LinkedNode, error) {
	f, err := s.may(ctx, a, in.OrgID, core.ManageProducts)
	if err != nil {
		return ports.LinkedNode{}, err
	}
	if err := s.sellable(ctx, a, in); err != nil {
		return ports.LinkedNode{}, err
	}
	now := s.Clock.Now()
	var out ports.LinkedNode
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		p, err := tx.Products.Lock(ctx, in.OrgID, in.ProductID, false)
		if err != nil {
			return err
		}
		l := &core.ProductLink{ProductID: p.ID, OrgID: in.OrgID, NodeID: in.NodeID, Position: in.Position, AddedBy: f.AccountID, AddedAt: now}
		if err := tx.ProductLinks.Add(ctx, l); err != nil {
			return err
		}
		if err := s.linked(ctx, tx, by{f, a}, p, core.Change{To: in.NodeID.String()}); err != nil {
			return err
		}
		if err := tx.Jobs.Enqueue(ctx, Spread{OrgID: p.OrgID, ProductID: p.ID, NodeID: in.NodeID}); err != nil {
			return err
		}
		if out, err = s.link(ctx, tx, p.ID, in.NodeID); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.Secrets, out, now)
	})
	return out, err
}

// sellable refuses what the actor may not sell.
func (s *Service) sellable(ctx context.Context, a core.Actor, in LinkInput) error {
	const at = "body.asset_id"
	missing := core.Invalid(at, "is no file or folder of this organisation")
	f, err := s.Access.ForNode(ctx, a, in.NodeID)
	switch {
	case errors.Is(err, core.ErrNotFound):
		return missing
	case err != nil:
		return err
	case f.OrgID != in.OrgID || errors.Is(core.CanSell(f.DriveFacts), core.ErrNotFound):
		return missing
	case in.Kind != "" && f.Node.Kind != in.Kind:
		return core.Invalid(at, "names a "+string(f.Node.Kind)+": use the other field for it")
	}
	if err := core.CanSell(f.DriveFacts); err != nil {
		return err
	}
	return s.Store.View(ctx, func(tx ports.Tx) error {
		e, err := tx.Nodes.Get(ctx, f.DriveID, in.NodeID)
		if err != nil {
			return err
		}
		t, err := tx.Nodes.Trail(ctx, f.DriveID, in.NodeID)
		if err != nil {
			return err
		}
		return core.CheckSellable(&e.Node, &e.File, t.Live())
	})
}

// linked counts a change of what is linked as one of the product.
func (s *Service) linked(ctx context.Context, tx ports.Tx, who by, p *core.Product, change core.Change) error {
	p.Touch(s.Clock.Now())
	if err := tx.Products.Save(ctx, p, core.Unlimited); err != nil {
		return err
	}
	return s.did(ctx, tx, who, "product.updated", p, map[string]core.Change{"linked": change})
}

func (s *Service) link(ctx context.Context, tx ports.Tx, product core.ProductID, node core.NodeID) (ports.LinkedNode, error) {
	links, err := tx.ProductLinks.List(ctx, product)
	if err != nil {
		return ports.LinkedNode{}, err
	}
	for i := range links {
		if links[i].NodeID == node {
			return links[i], nil
		}
	}
	return ports.LinkedNode{}, core.ErrNotFound
}

// MoveLink gives a link another place in the order.
func (s *Service) MoveLink(
	ctx context.Context, a core.Actor, org core.OrgID, id core.ProductID, node core.NodeID, position int,
) (out ports.LinkedNode, err error) {
	f, err := s.may(ctx, a, org, core.ManageProducts)
	if err != nil {
		return out, err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		p, err := tx.Products.Lock(ctx, org, id, false)
		if err != nil {
			return err
		}
		before, err := s.link(ctx, tx, id, node)
		if err != nil {
			return err
		}
		if err := tx.ProductLinks.Move(ctx, id, node, position); err != nil {
			return err
		}
		if out, err = s.link(ctx, tx, id, node); err != nil || out.Position == before.Position {
			return err
		}
		p.Touch(s.Clock.Now())
		if err := tx.Products.Save(ctx, p, core.Unlimited); err != nil {
			return err
		}
		return s.did(ctx, tx, by{f, a}, "product.updated", p, map[string]core.Change{"position": {From: before.Position, To: out.Position}})
	})
	return out, err
}

// Unlink takes a file or folder out of a product. Whoever has bought it keeps
// it. It returns core.ErrProductEmpty.
func (s *Service) Unlink(ctx context.Context, a core.Actor, org core.OrgID, id core.ProductID, node core.NodeID) error {
	f, err := s.may(ctx, a, org, core.ManageProducts)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		p, links, err := s.locked(ctx, tx, org, id, 0)
		if err != nil {
			return err
		}
		if _, err := s.link(ctx, tx, id, node); err != nil {
			return err
		}
		if err := p.CheckUnlink(len(links)); err != nil {
			return err
		}
		if err := tx.ProductLinks.Remove(ctx, id, node); err != nil {
			return err
		}
		return s.linked(ctx, tx, by{f, a}, p, core.Change{From: node.String()})
	})
}

// Spread is the job that gives what was linked to a product to those who have
// the product already: some of them, then it makes the job for those after.
type Spread struct {
	OrgID     core.OrgID         `json:"org_id"`
	ProductID core.ProductID     `json:"product_id"`
	NodeID    core.NodeID        `json:"node_id"`
	After     core.TransactionID `json:"after,omitzero"`
}

// Kind implements ports.Job.
func (Spread) Kind() string { return "store.spread" }

// Spread goes on where the job before has ended, exactly: it is made in the
// unit of work that did what came before. It ends if the link has been taken
// away again.
func (s *Service) Spread(ctx context.Context, job Spread) error {
	now := s.Clock.Now()
	err := s.Store.Update(ctx, func(tx ports.Tx) error {
		if _, err := tx.Products.Lock(ctx, job.OrgID, job.ProductID, true); err != nil {
			return err
		}
		if _, err := s.link(ctx, tx, job.ProductID, job.NodeID); err != nil {
			return err
		}
		holders, err := tx.Transactions.Holders(ctx, job.ProductID, job.After, s.opts.Batch)
		if err != nil || len(holders) == 0 {
			return err
		}
		es := make([]*core.Entitlement, len(holders))
		for i := range holders {
			h := &holders[i]
			es[i] = core.NewEntitlement(core.EntitlementID(s.IDs.NewID()), &h.Transaction, h.Subscription, job.NodeID, s.opts.Grace, now)
		}
		n, err := tx.Entitlements.Add(ctx, es...)
		if err != nil {
			return err
		}
		if n > 0 {
			err := s.emit(ctx, tx, job.OrgID, "entitlement.granted", map[string]any{
				"product_id": job.ProductID.String(), "node_ids": []string{job.NodeID.String()}, "count": n,
			})
			if err != nil {
				return err
			}
		}
		job.After = holders[len(holders)-1].Transaction.ID
		return tx.Jobs.Enqueue(ctx, job)
	})
	if errors.Is(err, core.ErrNotFound) {
		return nil // the product, or the link, is gone
	}
	return err
}
