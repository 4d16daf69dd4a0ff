package dataset

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// ExportItems returns a page of a version's items for a file with all of them, in
// the order of their manifest. The access is logged before the first page is
// returned, and whether it is allowed is asked for each.
func (s *Service) ExportItems(ctx context.Context, a core.Actor, q ItemQuery) (Items, error) {
	f, err := s.may(ctx, a, q.DatasetID, core.DatasetView)
	if err != nil {
		return Items{}, err
	}
	out, err := s.items(ctx, f, q)
	if err == nil && q.From.Number == 0 {
		err = s.note(ctx, f, a, core.DatasetAccess{Kind: core.DatasetExported, Number: out.Number})
	}
	return out, err
}

// ExportAnnotations is ExportItems of all annotations of a dataset.
func (s *Service) ExportAnnotations(ctx context.Context, a core.Actor, q AnnotationQuery) ([]ports.ListedAnnotation, error) {
	f, err := s.may(ctx, a, q.DatasetID, core.DatasetView)
	if err != nil {
		return nil, err
	}
	list, err := s.annotations(ctx, q)
	if err == nil && q.After.IsZero() {
		err = s.note(ctx, f, a, core.DatasetAccess{Kind: core.DatasetExported, Number: f.Dataset.CurrentVersion})
	}
	return list, err
}
