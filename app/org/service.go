// Package org holds the use cases of orgs and of the licences they have.
package org

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	Unlimited bool          // every org has all limits and features
	LinkURL   string        // what mailed links begin with, without a slash at the end
	Retention time.Duration // how long a deleted org can be restored
}

// Deps are the ports the service works on.
type Deps struct {
	Store   ports.Store
	Access  ports.Access
	Secrets ports.Secrets
	Clock   ports.Clock
	IDs     ports.IDs
	Text    ports.Text
	Zones   ports.Zones
}

// Service runs the org use cases. It is safe for concurrent use.
type Service struct {
	store   ports.Store
	access  ports.Access
	secrets ports.Secrets
	clock   ports.Clock
	ids     ports.IDs
	text    ports.Text
	zones   ports.Zones
	opts    Options
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service {
	return &Service{
		store: d.Store, access: d.Access, secrets: d.Secrets, clock: d.Clock, ids: d.IDs, text: d.Text, zones: d.Zones, opts: opts,
	}
}

// Retention is how long a deleted org can be restored.
func (s *Service) Retention() time.Duration { return s.opts.Retention }

// List returns the orgs in which the actor has an active account, by id; or
// the deleted ones that the actor can restore.
func (s *Service) List(ctx context.Context, a core.Actor, p ports.OrgPage) ([]ports.OrgEntry, error) {
	credential, err := s.access.ForUser(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := credential.Check(); err != nil {
		return nil, err
	}
	var orgs []ports.OrgEntry
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		orgs, err = tx.Orgs.ListOf(ctx, a.UserID, p)
		return err
	})
	return orgs, err
}

// Get returns one org, with the actor's place in it.
func (s *Service) Get(ctx context.Context, a core.Actor, id core.OrgID) (ports.OrgEntry, error) {
	f, err := s.may(ctx, a, id, core.ViewOrg)
	if err != nil {
		return ports.OrgEntry{}, err
	}
	var o *core.Org
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		o, err = tx.Orgs.Get(ctx, id)
		return err
	})
	if err != nil {
		return ports.OrgEntry{}, err
	}
	return ports.OrgEntry{Org: *o, AccountID: f.AccountID, Role: f.Role}, nil
}

// Licensed is the licence in force for an org and what is used of it.
type Licensed struct {
	core.OrgLicense
	Usage core.OrgUsage
}

// License returns the licence in force for an org.
func (s *Service) License(ctx context.Context, a core.Actor, id core.OrgID) (Licensed, error) {
	if _, err := s.may(ctx, a, id, core.ViewOrg); err != nil {
		return Licensed{}, err
	}
	var out Licensed
	err := s.store.View(ctx, func(tx ports.Tx) (err error) {
		if out.Usage, err = tx.Orgs.Usage(ctx, id); err != nil {
			return err
		}
		out.OrgLicense, err = s.inForce(ctx, tx, id, s.clock.Now())
		return err
	})
	return out, err
}

func (s *Service) inForce(ctx context.Context, tx ports.Tx, id core.OrgID, now time.Time) (core.OrgLicense, error) {
	if s.opts.Unlimited {
		return core.OrgLicense{License: core.UnlimitedLicense()}, nil
	}
	return tx.Licenses.InForce(ctx, id, now)
}

// user returns the user behind a credential that stands.
func (s *Service) user(ctx context.Context, a core.Actor) (u *core.User, err error) {
	credential, err := s.access.ForUser(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := credential.Check(); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		u, err = tx.Users.Get(ctx, a.UserID)
		return err
	})
	return u, err
}

// Licenses returns the licences this server knows.
func (s *Service) Licenses(ctx context.Context) ([]core.License, error) {
	var all []core.License
	err := s.store.View(ctx, func(tx ports.Tx) (err error) {
		all, err = tx.Licenses.List(ctx)
		return err
	})
	return all, err
}

// gone is the error of a credential whose user has gone since it was looked at.
func gone(err error) error {
	if errors.Is(err, core.ErrNotFound) {
		return core.ErrUnauthenticated
	}
	return err
}

func (s *Service) may(ctx context.Context, a core.Actor, id core.OrgID, action core.OrgAction) (core.OrgFacts, error) {
	f, err := s.access.ForOrg(ctx, a, id)
	if err != nil {
		return f, err
	}
	return f, core.CanInOrg(f, action)
}
