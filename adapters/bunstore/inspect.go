package bunstore

import (
	"context"
	"iter"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// An invariant is a query for the rows that break it: two columns of text, who
// and what. $1 is the time, in every query.
type invariant struct {
	name, text string
	counter    bool
}

const (
	sumOfOrg = `(SELECT coalesce(sum(v.size_bytes), 0) FROM asset_versions v WHERE v.org_id = q.org_id) +
		(SELECT coalesce(sum(up.size_bytes), 0) FROM uploads up WHERE up.org_id = q.org_id)`
	sumOfDrive = `(SELECT coalesce(sum(v.size_bytes), 0) FROM asset_versions v JOIN nodes n ON n.id = v.asset_id WHERE n.drive_id = d.id) +
		(SELECT coalesce(sum(up.size_bytes), 0) FROM uploads up WHERE up.drive_id = d.id)`
	assetsOfOrg = `(SELECT count(*) FROM nodes n WHERE n.org_id = q.org_id AND n.kind = 'asset')`
)

var invariants = []invariant{
	{"used bytes of an org are the sum of its versions and uploads", `SELECT 'org ' || q.org_id, 'counted ' || q.used_bytes || ', stored ' || (` + sumOfOrg + `)
		FROM org_usage q WHERE CAST($1 AS bigint) > 0 AND q.used_bytes <> ` + sumOfOrg, true},
	{"the assets of an org are counted", `SELECT 'org ' || q.org_id, 'counted ' || q.assets_count || ', stored ' || ` + assetsOfOrg + `
		FROM org_usage q WHERE CAST($1 AS bigint) > 0 AND q.assets_count <> ` + assetsOfOrg, true},
	{"used bytes of a drive are the sum of its versions and uploads", `SELECT 'drive ' || d.id, 'counted ' || d.used_bytes || ', stored ' || (` + sumOfDrive + `)
		FROM drives d WHERE CAST($1 AS bigint) > 0 AND d.used_bytes <> ` + sumOfDrive, true},
	{"an org has an active owner", `SELECT 'org ' || o.id, 'has none' FROM orgs o WHERE CAST($1 AS bigint) > 0 AND NOT EXISTS
		(SELECT 1 FROM accounts ac WHERE ac.org_id = o.id AND ac.role = 'owner' AND ac.status = 'active')`, false},
	{"a personal org has exactly one account", `SELECT 'org ' || o.id, 'has another number of accounts' FROM orgs o WHERE CAST($1 AS bigint) > 0
		AND o.is_personal AND (SELECT count(*) FROM accounts ac WHERE ac.org_id = o.id) <> 1`, false},
	{"an active account has a personal drive", `SELECT 'account ' || ac.id, 'has none' FROM accounts ac WHERE CAST($1 AS bigint) > 0
		AND ac.status = 'active' AND NOT EXISTS (SELECT 1 FROM drives d WHERE d.org_id = ac.org_id AND d.owner_account_id = ac.id)`, false},
	{"a user's personal org is theirs", `SELECT 'user ' || u.id, 'has no account in it' FROM users u JOIN orgs o ON o.id = u.personal_org_id
		WHERE CAST($1 AS bigint) > 0 AND NOT (o.is_personal AND EXISTS (SELECT 1 FROM accounts ac WHERE ac.org_id = o.id AND ac.user_id = u.id))`, false},
	{"the default drive of an org is its own", `SELECT 'org ' || o.id, 'its default drive is missing or foreign' FROM orgs o WHERE CAST($1 AS bigint) > 0
		AND NOT EXISTS (SELECT 1 FROM drives d WHERE d.id = o.default_drive_id AND d.org_id = o.id)`, false},
	{"a drive has its root, and a node the org of its drive", `SELECT 'drive ' || d.id, 'no root, or nodes of another org' FROM drives d WHERE CAST($1 AS bigint) > 0
		AND (NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = d.id AND n.drive_id = d.id AND n.parent_id IS NULL)
			OR EXISTS (SELECT 1 FROM nodes n WHERE n.drive_id = d.id AND n.org_id <> d.org_id))`, false},
	{"a node lies in a folder of its drive", `SELECT 'node ' || n.id, 'its parent is a file or in another drive' FROM nodes n JOIN nodes p ON p.id = n.parent_id
		WHERE CAST($1 AS bigint) > 0 AND (p.drive_id <> n.drive_id OR p.kind <> 'folder')`, false},
	{"a tree has no cycles", `WITH RECURSIVE tree (id) AS (SELECT id FROM nodes WHERE parent_id IS NULL UNION ALL
			SELECT n.id FROM tree JOIN nodes n ON n.parent_id = tree.id)
		SELECT 'node ' || n.id, 'cannot be reached from its root' FROM nodes n WHERE CAST($1 AS bigint) > 0 AND n.id NOT IN (SELECT id FROM tree)`, false},
	{"versions and uploads have the org of their asset", `SELECT 'asset ' || n.id, 'a version or upload has another org or drive' FROM nodes n WHERE CAST($1 AS bigint) > 0
		AND (EXISTS (SELECT 1 FROM asset_versions v WHERE v.asset_id = n.id AND v.org_id <> n.org_id)
			OR EXISTS (SELECT 1 FROM uploads up WHERE up.asset_id = n.id AND (up.org_id <> n.org_id OR up.drive_id <> n.drive_id)))`, false},
	{"a ready asset has its current version, a pending one an upload", `SELECT 'asset ' || n.id, 'is ' || n.status || ' without' FROM nodes n WHERE CAST($1 AS bigint) > 0
		AND n.kind = 'asset' AND NOT CASE n.status
			WHEN 'ready' THEN EXISTS (SELECT 1 FROM asset_versions v WHERE v.asset_id = n.id AND v.number = n.current_version AND v.size_bytes = n.size_bytes)
			ELSE EXISTS (SELECT 1 FROM uploads up WHERE up.asset_id = n.id) END`, false},
	{"an upload does not outlive its time by more than an hour", `SELECT 'upload ' || up.id, 'should have been given up' FROM uploads up
		WHERE up.expires_at < CAST($1 AS bigint) - 3600000000`, false},
}

// Invariants implements ports.Inspector.
func (s *Store) Invariants() []string {
	names := make([]string, len(invariants))
	for i, inv := range invariants {
		names[i] = inv.name
	}
	return names
}

// Violations implements ports.Inspector.
func (s *Store) Violations(ctx context.Context, now time.Time) iter.Seq2[ports.Violation, error] {
	return func(yield func(ports.Violation, error) bool) {
		for _, inv := range invariants {
			v := ports.Violation{Invariant: inv.name, Counter: inv.counter}
			for scan, err := range s.each(ctx, inv.text, stamp{now}) {
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

// RepairUsage implements ports.Inspector. Each row is recounted while it is
// locked, so a server may be running.
func (s *Store) RepairUsage(ctx context.Context) error {
	for _, text := range []string{
		`UPDATE org_usage AS q SET used_bytes = ` + sumOfOrg + `, assets_count = ` + assetsOfOrg + `
			WHERE q.used_bytes <> ` + sumOfOrg + ` OR q.assets_count <> ` + assetsOfOrg,
		`UPDATE drives AS d SET used_bytes = ` + sumOfDrive + ` WHERE d.used_bytes <> ` + sumOfDrive,
	} {
		if _, err := s.write.DB.ExecContext(ctx, text); err != nil {
			return translate("repair usage", err)
		}
	}
	return nil
}
