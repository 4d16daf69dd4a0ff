package bunstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
)

const (
	countsOfLink = `SELECT views, max_views, downloads, max_downloads, uploads, max_files FROM share_links WHERE id = $1`
	countVisited = `UPDATE share_links SET views = views + $1, downloads = downloads + $2, uploads = uploads + $3,
		last_accessed_at = max(coalesce(last_accessed_at, $4), $4) WHERE id = $5`
	logVisit = `INSERT INTO share_accesses (id, link_id, org_id, kind, refused, node_id, group_id, account_id, address, user_agent, referer, at)
		VALUES ($1, $2, (SELECT org_id FROM share_links WHERE id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	keepVisit = `INSERT INTO share_visits (id, link_id, org_id, group_id, node_id, kind, visitor, country, device, at)
		VALUES ($1, $2, (SELECT org_id FROM share_links WHERE id = $2), $3, $4, $5, $6, $7, $8, $9)`
)

// visitSQLite does the visits of all links that come at once in one
// transaction, which waits for the disk once.
func visitSQLite(ctx context.Context, s *Store, _ bool, counts map[core.ShareLinkID]*visitCount, group []*visit) error {
	if err := s.prepareUpdate(ctx); err != nil {
		return err
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := s.visitIn(ctx, &tx, counts, group); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (s *Store) visitIn(ctx context.Context, tx *bun.Tx, counts map[core.ShareLinkID]*visitCount, group []*visit) error {
	for _, c := range counts {
		if err := s.countIn(ctx, tx, c); err != nil {
			return err
		}
	}
	if err := s.logIn(ctx, tx, counts, group); err != nil {
		return err
	}
	return s.keepIn(ctx, tx, counts, group)
}

func (s *Store) logIn(ctx context.Context, tx *bun.Tx, counts map[core.ShareLinkID]*visitCount, group []*visit) error {
	return s.bound(ctx, tx, logVisit, func(stmt *sql.Stmt) error {
		for _, v := range group {
			c := counts[v.LinkID]
			if !c.found {
				continue
			}
			refused := v.Refused
			if kind, ok := countOf(v.ShareAccess); ok && v.rank > c.granted(kind) {
				refused = core.ErrShareExhausted.Code
			}
			_, err := stmt.ExecContext(ctx, v.ID, v.LinkID, v.Kind, refused, v.NodeID, v.GroupID, v.AccountID, v.Address, v.UserAgent, v.Referer, stamp{v.At})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// keepIn lets what is granted of views and downloads wait for Traffic.RollUp.
func (s *Store) keepIn(ctx context.Context, tx *bun.Tx, counts map[core.ShareLinkID]*visitCount, group []*visit) error {
	return s.bound(ctx, tx, keepVisit, func(stmt *sql.Stmt) error {
		for _, v := range group {
			c := counts[v.LinkID]
			kind, ok := countOf(v.ShareAccess)
			if !c.found || !ok || kind == countUploads || v.rank > c.granted(kind) {
				continue
			}
			_, err := stmt.ExecContext(ctx, v.ID, v.LinkID, v.GroupID, v.NodeID, v.Kind, v.Visitor[:], v.Country, v.Device, stamp{v.At})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// countIn finds what a link has counted, and counts what is granted.
func (s *Store) countIn(ctx context.Context, tx *bun.Tx, c *visitCount) error {
	err := s.bound(ctx, tx, countsOfLink, func(stmt *sql.Stmt) error {
		return stmt.QueryRowContext(ctx, c.link).Scan(&c.before[countViews], &c.most[countViews],
			&c.before[countDownloads], &c.most[countDownloads], &c.before[countUploads], &c.most[countUploads])
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	c.found = true
	views, downloads, uploads := c.granted(countViews), c.granted(countDownloads), c.granted(countUploads)
	if views+downloads+uploads == 0 {
		return nil
	}
	return s.bound(ctx, tx, countVisited, func(stmt *sql.Stmt) error {
		_, err := stmt.ExecContext(ctx, views, downloads, uploads, c.at, c.link)
		return err
	})
}
