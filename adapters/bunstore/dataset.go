package bunstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type datasetRow struct {
	bun.BaseModel `bun:"table:datasets,alias:d"`

	ID             core.DatasetID             `bun:"id,pk"`
	OrgID          core.OrgID                 `bun:"org_id"`
	DriveID        core.DriveID               `bun:"drive_id"`
	Slug           string                     `bun:"slug"`
	Name           string                     `bun:"name"`
	NameFolded     string                     `bun:"name_folded"`
	Description    string                     `bun:"description"`
	Status         core.DatasetStatus         `bun:"status"`
	Visibility     core.Visibility            `bun:"visibility"`
	Schemas        document[core.ItemSchemas] `bun:"item_schemas"`
	CurrentVersion int64                      `bun:"current_version"`
	CreatedBy      core.AccountID             `bun:"created_by"`
	OwnerID        core.AccountID             `bun:"owner_id"`
	DeletedAt      stamp                      `bun:"deleted_at"`
	Version        int64                      `bun:"version"`
	CreatedAt      stamp                      `bun:"created_at"`
	UpdatedAt      stamp                      `bun:"updated_at"`
}

func newDatasetRow(d *core.Dataset) *datasetRow {
	schemas := d.Schemas
	if schemas == nil {
		schemas = core.ItemSchemas{}
	}
	return &datasetRow{
		ID: d.ID, OrgID: d.OrgID, DriveID: d.DriveID, Slug: d.Slug, Name: d.Name, NameFolded: core.Fold(d.Name), Description: d.Description,
		Status: d.Status, Visibility: d.Visibility, Schemas: document[core.ItemSchemas]{schemas}, CurrentVersion: d.CurrentVersion,
		CreatedBy: d.CreatedBy, OwnerID: d.OwnerID, DeletedAt: stamp{d.DeletedAt}, Version: d.Version,
		CreatedAt: stamp{d.CreatedAt}, UpdatedAt: stamp{d.UpdatedAt},
	}
}

