package org

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// CreateInput is a new org for several people.
type CreateInput struct {
	Name string
	Slug string // empty: made of the name
	Once *app.Once
}

// Created is everything that a new org begins with.
type Created struct {
	Org      *core.Org
	Account  *core.Account
	Library  *core.Drive
	Personal *core.Drive
}

// Create makes an org with its owner, the owner's personal drive and the
// shared drive Library, all or nothing. It returns core.ErrSlugTaken.
func (s *Service) Create(ctx context.Context, a core.Actor, in CreateInput) (*Created, error) {
	now := s.clock.Now()
	u, err := s.user(ctx, a)
	if err != nil {
		return nil, err
	}
	name, err := core.CleanTitle("body.name", in.Name, s.text.NFC)
	if err != nil {
		return nil, err
	}
	id := core.OrgID(s.ids.NewID())
	slug := core.PersonalSlug(name, id)
	if in.Slug != "" {
		if slug, err = core.CleanSlug("body.slug", in.Slug); err != nil {
			return nil, err
		}
	}
	c := &Created{Org: core.NewOrg(id, name, slug, now), Account: core.NewOwner(core.AccountID(s.ids.NewID()), id, u.ID, now)}
	c.Library = core.NewLibrary(core.DriveID(s.ids.NewID()), id, now)
	c.Personal = core.NewPersonalDrive(core.DriveID(s.ids.NewID()), id, c.Account.ID, now)
	f := core.OrgFacts{OrgID: id, AccountID: c.Account.ID, Status: core.AccountActive, Role: core.OrgOwner, Email: u.Email}
	err = in.Once.Do(ctx, s.store, s.secrets, now, func(tx ports.Tx) error {
		if _, err := tx.Users.Lock(ctx, u.ID); err != nil { // who goes at this moment founds nothing
			return gone(err)
		}
		if err := tx.Orgs.Add(ctx, c.Org, c.Library.ID); err != nil {
			return err
		}
		if err := tx.Accounts.Add(ctx, c.Account); err != nil {
			return err
		}
		for _, d := range []*core.Drive{c.Library, c.Personal} {
			if err := tx.Drives.Add(ctx, d); err != nil {
				return err
			}
		}
		if err := s.record(ctx, tx, f, a, "org.created", orgTarget(c.Org), nil); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.secrets, c, now)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// UpdateInput is what an update leaves alone (nil) or sets.
type UpdateInput struct {
	Name     *string
	Slug     *string
	TimeZone *string
	Branding *core.Branding
	Sharing  *core.SharePolicy
	IfMatch  int64 // the version the client has seen; 0: any

	DefaultDriveID *core.DriveID
}

// Update changes an org's name, slug, settings or branding. It returns
// core.ErrSlugTaken, core.ErrStale, and for branding the code feature_unavailable.
func (s *Service) Update(ctx context.Context, a core.Actor, id core.OrgID, in UpdateInput) (ports.OrgEntry, error) {
	f, err := s.may(ctx, a, id, core.EditOrg)
	if err != nil {
		return ports.OrgEntry{}, err
	}
	c, err := s.cleanChange(in)
	if err != nil {
		return ports.OrgEntry{}, err
	}
	var o *core.Org
	now := s.clock.Now()
	err = s.store.Update(ctx, func(tx ports.Tx) (err error) {
		if c.DefaultDriveID != nil { // so that nobody deletes the drive meanwhile
			if _, err := tx.Accounts.Roster(ctx, id); err != nil {
				return err
			}
		}
		if o, err = tx.Orgs.Get(ctx, id); err != nil {
			return err
		}
		if in.IfMatch != 0 && in.IfMatch != o.Version {
			return core.ErrStale
		}
		if c.DefaultDriveID != nil {
			if err := checkDefaultDrive(ctx, tx, o, *c.DefaultDriveID); err != nil {
				return err
			}
		}
		if c.Branding != nil {
			if err := s.checkBranding(ctx, tx, id, *c.Branding, now); err != nil {
				return err
			}
		}
		before := *o
		o.Change(c, now)
		if err := tx.Orgs.Save(ctx, o); err != nil {
			return err
		}
		return s.record(ctx, tx, f, a, "org.updated", orgTarget(o), orgChanges(&before, o))
	})
	if err != nil {
		return ports.OrgEntry{}, err
	}
	return ports.OrgEntry{Org: *o, AccountID: f.AccountID, Role: f.Role}, nil
}

func checkDefaultDrive(ctx context.Context, tx ports.Tx, o *core.Org, id core.DriveID) error {
	d, err := tx.Drives.Get(ctx, o.ID, id)
	if errors.Is(err, core.ErrNotFound) {
		d, err = &core.Drive{}, nil // of no org
	}
	if err != nil {
		return err
	}
	return o.CheckDefaultDrive(d)
}

func (s *Service) cleanChange(in UpdateInput) (c core.OrgChange, err error) {
	c.DefaultDriveID, c.Sharing = in.DefaultDriveID, in.Sharing
	if in.Sharing != nil {
		if err := core.CheckSharePolicy(*in.Sharing); err != nil {
			return c, err
		}
	}
	if in.Name != nil {
		name, err := core.CleanTitle("body.name", *in.Name, s.text.NFC)
		if err != nil {
			return c, err
		}
		c.Name = &name
	}
	if in.Slug != nil {
		slug, err := core.CleanSlug("body.slug", *in.Slug)
		if err != nil {
			return c, err
		}
		c.Slug = &slug
	}
	if in.TimeZone != nil {
		zone, err := core.CleanTimeZone("body.settings.time_zone", *in.TimeZone, s.zones.Known)
		if err != nil {
			return c, err
		}
		c.TimeZone = &zone
	}
	if in.Branding != nil {
		b := *in.Branding
		if b.PrimaryColor, err = core.CleanColor("body.branding.primary_color", b.PrimaryColor); err != nil {
			return c, err
		}
		if b.AccentColor, err = core.CleanColor("body.branding.accent_color", b.AccentColor); err != nil {
			return c, err
		}
		c.Branding = &b
	}
	return c, nil
}

// checkBranding refuses branding that the licence does not include, and a logo
// that is not a finished file of the org.
func (s *Service) checkBranding(ctx context.Context, tx ports.Tx, org core.OrgID, b core.Branding, now time.Time) error {
	license, err := s.inForce(ctx, tx, org, now)
	if err != nil {
		return err
	}
	if b == (core.Branding{}) {
		return nil // what a licence no longer includes can still be cleared
	}
	if err := license.CheckFeature(core.FeatureBranding); err != nil {
		return err
	}
	if b.LogoAssetID.IsZero() {
		return nil
	}
	logo, err := tx.Assets.Get(ctx, org, b.LogoAssetID)
	if err != nil || logo.Status != core.AssetReady || logo.Trashed() {
		return core.Invalid("body.branding.logo_asset_id", "is not a finished file of this organisation")
	}
	return nil
}

// Delete closes an org to everybody, at once. Its data stays until it is
// purged, see Options.Retention.
func (s *Service) Delete(ctx context.Context, a core.Actor, id core.OrgID, ifMatch int64) error {
	f, err := s.may(ctx, a, id, core.DeleteOrg)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	return s.store.Update(ctx, func(tx ports.Tx) error {
		o, err := tx.Orgs.Get(ctx, id)
		if err != nil {
			return err
		}
		if ifMatch != 0 && ifMatch != o.Version {
			return core.ErrStale
		}
		if err := o.Delete(now); err != nil {
			return err
		}
		if err := tx.Orgs.Save(ctx, o); err != nil {
			return err
		}
		if err := tx.Jobs.Enqueue(ctx, app.EndSubscriptions{OrgID: id}); err != nil {
			return err
		}
		return s.record(ctx, tx, f, a, "org.deleted", orgTarget(o), nil)
	})
}

func orgTarget(o *core.Org) app.Target { return app.Target{Kind: "org", ID: o.ID.String()} }

func orgChanges(before, after *core.Org) map[string]core.Change {
	changes := make(map[string]core.Change)
	note := func(name string, from, to any) {
		if from != to {
			changes[name] = core.Change{From: from, To: to}
		}
	}
	note("name", before.Name, after.Name)
	note("slug", before.Slug, after.Slug)
	note("time_zone", before.Settings.TimeZone, after.Settings.TimeZone)
	note("sharing.max_days", before.Settings.Sharing.MaxDays, after.Settings.Sharing.MaxDays)
	note("sharing.password_required", before.Settings.Sharing.PasswordRequired, after.Settings.Sharing.PasswordRequired)
	note("default_drive_id", before.DefaultDriveID.String(), after.DefaultDriveID.String())
	note("logo_asset_id", before.Branding.LogoAssetID.String(), after.Branding.LogoAssetID.String())
	note("primary_color", before.Branding.PrimaryColor, after.Branding.PrimaryColor)
	note("accent_color", before.Branding.AccentColor, after.Branding.AccentColor)
	return changes
}
