-- +goose Up

-- SQLite has no replicas: nothing is ever in here.
CREATE TABLE replica_beats (
    node    text PRIMARY KEY,
    beat    integer NOT NULL,
    beat_at integer NOT NULL
) STRICT, WITHOUT ROWID;
