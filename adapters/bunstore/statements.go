package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"

	"github.com/seed-755a8038/coffer/core"
)

// statements prepares hot SQL once and keeps it. On each connection the
// database then parses and plans it once, too.
type statements struct {
	mu       sync.RWMutex
	prepared map[statementKey]*sql.Stmt
}

type statementKey struct {
	pool *sql.DB
	text string
}

func (s *statements) get(ctx context.Context, pool *sql.DB, text string) (*sql.Stmt, error) {
	key := statementKey{pool, text}
	s.mu.RLock()
	stmt := s.prepared[key]
	s.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.prepared[key]; stmt != nil {
		return stmt, nil
	}
	stmt, err := pool.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if s.prepared == nil {
		s.prepared = make(map[statementKey]*sql.Stmt)
	}
	s.prepared[key] = stmt
	return stmt, nil
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stmt := range s.prepared {
		_ = stmt.Close()
	}
	s.prepared = nil
}

// row runs a prepared query for one row on the pool that reads.
func (s *Store) row(ctx context.Context, text string, args []any, into ...any) error {
	stmt, err := s.statements.get(ctx, s.read.DB, text)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(into...)
}

// rows is row for any number of rows; each is called with the row's scanner.
func (s *Store) rows(ctx context.Context, text string, args []any, each func(scan func(...any) error) error) (err error) {
	stmt, err := s.statements.get(ctx, s.read.DB, text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// standing is core.DriveStanding.Key of account ac, drive d and member row m,
// as SQL. What follows from it is core's to say: statements ask whether it is
// in a set that core has judged.
const standing = `(ac.status || '/' || ac.role || '/' ||
	CASE WHEN d.owner_account_id IS NULL THEN 'shared' WHEN d.owner_account_id = ac.id THEN 'own' ELSE 'others' END ||
	'/' || coalesce(m.role, '') || '/' || d.default_role)`

var (
	readable = literals(core.StandingsAtLeast(core.DriveViewer))
	writable = literals(core.StandingsAtLeast(core.DriveEditor))
)

// literals writes constants of core, which need no quoting, as a SQL list.
func literals(keys []string) string { return "'" + strings.Join(keys, "', '") + "'" }
