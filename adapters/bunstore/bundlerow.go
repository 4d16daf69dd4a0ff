package bunstore

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// column is a column of a table, and what kind of values it has.
type column struct {
	name string
	kind columnKind
}

type columnKind uint8

const (
	textColumn  columnKind = iota // also ids and documents
	wholeColumn                   // a whole number
	truthColumn
	bytesColumn
	wordsColumn // made of the row, and not a part of it
)

func scanBundleRow(rows *sql.Rows, columns []column) (ports.BundleRow, error) {
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	row := make(ports.BundleRow, len(columns))
	for i, c := range columns {
		if text, ok := values[i].([]byte); ok && c.kind != bytesColumn {
			values[i] = string(text)
		}
		row[c.name] = values[i]
	}
	return row, nil
}

// forElsewhere leaves out of a row what only this server can go on with: the
// lease of who is at work, and a version that is not published yet.
func forElsewhere(table string, row ports.BundleRow) ports.BundleRow {
	switch table {
	case "webhooks":
		row["lease"], row["free_at"] = nil, nil
	case "ingest_sessions":
		row["leased"] = nil
		if row["status"] == string(core.IngestPublishing) {
			row["status"], row["version_id"] = string(core.IngestOpen), nil
		}
	}
	return row
}

// isLocal reports columns that each database fills in for itself.
func isLocal(table string, c column) bool {
	return c.kind == wordsColumn || table == "dataset_items" && c.name == "seq"
}

// fit brings a row into the form in which the table has it.
func (t *orgTable) fit(row ports.BundleRow, columns []column, org core.OrgID, users map[core.UserID]core.UserID) error {
	bad := func(column string, what any) error {
		return core.BadBundle(fmt.Sprintf("a row of %s has %v for %s", t.name, what, column))
	}
	known := 0
	for _, c := range columns {
		if isLocal(t.name, c) {
			if _, ok := row[c.name]; ok {
				return bad(c.name, "something")
			}
			continue
		}
		v, ok := row[c.name]
		if !ok {
			return bad(c.name, "nothing")
		}
		known++
		fitted, ok := c.fit(v)
		if !ok {
			return bad(c.name, "something of another type")
		}
		row[c.name] = fitted
	}
	if len(row) != known {
		return core.BadBundle("a row of " + t.name + " has columns that the table does not have")
	}
	own := "org_id"
	if t.name == "orgs" {
		own = "id"
	}
	if id, ok := row[own]; ok && id != org.String() {
		return bad(own, "another organisation")
	}
	if t.users == "" || row[t.users] == nil {
		return nil
	}
	text, _ := row[t.users].(string)
	id, err := core.ParseID[core.User](text)
	user, ok := users[id]
	if err != nil || !ok {
		return bad(t.users, "a user whom the bundle does not have")
	}
	row[t.users] = user.String()
	return nil
}

// fit returns v as the column has it: truth is 0 or 1 where there is no type for it.
func (c column) fit(v any) (any, bool) {
	if v == nil {
		return nil, true
	}
	switch c.kind {
	case wholeColumn:
		switch v := v.(type) {
		case bool:
			return map[bool]int64{true: 1}[v], true
		case int64:
			return v, true
		case json.Number:
			n, err := v.Int64()
			return n, err == nil
		}
	case truthColumn:
		switch v := v.(type) {
		case bool:
			return v, true
		case int64:
			return v == 1, v == 0 || v == 1
		case json.Number:
			return v == "1", v == "0" || v == "1"
		}
	case bytesColumn:
		switch v := v.(type) {
		case []byte:
			return v, true
		case string:
			b, err := base64.StdEncoding.DecodeString(v)
			return b, err == nil
		}
	case textColumn:
		text, ok := v.(string)
		return text, ok && !strings.ContainsRune(text, 0)
	case wordsColumn:
	}
	return nil, false
}
