package bunstore_test

import (
	"slices"
	"testing"

	"github.com/seed-755a8038/coffer/test/fixture"
)

// TestAPurgeKnowsEveryTable: whoever adds a table that refers to what an org
// has, has to say how it goes with the org: by a foreign key that cascades, or
// by teaching purges.Step, and Inspector's leftOvers, about it.
func TestAPurgeKnowsEveryTable(t *testing.T) {
	s := fixture.Memory(t)
	ask := func(query string, known ...string) {
		t.Helper()
		rows, err := s.DB().QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		var found []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			found = append(found, name)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(known)
		if !slices.Equal(found, known) {
			t.Errorf("the purge knows %q, the schema has %q", known, found)
		}
	}
	// Step removes the one before the other.
	ask(`SELECT m.name || '.' || f."from" || ' -> ' || f."table" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
		WHERE m.type = 'table' AND f.on_delete <> 'CASCADE' AND f."table" NOT IN ('users', 'licenses') ORDER BY 1`,
		"nodes.parent_id -> nodes", "asset_versions.asset_id -> nodes", "uploads.asset_id -> nodes", "drives.owner_account_id -> accounts",
		"entitlements.subscription_id -> subscriptions", "entitlements.transaction_id -> transactions", "transactions.subscription_id -> subscriptions",
		"transactions.product_id -> products", "subscriptions.product_id -> products", "groups.parent_id -> groups", "dataset_files.asset_id -> nodes")
	// Tables with rows of an org that do not go with it, nor with its drives; of
	// which org_slugs stays, and product_links and group_assets go with what they are a part of.
	ask(`SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'org_id' WHERE m.type = 'table'
		AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(m.name) f WHERE f.on_delete = 'CASCADE' AND f."table" IN ('orgs', 'drives')) ORDER BY 1`,
		"org_slugs", "asset_versions", "marked_copies", "derived", "asset_texts", "uploads", "tickets", "audit_log", "share_accesses",
		"product_links", "group_assets", "entitlements", "transactions", "subscriptions", "events", "webhook_deliveries", "report_runs",
		"share_visits", "link_traffic", "group_traffic", "link_visitors", "group_visitors",
		"ingest_sessions", "ingest_files", "dataset_versions", "dataset_items", "dataset_item_tags", "dataset_item_assets", "dataset_files",
		"annotations", "annotation_versions", "dataset_accesses")
}
