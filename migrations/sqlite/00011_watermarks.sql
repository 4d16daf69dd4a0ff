-- +goose Up

-- Copies of versions that carry the mark of whom they are shown to. Their bytes
-- are a cache: no quota counts them, and they go when they expire or with the
-- version.
CREATE TABLE marked_copies (
    asset_id     text NOT NULL,
    number       integer NOT NULL,
    recipient    blob NOT NULL, -- stands for who, by which link, and in which hour
    org_id       text NOT NULL,
    blob_key     text NOT NULL,
    content_type text NOT NULL,
    size_bytes   integer NOT NULL,
    created_at   integer NOT NULL,
    expires_at   integer NOT NULL,
    PRIMARY KEY (asset_id, number, recipient),
    FOREIGN KEY (asset_id, number) REFERENCES asset_versions (asset_id, number) ON DELETE CASCADE,
    CONSTRAINT marked_copies_blob_key_key UNIQUE (blob_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX marked_copies_expires_at_idx ON marked_copies (expires_at);
