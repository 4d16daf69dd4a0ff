package bunstore

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// An invariant is a query for the rows that break it: two columns of text, who
// and what. $1 is the time, in every query; of a late one, the time before
// which an org was deleted that should be gone. An org that is being purged has
// lost a part of what orgs have.
type invariant struct {
	name, text string
	counter    bool
	late       bool
}

const (
	// What orgs and drives really use, each in one pass over the tables.
	orgSums = `(SELECT org_id, sum(bytes) AS bytes FROM (
			SELECT org_id, size_bytes AS bytes FROM asset_versions UNION ALL SELECT org_id, size_bytes FROM uploads) AS b GROUP BY org_id)`
	driveSums = `(SELECT drive_id, sum(bytes) AS bytes FROM (
			SELECT n.drive_id, v.size_bytes AS bytes FROM asset_versions v JOIN nodes n ON n.id = v.asset_id
			UNION ALL SELECT drive_id, size_bytes FROM uploads) AS b GROUP BY drive_id)`
	orgProducts = `(SELECT org_id, count(*) AS products FROM products WHERE status <> 'archived' GROUP BY org_id)`
	orgGroups   = `(SELECT org_id, count(*) AS groups_count FROM groups GROUP BY org_id)`
	orgAssets   = `(SELECT org_id, count(*) AS assets FROM nodes WHERE kind = 'asset' GROUP BY org_id)`
)

