-- +goose Up
-- Granted views and downloads that wait to be added to the sums. They are added
-- and removed in one transaction, so each counts once. Nothing refers to links,
-- so that a visit has no more to check: those of links that are gone are dropped.
CREATE TABLE share_visits (
    id       text PRIMARY KEY, -- of the access
    link_id  text NOT NULL,
    org_id   text NOT NULL,
    group_id text,
    node_id  text,
    kind     text NOT NULL,
    visitor  blob NOT NULL, -- see core.VisitorHash; empty: not known
    country  text NOT NULL,
    device   text NOT NULL,
    at       integer NOT NULL
) STRICT, WITHOUT ROWID;

-- Whoever adds them locks this row.
CREATE TABLE traffic_rolls (slot integer PRIMARY KEY) STRICT;
INSERT INTO traffic_rolls (slot) VALUES (1);

-- The random part of the hashes of a day's visitors.
CREATE TABLE visitor_salts (
    day  integer PRIMARY KEY, -- when it begins, UTC
    salt blob NOT NULL
) STRICT, WITHOUT ROWID;

-- The sums: of what (dim: total, asset, country, device or link), how long
-- (grain: 1 a quarter of an hour, 2 a day, 3 a month, of UTC), from when.
CREATE TABLE link_traffic (
    subject_id text NOT NULL REFERENCES share_links (id) ON DELETE CASCADE,
    org_id     text NOT NULL,
    dim        text NOT NULL,
    grain      integer NOT NULL,
    bucket     integer NOT NULL,
    key        text NOT NULL,
    views      integer NOT NULL,
    visitors   integer NOT NULL, -- who came first then, on their day
    downloads  integer NOT NULL,
    last_at    integer, -- of the last view or download
    PRIMARY KEY (subject_id, dim, grain, bucket, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_traffic_bucket_idx ON link_traffic (bucket) WHERE grain = 3;

CREATE TABLE group_traffic (
    subject_id text NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    org_id     text NOT NULL,
    dim        text NOT NULL,
    grain      integer NOT NULL,
    bucket     integer NOT NULL,
    key        text NOT NULL,
    views      integer NOT NULL,
    visitors   integer NOT NULL,
    downloads  integer NOT NULL,
    last_at    integer,
    PRIMARY KEY (subject_id, dim, grain, bucket, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_traffic_bucket_idx ON group_traffic (bucket) WHERE grain = 3;

-- Who came today, so that they count once; removed when the day is over. via is
-- the link they came through, or empty: any.
CREATE TABLE link_visitors (
    visitor    blob NOT NULL,
    subject_id text NOT NULL REFERENCES share_links (id) ON DELETE CASCADE,
    via        text NOT NULL,
    org_id     text NOT NULL,
    first      integer NOT NULL, -- the quarter of an hour
    country    text NOT NULL,
    device     text NOT NULL,
    PRIMARY KEY (visitor, subject_id, via)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_visitors_first_idx ON link_visitors (first);
CREATE INDEX link_visitors_subject_id_idx ON link_visitors (subject_id);

CREATE TABLE group_visitors (
    visitor    blob NOT NULL,
    subject_id text NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    via        text NOT NULL,
    org_id     text NOT NULL,
    first      integer NOT NULL,
    country    text NOT NULL,
    device     text NOT NULL,
    PRIMARY KEY (visitor, subject_id, via)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_visitors_first_idx ON group_visitors (first);
CREATE INDEX group_visitors_subject_id_idx ON group_visitors (subject_id);

-- What was logged before counts, without visitors.
INSERT INTO share_visits (id, link_id, org_id, node_id, kind, visitor, country, device, at)
SELECT id, link_id, org_id, node_id, kind, x'', 'unknown', 'unknown', at FROM share_accesses WHERE refused = '' AND kind IN ('view', 'download');
