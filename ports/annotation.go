package ports

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
)

// Annotations stores what people say about items.
type Annotations interface {
	// Add stores a new annotation.
	Add(ctx context.Context, a *core.Annotation) error

	// Find returns an annotation of any org, or core.ErrNotFound.
	Find(ctx context.Context, id core.AnnotationID) (*core.Annotation, error)

	// Lock is Find in an org, and nothing else changes the annotation until the
	// unit of work ends. It is for Update only.
	Lock(ctx context.Context, org core.OrgID, id core.AnnotationID) (*core.Annotation, error)

	// Save stores a changed annotation whose Version is one above the stored one,
	// and what it said before, else returns core.ErrStale.
	Save(ctx context.Context, a *core.Annotation, was *core.AnnotationVersion) error

	// Remove removes an annotation with what it said before, or returns
	// core.ErrNotFound.
	Remove(ctx context.Context, org core.OrgID, id core.AnnotationID) error

	// List returns annotations of a dataset in the order in which they were made.
	List(ctx context.Context, q AnnotationQuery) ([]ListedAnnotation, error)

	// Versions returns what an annotation said before, newest first, before a
	// version (0: all).
	Versions(ctx context.Context, org core.OrgID, id core.AnnotationID, before int64, limit int) ([]core.AnnotationVersion, error)
}

// AnnotationQuery is a page of a dataset's annotations. The zero value of a filter
// means any.
type AnnotationQuery struct {
	Dataset    core.DatasetID
	ExternalID string
	Kind       core.AnnotationKind
	Author     core.AccountID
	After      core.AnnotationID
	Limit      int
}

// ListedAnnotation is an annotation with what the dataset knows of it now.
type ListedAnnotation struct {
	core.Annotation

	Orphaned bool // the current version has no item of its external id
}
