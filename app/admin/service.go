// Package admin holds the use cases of those who run the server: over HTTP as
// platform admins, or on its machine, where the system itself acts.
package admin

import (
	"context"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Deps are the ports the service works on.
type Deps struct {
	Store      ports.Store
	Access     ports.Access
	Statistics ports.Statistics
	Queue      ports.Queue
	Secrets    ports.Secrets
	Clock      ports.Clock
	IDs        ports.IDs
	Text       ports.Text
}

// Options are the choices of the operator.
type Options struct {
	Unlimited bool // every org has all limits and features
}

// Service runs the operators' use cases. It is safe for concurrent use.
type Service struct {
	store      ports.Store
	access     ports.Access
	statistics ports.Statistics
	queue      ports.Queue
	secrets    ports.Secrets
	clock      ports.Clock
	ids        ports.IDs
	text       ports.Text
	opts       Options
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service {
	return &Service{
		store: d.Store, access: d.Access, statistics: d.Statistics, queue: d.Queue, secrets: d.Secrets, clock: d.Clock, ids: d.IDs, text: d.Text,
		opts: opts,
	}
}

// System is the actor of whoever has the server's own machine.
func System() core.Actor { return core.Actor{Kind: core.ActorSystem} }

// may refuses everybody but platform admins and the system.
func (s *Service) may(ctx context.Context, a core.Actor) error {
	_, err := s.operator(ctx, a)
	return err
}

// operator returns who acts, or refuses them.
func (s *Service) operator(ctx context.Context, a core.Actor) (operator, error) {
	if a.Kind == core.ActorSystem {
		return operator{kind: core.ActorSystem, address: a.From.Address}, nil
	}
	credential, err := s.access.ForUser(ctx, a)
	if err != nil {
		return operator{}, err
	}
	if err := credential.Check(); err != nil {
		return operator{}, err
	}
	by := operator{kind: core.ActorPlatformAdmin, address: a.From.Address}
	err = s.store.View(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.Get(ctx, a.UserID)
		if err != nil {
			return err
		}
		if !u.PlatformAdmin {
			return core.ErrForbidden
		}
		by.email = u.Email
		return nil
	})
	return by, err
}

// Orgs returns orgs whose name or slug has text in it, by id, those
// with a greater id than after.
func (s *Service) Orgs(ctx context.Context, a core.Actor, text string, after core.OrgID, limit int) (orgs []ports.OrgState, err error) {
	if err := s.may(ctx, a); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		orgs, err = tx.Orgs.ListAll(ctx, s.text.NFC(text), s.clock.Now(), ports.OrgPage{After: after, Limit: limit})
		return err
	})
	for i := range orgs {
		if s.opts.Unlimited {
			orgs[i].License = core.UnlimitedLicense().Name
		}
	}
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
	by, err := s.operator(ctx, a)
	if err != nil {
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
		before, changes := u.Version, make(map[string]core.Change)
		if c.Disabled != nil && *c.Disabled != u.Disabled() {
			changes["disabled"] = core.Change{From: u.Disabled(), To: *c.Disabled}
			u.Disable(*c.Disabled, now)
		}
		if c.PlatformAdmin != nil && *c.PlatformAdmin != u.PlatformAdmin {
			changes["platform_admin"] = core.Change{From: u.PlatformAdmin, To: *c.PlatformAdmin}
			u.Promote(*c.PlatformAdmin, now)
		}
		if u.Version == before {
			return nil
		}
		u.Version = before + 1
		if err := tx.Users.Save(ctx, u); err != nil {
			return err
		}
		return s.record(ctx, tx, by, u.PersonalOrgID, "user.updated", app.Target{Kind: "user", ID: u.ID.String()}, changes)
	})
	return u, err
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