var invariants = []invariant{
	{"used bytes of an org are the sum of its versions and uploads", `SELECT 'org ' || q.org_id, 'counted ' || q.used_bytes || ', stored ' || coalesce(b.bytes, 0)
		FROM org_usage q LEFT JOIN ` + orgSums + ` AS b ON b.org_id = q.org_id WHERE CAST($1 AS bigint) > 0 AND q.used_bytes <> coalesce(b.bytes, 0)`, true, false},
	{"the assets of an org are counted", `SELECT 'org ' || q.org_id, 'counted ' || q.assets_count || ', stored ' || coalesce(n.assets, 0)
		FROM org_usage q LEFT JOIN ` + orgAssets + ` AS n ON n.org_id = q.org_id WHERE CAST($1 AS bigint) > 0 AND q.assets_count <> coalesce(n.assets, 0)`, true, false},
	{"used bytes of a drive are the sum of its versions and uploads", `SELECT 'drive ' || d.id, 'counted ' || d.used_bytes || ', stored ' || coalesce(b.bytes, 0)
		FROM drives d LEFT JOIN ` + driveSums + ` AS b ON b.drive_id = d.id WHERE CAST($1 AS bigint) > 0 AND d.used_bytes <> coalesce(b.bytes, 0)`, true, false},
	{"a live org has an active owner", `SELECT 'org ' || o.id, 'has none' FROM orgs o WHERE CAST($1 AS bigint) > 0 AND o.deleted_at IS NULL AND NOT EXISTS
		(SELECT 1 FROM accounts ac WHERE ac.org_id = o.id AND ac.role = 'owner' AND ac.status = 'active')`, false, false},
	{"a personal org has exactly one account", `SELECT 'org ' || o.id, 'has another number of accounts' FROM orgs o WHERE CAST($1 AS bigint) > 0
		AND o.is_personal AND o.purging_at IS NULL AND (SELECT count(*) FROM accounts ac WHERE ac.org_id = o.id) <> 1`, false, false},
	{"an active account has a personal drive", `SELECT 'account ' || ac.id, 'has none' FROM accounts ac JOIN orgs o ON o.id = ac.org_id AND o.purging_at IS NULL
		WHERE CAST($1 AS bigint) > 0 AND ac.status = 'active' AND NOT EXISTS (SELECT 1 FROM drives d WHERE d.org_id = ac.org_id AND d.owner_account_id = ac.id)`, false, false},
	{"a user's personal org is theirs", `SELECT 'user ' || u.id, 'has no account in it' FROM users u JOIN orgs o ON o.id = u.personal_org_id AND o.purging_at IS NULL
		WHERE CAST($1 AS bigint) > 0 AND NOT (o.is_personal AND EXISTS (SELECT 1 FROM accounts ac WHERE ac.org_id = o.id AND ac.user_id = u.id))`, false, false},
	{"the default drive of an org is its own", `SELECT 'org ' || o.id, 'its default drive is missing, deleted or foreign' FROM orgs o WHERE CAST($1 AS bigint) > 0 AND o.purging_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM drives d WHERE d.id = o.default_drive_id AND d.org_id = o.id AND d.deleted_at IS NULL)`, false, false},
	{"a member of a drive is of its org", `SELECT 'drive ' || d.id, 'account ' || ac.id || ' is of another org, removed, or the drive is personal'
		FROM drive_members m JOIN drives d ON d.id = m.drive_id JOIN accounts ac ON ac.id = m.account_id WHERE CAST($1 AS bigint) > 0
		AND (ac.org_id <> d.org_id OR ac.status IN ('invited', 'removed') OR d.owner_account_id IS NOT NULL)`, false, false},
	{"a drive has its root", `SELECT 'drive ' || d.id, 'has none' FROM drives d LEFT JOIN nodes n ON n.id = d.id AND n.drive_id = d.id AND n.parent_id IS NULL
		WHERE CAST($1 AS bigint) > 0 AND n.id IS NULL`, false, false},
	{"a node has the org of its drive", `SELECT 'node ' || n.id, 'has another' FROM nodes n JOIN drives d ON d.id = n.drive_id
		WHERE CAST($1 AS bigint) > 0 AND n.org_id <> d.org_id`, false, false},
	{"a node lies in a folder of its drive", `SELECT 'node ' || n.id, 'its parent is a file or in another drive' FROM nodes n JOIN nodes p ON p.id = n.parent_id
		WHERE CAST($1 AS bigint) > 0 AND (p.drive_id <> n.drive_id OR p.kind <> 'folder')`, false, false},
	{"a tree has no cycles", `WITH RECURSIVE tree (id) AS (SELECT id FROM nodes WHERE parent_id IS NULL UNION ALL
			SELECT n.id FROM tree JOIN nodes n ON n.parent_id = tree.id)
		SELECT 'node ' || n.id, 'cannot be reached from its root' FROM (
			SELECT id FROM nodes EXCEPT SELECT id FROM tree) AS n WHERE CAST($1 AS bigint) > 0`, false, false},
	{"a tree is at most 64 levels deep", `WITH RECURSIVE tree (id, kind, depth) AS (SELECT id, kind, 0 FROM nodes WHERE parent_id IS NULL UNION ALL
			SELECT n.id, n.kind, tree.depth + 1 FROM tree JOIN nodes n ON n.parent_id = tree.id)
		SELECT 'node ' || id, 'is at depth ' || depth FROM tree WHERE CAST($1 AS bigint) > 0 AND depth > CASE kind WHEN 'folder' THEN 63 ELSE 64 END`, false, false},
	{"names are unique in a folder", `SELECT 'node ' || parent_id, 'has ' || count(*) || ' live nodes of one name' FROM nodes
		WHERE CAST($1 AS bigint) > 0 AND parent_id IS NOT NULL AND trashed_at IS NULL GROUP BY parent_id, name HAVING count(*) > 1`, false, false},
	{"a folder's height is at least the levels of folders below it", `WITH RECURSIVE up (id, parent_id, step) AS (
			SELECT id, parent_id, 0 FROM nodes WHERE kind = 'folder' UNION ALL
			SELECT p.id, p.parent_id, up.step + 1 FROM up JOIN nodes p ON p.id = up.parent_id WHERE up.step < 200)
		SELECT 'node ' || n.id, 'has height ' || n.height || ', but ' || h.levels || ' levels'
		FROM (SELECT id, max(step) AS levels FROM up GROUP BY id) AS h JOIN nodes n ON n.id = h.id WHERE CAST($1 AS bigint) > 0 AND n.height < h.levels`, false, false},
	{"what is purged is gone within an hour", `SELECT 'node ' || n.id, 'is still there, with all below it' FROM nodes n
		WHERE n.purged_at < CAST($1 AS bigint) - 3600000000`, false, false},
	{"the changes of a drive have no gaps", `SELECT 'drive ' || d.id, 'has changes to ' || d.change_seq || ', pruned to ' || d.pruned_seq || ', and ' || coalesce(c.n, 0) || ' of them'
		FROM drives d LEFT JOIN (SELECT drive_id, count(*) AS n, min(seq) AS first, max(seq) AS last FROM node_changes GROUP BY drive_id) AS c ON c.drive_id = d.id
		JOIN orgs o ON o.id = d.org_id AND o.purging_at IS NULL
		WHERE CAST($1 AS bigint) > 0 AND d.deleted_at IS NULL AND (coalesce(c.n, 0) <> d.change_seq - d.pruned_seq OR c.first <> d.pruned_seq + 1 OR c.last <> d.change_seq)`, false, false},
	{"an API key has the org of its drive and of its creator", `SELECT 'key ' || k.id, 'has another' FROM api_keys k JOIN drives d ON d.id = k.drive_id
		JOIN accounts ac ON ac.id = k.created_by WHERE CAST($1 AS bigint) > 0 AND (d.org_id <> k.org_id OR ac.org_id <> k.org_id)`, false, false},
	{"a share link has the org of its drive or group and of its creator", `SELECT 'link ' || l.id, 'has another' FROM share_links l LEFT JOIN drives d ON d.id = l.drive_id
		LEFT JOIN groups g ON g.id = l.group_id JOIN accounts ac ON ac.id = l.created_by WHERE CAST($1 AS bigint) > 0 AND (d.org_id <> l.org_id OR g.org_id <> l.org_id OR ac.org_id <> l.org_id)`, false, false},
	{"a share link counts at least what its log has granted", `SELECT 'link ' || l.id, 'has more views, downloads, uploads or rows of another org in its log'
		FROM (SELECT link_id, count(*) FILTER (WHERE kind = 'view' AND refused = '') AS views, count(*) FILTER (WHERE kind = 'download' AND refused = '') AS downloads,
			count(*) FILTER (WHERE kind = 'upload' AND refused = '') AS uploads, max(CAST(org_id AS text)) AS org, min(CAST(org_id AS text)) AS first
			FROM share_accesses GROUP BY link_id) AS a JOIN share_links l ON l.id = a.link_id WHERE CAST($1 AS bigint) > 0
		AND (a.views > l.views OR a.downloads > l.downloads OR a.uploads > l.uploads OR a.org <> CAST(l.org_id AS text) OR a.first <> CAST(l.org_id AS text))`, false, false},
	// A limit may be lowered below what has been counted, so this is known of
	// links as they were made only.
	{"a share link is used at most as often as it may be", `SELECT 'link ' || l.id, 'has ' || l.views || ' views, ' || l.downloads || ' downloads, ' || l.uploads || ' uploads'
		FROM share_links l WHERE CAST($1 AS bigint) > 0 AND l.version = 1 AND (l.views > l.max_views OR l.downloads > l.max_downloads OR l.uploads > l.max_files)`, false, false},
	{"versions and uploads have the org of their asset", `SELECT 'asset ' || n.id, 'a version or upload has another org or drive' FROM nodes n WHERE CAST($1 AS bigint) > 0
		AND (EXISTS (SELECT 1 FROM asset_versions v WHERE v.asset_id = n.id AND v.org_id <> n.org_id)
			OR EXISTS (SELECT 1 FROM uploads up WHERE up.asset_id = n.id AND (up.org_id <> n.org_id OR up.drive_id <> n.drive_id)))`, false, false},
	{"a marked copy has the org of its version, and goes within a day of its end", `SELECT 'asset ' || mc.asset_id, 'a marked copy has another org, or should have gone'
		FROM marked_copies mc JOIN asset_versions v ON v.asset_id = mc.asset_id AND v.number = mc.number
		WHERE v.org_id <> mc.org_id OR mc.expires_at < CAST($1 AS bigint) - 86400000000`, false, false},
	{"what is derived has the org of its version, and pictures only if it is ready", `SELECT 'asset ' || v.asset_id, 'what is derived has another org, or is not ready and has a picture'
		FROM asset_versions v LEFT JOIN derived dv ON dv.asset_id = v.asset_id AND dv.number = v.number
		LEFT JOIN asset_texts t ON t.asset_id = v.asset_id AND t.number = v.number
		WHERE CAST($1 AS bigint) > 0 AND (dv.org_id <> v.org_id OR t.org_id <> v.org_id OR dv.status <> 'ready' AND (dv.thumbnail_key <> '' OR dv.poster_key <> ''))`, false, false},
	{"a ready asset has its current version, a pending one an upload", `SELECT 'asset ' || n.id, 'is ' || n.status || ' without' FROM nodes n WHERE CAST($1 AS bigint) > 0
		AND n.kind = 'asset' AND NOT CASE n.status
			WHEN 'ready' THEN EXISTS (SELECT 1 FROM asset_versions v WHERE v.asset_id = n.id AND v.number = n.current_version AND v.size_bytes = n.size_bytes)
			ELSE EXISTS (SELECT 1 FROM uploads up WHERE up.asset_id = n.id) END`, false, false},
	{"an upload does not outlive its time by more than an hour", `SELECT 'upload ' || up.id, 'should have been given up' FROM uploads up
		WHERE up.expires_at < CAST($1 AS bigint) - 3600000000`, false, false},
	{"a user who has gone has left nothing personal", `SELECT 'user ' || u.id, 'has a session, identity, ticket, account or password' FROM users u
		WHERE CAST($1 AS bigint) > 0 AND u.deleted_at IS NOT NULL AND (u.password_hash <> '' OR u.totp_secret IS NOT NULL OR u.email <> 'deleted-' || u.id
			OR EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = u.id) OR EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id)
			OR EXISTS (SELECT 1 FROM tickets t WHERE t.user_id = u.id)
			OR EXISTS (SELECT 1 FROM accounts ac WHERE ac.user_id = u.id AND ac.status <> 'removed'))`, false, false},
	{"a user who has not gone has a live personal org", `SELECT 'user ' || u.id, 'has none' FROM users u LEFT JOIN orgs o ON o.id = u.personal_org_id
		WHERE CAST($1 AS bigint) > 0 AND u.deleted_at IS NULL AND (o.id IS NULL OR o.deleted_at IS NOT NULL)`, false, false},
	{"a deleted org is purged within a week of its time", `SELECT 'org ' || o.id, 'should have been purged' FROM orgs o
		WHERE o.deleted_at < CAST($1 AS bigint) - 604800000000`, false, true},
	{"nothing is left of a purged org", leftOvers(), false, false},

	{"the products of an org are counted", `SELECT 'org ' || q.org_id, 'counted ' || q.products_count || ', stored ' || coalesce(p.products, 0)
		FROM org_usage q JOIN orgs o ON o.id = q.org_id AND o.purging_at IS NULL LEFT JOIN ` + orgProducts + ` AS p ON p.org_id = q.org_id
		WHERE CAST($1 AS bigint) > 0 AND q.products_count <> coalesce(p.products, 0)`, true, false},
	{"what is linked to a product is of its org", `SELECT 'product ' || p.id, 'node ' || n.id || ' is of another' FROM product_links l
		JOIN products p ON p.id = l.product_id JOIN nodes n ON n.id = l.node_id WHERE CAST($1 AS bigint) > 0 AND (n.org_id <> p.org_id OR l.org_id <> p.org_id)`, false, false},
	{"a transaction has the org of its product", `SELECT 'transaction ' || t.id, 'has another, or its subscription has' FROM transactions t
		JOIN products p ON p.id = t.product_id LEFT JOIN subscriptions s ON s.id = t.subscription_id WHERE CAST($1 AS bigint) > 0
		AND (p.org_id <> t.org_id OR s.org_id <> t.org_id OR s.user_id <> t.buyer_id OR s.product_id <> t.product_id)`, false, false},
	{"an entitlement has one completed transaction, of its buyer", `SELECT 'entitlement ' || e.id, 'transaction ' || e.transaction_id || ' is ' || coalesce(t.status, 'gone') || ' or somebody else''s'
		FROM entitlements e JOIN orgs o ON o.id = e.org_id AND o.purging_at IS NULL LEFT JOIN transactions t ON t.id = e.transaction_id
		WHERE CAST($1 AS bigint) > 0 AND e.revoked_at IS NULL
		AND (t.id IS NULL OR t.status <> 'completed' OR t.buyer_id <> e.user_id OR t.product_id <> e.product_id OR t.org_id <> e.org_id)`, false, false},
	{"a refunded transaction grants nothing", `SELECT 'transaction ' || t.id, 'has entitlements' FROM transactions t WHERE CAST($1 AS bigint) > 0 AND t.status = 'refunded'
		AND EXISTS (SELECT 1 FROM entitlements e WHERE e.transaction_id = t.id AND e.revoked_at IS NULL)`, false, false},
	// What is linked later is given by a job, within a day.
	{"a completed transaction has its entitlements", `SELECT 'transaction ' || t.id, 'lacks node ' || l.node_id FROM transactions t
		JOIN orgs o ON o.id = t.org_id AND o.purging_at IS NULL JOIN product_links l ON l.product_id = t.product_id
		JOIN nodes n ON n.id = l.node_id AND n.purged_at IS NULL LEFT JOIN subscriptions s ON s.id = t.subscription_id
		WHERE t.status = 'completed' AND l.added_at < CAST($1 AS bigint) - 86400000000 AND (s.id IS NULL OR s.transaction_id = t.id AND s.status <> 'expired')
		AND NOT EXISTS (SELECT 1 FROM entitlements e WHERE e.transaction_id = t.id AND e.node_id = l.node_id) AND ` + notBelowPurged, false, false},
	{"what was paid for has given something, or is given back within a day", `SELECT 'transaction ' || t.id, 'has given nothing' FROM transactions t
		JOIN orgs o ON o.id = t.org_id AND o.purging_at IS NULL LEFT JOIN subscriptions s ON s.id = t.subscription_id
		WHERE t.status = 'completed' AND t.completed_at < CAST($1 AS bigint) - 86400000000 AND (s.id IS NULL OR s.transaction_id = t.id)
		AND NOT EXISTS (SELECT 1 FROM entitlements e WHERE e.transaction_id = t.id)`, false, false},
	{"what was paid for a failed transaction is given back within a day", `SELECT 'transaction ' || t.id, 'was paid too late' FROM transactions t
		JOIN orgs o ON o.id = t.org_id AND o.purging_at IS NULL WHERE t.status = 'failed' AND t.fail_reason = 'paid_late'
		AND t.refunded_amount < t.price_amount AND t.updated_at < CAST($1 AS bigint) - 86400000000`, false, false},
	{"a live subscription was paid for", `SELECT 'subscription ' || s.id, 'its transaction is ' || coalesce(t.status, 'gone') FROM subscriptions s
		JOIN orgs o ON o.id = s.org_id AND o.purging_at IS NULL LEFT JOIN transactions t ON t.id = s.transaction_id
		WHERE CAST($1 AS bigint) > 0 AND s.status <> 'expired' AND (t.id IS NULL OR t.status <> 'completed' OR t.subscription_id IS NULL OR t.subscription_id <> s.id)`, false, false},
	{"entitlements of a subscription end with it", `SELECT 'entitlement ' || e.id, 'ends at another time than subscription ' || s.id FROM entitlements e
		JOIN subscriptions s ON s.id = e.subscription_id WHERE CAST($1 AS bigint) > 0 AND e.revoked_at IS NULL
		AND (e.transaction_id <> s.transaction_id OR e.expires_at IS NULL OR e.access_until IS NULL OR e.expires_at <> s.period_end OR e.access_until < e.expires_at
			OR (s.status = 'canceled' AND e.access_until <> s.period_end))`, false, false},
	{"a subscription does not outlive its time by more than a week", `SELECT 'subscription ' || s.id, 'should have expired' FROM subscriptions s
		JOIN orgs o ON o.id = s.org_id AND o.deleted_at IS NULL WHERE s.status = 'canceled' AND s.period_end < CAST($1 AS bigint) - 604800000000`, false, false},

	// Each server looks once a second.
	{"an event is on its way to webhooks within a day", `SELECT 'event ' || ev.id, 'still waits until webhooks are told of it' FROM events ev
		WHERE ev.waiting AND ev.at < CAST($1 AS bigint) - 86400000000`, false, false},
	// An endpoint that fails is left alone for a while after each attempt, and
	// given up after five days.
	{"a delivery is attempted within a day of its time", `SELECT 'delivery ' || d.id, 'should have been attempted' FROM webhook_deliveries d
		JOIN webhooks w ON w.id = d.webhook_id JOIN orgs o ON o.id = w.org_id AND o.purging_at IS NULL
		WHERE d.status = 'pending' AND NOT w.removed AND d.next_at < CAST($1 AS bigint) - CASE WHEN w.failing_since IS NULL THEN 86400000000 ELSE 518400000000 END`, false, false},
	{"a delivery has the org of its webhook", `SELECT 'delivery ' || d.id, 'has another' FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
		WHERE CAST($1 AS bigint) > 0 AND w.org_id <> d.org_id`, false, false},
	{"the events of an org are numbered once", `SELECT 'org ' || ev.org_id, 'numbers events up to ' || max(ev.seq) || ', but has counted to ' || coalesce(max(s.seq), 0)
		FROM events ev JOIN orgs o ON o.id = ev.org_id AND o.purging_at IS NULL LEFT JOIN event_streams s ON s.org_id = ev.org_id
		WHERE CAST($1 AS bigint) > 0 AND ev.seq IS NOT NULL GROUP BY ev.org_id HAVING max(ev.seq) > coalesce(max(s.seq), 0)`, false, false},

	// A job plans what is due each half minute, and begins what waits.
	{"a report is planned within a day of its time", `SELECT 'report ' || rp.id, 'should have been sent' FROM reports rp
		JOIN orgs o ON o.id = rp.org_id AND o.deleted_at IS NULL WHERE rp.next_at < CAST($1 AS bigint) - 86400000000`, false, false},
	{"a run of a report goes on within a day", `SELECT 'run ' || rr.id, 'waits for somebody to go on' FROM report_runs rr
		JOIN orgs o ON o.id = rr.org_id AND o.purging_at IS NULL
		WHERE rr.status = 'pending' AND rr.next_at < CAST($1 AS bigint) - 86400000000`, false, false},
	{"a run has the org of its report", `SELECT 'run ' || rr.id, 'has another' FROM report_runs rr JOIN reports rp ON rp.id = rr.report_id
		WHERE CAST($1 AS bigint) > 0 AND rp.org_id <> rr.org_id`, false, false},
}

