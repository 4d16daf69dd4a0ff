package bunstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
)

// Restore makes the store, on SQLite, a copy of the database in file, for tests: to
// copy a schema is many times faster than to migrate.
func (s *Store) Restore(ctx context.Context, file string) error {
	conn, err := s.write.DB.Conn(ctx)
	if err != nil {
		return err
	}
	err = conn.Raw(func(conn any) error {
		c, ok := conn.(interface {
			NewRestore(source string) (*sqlite.Backup, error)
		})
		if !ok {
			return fmt.Errorf("%T cannot be restored", conn)
		}
		b, err := c.NewRestore("file:" + (&url.URL{Path: file}).EscapedPath())
		if err != nil {
			return err
		}
		_, err = b.Step(-1) // all pages
		return errors.Join(err, b.Finish())
	})
	return errors.Join(err, conn.Close())
}
