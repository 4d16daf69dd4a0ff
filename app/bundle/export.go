package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Export writes the bundle of the live org with that id or slug. Bytes that are
// not there are told of, in the summary and in the bundle; the rest is complete.
func (s *Service) Export(ctx context.Context, which string, f File) (*Summary, error) {
	w := newWriter(f, s.Clock.Now())
	out := &Summary{}
	// Writing to a file beside the database is what the snapshot is for.
	err := s.Store.View(ctx, func(tx ports.Tx) error { return s.rows(ctx, tx, which, w, out) })
	if err != nil {
		return nil, err
	}
	written := source{f, w.out.n}
	if err := s.bytes(ctx, written, w, out); err != nil {
		return nil, err
	}
	return out, w.close()
}

// find returns the live org with that id or slug.
func find(ctx context.Context, tx ports.Tx, which string) (*core.Org, error) {
	id, err := core.ParseID[core.Org](which)
	if err != nil {
		return tx.Orgs.BySlug(ctx, which)
	}
	o, err := tx.Orgs.Get(ctx, id)
	if err == nil && o.Deleted() {
		return nil, core.ErrOrgDeleted
	}
	return o, err
}

// rows writes all that comes of the database.
func (s *Service) rows(ctx context.Context, tx ports.Tx, which string, w *writer, out *Summary) error {
	o, err := find(ctx, tx, which)
	if err != nil {
		return err
	}
	m := Manifest{Format: format, OrgID: o.ID.String(), Slug: o.Slug, Name: o.Name, ExportedAt: w.at.UTC(), Key: s.key()}
	if m.Schema, err = tx.Bundles.Schema(ctx); err != nil {
		return err
	}
	if o.IsPersonal {
		members, err := tx.Accounts.List(ctx, ports.AccountQuery{OrgID: o.ID, Limit: 1})
		if err != nil || len(members) == 0 {
			return errors.Join(err, core.ErrOrgOrphan)
		}
		m.Owner = members[0].Account.UserID.String()
	}
	for _, table := range tx.Bundles.Tables() {
		n, err := tx.Bundles.Count(ctx, o.ID, table)
		if err != nil {
			return err
		}
		m.Tables = append(m.Tables, Table{table, n})
		out.Rows += n
	}
	out.Manifest, out.Slug = m, o.Slug
	if err := w.addJSON(manifestName, m); err != nil {
		return err
	}
	if err := users(ctx, tx, o.ID, w, out); err != nil {
		return err
	}
	for _, table := range m.Tables {
		l := lines{w: w, dir: tablesDir + table.Name + "/"}
		for row, err := range tx.Bundles.Rows(ctx, o.ID, table.Name) {
			if err != nil {
				return err
			}
			if err := l.add(row); err != nil {
				return err
			}
		}
		if err := l.flush(); err != nil {
			return err
		}
	}
	return nil
}

// users writes the users in batches: while their rows are read, nothing else can be.
func users(ctx context.Context, tx ports.Tx, org core.OrgID, w *writer, out *Summary) error {
	var all []ports.BundleUser
	for u, err := range tx.Bundles.Users(ctx, org) {
		if err != nil {
			return err
		}
		all = append(all, u)
	}
	out.Users = int64(len(all))
	l := lines{w: w, dir: usersDir}
	for _, u := range all {
		known, err := tx.Bundles.Identities(ctx, u.ID)
		if err != nil {
			return err
		}
		line := bundleUser{ID: u.ID, Email: u.Email, Name: u.Name, Deleted: u.Deleted}
		for _, i := range known {
			line.Identities = append(line.Identities, bundleIdentity{i.Issuer, i.Subject})
		}
		if err := l.add(line); err != nil {
			return err
		}
	}
	return l.flush()
}

// bytes writes the bytes of the versions that were written.
func (s *Service) bytes(ctx context.Context, written source, w *writer, out *Summary) error {
	sums, n := lines{w: w, dir: sumsDir}, 0
	for v, err := range written.versions(out.Manifest.org()) {
		if err != nil {
			return err
		}
		line, err := s.blob(ctx, v, w)
		if err != nil {
			return err
		}
		if line.Missing != "" {
			out.lose(line.Key, line.Missing)
		} else {
			out.Blobs++
			out.Bytes += line.Size
		}
		if err := sums.add(line); err != nil {
			return err
		}
		if n++; n%sumsEvery == 0 {
			if err := sums.flush(); err != nil {
				return err
			}
		}
	}
	return sums.flush()
}

// blob writes the bytes of a version.
func (s *Service) blob(ctx context.Context, v version, w *writer) (blobLine, error) {
	line := blobLine{Key: v.key, Size: v.size}
	info, err := s.Blobs.Stat(ctx, v.key)
	if err == nil && info.Size != v.size {
		line.Missing = fmt.Sprintf("there are %d bytes, not %d", info.Size, v.size)
		return line, nil
	}
	var r io.ReadCloser
	if err == nil {
		r, err = s.Blobs.Open(ctx, v.key, 0, -1)
	}
	if errors.Is(err, core.ErrBlobNotFound) {
		line.Missing = "there are no bytes"
		return line, nil
	}
	if err != nil {
		return line, err
	}
	defer func() { _ = r.Close() }() // it was only read
	if line.SHA256, err = w.add(blobsDir+v.key, v.size, r); err != nil {
		return line, fmt.Errorf("blob %s: %w", v.key, err)
	}
	if v.sha256 != nil && !bytes.Equal(v.sha256, line.SHA256) {
		return line, fmt.Errorf("blob %s is damaged: it has SHA-256 %x, not %x (see coffer fsck --deep)", v.key, line.SHA256, v.sha256)
	}
	return line, nil
}
