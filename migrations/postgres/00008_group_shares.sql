-- +goose Up
-- A group has a password for those of its links that have none of their own.
ALTER TABLE groups
    ADD COLUMN share_password_hash text NOT NULL DEFAULT '',
    ADD COLUMN share_password_version bigint NOT NULL DEFAULT 0;

-- A link leads to a part of a drive, or to a group.
ALTER TABLE share_links
    ALTER COLUMN drive_id DROP NOT NULL,
    ALTER COLUMN node_id DROP NOT NULL,
    ADD COLUMN group_id uuid REFERENCES groups (id) ON DELETE CASCADE,
    ADD CONSTRAINT share_links_target_check CHECK ((drive_id IS NULL) = (node_id IS NULL) AND (drive_id IS NULL) = (group_id IS NOT NULL)),
    ADD CONSTRAINT share_links_group_kind_check CHECK (group_id IS NULL OR kind = 'download');
CREATE INDEX share_links_group_id_idx ON share_links (group_id, id) WHERE group_id IS NOT NULL;

-- The group that was looked at: that of the link, or one nested in it.
ALTER TABLE share_accesses ADD COLUMN group_id uuid;
