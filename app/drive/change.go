package drive

import (
	"context"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Drives returns the drives of an org that the actor may read, by id.
func (s *Service) Drives(ctx context.Context, a core.Actor, org core.OrgID, after core.DriveID, limit int) ([]ports.DriveEntry, error) {
	f, err := s.access.ForOrg(ctx, a, org)
	if err != nil {
		return nil, err
	}
	if err := core.CanInOrg(f, core.ViewOrg); err != nil {
		return nil, err
	}
	return s.entries(ctx, ports.DriveQuery{OrgID: org, AccountID: f.AccountID, After: after, Limit: limit})
}

// Drive returns one drive as the actor sees it.
func (s *Service) Drive(ctx context.Context, a core.Actor, id core.DriveID) (ports.DriveEntry, error) {
	f, err := s.access.ForDrive(ctx, a, id)
	if err != nil {
		return ports.DriveEntry{}, err
	}
	if err := core.CanInDrive(f, core.DriveViewer); err != nil {
		return ports.DriveEntry{}, err
	}
	return s.entry(ctx, f, id)
}

func (s *Service) entry(ctx context.Context, f core.DriveFacts, id core.DriveID) (ports.DriveEntry, error) {
	found, err := s.entries(ctx, ports.DriveQuery{OrgID: f.OrgID, AccountID: f.AccountID, ID: id, Limit: 1})
	switch {
	case err != nil:
		return ports.DriveEntry{}, err
	case len(found) == 0: // deleted meanwhile
		return ports.DriveEntry{}, core.ErrNotFound
	}
	return found[0], nil
}

func (s *Service) entries(ctx context.Context, q ports.DriveQuery) (found []ports.DriveEntry, err error) {
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		found, err = tx.Drives.List(ctx, q)
		return err
	})
	return found, err
}

// CreateDriveInput is a new shared drive.
type CreateDriveInput struct {
	OrgID       core.OrgID
	Name        string
	QuotaBytes  int64          // core.Unlimited: none
	DefaultRole core.DriveRole // core.DriveNone: none
	Once        *app.Once
}

// CreateDrive makes an empty shared drive. It returns core.ErrDriveNameTaken,
// and core.ErrPersonalOrg for an org of one person.
func (s *Service) CreateDrive(ctx context.Context, a core.Actor, in CreateDriveInput) (ports.DriveEntry, error) {
	f, err := s.access.ForOrg(ctx, a, in.OrgID)
	if err != nil {
		return ports.DriveEntry{}, err
	}
	if err := core.CanInOrg(f, core.ManageDrives); err != nil {
		return ports.DriveEntry{}, err
	}
	if f.IsPersonal {
		return ports.DriveEntry{}, core.ErrPersonalOrg.Say("a personal organisation has its user's personal drive alone; create an organisation to share drives with others")
	}
	change, err := s.clean(UpdateDriveInput{Name: &in.Name, QuotaBytes: &in.QuotaBytes, DefaultRole: &in.DefaultRole})
	if err != nil {
		return ports.DriveEntry{}, err
	}
	now := s.clock.Now()
	d := core.NewSharedDrive(core.DriveID(s.ids.NewID()), in.OrgID, change, now)
	e := ports.DriveEntry{Drive: *d, Standing: core.DriveStanding{
		Status: f.Status, OrgRole: f.Role, Ownership: core.SharedDrive, Default: d.DefaultRole,
	}}
	err = in.Once.Do(ctx, s.store, s.secrets, now, func(tx ports.Tx) error {
		if _, err := tx.Accounts.Roster(ctx, in.OrgID); err != nil {
			return err
		}
		if err := tx.Drives.Add(ctx, d); err != nil {
			return err
		}
		if err := s.recordDrive(ctx, tx, f, a, "drive.created", d.ID, driveChanges(&core.Drive{QuotaBytes: core.Unlimited}, d)); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.secrets, e, now)
	})
	return e, err
}

// UpdateDriveInput is what an update leaves alone (nil) or sets.
type UpdateDriveInput struct {
	Name        *string
	QuotaBytes  *int64 // core.Unlimited: none
	DefaultRole *core.DriveRole
	IfMatch     int64 // the version the client has seen; 0: any
}

