package bunstore

// datasetInvariants are those of datasets. An org that is being purged loses
// them piece by piece, and so does a dataset that is deleted.
var datasetInvariants = []invariant{
	{"a published version has the items it counts", `SELECT 'version ' || v.id, 'counted ' || v.items || ', stored ' || coalesce(i.n, 0)
		FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id AND d.deleted_at IS NULL JOIN orgs o ON o.id = d.org_id AND o.purging_at IS NULL
		LEFT JOIN (SELECT version_id, count(*) AS n FROM dataset_items GROUP BY version_id) AS i ON i.version_id = v.id
		WHERE CAST($1 AS bigint) > 0 AND v.number IS NOT NULL AND v.items <> coalesce(i.n, 0)`, false, false},
	{"the files of a published version are there", `SELECT 'version ' || v.id, 'lacks version ' || a.number || ' of asset ' || a.asset_id
		FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id AND d.deleted_at IS NULL JOIN orgs o ON o.id = d.org_id AND o.purging_at IS NULL
		JOIN dataset_item_assets a ON a.version_id = v.id LEFT JOIN asset_versions av ON av.asset_id = a.asset_id AND av.number = a.number
		LEFT JOIN dataset_files f ON f.dataset_id = d.id AND f.asset_id = a.asset_id AND f.number = a.number
		WHERE CAST($1 AS bigint) > 0 AND v.number IS NOT NULL AND (av.number IS NULL OR f.number IS NULL)`, false, false},
	{"the current version of a dataset is there, and its drive", `SELECT 'dataset ' || d.id, 'has no version ' || d.current_version || ', or no drive' FROM datasets d
		JOIN orgs o ON o.id = d.org_id AND o.purging_at IS NULL
		LEFT JOIN dataset_versions v ON v.dataset_id = d.id AND v.number = d.current_version LEFT JOIN drives dr ON dr.id = d.drive_id AND dr.org_id = d.org_id
		WHERE CAST($1 AS bigint) > 0 AND d.deleted_at IS NULL AND (d.current_version > 0 AND v.id IS NULL OR dr.id IS NULL OR dr.deleted_at IS NOT NULL)`, false, false},
	{"an item is of a version", `SELECT 'version ' || i.version_id, 'is gone and has items' FROM (
			SELECT DISTINCT version_id FROM dataset_items UNION SELECT DISTINCT version_id FROM dataset_item_tags UNION SELECT DISTINCT version_id FROM dataset_item_assets
		) AS i LEFT JOIN dataset_versions v ON v.id = i.version_id WHERE CAST($1 AS bigint) > 0 AND v.id IS NULL`, false, false},
	{"what is of a dataset has its org", `SELECT 'dataset ' || d.id, 'a version, session or file has another' FROM datasets d WHERE CAST($1 AS bigint) > 0
		AND (EXISTS (SELECT 1 FROM dataset_versions v WHERE v.dataset_id = d.id AND v.org_id <> d.org_id)
			OR EXISTS (SELECT 1 FROM ingest_sessions s WHERE s.dataset_id = d.id AND s.org_id <> d.org_id)
			OR EXISTS (SELECT 1 FROM dataset_files f JOIN nodes n ON n.id = f.asset_id WHERE f.dataset_id = d.id AND (f.org_id <> d.org_id OR n.org_id <> d.org_id)))`, false, false},
	{"a session publishes into a version that is not published", `SELECT 'session ' || s.id, 'publishes into none' FROM ingest_sessions s
		LEFT JOIN dataset_versions v ON v.id = s.version_id AND v.session_id = s.id AND v.number IS NULL
		WHERE CAST($1 AS bigint) > 0 AND s.status = 'publishing' AND v.id IS NULL`, false, false},
	{"a session does not outlive its time by more than a day", `SELECT 'session ' || s.id, 'should have expired' FROM ingest_sessions s
		JOIN orgs o ON o.id = s.org_id AND o.deleted_at IS NULL JOIN datasets d ON d.id = s.dataset_id AND d.deleted_at IS NULL
		WHERE s.status IN ('open', 'publishing') AND s.expires_at < CAST($1 AS bigint) - 86400000000`, false, false},
}
