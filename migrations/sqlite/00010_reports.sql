-- +goose Up

-- Orders to send analytics by mail.
CREATE TABLE reports (
    id            text PRIMARY KEY,
    org_id        text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    name          text NOT NULL,
    kind          text NOT NULL
                  CONSTRAINT reports_kind_check CHECK (kind IN ('org', 'group', 'share')),
    group_id      text,
    share_link_id text,
    period        text NOT NULL,
    formats       text NOT NULL,
    recipients    text NOT NULL, -- accounts
    schedule      text NOT NULL,
    time_zone     text NOT NULL,
    active        integer NOT NULL,
    next_at       integer
                  CONSTRAINT reports_next_at_check CHECK (active OR next_at IS NULL),
    created_by    text NOT NULL,
    on_behalf_of  text NOT NULL,
    version       integer NOT NULL,
    created_at    integer NOT NULL,
    updated_at    integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_org_id_idx ON reports (org_id, id);
CREATE INDEX reports_next_at_idx ON reports (next_at) WHERE next_at IS NOT NULL;

-- What has become of each time that a report was to be sent.
CREATE TABLE report_runs (
    id           text PRIMARY KEY,
    org_id       text NOT NULL,
    report_id    text NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
    planned_at   integer NOT NULL,
    requested_by text,
    from_at      integer NOT NULL,
    to_at        integer NOT NULL,
    status       text NOT NULL
                 CONSTRAINT report_runs_status_check CHECK (status IN ('pending', 'sent', 'failed', 'skipped')),
    attempts     integer NOT NULL,
    next_at      integer
                 CONSTRAINT report_runs_next_at_check CHECK ((status = 'pending') = (next_at IS NOT NULL)),
    started_at   integer,
    finished_at  integer,
    code         text NOT NULL,
    error        text NOT NULL,
    recipients   text NOT NULL, -- what has become of the mail to each
    files        text NOT NULL,
    version      integer NOT NULL,
    created_at   integer NOT NULL,
    CONSTRAINT report_runs_report_id_planned_at_key UNIQUE (report_id, planned_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_runs_org_id_idx ON report_runs (org_id);
CREATE INDEX report_runs_report_id_idx ON report_runs (report_id, id);
CREATE INDEX report_runs_pending_idx ON report_runs (next_at) WHERE status = 'pending';
CREATE INDEX report_runs_created_at_idx ON report_runs (created_at);
