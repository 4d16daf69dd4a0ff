-- +goose Up

-- What each server that reads from a replica writes, again and again: once it
-- sees its last beat there, the replica shows all that was committed before.
CREATE TABLE replica_beats (
    node    uuid PRIMARY KEY, -- of one run of one server
    beat    bigint NOT NULL,
    beat_at bigint NOT NULL
) WITH (fillfactor = 50);
