package dataset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// BeginInput names a dataset, and what it is like if there is none of that slug
// yet.
type BeginInput struct {
	OrgID       core.OrgID // zero: the actor's active one
	Slug        string
	Name        string // empty: the slug
	Description *string
	Visibility  *core.Visibility
	Schemas     *core.ItemSchemas
	Once        *app.Once
}

// Begun is a dataset with a new session.
type Begun struct {
	Dataset core.Dataset
	Session core.IngestSession
	Made    bool // the dataset is new
}

// Begin opens a session in the org's dataset of that slug, which it makes with a
// drive of its own if there is none. One that is there is not changed: what is
// said of it has to be so, else core.ErrDatasetSlugTaken.
func (s *Service) Begin(ctx context.Context, a core.Actor, in BeginInput) (out Begun, err error) {
	org := orgOf(a, in.OrgID)
	f, err := s.Access.ForOrg(ctx, a, org)
	if err != nil {
		return out, err
	}
	if err := core.CanInOrg(f, core.UploadAssets); err != nil {
		return out, err
	}
	now := s.Clock.Now()
	if err := in.Once.Find(ctx, s.Store, s.Secrets, now); err != nil {
		return out, err
	}
	c, err := s.cleanBegin(in)
	if err != nil {
		return out, err
	}
	there, err := s.bySlug(ctx, a, org, c)
	if err != nil {
		return out, err
	}
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		if err := stays(ctx, tx, f); err != nil {
			return err
		}
		d := there
		if d == nil {
			if d, err = s.create(ctx, tx, f, a, c, now); err != nil {
				return err
			}
		}
		if err := s.letIn(ctx, tx, f, d, now); err != nil {
			return err
		}
		session := core.NewIngestSession(core.IngestSessionID(s.IDs.NewID()), d, f.AccountID, now)
		if err := tx.IngestSessions.Add(ctx, session); err != nil {
			return err
		}
		changes := map[string]core.Change{"session": {To: session.ID.String()}}
		if err := s.record(ctx, tx, by{f, a}, "dataset.ingest_begun", target(d.ID), changes, now); err != nil {
			return err
		}
		out = Begun{*d, *session, there == nil}
		return in.Once.Keep(ctx, tx, s.Secrets, out, now)
	})
	return out, err
}

// cleanBegin returns what is said of the dataset in its stored form.
func (s *Service) cleanBegin(in BeginInput) (c core.DatasetChange, err error) {
	slug, err := core.CleanSlug("body.slug", in.Slug)
	if errors.Is(err, core.ErrSlugTaken) { // a word that URLs need
		err = core.Invalid("body.slug", "is reserved; choose another slug")
	}
	if err != nil {
		return c, err
	}
	c.Slug, c.Visibility = &slug, in.Visibility
	if in.Name != "" {
		name, err := core.CleanTitle("body.name", in.Name, s.Text.NFC)
		if err != nil {
			return c, err
		}
		c.Name = &name
	}
	if in.Description != nil {
		const most = 10_000
		text, err := core.CleanProse("body.description", *in.Description, most, s.Text.NFC)
		if err != nil {
			return c, err
		}
		c.Description = &text
	}
	if in.Schemas != nil {
		schemas, err := s.cleanSchemas(*in.Schemas)
		if err != nil {
			return c, err
		}
		c.Schemas = &schemas
	}
	return c, nil
}

// bySlug returns the dataset of that slug if the actor may publish in it and it
// is what c says, or nil if there is none.
func (s *Service) bySlug(ctx context.Context, a core.Actor, org core.OrgID, c core.DatasetChange) (d *core.Dataset, err error) {
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		d, err = tx.Datasets.BySlug(ctx, org, *c.Slug)
		return err
	})
	if errors.Is(err, core.ErrNotFound) {
		return nil, nil //nolint:nilnil // nil is an answer: none
	}
	if err != nil {
		return nil, err
	}
	if _, err := s.may(ctx, a, d.ID, core.DatasetPublish); err != nil {
		if errors.Is(err, core.ErrNotFound) {
			return nil, core.ErrDatasetSlugTaken
		}
		return nil, err
	}
	differs := func(what string) error {
		return core.ErrDatasetSlugTaken.Say("the dataset of this slug has another "+what+
			"; leave it out to publish there, change it by PATCH /api/datasets/{dataset_id}, or choose another slug").
			With("dataset_id", d.ID.String()).With("member", what)
	}
	switch {
	case c.Name != nil && *c.Name != d.Name:
		return nil, differs("name")
	case c.Description != nil && *c.Description != d.Description:
		return nil, differs("description")
	case c.Visibility != nil && *c.Visibility != d.Visibility:
		return nil, differs("visibility")
	case c.Schemas != nil && !sameSchemas(*c.Schemas, d.Schemas):
		return nil, differs("item_schemas")
	}
	return d, nil
}

