// Package admin holds the use cases of those who run the server: over HTTP as
// platform admins, or on its machine, where the system itself acts.
package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Deps are the ports the service works on.
type Deps struct {
	Store  ports.Store
	Access ports.Access
	Queue  ports.Queue
	Clock  ports.Clock
	IDs    ports.IDs
	Text   ports.Text
}

// Service runs the operators' use cases. It is safe for concurrent use.
type Service struct {
	store  ports.Store
	access ports.Access
	queue  ports.Queue
	clock  ports.Clock
	ids    ports.IDs
	text   ports.Text
}

// NewService returns a Service on the given ports.
func NewService(d Deps) *Service {
	return &Service{store: d.Store, access: d.Access, queue: d.Queue, clock: d.Clock, ids: d.IDs, text: d.Text}
}

// System is the actor of whoever has the server's own machine.
func System() core.Actor { return core.Actor{Kind: core.ActorSystem} }

// may refuses everybody but platform admins and the system.
func (s *Service) may(ctx context.Context, a core.Actor) error {
	if a.Kind == core.ActorSystem {
		return nil
	}
	credential, err := s.access.ForUser(ctx, a)
	if err != nil {
		return err
	}
	if err := credential.Check(); err != nil {
		return err
	}
	return s.store.View(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.Get(ctx, a.UserID)
		if err == nil && !u.PlatformAdmin {
			return core.ErrForbidden
		}
		return err
	})
}

// Orgs returns orgs whose name or slug has text in it, by id, those
// with a greater id than after.
func (s *Service) Orgs(ctx context.Context, a core.Actor, text string, after core.OrgID, limit int) (orgs []ports.OrgState, err error) {
	if err := s.may(ctx, a); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		orgs, err = tx.Orgs.ListAll(ctx, s.text.NFC(text), ports.OrgPage{After: after, Limit: limit})
		return err
	})
	return orgs, err
}

// Users returns users whose address or name has text in it, by id, those
// with a greater id than after.
func (s *Service) Users(ctx context.Context, a core.Actor, text string, after core.UserID, limit int) (users []*core.User, err error) {
	if err := s.may(ctx, a); err != nil {
		return nil, err
	}
	q := ports.UserQuery{Text: s.text.NFC(text), After: after, Limit: limit}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		users, err = tx.Users.List(ctx, q)
		return err
	})
	return users, err
}

// ByEmail returns the user with that address, for the machine's own operator.
func (s *Service) ByEmail(ctx context.Context, a core.Actor, email string) (u *core.User, err error) {
	if err := s.may(ctx, a); err != nil {
		return nil, err
	}
	email, err = core.CleanEmail("email", email, s.text.NFC)
	if err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		u, err = tx.Users.ByEmail(ctx, email)
		return err
	})
	return u, err
}

// UserChange is what a change leaves alone (nil) or sets.
type UserChange struct {
	Disabled      *bool
	PlatformAdmin *bool
}

// errOneself refuses platform admins who would shut themselves out.
var errOneself = &core.Error{
	Kind: core.KindConflict, Code: "cannot_change_self", Message: "another platform admin, or the operator on the server's machine, has to do this",
}

// ChangeUser disables a user, which takes effect on the next request, lets
// them in again, or makes them a platform admin or not.
func (s *Service) ChangeUser(ctx context.Context, a core.Actor, id core.UserID, c UserChange) (u *core.User, err error) {
	if err := s.may(ctx, a); err != nil {
		return nil, err
	}
	losing := c.Disabled != nil && *c.Disabled || c.PlatformAdmin != nil && !*c.PlatformAdmin
	if losing && a.UserID == id {
		return nil, errOneself
	}
	now := s.clock.Now()
	err = s.store.Update(ctx, func(tx ports.Tx) (err error) {
		if u, err = tx.Users.Lock(ctx, id); err != nil {
			return err
		}
		before := u.Version
		if c.Disabled != nil && *c.Disabled != u.Disabled() {
			u.Disable(*c.Disabled, now)
		}
		if c.PlatformAdmin != nil && *c.PlatformAdmin != u.PlatformAdmin {
			u.Promote(*c.PlatformAdmin, now)
		}
		if u.Version == before {
			return nil
		}
		u.Version = before + 1
		return tx.Users.Save(ctx, u)
	})
	return u, err
}

// Licenses returns all licences.
func (s *Service) Licenses(ctx context.Context, a core.Actor) (all []core.License, err error) {
	if err := s.may(ctx, a); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		all, err = tx.Licenses.List(ctx)
		return err
	})
	return all, err
}

// errBuiltIn refuses changes of the tiers, which every server has alike.
var errBuiltIn = &core.Error{
	Kind: core.KindConflict, Code: "license_built_in", Message: "the four tiers are the same everywhere; define a licence of your own",
}

// PutLicense defines a licence, or changes one of the operator's own if
// replace. What it grants changes at once for the orgs that have it.
func (s *Service) PutLicense(ctx context.Context, a core.Actor, l core.License, replace bool) error {
	if err := s.may(ctx, a); err != nil {
		return err
	}
	name, err := core.CleanSlug("body.name", l.Name)
	if err != nil {
		return err
	}
	l.Name = name
	if slices.ContainsFunc(core.Tiers(), func(t core.License) bool { return t.Name == name }) {
		return errBuiltIn
	}
	if err := core.CheckLicense(l); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx ports.Tx) error { return tx.Licenses.Put(ctx, l, replace) })
}

// Assign gives an org a licence from now on, until expires (zero: no end).
func (s *Service) Assign(ctx context.Context, a core.Actor, org core.OrgID, license string, expires time.Time) error {
	if err := s.may(ctx, a); err != nil {
		return err
	}
	now := s.clock.Now()
	if !expires.IsZero() && !expires.After(now) {
		return core.Invalid("body.expires_at", "must be in the future")
	}
	return s.store.Update(ctx, func(tx ports.Tx) error {
		if _, err := tx.Orgs.Get(ctx, org); err != nil {
			return err
		}
		err := tx.Licenses.Assign(ctx, ports.LicenseAssignment{ID: s.ids.NewID(), OrgID: org, License: license, ExpiresAt: expires, Now: now})
		if errors.Is(err, core.ErrNotFound) {
			return core.Invalid("body.license", "there is no licence of this name")
		}
		if err != nil {
			return err
		}
		return tx.Audit.Add(ctx, &core.AuditEntry{
			ID: core.AuditID(s.ids.NewID()), OrgID: org, ActorKind: core.ActorSystem, ActorID: core.AccountID{}, ActorEmail: "",
			Action: "license.assigned", TargetKind: "org", TargetID: org.String(), Address: a.From.Address,
			Changes: map[string]core.Change{"license": {To: license}}, At: now,
		})
	})
}

// DeadJobs returns jobs that failed for good, latest first.
func (s *Service) DeadJobs(ctx context.Context, a core.Actor, before int64, limit int) ([]ports.DeadJob, error) {
	if err := s.may(ctx, a); err != nil {
		return nil, err
	}
	return s.queue.Dead(ctx, before, limit)
}

// RetryJob makes a dead job run again.
func (s *Service) RetryJob(ctx context.Context, a core.Actor, id int64) error {
	if err := s.may(ctx, a); err != nil {
		return err
	}
	return s.queue.Retry(ctx, id)
}
