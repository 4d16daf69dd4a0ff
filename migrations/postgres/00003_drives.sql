-- +goose Up
-- Credentials of scripts: each for one drive. permissions is 'read', 'read,write' …
CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    drive_id     uuid NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    name         text NOT NULL,
    prefix       text COLLATE "C" NOT NULL,
    hash         bytea NOT NULL,
    permissions  text COLLATE "C" NOT NULL,
    created_by   uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at   bigint NOT NULL,
    expires_at   bigint,
    revoked_at   bigint,
    revoked_by   uuid,
    last_used_at bigint,
    CONSTRAINT api_keys_hash_key UNIQUE (hash)
);
CREATE INDEX api_keys_drive_id_idx ON api_keys (drive_id, id);
CREATE INDEX api_keys_created_by_idx ON api_keys (created_by);

-- What happened in a drive, in the order in which it was committed: whoever
-- adds a row holds the drive's.
CREATE TABLE node_changes (
    drive_id     uuid NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    seq          bigint NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    node_id      uuid NOT NULL,
    node_kind    text COLLATE "C" NOT NULL,
    parent_id    uuid NOT NULL,
    name         text COLLATE "C" NOT NULL,
    node_version bigint NOT NULL,
    at           bigint NOT NULL,
    PRIMARY KEY (drive_id, seq)
);
CREATE INDEX node_changes_at_idx ON node_changes (at);

-- Search by any part of a name, within a drive.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX nodes_drive_id_name_idx ON nodes USING gin (drive_id, name_folded gin_trgm_ops);

-- Search by a tag.
CREATE INDEX nodes_drive_id_tags_idx ON nodes USING gin (drive_id, metadata jsonb_path_ops) WHERE metadata <> '{}';

-- Search by the beginning of a name, by type, size and time, within a drive.
CREATE INDEX nodes_drive_id_name_folded_idx ON nodes (drive_id, name_folded);
CREATE INDEX nodes_drive_id_content_type_idx ON nodes (drive_id, content_type) WHERE kind = 'asset';
CREATE INDEX nodes_drive_id_size_idx ON nodes (drive_id, size_bytes) WHERE kind = 'asset';
CREATE INDEX nodes_drive_id_updated_at_idx ON nodes (drive_id, updated_at);
