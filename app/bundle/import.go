package bundle

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// ImportOptions are the choices of who takes a bundle in.
type ImportOptions struct {
	Slug         string // for the org, in place of its own
	AllowMissing bool   // take it although bytes were missing when it was made
}

// sweepAfter is when bytes that no row knows begin to be removed, with room for
// the rows.
const sweepAfter = 20 * time.Hour

// Import adds the org of a bundle. Its bytes are stored first, its rows then, in
// one unit of work: before that nobody sees anything, and after a failure only
// bytes are left, which the sweeper removes.
func (s *Service) Import(ctx context.Context, r io.ReaderAt, size int64, o ImportOptions) (*Summary, error) {
	out, err := Verify(r, size)
	if err != nil {
		return nil, err
	}
	if out.Lost > 0 && !o.AllowMissing {
		return nil, core.ErrBundleIncomplete.Say(fmt.Sprintf("%s: %d of them, such as %s", core.ErrBundleIncomplete.Message, out.Lost, out.Missing[0]))
	}
	if o.Slug != "" {
		if out.Slug, err = core.CleanSlug("slug", o.Slug); err != nil {
			return nil, err
		}
	}
	out.Resealed = !bytes.Equal(out.Manifest.Key, s.key())
	in := &intake{Service: s, source: source{r, size}, out: out, org: out.Manifest.org(), users: make(map[core.UserID]core.UserID)}
	if err := s.Store.View(ctx, func(tx ports.Tx) error { return in.check(ctx, tx) }); err != nil {
		return nil, err
	}
	if err := s.Claim(ctx); err != nil {
		return nil, err
	}
	begun := s.Clock.Now()
	if err := in.bytes(ctx); err != nil {
		return nil, err
	}
	if s.Clock.Now().Sub(begun) > sweepAfter {
		return nil, core.ErrUnavailable.Say("storing the bytes has taken so long that the first may be removed again as nobody's: import it with a faster connection to the blob store")
	}
	return out, s.Store.Update(ctx, func(tx ports.Tx) error { return in.rows(ctx, tx) })
}

// intake is an import that goes on.
type intake struct {
	*Service
	source

	out   *Summary
	org   core.OrgID
	users map[core.UserID]core.UserID // those of the bundle, and who they are here
}

// check refuses what cannot be added here.
func (in *intake) check(ctx context.Context, tx ports.Tx) error {
	schema, err := tx.Bundles.Schema(ctx)
	if err != nil {
		return err
	}
	m := &in.out.Manifest
	if m.Schema != schema {
		return core.ErrBundleSchema.Say(fmt.Sprintf("the bundle has schema %d, this server %d: import it with the release that made it, then upgrade", m.Schema, schema))
	}
	var names []string
	for _, t := range m.Tables {
		names = append(names, t.Name)
	}
	if strings.Join(names, " ") != strings.Join(tx.Bundles.Tables(), " ") {
		return core.BadBundle("it has other tables than this schema")
	}
	switch _, err := tx.Orgs.Get(ctx, in.org); {
	case err == nil:
		return core.ErrBundleOrg
	case !errors.Is(err, core.ErrNotFound):
		return err
	}
	switch _, err := tx.Orgs.BySlug(ctx, in.out.Slug); {
	case err == nil:
		return core.ErrSlugTaken
	case !errors.Is(err, core.ErrNotFound):
		return err
	}
	return nil
}

// bytes stores the bytes, each below its own key.
func (in *intake) bytes(ctx context.Context) error {
	next, stop := iter.Pull2(in.versions(in.org))
	defer stop()
	r := in.open()
	for {
		h, err := r.next()
		if errors.Is(err, io.EOF) || err == nil && h.Name == endName {
			return nil
		}
		if err != nil {
			return err
		}
		key, ok := strings.CutPrefix(h.Name, blobsDir)
		if !ok {
			continue
		}
		v, err, ok := next()
		for err == nil && ok && v.key != key { // those whose bytes are missing
			v, err, ok = next()
		}
		if err != nil || !ok {
			return errors.Join(err, core.BadBundle("it was changed meanwhile"))
		}
		sum := sha256.New()
		info, err := in.Blobs.Put(ctx, key, v.contentType, io.TeeReader(r.tar, sum))
		if err != nil {
			return fmt.Errorf("store blob %s: %w", key, err)
		}
		if info.Size != v.size || v.sha256 != nil && !bytes.Equal(sum.Sum(nil), v.sha256) {
			return core.BadBundle("it was changed meanwhile")
		}
	}
}

