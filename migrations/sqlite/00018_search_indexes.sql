-- +goose Up

-- Search looks neither in the trash nor for the root of the drive.
DROP INDEX nodes_drive_id_name_folded_idx;
DROP INDEX nodes_drive_id_updated_at_idx;
CREATE INDEX nodes_drive_id_name_folded_idx ON nodes (drive_id, name_folded) WHERE trashed_at IS NULL AND parent_id IS NOT NULL;
CREATE INDEX nodes_drive_id_updated_at_idx ON nodes (drive_id, updated_at) WHERE trashed_at IS NULL AND parent_id IS NOT NULL;
