// Package migrations holds the schema of each database, as plain SQL. Both
// folders have files of the same names. Migrations only go forward, and the
// previous release must run on the schema they leave.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// Postgres returns the migrations of PostgreSQL.
func Postgres() fs.FS { return sub("postgres") }

// SQLite returns the migrations of SQLite.
func SQLite() fs.FS { return sub("sqlite") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the directory is embedded: cannot happen
	}
	return f
}