// create makes a dataset with its drive. The org is locked.
func (s *Service) create(
	ctx context.Context, tx ports.Tx, f core.OrgFacts, a core.Actor, c core.DatasetChange, now time.Time,
) (*core.Dataset, error) {
	if _, err := tx.Datasets.BySlug(ctx, f.OrgID, *c.Slug); !errors.Is(err, core.ErrNotFound) {
		return nil, errors.Join(err, core.ErrDatasetSlugTaken)
	}
	name, err := driveName(ctx, tx, f.OrgID, *c.Slug)
	if err != nil {
		return nil, err
	}
	none := core.DriveNone
	drive := core.NewSharedDrive(core.DriveID(s.IDs.NewID()), f.OrgID, core.DriveChange{Name: &name, DefaultRole: &none}, now)
	if err := tx.Drives.Add(ctx, drive); err != nil {
		return nil, err
	}
	if c.Name == nil {
		c.Name = c.Slug
	}
	d := core.NewDataset(core.DatasetID(s.IDs.NewID()), f.OrgID, drive.ID, f.AccountID, c, now)
	if err := tx.Datasets.Add(ctx, d); err != nil {
		return nil, err
	}
	changes := map[string]core.Change{"slug": {To: d.Slug}, "name": {To: d.Name}, "visibility": {To: string(d.Visibility)}, "drive_id": {To: drive.ID.String()}}
	return d, s.record(ctx, tx, by{f, a}, "dataset.created", target(d.ID), changes, now)
}

// driveName returns a free name for the drive of a dataset.
func driveName(ctx context.Context, tx ports.Tx, org core.OrgID, slug string) (string, error) {
	for number := 1; ; number++ {
		name := "Dataset " + slug
		if number > 1 {
			name = fmt.Sprintf("%s (%d)", name, number)
		}
		if _, err := tx.Drives.ByName(ctx, org, name); errors.Is(err, core.ErrNotFound) {
			return name, nil
		} else if err != nil {
			return "", err
		}
	}
}

// stays refuses an account that has left meanwhile. Until the unit of work ends,
// none leaves, whose rights as creator would stay.
func stays(ctx context.Context, tx ports.Tx, f core.OrgFacts) error {
	if _, err := tx.Accounts.Roster(ctx, f.OrgID); err != nil {
		return err
	}
	account, err := tx.Accounts.Get(ctx, f.OrgID, f.AccountID)
	if err == nil && account.Status != core.AccountActive {
		err = core.ErrNotFound
	}
	return err
}

// letIn makes whoever may publish an editor of the dataset's drive, so that
// uploads need no rules of their own.
func (s *Service) letIn(ctx context.Context, tx ports.Tx, f core.OrgFacts, d *core.Dataset, now time.Time) error {
	who, err := tx.DriveMembers.Get(ctx, f.OrgID, d.DriveID, f.AccountID)
	if err != nil {
		return err
	}
	if who.Standing.Role().AtLeast(core.DriveEditor) {
		return nil
	}
	return tx.DriveMembers.Put(ctx, core.DriveMember{DriveID: d.DriveID, AccountID: f.AccountID, Role: core.DriveEditor, CreatedAt: now})
}

// session returns a session of a dataset that the actor may publish in.
func (s *Service) session(ctx context.Context, a core.Actor, id core.IngestSessionID) (f core.DatasetFacts, session *core.IngestSession, err error) {
	var dataset core.DatasetID
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		dataset, err = tx.IngestSessions.DatasetOf(ctx, id)
		return err
	})
	if err != nil && !errors.Is(err, core.ErrNotFound) {
		return f, nil, err
	}
	// Also of no dataset: whether the session of the actor stands is told first.
	if f, err = s.may(ctx, a, dataset, core.DatasetPublish); err != nil {
		if errors.Is(err, core.ErrForbidden) { // it may be viewed
			err = core.ErrNotFound
		}
		return f, nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		session, err = tx.IngestSessions.Get(ctx, f.OrgID, id)
		return err
	})
	return f, session, err
}

// Session returns a session.
func (s *Service) Session(ctx context.Context, a core.Actor, id core.IngestSessionID) (*core.IngestSession, error) {
	_, session, err := s.session(ctx, a, id)
	return session, err
}

// Abort ends a session without a version; what it alone has brought goes. It
// returns core.ErrSessionBusy while something is being published, and
// core.ErrSessionClosed.
func (s *Service) Abort(ctx context.Context, a core.Actor, id core.IngestSessionID) error {
	f, _, err := s.session(ctx, a, id)
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		session, err := tx.IngestSessions.Lock(ctx, f.OrgID, id)
		if err != nil {
			return err
		}
		if err := closeSession(ctx, tx, session, core.IngestAborted, now); err != nil {
			return err
		}
		return s.record(ctx, tx, by{f.OrgFacts, a}, "dataset.ingest_aborted", target(f.Dataset.ID), map[string]core.Change{"session": {From: id.String()}}, now)
	})
}

// closeSession ends a locked session, with what a crash has left of it.
func closeSession(ctx context.Context, tx ports.Tx, session *core.IngestSession, as core.IngestStatus, now time.Time) error {
	left := session.VersionID
	if err := session.Close(as, now); err != nil {
		return err
	}
	if err := discard(ctx, tx, left, now); err != nil {
		return err
	}
	if err := tx.IngestSessions.Save(ctx, session); err != nil {
		return err
	}
	return tx.Jobs.Enqueue(ctx, Tidy{})
}

// discard leaves a version that will not be published to a job.
func discard(ctx context.Context, tx ports.Tx, id core.DatasetVersionID, now time.Time) error {
	if id.IsZero() {
		return nil
	}
	if err := tx.DatasetVersions.Discard(ctx, id, now); err != nil {
		return err
	}
	return tx.Jobs.Enqueue(ctx, Purge{})
}
