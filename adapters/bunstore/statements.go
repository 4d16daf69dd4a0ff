package bunstore

import (
	"context"
	"database/sql"
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
	// Not under the lock: this may wait for a connection.
	stmt, err := pool.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.prepared[key]; first != nil { // somebody else was faster
		return first, stmt.Close() //nolint:sqlclosecheck // only here; else it is kept
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
	stmt, err := s.statements.get(ctx, s.read.DB, text) //nolint:sqlclosecheck // kept by statements
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(into...)
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

	permitted = literals(core.PermissionsWith(core.PermitWrite)) // to a key that writes
)

// literals writes constants of core, which need no quoting, as a SQL list.
func literals(keys []string) string { return "'" + strings.Join(keys, "', '") + "'" }
