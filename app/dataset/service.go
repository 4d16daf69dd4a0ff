// Package dataset holds the use cases of datasets: bringing their files and
// items together, publishing them version by version, and viewing them.
package dataset

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	LogRetention time.Duration   // how long access logs are kept
	LogAddresses core.AddressLog // what they keep of addresses
}

// Deps are the ports the service works on.
type Deps struct {
	Store     ports.Store
	Access    ports.Hot
	Log       ports.DatasetLog
	Blobs     ports.Blobs
	Manifests ports.Manifests
	Secrets   ports.Secrets
	Clock     ports.Clock
	IDs       ports.IDs
	Text      ports.Text
}

// Service runs the use cases of datasets. It is safe for concurrent use.
type Service struct {
	Deps

	opts Options
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service { return &Service{Deps: d, opts: opts} }

// may returns what decides about a dataset, if the actor has the rights.
func (s *Service) may(ctx context.Context, a core.Actor, id core.DatasetID, want core.DatasetRights) (core.DatasetFacts, error) {
	f, err := s.Access.ForDataset(ctx, a, id)
	if err != nil {
		return f, err
	}
	return f, core.CanInDataset(f, want)
}

// itself is the server, as the audit log has it.
func itself(org core.OrgID) (core.OrgFacts, core.Actor) {
	return core.OrgFacts{OrgID: org}, core.Actor{Kind: core.ActorSystem}
}

// locked returns a dataset that nobody else changes, at the version that the
// client has seen (0: any).
func (s *Service) locked(ctx context.Context, tx ports.Tx, f core.DatasetFacts, ifMatch int64) (*core.Dataset, error) {
	d, err := tx.Datasets.Lock(ctx, f.OrgID, f.Dataset.ID)
	if err == nil && ifMatch != 0 && ifMatch != d.Version {
		err = core.ErrStale
	}
	return d, err
}

// by is who does something.
type by struct {
	facts core.OrgFacts
	actor core.Actor
}

// record writes down in the audit log what was done.
func (s *Service) record(ctx context.Context, tx ports.Tx, who by, action string, t app.Target, changes map[string]core.Change, now time.Time) error {
	return tx.Audit.Add(ctx, app.Audited(s.IDs.NewID(), who.facts, who.actor, action, t, changes, now))
}

// grantsSet is an action in the audit log.
const grantsSet = "dataset.grants_set"

// did records what was done to a dataset, and tells those outside.
func (s *Service) did(ctx context.Context, tx ports.Tx, f core.DatasetFacts, a core.Actor, action string, d *core.Dataset, changes map[string]core.Change) error {
	if err := s.record(ctx, tx, by{f.OrgFacts, a}, action, target(d.ID), changes, s.Clock.Now()); err != nil {
		return err
	}
	data := map[string]any{"dataset_id": d.ID.String(), "slug": d.Slug, "name": d.Name, "status": string(d.Status), "current_version": d.CurrentVersion}
	event := action
	if action == grantsSet { // those outside hear that the dataset has changed
		event = "dataset.updated"
	}
	return app.Emit(ctx, tx, core.NewEvent(s.IDs.NewID(), d.OrgID, event, data, s.Clock.Now()))
}

// orgOf returns the org that a request is about: the one it names, or the
// actor's active one.
func orgOf(a core.Actor, org core.OrgID) core.OrgID {
	if org.IsZero() {
		return a.ActiveOrg
	}
	return org
}

// target is a dataset, as the audit log has it.
func target(id core.DatasetID) app.Target {
	return app.Target{Kind: "dataset", ID: id.String()}
}
