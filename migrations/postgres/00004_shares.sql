-- +goose Up
-- A link gives whoever has its token a part of a drive.
CREATE TABLE share_links (
    id                  uuid PRIMARY KEY,
    org_id              uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    drive_id            uuid NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    node_id             uuid NOT NULL, -- may be gone: the link then leads nowhere
    kind                text COLLATE "C" NOT NULL CONSTRAINT share_links_kind_check CHECK (kind IN ('download', 'upload')),
    name                text NOT NULL,
    created_by          uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    token_hash          bytea NOT NULL,
    token_sealed        bytea NOT NULL,
    accounts            jsonb NOT NULL, -- whom it is for; empty: everybody
    password_hash       text NOT NULL,
    password_version    bigint NOT NULL,
    allow_download      boolean NOT NULL,
    allow_view_metadata boolean NOT NULL,
    expires_at          bigint,
    max_views           bigint,
    max_downloads       bigint,
    ip_allow            jsonb NOT NULL,
    watermark           boolean NOT NULL,
    max_files           bigint,
    max_file_bytes      bigint,
    content_types       jsonb NOT NULL,
    notify              jsonb NOT NULL,
    views               bigint NOT NULL DEFAULT 0,
    downloads           bigint NOT NULL DEFAULT 0,
    uploads             bigint NOT NULL DEFAULT 0,
    last_accessed_at    bigint,
    revoked_at          bigint,
    revoked_by          uuid,
    version             bigint NOT NULL,
    created_at          bigint NOT NULL,
    updated_at          bigint NOT NULL,
    CONSTRAINT share_links_token_hash_key UNIQUE (token_hash)
) WITH (fillfactor = 70);
CREATE INDEX share_links_org_id_idx ON share_links (org_id, id);
CREATE INDEX share_links_drive_id_idx ON share_links (drive_id);
CREATE INDEX share_links_node_id_idx ON share_links (node_id, id);
CREATE INDEX share_links_created_by_idx ON share_links (created_by);
CREATE INDEX share_links_expires_at_idx ON share_links (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL;

-- Every access of a link, granted or not.
CREATE TABLE share_accesses (
    id         uuid PRIMARY KEY,
    link_id    uuid NOT NULL REFERENCES share_links (id) ON DELETE CASCADE,
    org_id     uuid NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    refused    text COLLATE "C" NOT NULL,
    node_id    uuid,
    account_id uuid,
    address    text NOT NULL,
    user_agent text NOT NULL,
    referer    text NOT NULL,
    at         bigint NOT NULL
);
CREATE INDEX share_accesses_link_id_idx ON share_accesses (link_id, id);
CREATE INDEX share_accesses_at_idx ON share_accesses (at);
