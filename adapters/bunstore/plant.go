package bunstore

import (
	"context"
	"slices"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// plantBatch is how many rows one statement inserts.
const plantBatch = 500

func (r subtrees) Plant(ctx context.Context, folders []*core.Node, files []ports.Planted) error {
	// A folder may refer to one before it in the same statement: references are
	// checked at its end.
	for some := range slices.Chunk(folders, plantBatch) {
		rows := make([]*nodeRow, len(some))
		for i, n := range some {
			rows[i] = newNodeRow(n, new(core.File))
		}
		if _, err := r.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return translate("plant folders", err)
		}
	}
	for some := range slices.Chunk(files, plantBatch) {
		if err := r.plantFiles(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (r subtrees) Grow(ctx context.Context, files []ports.Planted) error {
	for some := range slices.Chunk(files, plantBatch) {
		ups := make([]*uploadRow, len(some))
		taken := removal{repository: r.repository}
		for i, f := range some {
			ups[i] = newUploadRow(f.Upload)
			taken.bytes -= f.Upload.SizeBytes
			res, err := r.NewRaw(`UPDATE nodes SET newest_version = ?0 WHERE id = ?1 AND drive_id = ?2 AND newest_version = ?0 - 1 AND trashed_at IS NULL`,
				f.Upload.Number, f.Asset.ID, f.Asset.DriveID).Exec(ctx)
			if err := saved("grow files", res, err); err != nil {
				return err
			}
		}
		if _, err := r.NewInsert().Model(&ups).Exec(ctx); err != nil {
			return translate("grow files", err)
		}
		if err := taken.giveBack(ctx, some[0].Asset.OrgID, some[0].Asset.DriveID); err != nil {
			return err
		}
	}
	return nil
}

func (r subtrees) plantFiles(ctx context.Context, files []ports.Planted) error {
	nodes, ups := make([]*nodeRow, len(files)), make([]*uploadRow, len(files))
	taken := removal{repository: r.repository, count: -len(files)}
	for i, f := range files {
		nodes[i], ups[i] = newNodeRow(&f.Asset.Node, &f.Asset.File), newUploadRow(f.Upload)
		taken.bytes -= f.Upload.SizeBytes
	}
	if _, err := r.NewInsert().Model(&nodes).Exec(ctx); err != nil {
		return translate("plant files", err)
	}
	if _, err := r.NewInsert().Model(&ups).Exec(ctx); err != nil {
		return translate("plant uploads", err)
	}
	return taken.giveBack(ctx, files[0].Asset.OrgID, files[0].Asset.DriveID)
}
