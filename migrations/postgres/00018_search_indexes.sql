-- +goose Up

-- Until a table has statistics, an index by the drive looks as good to PostgreSQL as that of an id or of a name: it read
-- the whole drive to check the parent of each new node, and to find each folder. So these two, which are for search, say
-- what only search asks for: neither the trash nor the root of the drive.
DROP INDEX nodes_drive_id_name_folded_idx;
DROP INDEX nodes_drive_id_updated_at_idx;
CREATE INDEX nodes_drive_id_name_folded_idx ON nodes (drive_id, name_folded) WHERE trashed_at IS NULL AND parent_id IS NOT NULL;
CREATE INDEX nodes_drive_id_updated_at_idx ON nodes (drive_id, updated_at) WHERE trashed_at IS NULL AND parent_id IS NOT NULL;
