-- +goose Up
-- Granted views and downloads that wait to be added to the sums. They are added
-- and removed in one transaction, so each counts once. Nothing refers to links,
-- so that a visit has no more to check: those of links that are gone are dropped.
CREATE TABLE share_visits (
    id       uuid PRIMARY KEY, -- of the access
    link_id  uuid NOT NULL,
    org_id   uuid NOT NULL,
    group_id uuid,
    node_id  uuid,
    kind     text COLLATE "C" NOT NULL,
    visitor  bytea NOT NULL, -- see core.VisitorHash; empty: not known
    country  text COLLATE "C" NOT NULL,
    device   text COLLATE "C" NOT NULL,
    at       bigint NOT NULL
);

-- Whoever adds them locks this row.
CREATE TABLE traffic_rolls (slot integer PRIMARY KEY);
INSERT INTO traffic_rolls (slot) VALUES (1);

-- The random part of the hashes of a day's visitors.
CREATE TABLE visitor_salts (
    day  bigint PRIMARY KEY, -- when it begins, UTC
    salt bytea NOT NULL
);

-- The sums: of what (dim: total, asset, country, device or link), how long
-- (grain: 1 a quarter of an hour, 2 a day, 3 a month, of UTC), from when.
CREATE TABLE link_traffic (
    subject_id uuid NOT NULL REFERENCES share_links (id) ON DELETE CASCADE,
    org_id     uuid NOT NULL,
    dim        text COLLATE "C" NOT NULL,
    grain      bigint NOT NULL,
    bucket     bigint NOT NULL,
    key        text COLLATE "C" NOT NULL,
    views      bigint NOT NULL,
    visitors   bigint NOT NULL, -- who came first then, on their day
    downloads  bigint NOT NULL,
    last_at    bigint, -- of the last view or download
    PRIMARY KEY (subject_id, dim, grain, bucket, key)
) WITH (fillfactor = 80);
CREATE INDEX link_traffic_bucket_idx ON link_traffic (bucket) WHERE grain = 3;

CREATE TABLE group_traffic (
    subject_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    org_id     uuid NOT NULL,
    dim        text COLLATE "C" NOT NULL,
    grain      bigint NOT NULL,
    bucket     bigint NOT NULL,
    key        text COLLATE "C" NOT NULL,
    views      bigint NOT NULL,
    visitors   bigint NOT NULL,
    downloads  bigint NOT NULL,
    last_at    bigint,
    PRIMARY KEY (subject_id, dim, grain, bucket, key)
) WITH (fillfactor = 80);
CREATE INDEX group_traffic_bucket_idx ON group_traffic (bucket) WHERE grain = 3;

-- Who came today, so that they count once; removed when the day is over. via is
-- the link they came through, or empty: any.
CREATE TABLE link_visitors (
    visitor    bytea NOT NULL,
    subject_id uuid NOT NULL REFERENCES share_links (id) ON DELETE CASCADE,
    via        text COLLATE "C" NOT NULL,
    org_id     uuid NOT NULL,
    first      bigint NOT NULL, -- the quarter of an hour
    country    text COLLATE "C" NOT NULL,
    device     text COLLATE "C" NOT NULL,
    PRIMARY KEY (visitor, subject_id, via)
);
CREATE INDEX link_visitors_first_idx ON link_visitors (first);
CREATE INDEX link_visitors_subject_id_idx ON link_visitors (subject_id);

CREATE TABLE group_visitors (
    visitor    bytea NOT NULL,
    subject_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    via        text COLLATE "C" NOT NULL,
    org_id     uuid NOT NULL,
    first      bigint NOT NULL,
    country    text COLLATE "C" NOT NULL,
    device     text COLLATE "C" NOT NULL,
    PRIMARY KEY (visitor, subject_id, via)
);
CREATE INDEX group_visitors_first_idx ON group_visitors (first);
CREATE INDEX group_visitors_subject_id_idx ON group_visitors (subject_id);

-- What was logged before counts, without visitors.
INSERT INTO share_visits (id, link_id, org_id, node_id, kind, visitor, country, device, at)
SELECT id, link_id, org_id, node_id, kind, '', 'unknown', 'unknown', at FROM share_accesses WHERE refused = '' AND kind IN ('view', 'download');
