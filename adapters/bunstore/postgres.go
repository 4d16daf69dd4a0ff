package bunstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/seed-755a8038/coffer/ports"
)

// OpenPostgres opens the PostgreSQL database at url (postgres://…) with at
// most maxConns connections; migrations has its schema. It does not connect yet.
func OpenPostgres(url string, maxConns int, migrations fs.FS) (*Store, error) {
	db, err := openPool(url, maxConns)
	if err != nil {
		return nil, err
	}
	return &Store{read: db, write: db, dialect: onPostgres, migrations: migrations}, nil
}

// How long a server that has vanished without a word is waited for.
const (
	connectTimeout = 5 * time.Second // for each host of the url, if that says nothing else
	aliveAfter     = 10 * time.Second
	aliveEvery     = 3 * time.Second
	aliveTries     = 3
)

func openPool(url string, maxConns int) (*bun.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database url: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: aliveAfter, Interval: aliveEvery, Count: aliveTries}}
	config.DialFunc = dialer.DialContext
	// Bun writes arguments into the text, so there is nothing to cache: each
	// text would become a prepared statement of its own. Hot statements are
	// prepared explicitly.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	// Bun escapes text by the standard's rules.
	config.RuntimeParams["standard_conforming_strings"] = "on"
	// To compile queries that walk up from each of many rows takes longer than to
	// run them. Said once connected: poolers refuse to be told so at the start.
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET jit = off")
		return err
	}))
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return bun.NewDB(pool, pgdialect.New(), bun.WithDiscardUnknownColumns()), nil
}

// errShared reports a pooler that gives a session to whoever is next.
var errShared = errors.New("two connections of ours share a session of PostgreSQL, so a pooler between works by transactions; " +
	"prepared statements, locks and notifications need sessions: let it work by sessions (pool_mode = session), or connect directly")

// CheckSessions returns an error if connections of ours are not sessions of their
// own, as Coffer needs them. SQLite has no sessions to mix up.
func (s *Store) CheckSessions(ctx context.Context) error {
	if s.dialect.name != onPostgres.name || s.write.Stats().MaxOpenConnections == 1 {
		return nil
	}
	one, err := s.write.DB.Conn(ctx)
	if err != nil {
		return translate("connect", err)
	}
	defer func() { _ = one.Close() }()
	two, err := s.write.DB.Conn(ctx) // while the other one is open: they cannot be one after the other
	if err != nil {
		return translate("connect", err)
	}
	defer func() { _ = two.Close() }()
	var first, second int
	if err := one.QueryRowContext(ctx, sessionID).Scan(&first); err != nil {
		return translate("connect", err)
	}
	if err := two.QueryRowContext(ctx, sessionID).Scan(&second); err != nil {
		return translate("connect", err)
	}
	if first == second {
		return errShared
	}
	return nil
}

const sessionID = "SELECT pg_backend_pid()"

// filesPostgres are the files of an item i.
const filesPostgres = `(SELECT json_agg(json_build_object('r', fa.role, 'a', fa.asset_id, 'n', fa.number, 'p', fa.path, 'f', coalesce(fn.name, ''),
		't', coalesce(fv.content_type, ''), 's', coalesce(fv.size_bytes, 0), 'h', coalesce(encode(fv.sha256, 'hex'), '')) ORDER BY fa.role)` + itemFilesFrom + `)`

var onPostgres = dialect{
	name:      "postgres",
	idArg:     func(id [16]byte) any { return id }, // as it travels
	forUpdate: "UPDATE",
	hasTag:    "n.metadata @> ?",
	tagArg: func(tag string) any {
		doc, _ := json.Marshal(map[string][]string{"tags": {tag}}) // strings always marshal
		return string(doc)
	},
	hasSection: "coalesce(g.organisation -> 'sections' @> to_jsonb(CAST(a.section AS text)), false)",
	hasWords:   hasWordsPostgres,
	addWords:   addWordsPostgres,
	withError:  "last || jsonb_build_object('error', CAST(? AS text))",
	// An OFFSET keeps the planner, to whom all ranges are alike, from joining
	// them with all the sums there are.
	eachRange:    "LATERAL (SELECT * FROM " + sumsOf + " OFFSET 0) AS t",
	itemFiles:    filesPostgres,
	items:        newItemStatements("uuid", filesPostgres),
	itemsAlong:   alongPostgres,
	itemsBetween: true,
	// An OFFSET keeps the planner from finding the items by what they have to be.
	eachItem:   `CROSS JOIN LATERAL (SELECT * FROM dataset_items AS x WHERE x.id = w.id OFFSET 0) AS i`,
	withWords:  wordsPostgres,
	storeItems: copyItems,
	columnsOf: `SELECT column_name, data_type FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`,
	indexItems: func(context.Context, bundles, []ports.BundleRow) error { return nil }, // the words are a column
	snapshot:   &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
	reserve:    reservePostgres,
	page:       pagePostgres,
	// Two: while one group waits for the disk, another is on its way.
	visitLanes: 2,
	visit:      visitPostgres,
	inUpdate:   slices.Concat(reserveNewAsset.texts(), reserveNewVersion.texts()),
	locker: func() (lock.SessionLocker, error) {
		const everySeconds, times = 1, 300
		return lock.NewPostgresSessionLocker(lock.WithLockTimeout(everySeconds, times))
	},
}
