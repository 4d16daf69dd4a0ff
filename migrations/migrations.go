// Package migrations holds the schema of each database, as plain SQL. Both
// folders have files of the same names. Migrations only go forward, and the
// previous release must run on the schema they leave.
package migrations

import "embed"

// Files has the folders postgres and sqlite.
//
//go:embed postgres/*.sql sqlite/*.sql
var Files embed.FS
