package dataset

import (
	"context"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// ListedAnnotation is an annotation with what the dataset knows of it now.
type ListedAnnotation = ports.ListedAnnotation

// AnnotationInput is what somebody says about an item, as a client has it.
type AnnotationInput struct {
	Kind core.AnnotationKind
	Body map[string]any
	Once *app.Once
}

// Annotate says something about an item.
func (s *Service) Annotate(ctx context.Context, a core.Actor, id core.DatasetItemID, in AnnotationInput) (*core.Annotation, error) {
	f, err := s.item(ctx, a, id, core.DatasetAnnotate)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	if err := in.Once.Find(ctx, s.Store, s.Secrets, now); err != nil {
		return nil, err
	}
	body, err := core.CleanAnnotation(in.Kind, in.Body, s.Text.NFC)
	if err != nil {
		return nil, err
	}
	n := core.NewAnnotation(core.AnnotationID(s.IDs.NewID()), f, in.Kind, body, now)
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		if err := tx.Annotations.Add(ctx, n); err != nil {
			return err
		}
		if err := s.annotated(ctx, tx, f.DatasetFacts, a, "annotation.created", n, map[string]core.Change{"kind": {To: string(n.Kind)}}); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.Secrets, n, now)
	})
	return n, err
}

func (s *Service) annotated(ctx context.Context, tx ports.Tx, f core.DatasetFacts, a core.Actor, action string, n *core.Annotation, changes map[string]core.Change) error {
	changes["dataset_id"], changes["external_id"] = core.Change{To: n.DatasetID.String()}, core.Change{To: n.ExternalID}
	return s.record(ctx, tx, by{f.OrgFacts, a}, action, app.Target{Kind: "annotation", ID: n.ID.String()}, changes, s.Clock.Now())
}

// AnnotationQuery is a page of a dataset's annotations. The zero value of a filter
// means any.
type AnnotationQuery struct {
	DatasetID  core.DatasetID
	ExternalID string
	Kind       core.AnnotationKind
	Author     core.AccountID
	After      core.AnnotationID
	Limit      int
}

// Annotations returns what is said about the items of a dataset, the oldest first.
func (s *Service) Annotations(ctx context.Context, a core.Actor, q AnnotationQuery) ([]ports.ListedAnnotation, error) {
	f, err := s.may(ctx, a, q.DatasetID, core.DatasetView)
	if err != nil {
		return nil, err
	}
	list, err := s.annotations(ctx, q)
	if err != nil {
		return nil, err
	}
	return list, s.note(ctx, f, a, core.DatasetAccess{Kind: core.DatasetRead, Number: f.Dataset.CurrentVersion})
}

func (s *Service) annotations(ctx context.Context, q AnnotationQuery) (list []ports.ListedAnnotation, err error) {
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		list, err = tx.Annotations.List(ctx, ports.AnnotationQuery{
			Dataset: q.DatasetID, ExternalID: q.ExternalID, Kind: q.Kind, Author: q.Author, After: q.After, Limit: q.Limit,
		})
		return err
	})
	return list, err
}

// AnnotationsOf returns what is said about an item, in whichever version it was.
func (s *Service) AnnotationsOf(ctx context.Context, a core.Actor, id core.DatasetItemID, after core.AnnotationID, limit int) ([]ports.ListedAnnotation, error) {
	f, err := s.item(ctx, a, id, core.DatasetView)
	if err != nil {
		return nil, err
	}
	list, err := s.annotations(ctx, AnnotationQuery{DatasetID: f.Dataset.ID, ExternalID: f.Item.ExternalID, After: after, Limit: limit})
	if err != nil {
		return nil, err
	}
	return list, s.note(ctx, f.DatasetFacts, a, core.DatasetAccess{Kind: core.DatasetRead, Number: f.Number, ItemID: id})
}

// found returns an annotation with what decides about its dataset. To those who
// may not view that, there is none.
func (s *Service) found(ctx context.Context, a core.Actor, id core.AnnotationID) (*core.Annotation, core.DatasetFacts, error) {
	c, err := s.Access.ForUser(ctx, a)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return nil, core.DatasetFacts{}, err
	}
	var n *core.Annotation
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		n, err = tx.Annotations.Find(ctx, id)
		return err
	})
	if err != nil {
		return nil, core.DatasetFacts{}, err
	}
	f, err := s.may(ctx, a, n.DatasetID, core.DatasetView)
	return n, f, err
}

// Annotation returns one annotation.
func (s *Service) Annotation(ctx context.Context, a core.Actor, id core.AnnotationID) (*core.Annotation, error) {
	n, _, err := s.found(ctx, a, id)
	return n, err
}

// lockedAnnotation returns an annotation that nobody else changes, at the version
// that the client has seen (0: any).
func lockedAnnotation(ctx context.Context, tx ports.Tx, n *core.Annotation, ifMatch int64) (*core.Annotation, error) {
	n, err := tx.Annotations.Lock(ctx, n.OrgID, n.ID)
	if err == nil && ifMatch != 0 && ifMatch != n.Version {
		err = core.ErrStale
	}
	return n, err
}

// ChangeAnnotation makes an annotation say something else, for its author: what it
// said stays to be seen. An empty kind leaves that as it is. It returns core.ErrStale.
func (s *Service) ChangeAnnotation(ctx context.Context, a core.Actor, id core.AnnotationID, in AnnotationInput, ifMatch int64) (*core.Annotation, error) {
	n, f, err := s.found(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if err := core.CanChangeAnnotation(f, n); err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		if n, err = lockedAnnotation(ctx, tx, n, ifMatch); err != nil {
			return err
		}
		kind := in.Kind
		if kind == "" {
			kind = n.Kind
		}
		body, err := core.CleanAnnotation(kind, in.Body, s.Text.NFC)
		if err != nil {
			return err
		}
		if kind == n.Kind && string(body) == string(n.Body) {
			return nil
		}
		was := n.Change(kind, body, s.Clock.Now())
		if err := tx.Annotations.Save(ctx, n, was); err != nil {
			return err
		}
		return s.annotated(ctx, tx, f, a, "annotation.updated", n, map[string]core.Change{"version": {From: was.Version, To: n.Version}})
	})
	return n, err
}

// DeleteAnnotation removes an annotation with what it said before, for its author
// and for those who manage the dataset. It returns core.ErrStale.
func (s *Service) DeleteAnnotation(ctx context.Context, a core.Actor, id core.AnnotationID, ifMatch int64) error {
	n, f, err := s.found(ctx, a, id)
	if err != nil {
		return err
	}
	if err := core.CanDeleteAnnotation(f, n); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		if n, err = lockedAnnotation(ctx, tx, n, ifMatch); err != nil {
			return err
		}
		if err := tx.Annotations.Remove(ctx, n.OrgID, n.ID); err != nil {
			return err
		}
		changes := map[string]core.Change{"kind": {From: string(n.Kind)}, "author_id": {From: n.AuthorID.String()}}
		return s.annotated(ctx, tx, f, a, "annotation.deleted", n, changes)
	})
}

// AnnotationVersions returns what an annotation said before, newest first; before
// 0: from the newest on.
func (s *Service) AnnotationVersions(ctx context.Context, a core.Actor, id core.AnnotationID, before int64, limit int) (list []core.AnnotationVersion, err error) {
	n, _, err := s.found(ctx, a, id)
	if err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) (err error) {
		list, err = tx.Annotations.Versions(ctx, n.OrgID, id, before, limit)
		return err
	})
	return list, err
}