// rows adds the users and the rows, and checks that they are all there.
func (in *intake) rows(ctx context.Context, tx ports.Tx) error {
	if err := in.check(ctx, tx); err != nil {
		return err
	}
	if err := tx.Bundles.Reserve(ctx, in.org, in.out.Slug, in.Clock.Now()); err != nil {
		return err
	}
	r := in.open()
	for {
		h, err := r.next()
		if err != nil {
			return err
		}
		if strings.HasPrefix(h.Name, blobsDir) || strings.HasPrefix(h.Name, sumsDir) || h.Name == endName {
			break
		}
		if h.Name == manifestName {
			continue
		}
		chunk, err := r.small(h, maxChunk)
		if err != nil {
			return err
		}
		if table, ok := strings.CutPrefix(h.Name, tablesDir); ok {
			table, _, _ = strings.Cut(table, "/")
			err = in.add(ctx, tx, table, chunk)
		} else {
			err = in.people(ctx, tx, chunk)
		}
		if err != nil {
			return err
		}
	}
	return in.settle(ctx, tx)
}

// settle checks that every row is in its place.
func (in *intake) settle(ctx context.Context, tx ports.Tx) error {
	for _, t := range in.out.Manifest.Tables {
		if t.Name == slugsTable { // some may be others' here
			continue
		}
		if n, err := tx.Bundles.Count(ctx, in.org, t.Name); err != nil || n != t.Rows {
			return errors.Join(err, core.BadBundle(fmt.Sprintf("of %d rows of %s, %d are in their place", t.Rows, t.Name, n)))
		}
	}
	if err := tx.Bundles.Settle(ctx, in.org); err != nil {
		return err
	}
	return in.record(ctx, tx, in.org, "org.imported", map[string]core.Change{"slug": {From: in.out.Manifest.Slug, To: in.out.Slug}})
}

// add adds rows of one table.
func (in *intake) add(ctx context.Context, tx ports.Tx, table string, chunk []byte) error {
	var rows []ports.BundleRow
	for line, err := range eachLine(chunk) {
		if err != nil {
			return err
		}
		row, err := rowOf(line)
		if err != nil {
			return err
		}
		keep, err := in.adapt(ctx, tx, table, row)
		if err != nil {
			return err
		}
		if keep {
			rows = append(rows, row)
		}
	}
	return tx.Bundles.Add(ctx, in.org, in.users, table, rows)
}

// adapt makes a row one of this server; it is not kept if it cannot be.
func (in *intake) adapt(ctx context.Context, tx ports.Tx, table string, row ports.BundleRow) (keep bool, err error) {
	switch table {
	case slugsTable:
		slug, _ := row["slug"].(string)
		if slug, err = core.CleanSlug(slugsTable, slug); err == nil {
			err = tx.Bundles.Reserve(ctx, in.org, slug, in.Clock.Now())
		}
		if errors.Is(err, core.ErrSlugTaken) { // a former one, which leads nowhere then
			err = nil
		}
		return false, err
	case "org_licenses":
		name, _ := row["license"].(string)
		if _, err := tx.Licenses.Lock(ctx, name); errors.Is(err, core.ErrNotFound) {
			return false, core.ErrBundleLicense.Say(fmt.Sprintf("the organisation has the licence %q, which this server does not know: define it first (coffer license set)", name))
		}
	case "orgs":
		if row["deleted_at"] != nil || row["purging_at"] != nil {
			return false, core.BadBundle("its organisation is deleted")
		}
		row["slug"] = in.out.Slug
	case "share_links":
		if in.out.Resealed {
			row["token_sealed"] = []byte{} // the link goes on working; nobody can be shown it again
		}
	case "webhooks":
		if in.out.Resealed {
			err = in.silence(row)
		}
	}
	return true, err
}

// silence gives a webhook a secret that nobody knows yet, and stops it until
// somebody has asked for one.
func (in *intake) silence(row ports.BundleRow) error {
	var random [core.WebhookSecretBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	sealed, err := in.Secrets.Seal([]byte(core.FormatWebhookSecret(random)))
	row["secret"], row["old_secret"], row["old_secret_until"], row["active"] = sealed, nil, nil, false
	return err
}
