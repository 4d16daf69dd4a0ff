// Package bunstore is the ports.Store on SQL databases, through Bun. One set of
// repositories serves PostgreSQL and SQLite; what differs between the two is in
// postgres.go, sqlite.go and errors.go.
package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/ports/faultpoint"
)

// Store is a ports.Store in a SQL database, and the way around it for hot
// operations (ports.Hot).
type Store struct {
	read, write *bun.DB  // the same pool, where the database does not mind
	replica     *replica // nil: there is none
	dialect     dialect
	jobs        JobsFunc
	waiting     func() // an event that waits has been committed
	statements  statements
	uses        keyUses
	visits      visits
	datasetLog  datasetLog
	migrations  fs.FS
}

// JobsFunc returns the queue's part in the transaction that tx is on conn.
type JobsFunc func(conn *sql.Conn, tx *sql.Tx) ports.Jobs

// dialect is what the repositories cannot say in both databases' language.
type dialect struct {
	name string
	// idArg is an id, not zero, as the argument of a prepared statement.
	idArg func(id [16]byte) any
	// forUpdate locks the selected rows until the end of the transaction.
	forUpdate string
	// hasTag is a condition on a node n: its tags contain the one argument.
	hasTag string
	tagArg func(tag string) any
	// hasSection is a condition on a group g: a.section is one of its sections.
	hasSection string
	// hasWords ends a query of versions t by their words; see derived.go.
	hasWords func(words []string) (from, match string)
	addWords func(ctx context.Context, r repository, d *core.Derived, words []string) error
	// withError is the document last with the one argument as its error.
	withError string
	// eachRange is sumsOf such that each range is one walk along the key.
	eachRange string
	// itemFiles are the files of an item i, as itemFiles reads them.
	itemFiles string
	// items are the hot statements about items.
	items *itemStatements
	// itemsAlong selects the ids of a version's items in the order of an index.
	itemsAlong func(o itemOrder, after bool) string
	// itemsBetween: that names the version twice, if nothing else is equal.
	itemsBetween bool
	// eachItem joins the item i of each row of w, by its id.
	eachItem string
	// withWords finds items by words; see itemWalk.
	withWords func(p *itemWalk)
	// columnsOf selects the names and types of the columns of the table $1.
	columnsOf string
	// indexItems adds to rows of items, of which it gets the words, what finds them.
	indexItems func(ctx context.Context, r bundles, rows []ports.BundleRow) error
	// snapshot is how View begins.
	snapshot *sql.TxOptions
	// inUpdate are prepared before a transaction takes a connection: preparing
	// needs one of its own, and all others may be waiting like us.
	inUpdate []string
	// reserve is the Quota of a transaction, or of the pool itself.
	reserve func(ctx context.Context, s *Store, tx *bun.Tx, r ports.Reservation) (ports.Granted, bool, error)
	// storeItems stores items of a version that nobody sees yet.
	storeItems func(ctx context.Context, r ingestItems, items []ports.NewItem) error
	// page reads what decides about a folder, and a page of it by name.
	page func(ctx context.Context, s *Store, a core.Actor, q ports.NodeQuery) (core.FolderFacts, []ports.Entry, error)
	// visitLanes is how many lanes the links share; visit does a group of one.
	// In shared lanes it may leave out links that somebody else has locked, as
	// if they were not found: those go on to lanes of their own.
	visitLanes byte
	visit      func(ctx context.Context, s *Store, shared bool, counts map[core.ShareLinkID]*visitCount, group []*visit) error
	locker     func() (lock.SessionLocker, error)
}

// WithJobs makes the queue take part in every unit of work.
func (s *Store) WithJobs(jobs JobsFunc) *Store {
	s.jobs = jobs
	return s
}

// WhenEventsWait makes fn hear of each commit of events that wait. It must be
// quick, and is set before the store is used.
func (s *Store) WhenEventsWait(fn func()) { s.waiting = fn }

// View implements ports.Store.
func (s *Store) View(ctx context.Context, fn func(ports.Tx) error) error {
	return s.run(ctx, s.read, s.dialect.snapshot, fn)
}

// Update implements ports.Store.
func (s *Store) Update(ctx context.Context, fn func(ports.Tx) error) error {
	if err := s.prepareUpdate(ctx); err != nil {
		return err
	}
	return s.run(ctx, s.write, nil, fn)
}

func (s *Store) prepareUpdate(ctx context.Context) error {
	for _, text := range s.dialect.inUpdate {
		if _, err := s.statements.get(ctx, s.write.DB, text); err != nil { //nolint:sqlclosecheck // kept by statements
			return translate("prepare", err)
		}
	}
	return nil
}

func (s *Store) run(ctx context.Context, db *bun.DB, opts *sql.TxOptions, fn func(ports.Tx) error) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return translate("connect", err)
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	tx, err := conn.BeginTx(ctx, opts)
	if err != nil {
		return translate("begin", err)
	}
	committed := false
	defer func() {
		if !committed { // fn failed or panicked
			_ = tx.Rollback()
		}
	}()
	var wait bool
	if err := fn(s.tx(conn.Conn, &tx, &wait)); err != nil {
		return outage(err)
	}
	committed = true
	faultpoint.Hit(faultpoint.BeforeCommit)
	err = translate("commit", tx.Commit())
	faultpoint.Hit(faultpoint.AfterCommit)
	if err == nil && wait && s.waiting != nil {
		s.waiting()
	}
	return err
}

