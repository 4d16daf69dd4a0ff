package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// PublishInput is a manifest for a session of a dataset.
type PublishInput struct {
	DatasetID   core.DatasetID
	SessionID   core.IngestSessionID
	BaseVersion *int64 // that must be current; nil: the one that was when the session was opened
	Manifest    io.Reader
	Lines       bool // an item on each; else one document
}

// Published is the version that a manifest has become, or was already.
type Published struct {
	Version core.DatasetVersion
	New     bool
}

// publisher is one attempt to publish.
type publisher struct {
	s       *Service
	facts   core.DatasetFacts
	actor   core.Actor
	in      PublishInput
	session *core.IngestSession
	version *core.DatasetVersion
	schemas ports.ItemSchemas
	store   bool // else it is only looked what would be stored
}

// Publish makes the items of a manifest the dataset's current version, all of
// them or none, while everybody sees the one before. It returns
// core.ErrManifestInvalid with what is wrong, core.ErrVersionConflict,
// core.ErrSessionBusy and core.ErrSessionClosed; core.ErrForbidden and the like also
// if the right to publish has gone by the time that all is stored. The same items as
// the current version has make no other one. After an error the session is open as
// before.
func (s *Service) Publish(ctx context.Context, a core.Actor, in PublishInput) (out Published, err error) {
	f, err := s.may(ctx, a, in.DatasetID, core.DatasetPublish)
	if err != nil {
		return out, err
	}
	p := &publisher{s: s, facts: f, actor: a, in: in, store: true}
	if err := p.open(ctx); err != nil {
		return out, err
	}
	m, err := p.manifest(ctx)
	if err != nil {
		return out, err
	}
	defer m.close()
	if p.session.Status == core.IngestPublished {
		return p.again(ctx, m)
	}
	if err := p.begin(ctx); err != nil {
		return out, err
	}
	sum, failed, err := p.run(ctx, m)
	if err == nil {
		err = failed.Err()
	}
	if err == nil { // that takes minutes, in which the right to publish may have been taken away
		_, err = s.may(ctx, a, in.DatasetID, core.DatasetPublish)
	}
	if err == nil {
		p.version.ManifestHash, p.version.Items = sum, m.items
		out, err = p.finish(ctx)
	}
	if err == nil {
		return out, nil
	}
	const patience = 10 * time.Second
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return out, errors.Join(err, p.takeBack(undo)) // else the lease ends
}

// open looks up the session and the schemas.
func (p *publisher) open(ctx context.Context) error {
	var own core.ItemSchemas
	err := p.s.Store.View(ctx, func(tx ports.Tx) (err error) {
		if p.session, err = tx.IngestSessions.Get(ctx, p.facts.OrgID, p.in.SessionID); err != nil {
			return err
		}
		if p.session.DatasetID != p.in.DatasetID {
			return core.ErrNotFound
		}
		d, err := tx.Datasets.Get(ctx, p.facts.OrgID, p.in.DatasetID)
		if err == nil {
			own = d.Schemas
		}
		return err
	})
	if err != nil {
		return err
	}
	if p.session.Status != core.IngestPublished {
		if err := p.session.CheckOpen(p.s.Clock.Now()); err != nil {
			return err
		}
	}
	p.schemas, err = p.s.compiled(own)
	return err
}

// begin makes the version that items are stored into. What a crash has left of
// an earlier attempt goes.
func (p *publisher) begin(ctx context.Context) error {
	now := p.s.Clock.Now()
	p.version = &core.DatasetVersion{
		ID: core.DatasetVersionID(p.s.IDs.NewID()), OrgID: p.facts.OrgID, DatasetID: p.in.DatasetID, SessionID: p.in.SessionID,
		CreatedBy: p.facts.AccountID, CreatedAt: now,
	}
	return p.s.Store.Update(ctx, func(tx ports.Tx) error {
		d, err := tx.Datasets.Lock(ctx, p.facts.OrgID, p.in.DatasetID)
		if err != nil {
			return err
		}
		session, err := tx.IngestSessions.Lock(ctx, p.facts.OrgID, p.in.SessionID)
		if err != nil {
			return err
		}
		left := session.VersionID
		if err := session.Begin(p.version.ID, now); err != nil {
			return err
		}
		if base := p.base(session); base > d.CurrentVersion {
			return core.ErrVersionConflict.With("current_version", d.CurrentVersion)
		}
		if err := discard(ctx, tx, left, now); err != nil {
			return err
		}
		if err := tx.DatasetVersions.Add(ctx, p.version); err != nil {
			return err
		}
		return tx.IngestSessions.Save(ctx, session)
	})
}

// base is the version that must be current.
func (p *publisher) base(session *core.IngestSession) int64 {
	if p.in.BaseVersion != nil {
		return *p.in.BaseVersion
	}
	return session.BaseVersion
}

// keep stores some items, and says that the publisher is at work.
func (p *publisher) keep(ctx context.Context, items []ports.NewItem, total int64) error {
	return p.s.Store.Update(ctx, func(tx ports.Tx) error {
		session, err := tx.IngestSessions.Lock(ctx, p.facts.OrgID, p.in.SessionID)
		if err != nil {
			return err
		}
		if err := session.Publishes(p.version.ID); err != nil {
			return err
		}
		session.Renew(total, p.s.Clock.Now())
		if err := tx.IngestSessions.Save(ctx, session); err != nil {
			return err
		}
		return tx.IngestItems.Store(ctx, items)
	})
}

