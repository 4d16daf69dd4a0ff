package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the "sqlite" driver

	"github.com/seed-755a8038/coffer/core"
)

// OpenSQLite opens, or creates, the SQLite database in file.
//
// SQLite has one writer at a time, so writes get a pool of one connection that
// takes the lock at BEGIN; readers get connections that cannot write at all.
// Pragmas travel in the DSN because database/sql opens connections behind our
// back; busy_timeout comes first so that switching to WAL can wait its turn.
// migrations has the schema.
func OpenSQLite(ctx context.Context, file string, migrations fs.FS) (*Store, error) {
	s, err := openSQLite(ctx, "file:"+(&url.URL{Path: file}).EscapedPath(), "journal_mode(WAL)", migrations)
	if err != nil {
		return nil, fmt.Errorf("open sqlite %s: %w", file, err)
	}
	s.dialect.locker = func() (lock.SessionLocker, error) { return &fileLock{path: file + ".lock"}, nil }
	return s, nil
}

var memories atomic.Int64

// OpenMemory opens a new, empty SQLite database in memory, for tests: the same
// SQL and the same rules, gone when it is closed.
func OpenMemory(ctx context.Context, migrations fs.FS) (*Store, error) {
	s, err := openSQLite(ctx, fmt.Sprintf("file:/coffer-%d", memories.Add(1)), "journal_mode(MEMORY)", migrations, "vfs", "memdb")
	if err != nil {
		return nil, fmt.Errorf("open sqlite in memory: %w", err)
	}
	s.dialect.locker = func() (lock.SessionLocker, error) { return noLock{}, nil }
	return s, nil
}

func openSQLite(ctx context.Context, name, journal string, migrations fs.FS, params ...string) (*Store, error) {
	open := func(lock string, pragmas ...string) (*bun.DB, error) {
		all := append([]string{"busy_timeout(10000)", "foreign_keys(ON)", "temp_store(MEMORY)", "cache_size(-16000)"}, pragmas...)
		q := url.Values{"_txlock": {lock}, "_pragma": all}
		for i := 0; i+1 < len(params); i += 2 {
			q.Set(params[i], params[i+1])
		}
		pool, err := sql.Open("sqlite", name+"?"+q.Encode())
		if err != nil {
			return nil, err
		}
		return bun.NewDB(pool, sqlitedialect.New(), bun.WithDiscardUnknownColumns()), nil
	}
	// FULL: an acknowledged write survives a power cut, not only a crash.
	write, err := open("immediate", journal, "synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	write.SetConnMaxIdleTime(0)
	if err := write.PingContext(ctx); err != nil { // creates the file before a reader comes
		return nil, errors.Join(err, write.Close())
	}
	read, err := open("deferred", "query_only(ON)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &Store{read: read, write: write, dialect: onSQLite, migrations: migrations}, nil
}

// Backup writes a copy of the database as it is at one moment into a new file that
// only its owner can read. Others may write meanwhile.
func (s *Store) Backup(ctx context.Context, file string) (err error) {
	if s.dialect.name != onSQLite.name {
		return errors.New("the database is PostgreSQL: use pg_dump, or continuous archiving")
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil { // half a copy is none
			err = errors.Join(err, os.Remove(file))
		}
	}()
	conn, err := s.read.DB.Conn(ctx)
	if err != nil {
		return translate("backup", err)
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	// It writes nothing but the file, which a reader may not either.
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only = OFF"); err != nil {
		return translate("backup", err)
	}
	_, err = conn.ExecContext(ctx, "VACUUM INTO $1", file)
	_, restored := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only = ON")
	if err := errors.Join(translate("backup", err), translate("backup", restored)); err != nil {
		return err
	}
	return f.Sync()
}

// filesSQLite are the files of an item i.
const filesSQLite = `(SELECT json_group_array(json_object('r', fa.role, 'a', fa.asset_id, 'n', fa.number, 'p', fa.path, 'f', coalesce(fn.name, ''),
		't', coalesce(fv.content_type, ''), 's', coalesce(fv.size_bytes, 0), 'h', coalesce(lower(hex(fv.sha256)), '')) ORDER BY fa.role)` + itemFilesFrom + `)`

var onSQLite = dialect{
	name:       "sqlite",
	idArg:      func(id [16]byte) any { return core.ID[Store](id).String() },
	hasTag:     "EXISTS (SELECT 1 FROM json_each(n.metadata, '$.tags') AS tag WHERE tag.value = ?)",
	tagArg:     func(tag string) any { return tag },
	hasWords:   hasWordsSQLite,
	addWords:   addWordsSQLite,
	hasSection: "EXISTS (SELECT 1 FROM json_each(g.organisation, '$.sections') AS section WHERE section.value = a.section)",
	withError:  "json_set(last, '$.error', ?)",
	eachRange:  sumsOf, // joined in this order
	itemFiles:  filesSQLite,
	items:      newItemStatements("text", filesSQLite),
	itemsAlong: alongSQLite,
	eachItem:   `CROSS JOIN dataset_items AS i ON i.id = w.id`, // in this order
	withWords:  wordsSQLite,
	reserve:    reserveSQLite,
	storeItems: insertItems,
	columnsOf:  `SELECT name, type FROM pragma_table_info($1) ORDER BY cid`,
	indexItems: indexItemsSQLite,
	visitLanes: 1, // for the one writer
	visit:      visitSQLite,

	page:     pageSQLite,
	inUpdate: append(granted.texts(), takeOfOrg, takeOfDrive, addNode, nextVersion, addUpload, countsOfLink, countVisited, logVisit, keepVisit),
}

// fileLock is an exclusive lock on a file beside the database. The kernel
// drops it when the process dies, so a crash leaves nothing locked.
type fileLock struct {
	path string
	file *os.File
}

// SessionLock implements lock.SessionLocker.
func (l *fileLock) SessionLock(ctx context.Context, _ *sql.Conn) error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			l.file = f
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), f.Close())
		case <-tick.C:
		}
	}
}

// SessionUnlock implements lock.SessionLocker.
func (l *fileLock) SessionUnlock(context.Context, *sql.Conn) error { return l.file.Close() }

// noLock is the lock of a database that no other process can open.
type noLock struct{}

// SessionLock implements lock.SessionLocker.
func (noLock) SessionLock(context.Context, *sql.Conn) error { return nil }

// SessionUnlock implements lock.SessionLocker.
func (noLock) SessionUnlock(context.Context, *sql.Conn) error { return nil }