// tx is a unit of work, of which wait will say whether events of it wait.
func (s *Store) tx(conn *sql.Conn, tx *bun.Tx, wait *bool) ports.Tx {
	r := repository{IDB: tx, dialect: &s.dialect}
	var jobs ports.Jobs = noJobs{}
	if s.jobs != nil {
		jobs = s.jobs(conn, tx.Tx)
	}
	return ports.Tx{
		Users: users{r}, Identities: identities{r}, Sessions: sessions{r}, Tickets: tickets{r}, Audit: audit{r}, Orgs: orgs{r}, Accounts: accounts{r},
		Purges: purges{r}, Bundles: newBundles(r, tx), Licenses: licenses{r}, Drives: drives{r}, DriveMembers: driveMembers{r},
		Nodes: nodes{r}, Listings: listings{r}, Subtrees: subtrees{r}, Changes: changes{r}, APIKeys: apiKeys{r}, ShareLinks: shareLinks{r}, MarkedCopies: markedCopies{r}, Derived: derived{r},
		Products: products{r}, ProductLinks: productLinks{r}, Transactions: transactions{r}, Subscriptions: subscriptions{r}, Entitlements: entitlements{r},
		PaymentEvents: paymentEvents{r}, Events: events{r, wait}, Assets: assets{r}, Versions: versions{r}, Uploads: uploads{r}, Quota: quota{s, tx},
		Groups: groups{r}, GroupTrees: groupTrees{r}, GroupPermissions: groupPermissions{r}, GroupAssets: groupAssets{r},
		Idempotency: idempotency{r}, Jobs: jobs,
		Traffic:  traffic{r},
		Datasets: datasets{r}, DatasetVersions: datasetVersions{r}, DatasetPurges: datasetPurges{r}, DatasetGrants: datasetGrants{r},
		IngestSessions: ingestSessions{r}, IngestItems: ingestItems{r, conn, tx.Tx}, DatasetItems: datasetItems{r}, Annotations: annotations{r},
		Streams: eventStreams{r}, Webhooks: webhooks{r}, Deliveries: deliveries{r}, Dispatches: dispatches{r},
		Reports: reports{r}, ReportRuns: reportRuns{r},
	}
}

// repository is what every repository of a unit of work embeds.
type repository struct {
	bun.IDB
	dialect *dialect
}

// lock keeps others from locking or changing a row until the end of the
// transaction, though not from referring to it, or returns core.ErrNotFound.
func (r repository) lock(ctx context.Context, table, key string, id any) error {
	var found int
	q := r.alone(r.NewSelect().ColumnExpr("1").TableExpr(table).Where("? = ?", bun.Ident(key), id))
	return translate("lock "+table, q.Scan(ctx, &found))
}

// alone keeps others from locking or changing the selected rows until the end
// of the transaction. They may refer to them: who adds what belongs to an
// organisation waits for nobody who has locked it. On SQLite it is the only
// writer.
func (r repository) alone(q *bun.SelectQuery) *bun.SelectQuery {
	if r.dialect.forUpdate == "" {
		return q
	}
	return q.For(noKeyUpdate)
}

const noKeyUpdate = "NO KEY UPDATE"

// aloneText ends a query, likewise.
func (r repository) aloneText() string {
	if r.dialect.forUpdate == "" {
		return ""
	}
	return "FOR " + noKeyUpdate
}

// shared keeps others from changing the selected rows, or from locking them alone.
func (r repository) shared(q *bun.SelectQuery) *bun.SelectQuery {
	if r.dialect.forUpdate == "" {
		return q
	}
	return q.For("SHARE")
}

// noJobs refuses jobs, for a store that no queue was joined to.
type noJobs struct{}

func (noJobs) Enqueue(context.Context, ...ports.Job) error {
	return errors.New("bunstore: the store has no queue")
}

// Ping implements ports.Store.
func (s *Store) Ping(ctx context.Context) error { return translate("ping", s.write.PingContext(ctx)) }

// DB returns the pool that writes, for the queue and for metrics.
func (s *Store) DB() *sql.DB { return s.write.DB }

// Close releases the connections.
func (s *Store) Close() error {
	s.statements.close()
	err := s.write.Close()
	if s.read != s.write {
		err = errors.Join(err, s.read.Close())
	}
	if s.replica != nil {
		err = errors.Join(err, s.replica.db.Close())
	}
	return err
}

// Migrate brings the schema up to date and returns the names of the migrations
// it applied. Of several processes that start at once, one migrates and the
// others wait.
func (s *Store) Migrate(ctx context.Context) ([]string, error) {
	p, err := s.migrator()
	if err != nil {
		return nil, err
	}
	applied, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	names := make([]string, len(applied))
	for i, r := range applied {
		names[i] = r.Source.Path
	}
	return names, nil
}

// Migration is one step of the schema.
type Migration struct {
	Name    string
	Applied bool
}

// Migrations returns every migration this program has, in order.
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := s.migrator()
	if err != nil {
		return nil, err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	out := make([]Migration, len(status))
	for i, m := range status {
		out[i] = Migration{Name: m.Source.Path, Applied: m.State == goose.StateApplied}
	}
	return out, nil
}

func (s *Store) migrator() (*goose.Provider, error) {
	locker, err := s.dialect.locker()
	if err != nil {
		return nil, err
	}
	kind := goose.DialectPostgres
	if s.dialect.name == "sqlite" {
		kind = goose.DialectSQLite3
	}
	return goose.NewProvider(kind, s.write.DB, s.migrations, goose.WithSessionLocker(locker))
}
