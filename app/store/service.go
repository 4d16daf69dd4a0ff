// Package store holds the use cases of selling: products and what is linked to
// them, purchases and memberships, and what buyers have of it.
package store

import (
	"cmp"
	"context"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	Unlimited bool          // no licence limits
	Grace     time.Duration // for paying for the next period of a membership
	AppURL    string        // where buyers come back to, without a slash at its end
	Batch     int           // how many holders one unit of work reaches; 0: 1,000
}

// Providers are the ways to pay.
type Providers struct {
	Default string // the one that new purchases are paid by
	All     map[string]ports.Payments
}

// Deps are the ports the service works on.
type Deps struct {
	Store      ports.Store
	Access     ports.Access
	Blobs      ports.Blobs
	Secrets    ports.Secrets
	Currencies ports.Currencies
	Zones      ports.Zones
	Clock      ports.Clock
	IDs        ports.IDs
	Text       ports.Text
}

// Service runs the use cases of the store. It is safe for concurrent use.
type Service struct {
	Deps

	providers Providers
	opts      Options
}

// NewService returns a Service on the given ports.
func NewService(d Deps, p Providers, opts Options) *Service {
	const batch = 1_000
	opts.Batch = cmp.Or(opts.Batch, batch)
	return &Service{Deps: d, providers: p, opts: opts}
}

// may returns the actor's standing in an org, if it allows the action there.
func (s *Service) may(ctx context.Context, a core.Actor, org core.OrgID, action core.OrgAction) (core.OrgFacts, error) {
	f, err := s.Access.ForOrg(ctx, a, org)
	if err != nil {
		return f, err
	}
	return f, core.CanInOrg(f, action)
}

// user returns the user behind a credential that stands.
func (s *Service) user(ctx context.Context, a core.Actor) (u *core.User, err error) {
	if err := s.signedIn(ctx, a); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		u, err = tx.Users.Get(ctx, a.UserID)
		return err
	})
	return u, err
}

func (s *Service) signedIn(ctx context.Context, a core.Actor) error {
	c, err := s.Access.ForUser(ctx, a)
	if err != nil {
		return err
	}
	return c.Check()
}

// by is who causes something, as the audit log of the seller has them.
type by struct {
	facts core.OrgFacts
	actor core.Actor
}

// buyer is a user who need not have an account with the seller. Where they are
// is none of the seller's business.
func buyer(u *core.User, a core.Actor) by {
	a.From = core.Client{}
	return by{core.OrgFacts{Email: u.Email}, a}
}

// itself is the server, or a payment provider that tells it something.
func itself() by { return by{actor: core.Actor{Kind: core.ActorSystem}} }

func (s *Service) record(
	ctx context.Context, tx ports.Tx, who by, org core.OrgID, action string, target app.Target, changes map[string]core.Change,
) error {
	who.facts.OrgID = org
	return tx.Audit.Add(ctx, app.Audited(s.IDs.NewID(), who.facts, who.actor, action, target, changes, s.Clock.Now()))
}

// emit tells those outside of something, in the unit of work in which it happens.
func (s *Service) emit(ctx context.Context, tx ports.Tx, org core.OrgID, kind string, data map[string]any) error {
	return app.Emit(ctx, tx, core.NewEvent(s.IDs.NewID(), org, kind, data, s.Clock.Now()))
}

func (s *Service) limits(ctx context.Context, tx ports.Tx, org core.OrgID) (core.Limits, error) {
	if s.opts.Unlimited {
		return core.UnlimitedLicense().Limits, nil
	}
	l, err := tx.Licenses.InForce(ctx, org, s.Clock.Now())
	return l.Limits, err
}
