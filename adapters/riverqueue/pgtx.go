package riverqueue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// errForeignTx guards the transaction of the caller.
var errForeignTx = errors.New("the transaction belongs to the caller")

// withPgxTx runs fn with the pgx view of the transaction that database/sql has
// open on conn. It returns sql.ErrTxDone if there is none any more.
func withPgxTx(conn *sql.Conn, fn func(pgx.Tx) error) error {
	var result error
	err := conn.Raw(func(driverConn any) error {
		// Neither an error nor a panic may leave through Raw: on a bad connection
		// and on a panic it closes conn, which waits for the open transaction,
		// which waits for this call.
		result = inPgxTx(driverConn, fn)
		return nil
	})
	return errors.Join(err, result)
}

func inPgxTx(driverConn any, fn func(pgx.Tx) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	c, ok := driverConn.(*stdlib.Conn)
	if !ok {
		return fmt.Errorf("a connection of pgx is needed, not %T", driverConn)
	}
	// database/sql rolls back by itself when the context of the transaction ends.
	// Without this, the jobs would then be stored outside of any transaction.
	// Raw keeps the roll-back out until fn has returned.
	if c.Conn().PgConn().TxStatus() == 'I' {
		return sql.ErrTxDone
	}
	return fn(&connTx{conn: c.Conn(), savepoints: new(int)})
}

// connTx is a pgx.Tx on a connection that is inside a transaction of
// database/sql. All statements go down that connection, so they are inside too.
// Commit and Rollback are for the savepoints that Begin makes.
type connTx struct {
	conn       *pgx.Conn
	savepoints *int   // made so far
	savepoint  string // empty for the transaction itself
}

func (t *connTx) Begin(ctx context.Context) (pgx.Tx, error) {
	*t.savepoints++
	name := fmt.Sprintf("riverqueue_%d", *t.savepoints)
	if _, err := t.conn.Exec(ctx, "savepoint "+name); err != nil {
		return nil, err
	}
	return &connTx{conn: t.conn, savepoints: t.savepoints, savepoint: name}, nil
}

func (t *connTx) Commit(ctx context.Context) error {
	if t.savepoint == "" {
		return errForeignTx
	}
	_, err := t.conn.Exec(ctx, "release savepoint "+t.savepoint)
	return err
}

func (t *connTx) Rollback(ctx context.Context) error {
	if t.savepoint == "" {
		return errForeignTx
	}
	_, err := t.conn.Exec(ctx, "rollback to savepoint "+t.savepoint)
	return err
}

func (t *connTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return t.conn.CopyFrom(ctx, table, columns, rows)
}

func (t *connTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.conn.SendBatch(ctx, b)
}

// LargeObjects returns a value that cannot be used: River has no large objects.
func (t *connTx) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

func (t *connTx) Prepare(ctx context.Context, name, query string) (*pgconn.StatementDescription, error) {
	return t.conn.Prepare(ctx, name, query)
}

func (t *connTx) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	return t.conn.Exec(ctx, query, args...)
}

func (t *connTx) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	return t.conn.Query(ctx, query, args...)
}

func (t *connTx) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	return t.conn.QueryRow(ctx, query, args...)
}

func (t *connTx) Conn() *pgx.Conn { return t.conn }
