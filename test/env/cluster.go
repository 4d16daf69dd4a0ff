package env

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// databasePrefix begins the names of the databases made here, "coffertest_RUN_…".
const databasePrefix = "coffertest_"

// sqlTimeout bounds a CREATE or DROP DATABASE, which wait for disks and for each other.
const sqlTimeout = 60 * time.Second

// cluster is a PostgreSQL server with the databases that this process made on it.
type cluster struct {
	url    *url.URL
	db     *sql.DB // maintenance database
	run    int64   // names this process's databases; locked by it while it lives
	serial atomic.Int64
	copies string // how CREATE DATABASE copies a template

	mu        sync.Mutex
	templates map[string]string // name to database
}

// openCluster connects to the server and drops what processes that died left on it.
func openCluster(ctx context.Context, dsn string) (*cluster, error) {
	u, err := url.Parse(dsn)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, fmt.Errorf("TEST_POSTGRES_DSN must be a postgres:// URL (%w)", err)
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	c := &cluster{url: u, db: db, run: int64(binary.BigEndian.Uint64(b[:]) >> 2), templates: map[string]string{}}

	// The lock is the sign of life: the server frees it with the connection, however the process ends.
	lock, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := lock.ExecContext(ctx, "SELECT pg_advisory_lock($1)", c.run); err != nil {
		return nil, err
	}
	if err := c.sweep(ctx); err != nil {
		return nil, err
	}
	err = c.howToCopy(ctx)
	return c, err
}

// howToCopy decides how templates are copied. By default each page goes through the
// log, which spares a checkpoint; where no checkpoint waits for the disk, copying the
// files takes a third of the time. Servers before 15 do so anyway, and have no choice.
func (c *cluster) howToCopy(ctx context.Context) error {
	var files bool
	const ask = "SELECT current_setting('fsync') = 'off' AND CAST(current_setting('server_version_num') AS int) >= 150000"
	if err := c.db.QueryRowContext(ctx, ask).Scan(&files); err != nil {
		return err
	}
	if files {
		c.copies = " STRATEGY file_copy"
	}
	return nil
}

// sweep drops the databases of runs whose lock is free.
func (c *cluster) sweep(ctx context.Context) error {
	names, err := c.left(ctx)
	if err != nil {
		return err
	}
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, name := range names {
		text, _, _ := strings.Cut(strings.TrimPrefix(name, databasePrefix), "_")
		run, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			continue // not made here
		}
		var free bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", run).Scan(&free); err != nil {
			return err
		}
		if !free {
			continue
		}
		dropErr := c.drop(ctx, name)
		_, unlockErr := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", run)
		if err := errors.Join(dropErr, unlockErr); err != nil {
			return fmt.Errorf("drop %s, left by a test that died: %w", name, err)
		}
	}
	return nil
}

// left lists the databases that some run made.
func (c *cluster) left(ctx context.Context) (names []string, err error) {
	rows, err := c.db.QueryContext(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname::text, $1)", databasePrefix)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// create makes a database, empty or as a copy of template, and returns its DSN and name.
func (c *cluster) create(ctx context.Context, template string) (dsn, name string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	name = fmt.Sprintf("%s%d_%d", databasePrefix, c.run, c.serial.Add(1))
	query := "CREATE DATABASE " + name //nolint:gosec // made of letters and digits above
	if template != "" {
		query += " TEMPLATE " + template
	}
	query += c.copies
	if _, err := c.db.ExecContext(ctx, query); err != nil {
		return "", "", err
	}
	u := *c.url
	u.Path = "/" + name
	return u.String(), name, nil
}

// drop removes a database and the connections to it.
func (c *cluster) drop(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	_, err := c.db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return err
}

// template returns the database that migrate was applied to under this name. One that
// failed to migrate is dropped and tried again by the next test: each test sees the cause.
func (c *cluster) template(ctx context.Context, name string, migrate func(dsn string) error) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if database, ok := c.templates[name]; ok {
		return database, nil
	}
	dsn, database, err := c.create(ctx, "")
	if err != nil {
		return "", err
	}
	if err := migrate(dsn); err != nil {
		if derr := c.drop(ctx, database); derr != nil {
			return "", fmt.Errorf("%w (and then: %w)", err, derr)
		}
		return "", err
	}
	c.templates[name] = database
	return database, nil
}
