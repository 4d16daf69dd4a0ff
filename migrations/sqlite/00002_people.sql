-- +goose Up
ALTER TABLE users ADD COLUMN totp_secret blob;
ALTER TABLE users ADD COLUMN totp_confirmed_at integer;
ALTER TABLE users ADD COLUMN totp_last_step integer NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN recovery_codes text NOT NULL DEFAULT '[]';
ALTER TABLE users ADD COLUMN deleted_at integer;

ALTER TABLE orgs ADD COLUMN settings text NOT NULL DEFAULT '{}';
ALTER TABLE orgs ADD COLUMN branding text NOT NULL DEFAULT '{}';
ALTER TABLE orgs ADD COLUMN deleted_at integer;
ALTER TABLE orgs ADD COLUMN purging_at integer;
CREATE INDEX orgs_deleted_at_idx ON orgs (deleted_at) WHERE deleted_at IS NOT NULL;

-- Every slug an org ever had, so that none is ever given to another.
CREATE TABLE org_slugs (
    slug       text PRIMARY KEY,
    org_id     text NOT NULL,
    created_at integer NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO org_slugs (slug, org_id, created_at) SELECT slug, id, created_at FROM orgs;

-- How external issuers know users.
CREATE TABLE identities (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    user_id    text NOT NULL REFERENCES users (id),
    created_at integer NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_user_id_idx ON identities (user_id);

-- Secrets that were mailed, each good once.
CREATE TABLE tickets (
    hash       blob PRIMARY KEY,
    kind       text NOT NULL,
    user_id    text REFERENCES users (id),
    account_id text REFERENCES accounts (id) ON DELETE CASCADE,
    org_id     text,
    email      text NOT NULL,
    created_at integer NOT NULL,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_user_id_idx ON tickets (user_id, kind);
CREATE INDEX tickets_account_id_idx ON tickets (account_id, kind);
CREATE INDEX tickets_expires_at_idx ON tickets (expires_at);

CREATE TABLE audit_log (
    id          text PRIMARY KEY,
    org_id      text NOT NULL,
    actor_kind  text NOT NULL,
    actor_id    text,
    actor_email text NOT NULL,
    action      text NOT NULL,
    target_kind text NOT NULL,
    target_id   text NOT NULL,
    address     text NOT NULL,
    changes     text NOT NULL CHECK (json_valid(changes)),
    at          integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_log_org_id_idx ON audit_log (org_id, id);
