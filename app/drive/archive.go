package drive

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// archivePage is how many nodes are read at a time for an archive.
const archivePage = 200

// Archive is a folder that is about to be written as a zip file.
type Archive struct {
	Name  string // of the file
	sc    core.Scope
	id    core.NodeID
	again func(context.Context) error // whether the caller still may

	// Copy, if it is set, says what is in the archive in the place of a file, and
	// under which name. What it refuses by core.ErrCannotWatermark is left out,
	// and a list at the end says so.
	Copy func(ctx context.Context, name string, v core.Version) (string, core.Version, error)

	left  []string  // paths of what was left out, the first of them
	lefts int       // how many there are
	asked time.Time // again, last
	s     *Service
}

// maxLeft is how many files that were left out are told by name.
const maxLeft = 1_000

// askAgain is how long, at most, an archive goes on without asking whether the
// caller still may read it, but for the file it is at.
const askAgain = 10 * time.Second

// OpenArchive returns the archive of a live folder. again is asked from time to
// time while it is written, whether the caller still may read it.
func (s *Service) OpenArchive(ctx context.Context, sc core.Scope, id core.NodeID, again func(context.Context) error) (*Archive, error) {
	if err := sc.CanRead(); err != nil {
		return nil, err
	}
	a := &Archive{sc: sc, id: id, again: again, s: s}
	err := s.store.View(ctx, func(tx ports.Tx) error {
		t, err := s.folder(ctx, tx, sc, id, nil)
		if errors.Is(err, core.ErrParentNotDir) {
			return core.ErrNotFolder
		}
		if err != nil {
			return err
		}
		if a.Name = t[0].Name; t[0].IsRoot() {
			d, err := tx.Drives.Get(ctx, sc.OrgID, sc.DriveID)
			if err != nil {
				return err
			}
			a.Name = d.Name
		}
		return nil
	})
	a.Name = core.PortableName(a.Name) + ".zip"
	return a, err
}

// Write streams the archive: everything in the folder and below it whose bytes
// have arrived, uncompressed, in bounded memory. Names are made safe for every
// system. Files that come or go meanwhile may be in it or not. After an error
// the archive lacks its end, which every reader of zip files notices.
func (a *Archive) Write(ctx context.Context, w io.Writer) error {
	z, names := zip.NewWriter(w), core.NewPortableNames()
	if err := a.folder(ctx, z, a.id, "", names, 0); err != nil {
		return err
	}
	if err := a.tellLeft(z, names); err != nil {
		return err
	}
	return z.Close()
}

// tellLeft adds the list of what was left out, if anything was.
func (a *Archive) tellLeft(z *zip.Writer, names *core.PortableNames) error {
	if a.lefts == 0 {
		return nil
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: names.Add("NOT INCLUDED.txt"), Modified: a.s.clock.Now()})
	if err != nil {
		return err
	}
	text := "These files cannot carry the watermark that the link asks for, and are not in this archive:\r\n\r\n" + strings.Join(a.left, "\r\n") + "\r\n"
	if more := a.lefts - len(a.left); more > 0 {
		text += fmt.Sprintf("and %d more\r\n", more)
	}
	_, err = io.WriteString(w, text)
	return err
}

func (a *Archive) folder(ctx context.Context, z *zip.Writer, id core.NodeID, prefix string, names *core.PortableNames, depth int) error {
	if depth > core.MaxDepth {
		return core.ErrTooDeep
	}
	q := ports.NodeQuery{DriveID: a.sc.DriveID, ParentID: id, Limit: archivePage}
	for {
		page, versions, err := a.page(ctx, q)
		if err != nil {
			return err
		}
		for i := range page {
			n := &page[i].Node
			if n.Kind == core.KindFolder {
				path := prefix + names.Add(n.Name) + "/"
				if _, err := z.CreateHeader(&zip.FileHeader{Name: path, Modified: n.UpdatedAt}); err != nil {
					return err
				}
				if err := a.folder(ctx, z, n.ID, path, core.NewPortableNames(), depth+1); err != nil {
					return err
				}
				continue
			}
			if v, ok := versions[n.ID]; ok {
				if err := a.file(ctx, z, prefix, names, n.Name, v); err != nil {
					return err
				}
			}
		}
		if len(page) < q.Limit {
			return nil
		}
		q.After.Name = page[len(page)-1].Node.Name
	}
}

func (a *Archive) page(ctx context.Context, q ports.NodeQuery) (page []ports.Entry, versions map[core.AssetID]core.Version, err error) {
	if err := a.allowed(ctx, 0); err != nil {
		return nil, nil, err
	}
	err = a.s.store.View(ctx, func(tx ports.Tx) error {
		// If the whole folder has gone to the trash or to another drive, what is
		// found in it now would pass for all there is.
		if _, err := a.s.folder(ctx, tx, a.sc, a.id, nil); err != nil {
			return err
		}
		if page, err = tx.Listings.List(ctx, q); err != nil {
			return err
		}
		versions, err = currentOf(ctx, tx, a.sc.OrgID, page)
		return err
	})
	return page, versions, err
}

// allowed asks whether the caller still may, unless that was asked less than
// a while ago.
func (a *Archive) allowed(ctx context.Context, while time.Duration) error {
	if now := a.s.clock.Now(); now.Sub(a.asked) >= while {
		a.asked = now
		return a.again(ctx)
	}
	return nil
}

func (a *Archive) file(ctx context.Context, z *zip.Writer, prefix string, names *core.PortableNames, name string, v core.Version) (err error) {
	if err := a.allowed(ctx, askAgain); err != nil {
		return err
	}
	if a.Copy != nil {
		original := name
		name, v, err = a.Copy(ctx, name, v)
		switch {
		case errors.Is(err, core.ErrCannotWatermark):
			if a.lefts++; len(a.left) < maxLeft {
				a.left = append(a.left, prefix+core.PortableName(original))
			}
			return nil
		case errors.Is(err, core.ErrNotFound): // purged meanwhile
			return nil
		case err != nil:
			return err
		}
	}
	r, err := a.s.blobs.Open(ctx, v.BlobKey, 0, -1)
	if errors.Is(err, core.ErrBlobNotFound) {
		return nil // purged since its name was read
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	w, err := z.CreateHeader(&zip.FileHeader{Name: prefix + names.Add(name), Method: zip.Store, Modified: v.CreatedAt})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}