var allInvariants = slices.Concat(invariants, groupInvariants, trafficInvariants, datasetInvariants)

// leftOvers finds rows of orgs that are gone, where no foreign key says that
// there are none.
func leftOvers() string {
	var text []string
	for _, t := range orgTables {
		if !t.loose {
			continue
		}
		table := t.name
		text = append(text, `SELECT 'org ' || x.org_id, 'has rows in `+table+`' FROM `+table+` x LEFT JOIN orgs o ON o.id = x.org_id
		WHERE CAST($1 AS bigint) > 0 AND x.org_id IS NOT NULL AND o.id IS NULL GROUP BY x.org_id`)
	}
	return strings.Join(text, "\nUNION ALL ")
}

// Invariants implements ports.Inspector.
func (s *Store) Invariants() []string {
	names := make([]string, len(allInvariants))
	for i, inv := range allInvariants {
		names[i] = inv.name
	}
	return names
}

// Violations implements ports.Inspector.
func (s *Store) Violations(ctx context.Context, now, purged time.Time) iter.Seq2[ports.Violation, error] {
	return func(yield func(ports.Violation, error) bool) {
		for _, inv := range allInvariants {
			v := ports.Violation{Invariant: inv.name, Counter: inv.counter}
			at := now
			if inv.late {
				at = purged
			}
			for scan, err := range s.each(ctx, strings.ReplaceAll(inv.text, hasSection, s.dialect.hasSection), stamp{at}) {
				if err == nil {
					err = scan(&v.Subject, &v.Detail)
				}
				if !yield(v, translate("fsck", err)) || err != nil {
					return
				}
			}
		}
	}
}

