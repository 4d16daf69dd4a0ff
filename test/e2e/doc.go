// Package e2e holds stories: what people do with Coffer, told over HTTP to the
// program itself, on SQLite with the disk and on PostgreSQL with S3.
//
// Each story has a server, a database and a bucket of its own. When it ends
// well, the server must stop in order and `coffer fsck` must find nothing.
package e2e
