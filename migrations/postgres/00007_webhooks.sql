-- +goose Up

-- seq is the place of an event among its org's, given after its commit; waiting
-- says that webhooks have yet to be told. What the release before this one adds
-- waits for nothing, since it does not ask whether there are any.
ALTER TABLE events ADD COLUMN seq bigint;
ALTER TABLE events ADD COLUMN waiting boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX events_org_id_seq_key ON events (org_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX events_unnumbered_idx ON events (org_id, id) WHERE seq IS NULL;
CREATE INDEX events_waiting_idx ON events (org_id, id) WHERE waiting;

-- How far the events of an org are numbered.
CREATE TABLE event_streams (
    org_id uuid PRIMARY KEY REFERENCES orgs (id) ON DELETE CASCADE,
    seq    bigint NOT NULL
);

-- Addresses that the events of orgs are sent to.
CREATE TABLE webhooks (
    id               uuid PRIMARY KEY,
    org_id           uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    url              text COLLATE "C" NOT NULL,
    events           jsonb NOT NULL,
    description      text NOT NULL,
    active           boolean NOT NULL,
    disabled         text COLLATE "C" NOT NULL
                     CONSTRAINT webhooks_disabled_check CHECK (disabled IN ('', 'gone', 'failing')),
    disabled_at      bigint,
    secret           bytea NOT NULL,
    old_secret       bytea,
    old_secret_until bigint,
    failing_since    bigint,
    lease            uuid,   -- of who is sending to it
    free_at          bigint, -- before this, nobody else sends to it
    removed          boolean NOT NULL DEFAULT false, -- it goes when its deliveries have gone
    created_by       uuid NOT NULL,
    version          bigint NOT NULL,
    created_at       bigint NOT NULL,
    updated_at       bigint NOT NULL
);
CREATE INDEX webhooks_org_id_idx ON webhooks (org_id, id);

-- Events on their way to webhooks, and what was answered last.
CREATE TABLE webhook_deliveries (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL,
    webhook_id uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id   uuid NOT NULL,
    type       text COLLATE "C" NOT NULL,
    body       text COLLATE "C" NOT NULL,
    status     text COLLATE "C" NOT NULL
               CONSTRAINT webhook_deliveries_status_check CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts   integer NOT NULL,
    tries      integer NOT NULL,
    next_at    bigint
               CONSTRAINT webhook_deliveries_next_at_check CHECK ((status = 'pending') = (next_at IS NOT NULL)),
    last       jsonb NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT webhook_deliveries_webhook_id_event_id_key UNIQUE (webhook_id, event_id)
);
CREATE INDEX webhook_deliveries_org_id_idx ON webhook_deliveries (org_id);
CREATE INDEX webhook_deliveries_webhook_id_idx ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_pending_idx ON webhook_deliveries (webhook_id, next_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_created_at_idx ON webhook_deliveries (created_at);
