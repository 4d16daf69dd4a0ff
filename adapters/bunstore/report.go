package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type reportRow struct {
	bun.BaseModel `bun:"table:reports,alias:rp"`

	ID          core.ReportID                 `bun:"id,pk"`
	OrgID       core.OrgID                    `bun:"org_id"`
	Name        string                        `bun:"name"`
	Kind        core.ReportKind               `bun:"kind"`
	GroupID     core.GroupID                  `bun:"group_id"`
	ShareLinkID core.ShareLinkID              `bun:"share_link_id"`
	Period      core.Period                   `bun:"period"`
	Formats     document[[]core.ReportFormat] `bun:"formats"`
	Recipients  document[[]core.AccountID]    `bun:"recipients"`
	Schedule    string                        `bun:"schedule"`
	TimeZone    string                        `bun:"time_zone"`
	Active      bool                          `bun:"active"`
	NextAt      stamp                         `bun:"next_at"`
	CreatedBy   core.AccountID                `bun:"created_by"`
	OnBehalfOf  core.AccountID                `bun:"on_behalf_of"`
	Version     int64                         `bun:"version"`
	CreatedAt   stamp                         `bun:"created_at"`
	UpdatedAt   stamp                         `bun:"updated_at"`
}

func newReportRow(r *core.Report) *reportRow {
	return &reportRow{
		ID: r.ID, OrgID: r.OrgID, Name: r.Name, Kind: r.Target.Kind, GroupID: r.Target.GroupID, ShareLinkID: r.Target.ShareLinkID,
		Period: r.Period, Formats: document[[]core.ReportFormat]{r.Formats}, Recipients: document[[]core.AccountID]{r.Recipients},
		Schedule: r.Schedule, TimeZone: r.TimeZone, Active: r.Active, NextAt: stamp{r.NextAt}, CreatedBy: r.CreatedBy, OnBehalfOf: r.OnBehalfOf,
		Version: r.Version, CreatedAt: stamp{r.CreatedAt}, UpdatedAt: stamp{r.UpdatedAt},
	}
}

func (r *reportRow) report() *core.Report {
	return &core.Report{
		ID: r.ID, OrgID: r.OrgID, Name: r.Name, Target: core.ReportTarget{Kind: r.Kind, GroupID: r.GroupID, ShareLinkID: r.ShareLinkID},
		Period: r.Period, Formats: r.Formats.v, Recipients: r.Recipients.v, Schedule: r.Schedule, TimeZone: r.TimeZone, Active: r.Active,
		NextAt: r.NextAt.Time, CreatedBy: r.CreatedBy, OnBehalfOf: r.OnBehalfOf, Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type reports struct{ repository }

func (r reports) Add(ctx context.Context, rp *core.Report, most int64) error {
	// Whoever counts keeps others from adding until the end of the transaction.
	if err := r.lock(ctx, "org_usage", "org_id", rp.OrgID); err != nil {
		return err
	}
	n, err := r.NewSelect().Model((*reportRow)(nil)).Where("rp.org_id = ?", rp.OrgID).Count(ctx)
	if err != nil {
		return translate("count reports", err)
	}
	if err := core.CheckLimit("max_reports", most, n, 1); err != nil {
		return err
	}
	_, err = r.NewInsert().Model(newReportRow(rp)).Exec(ctx)
	return translate("add report", err)
}

func (r reports) Get(ctx context.Context, org core.OrgID, id core.ReportID) (*core.Report, error) {
	return r.one(ctx, r.NewSelect().Where("rp.org_id = ? AND rp.id = ?", org, id))
}

func (r reports) Lock(ctx context.Context, org core.OrgID, id core.ReportID) (*core.Report, error) {
	return r.one(ctx, r.alone(r.NewSelect().Where("rp.org_id = ? AND rp.id = ?", org, id)))
}

func (r reports) one(ctx context.Context, sel *bun.SelectQuery) (*core.Report, error) {
	var row reportRow
	if err := sel.Model(&row).Scan(ctx); err != nil {
		return nil, translate("get report", err)
	}
	return row.report(), nil
}

func (r reports) Save(ctx context.Context, rp *core.Report) error {
	res, err := r.NewUpdate().Model(newReportRow(rp)).ExcludeColumn("org_id", "created_by", "created_at").
		Where("rp.org_id = ? AND rp.id = ? AND rp.version = ?", rp.OrgID, rp.ID, rp.Version-1).Exec(ctx)
	return saved("save report", res, err)
}

func (r reports) Remove(ctx context.Context, org core.OrgID, id core.ReportID) error {
	res, err := r.NewRaw(`DELETE FROM reports WHERE org_id = ? AND id = ?`, org, id).Exec(ctx)
	if n, err := affected("remove report", res, err); err != nil || n > 0 {
		return err
	}
	return core.ErrNotFound
}

func (r reports) List(ctx context.Context, q ports.ReportQuery) ([]*core.Report, error) {
	var rows []reportRow
	sel := r.NewSelect().Model(&rows).Where("rp.org_id = ?", q.OrgID).OrderExpr("rp.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel = sel.Where("rp.id < ?", q.Before)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list reports", err)
	}
	out := make([]*core.Report, len(rows))
	for i := range rows {
		out[i] = rows[i].report()
	}
	return out, nil
}

func (r reports) Due(ctx context.Context, now time.Time, limit int) ([]ports.ReportRef, error) {
	var rows []struct {
		OrgID core.OrgID    `bun:"org_id"`
		ID    core.ReportID `bun:"id"`
	}
	err := r.NewRaw(`SELECT rp.org_id, rp.id FROM reports rp JOIN orgs o ON o.id = rp.org_id AND o.deleted_at IS NULL
		WHERE rp.next_at <= ? ORDER BY rp.next_at, rp.id LIMIT ?`, stamp{now}, limit).Scan(ctx, &rows)
	if err != nil {
		return nil, translate("find due reports", err)
	}
	out := make([]ports.ReportRef, len(rows))
	for i, row := range rows {
		out[i] = ports.ReportRef(row)
	}
	return out, nil
}

var _ ports.Reports = reports{}
