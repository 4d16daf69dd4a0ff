package bunstore

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
)

// visitMany counts and logs a group of visits, and lets those that are granted
// wait for Traffic.RollUp. The rows of the links are locked
// first, in the order of their ids, so what is granted follows from what is
// there, and the same from the answer: see visitCount.granted. Where links share
// a lane, skip leaves out those that somebody else holds, so that no link waits
// for another.
func visitMany(skip string) string {
	return `WITH l AS MATERIALIZED (
	SELECT s.id, s.org_id, s.views, s.max_views, s.downloads, s.max_downloads, s.uploads, s.max_files, k.at,
		least(k.views, greatest(coalesce(s.max_views - s.views, k.views), 0)) AS more_views,
		least(k.downloads, greatest(coalesce(s.max_downloads - s.downloads, k.downloads), 0)) AS more_downloads,
		least(k.uploads, greatest(coalesce(s.max_files - s.uploads, k.uploads), 0)) AS more_uploads
	FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS k (id, views, downloads, uploads, at)
	JOIN share_links s ON s.id = k.id ORDER BY s.id FOR NO KEY UPDATE OF s` + skip + `
), u AS (
	UPDATE share_links s SET views = s.views + l.more_views, downloads = s.downloads + l.more_downloads, uploads = s.uploads + l.more_uploads,
		last_accessed_at = greatest(s.last_accessed_at, l.at)
	FROM l WHERE s.id = l.id AND l.more_views + l.more_downloads + l.more_uploads > 0
), a AS (
	INSERT INTO share_accesses (id, link_id, org_id, kind, refused, node_id, group_id, account_id, address, user_agent, referer, at)
	SELECT v.id, l.id, l.org_id, v.kind, CASE WHEN v.rank > (CASE v.kind WHEN 'view' THEN l.more_views WHEN 'download' THEN l.more_downloads ELSE l.more_uploads END)
		THEN '` + exhausted + `' ELSE v.refused END, nullif(v.node_id, '')::uuid, nullif(v.group_id, '')::uuid, nullif(v.account_id, '')::uuid, v.address, v.user_agent, v.referer, v.at
	FROM unnest($6::uuid[], $7::uuid[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::bigint[])
		AS v (id, link_id, kind, rank, refused, node_id, group_id, account_id, address, user_agent, referer, at)
	JOIN l ON l.id = v.link_id
	RETURNING id, link_id, org_id, kind, refused, node_id, group_id, at
), w AS (
	INSERT INTO share_visits (id, link_id, org_id, group_id, node_id, kind, visitor, country, device, at)
	SELECT a.id, a.link_id, a.org_id, a.group_id, a.node_id, a.kind, v.visitor, v.country, v.device, a.at
	FROM a JOIN unnest($6::uuid[], $18::bytea[], $19::text[], $20::text[]) AS v (id, visitor, country, device) ON v.id = a.id
	WHERE a.refused = '' AND a.kind IN ('view', 'download')
) SELECT id, views, max_views, downloads, max_downloads, uploads, max_files FROM l`
}

var visitShared, visitAlone = visitMany(" SKIP LOCKED"), visitMany("")

const exhausted = "share_exhausted" // the code of core.ErrShareExhausted

func visitPostgres(ctx context.Context, s *Store, shared bool, counts map[core.ShareLinkID]*visitCount, group []*visit) error {
	text := visitAlone
	if shared {
		text = visitShared
	}
	stmt, err := s.statements.get(ctx, s.write.DB, text) //nolint:sqlclosecheck // kept by statements
	if err != nil {
		return err
	}
	var v visitColumns
	for _, a := range group {
		v.add(a)
	}
	var k countColumns
	for _, c := range counts {
		k.add(c)
	}
	rows, err := stmt.QueryContext(ctx, k.links, k.wanted[countViews], k.wanted[countDownloads], k.wanted[countUploads], k.times,
		v.ids, v.links, v.kinds, v.ranks, v.refused, v.nodes, v.groups, v.accounts, v.addresses, v.agents, v.referers, v.times,
		v.visitors, v.countries, v.devices)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var got visitCount
		if err := rows.Scan(&got.link, &got.before[countViews], &got.most[countViews], &got.before[countDownloads], &got.most[countDownloads],
			&got.before[countUploads], &got.most[countUploads]); err != nil {
			return err
		}
		c := counts[got.link]
		c.found, c.before, c.most = true, got.before, got.most
	}
	return rows.Err()
}

// countColumns are counts as PostgreSQL takes many rows, column by column.
type countColumns struct {
	links  [][16]byte
	wanted [counted][]int64
	times  []*int64
}

func (k *countColumns) add(c *visitCount) {
	k.links = append(k.links, c.link)
	for kind, n := range c.wanted {
		k.wanted[kind] = append(k.wanted[kind], n)
	}
	var at *int64
	if !c.at.IsZero() {
		at = new(c.at.UnixMicro())
	}
	k.times = append(k.times, at)
}

// visitColumns are visits likewise.
type visitColumns struct {
	ids, links                                                           [][16]byte
	kinds, refused, nodes, groups, accounts, addresses, agents, referers []string
	ranks, times                                                         []int64
	countries, devices                                                   []string
	visitors                                                             [][]byte
}

func (c *visitColumns) add(v *visit) {
	c.ids, c.links = append(c.ids, v.ID), append(c.links, v.LinkID)
	c.kinds, c.refused, c.accounts = append(c.kinds, string(v.Kind)), append(c.refused, v.Refused), append(c.accounts, textOf(v.AccountID))
	c.nodes, c.groups = append(c.nodes, textOf(v.NodeID)), append(c.groups, textOf(v.GroupID))
	c.addresses, c.agents, c.referers = append(c.addresses, v.Address), append(c.agents, v.UserAgent), append(c.referers, v.Referer)
	c.ranks, c.times = append(c.ranks, v.rank), append(c.times, v.At.UnixMicro())
	c.visitors, c.countries, c.devices = append(c.visitors, v.Visitor[:]), append(c.countries, v.Country), append(c.devices, string(v.Device))
}

// textOf is an id as text, empty for none.
func textOf[T any](id core.ID[T]) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