// Stored implements ports.Inspector.
func (s *Store) Stored(ctx context.Context) iter.Seq2[core.Version, error] {
	const text = `SELECT asset_id, number, org_id, blob_key, content_type, size_bytes, sha256 FROM asset_versions ORDER BY asset_id, number`
	return func(yield func(core.Version, error) bool) {
		for scan, err := range s.each(ctx, text) {
			var v core.Version
			if err == nil {
				err = scan(&v.AssetID, &v.Number, &v.OrgID, &v.BlobKey, &v.ContentType, &v.SizeBytes, &v.SHA256)
			}
			if !yield(v, translate("fsck", err)) || err != nil {
				return
			}
		}
	}
}

// each yields the scanner of each row of a query.
func (s *Store) each(ctx context.Context, text string, args ...any) iter.Seq2[func(...any) error, error] {
	return func(yield func(func(...any) error, error) bool) {
		rows, err := s.read.DB.QueryContext(ctx, text, args...)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = rows.Close() }() // Err has told
		for rows.Next() {
			if !yield(rows.Scan, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// Exists implements ports.Inspector.
func (s *Store) Exists(ctx context.Context, v core.Version) (bool, error) {
	n, err := s.read.NewSelect().TableExpr("asset_versions").Where("asset_id = ? AND number = ?", v.AssetID, v.Number).Count(ctx)
	return n > 0, translate("fsck", err)
}

const (
	recountOrg = `UPDATE org_usage SET used_bytes = (SELECT coalesce(sum(size_bytes), 0) FROM asset_versions WHERE org_id = $1) +
		(SELECT coalesce(sum(size_bytes), 0) FROM uploads WHERE org_id = $1),
		assets_count = (SELECT count(*) FROM nodes WHERE org_id = $1 AND kind = 'asset'),
		products_count = (SELECT count(*) FROM products WHERE org_id = $1 AND status <> 'archived'),
		groups_count = (SELECT count(*) FROM groups WHERE org_id = $1) WHERE org_id = $1`
	recountDrive = `UPDATE drives SET used_bytes = (SELECT coalesce(sum(v.size_bytes), 0) FROM asset_versions v JOIN nodes n ON n.id = v.asset_id
		WHERE n.drive_id = $1) + (SELECT coalesce(sum(size_bytes), 0) FROM uploads WHERE drive_id = $1) WHERE id = $1`
)

// RepairUsage implements ports.Inspector. Each row is locked before it is
// counted again, so that a server may be running.
func (s *Store) RepairUsage(ctx context.Context) error {
	for _, repair := range []struct{ wrong, lock, set string }{
		{
			`SELECT q.org_id FROM org_usage q LEFT JOIN ` + orgSums + ` AS b ON b.org_id = q.org_id LEFT JOIN ` + orgAssets + ` AS n ON n.org_id = q.org_id
				LEFT JOIN ` + orgProducts + ` AS p ON p.org_id = q.org_id
				LEFT JOIN ` + orgGroups + ` AS g ON g.org_id = q.org_id
				WHERE q.used_bytes <> coalesce(b.bytes, 0) OR q.assets_count <> coalesce(n.assets, 0) OR q.products_count <> coalesce(p.products, 0)
				OR q.groups_count <> coalesce(g.groups_count, 0)`,
			`UPDATE org_usage SET used_bytes = used_bytes WHERE org_id = $1`,
			recountOrg,
		},
		{
			`SELECT d.id FROM drives d LEFT JOIN ` + driveSums + ` AS b ON b.drive_id = d.id WHERE d.used_bytes <> coalesce(b.bytes, 0)`,
			`UPDATE drives SET used_bytes = used_bytes WHERE id = $1`,
			recountDrive,
		},
	} {
		var ids []string
		if err := s.read.NewRaw(repair.wrong).Scan(ctx, &ids); err != nil {
			return translate("repair usage", err)
		}
		for _, id := range ids {
			if err := s.recount(ctx, id, repair.lock, repair.set); err != nil {
				return translate("repair usage", err)
			}
		}
	}
	return nil
}

func (s *Store) recount(ctx context.Context, id, lock, set string) error {
	return s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.Tx.ExecContext(ctx, lock, id); err != nil {
			return err
		}
		_, err := tx.Tx.ExecContext(ctx, set, id)
		return err
	})
}

// Installation returns the id of this database, which it makes of id the first
// time.
func (s *Store) Installation(ctx context.Context, id [16]byte) (string, error) {
	var got string
	err := s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw(`INSERT INTO installation (slot, id) VALUES (1, ?) ON CONFLICT (slot) DO NOTHING`, core.ID[Store](id).String()).Exec(ctx)
		if err != nil {
			return err
		}
		return tx.NewRaw(`SELECT id FROM installation WHERE slot = 1`).Scan(ctx, &got)
	})
	return got, translate("installation", err)
}
