-- +goose Up
-- Credentials of scripts: each for one drive. permissions is 'read', 'read,write' …
CREATE TABLE api_keys (
    id           text PRIMARY KEY,
    org_id       text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    drive_id     text NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    name         text NOT NULL,
    prefix       text NOT NULL,
    hash         blob NOT NULL,
    permissions  text NOT NULL,
    created_by   text NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at   integer NOT NULL,
    expires_at   integer,
    revoked_at   integer,
    revoked_by   text,
    last_used_at integer,
    CONSTRAINT api_keys_hash_key UNIQUE (hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_drive_id_idx ON api_keys (drive_id, id);
CREATE INDEX api_keys_created_by_idx ON api_keys (created_by);

-- What happened in a drive, in the order in which it was committed: whoever
-- adds a row holds the drive's.
CREATE TABLE node_changes (
    drive_id     text NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    seq          integer NOT NULL,
    kind         text NOT NULL,
    node_id      text NOT NULL,
    node_kind    text NOT NULL,
    parent_id    text NOT NULL,
    name         text NOT NULL,
    node_version integer NOT NULL,
    at           integer NOT NULL,
    PRIMARY KEY (drive_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX node_changes_at_idx ON node_changes (at);

-- Search by the beginning of a name, by type, size and time, within a drive.
CREATE INDEX nodes_drive_id_name_folded_idx ON nodes (drive_id, name_folded);
CREATE INDEX nodes_drive_id_content_type_idx ON nodes (drive_id, content_type) WHERE kind = 'asset';
CREATE INDEX nodes_drive_id_size_idx ON nodes (drive_id, size_bytes) WHERE kind = 'asset';
CREATE INDEX nodes_drive_id_updated_at_idx ON nodes (drive_id, updated_at);
