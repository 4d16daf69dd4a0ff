-- +goose Up
ALTER TABLE org_usage ADD COLUMN groups_count bigint NOT NULL DEFAULT 0
    CONSTRAINT org_usage_groups_count_check CHECK (groups_count >= 0);

-- Selections of files. What was deleted with another group, or by itself, says
-- so in deleted_with. owner_id is the account with the rights of the creator.
CREATE TABLE groups (
    id             uuid PRIMARY KEY,
    org_id         uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    parent_id      uuid REFERENCES groups (id) ON DELETE SET NULL,
    name           text COLLATE "C" NOT NULL,
    name_folded    text COLLATE "C" NOT NULL,
    description    text NOT NULL,
    cover_asset_id uuid, -- may be gone
    is_public      boolean NOT NULL,
    metadata       jsonb NOT NULL,
    organisation   jsonb NOT NULL,
    created_by     uuid NOT NULL,
    owner_id       uuid,
    deleted_at     bigint,
    deleted_with   uuid,
    version        bigint NOT NULL,
    created_at     bigint NOT NULL,
    updated_at     bigint NOT NULL,
    CONSTRAINT groups_deleted_check CHECK ((deleted_at IS NULL) = (deleted_with IS NULL))
);
CREATE INDEX groups_org_id_idx ON groups (org_id, id);
CREATE INDEX groups_parent_id_idx ON groups (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX groups_deleted_at_idx ON groups (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX groups_deleted_with_idx ON groups (deleted_with) WHERE deleted_with IS NOT NULL;
CREATE INDEX groups_owner_id_idx ON groups (owner_id) WHERE owner_id IS NOT NULL;

-- Who may do what with a group: a role (account_id is null) or an account (role
-- is empty). rights is the sum of 1 view, 2 edit, 4 delete, 8 share, 16 manage assets.
CREATE TABLE group_permissions (
    group_id   uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    role       text COLLATE "C" NOT NULL CONSTRAINT group_permissions_role_check CHECK (role IN ('', 'member', 'viewer')),
    account_id uuid REFERENCES accounts (id) ON DELETE CASCADE,
    rights     bigint NOT NULL CONSTRAINT group_permissions_rights_check CHECK (rights BETWEEN 0 AND 31),
    CONSTRAINT group_permissions_grantee_check CHECK ((role = '') = (account_id IS NOT NULL))
);
CREATE UNIQUE INDEX group_permissions_group_id_role_key ON group_permissions (group_id, role) WHERE account_id IS NULL;
CREATE UNIQUE INDEX group_permissions_group_id_account_id_key ON group_permissions (group_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX group_permissions_account_id_idx ON group_permissions (account_id) WHERE account_id IS NOT NULL;

-- A file as a part of a group. Positions have gaps between them.
CREATE TABLE group_assets (
    group_id    uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    asset_id    uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    org_id      uuid NOT NULL,
    position    bigint NOT NULL,
    section     text COLLATE "C" NOT NULL,
    title       text COLLATE "C" NOT NULL,
    description text NOT NULL,
    added_by    uuid NOT NULL,
    added_at    bigint NOT NULL,
    PRIMARY KEY (group_id, asset_id)
);
CREATE INDEX group_assets_group_id_position_idx ON group_assets (group_id, position, asset_id);
CREATE INDEX group_assets_asset_id_idx ON group_assets (asset_id);
CREATE INDEX group_assets_org_id_idx ON group_assets (org_id, asset_id);