// finish is the switch.
func (p *publisher) finish(ctx context.Context) (out Published, err error) {
	now := p.s.Clock.Now()
	err = p.s.Store.Update(ctx, func(tx ports.Tx) error {
		d, err := tx.Datasets.Lock(ctx, p.facts.OrgID, p.in.DatasetID)
		if err != nil {
			return err
		}
		session, err := tx.IngestSessions.Lock(ctx, p.facts.OrgID, p.in.SessionID)
		if err != nil {
			return err
		}
		if err := session.Publishes(p.version.ID); err != nil {
			return err
		}
		if out, err = p.unchanged(ctx, tx, d, session, now); err != nil || out.Version.Number > 0 {
			return err
		}
		if d.CurrentVersion != p.base(session) {
			return core.ErrVersionConflict.With("current_version", d.CurrentVersion)
		}
		if d.Status == core.DatasetArchived {
			return core.ErrDatasetArchived
		}
		before := d.CurrentVersion
		p.version.Number, p.version.PublishedAt = before+1, now
		if err := tx.DatasetVersions.Publish(ctx, p.version); err != nil {
			return err
		}
		d.Publish(p.version.Number, now)
		if err := tx.Datasets.Save(ctx, d); err != nil {
			return err
		}
		session.Items = p.version.Items
		session.Finish(p.version.Number, now)
		if err := tx.IngestSessions.Save(ctx, session); err != nil {
			return err
		}
		out = Published{*p.version, true}
		return p.tell(ctx, tx, d, before, now)
	})
	if err != nil {
		p.version.Number, p.version.PublishedAt = 0, time.Time{}
	}
	return out, err
}

// unchanged ends the session with the current version if that has the same
// items. If it returns none, it has done nothing.
func (p *publisher) unchanged(
	ctx context.Context, tx ports.Tx, d *core.Dataset, session *core.IngestSession, now time.Time,
) (out Published, err error) {
	if d.CurrentVersion == 0 {
		return out, nil
	}
	current, err := tx.DatasetVersions.Get(ctx, d.ID, d.CurrentVersion)
	if err != nil || !bytes.Equal(current.ManifestHash, p.version.ManifestHash) {
		return out, err
	}
	if err := discard(ctx, tx, p.version.ID, now); err != nil {
		return out, err
	}
	session.VersionID, session.Items = current.ID, current.Items
	session.Finish(current.Number, now)
	return Published{*current, false}, tx.IngestSessions.Save(ctx, session)
}

// tell writes down that a version is published.
func (p *publisher) tell(ctx context.Context, tx ports.Tx, d *core.Dataset, before int64, now time.Time) error {
	changes := map[string]core.Change{"current_version": {From: before, To: d.CurrentVersion}, "items": {To: p.version.Items}}
	target := app.Target{Kind: "dataset", ID: d.ID.String()}
	entry := app.Audited(p.s.IDs.NewID(), p.facts.OrgFacts, p.actor, "dataset.published", target, changes, now)
	if err := tx.Audit.Add(ctx, entry); err != nil {
		return err
	}
	return app.Announce(ctx, tx, p.s.IDs.NewID(), entry, map[string]any{
		"dataset_id": d.ID.String(), "slug": d.Slug, "name": d.Name, "version": p.version.Number, "items": p.version.Items,
	})
}

// takeBack opens the session again, unless somebody else has it by now.
func (p *publisher) takeBack(ctx context.Context) error {
	now := p.s.Clock.Now()
	return p.s.Store.Update(ctx, func(tx ports.Tx) error {
		session, err := tx.IngestSessions.Lock(ctx, p.facts.OrgID, p.in.SessionID)
		if errors.Is(err, core.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if session.Publishes(p.version.ID) == nil {
			session.Reopen()
			if err := tx.IngestSessions.Save(ctx, session); err != nil {
				return err
			}
		}
		return discard(ctx, tx, p.version.ID, now)
	})
}

// again answers for a session that is finished: as then, if the manifest is the
// same.
func (p *publisher) again(ctx context.Context, m *manifest) (out Published, err error) {
	p.store = false
	p.version = &core.DatasetVersion{OrgID: p.facts.OrgID, DatasetID: p.in.DatasetID}
	err = p.s.Store.View(ctx, func(tx ports.Tx) error {
		v, err := tx.DatasetVersions.Get(ctx, p.in.DatasetID, p.session.Published)
		if err == nil {
			out.Version = *v
		}
		return err
	})
	if err != nil {
		return out, err
	}
	sum, failed, err := p.run(ctx, m)
	if err != nil {
		return Published{}, err
	}
	if failed.Count > 0 || !bytes.Equal(sum, out.Version.ManifestHash) {
		return Published{}, core.ErrSessionClosed.With("status", string(p.session.Status)).With("version", p.session.Published)
	}
	out.New = out.Version.SessionID == p.in.SessionID
	return out, nil
}

// newHash is of what manifests are hashed by.
var newHash = sha256.New
