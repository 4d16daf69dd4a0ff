package bunstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/seed-755a8038/coffer/core"
)

// uniques says what breaking a unique constraint means. PostgreSQL names the
// constraint, SQLite its columns.
var uniques = []struct {
	constraint, columns string
	err                 error
}{
	{"users_email_key", "users.email", core.ErrEmailTaken},
	{"orgs_slug_key", "orgs.slug", core.ErrSlugTaken},
	{"accounts_org_id_user_id_key", "accounts.org_id, accounts.user_id", core.ErrAlreadyMember},
	{"accounts_org_id_invited_email_key", "accounts.org_id, accounts.invited_email", core.ErrAlreadyMember},
	{"identities_pkey", "identities.issuer, identities.subject", core.ErrConflict},
	{"licenses_pkey", "licenses.name", core.ErrLicenseNameTaken},
	{"drives_org_id_owner_account_id_key", "drives.org_id, drives.owner_account_id", core.ErrConflict},
	{"drives_org_id_name_key", "drives.org_id, drives.name_folded", core.ErrDriveNameTaken},
	{"api_keys_hash_key", "api_keys.hash", core.ErrConflict},
	{"share_links_token_hash_key", "share_links.token_hash", core.ErrConflict},
	{"products_org_id_slug_key", "products.org_id, products.slug", core.ErrProductSlugTaken},
	{"transactions_buyer_id_product_id_key", "transactions.buyer_id, transactions.product_id", core.ErrConflict},
	{"transactions_provider_ref_key", "transactions.provider, transactions.provider_ref", core.ErrConflict},
	{"subscriptions_user_id_product_id_key", "subscriptions.user_id, subscriptions.product_id", core.ErrConflict},
	{"subscriptions_provider_ref_key", "subscriptions.provider, subscriptions.provider_ref", core.ErrConflict},
	{"payment_events_pkey", "payment_events.provider, payment_events.id", core.ErrConflict},
	{"nodes_parent_id_name_key", "nodes.parent_id, nodes.name", core.ErrNameTaken},
	{"webhook_deliveries_webhook_id_event_id_key", "webhook_deliveries.webhook_id, webhook_deliveries.event_id", core.ErrConflict},
	{"report_runs_report_id_planned_at_key", "report_runs.report_id, report_runs.planned_at", core.ErrConflict},
	{"datasets_org_id_slug_key", "datasets.org_id, datasets.slug", core.ErrDatasetSlugTaken},
	{"idempotency_keys_pkey", "idempotency_keys.scope, idempotency_keys.key", core.ErrIdempotencyConflict},
}

// errReference reports a row that refers to one that is not there.
var errReference = errors.New("reference to a missing row")

// translate turns a driver's error into the domain's. Errors the domain has no
// name for keep their text, wrapped with op.
func translate(op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return core.ErrNotFound
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("%s: %w", op, translatePostgres(pg))
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return fmt.Errorf("%s: %w", op, translateSQLite(lite))
	}
	if unreachable(err) {
		return fmt.Errorf("%s: %w: %w", op, core.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

func translatePostgres(err *pgconn.PgError) error {
	switch err.Code {
	case "23505": // unique_violation
		for _, u := range uniques {
			if err.ConstraintName == u.constraint {
				return u.err
			}
		}
	case "23503": // foreign_key_violation
		return fmt.Errorf("%w: %w", errReference, err)
	case "40001", "40P01", "55P03", // serialization_failure, deadlock_detected, lock_not_available
		"57014", "25P03", "57P05", // cancelled by a timeout of the server
		"57P01", "57P02", "57P03", "53300", "53400", "53200", "53100", "25006", // going down, too many connections, out of memory or disk, read-only standby
		"08000", "08003", "08006", "26000", // connection lost, its prepared statements gone
		"58000", "58030", "58P01": // the system, and its disk, fail the server
		return fmt.Errorf("%w: %w", core.ErrUnavailable, err)
	}
	return err
}

func translateSQLite(err *sqlite.Error) error {
	switch err.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		for _, u := range uniques {
			if strings.Contains(err.Error(), u.columns) {
				return u.err
			}
		}
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", errReference, err)
	}
	switch err.Code() & 0xff { // the primary result code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_CORRUPT: // what SQLite makes of EIO when it reads
		return fmt.Errorf("%w: %w", core.ErrUnavailable, err)
	}
	return err
}

// outage names a database that has gone in the middle of a unit of work, where nobody
// else has: jobs are written on the same connection by a library of their own.
func outage(err error) error {
	if _, named := errors.AsType[*core.Error](err); named {
		return err
	}
	if named := translate("unit of work", err); errors.Is(named, core.ErrUnavailable) {
		return named
	}
	return err
}

// rejected reports that the database has read a statement and undone it for
// what it says, so that another one may succeed.
func rejected(err error) bool {
	_, pg := errors.AsType[*pgconn.PgError](err)
	_, lite := errors.AsType[*sqlite.Error](err)
	return (pg || lite) && !errors.Is(translate("", err), core.ErrUnavailable)
}

// unreachable reports errors of the way to the database.
func unreachable(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return !errors.Is(err, context.Canceled)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) { // the server died in the middle of an answer
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}
