-- +goose Up

-- Copies of versions that carry the mark of whom they are shown to. Their bytes
-- are a cache: no quota counts them, and they go when they expire or with the
-- version.
CREATE TABLE marked_copies (
    asset_id     uuid NOT NULL,
    number       bigint NOT NULL,
    recipient    bytea NOT NULL, -- stands for who, by which link, and in which hour
    org_id       uuid NOT NULL,
    blob_key     text COLLATE "C" NOT NULL,
    content_type text COLLATE "C" NOT NULL,
    size_bytes   bigint NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    PRIMARY KEY (asset_id, number, recipient),
    FOREIGN KEY (asset_id, number) REFERENCES asset_versions (asset_id, number) ON DELETE CASCADE,
    CONSTRAINT marked_copies_blob_key_key UNIQUE (blob_key)
);
CREATE INDEX marked_copies_expires_at_idx ON marked_copies (expires_at);
