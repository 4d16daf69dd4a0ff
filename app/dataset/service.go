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

// Deps are the ports the service works on.
type Deps struct {
	Store     ports.Store
	Access    ports.Hot
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
}

// NewService returns a Service on the given ports.
func NewService(d Deps) *Service { return &Service{Deps: d} }

// orgOf returns the org that a request is about: the one it names, or the
// actor's active one.
func orgOf(a core.Actor, org core.OrgID) core.OrgID {
	if org.IsZero() {
		return a.ActiveOrg
	}
	return org
}

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

// record writes down in the audit log what was done to a dataset.
func (s *Service) record(
	ctx context.Context, tx ports.Tx, f core.OrgFacts, a core.Actor, action string, id core.DatasetID, changes map[string]core.Change, now time.Time,
) error {
	return tx.Audit.Add(ctx, app.Audited(s.IDs.NewID(), f, a, action, app.Target{Kind: "dataset", ID: id.String()}, changes, now))
}
