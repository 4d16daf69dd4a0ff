-- +goose Up

-- What is derived of versions: pictures of them, and what they measure. Their
-- bytes are a cache: no quota counts them, and they go with the version.
CREATE TABLE derived (
    asset_id      text NOT NULL,
    number        integer NOT NULL,
    org_id        text NOT NULL,
    status        text NOT NULL CHECK (status IN ('pending', 'ready', 'failed', 'unsupported')),
    failure       text NOT NULL,
    attempts      integer NOT NULL,
    thumbnail_key text NOT NULL, -- empty: there is none
    thumbnail_type text NOT NULL,
    thumbnail_bytes integer NOT NULL,
    poster_key    text NOT NULL, -- of a video
    poster_type   text NOT NULL,
    poster_bytes  integer NOT NULL,
    width         integer NOT NULL, -- of the original, as it is seen
    height        integer NOT NULL,
    duration_ms   integer NOT NULL,
    placeholder   blob,
    updated_at    integer NOT NULL,
    PRIMARY KEY (asset_id, number),
    FOREIGN KEY (asset_id, number) REFERENCES asset_versions (asset_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX derived_thumbnail_key_idx ON derived (thumbnail_key) WHERE thumbnail_key <> '';
CREATE INDEX derived_poster_key_idx ON derived (poster_key) WHERE poster_key <> '';

-- The texts of versions, and the words in them as the application cuts and
-- folds them. The index keeps the words only: to it, all that is not ASCII is a
-- letter, and ASCII is folded already.
CREATE TABLE asset_texts (
    id       integer PRIMARY KEY,
    asset_id text NOT NULL,
    number   integer NOT NULL,
    org_id   text NOT NULL,
    CONSTRAINT asset_texts_key UNIQUE (asset_id, number),
    FOREIGN KEY (asset_id, number) REFERENCES asset_versions (asset_id, number) ON DELETE CASCADE
) STRICT;
CREATE VIRTUAL TABLE asset_words USING fts5 (words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');

-- +goose StatementBegin
CREATE TRIGGER asset_texts_removed AFTER DELETE ON asset_texts BEGIN
    DELETE FROM asset_words WHERE rowid = old.id;
END;
-- +goose StatementEnd
