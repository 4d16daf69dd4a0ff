-- +goose Up
ALTER TABLE org_usage ADD COLUMN groups_count integer NOT NULL DEFAULT 0
    CONSTRAINT org_usage_groups_count_check CHECK (groups_count >= 0);

-- Selections of files. What was deleted with another group, or by itself, says
-- so in deleted_with. owner_id is the account with the rights of the creator.
CREATE TABLE groups (
    id             text PRIMARY KEY,
    org_id         text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    parent_id      text REFERENCES groups (id) ON DELETE SET NULL,
    name           text NOT NULL,
    name_folded    text NOT NULL,
    description    text NOT NULL,
    cover_asset_id text, -- may be gone
    is_public      integer NOT NULL,
    metadata       text NOT NULL CHECK (json_valid(metadata)),
    organisation   text NOT NULL CHECK (json_valid(organisation)),
    created_by     text NOT NULL,
    owner_id       text,
    deleted_at     integer,
    deleted_with   text,
    version        integer NOT NULL,
    created_at     integer NOT NULL,
    updated_at     integer NOT NULL,
    CONSTRAINT groups_deleted_check CHECK ((deleted_at IS NULL) = (deleted_with IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX groups_org_id_idx ON groups (org_id, id);
CREATE INDEX groups_parent_id_idx ON groups (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX groups_deleted_at_idx ON groups (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX groups_deleted_with_idx ON groups (deleted_with) WHERE deleted_with IS NOT NULL;
CREATE INDEX groups_owner_id_idx ON groups (owner_id) WHERE owner_id IS NOT NULL;

-- Who may do what with a group: a role (account_id is null) or an account (role
-- is empty). rights is the sum of 1 view, 2 edit, 4 delete, 8 share, 16 manage assets.
CREATE TABLE group_permissions (
    group_id   text NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    role       text NOT NULL CONSTRAINT group_permissions_role_check CHECK (role IN ('', 'member', 'viewer')),
    account_id text REFERENCES accounts (id) ON DELETE CASCADE,
    rights     integer NOT NULL CONSTRAINT group_permissions_rights_check CHECK (rights BETWEEN 0 AND 31),
    CONSTRAINT group_permissions_grantee_check CHECK ((role = '') = (account_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX group_permissions_group_id_role_key ON group_permissions (group_id, role) WHERE account_id IS NULL;
CREATE UNIQUE INDEX group_permissions_group_id_account_id_key ON group_permissions (group_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX group_permissions_account_id_idx ON group_permissions (account_id) WHERE account_id IS NOT NULL;

-- A file as a part of a group. Positions have gaps between them.
CREATE TABLE group_assets (
    group_id    text NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    asset_id    text NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    org_id      text NOT NULL,
    position    integer NOT NULL,
    section     text NOT NULL,
    title       text NOT NULL,
    description text NOT NULL,
    added_by    text NOT NULL,
    added_at    integer NOT NULL,
    PRIMARY KEY (group_id, asset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_assets_group_id_position_idx ON group_assets (group_id, position, asset_id);
CREATE INDEX group_assets_asset_id_idx ON group_assets (asset_id);
CREATE INDEX group_assets_org_id_idx ON group_assets (org_id, asset_id);