// UpdateDrive changes a drive's name, quota or default role. It returns
// core.ErrDriveNameTaken, core.ErrStale, and core.ErrPersonalDrive for what a
// personal drive does not have.
func (s *Service) UpdateDrive(ctx context.Context, a core.Actor, id core.DriveID, in UpdateDriveInput) (ports.DriveEntry, error) {
	f, org, err := s.manager(ctx, a, id)
	if err != nil {
		return ports.DriveEntry{}, err
	}
	c, err := s.clean(in)
	if err != nil {
		return ports.DriveEntry{}, err
	}
	if err := core.CanChangeDrive(f, c); err != nil {
		return ports.DriveEntry{}, err
	}
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		if _, err := tx.Accounts.Roster(ctx, f.OrgID); err != nil {
			return err
		}
		d, err := tx.Drives.Get(ctx, f.OrgID, id)
		if err != nil {
			return err
		}
		if in.IfMatch != 0 && in.IfMatch != d.Version {
			return core.ErrStale
		}
		before := *d
		if err := d.Change(c, s.clock.Now()); err != nil {
			return err
		}
		changes := driveChanges(&before, d)
		if len(changes) == 0 {
			return nil
		}
		if err := tx.Drives.Save(ctx, d); err != nil {
			return err
		}
		return s.recordDrive(ctx, tx, org, a, "drive.updated", id, changes)
	})
	if err != nil {
		return ports.DriveEntry{}, err
	}
	return s.entry(ctx, f, id)
}

func (s *Service) clean(in UpdateDriveInput) (core.DriveChange, error) {
	c := core.DriveChange{QuotaBytes: in.QuotaBytes, DefaultRole: in.DefaultRole}
	if in.Name != nil {
		name, err := core.CleanTitle("body.name", *in.Name, s.text.NFC)
		if err != nil {
			return c, err
		}
		c.Name = &name
	}
	return c, nil
}

// manager returns the actor's standing in a drive and in its org, if the actor
// manages the drive.
func (s *Service) manager(ctx context.Context, a core.Actor, id core.DriveID) (core.DriveFacts, core.OrgFacts, error) {
	f, err := s.access.ForDrive(ctx, a, id)
	if err != nil {
		return f, core.OrgFacts{}, err
	}
	if err := core.CanManageDrive(f); err != nil {
		return f, core.OrgFacts{}, err
	}
	org, err := s.access.ForOrg(ctx, a, f.OrgID)
	if err != nil {
		return f, org, err
	}
	return f, org, core.CanInOrg(org, core.ViewOrg)
}

// recordDrive writes down what was done to a drive, and tells those outside.
func (s *Service) recordDrive(
	ctx context.Context, tx ports.Tx, f core.OrgFacts, a core.Actor, action string, id core.DriveID, changes map[string]core.Change,
) error {
	entry := app.Audited(s.ids.NewID(), f, a, action, app.Target{Kind: "drive", ID: id.String()}, changes, s.clock.Now())
	if err := tx.Audit.Add(ctx, entry); err != nil {
		return err
	}
	return app.Announce(ctx, tx, s.ids.NewID(), entry, map[string]any{"drive_id": id.String()})
}

func driveChanges(before, after *core.Drive) map[string]core.Change {
	changes := make(map[string]core.Change)
	if before.Name != after.Name {
		changes["name"] = core.Change{From: orNil(before.Name), To: after.Name}
	}
	if before.QuotaBytes != after.QuotaBytes {
		changes["quota_bytes"] = core.Change{From: quota(before.QuotaBytes), To: quota(after.QuotaBytes)}
	}
	if before.DefaultRole != after.DefaultRole {
		changes["default_role"] = core.Change{From: orNil(before.DefaultRole), To: orNil(after.DefaultRole)}
	}
	return changes
}

// orNil is text as the audit log shows it.
func orNil[T ~string](text T) any {
	if text == "" {
		return nil
	}
	return string(text)
}

func quota(bytes int64) any {
	if bytes == core.Unlimited {
		return nil
	}
	return bytes
}
