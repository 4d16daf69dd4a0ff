-- +goose Up
-- Times are microseconds since 1970 in UTC. Text that is compared, sorted or
-- unique is in byte order. The root node of a drive has the drive's id.

CREATE TABLE licenses (
    name                  text COLLATE "C" PRIMARY KEY,
    monthly_fee_cents     bigint,
    max_upload_size_mb    bigint,
    max_total_storage_mb  bigint,
    max_assets            bigint,
    max_products          bigint,
    max_members           bigint,
    max_groups            bigint,
    max_assets_per_group  bigint,
    max_group_share_hours bigint,
    features              jsonb NOT NULL,
    version               bigint NOT NULL
);

INSERT INTO licenses VALUES
    ('free',       0,    100,   1000,    100,  50,   5,    10,   100,  168,  '[]', 1),
    ('starter',    1900, 500,   10000,   500,  100,  10,   10,   100,  168,  '[]', 1),
    ('pro',        4900, 2000,  100000,  2000, 500,  50,   100,  1000, 720,
     '["group_nesting","password_protection","custom_sharing","advanced_analytics","analytics_export"]', 1),
    ('enterprise', NULL, 10000, 1000000, NULL, NULL, NULL, NULL, NULL, NULL,
     '["group_nesting","password_protection","custom_sharing","advanced_analytics","full_analytics","analytics_export","custom_branding","white_label","ip_restriction","watermark","webhooks","scheduled_reports"]', 1);

CREATE TABLE orgs (
    id               uuid PRIMARY KEY,
    name             text NOT NULL,
    name_folded      text COLLATE "C" NOT NULL,
    slug             text COLLATE "C" NOT NULL,
    is_personal      boolean NOT NULL,
    default_drive_id uuid NOT NULL,
    version          bigint NOT NULL,
    created_at       bigint NOT NULL,
    updated_at       bigint NOT NULL,
    CONSTRAINT orgs_slug_key UNIQUE (slug)
);

CREATE TABLE org_usage (
    org_id       uuid PRIMARY KEY REFERENCES orgs (id) ON DELETE CASCADE,
    used_bytes   bigint NOT NULL CONSTRAINT org_usage_used_bytes_check CHECK (used_bytes >= 0),
    assets_count bigint NOT NULL CONSTRAINT org_usage_assets_count_check CHECK (assets_count >= 0)
) WITH (fillfactor = 70);

CREATE TABLE org_licenses (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    license    text COLLATE "C" NOT NULL REFERENCES licenses (name),
    expires_at bigint,
    created_at bigint NOT NULL
);
CREATE INDEX org_licenses_org_id_idx ON org_licenses (org_id, id);

CREATE TABLE users (
    id                uuid PRIMARY KEY,
    email             text COLLATE "C" NOT NULL,
    name              text NOT NULL,
    name_folded       text COLLATE "C" NOT NULL,
    password_hash     text NOT NULL,
    personal_org_id   uuid NOT NULL,
    email_verified_at bigint,
    platform_admin    boolean NOT NULL,
    disabled_at       bigint,
    version           bigint NOT NULL,
    created_at        bigint NOT NULL,
    updated_at        bigint NOT NULL,
    CONSTRAINT users_email_key UNIQUE (email)
);

CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash   bytea NOT NULL,
    user_agent   text NOT NULL,
    address      text NOT NULL,
    created_at   bigint NOT NULL,
    last_seen_at bigint NOT NULL,
    expires_at   bigint NOT NULL,
    revoked_at   bigint,
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
CREATE INDEX sessions_revoked_at_idx ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE session_tokens (
    hash       bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE INDEX session_tokens_session_id_idx ON session_tokens (session_id);

CREATE TABLE accounts (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    user_id    uuid REFERENCES users (id),
    role       text COLLATE "C" NOT NULL CONSTRAINT accounts_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    status     text COLLATE "C" NOT NULL
               CONSTRAINT accounts_status_check CHECK (status IN ('invited', 'active', 'suspended', 'removed')),
    invited_email text COLLATE "C" NOT NULL,
    invited_by uuid,
    version    bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT accounts_org_id_user_id_key UNIQUE (org_id, user_id)
);
CREATE INDEX accounts_user_id_idx ON accounts (user_id, org_id);
CREATE UNIQUE INDEX accounts_org_id_invited_email_key ON accounts (org_id, invited_email) WHERE status = 'invited';
CREATE INDEX accounts_invited_email_idx ON accounts (invited_email) WHERE status = 'invited';

CREATE TABLE drives (
    id               uuid PRIMARY KEY,
    org_id           uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    owner_account_id uuid REFERENCES accounts (id),
    name             text NOT NULL,
    name_folded      text COLLATE "C" NOT NULL,
    default_role     text COLLATE "C" NOT NULL CONSTRAINT drives_default_role_check CHECK (default_role IN ('', 'viewer', 'editor', 'admin')),
    quota_bytes      bigint CONSTRAINT drives_quota_bytes_check CHECK (quota_bytes >= 0),
    used_bytes       bigint NOT NULL CONSTRAINT drives_used_bytes_check CHECK (used_bytes >= 0),
    change_seq       bigint NOT NULL DEFAULT 0, -- of the latest row of node_changes
    pruned_seq       bigint NOT NULL DEFAULT 0, -- of the latest that was pruned
    deleted_at       bigint,
    version          bigint NOT NULL,
    created_at       bigint NOT NULL,
    updated_at       bigint NOT NULL,
    CONSTRAINT drives_org_id_owner_account_id_key UNIQUE (org_id, owner_account_id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX drives_org_id_name_key ON drives (org_id, name_folded) WHERE owner_account_id IS NULL AND deleted_at IS NULL;
CREATE INDEX drives_deleted_at_idx ON drives (id) WHERE deleted_at IS NOT NULL;

CREATE TABLE drive_members (
    drive_id   uuid NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       text COLLATE "C" NOT NULL CONSTRAINT drive_members_role_check CHECK (role IN ('viewer', 'editor', 'admin')),
    created_at bigint NOT NULL,
    PRIMARY KEY (drive_id, account_id)
);
CREATE INDEX drive_members_account_id_idx ON drive_members (account_id);

-- A node is a folder or an asset; the columns from status on are the asset's.
-- trashed_at and purged_at count for everything below a node, too. height is,
-- of a folder, at least the number of levels of folders below it.
CREATE TABLE nodes (
    id              uuid PRIMARY KEY,
    org_id          uuid NOT NULL,
    drive_id        uuid NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    parent_id       uuid,
    kind            text COLLATE "C" NOT NULL CONSTRAINT nodes_kind_check CHECK (kind IN ('folder', 'asset')),
    name            text COLLATE "C" NOT NULL,
    name_folded     text COLLATE "C" NOT NULL,
    created_by      uuid,
    trashed_at      bigint,
    purged_at       bigint, -- in the trash for good: a job is removing it
    height          bigint NOT NULL DEFAULT 0,
    version         bigint NOT NULL,
    created_at      bigint NOT NULL,
    updated_at      bigint NOT NULL,
    status          text COLLATE "C" NOT NULL CONSTRAINT nodes_status_check CHECK (status IN ('', 'pending', 'ready')),
    content_type    text COLLATE "C" NOT NULL,
    size_bytes      bigint NOT NULL,
    current_version bigint NOT NULL,
    newest_version  bigint NOT NULL,
    metadata        jsonb NOT NULL,
    CONSTRAINT nodes_drive_id_key UNIQUE (drive_id, id),
    -- A node is in its parent's drive, whatever moves at the same moment.
    CONSTRAINT nodes_parent_id_fkey FOREIGN KEY (drive_id, parent_id) REFERENCES nodes (drive_id, id)
);
CREATE UNIQUE INDEX nodes_parent_id_name_key ON nodes (parent_id, name) WHERE trashed_at IS NULL;
CREATE INDEX nodes_parent_id_idx ON nodes (parent_id, kind DESC, name);
CREATE INDEX nodes_parent_id_size_idx ON nodes (parent_id, size_bytes, id) WHERE trashed_at IS NULL;
CREATE INDEX nodes_parent_id_updated_at_idx ON nodes (parent_id, updated_at, id) WHERE trashed_at IS NULL;
CREATE INDEX nodes_drive_id_trash_idx ON nodes (drive_id, trashed_at, id) WHERE trashed_at IS NOT NULL;
CREATE INDEX nodes_drive_id_trashed_folders_idx ON nodes (drive_id) WHERE trashed_at IS NOT NULL AND kind = 'folder';
CREATE INDEX nodes_purged_at_idx ON nodes (purged_at, id) WHERE purged_at IS NOT NULL;
CREATE INDEX nodes_org_assets_idx ON nodes (org_id, id) WHERE kind = 'asset';
CREATE INDEX nodes_trashed_at_idx ON nodes (trashed_at, id) WHERE trashed_at IS NOT NULL AND purged_at IS NULL;

CREATE TABLE asset_versions (
    asset_id     uuid NOT NULL REFERENCES nodes (id),
    number       bigint NOT NULL,
    org_id       uuid NOT NULL,
    blob_key     text COLLATE "C" NOT NULL,
    content_type text COLLATE "C" NOT NULL,
    size_bytes   bigint NOT NULL,
    sha256       bytea,
    upload_id    uuid NOT NULL,
    created_by   uuid NOT NULL,
    created_at   bigint NOT NULL,
    PRIMARY KEY (asset_id, number),
    CONSTRAINT asset_versions_blob_key_key UNIQUE (blob_key)
);

-- An upload reserves quota until it becomes a version or is given up.
CREATE TABLE uploads (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL,
    drive_id     uuid NOT NULL,
    asset_id     uuid NOT NULL REFERENCES nodes (id),
    number       bigint NOT NULL,
    blob_key     text COLLATE "C" NOT NULL,
    staging_key  text COLLATE "C" NOT NULL,
    source_key   text COLLATE "C" NOT NULL DEFAULT '', -- of a copy: the blob its bytes come from
    content_type text COLLATE "C" NOT NULL,
    size_bytes   bigint NOT NULL,
    sha256       bytea,
    strategy     text COLLATE "C" NOT NULL CONSTRAINT uploads_strategy_check CHECK (strategy IN ('single', 'multipart', 'copy')),
    part_size    bigint NOT NULL,
    store_id     text COLLATE "C" NOT NULL,
    created_by   uuid NOT NULL,
    created_at   bigint NOT NULL,
    check_at     bigint NOT NULL,
    claimed_until bigint,
    expires_at   bigint NOT NULL,
    CONSTRAINT uploads_blob_key_key UNIQUE (blob_key)
);
CREATE INDEX uploads_asset_id_idx ON uploads (asset_id);
CREATE INDEX uploads_check_at_idx ON uploads (check_at);
CREATE INDEX uploads_staging_key_idx ON uploads (staging_key) WHERE staging_key <> '';
CREATE INDEX uploads_source_key_idx ON uploads (source_key) WHERE source_key <> '';

CREATE TABLE idempotency_keys (
    scope       text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    status      bigint NOT NULL,
    answer      bytea NOT NULL,
    created_at  bigint NOT NULL,
    expires_at  bigint NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

-- full_at is when the bucket is full again (theoretical arrival time).
CREATE TABLE rate_buckets (
    key     text COLLATE "C" PRIMARY KEY,
    full_at bigint NOT NULL
);
CREATE INDEX rate_buckets_full_at_idx ON rate_buckets (full_at);

-- Which installation this is: the blob store says the same, or nothing in it is
-- ours to remove.
CREATE TABLE installation (
    slot bigint PRIMARY KEY CONSTRAINT installation_slot_check CHECK (slot = 1), -- one row
    id   text COLLATE "C" NOT NULL
);
