-- +goose Up
-- A group has a password for those of its links that have none of their own.
ALTER TABLE groups ADD COLUMN share_password_hash text NOT NULL DEFAULT '';
ALTER TABLE groups ADD COLUMN share_password_version integer NOT NULL DEFAULT 0;

-- A link leads to a part of a drive, or to a group. SQLite cannot make a column
-- nullable, so the table is made anew; its log with it, since whatever refers to
-- a table goes with it when it is dropped. Renaming takes references along.
CREATE TABLE share_links_new (
    id                  text PRIMARY KEY,
    org_id              text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    drive_id            text REFERENCES drives (id) ON DELETE CASCADE,
    node_id             text, -- may be gone: the link then leads nowhere
    group_id            text REFERENCES groups (id) ON DELETE CASCADE,
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
    CONSTRAINT share_links_token_hash_key UNIQUE (token_hash),
    CONSTRAINT share_links_target_check CHECK ((drive_id IS NULL) = (node_id IS NULL) AND (drive_id IS NULL) = (group_id IS NOT NULL)),
    CONSTRAINT share_links_group_kind_check CHECK (group_id IS NULL OR kind = 'download')
) STRICT, WITHOUT ROWID;
INSERT INTO share_links_new (id, org_id, drive_id, node_id, kind, name, created_by, token_hash, token_sealed, accounts, password_hash,
    password_version, allow_download, allow_view_metadata, expires_at, max_views, max_downloads, ip_allow, watermark, max_files,
    max_file_bytes, content_types, notify, views, downloads, uploads, last_accessed_at, revoked_at, revoked_by, version, created_at, updated_at)
SELECT id, org_id, drive_id, node_id, kind, name, created_by, token_hash, token_sealed, accounts, password_hash,
    password_version, allow_download, allow_view_metadata, expires_at, max_views, max_downloads, ip_allow, watermark, max_files,
    max_file_bytes, content_types, notify, views, downloads, uploads, last_accessed_at, revoked_at, revoked_by, version, created_at, updated_at
FROM share_links;

-- group_id is the group that was looked at: that of the link, or one nested in it.
CREATE TABLE share_accesses_new (
    id         text PRIMARY KEY,
    link_id    text NOT NULL REFERENCES share_links_new (id) ON DELETE CASCADE,
    org_id     text NOT NULL,
    kind       text NOT NULL,
    refused    text NOT NULL,
    node_id    text,
    group_id   text,
    account_id text,
    address    text NOT NULL,
    user_agent text NOT NULL,
    referer    text NOT NULL,
    at         integer NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO share_accesses_new (id, link_id, org_id, kind, refused, node_id, account_id, address, user_agent, referer, at)
SELECT id, link_id, org_id, kind, refused, node_id, account_id, address, user_agent, referer, at FROM share_accesses;

DROP TABLE share_accesses;
DROP TABLE share_links;
ALTER TABLE share_links_new RENAME TO share_links;
ALTER TABLE share_accesses_new RENAME TO share_accesses;

CREATE INDEX share_links_org_id_idx ON share_links (org_id, id);
CREATE INDEX share_links_drive_id_idx ON share_links (drive_id);
CREATE INDEX share_links_node_id_idx ON share_links (node_id, id);
CREATE INDEX share_links_group_id_idx ON share_links (group_id, id) WHERE group_id IS NOT NULL;
CREATE INDEX share_links_created_by_idx ON share_links (created_by);
CREATE INDEX share_links_expires_at_idx ON share_links (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX share_accesses_link_id_idx ON share_accesses (link_id, id);
CREATE INDEX share_accesses_at_idx ON share_accesses (at);
