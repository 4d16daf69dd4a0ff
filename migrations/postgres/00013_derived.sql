-- +goose Up

-- What is derived of versions: pictures of them, and what they measure. Their
-- bytes are a cache: no quota counts them, and they go with the version.
CREATE TABLE derived (
    asset_id      uuid NOT NULL,
    number        bigint NOT NULL,
    org_id        uuid NOT NULL,
    status        text COLLATE "C" NOT NULL CHECK (status IN ('pending', 'ready', 'failed', 'unsupported')),
    failure       text COLLATE "C" NOT NULL,
    attempts      bigint NOT NULL,
    thumbnail_key text COLLATE "C" NOT NULL, -- empty: there is none
    thumbnail_type text COLLATE "C" NOT NULL,
    thumbnail_bytes bigint NOT NULL,
    poster_key    text COLLATE "C" NOT NULL, -- of a video
    poster_type   text COLLATE "C" NOT NULL,
    poster_bytes  bigint NOT NULL,
    width         bigint NOT NULL, -- of the original, as it is seen
    height        bigint NOT NULL,
    duration_ms   bigint NOT NULL,
    placeholder   bytea,
    updated_at    bigint NOT NULL,
    PRIMARY KEY (asset_id, number),
    FOREIGN KEY (asset_id, number) REFERENCES asset_versions (asset_id, number) ON DELETE CASCADE
);
CREATE INDEX derived_thumbnail_key_idx ON derived (thumbnail_key) WHERE thumbnail_key <> '';
CREATE INDEX derived_poster_key_idx ON derived (poster_key) WHERE poster_key <> '';

-- The words in the texts of versions, as the application cuts and folds them.
CREATE TABLE asset_texts (
    asset_id uuid NOT NULL,
    number   bigint NOT NULL,
    org_id   uuid NOT NULL,
    words    tsvector NOT NULL,
    PRIMARY KEY (asset_id, number),
    FOREIGN KEY (asset_id, number) REFERENCES asset_versions (asset_id, number) ON DELETE CASCADE
);
CREATE INDEX asset_texts_words_idx ON asset_texts USING gin (words);
