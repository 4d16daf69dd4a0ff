-- +goose Up
ALTER TABLE org_usage ADD COLUMN products_count bigint NOT NULL DEFAULT 0
    CONSTRAINT org_usage_products_count_check CHECK (products_count >= 0);

-- What orgs sell.
CREATE TABLE products (
    id                uuid PRIMARY KEY,
    org_id            uuid NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
    name              text NOT NULL,
    name_folded       text COLLATE "C" NOT NULL,
    slug              text COLLATE "C" NOT NULL,
    description       text NOT NULL,
    type              text COLLATE "C" NOT NULL CONSTRAINT products_type_check CHECK (type IN ('digital', 'membership')),
    price_amount      bigint NOT NULL CONSTRAINT products_price_amount_check CHECK (price_amount >= 0),
    price_currency    text COLLATE "C" NOT NULL,
    subscription_days bigint NOT NULL,
    status            text COLLATE "C" NOT NULL CONSTRAINT products_status_check CHECK (status IN ('draft', 'published', 'archived')),
    cover_asset_id    uuid, -- may be gone
    created_by        uuid NOT NULL,
    published_at      bigint,
    version           bigint NOT NULL,
    created_at        bigint NOT NULL,
    updated_at        bigint NOT NULL,
    CONSTRAINT products_org_id_slug_key UNIQUE (org_id, slug)
);
CREATE INDEX products_org_id_idx ON products (org_id, id);

-- A file, or a folder with all that is in it, as a part of a product.
CREATE TABLE product_links (
    product_id uuid NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    node_id    uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    org_id     uuid NOT NULL,
    position   bigint NOT NULL,
    added_by   uuid NOT NULL,
    added_at   bigint NOT NULL,
    PRIMARY KEY (product_id, node_id)
);
CREATE INDEX product_links_node_id_idx ON product_links (node_id);
CREATE INDEX product_links_org_id_idx ON product_links (org_id);

-- A user's membership, paid by the period.
CREATE TABLE subscriptions (
    id             uuid PRIMARY KEY,
    org_id         uuid NOT NULL,
    product_id     uuid NOT NULL REFERENCES products (id),
    product_name   text NOT NULL,
    user_id        uuid NOT NULL REFERENCES users (id),
    transaction_id uuid NOT NULL, -- that paid for the present period
    status         text COLLATE "C" NOT NULL
                   CONSTRAINT subscriptions_status_check CHECK (status IN ('active', 'past_due', 'canceled', 'expired')),
    price_amount   bigint NOT NULL,
    price_currency text COLLATE "C" NOT NULL,
    days           bigint NOT NULL,
    period_start   bigint NOT NULL,
    period_end     bigint NOT NULL,
    provider       text COLLATE "C" NOT NULL,
    provider_ref   text COLLATE "C" NOT NULL,
    canceled_at    bigint,
    ended_at       bigint,
    version        bigint NOT NULL,
    created_at     bigint NOT NULL,
    updated_at     bigint NOT NULL
);
CREATE UNIQUE INDEX subscriptions_user_id_product_id_key ON subscriptions (user_id, product_id) WHERE status <> 'expired';
CREATE UNIQUE INDEX subscriptions_provider_ref_key ON subscriptions (provider, provider_ref) WHERE provider_ref <> '';
CREATE INDEX subscriptions_org_id_idx ON subscriptions (org_id, id);
CREATE INDEX subscriptions_user_id_idx ON subscriptions (user_id, id);
CREATE INDEX subscriptions_product_id_idx ON subscriptions (product_id, id);
CREATE INDEX subscriptions_period_end_idx ON subscriptions (period_end) WHERE status <> 'expired';

