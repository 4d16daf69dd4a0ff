package bunstore

import "strings"

// orgTable is a table with rows of orgs. All such tables are in orgTables: a test
// fails for one that is not.
type orgTable struct {
	name string
	// of selects the rows t that a bundle takes, of the org $1; empty: those with
	// its org_id. It follows FROM.
	of string
	// order is by which columns the rows come.
	order string
	// users is the column that names a user.
	users string
	// refs are the columns that name rows of another table of the org.
	refs []reference
	// loose says that rows have an org_id, but that no foreign key removes them
	// with the org or a drive.
	loose bool
	// local says why a bundle leaves the table out; empty: it does not.
	local string
}

type reference struct{ column, table string }

const (
	ofOrgsDrives = ` AS t JOIN drives AS p ON p.id = t.drive_id WHERE p.org_id = $1`
	// What is not there yet, or is being removed, is not kept, nor what is below.
	keptNodes = `(WITH RECURSIVE kept(id, depth) AS (
			SELECT id, 0 FROM nodes WHERE org_id = $1 AND parent_id IS NULL
			UNION ALL SELECT n.id, k.depth + 1 FROM kept AS k JOIN nodes AS n ON n.parent_id = k.id
				WHERE n.purged_at IS NULL AND (n.kind = 'folder' OR n.status = 'ready'))
		SELECT id, depth FROM kept) AS k`
	nestedGroups = `(WITH RECURSIVE nested(id, depth) AS (
			SELECT id, 0 FROM groups WHERE org_id = $1 AND parent_id IS NULL
			UNION ALL SELECT g.id, k.depth + 1 FROM nested AS k JOIN groups AS g ON g.parent_id = k.id)
		SELECT id, depth FROM nested) AS k`
	ofKeptAssets = ` AS t JOIN ` + keptNodes + ` ON k.id = t.asset_id WHERE t.org_id = $1`
	// Items of versions that are not published come again when they are.
	ofPublished = ` AS t JOIN dataset_versions AS p ON p.id = t.version_id WHERE t.org_id = $1 AND p.number IS NOT NULL`
)

