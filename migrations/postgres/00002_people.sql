-- +goose Up
ALTER TABLE users ADD COLUMN totp_secret bytea;
ALTER TABLE users ADD COLUMN totp_confirmed_at bigint;
ALTER TABLE users ADD COLUMN totp_last_step bigint NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN recovery_codes jsonb NOT NULL DEFAULT '[]';
ALTER TABLE users ADD COLUMN deleted_at bigint;

ALTER TABLE orgs ADD COLUMN settings jsonb NOT NULL DEFAULT '{}';
ALTER TABLE orgs ADD COLUMN branding jsonb NOT NULL DEFAULT '{}';
ALTER TABLE orgs ADD COLUMN deleted_at bigint;
ALTER TABLE orgs ADD COLUMN purging_at bigint;
CREATE INDEX orgs_deleted_at_idx ON orgs (deleted_at) WHERE deleted_at IS NOT NULL;

-- Every slug an org ever had, so that none is ever given to another.
CREATE TABLE org_slugs (
    slug       text COLLATE "C" PRIMARY KEY,
    org_id     uuid NOT NULL,
    created_at bigint NOT NULL
);
INSERT INTO org_slugs (slug, org_id, created_at) SELECT slug, id, created_at FROM orgs;

-- How external issuers know users.
CREATE TABLE identities (
    issuer     text COLLATE "C" NOT NULL,
    subject    text COLLATE "C" NOT NULL,
    user_id    uuid NOT NULL REFERENCES users (id),
    created_at bigint NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user_id_idx ON identities (user_id);

-- Secrets that were mailed, each good once.
CREATE TABLE tickets (
    hash       bytea PRIMARY KEY,
    kind       text COLLATE "C" NOT NULL,
    user_id    uuid REFERENCES users (id),
    account_id uuid REFERENCES accounts (id) ON DELETE CASCADE,
    org_id     uuid,
    email      text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX tickets_user_id_idx ON tickets (user_id, kind);
CREATE INDEX tickets_account_id_idx ON tickets (account_id, kind);
CREATE INDEX tickets_expires_at_idx ON tickets (expires_at);

CREATE TABLE audit_log (
    id          uuid PRIMARY KEY,
    org_id      uuid NOT NULL,
    actor_kind  text COLLATE "C" NOT NULL,
    actor_id    uuid,
    actor_email text NOT NULL,
    action      text COLLATE "C" NOT NULL,
    target_kind text COLLATE "C" NOT NULL,
    target_id   text COLLATE "C" NOT NULL,
    address     text NOT NULL,
    changes     jsonb NOT NULL,
    at          bigint NOT NULL
);
CREATE INDEX audit_log_org_id_idx ON audit_log (org_id, id);
