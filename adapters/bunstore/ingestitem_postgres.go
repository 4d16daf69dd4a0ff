package bunstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// copyItems stores items by COPY, in its text format.
func copyItems(ctx context.Context, r ingestItems, items []ports.NewItem) error {
	var rows, tags, assets copied
	for i := range items {
		x := &items[i]
		rows.id(x.ID).id(x.OrgID).id(x.VersionID).number(x.Line).text(x.ExternalID).text(x.Type).text(x.Title)
		rows.json(appendTags(nil, x.Tags)).json(x.Data).words(x.Words).end()
		for _, tag := range x.Tags {
			tags.id(x.VersionID).text(tag).id(x.ID).id(x.OrgID).end()
		}
		for _, a := range x.Assets {
			assets.id(x.ID).text(a.Role).id(x.VersionID).id(x.OrgID).id(a.AssetID).number(int64(a.Number)).text(a.Path).end()
		}
	}
	// As for jobs, neither an error nor a panic leaves through Raw.
	var failed error
	err := r.conn.Raw(func(driverConn any) error {
		failed = func() error {
			c, ok := driverConn.(*stdlib.Conn)
			if !ok {
				return fmt.Errorf("a connection of pgx is needed, not %T", driverConn)
			}
			pg := c.Conn().PgConn()
			if pg.TxStatus() == 'I' { // rolled back when the context ended
				return sql.ErrTxDone
			}
			for _, t := range []struct {
				rows *copied
				into string
			}{
				{&rows, "dataset_items (id, org_id, version_id, line, external_id, type, title, tags, data, words)"},
				{&tags, "dataset_item_tags (version_id, tag, item_id, org_id)"},
				{&assets, "dataset_item_assets (item_id, role, version_id, org_id, asset_id, number, path)"},
			} {
				if len(t.rows.b) == 0 {
					continue
				}
				if _, err := pg.CopyFrom(ctx, bytes.NewReader(t.rows.b), "COPY "+t.into+" FROM STDIN"); err != nil {
					return err
				}
			}
			return nil
		}()
		return nil
	})
	return errors.Join(err, failed)
}

// copied is rows in the text format of COPY.
type copied struct {
	b     []byte
	begun bool // a row
}

func (c *copied) next() {
	if c.begun {
		c.b = append(c.b, '\t')
	}
	c.begun = true
}

func (c *copied) id(id [16]byte) *copied {
	c.next()
	c.b, _ = core.ID[Store](id).AppendText(c.b) // cannot fail
	return c
}

func (c *copied) number(n int64) *copied {
	c.next()
	c.b = strconv.AppendInt(c.b, n, 10)
	return c
}

func (c *copied) text(s string) *copied {
	c.next()
	for i := range len(s) {
		c.char(s[i])
	}
	return c
}

func (c *copied) json(doc []byte) *copied {
	c.next()
	for _, ch := range doc {
		c.char(ch)
	}
	return c
}

func (c *copied) char(ch byte) {
	switch ch {
	case '\\':
		c.b = append(c.b, '\\', '\\')
	case '\t':
		c.b = append(c.b, '\\', 't')
	case '\n':
		c.b = append(c.b, '\\', 'n')
	case '\r':
		c.b = append(c.b, '\\', 'r')
	default:
		c.b = append(c.b, ch)
	}
}

// words are letters, digits and marks: nothing in them has a meaning to COPY or
// to tsvector within quotes.
func (c *copied) words(words []string) *copied {
	c.next()
	for i, word := range words {
		if i > 0 {
			c.b = append(c.b, ' ')
		}
		c.b = append(append(append(c.b, '\''), word...), '\'')
	}
	return c
}

func (c *copied) end() {
	c.b = append(c.b, '\n')
	c.begun = false
}