// orgTables are in an order in which rows can be added.
var orgTables = []orgTable{
	{name: "orgs", of: ` AS t WHERE t.id = $1`, order: "t.id", refs: []reference{{"default_drive_id", "drives"}}},
	{name: "org_usage", order: "t.org_id"},
	{name: "org_slugs", order: "t.slug"},
	{name: "org_licenses", order: "t.id"},
	{name: "accounts", order: "t.id", users: "user_id"},
	{name: "drives", order: "t.id", refs: []reference{{"owner_account_id", "accounts"}}},
	{
		name: "drive_members", of: ofOrgsDrives, order: "t.drive_id, t.account_id",
		refs: []reference{{"drive_id", "drives"}, {"account_id", "accounts"}},
	},
	{
		name: "nodes", of: ` AS t JOIN ` + keptNodes + ` ON k.id = t.id WHERE t.org_id = $1`, order: "k.depth, t.id",
		refs: []reference{{"drive_id", "drives"}, {"parent_id", "nodes"}}, loose: true,
	},
	{name: "node_changes", of: ofOrgsDrives, order: "t.drive_id, t.seq", refs: []reference{{"drive_id", "drives"}}},
	{name: "asset_versions", of: ofKeptAssets, order: "t.blob_key", refs: []reference{{"asset_id", "nodes"}}, loose: true},
	{name: "api_keys", order: "t.id", refs: []reference{{"drive_id", "drives"}, {"created_by", "accounts"}}},
	{
		name: "groups", of: ` AS t JOIN ` + nestedGroups + ` ON k.id = t.id WHERE t.org_id = $1`, order: "k.depth, t.id",
		refs: []reference{{"parent_id", "groups"}, {"cover_asset_id", "nodes"}, {"owner_id", "accounts"}},
	},
	{
		name: "group_permissions", of: ` AS t JOIN groups AS p ON p.id = t.group_id WHERE p.org_id = $1`, order: "t.group_id, t.role, t.account_id",
		refs: []reference{{"group_id", "groups"}, {"account_id", "accounts"}},
	},
	{
		name: "group_assets", of: ofKeptAssets, order: "t.group_id, t.asset_id",
		refs: []reference{{"group_id", "groups"}, {"asset_id", "nodes"}}, loose: true,
	},
	{
		name: "share_links", order: "t.id",
		refs: []reference{{"drive_id", "drives"}, {"node_id", "nodes"}, {"group_id", "groups"}, {"created_by", "accounts"}},
	},
	{name: "share_accesses", order: "t.id", refs: []reference{{"link_id", "share_links"}}, loose: true},
	{name: "share_visits", order: "t.id", refs: []reference{{"link_id", "share_links"}}, loose: true},
	{name: "link_traffic", order: trafficKey, refs: []reference{{"subject_id", "share_links"}}, loose: true},
	{name: "group_traffic", order: trafficKey, refs: []reference{{"subject_id", "groups"}}, loose: true},
	{name: "products", order: "t.id", refs: []reference{{"cover_asset_id", "nodes"}}},
	{
		name: "product_links", of: ` AS t JOIN ` + keptNodes + ` ON k.id = t.node_id WHERE t.org_id = $1`, order: "t.product_id, t.node_id",
		refs: []reference{{"product_id", "products"}, {"node_id", "nodes"}}, loose: true,
	},
	{name: "subscriptions", order: "t.id", users: "user_id", refs: []reference{{"product_id", "products"}}, loose: true},
	{
		name: "transactions", order: "t.id", users: "buyer_id",
		refs: []reference{{"product_id", "products"}, {"subscription_id", "subscriptions"}}, loose: true,
	},
	{
		name: "entitlements", order: "t.id", users: "user_id", loose: true,
		refs: []reference{{"transaction_id", "transactions"}, {"subscription_id", "subscriptions"}, {"node_id", "nodes"}, {"product_id", "products"}},
	},
	{name: "event_streams", order: "t.org_id"},
	{name: "events", order: "t.id", loose: true},
	{name: "webhooks", order: "t.id"},
	{name: "webhook_deliveries", order: "t.id", refs: []reference{{"webhook_id", "webhooks"}}, loose: true},
	{name: "reports", order: "t.id", refs: []reference{{"group_id", "groups"}, {"share_link_id", "share_links"}}},
	{name: "report_runs", order: "t.id", refs: []reference{{"report_id", "reports"}}, loose: true},
	{name: "datasets", order: "t.id", refs: []reference{{"drive_id", "drives"}, {"owner_id", "accounts"}}},
	{
		name: "dataset_grants", of: ` AS t JOIN datasets AS p ON p.id = t.dataset_id WHERE p.org_id = $1`, order: "t.dataset_id, t.role, t.account_id",
		refs: []reference{{"dataset_id", "datasets"}, {"account_id", "accounts"}},
	},
	{name: "ingest_sessions", order: "t.id", refs: []reference{{"dataset_id", "datasets"}}, loose: true},
	{
		name: "ingest_files", of: ofKeptAssets, order: "t.session_id, t.path",
		refs: []reference{{"session_id", "ingest_sessions"}, {"asset_id", "nodes"}}, loose: true,
	},
	{
		name: "dataset_versions", of: ` AS t WHERE t.org_id = $1 AND t.number IS NOT NULL`, order: "t.id",
		refs: []reference{{"dataset_id", "datasets"}}, loose: true,
	},
	{name: "dataset_items", of: ofPublished, order: "t.id", refs: []reference{{"version_id", "dataset_versions"}}, loose: true},
	{name: "dataset_item_tags", of: ofPublished, order: "t.version_id, t.tag, t.item_id", refs: []reference{{"version_id", "dataset_versions"}}, loose: true},
	{
		name: "dataset_item_assets", of: ofPublished, order: "t.item_id, t.role",
		refs: []reference{{"version_id", "dataset_versions"}, {"asset_id", "nodes"}}, loose: true,
	},
	{
		name: "dataset_files", of: ofKeptAssets, order: "t.dataset_id, t.asset_id, t.number",
		refs: []reference{{"dataset_id", "datasets"}, {"asset_id", "nodes"}}, loose: true,
	},
	{name: "annotations", order: "t.id", refs: []reference{{"dataset_id", "datasets"}}, loose: true},
	{name: "annotation_versions", order: "t.annotation_id, t.version", refs: []reference{{"annotation_id", "annotations"}}, loose: true},
	{name: "dataset_accesses", order: "t.id", refs: []reference{{"dataset_id", "datasets"}}, loose: true},
	{name: "audit_log", order: "t.id", loose: true},

	{name: "uploads", loose: true, local: "their bytes are on their way to this store"},
	{name: "tickets", loose: true, local: "they were mailed with addresses of this server"},
	{name: "marked_copies", loose: true, local: "they are made when they are needed"},
	{name: "derived", loose: true, local: "it is derived again"},
	{name: "asset_texts", loose: true, local: "they are derived again"},
	{name: "link_visitors", loose: true, local: "their hashes are of this server and this day"},
	{name: "group_visitors", loose: true, local: "their hashes are of this server and this day"},
}

const trafficKey = "t.subject_id, t.dim, t.grain, t.bucket, t.key"

// tableOf returns the table of that name that bundles have, or nil.
func tableOf(name string) *orgTable {
	for i := range orgTables {
		if t := &orgTables[i]; t.name == name && t.local == "" {
			return t
		}
	}
	return nil
}

// from is what follows FROM in a query for the rows t of a bundle.
func (t *orgTable) from() string {
	if t.of == "" {
		return t.name + " AS t WHERE t.org_id = $1"
	}
	return t.name + t.of
}

// astray is a query for a row that refers to something of another org.
func (t *orgTable) astray(r reference) string {
	text := `SELECT 1 FROM ` + t.from() + ` AND EXISTS (SELECT 1 FROM ` + r.table + ` AS other WHERE other.id = t.` + r.column + ` AND other.org_id <> $1) LIMIT 1`
	return strings.ReplaceAll(text, "\n", " ")
}
