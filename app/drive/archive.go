package drive

import (
	"archive/zip"
	"context"
	"errors"
	"io"
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
	asked time.Time                   // again, last
	s     *Service
}

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
	z := zip.NewWriter(w)
	if err := a.folder(ctx, z, a.id, "", 0); err != nil {
		return err
	}
	return z.Close()
}

func (a *Archive) folder(ctx context.Context, z *zip.Writer, id core.NodeID, prefix string, depth int) error {
	if depth > core.MaxDepth {
		return core.ErrTooDeep
	}
	names := core.NewPortableNames()
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
				if err := a.folder(ctx, z, n.ID, path, depth+1); err != nil {
					return err
				}
				continue
			}
			if v, ok := versions[n.ID]; ok {
				if err := a.file(ctx, z, prefix+names.Add(n.Name), &v); err != nil {
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

func (a *Archive) file(ctx context.Context, z *zip.Writer, path string, v *core.Version) (err error) {
	if err := a.allowed(ctx, askAgain); err != nil {
		return err
	}
	r, err := a.s.blobs.Open(ctx, v.BlobKey, 0, -1)
	if errors.Is(err, core.ErrBlobNotFound) {
		return nil // purged since its name was read
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	w, err := z.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Store, Modified: v.CreatedAt})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}
