package dataset

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Query is a page of an org's datasets. The zero value of a filter means any.
type Query struct {
	OrgID  core.OrgID // zero: the actor's active one
	Status core.DatasetStatus
	Text   string // part of the name, in any case
	Before core.DatasetID
	Limit  int
}

// List returns the datasets that the actor may view, newest first.
func (s *Service) List(ctx context.Context, a core.Actor, q Query) (list []*core.Dataset, err error) {
	f, err := s.Access.ForOrg(ctx, a, orgOf(a, q.OrgID))
	if err != nil {
		return nil, err
	}
	if err := core.CanInOrg(f, core.ViewOrg); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		list, err = tx.Datasets.List(ctx, ports.DatasetQuery{
			OrgID: f.OrgID, Account: f.AccountID, Role: f.Role, Status: q.Status, Text: q.Text, Before: q.Before, Limit: q.Limit,
		})
		return err
	})
	return list, err
}

// Get returns a dataset to those who may view it.
func (s *Service) Get(ctx context.Context, a core.Actor, id core.DatasetID) (d *core.Dataset, err error) {
	f, err := s.may(ctx, a, id, core.DatasetView)
	if err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		d, err = tx.Datasets.Get(ctx, f.OrgID, id)
		return err
	})
	return d, err
}

// Versions returns what has been published of a dataset, newest first; before 0:
// from the newest on.
func (s *Service) Versions(ctx context.Context, a core.Actor, id core.DatasetID, before int64, limit int) (list []*core.DatasetVersion, err error) {
	if _, err := s.may(ctx, a, id, core.DatasetView); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		list, err = tx.DatasetVersions.List(ctx, id, before, limit)
		return err
	})
	return list, err
}

// numbered returns the number of the version that a request is for: the one that
// it names, or the current one. Versions are numbered without gaps.
func numbered(f core.DatasetFacts, number int64) (int64, error) {
	if err := core.CanSeeItems(f); err != nil {
		return 0, err
	}
	switch {
	case number == 0:
		return f.Dataset.CurrentVersion, nil
	case number < 0, number > f.Dataset.CurrentVersion:
		return 0, core.ErrNotFound
	}
	return number, nil
}
