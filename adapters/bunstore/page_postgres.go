package bunstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// pagePostgres sends both statements at once, and reads the rows with pgx's own
// types: a hundred rows through database/sql cost as much again.
func pagePostgres(ctx context.Context, s *Store, a core.Actor, q ports.NodeQuery) (f core.FolderFacts, entries []ports.Entry, err error) {
	conn, err := s.read.DB.Conn(ctx)
	if err != nil {
		return f, nil, err
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	err = conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T", driver)
		}
		f, entries, err = s.pageOn(ctx, c.Conn(), a, q)
		return err
	})
	return f, entries, err
}

func (s *Store) pageOn(ctx context.Context, c *pgx.Conn, a core.Actor, q ports.NodeQuery) (core.FolderFacts, []ports.Entry, error) {
	var f folderFacts
	args := []any{[16]byte(a.UserID), pgtype.UUID{Bytes: a.SessionID, Valid: !a.SessionID.IsZero()}, [16]byte(q.DriveID), [16]byte(q.ParentID)}
	asked := forPage.of(a, args)
	text, of := pageText(q, s.dialect.idArg)
	for _, t := range []string{asked, text} { // once for each connection
		if _, err := c.Prepare(ctx, t, t); err != nil {
			return f.FolderFacts, nil, err
		}
	}
	var both pgx.Batch
	both.Queue(asked, args...)
	both.Queue(text, of...)
	answers := c.SendBatch(ctx, &both)
	defer func() { _ = answers.Close() }()
	if err := s.answered(a, &f.Credential, answers.QueryRow().Scan, f.into()...); err != nil {
		return f.FolderFacts, nil, err
	}
	rows, err := answers.Query()
	if err != nil {
		return f.FolderFacts, nil, err
	}
	defer rows.Close()
	entries := make([]ports.Entry, 0, q.Limit)
	for rows.Next() {
		var r pageRow
		var createdBy pgtype.UUID
		if err := rows.Scan(&r.id, &r.kind, &r.name, &createdBy, &r.version, &r.createdAt, &r.updatedAt, &r.status, &r.contentType,
			&r.size, &r.current, &r.newest, &r.metadata, &r.sha256, &r.derived, &r.failure, &r.key, &r.keyType,
			&r.width, &r.height, &r.duration, &r.placeholder); err != nil {
			return f.FolderFacts, nil, err
		}
		r.createdBy = createdBy.Bytes
		entry, err := r.entry()
		if err != nil {
			return f.FolderFacts, nil, err
		}
		entries = append(entries, entry)
	}
	return f.facts(), entries, rows.Err()
}
