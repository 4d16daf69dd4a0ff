package bunstore

import "strings"

// trafficInvariants are those of analytics.
var trafficInvariants = []invariant{
	{"traffic is the same summed up by quarters of an hour, days and months", ofTraffic(`SELECT 'subject ' || x.subject_id, x.dim || ' differs'
		FROM {table} x WHERE CAST($1 AS bigint) > 0 GROUP BY x.subject_id, x.dim
		HAVING sum(CASE x.grain WHEN 1 THEN x.views WHEN 2 THEN -x.views ELSE 0 END) <> 0 OR sum(CASE x.grain WHEN 2 THEN x.views WHEN 3 THEN -x.views ELSE 0 END) <> 0
			OR sum(CASE x.grain WHEN 1 THEN x.visitors WHEN 2 THEN -x.visitors ELSE 0 END) <> 0 OR sum(CASE x.grain WHEN 2 THEN x.visitors WHEN 3 THEN -x.visitors ELSE 0 END) <> 0
			OR sum(CASE x.grain WHEN 1 THEN x.downloads WHEN 2 THEN -x.downloads ELSE 0 END) <> 0
			OR sum(CASE x.grain WHEN 2 THEN x.downloads WHEN 3 THEN -x.downloads ELSE 0 END) <> 0`), false, false},
	{"traffic is the same told apart by country, device or link", ofTraffic(`SELECT 'subject ' || x.subject_id, 'differs in the month of ' || x.bucket
		FROM {table} x WHERE CAST($1 AS bigint) > 0 AND x.grain = 3 GROUP BY x.subject_id, x.bucket
		HAVING sum(CASE x.dim WHEN 'total' THEN x.views WHEN 'country' THEN -x.views ELSE 0 END) <> 0 OR sum(CASE x.dim WHEN 'total' THEN x.views WHEN 'device' THEN -x.views ELSE 0 END) <> 0
			OR sum(CASE x.dim WHEN 'total' THEN x.visitors WHEN 'country' THEN -x.visitors ELSE 0 END) <> 0
			OR sum(CASE x.dim WHEN 'total' THEN x.visitors WHEN 'device' THEN -x.visitors ELSE 0 END) <> 0
			OR sum(CASE x.dim WHEN 'total' THEN x.downloads WHEN 'country' THEN -x.downloads ELSE 0 END) <> 0
			OR sum(CASE x.dim WHEN 'total' THEN x.downloads WHEN 'device' THEN -x.downloads ELSE 0 END) <> 0
			OR '{table}' = 'group_traffic' AND sum(CASE x.dim WHEN 'total' THEN x.views + x.downloads WHEN 'link' THEN -x.views - x.downloads ELSE 0 END) <> 0`), false, false},
	// As far back as the log is complete: it is pruned from its beginning. And up to now: what a clock
	// that was ahead has dated is pruned by it, and stays counted when the clock is right again.
	{"a view or download that was granted counts once", `WITH logged AS (SELECT (min(at) / 900000000 + 1) * 900000000 AS since,
			(CAST($1 AS bigint) / 900000000 + 1) * 900000000 AS until FROM share_accesses)
		SELECT 'link ' || l.id, 'logged ' || coalesce(a.n, 0) || ' views and downloads, counted ' || coalesce(t.n, 0) || ', waiting ' || coalesce(w.n, 0)
		FROM share_links l JOIN orgs o ON o.id = l.org_id AND o.purging_at IS NULL LEFT JOIN drives d ON d.id = l.drive_id
		LEFT JOIN groups g ON g.id = l.group_id
		LEFT JOIN (SELECT link_id, count(*) AS n FROM share_accesses CROSS JOIN logged
			WHERE refused = '' AND kind IN ('view', 'download') AND at >= since AND at < until GROUP BY link_id) AS a ON a.link_id = l.id
		LEFT JOIN (SELECT link_id, count(*) AS n FROM share_visits CROSS JOIN logged WHERE at >= since AND at < until GROUP BY link_id) AS w ON w.link_id = l.id
		LEFT JOIN (SELECT subject_id, sum(views + downloads) AS n FROM link_traffic CROSS JOIN logged
			WHERE dim = 'total' AND grain = 1 AND bucket >= since AND bucket < until GROUP BY subject_id) AS t ON t.subject_id = l.id
		WHERE d.deleted_at IS NULL AND g.deleted_at IS NULL AND coalesce(a.n, 0) <> coalesce(t.n, 0) + coalesce(w.n, 0)`, false, false},
	{"who came is forgotten within three days", ofVisitors(`SELECT 'subject ' || x.subject_id, 'remembers visitors' FROM {table} x
			WHERE x.first < CAST($1 AS bigint) - 259200000000 GROUP BY x.subject_id`) + `
		UNION ALL SELECT 'salt', 'of day ' || day || ' is still there' FROM visitor_salts WHERE day < CAST($1 AS bigint) - 259200000000`, false, false},
	{"traffic has the org of its link or group", `SELECT 'link ' || l.id, 'has traffic of another' FROM link_traffic t JOIN share_links l ON l.id = t.subject_id
			WHERE CAST($1 AS bigint) > 0 AND t.org_id <> l.org_id
		UNION ALL SELECT 'group ' || g.id, 'has traffic of another' FROM group_traffic t JOIN groups g ON g.id = t.subject_id
			WHERE CAST($1 AS bigint) > 0 AND t.org_id <> g.org_id`, false, false},
}

// ofTraffic is a query for the tables of sums, ofVisitors for those of visitors.
func ofTraffic(text string) string { return ofTables(text, linkTraffic.sums, groupTraffic.sums) }

func ofVisitors(text string) string {
	return ofTables(text, linkTraffic.visitors, groupTraffic.visitors)
}

func ofTables(text string, tables ...string) string {
	var parts []string
	for _, table := range tables {
		parts = append(parts, strings.ReplaceAll(text, "{table}", table))
	}
	return strings.Join(parts, "\nUNION ALL ")
}
