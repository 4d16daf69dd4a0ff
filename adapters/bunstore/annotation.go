package bunstore

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type annotationRow struct {
	bun.BaseModel `bun:"table:annotations,alias:n"`

	ID         core.AnnotationID   `bun:"id,pk"`
	OrgID      core.OrgID          `bun:"org_id"`
	DatasetID  core.DatasetID      `bun:"dataset_id"`
	ExternalID string              `bun:"external_id"`
	Number     int64               `bun:"number"`
	AuthorID   core.AccountID      `bun:"author_id"`
	Kind       core.AnnotationKind `bun:"kind"`
	Body       rawJSON             `bun:"body"`
	Version    int64               `bun:"version"`
	CreatedAt  stamp               `bun:"created_at"`
	UpdatedAt  stamp               `bun:"updated_at"`
}

func newAnnotationRow(a *core.Annotation) *annotationRow {
	return &annotationRow{
		ID: a.ID, OrgID: a.OrgID, DatasetID: a.DatasetID, ExternalID: a.ExternalID, Number: a.Number, AuthorID: a.AuthorID,
		Kind: a.Kind, Body: rawJSON(a.Body), Version: a.Version, CreatedAt: stamp{a.CreatedAt}, UpdatedAt: stamp{a.UpdatedAt},
	}
}

func (r *annotationRow) annotation() core.Annotation {
	return core.Annotation{
		ID: r.ID, OrgID: r.OrgID, DatasetID: r.DatasetID, ExternalID: r.ExternalID, Number: r.Number, AuthorID: r.AuthorID,
		Kind: r.Kind, Body: json.RawMessage(r.Body), Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type annotationVersionRow struct {
	bun.BaseModel `bun:"table:annotation_versions,alias:nv"`

	AnnotationID core.AnnotationID   `bun:"annotation_id,pk"`
	Version      int64               `bun:"version,pk"`
	OrgID        core.OrgID          `bun:"org_id"`
	Kind         core.AnnotationKind `bun:"kind"`
	Body         rawJSON             `bun:"body"`
	At           stamp               `bun:"at"`
}

type annotations struct{ repository }

func (r annotations) Add(ctx context.Context, a *core.Annotation) error {
	_, err := r.NewInsert().Model(newAnnotationRow(a)).Exec(ctx)
	return translate("add annotation", err)
}

func (r annotations) Find(ctx context.Context, id core.AnnotationID) (*core.Annotation, error) {
	return r.one(ctx, r.NewSelect().Where("n.id = ?", id))
}

func (r annotations) Lock(ctx context.Context, org core.OrgID, id core.AnnotationID) (*core.Annotation, error) {
	return r.one(ctx, r.alone(r.NewSelect().Where("n.id = ? AND n.org_id = ?", id, org)))
}

func (r annotations) one(ctx context.Context, sel *bun.SelectQuery) (*core.Annotation, error) {
	var row annotationRow
	if err := sel.Model(&row).Scan(ctx); err != nil {
		return nil, translate("annotation", err)
	}
	return new(row.annotation()), nil
}

func (r annotations) Save(ctx context.Context, a *core.Annotation, was *core.AnnotationVersion) error {
	res, err := r.NewUpdate().Model(newAnnotationRow(a)).Column("kind", "body", "version", "updated_at").
		Where("id = ? AND org_id = ? AND version = ?", a.ID, a.OrgID, a.Version-1).Exec(ctx)
	if err := saved("save annotation", res, err); err != nil {
		return err
	}
	_, err = r.NewInsert().Model(&annotationVersionRow{
		AnnotationID: was.AnnotationID, Version: was.Version, OrgID: was.OrgID, Kind: was.Kind, Body: rawJSON(was.Body), At: stamp{was.At},
	}).Exec(ctx)
	return translate("keep annotation", err)
}

func (r annotations) Remove(ctx context.Context, org core.OrgID, id core.AnnotationID) error {
	res, err := r.NewRaw(`DELETE FROM annotations WHERE id = ? AND org_id = ?`, id, org).Exec(ctx)
	n, err := affected("remove annotation", res, err)
	if err == nil && n == 0 {
		return core.ErrNotFound
	}
	return err
}

// orphaned is a column: the current version has no item of annotation n's external id.
const orphaned = `NOT EXISTS (SELECT 1 FROM datasets AS d JOIN dataset_versions AS v ON v.dataset_id = d.id AND v.number = d.current_version
	JOIN dataset_items AS i ON i.version_id = v.id AND i.external_id = n.external_id WHERE d.id = n.dataset_id) AS orphaned`

// List walks the index that its filters have.
func (r annotations) List(ctx context.Context, q ports.AnnotationQuery) ([]ports.ListedAnnotation, error) {
	var rows []struct {
		annotationRow
		Orphaned bool `bun:"orphaned"`
	}
	sel := r.NewSelect().Model(&rows).ModelTableExpr("annotations AS n").ColumnExpr("n.*").ColumnExpr(orphaned).
		Where("n.dataset_id = ? AND n.id > ?", q.Dataset, floor(q.After)).OrderExpr("n.id").Limit(int64(q.Limit))
	if q.ExternalID != "" {
		sel.Where("n.external_id = ?", q.ExternalID)
	}
	if q.Kind != "" {
		sel.Where("n.kind = ?", q.Kind)
	}
	if !q.Author.IsZero() {
		sel.Where("n.author_id = ?", q.Author)
	}
	err := sel.Scan(ctx)
	out := make([]ports.ListedAnnotation, len(rows))
	for i := range rows {
		out[i] = ports.ListedAnnotation{Annotation: rows[i].annotation(), Orphaned: rows[i].Orphaned}
	}
	return out, translate("list annotations", err)
}

func (r annotations) Versions(ctx context.Context, org core.OrgID, id core.AnnotationID, before int64, limit int) ([]core.AnnotationVersion, error) {
	var rows []annotationVersionRow
	sel := r.NewSelect().Model(&rows).Where("nv.annotation_id = ? AND nv.org_id = ?", id, org).OrderExpr("nv.version DESC").Limit(int64(limit))
	if before > 0 {
		sel.Where("nv.version < ?", before)
	}
	err := sel.Scan(ctx)
	out := make([]core.AnnotationVersion, len(rows))
	for i, v := range rows {
		out[i] = core.AnnotationVersion{
			AnnotationID: v.AnnotationID, OrgID: v.OrgID, Version: v.Version, Kind: v.Kind, Body: json.RawMessage(v.Body), At: v.At.Time,
		}
	}
	return out, translate("versions of an annotation", err)
}
