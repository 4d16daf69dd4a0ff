-- +goose Up
-- A link gives whoever has its token a part of a drive.
CREATE TABLE share_links (
    id                  text PRIMARY KEY,
    org_id              text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    drive_id            text NOT NULL REFERENCES drives (id) ON DELETE CASCADE,
    node_id             text NOT NULL, -- may be gone: the link then leads nowhere
    kind                text NOT NULL CONSTRAINT share_links_kind_check CHECK (kind IN ('download', 'upload')),
    name                text NOT NULL,
    created_by          text NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    token_hash          blob NOT NULL,
    token_sealed        blob NOT NULL,
    accounts            text NOT NULL, -- whom it is for; empty: everybody
    password_hash       text NOT NULL,
    password_version    integer NOT NULL,
    allow_download      integer NOT NULL,
    allow_view_metadata integer NOT NULL,
    expires_at          integer,
    max_views           integer,
    max_downloads       integer,
    ip_allow            text NOT NULL,
    watermark           integer NOT NULL,
    max_files           integer,
    max_file_bytes      integer,
    content_types       text NOT NULL,
    notify              text NOT NULL,
    views               integer NOT NULL DEFAULT 0,
    downloads           integer NOT NULL DEFAULT 0,
    uploads             integer NOT NULL DEFAULT 0,
    last_accessed_at    integer,
    revoked_at          integer,
    revoked_by          text,
    version             integer NOT NULL,
    created_at          integer NOT NULL,
    updated_at          integer NOT NULL,
    CONSTRAINT share_links_token_hash_key UNIQUE (token_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX share_links_org_id_idx ON share_links (org_id, id);
CREATE INDEX share_links_drive_id_idx ON share_links (drive_id);
CREATE INDEX share_links_node_id_idx ON share_links (node_id, id);
CREATE INDEX share_links_created_by_idx ON share_links (created_by);
CREATE INDEX share_links_expires_at_idx ON share_links (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL;

-- Every access of a link, granted or not.
CREATE TABLE share_accesses (
    id         text PRIMARY KEY,
    link_id    text NOT NULL REFERENCES share_links (id) ON DELETE CASCADE,
    org_id     text NOT NULL,
    kind       text NOT NULL,
    refused    text NOT NULL,
    node_id    text,
    account_id text,
    address    text NOT NULL,
    user_agent text NOT NULL,
    referer    text NOT NULL,
    at         integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX share_accesses_link_id_idx ON share_accesses (link_id, id);
CREATE INDEX share_accesses_at_idx ON share_accesses (at);
