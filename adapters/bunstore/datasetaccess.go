package bunstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	maxDatasetAccesses    = 2_000 // noted at once
	datasetAccessesPeriod = 500 * time.Millisecond
	datasetLogPatience    = 5 * time.Second
	datasetAccessBatch    = 500 // stored by one statement
)

type datasetAccessRow struct {
	bun.BaseModel `bun:"table:dataset_accesses,alias:a"`

	ID        core.DatasetAccessID   `bun:"id,pk"`
	OrgID     core.OrgID             `bun:"org_id"`
	DatasetID core.DatasetID         `bun:"dataset_id"`
	Number    int64                  `bun:"number"`
	Kind      core.DatasetAccessKind `bun:"kind"`
	ItemID    core.DatasetItemID     `bun:"item_id"`
	AssetID   core.AssetID           `bun:"asset_id"`
	AccountID core.AccountID         `bun:"account_id"`
	Address   string                 `bun:"address"`
	UserAgent string                 `bun:"user_agent"`
	At        stamp                  `bun:"at"`
}

func newDatasetAccessRow(a *core.DatasetAccess) datasetAccessRow {
	a = a.Clipped()
	return datasetAccessRow{
		ID: a.ID, OrgID: a.OrgID, DatasetID: a.DatasetID, Number: a.Number, Kind: a.Kind, ItemID: a.ItemID, AssetID: a.AssetID,
		AccountID: a.AccountID, Address: a.Address, UserAgent: a.UserAgent, At: stamp{a.At},
	}
}

func (r *datasetAccessRow) access() *core.DatasetAccess {
	return &core.DatasetAccess{
		ID: r.ID, OrgID: r.OrgID, DatasetID: r.DatasetID, Number: r.Number, Kind: r.Kind, ItemID: r.ItemID, AssetID: r.AssetID,
		AccountID: r.AccountID, Address: r.Address, UserAgent: r.UserAgent, At: r.At.Time,
	}
}

// datasetLog has accesses that are not stored yet.
type datasetLog struct {
	mu    sync.Mutex
	noted []datasetAccessRow

	storing sync.Mutex // by one at a time: who stores knows then that all before are
}

// note remembers rows, if there is room.
func (l *datasetLog) note(rows ...datasetAccessRow) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.noted)+len(rows) > maxDatasetAccesses {
		return false
	}
	l.noted = append(l.noted, rows...)
	return true
}

// back remembers rows that could not be stored.
func (l *datasetLog) back(rows []datasetAccessRow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noted = append(rows, l.noted...)
}

func (l *datasetLog) take() []datasetAccessRow {
	l.mu.Lock()
	defer l.mu.Unlock()
	noted := l.noted
	l.noted = nil
	return noted
}

// DatasetLog is a ports.DatasetLog.
type DatasetLog struct{ store *Store }

// DatasetLog returns what keeps the access logs of datasets.
func (s *Store) DatasetLog() *DatasetLog { return &DatasetLog{s} }

// Note implements ports.DatasetLog.
func (l *DatasetLog) Note(ctx context.Context, a *core.DatasetAccess) error {
	row := newDatasetAccessRow(a)
	for !l.store.datasetLog.note(row) {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Keep implements ports.DatasetLog.
func (l *DatasetLog) Keep(ctx context.Context, a *core.DatasetAccess) error {
	if err := l.Note(ctx, a); err != nil {
		return err
	}
	return l.flush(ctx)
}

// Run implements ports.DatasetLog.
func (l *DatasetLog) Run(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(datasetAccessesPeriod)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if err := l.flush(ctx); err != nil {
			failed(err)
		}
	}
}

// flush stores what is noted, also if ctx ends meanwhile: the rows are also
// those of others. What it cannot store it notes again.
func (l *DatasetLog) flush(ctx context.Context) error {
	log := &l.store.datasetLog
	log.storing.Lock()
	defer log.storing.Unlock()
	noted := log.take()
	if len(noted) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), datasetLogPatience)
	defer cancel()
	for len(noted) > 0 {
		n := min(len(noted), datasetAccessBatch)
		if err := l.add(ctx, noted[:n]); err != nil {
			log.back(noted)
			return translate("store accesses to datasets", err)
		}
		noted = noted[n:]
	}
	return nil
}

// add stores rows, but for those of datasets that have been removed meanwhile.
func (l *DatasetLog) add(ctx context.Context, rows []datasetAccessRow) error {
	for len(rows) > 0 {
		_, err := l.store.write.NewInsert().Model(&rows).On("CONFLICT (id) DO NOTHING").Exec(ctx)
		if err == nil || !errors.Is(translate("", err), errReference) {
			return err
		}
		ids := make([]core.DatasetID, len(rows))
		for i := range rows {
			ids[i] = rows[i].DatasetID
		}
		var there []core.DatasetID
		if err := l.store.write.NewRaw(`SELECT id FROM datasets WHERE id IN (?)`, bun.List(ids)).Scan(ctx, &there); err != nil {
			return err
		}
		rows = slices.DeleteFunc(slices.Clone(rows), func(r datasetAccessRow) bool { return !slices.Contains(there, r.DatasetID) })
	}
	return nil
}

// Accesses implements ports.DatasetLog.
func (l *DatasetLog) Accesses(ctx context.Context, q ports.DatasetAccessQuery) ([]*core.DatasetAccess, error) {
	if err := l.flush(ctx); err != nil {
		return nil, err
	}
	var rows []datasetAccessRow
	sel := l.store.read.NewSelect().Model(&rows).Where("a.org_id = ? AND a.dataset_id = ?", q.OrgID, q.Dataset).OrderExpr("a.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel.Where("a.id < ?", q.Before)
	}
	if !q.Account.IsZero() {
		sel.Where("a.account_id = ?", q.Account)
	}
	if q.Kind != "" {
		sel.Where("a.kind = ?", q.Kind)
	}
	if !q.From.IsZero() {
		sel.Where("a.at >= ?", stamp{q.From})
	}
	if !q.To.IsZero() {
		sel.Where("a.at < ?", stamp{q.To})
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, translate("list accesses to a dataset", err)
	}
	out := make([]*core.DatasetAccess, len(rows))
	for i := range rows {
		out[i] = rows[i].access()
	}
	return out, nil
}

// Prune implements ports.DatasetLog.
func (l *DatasetLog) Prune(ctx context.Context, t time.Time, limit int) (int, error) {
	res, err := l.store.write.NewRaw(`DELETE FROM dataset_accesses WHERE id IN (SELECT id FROM dataset_accesses WHERE at < ? ORDER BY at LIMIT ?)`,
		stamp{t}, limit).Exec(ctx)
	return affected("prune accesses to datasets", res, err)
}