-- One purchase of one product by one user, or the payment of another period.
CREATE TABLE transactions (
    id              uuid PRIMARY KEY,
    org_id          uuid NOT NULL,
    product_id      uuid NOT NULL REFERENCES products (id),
    product_name    text NOT NULL,
    type            text COLLATE "C" NOT NULL,
    buyer_id        uuid NOT NULL REFERENCES users (id),
    subscription_id uuid REFERENCES subscriptions (id),
    renewal         boolean NOT NULL,
    days            bigint NOT NULL,
    price_amount    bigint NOT NULL,
    price_currency  text COLLATE "C" NOT NULL,
    refunded_amount bigint NOT NULL
                    CONSTRAINT transactions_refunded_amount_check CHECK (refunded_amount BETWEEN 0 AND price_amount),
    provider        text COLLATE "C" NOT NULL,
    provider_ref    text COLLATE "C" NOT NULL,
    payment_ref     text COLLATE "C" NOT NULL,
    checkout_url    text NOT NULL,
    status          text COLLATE "C" NOT NULL
                    CONSTRAINT transactions_status_check CHECK (status IN ('pending', 'completed', 'failed', 'refunded')),
    fail_reason     text COLLATE "C" NOT NULL,
    disputed_at     bigint,
    expires_at      bigint NOT NULL,
    completed_at    bigint,
    ended_at        bigint,
    version         bigint NOT NULL,
    created_at      bigint NOT NULL,
    updated_at      bigint NOT NULL
);
CREATE UNIQUE INDEX transactions_buyer_id_product_id_key ON transactions (buyer_id, product_id) WHERE status = 'pending';
CREATE UNIQUE INDEX transactions_provider_ref_key ON transactions (provider, provider_ref) WHERE provider_ref <> '';
CREATE INDEX transactions_payment_ref_idx ON transactions (provider, payment_ref) WHERE payment_ref <> '';
CREATE INDEX transactions_unidentified_idx ON transactions (provider) WHERE status = 'completed' AND payment_ref = '' AND provider_ref <> '';
CREATE INDEX transactions_org_id_idx ON transactions (org_id, id);
CREATE INDEX transactions_org_id_completed_at_idx ON transactions (org_id, completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX transactions_buyer_id_idx ON transactions (buyer_id, id);
CREATE INDEX transactions_product_id_idx ON transactions (product_id, id);
CREATE INDEX transactions_subscription_id_idx ON transactions (subscription_id) WHERE subscription_id IS NOT NULL;
CREATE INDEX transactions_pending_idx ON transactions (id) WHERE status = 'pending';

-- Who may have what they have bought: a file, or what is in a folder.
CREATE TABLE entitlements (
    id              uuid PRIMARY KEY,
    org_id          uuid NOT NULL,
    user_id         uuid NOT NULL REFERENCES users (id),
    node_id         uuid NOT NULL, -- may be gone once nobody has it
    product_id      uuid NOT NULL,
    transaction_id  uuid NOT NULL REFERENCES transactions (id),
    subscription_id uuid REFERENCES subscriptions (id),
    expires_at      bigint,
    access_until    bigint, -- expires_at with a grace for paying
    suspended_at    bigint,
    revoked_at      bigint,
    created_at      bigint NOT NULL,
    CONSTRAINT entitlements_transaction_id_node_id_key UNIQUE (transaction_id, node_id)
);
CREATE INDEX entitlements_user_id_node_id_idx ON entitlements (user_id, node_id);
CREATE INDEX entitlements_org_id_node_id_idx ON entitlements (org_id, node_id);
CREATE UNIQUE INDEX entitlements_subscription_id_node_id_key ON entitlements (subscription_id, node_id)
    WHERE subscription_id IS NOT NULL AND revoked_at IS NULL;

-- Messages of payment providers that have had their effect.
CREATE TABLE payment_events (
    provider text COLLATE "C" NOT NULL,
    id       text COLLATE "C" NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (provider, id)
);
CREATE INDEX payment_events_at_idx ON payment_events (at);

-- What has happened in orgs, for those outside who want to know.
CREATE TABLE events (
    id     uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    type   text COLLATE "C" NOT NULL,
    data   jsonb NOT NULL,
    at     bigint NOT NULL
);
CREATE INDEX events_org_id_idx ON events (org_id, id);
CREATE INDEX events_at_idx ON events (at);
