package admin

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

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

// License returns the licence of that name, or core.ErrNotFound.
func (s *Service) License(ctx context.Context, a core.Actor, name string) (*core.License, error) {
	all, err := s.Licenses(ctx, a)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
	}
	return nil, core.ErrNotFound
}

// AddLicense defines a licence of the operator's own: one without limits or
// features, as edit changes it. It returns core.ErrLicenseNameTaken and
// core.ErrLicenseBuiltIn.
func (s *Service) AddLicense(ctx context.Context, a core.Actor, name string, once *app.Once, edit func(*core.License)) (*core.License, error) {
	if err := s.may(ctx, a); err != nil {
		return nil, err
	}
	name, err := core.CleanLicenseName("body.name", name)
	if err != nil {
		return nil, err
	}
	l, err := core.NewLicense(name, edit)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	err = once.Do(ctx, s.store, s.secrets, now, func(tx ports.Tx) error {
		if err := tx.Licenses.Add(ctx, l); err != nil {
			return err
		}
		return once.Keep(ctx, tx, s.secrets, l, now)
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// ChangeLicense lets edit change a licence of the operator's own. What it
// allows changes at once for the orgs that have it. ifMatch is the version the
// client has seen, 0 for any. It returns core.ErrLicenseBuiltIn, core.ErrStale.
func (s *Service) ChangeLicense(ctx context.Context, a core.Actor, name string, ifMatch int64, edit func(*core.License)) (l *core.License, err error) {
	if err := s.may(ctx, a); err != nil {
		return nil, err
	}
	if name, err = core.CleanLicenseName("path.name", name); err != nil {
		return nil, core.ErrNotFound // no licence has such a name
	}
	err = s.store.Update(ctx, func(tx ports.Tx) (err error) {
		if l, err = tx.Licenses.Lock(ctx, name); err != nil {
			return err
		}
		if ifMatch != 0 && ifMatch != l.Version {
			return core.ErrStale
		}
		if err := l.Change(edit); err != nil {
			return err
		}
		return tx.Licenses.Save(ctx, l)
	})
	return l, err
}

// Assign gives an org a licence from now on, until expires (zero: no end).
func (s *Service) Assign(ctx context.Context, a core.Actor, org core.OrgID, license string, expires time.Time) error {
	by, err := s.operator(ctx, a)
	if err != nil {
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
		before, err := tx.Licenses.InForce(ctx, org, now)
		if err != nil {
			return err
		}
		err = tx.Licenses.Assign(ctx, ports.LicenseAssignment{ID: s.ids.NewID(), OrgID: org, License: license, ExpiresAt: expires, Now: now})
		if errors.Is(err, core.ErrNotFound) {
			return core.Invalid("body.license", "there is no licence of this name")
		}
		if err != nil {
			return err
		}
		changes := map[string]core.Change{"license": {From: before.Name, To: license}}
		if expires != before.ExpiresAt {
			changes["expires_at"] = core.Change{From: timeOrNil(before.ExpiresAt), To: timeOrNil(expires)}
		}
		return s.record(ctx, tx, by, org, "license.assigned", app.Target{Kind: "org", ID: org.String()}, changes)
	})
}

// timeOrNil is a time as the audit log has it.
func timeOrNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Format(time.RFC3339Nano)
}
