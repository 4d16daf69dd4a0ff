-- +goose Up
-- What an org publishes, version by version. owner_id is the account with the
-- rights of the creator.
CREATE TABLE datasets (
    id              uuid PRIMARY KEY,
    org_id          uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    drive_id        uuid NOT NULL,
    slug            text COLLATE "C" NOT NULL,
    name            text COLLATE "C" NOT NULL,
    name_folded     text COLLATE "C" NOT NULL,
    description     text NOT NULL,
    status          text COLLATE "C" NOT NULL CONSTRAINT datasets_status_check CHECK (status IN ('draft', 'published', 'archived')),
    visibility      text COLLATE "C" NOT NULL CONSTRAINT datasets_visibility_check CHECK (visibility IN ('org', 'restricted')),
    item_schemas    jsonb NOT NULL,
    current_version bigint NOT NULL, -- 0: none
    created_by      uuid NOT NULL,
    owner_id        uuid,
    deleted_at      bigint,
    version         bigint NOT NULL,
    created_at      bigint NOT NULL,
    updated_at      bigint NOT NULL,
    CONSTRAINT datasets_drive_id_key UNIQUE (drive_id)
);
CREATE UNIQUE INDEX datasets_org_id_slug_key ON datasets (org_id, slug) WHERE deleted_at IS NULL;
CREATE INDEX datasets_org_id_idx ON datasets (org_id, id);
CREATE INDEX datasets_owner_id_idx ON datasets (owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX datasets_deleted_at_idx ON datasets (id) WHERE deleted_at IS NOT NULL;

-- Who may do what with a dataset: a role (account_id is null) or an account (role
-- is empty). rights is the sum of 1 view, 2 annotate, 4 publish.
CREATE TABLE dataset_grants (
    dataset_id uuid NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    role       text COLLATE "C" NOT NULL CONSTRAINT dataset_grants_role_check CHECK (role IN ('', 'member', 'viewer')),
    account_id uuid REFERENCES accounts (id) ON DELETE CASCADE,
    rights     bigint NOT NULL CONSTRAINT dataset_grants_rights_check CHECK (rights BETWEEN 1 AND 7),
    CONSTRAINT dataset_grants_grantee_check CHECK ((role = '') = (account_id IS NOT NULL))
);
CREATE UNIQUE INDEX dataset_grants_dataset_id_role_key ON dataset_grants (dataset_id, role) WHERE account_id IS NULL;
CREATE UNIQUE INDEX dataset_grants_dataset_id_account_id_key ON dataset_grants (dataset_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX dataset_grants_account_id_idx ON dataset_grants (account_id) WHERE account_id IS NOT NULL;

-- How somebody brings a version together, and the files that came with it.
CREATE TABLE ingest_sessions (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL,
    dataset_id   uuid NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    account_id   uuid NOT NULL,
    status       text COLLATE "C" NOT NULL
                 CONSTRAINT ingest_sessions_status_check CHECK (status IN ('open', 'publishing', 'published', 'aborted', 'expired')),
    base_version bigint NOT NULL,
    version_id   uuid,
    published    bigint NOT NULL,
    leased       bigint,
    items        bigint NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    closed_at    bigint
);
CREATE INDEX ingest_sessions_dataset_id_idx ON ingest_sessions (dataset_id, id);
CREATE INDEX ingest_sessions_expires_at_idx ON ingest_sessions (expires_at) WHERE status IN ('open', 'publishing');

CREATE TABLE ingest_files (
    session_id uuid NOT NULL REFERENCES ingest_sessions (id) ON DELETE CASCADE,
    path       text COLLATE "C" NOT NULL,
    org_id     uuid NOT NULL,
    asset_id   uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    number     bigint NOT NULL,
    PRIMARY KEY (session_id, path)
);
CREATE INDEX ingest_files_asset_id_idx ON ingest_files (asset_id);

-- What was published at once. number is null while its items are being stored.
CREATE TABLE dataset_versions (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL,
    dataset_id    uuid NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    number        bigint,
    session_id    uuid NOT NULL,
    manifest_hash bytea,
    items         bigint NOT NULL,
    created_by    uuid NOT NULL,
    created_at    bigint NOT NULL,
    published_at  bigint,
    discarded_at  bigint, -- will not be published: a job is removing its items
    CONSTRAINT dataset_versions_dataset_id_number_key UNIQUE (dataset_id, number),
    CONSTRAINT dataset_versions_published_check CHECK ((number IS NULL) = (published_at IS NULL))
);
CREATE INDEX dataset_versions_discarded_at_idx ON dataset_versions (id) WHERE discarded_at IS NOT NULL;
CREATE INDEX dataset_versions_session_id_idx ON dataset_versions (session_id);

-- The items of versions; nothing refers to the version, so that a million of them
-- have no more to check. Ids of a version are in the order of its manifest.
CREATE TABLE dataset_items (
    id          uuid PRIMARY KEY,
    org_id      uuid NOT NULL,
    version_id  uuid NOT NULL,
    line        bigint NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    type        text COLLATE "C" NOT NULL,
    title       text NOT NULL,
    tags        jsonb NOT NULL,
    data        jsonb NOT NULL,
    words       tsvector NOT NULL -- of title, tags and data
);
CREATE INDEX dataset_items_version_id_idx ON dataset_items (version_id, id);
CREATE INDEX dataset_items_version_id_external_id_idx ON dataset_items (version_id, external_id);
CREATE INDEX dataset_items_version_id_type_idx ON dataset_items (version_id, type, id);
CREATE INDEX dataset_items_version_id_words_idx ON dataset_items USING gin (version_id, words);

CREATE TABLE dataset_item_tags (
    version_id uuid NOT NULL,
    tag        text COLLATE "C" NOT NULL,
    item_id    uuid NOT NULL,
    org_id     uuid NOT NULL,
    PRIMARY KEY (version_id, tag, item_id)
);

CREATE TABLE dataset_item_assets (
    item_id    uuid NOT NULL,
    role       text COLLATE "C" NOT NULL,
    version_id uuid NOT NULL,
    org_id     uuid NOT NULL,
    asset_id   uuid NOT NULL,
    number     bigint NOT NULL,
    path       text COLLATE "C" NOT NULL,
    PRIMARY KEY (item_id, role)
);
CREATE INDEX dataset_item_assets_version_id_idx ON dataset_item_assets (version_id, item_id);
CREATE INDEX dataset_item_assets_asset_id_idx ON dataset_item_assets (asset_id, version_id);

-- The files of published versions, each once for a dataset.
CREATE TABLE dataset_files (
    dataset_id uuid NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    asset_id   uuid NOT NULL REFERENCES nodes (id),
    number     bigint NOT NULL,
    org_id     uuid NOT NULL,
    path       text COLLATE "C" NOT NULL,
    since      bigint NOT NULL, -- number of the first version with it
    PRIMARY KEY (dataset_id, asset_id, number)
);
CREATE INDEX dataset_files_asset_id_idx ON dataset_files (asset_id);
CREATE INDEX dataset_files_path_idx ON dataset_files (dataset_id, path, since);

-- What people say about items: of the item with that external id in each version.
CREATE TABLE annotations (
    id          uuid PRIMARY KEY,
    org_id      uuid NOT NULL,
    dataset_id  uuid NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    external_id text COLLATE "C" NOT NULL,
    number      bigint NOT NULL, -- of the version it was made in
    author_id   uuid NOT NULL,
    kind        text COLLATE "C" NOT NULL CONSTRAINT annotations_kind_check CHECK (kind IN ('comment', 'label', 'region', 'range')),
    body        jsonb NOT NULL,
    version     bigint NOT NULL,
    created_at  bigint NOT NULL,
    updated_at  bigint NOT NULL
);
CREATE INDEX annotations_dataset_id_external_id_idx ON annotations (dataset_id, external_id, id);
CREATE INDEX annotations_dataset_id_idx ON annotations (dataset_id, id);

-- What annotations were before they were changed.
CREATE TABLE annotation_versions (
    annotation_id uuid NOT NULL REFERENCES annotations (id) ON DELETE CASCADE,
    version       bigint NOT NULL,
    org_id        uuid NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    body          jsonb NOT NULL,
    at            bigint NOT NULL, -- when it became so
    PRIMARY KEY (annotation_id, version)
);

-- Who has looked at what.
CREATE TABLE dataset_accesses (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL,
    dataset_id uuid NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    number     bigint NOT NULL, -- of the version
    kind       text COLLATE "C" NOT NULL, -- see core.DatasetAccessKind
    item_id    uuid,
    asset_id   uuid,
    account_id uuid NOT NULL,
    address    text NOT NULL,
    user_agent text NOT NULL,
    at         bigint NOT NULL
);
CREATE INDEX dataset_accesses_dataset_id_idx ON dataset_accesses (dataset_id, id);
CREATE INDEX dataset_accesses_at_idx ON dataset_accesses (at);
