package bunstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// bundles speaks to the database itself: it knows tables by their columns, so
// that none can be forgotten, and not by rows of Go.
type bundles struct {
	repository

	tx      *sql.Tx
	columns map[string][]column
}

func (r bundles) Schema(ctx context.Context) (version int64, err error) {
	err = r.NewRaw(`SELECT max(version_id) FROM goose_db_version WHERE is_applied`).Scan(ctx, &version)
	return version, translate("schema", err)
}

func (r bundles) Tables() []string {
	var names []string
	for i := range orgTables {
		if orgTables[i].local == "" {
			names = append(names, orgTables[i].name)
		}
	}
	return names
}

func (r bundles) Count(ctx context.Context, org core.OrgID, table string) (n int64, err error) {
	t := tableOf(table)
	if t == nil {
		return 0, core.BadBundle("there is no table " + strconv.Quote(table))
	}
	err = r.tx.QueryRowContext(ctx, `SELECT count(*) FROM `+t.from(), org.String()).Scan(&n)
	return n, translate("count "+table, err)
}

func (r bundles) Rows(ctx context.Context, org core.OrgID, table string) iter.Seq2[ports.BundleRow, error] {
	return func(yield func(ports.BundleRow, error) bool) {
		t := tableOf(table)
		if t == nil {
			yield(nil, core.BadBundle("there is no table "+strconv.Quote(table)))
			return
		}
		columns, err := r.columnsOf(ctx, table)
		if err != nil {
			yield(nil, err)
			return
		}
		var list []string
		var kept []column
		for _, c := range columns {
			if isLocal(table, c) {
				continue
			}
			kept = append(kept, c)
			expr := "t." + c.name
			if c.kind == textColumn {
				expr = "CAST(" + expr + " AS text)"
			}
			list = append(list, expr)
		}
		rows, err := r.tx.QueryContext(ctx, `SELECT `+strings.Join(list, ", ")+` FROM `+t.from()+` ORDER BY `+t.order, org.String()) //nolint:gosec // names of tables and columns, no input
		if err != nil {
			yield(nil, translate("rows of "+table, err))
			return
		}
		defer func() { _ = rows.Close() }() // Err has told
		for rows.Next() {
			row, err := scanBundleRow(rows, kept)
			if !yield(forElsewhere(table, row), translate("rows of "+table, err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, translate("rows of "+table, err))
		}
	}
}

// columnsOf returns the columns of a table in their order.
func (r bundles) columnsOf(ctx context.Context, table string) ([]column, error) {
	if c, ok := r.columns[table]; ok {
		return c, nil
	}
	rows, err := r.tx.QueryContext(ctx, r.dialect.columnsOf, table)
	if err != nil {
		return nil, translate("columns of "+table, err)
	}
	defer func() { _ = rows.Close() }() // Err has told
	kinds := map[string]columnKind{"integer": wholeColumn, "bigint": wholeColumn, "boolean": truthColumn, "blob": bytesColumn, "bytea": bytesColumn, "tsvector": wordsColumn}
	var out []column
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, translate("columns of "+table, err)
		}
		out = append(out, column{name, kinds[strings.ToLower(kind)]})
	}
	r.columns[table] = out
	return out, translate("columns of "+table, rows.Err())
}

// usersOfOrg are the ids of users to whom rows of the org $1 refer.
func usersOfOrg() string {
	var parts []string
	for i := range orgTables {
		if t := &orgTables[i]; t.users != "" {
			parts = append(parts, `SELECT t.`+t.users+` AS id FROM `+t.from()+` AND t.`+t.users+` IS NOT NULL`)
		}
	}
	return strings.Join(parts, " UNION ")
}