func (r *datasetRow) dataset() *core.Dataset {
	return &core.Dataset{
		ID: r.ID, OrgID: r.OrgID, DriveID: r.DriveID, Slug: r.Slug, Name: r.Name, Description: r.Description,
		Status: r.Status, Visibility: r.Visibility, Schemas: r.Schemas.v, CurrentVersion: r.CurrentVersion,
		CreatedBy: r.CreatedBy, OwnerID: r.OwnerID, DeletedAt: r.DeletedAt.Time, Version: r.Version,
		CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

// datasetFacts is what decides about dataset ds, as the first columns of a hot
// statement; found joins that one, more are columns of what was asked for.
func datasetFacts(f form, found, more string) string {
	return `SELECT ` + f.state + `, u.email, o.id, o.is_personal, ac.id, coalesce(ac.status, ''), coalesce(ac.role, ''),
		ds.id, ds.drive_id, ds.slug, ds.name, ds.status, ds.visibility, ds.current_version, ds.owner_id, ds.version,
		coalesce(ds.owner_id = ac.id, false), ga.rights, gr.rights` + more + f.key + f.from + found + `
		JOIN orgs o ON o.id = ds.org_id AND o.deleted_at IS NULL
		LEFT JOIN accounts ac ON ac.org_id = o.id AND ac.user_id = u.id
		LEFT JOIN dataset_grants ga ON ga.dataset_id = ds.id AND ga.account_id = ac.id
		LEFT JOIN dataset_grants gr ON gr.dataset_id = ds.id AND gr.role = ac.role AND gr.account_id IS NULL ` + f.where
}

var forDataset = inEachForm(func(f form) string {
	return datasetFacts(f, ` JOIN datasets ds ON ds.id = $3 AND ds.deleted_at IS NULL`, ``)
})

// datasetScan takes the columns of datasetFacts.
type datasetScan struct {
	facts         *core.DatasetFacts
	account, role sql.Null[int64]
}

func (d *datasetScan) into(more ...any) []any {
	f := d.facts
	s := &f.Dataset
	return append([]any{
		&f.UserDisabled, &f.SessionRevoked, &f.Email, &f.OrgID, &f.IsPersonal, &f.AccountID, &f.Status, &f.Role,
		&s.ID, &s.DriveID, &s.Slug, &s.Name, &s.Status, &s.Visibility, &s.CurrentVersion, &s.OwnerID, &s.Version, &f.Creator, &d.account, &d.role,
	}, more...)
}

func (d *datasetScan) done() {
	d.facts.Dataset.OrgID = d.facts.OrgID
	d.facts.Account, d.facts.ByRole = datasetRightsOf(d.account), datasetRightsOf(d.role)
}

// ForDataset implements ports.DatasetAccess.
func (s *Store) ForDataset(ctx context.Context, a core.Actor, id core.DatasetID) (core.DatasetFacts, error) {
	var f core.DatasetFacts
	err := s.askDataset(ctx, a, forDataset, &f, []any{id})
	return f, err
}

// askDataset runs a hot statement with the columns of datasetFacts.
func (s *Store) askDataset(ctx context.Context, a core.Actor, t statement, f *core.DatasetFacts, args []any, more ...any) error {
	if a.ByKey() {
		return core.ErrKeyNotAllowed
	}
	d := datasetScan{facts: f}
	err := s.ask(ctx, a, t, append([]any{a.UserID, a.SessionID}, args...), &f.Credential, d.into(more...)...)
	if errors.Is(err, sql.ErrNoRows) {
		none, err := s.nothing(ctx, a)
		f.Credential = none.Credential
		return err
	}
	d.done()
	return translate("dataset facts", err)
}

func datasetRightsOf(n sql.Null[int64]) *core.DatasetRights {
	if !n.Valid {
		return nil
	}
	rights := core.DatasetRights(n.V) //nolint:gosec // a constraint keeps it below 8
	return &rights
}

type datasets struct{ repository }

func (r datasets) Add(ctx context.Context, d *core.Dataset) error {
	_, err := r.NewInsert().Model(newDatasetRow(d)).Exec(ctx)
	return translate("add dataset", err)
}

func (r datasets) Get(ctx context.Context, org core.OrgID, id core.DatasetID) (*core.Dataset, error) {
	return r.one(ctx, r.NewSelect().Where("id = ? AND org_id = ?", id, org))
}

func (r datasets) Lock(ctx context.Context, org core.OrgID, id core.DatasetID) (*core.Dataset, error) {
	if err := r.lock(ctx, "datasets", "id", id); err != nil {
		return nil, err
	}
	return r.Get(ctx, org, id)
}

func (r datasets) BySlug(ctx context.Context, org core.OrgID, slug string) (*core.Dataset, error) {
	return r.one(ctx, r.NewSelect().Where("org_id = ? AND slug = ?", org, slug))
}

func (r datasets) ByDrive(ctx context.Context, org core.OrgID, drive core.DriveID) (*core.Dataset, error) {
	return r.one(ctx, r.NewSelect().Where("org_id = ? AND drive_id = ?", org, drive))
}

// ShownBelow walks down the folders, unless the org shows nothing anyhow.
func (r datasets) ShownBelow(ctx context.Context, n *core.Node, except core.DatasetID) (shown int64, err error) {
	if n.Kind != core.KindFolder {
		err = r.NewRaw(`SELECT count(DISTINCT dataset_id) FROM dataset_files WHERE asset_id = ? AND dataset_id <> ?`, n.ID, floor(except)).Scan(ctx, &shown)
		return shown, translate("shown by datasets", err)
	}
	err = r.NewRaw(`WITH RECURSIVE down (id, depth) AS (
			SELECT n.id, 0 FROM nodes n WHERE n.id = ?0 AND n.drive_id = ?1
				AND EXISTS (SELECT 1 FROM datasets d WHERE d.org_id = ?2 AND d.id <> ?3 AND EXISTS (SELECT 1 FROM dataset_files f WHERE f.dataset_id = d.id))
			UNION ALL SELECT c.id, down.depth + 1 FROM down JOIN nodes c ON c.parent_id = down.id AND c.kind = 'folder' AND down.depth < ?4
		) SELECT count(DISTINCT df.dataset_id) FROM down JOIN nodes a ON a.parent_id = down.id AND a.kind = 'asset'
		JOIN dataset_files df ON df.asset_id = a.id AND df.dataset_id <> ?3`, n.ID, n.DriveID, n.OrgID, floor(except), maxTrail).Scan(ctx, &shown)
	return shown, translate("shown by datasets", err)
}

func (r datasets) one(ctx context.Context, sel *bun.SelectQuery) (*core.Dataset, error) {
	var row datasetRow
	err := sel.Model(&row).Where("deleted_at IS NULL").Scan(ctx)
	return row.dataset(), translate("dataset", err)
}

func (r datasets) Save(ctx context.Context, d *core.Dataset) error {
	res, err := r.NewUpdate().Model(newDatasetRow(d)).ExcludeColumn("id", "org_id", "drive_id", "created_by", "created_at").
		Where("id = ? AND org_id = ? AND version = ?", d.ID, d.OrgID, d.Version-1).Exec(ctx)
	return saved("save dataset", res, err)
}

func (r datasets) List(ctx context.Context, q ports.DatasetQuery) ([]*core.Dataset, error) {
	var rows []datasetRow
	sel := r.NewSelect().Model(&rows).Where("d.org_id = ? AND d.deleted_at IS NULL", q.OrgID).OrderExpr("d.id DESC").Limit(int64(q.Limit))
	if q.Role != core.OrgOwner && q.Role != core.OrgAdmin {
		sel.Join("LEFT JOIN dataset_grants AS ga ON ga.dataset_id = d.id AND ga.account_id = ?", q.Account).
			Join("LEFT JOIN dataset_grants AS gr ON gr.dataset_id = d.id AND gr.role = ? AND gr.account_id IS NULL", q.Role)
		const shown = "d.status = 'published' AND (d.visibility = 'org' OR coalesce(ga.rights, gr.rights, 0) > 0)"
		if q.Role.May(core.UploadAssets) {
			sel.Where("(d.owner_id = ? OR coalesce(ga.rights, gr.rights, 0) >= ? OR "+shown+")", q.Account, int64(core.DatasetPublish))
		} else {
			sel.Where(shown)
		}
	}
	if q.Status != "" {
		sel.Where("d.status = ?", q.Status)
	}
	if q.Text != "" {
		sel.Where(`d.name_folded LIKE ? ESCAPE '\'`, likePattern(core.Fold(q.Text)))
	}
	if !q.Before.IsZero() {
		sel.Where("d.id < ?", q.Before)
	}
	err := sel.Scan(ctx)
	out := make([]*core.Dataset, len(rows))
	for i := range rows {
		out[i] = rows[i].dataset()
	}
	return out, translate("list datasets", err)
}
