// Package group holds the use cases of groups: selections of files, nested in
// each other, with permissions of their own.
package group

import (
	"context"
	"maps"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	Unlimited      bool          // no licence limits
	TrashRetention time.Duration // how long deleted groups are kept
}

// Deps are the ports the service works on.
type Deps struct {
	Store     ports.Store
	Access    ports.Access
	Groups    ports.GroupAccess
	Blobs     ports.Blobs
	Secrets   ports.Secrets
	Passwords ports.Passwords
	Clock     ports.Clock
	IDs       ports.IDs
	Text      ports.Text
}

// Service runs the use cases of groups. It is safe for concurrent use.
type Service struct {
	Deps

	opts Options
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service { return &Service{Deps: d, opts: opts} }

// orgOf returns the org that a request is about: the one it names, or the
// actor's active one.
func orgOf(a core.Actor, org core.OrgID) core.OrgID {
	if org.IsZero() {
		return a.ActiveOrg
	}
	return org
}

// may returns what decides about a group, if the actor has the rights.
func (s *Service) may(ctx context.Context, a core.Actor, id core.GroupID, want core.GroupRights) (core.GroupFacts, error) {
	f, err := s.Groups.ForGroup(ctx, a, id)
	if err != nil {
		return f, err
	}
	return f, core.CanInGroup(f, want)
}

// locked returns a live group that nobody else changes, at the version that the
// client has seen (0: any).
func (s *Service) locked(ctx context.Context, tx ports.Tx, f core.GroupFacts, ifMatch int64) (*core.Group, error) {
	g, err := tx.Groups.Lock(ctx, f.OrgID, f.GroupID)
	switch {
	case err != nil:
		return nil, err
	case ifMatch != 0 && ifMatch != g.Version:
		return nil, core.ErrStale
	case g.Deleted():
		return nil, core.ErrGroupDeleted
	}
	return g, nil
}

func (s *Service) license(ctx context.Context, tx ports.Tx, org core.OrgID) (core.License, error) {
	if s.opts.Unlimited {
		return core.UnlimitedLicense(), nil
	}
	l, err := tx.Licenses.InForce(ctx, org, s.Clock.Now())
	return l.License, err
}

// by is who changes something, as the audit log has them.
type by struct {
	facts core.OrgFacts
	actor core.Actor
}

// itself is the server.
func itself(org core.OrgID) by {
	return by{core.OrgFacts{OrgID: org}, core.Actor{Kind: core.ActorSystem}}
}

// record writes down in the audit log what was done to a group.
func (s *Service) record(ctx context.Context, tx ports.Tx, who by, action string, g *core.Group, changes map[string]core.Change) error {
	target := app.Target{Kind: "group", ID: g.ID.String()}
	return tx.Audit.Add(ctx, app.Audited(s.IDs.NewID(), who.facts, who.actor, action, target, changes, s.Clock.Now()))
}

// did records something, and tells those outside of it as event. more goes with
// what is said of the group.
func (s *Service) did(
	ctx context.Context, tx ports.Tx, who by, event string, g *core.Group, changes map[string]core.Change, more map[string]any,
) error {
	if err := s.record(ctx, tx, who, event, g, changes); err != nil {
		return err
	}
	return s.emit(ctx, tx, event, g, more)
}

func (s *Service) emit(ctx context.Context, tx ports.Tx, event string, g *core.Group, more map[string]any) error {
	data := map[string]any{"group_id": g.ID.String(), "name": g.Name, "parent_id": nil, "is_public": g.IsPublic}
	if !g.ParentID.IsZero() {
		data["parent_id"] = g.ParentID.String()
	}
	maps.Copy(data, more)
	return app.Emit(ctx, tx, core.NewEvent(s.IDs.NewID(), g.OrgID, event, data, s.Clock.Now()))
}

// liveFor returns what decides about a group that is not deleted, if the actor
// may view it.
func (s *Service) liveFor(ctx context.Context, a core.Actor, id core.GroupID) (core.GroupFacts, error) {
	f, err := s.may(ctx, a, id, core.GroupView)
	if err == nil && f.Deleted {
		err = core.ErrGroupDeleted
	}
	return f, err
}
