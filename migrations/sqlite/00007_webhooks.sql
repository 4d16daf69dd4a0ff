-- +goose Up

-- seq is the place of an event among its org's, given after its commit; waiting
-- says that webhooks have yet to be told. What the release before this one adds
-- waits for nothing, since it does not ask whether there are any.
ALTER TABLE events ADD COLUMN seq integer;
ALTER TABLE events ADD COLUMN waiting integer NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX events_org_id_seq_key ON events (org_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX events_unnumbered_idx ON events (org_id, id) WHERE seq IS NULL;
CREATE INDEX events_waiting_idx ON events (org_id, id) WHERE waiting;

-- How far the events of an org are numbered.
CREATE TABLE event_streams (
    org_id text PRIMARY KEY REFERENCES orgs (id) ON DELETE CASCADE,
    seq    integer NOT NULL
) STRICT, WITHOUT ROWID;

-- Addresses that the events of orgs are sent to.
CREATE TABLE webhooks (
    id               text PRIMARY KEY,
    org_id           text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    url              text NOT NULL,
    events           text NOT NULL,
    description      text NOT NULL,
    active           integer NOT NULL,
    disabled         text NOT NULL
                     CONSTRAINT webhooks_disabled_check CHECK (disabled IN ('', 'gone', 'failing')),
    disabled_at      integer,
    secret           blob NOT NULL,
    old_secret       blob,
    old_secret_until integer,
    failing_since    integer,
    lease            text,    -- of who is sending to it
    free_at          integer, -- before this, nobody else sends to it
    removed          integer NOT NULL DEFAULT 0, -- it goes when its deliveries have gone
    created_by       text NOT NULL,
    version          integer NOT NULL,
    created_at       integer NOT NULL,
    updated_at       integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_org_id_idx ON webhooks (org_id, id);

-- Events on their way to webhooks, and what was answered last.
CREATE TABLE webhook_deliveries (
    id         text PRIMARY KEY,
    org_id     text NOT NULL,
    webhook_id text NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id   text NOT NULL,
    type       text NOT NULL,
    body       text NOT NULL,
    status     text NOT NULL
               CONSTRAINT webhook_deliveries_status_check CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts   integer NOT NULL,
    tries      integer NOT NULL,
    next_at    integer
               CONSTRAINT webhook_deliveries_next_at_check CHECK ((status = 'pending') = (next_at IS NOT NULL)),
    last       text NOT NULL,
    created_at integer NOT NULL,
    CONSTRAINT webhook_deliveries_webhook_id_event_id_key UNIQUE (webhook_id, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_deliveries_org_id_idx ON webhook_deliveries (org_id);
CREATE INDEX webhook_deliveries_webhook_id_idx ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_pending_idx ON webhook_deliveries (webhook_id, next_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_created_at_idx ON webhook_deliveries (created_at);
