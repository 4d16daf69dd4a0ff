package bunstore

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

type changeRow struct {
	bun.BaseModel `bun:"table:node_changes,alias:ch"`

	DriveID     core.DriveID    `bun:"drive_id,pk"`
	Seq         int64           `bun:"seq,pk"`
	Kind        core.ChangeKind `bun:"kind"`
	NodeID      core.NodeID     `bun:"node_id"`
	NodeKind    core.NodeKind   `bun:"node_kind"`
	ParentID    core.NodeID     `bun:"parent_id"`
	Name        string          `bun:"name"`
	NodeVersion int64           `bun:"node_version"`
	At          stamp           `bun:"at"`
}

func (r *changeRow) change() core.NodeChange {
	return core.NodeChange{
		Seq: r.Seq, DriveID: r.DriveID, Kind: r.Kind, NodeID: r.NodeID, NodeKind: r.NodeKind, ParentID: r.ParentID,
		Name: r.Name, NodeVersion: r.NodeVersion, At: r.At.Time,
	}
}

type changes struct{ repository }

func (r changes) Add(ctx context.Context, changes ...core.NodeChange) error {
	if len(changes) == 0 {
		return nil
	}
	drive := changes[0].DriveID
	// The numbers are given in the order of commits: the row stays locked until then.
	var latest int64
	err := r.NewRaw(`UPDATE drives SET change_seq = change_seq + ? WHERE id = ? RETURNING change_seq`, len(changes), drive).Scan(ctx, &latest)
	if err != nil {
		return translate("number changes", err)
	}
	rows := make([]changeRow, len(changes))
	for i, c := range changes {
		if c.DriveID != drive {
			return fmt.Errorf("changes of drives %s and %s at once", drive, c.DriveID)
		}
		rows[i] = changeRow{
			DriveID: drive, Seq: latest - int64(len(changes)-1-i), Kind: c.Kind, NodeID: c.NodeID, NodeKind: c.NodeKind, ParentID: c.ParentID,
			Name: c.Name, NodeVersion: c.NodeVersion, At: stamp{c.At},
		}
	}
	_, err = r.NewInsert().Model(&rows).Exec(ctx)
	return translate("add changes", err)
}

func (r changes) List(ctx context.Context, drive core.DriveID, seq int64, limit int) ([]core.NodeChange, int64, error) {
	var latest, pruned int64
	if err := r.NewRaw(`SELECT change_seq, pruned_seq FROM drives WHERE id = ?`, drive).Scan(ctx, &latest, &pruned); err != nil {
		return nil, 0, translate("latest change", err)
	}
	// A number above the latest is of a database that has since been put back
	// to an earlier state: nobody knows what its owner has missed.
	if seq < pruned || seq > latest {
		return nil, latest, core.ErrCursorExpired
	}
	var rows []changeRow
	err := r.NewSelect().Model(&rows).Where("ch.drive_id = ? AND ch.seq > ? AND ch.seq <= ?", drive, seq, latest).
		OrderExpr("ch.seq").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, latest, translate("list changes", err)
	}
	if limit > 0 && seq < latest && (len(rows) == 0 || rows[0].Seq != seq+1) { // pruned since the first look
		return nil, latest, core.ErrCursorExpired
	}
	out := make([]core.NodeChange, len(rows))
	for i := range rows {
		out[i] = rows[i].change()
	}
	return out, latest, nil
}

func (r changes) Kept(ctx context.Context, drive core.DriveID) (pruned, latest int64, err error) {
	err = r.NewRaw(`SELECT pruned_seq, change_seq FROM drives WHERE id = ?`, drive).Scan(ctx, &pruned, &latest)
	return pruned, latest, translate("kept changes", err)
}

func (r changes) Prune(ctx context.Context, t time.Time, limit int) (int, error) {
	var old []struct {
		DriveID core.DriveID `bun:"drive_id"`
		Seq     int64        `bun:"seq"`
	}
	err := r.NewRaw(`SELECT drive_id, max(seq) AS seq FROM (
			SELECT drive_id, seq FROM node_changes WHERE at < ? ORDER BY at LIMIT ?) AS old GROUP BY drive_id ORDER BY drive_id`,
		stamp{t}, limit).Scan(ctx, &old)
	if err != nil {
		return 0, translate("find old changes", err)
	}
	total := 0
	for _, last := range old {
		_, err := r.NewRaw(`UPDATE drives SET pruned_seq = ? WHERE id = ? AND pruned_seq < ?`, last.Seq, last.DriveID, last.Seq).Exec(ctx)
		if err != nil {
			return total, translate("prune changes", err)
		}
		res, err := r.NewRaw(`DELETE FROM node_changes WHERE drive_id = ? AND seq <= ?`, last.DriveID, last.Seq).Exec(ctx)
		n, err := affected("prune changes", res, err)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}
