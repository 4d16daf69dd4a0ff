-- +goose Up
-- What an org publishes, version by version. owner_id is the account with the
-- rights of the creator.
CREATE TABLE datasets (
    id              text PRIMARY KEY,
    org_id          text NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    drive_id        text NOT NULL,
    slug            text NOT NULL,
    name            text NOT NULL,
    name_folded     text NOT NULL,
    description     text NOT NULL,
    status          text NOT NULL CONSTRAINT datasets_status_check CHECK (status IN ('draft', 'published', 'archived')),
    visibility      text NOT NULL CONSTRAINT datasets_visibility_check CHECK (visibility IN ('org', 'restricted')),
    item_schemas    text NOT NULL CHECK (json_valid(item_schemas)),
    current_version integer NOT NULL, -- 0: none
    created_by      text NOT NULL,
    owner_id        text,
    deleted_at      integer,
    version         integer NOT NULL,
    created_at      integer NOT NULL,
    updated_at      integer NOT NULL,
    CONSTRAINT datasets_drive_id_key UNIQUE (drive_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX datasets_org_id_slug_key ON datasets (org_id, slug) WHERE deleted_at IS NULL;
CREATE INDEX datasets_org_id_idx ON datasets (org_id, id);
CREATE INDEX datasets_owner_id_idx ON datasets (owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX datasets_deleted_at_idx ON datasets (id) WHERE deleted_at IS NOT NULL;

-- Who may do what with a dataset: a role (account_id is null) or an account (role
-- is empty). rights is the sum of 1 view, 2 annotate, 4 publish.
CREATE TABLE dataset_grants (
    dataset_id text NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    role       text NOT NULL CONSTRAINT dataset_grants_role_check CHECK (role IN ('', 'member', 'viewer')),
    account_id text REFERENCES accounts (id) ON DELETE CASCADE,
    rights     integer NOT NULL CONSTRAINT dataset_grants_rights_check CHECK (rights BETWEEN 1 AND 7),
    CONSTRAINT dataset_grants_grantee_check CHECK ((role = '') = (account_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX dataset_grants_dataset_id_role_key ON dataset_grants (dataset_id, role) WHERE account_id IS NULL;
CREATE UNIQUE INDEX dataset_grants_dataset_id_account_id_key ON dataset_grants (dataset_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX dataset_grants_account_id_idx ON dataset_grants (account_id) WHERE account_id IS NOT NULL;

-- How somebody brings a version together, and the files that came with it.
CREATE TABLE ingest_sessions (
    id           text PRIMARY KEY,
    org_id       text NOT NULL,
    dataset_id   text NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    account_id   text NOT NULL,
    status       text NOT NULL
                 CONSTRAINT ingest_sessions_status_check CHECK (status IN ('open', 'publishing', 'published', 'aborted', 'expired')),
    base_version integer NOT NULL,
    version_id   text,
    published    integer NOT NULL,
    leased       integer,
    items        integer NOT NULL,
    created_at   integer NOT NULL,
    expires_at   integer NOT NULL,
    closed_at    integer
) STRICT, WITHOUT ROWID;
CREATE INDEX ingest_sessions_dataset_id_idx ON ingest_sessions (dataset_id, id);
CREATE INDEX ingest_sessions_expires_at_idx ON ingest_sessions (expires_at) WHERE status IN ('open', 'publishing');

CREATE TABLE ingest_files (
    session_id text NOT NULL REFERENCES ingest_sessions (id) ON DELETE CASCADE,
    path       text NOT NULL,
    org_id     text NOT NULL,
    asset_id   text NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    number     integer NOT NULL,
    PRIMARY KEY (session_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX ingest_files_asset_id_idx ON ingest_files (asset_id);

-- What was published at once. number is null while its items are being stored.
CREATE TABLE dataset_versions (
    id            text PRIMARY KEY,
    org_id        text NOT NULL,
    dataset_id    text NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    number        integer,
    session_id    text NOT NULL,
    manifest_hash blob,
    items         integer NOT NULL,
    created_by    text NOT NULL,
    created_at    integer NOT NULL,
    published_at  integer,
    discarded_at  integer, -- will not be published: a job is removing its items
    CONSTRAINT dataset_versions_dataset_id_number_key UNIQUE (dataset_id, number),
    CONSTRAINT dataset_versions_published_check CHECK ((number IS NULL) = (published_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX dataset_versions_discarded_at_idx ON dataset_versions (id) WHERE discarded_at IS NOT NULL;
CREATE INDEX dataset_versions_session_id_idx ON dataset_versions (session_id);

-- The items of versions; nothing refers to the version, so that a million of them
-- have no more to check. Ids of a version are in the order of its manifest.
CREATE TABLE dataset_items (
    seq         integer PRIMARY KEY, -- the row of dataset_words
    id          text NOT NULL UNIQUE,
    org_id      text NOT NULL,
    version_id  text NOT NULL,
    line        integer NOT NULL,
    external_id text NOT NULL,
    type        text NOT NULL,
    title       text NOT NULL,
    tags        text NOT NULL CHECK (json_valid(tags)),
    data        text NOT NULL CHECK (json_valid(data))
) STRICT;
CREATE INDEX dataset_items_version_id_idx ON dataset_items (version_id, id);
CREATE INDEX dataset_items_version_id_external_id_idx ON dataset_items (version_id, external_id);
CREATE INDEX dataset_items_version_id_type_idx ON dataset_items (version_id, type, id);

-- The words of title, tags and data of each item, cut by core.Words: only white
-- space separates them.
CREATE VIRTUAL TABLE dataset_words USING fts5 (words, content = '', contentless_delete = 1, detail = full, tokenize = "ascii");

CREATE TABLE dataset_item_tags (
    version_id text NOT NULL,
    tag        text NOT NULL,
    item_id    text NOT NULL,
    org_id     text NOT NULL,
    PRIMARY KEY (version_id, tag, item_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE dataset_item_assets (
    item_id    text NOT NULL,
    role       text NOT NULL,
    version_id text NOT NULL,
    org_id     text NOT NULL,
    asset_id   text NOT NULL,
    number     integer NOT NULL,
    path       text NOT NULL,
    PRIMARY KEY (item_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX dataset_item_assets_version_id_idx ON dataset_item_assets (version_id, item_id);
CREATE INDEX dataset_item_assets_asset_id_idx ON dataset_item_assets (asset_id, version_id);

-- The files of published versions, each once for a dataset.
CREATE TABLE dataset_files (
    dataset_id text NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    asset_id   text NOT NULL REFERENCES nodes (id),
    number     integer NOT NULL,
    org_id     text NOT NULL,
    path       text NOT NULL,
    since      integer NOT NULL, -- number of the first version with it
    PRIMARY KEY (dataset_id, asset_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX dataset_files_asset_id_idx ON dataset_files (asset_id);
CREATE INDEX dataset_files_path_idx ON dataset_files (dataset_id, path, since);

-- What people say about items: of the item with that external id in each version.
CREATE TABLE annotations (
    id          text PRIMARY KEY,
    org_id      text NOT NULL,
    dataset_id  text NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    external_id text NOT NULL,
    number      integer NOT NULL, -- of the version it was made in
    author_id   text NOT NULL,
    kind        text NOT NULL CONSTRAINT annotations_kind_check CHECK (kind IN ('comment', 'label', 'region', 'range')),
    body        text NOT NULL CHECK (json_valid(body)),
    version     integer NOT NULL,
    created_at  integer NOT NULL,
    updated_at  integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX annotations_dataset_id_external_id_idx ON annotations (dataset_id, external_id, id);
CREATE INDEX annotations_dataset_id_idx ON annotations (dataset_id, id);

-- What annotations were before they were changed.
CREATE TABLE annotation_versions (
    annotation_id text NOT NULL REFERENCES annotations (id) ON DELETE CASCADE,
    version       integer NOT NULL,
    org_id        text NOT NULL,
    kind          text NOT NULL,
    body          text NOT NULL CHECK (json_valid(body)),
    at            integer NOT NULL, -- when it became so
    PRIMARY KEY (annotation_id, version)
) STRICT, WITHOUT ROWID;

-- Who has looked at what.
CREATE TABLE dataset_accesses (
    id         text PRIMARY KEY,
    org_id     text NOT NULL,
    dataset_id text NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    number     integer NOT NULL, -- of the version
    kind       text NOT NULL, -- see core.DatasetAccessKind
    item_id    text,
    asset_id   text,
    account_id text NOT NULL,
    address    text NOT NULL,
    user_agent text NOT NULL,
    at         integer NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX dataset_accesses_dataset_id_idx ON dataset_accesses (dataset_id, id);
CREATE INDEX dataset_accesses_at_idx ON dataset_accesses (at);