func (r bundles) Users(ctx context.Context, org core.OrgID) iter.Seq2[ports.BundleUser, error] {
	text := `SELECT CAST(u.id AS text), u.email, u.name, u.deleted_at IS NOT NULL FROM users AS u WHERE u.id IN (` + usersOfOrg() + `) ORDER BY u.id` //nolint:gosec // names of tables and columns, no input
	return func(yield func(ports.BundleUser, error) bool) {
		rows, err := r.tx.QueryContext(ctx, text, org.String())
		if err != nil {
			yield(ports.BundleUser{}, translate("users", err))
			return
		}
		defer func() { _ = rows.Close() }() // Err has told
		for rows.Next() {
			var u ports.BundleUser
			err := rows.Scan(&u.ID, &u.Email, &u.Name, &u.Deleted)
			if !yield(u, translate("users", err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(ports.BundleUser{}, translate("users", err))
		}
	}
}

func (r bundles) Identities(ctx context.Context, user core.UserID) (all []core.Identity, err error) {
	var rows []struct {
		Issuer    string `bun:"issuer"`
		Subject   string `bun:"subject"`
		CreatedAt stamp  `bun:"created_at"`
	}
	err = r.NewRaw(`SELECT issuer, subject, created_at FROM identities WHERE user_id = ? ORDER BY issuer, subject`, user).Scan(ctx, &rows)
	for _, row := range rows {
		all = append(all, core.Identity{Issuer: row.Issuer, Subject: row.Subject, UserID: user, CreatedAt: row.CreatedAt.Time})
	}
	return all, translate("identities", err)
}

func (r bundles) Reserve(ctx context.Context, org core.OrgID, slug string, now time.Time) error {
	return orgs{r.repository}.reserve(ctx, org, slug, now)
}

func (r bundles) Add(ctx context.Context, org core.OrgID, users map[core.UserID]core.UserID, table string, rows []ports.BundleRow) error {
	t := tableOf(table)
	if t == nil {
		return core.BadBundle("there is no table " + strconv.Quote(table))
	}
	columns, err := r.columnsOf(ctx, table)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := t.fit(row, columns, org, users); err != nil {
			return err
		}
	}
	if table == "dataset_items" {
		if err := r.index(ctx, rows); err != nil {
			return err
		}
	}
	const most = 100
	for ; len(rows) > most; rows = rows[most:] {
		if err := r.insert(ctx, table, columns, rows[:most]); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return r.insert(ctx, table, columns, rows)
}

func (r bundles) insert(ctx context.Context, table string, columns []column, rows []ports.BundleRow) error {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	var text strings.Builder
	text.WriteString("INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES ")
	args := make([]any, 0, len(rows)*len(columns))
	for i, row := range rows {
		text.WriteString(strings.Repeat(", ", min(i, 1)) + "(")
		for j, c := range columns {
			args = append(args, row[c.name])
			place := "$" + strconv.Itoa(len(args))
			if c.kind == wordsColumn {
				place = "array_to_tsvector(CAST(" + place + " AS text[]))"
			}
			text.WriteString(strings.Repeat(", ", min(j, 1)) + place)
		}
		text.WriteString(")")
	}
	_, err := r.tx.ExecContext(ctx, text.String(), args...)
	err = translate("add to "+table, err)
	if err != nil && !broken(err) {
		return core.BadBundle("rows of " + table + " do not go together with what is there: " + err.Error())
	}
	return err
}

// broken reports that it was not the statement that failed.
func broken(err error) bool {
	return errors.Is(err, core.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrTxDone)
}

// index adds to items what finds them by their words.
func (r bundles) index(ctx context.Context, rows []ports.BundleRow) error {
	for _, row := range rows {
		var tags []string
		var data any
		title, _ := row["title"].(string)
		tagsText, _ := row["tags"].(string)
		dataText, _ := row["data"].(string)
		if json.Unmarshal([]byte(tagsText), &tags) != nil || json.Unmarshal([]byte(dataText), &data) != nil {
			return core.BadBundle("an item has tags or data that are no JSON")
		}
		row["words"] = core.ItemWords(title, tags, data)
	}
	return r.dialect.indexItems(ctx, r, rows)
}

func (r bundles) Settle(ctx context.Context, org core.OrgID) error {
	for i := range orgTables {
		t := &orgTables[i]
		if t.local != "" {
			continue
		}
		for _, ref := range t.refs {
			var one int
			err := r.tx.QueryRowContext(ctx, t.astray(ref), org.String()).Scan(&one)
			if !errors.Is(err, sql.ErrNoRows) {
				if err != nil {
					return translate("settle", err)
				}
				return core.BadBundle("a row of " + t.name + " refers to something of another organisation (" + ref.column + ")")
			}
		}
	}
	var drives []core.DriveID
	if err := r.NewRaw(`SELECT id FROM drives WHERE org_id = ?`, org).Scan(ctx, &drives); err != nil {
		return translate("settle", err)
	}
	for _, id := range drives {
		if _, err := r.tx.ExecContext(ctx, recountDrive, id.String()); err != nil {
			return translate("settle", err)
		}
	}
	_, err := r.tx.ExecContext(ctx, recountOrg, org.String())
	return translate("settle", err)
}

// newBundles returns the bundles of a unit of work.
func newBundles(r repository, tx *bun.Tx) bundles {
	return bundles{repository: r, tx: tx.Tx, columns: make(map[string][]column)}
}
