-- +goose Up

-- Orders to send analytics by mail.
CREATE TABLE reports (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    name          text NOT NULL,
    kind          text COLLATE "C" NOT NULL
                  CONSTRAINT reports_kind_check CHECK (kind IN ('org', 'group', 'share')),
    group_id      uuid,
    share_link_id uuid,
    period        text COLLATE "C" NOT NULL,
    formats       jsonb NOT NULL,
    recipients    jsonb NOT NULL, -- accounts
    schedule      text COLLATE "C" NOT NULL,
    time_zone     text COLLATE "C" NOT NULL,
    active        boolean NOT NULL,
    next_at       bigint
                  CONSTRAINT reports_next_at_check CHECK (active OR next_at IS NULL),
    created_by    uuid NOT NULL,
    on_behalf_of  uuid NOT NULL,
    version       bigint NOT NULL,
    created_at    bigint NOT NULL,
    updated_at    bigint NOT NULL
);
CREATE INDEX reports_org_id_idx ON reports (org_id, id);
CREATE INDEX reports_next_at_idx ON reports (next_at) WHERE next_at IS NOT NULL;

-- What has become of each time that a report was to be sent.
CREATE TABLE report_runs (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL,
    report_id    uuid NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
    planned_at   bigint NOT NULL,
    requested_by uuid,
    from_at      bigint NOT NULL,
    to_at        bigint NOT NULL,
    status       text COLLATE "C" NOT NULL
                 CONSTRAINT report_runs_status_check CHECK (status IN ('pending', 'sent', 'failed', 'skipped')),
    attempts     integer NOT NULL,
    next_at      bigint
                 CONSTRAINT report_runs_next_at_check CHECK ((status = 'pending') = (next_at IS NOT NULL)),
    started_at   bigint,
    finished_at  bigint,
    code         text COLLATE "C" NOT NULL,
    error        text NOT NULL,
    recipients   jsonb NOT NULL, -- what has become of the mail to each
    files        jsonb NOT NULL,
    version      bigint NOT NULL,
    created_at   bigint NOT NULL,
    CONSTRAINT report_runs_report_id_planned_at_key UNIQUE (report_id, planned_at)
);
CREATE INDEX report_runs_org_id_idx ON report_runs (org_id);
CREATE INDEX report_runs_report_id_idx ON report_runs (report_id, id);
CREATE INDEX report_runs_pending_idx ON report_runs (next_at) WHERE status = 'pending';
CREATE INDEX report_runs_created_at_idx ON report_runs (created_at);
