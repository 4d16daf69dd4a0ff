package coffer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-755a8038/coffer/app/admin"
	"github.com/seed-755a8038/coffer/core"
)

// onSite runs what an operator does on the server's own machine. A server may be
// running.
func onSite(ctx context.Context, cfg Config, do func(s *Server) error) error {
	log, err := NewLogger(cfg, io.Discard)
	if err != nil {
		return err
	}
	if err := migrated(ctx, cfg); err != nil {
		return err
	}
	s, release, err := assemble(ctx, cfg, Build{}, toLook, log)
	if err != nil {
		return err
	}
	defer release()
	return do(s)
}

func operate(ctx context.Context, cfg Config, do func(s *admin.Service) error) error {
	return onSite(ctx, cfg, func(s *Server) error { return do(s.admin) })
}

// Licenses returns all licences.
func Licenses(ctx context.Context, cfg Config) (all []core.License, err error) {
	err = operate(ctx, cfg, func(s *admin.Service) (err error) {
		all, err = s.Licenses(ctx, admin.System())
		return err
	})
	return all, err
}

// SetLicense lets edit change a licence, or, if there is none of that name,
// defines it as edit makes it of one without limits or features.
func SetLicense(ctx context.Context, cfg Config, name string, edit func(*core.License)) error {
	return operate(ctx, cfg, func(s *admin.Service) error {
		_, err := s.ChangeLicense(ctx, admin.System(), name, 0, edit)
		if errors.Is(err, core.ErrNotFound) {
			_, err = s.AddLicense(ctx, admin.System(), name, nil, edit)
		}
		return err
	})
}

// AssignLicense gives an org a licence from now on until expires (zero: no end).
func AssignLicense(ctx context.Context, cfg Config, org, license string, expires time.Time) error {
	id, err := core.ParseID[core.Org](org)
	if err != nil {
		return fmt.Errorf("org %q: %w", org, err)
	}
	return operate(ctx, cfg, func(s *admin.Service) error { return s.Assign(ctx, admin.System(), id, license, expires) })
}

// UserChange is what a change leaves alone (nil) or sets.
type UserChange = admin.UserChange

// ChangeUser changes the user with that e-mail address.
func ChangeUser(ctx context.Context, cfg Config, email string, c UserChange) error {
	return operate(ctx, cfg, func(s *admin.Service) error {
		u, err := s.ByEmail(ctx, admin.System(), email)
		if err != nil {
			return err
		}
		_, err = s.ChangeUser(ctx, admin.System(), u.ID, c)
		return err
	})
}
