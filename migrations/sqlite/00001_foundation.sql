-- +goose Up
-- Times are microseconds since 1970 in UTC. Text that is compared, sorted or
-- unique is in byte order. The root node of a drive has the drive's id.

CREATE TABLE licenses (
    name                  text PRIMARY KEY,
    monthly_fee_cents     integer,
    max_upload_size_mb    integer,
    max_total_storage_mb  integer,
    max_assets            integer,
    max_products          integer,
    max_members           integer,
    max_groups            integer,
    max_assets_per_group  integer,
    max_group_share_hours integer,
    features              text NOT NULL CHECK (json_valid(features)),
    version               integer NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO licenses VALUES
    ('free',       0,    100,   1000,    100,  50,   5,    10,   100,  168,  '[]', 1),
    ('starter',    1900, 500,   10000,   500,  100,  10,   10,   100,  168,  '[]', 1),
    ('pro',        4900, 2000,  100000,  2000, 500,  50,   100,  1000, 720,
     '["group_nesting","password_protection","custom_sharing","advanced_analytics","analytics_export"]', 1),
    ('enterprise', NULL, 10000, 1000000, NULL, NULL, NULL, NULL, NULL, NULL,
     '["group_nesting","password_protection","custom_sharing","advanced_analytics","full_analytics","analytics_export","custom_branding","white_label","ip_restriction","watermark","webhooks","scheduled_reports"]', 1);

CREATE TABLE orgs (
    id               text PRIMARY KEY,
    name             text NOT NULL,
    name_folded      text NOT NULL,
    slug             text NOT NULL,
    is_personal      integer NOT NULL,
    default_drive_id text NOT NULL,
    version          integer NOT NULL,
    created_at       integer NOT NULL,
    updated_at       integer NOT NULL,
    CONSTRAINT orgs_slug_key UNIQUE (slug)
) STRICT, WITHOUT ROWID;

CREATE TABLE org_usage (
    org_id       text PRIMARY KEY REFERENCES orgs (id) ON DELETE CASCADE,
    used_bytes   integer NOT NULL CONSTRAINT org_usage_used_bytes_check CHECK (used_bytes >= 0),
    assets_count integer NOT NULL CONSTRAINT org_usage_assets_count_check CHECK (assets_count >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE org_licenses (
    id         text PRIMARY KEY,
    org_id     text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    license    text NOT NULL REFERENCES licenses (name),
    expires_at integer,
    created_at integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX org_licenses_org_id_idx ON org_licenses (org_id, id);

CREATE TABLE users (
    id                text PRIMARY KEY,
    email             text NOT NULL,
    name              text NOT NULL,
    name_folded       text NOT NULL,
    password_hash     text NOT NULL,
    personal_org_id   text NOT NULL,
    email_verified_at integer,
    platform_admin    integer NOT NULL,
    disabled_at       integer,
    version           integer NOT NULL,
    created_at        integer NOT NULL,
    updated_at        integer NOT NULL,
    CONSTRAINT users_email_key UNIQUE (email)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id           text PRIMARY KEY,
    user_id      text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash   blob NOT NULL,
    user_agent   text NOT NULL,
    address      text NOT NULL,
    created_at   integer NOT NULL,
    last_seen_at integer NOT NULL,
    expires_at   integer NOT NULL,
    revoked_at   integer,
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
CREATE INDEX sessions_revoked_at_idx ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE session_tokens (
    hash       blob PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX session_tokens_session_id_idx ON session_tokens (session_id);

CREATE TABLE accounts (
    id         text PRIMARY KEY,
    org_id     text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    user_id    text REFERENCES users (id),
    role       text NOT NULL CONSTRAINT accounts_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    status     text NOT NULL
               CONSTRAINT accounts_status_check CHECK (status IN ('invited', 'active', 'suspended', 'removed')),
    invited_email text NOT NULL,
    invited_by text,
    version    integer NOT NULL,
    created_at integer NOT NULL,
    updated_at integer NOT NULL,
    CONSTRAINT accounts_org_id_user_id_key UNIQUE (org_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_user_id_idx ON accounts (user_id, org_id);
CREATE UNIQUE INDEX accounts_org_id_invited_email_key ON accounts (org_id, invited_email) WHERE status = 'invited';
CREATE INDEX accounts_invited_email_idx ON accounts (invited_email) WHERE status = 'invited';

CREATE TABLE drives (
    id               text PRIMARY KEY,
    org_id           text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    owner_account_id text REFERENCES accounts (id),
    name             text NOT NULL,
    name_folded      text NOT NULL,
    default_role     text NOT NULL CONSTRAINT drives_default_role_check CHECK (default_role IN ('', 'viewer', 'editor', 'admin')),
    quota_bytes      integer CONSTRAINT drives_quota_bytes_check CHECK (quota_bytes >= 0),
    used_bytes       integer NOT NULL CONSTRAINT drives_used_bytes_check CHECK (used_bytes >= 0),
    change_seq       integer NOT NULL DEFAULT 0, -- of the latest row of node_changes
    pruned_seq       integer NOT NULL DEFAULT 0, -- of the latest that was pruned
    deleted_at       integer,
    version          integer NOT NULL,
    created_at       integer NOT NULL,
    updated_at       integer NOT NULL,
    CONSTRAINT drives_org_id_owner_account_id_key UNIQUE (org_id, owner_account_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX drives_org_id_name_key ON drives (org_id, name_folded) WHERE owner_account_id IS NULL AND deleted_at IS NULL;
CREATE INDEX drives_deleted_at_idx ON drives (id) WHERE deleted_at IS NOT NULL;

CREATE TABLE drive_members (
    drive_id   text NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    account_id text NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       text NOT NULL CONSTRAINT drive_members_role_check CHECK (role IN ('viewer', 'editor', 'admin')),
    created_at integer NOT NULL,
    PRIMARY KEY (drive_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX drive_members_account_id_idx ON drive_members (account_id);

-- A node is a folder or an asset; the columns from status on are the asset's.
-- trashed_at and purged_at count for everything below a node, too. height is,
-- of a folder, at least the number of levels of folders below it.
CREATE TABLE nodes (
    id              text PRIMARY KEY,
    org_id          text NOT NULL,
    drive_id        text NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    parent_id       text REFERENCES nodes (id), -- in the same drive: with one writer, nothing moves meanwhile
    kind            text NOT NULL CONSTRAINT nodes_kind_check CHECK (kind IN ('folder', 'asset')),
    name            text NOT NULL,
    name_folded     text NOT NULL,
    created_by      text,
    trashed_at      integer,
    purged_at       integer, -- in the trash for good: a job is removing it
    height          integer NOT NULL DEFAULT 0,
    version         integer NOT NULL,
    created_at      integer NOT NULL,
    updated_at      integer NOT NULL,
    status          text NOT NULL CONSTRAINT nodes_status_check CHECK (status IN ('', 'pending', 'ready')),
    content_type    text NOT NULL,
    size_bytes      integer NOT NULL,
    current_version integer NOT NULL,
    newest_version  integer NOT NULL,
    metadata        text NOT NULL CHECK (json_valid(metadata))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX nodes_parent_id_name_key ON nodes (parent_id, name) WHERE trashed_at IS NULL;
CREATE INDEX nodes_parent_id_idx ON nodes (parent_id, kind DESC, name);
CREATE INDEX nodes_parent_id_size_idx ON nodes (parent_id, size_bytes, id) WHERE trashed_at IS NULL;
CREATE INDEX nodes_parent_id_updated_at_idx ON nodes (parent_id, updated_at, id) WHERE trashed_at IS NULL;
CREATE INDEX nodes_drive_id_idx ON nodes (drive_id, id);
CREATE INDEX nodes_drive_id_trash_idx ON nodes (drive_id, trashed_at, id) WHERE trashed_at IS NOT NULL;
CREATE INDEX nodes_drive_id_trashed_folders_idx ON nodes (drive_id) WHERE trashed_at IS NOT NULL AND kind = 'folder';
CREATE INDEX nodes_purged_at_idx ON nodes (purged_at, id) WHERE purged_at IS NOT NULL;
CREATE INDEX nodes_org_assets_idx ON nodes (org_id, id) WHERE kind = 'asset';
CREATE INDEX nodes_trashed_at_idx ON nodes (trashed_at, id) WHERE trashed_at IS NOT NULL AND purged_at IS NULL;

CREATE TABLE asset_versions (
    asset_id     text NOT NULL REFERENCES nodes (id),
    number       integer NOT NULL,
    org_id       text NOT NULL,
    blob_key     text NOT NULL,
    content_type text NOT NULL,
    size_bytes   integer NOT NULL,
    sha256       blob,
    upload_id    text NOT NULL,
    created_by   text NOT NULL,
    created_at   integer NOT NULL,
    PRIMARY KEY (asset_id, number),
    CONSTRAINT asset_versions_blob_key_key UNIQUE (blob_key)
) STRICT, WITHOUT ROWID;

-- An upload reserves quota until it becomes a version or is given up.
CREATE TABLE uploads (
    id           text PRIMARY KEY,
    org_id       text NOT NULL,
    drive_id     text NOT NULL,
    asset_id     text NOT NULL REFERENCES nodes (id),
    number       integer NOT NULL,
    blob_key     text NOT NULL,
    staging_key  text NOT NULL,
    source_key   text NOT NULL DEFAULT '', -- of a copy: the blob its bytes come from
    content_type text NOT NULL,
    size_bytes   integer NOT NULL,
    sha256       blob,
    strategy     text NOT NULL CONSTRAINT uploads_strategy_check CHECK (strategy IN ('single', 'multipart', 'copy')),
    part_size    integer NOT NULL,
    store_id     text NOT NULL,
    created_by   text NOT NULL,
    created_at   integer NOT NULL,
    check_at     integer NOT NULL,
    claimed_until integer,
    expires_at   integer NOT NULL,
    CONSTRAINT uploads_blob_key_key UNIQUE (blob_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_asset_id_idx ON uploads (asset_id);
CREATE INDEX uploads_check_at_idx ON uploads (check_at);
CREATE INDEX uploads_staging_key_idx ON uploads (staging_key) WHERE staging_key <> '';
CREATE INDEX uploads_source_key_idx ON uploads (source_key) WHERE source_key <> '';

CREATE TABLE idempotency_keys (
    scope       text NOT NULL,
    key         text NOT NULL,
    fingerprint blob NOT NULL,
    status      integer NOT NULL,
    answer      blob NOT NULL,
    created_at  integer NOT NULL,
    expires_at  integer NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

-- full_at is when the bucket is full again (theoretical arrival time).
CREATE TABLE rate_buckets (
    key     text PRIMARY KEY,
    full_at integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_buckets_full_at_idx ON rate_buckets (full_at);

-- Which installation this is: the blob store says the same, or nothing in it is
-- ours to remove.
CREATE TABLE installation (
    slot integer PRIMARY KEY CONSTRAINT installation_slot_check CHECK (slot = 1), -- one row
    id   text NOT NULL
) STRICT, WITHOUT ROWID;
