package share

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// ResumeTTL is how long somebody may go on with a download.
const ResumeTTL = 24 * time.Hour

// Download is a signed URL and what it leads to. Of a quiet visit it has no URL.
type Download struct {
	URL         string
	FileName    string
	ContentType string
	SizeBytes   int64
	ExpiresAt   time.Time
	Resume      string // for going on with this download later: Visit.Resume
}

// Download counts a download of a file at or below the target (zero: the
// target), or of a file of a group, and returns its URL. inline asks for showing it in place, which only
// types that cannot run script get.
func (s *Service) Download(ctx context.Context, v Visit, file core.AssetID, inline bool) (Download, error) {
	at, err := s.open(ctx, v, core.AccessDownload, file)
	if err != nil {
		return Download{}, err
	}
	name, version, err := s.file(ctx, at, file)
	if err != nil {
		return Download{}, s.refuse(ctx, at, core.AccessDownload, file, err)
	}
	d := Download{FileName: name, ContentType: version.ContentType, SizeBytes: version.SizeBytes}
	granted := statement{[]byte("share-resume"), at.facts.Link.ID[:], version.AssetID[:]}
	continued := v.Resume != "" && s.holds(v.Resume, granted, at.now)
	if !continued {
		if err := s.count(ctx, at, core.AccessDownload, version.AssetID); err != nil {
			return Download{}, err
		}
	}
	if v.Quiet {
		return d, nil
	}
	if d.Resume = v.Resume; !continued {
		d.Resume = s.ticket(granted, at.now.Add(ResumeTTL))
	}
	d.ExpiresAt = at.now.Add(s.opts.DownloadTTL)
	r, err := s.blobs.SignGet(ctx, ports.GetSpec{
		Key: version.BlobKey, ContentType: d.ContentType, Expires: d.ExpiresAt,
		Disposition: core.ContentDisposition(inline && core.InlineSafe(d.ContentType), d.FileName),
	})
	d.URL = r.URL
	return d, err
}

// file returns the name and the current version of a file within the link's
// reach. Of a link to a single file all is known already, and so it is of a file
// of a group.
func (s *Service) file(ctx context.Context, at *arrival, id core.AssetID) (string, core.Version, error) {
	target := &at.facts.Node
	if at.facts.Link.OfGroup() {
		if target.ID.IsZero() || at.facts.Version.BlobKey == "" {
			return "", core.Version{}, core.ErrNotFound
		}
		return target.Name, at.facts.Version, nil
	}
	if id.IsZero() {
		id = target.ID
	}
	if id == target.ID && target.Kind == core.KindAsset {
		if at.facts.Version.BlobKey == "" { // its bytes have not arrived
			return "", core.Version{}, core.ErrShareUnavailable
		}
		return target.Name, at.facts.Version, nil
	}
	var n *core.Node
	var current map[core.AssetID]core.Version
	sc := at.facts.ScopeOf()
	err := s.store.View(ctx, func(tx ports.Tx) (err error) {
		if n, err = find(ctx, tx, sc, id, core.KindAsset); err != nil {
			return err
		}
		current, err = tx.Versions.Current(ctx, sc.OrgID, []core.AssetID{id})
		return err
	})
	if err != nil {
		return "", core.Version{}, err
	}
	v, ok := current[id]
	if !ok {
		return "", v, core.ErrNotFound
	}
	return n.Name, v, nil
}

// find returns a live node of that kind within the scope.
func find(ctx context.Context, tx ports.Tx, sc core.Scope, id core.NodeID, kind core.NodeKind) (*core.Node, error) {
	t, err := tx.Nodes.Trail(ctx, sc.DriveID, id)
	if err != nil {
		return nil, err
	}
	n, err := sc.Find(t)
	if err == nil && (n.Kind != kind || !t.Live()) {
		err = core.ErrNotFound
	}
	return n, err
}

// Archive is Enter for who downloads a folder at or below the target (zero: the
// target) as one file, which counts as one download. again says whether they
// still may, for as long as that takes: the password was shown at its start.
func (s *Service) Archive(ctx context.Context, v Visit, folder core.NodeID) (sc core.Scope, again func(context.Context) error, err error) {
	at, err := s.openDrive(ctx, v, core.AccessDownload, folder)
	if err != nil {
		return sc, nil, err
	}
	sc = at.facts.ScopeOf()
	if folder.IsZero() {
		folder = sc.Root
	}
	err = s.within(ctx, sc, folder)
	if errors.Is(err, core.ErrNotFound) && at.facts.Node.Kind == core.KindAsset && folder == sc.Root {
		err = errNotFolder
	}
	if err != nil {
		return sc, nil, s.refuse(ctx, at, core.AccessDownload, folder, err)
	}
	if err := s.count(ctx, at, core.AccessDownload, folder); err != nil {
		return sc, nil, err
	}
	if v.Quiet {
		sc.Rights = core.Rights{}
	}
	return sc, func(ctx context.Context) error { return s.still(ctx, at, folder) }, nil
}

// still refuses to go on if the link has ended since, or the folder has left it.
func (s *Service) still(ctx context.Context, since *arrival, folder core.NodeID) error {
	at, err := s.arrive(ctx, since.visit, core.AssetID{})
	if err != nil {
		return err
	}
	at.who.Password = since.who.Password
	if err := core.CanOpen(at.facts, at.who, at.now); err != nil {
		return err
	}
	if err := core.CanUse(&at.facts.Link, core.AccessDownload); err != nil {
		return err
	}
	return s.within(ctx, at.facts.ScopeOf(), folder)
}

// within refuses what is no live folder of the scope.
func (s *Service) within(ctx context.Context, sc core.Scope, folder core.NodeID) error {
	return s.store.View(ctx, func(tx ports.Tx) error {
		_, err := find(ctx, tx, sc, folder, core.KindFolder)
		return err
	})
}

var errNotFolder = &core.Error{Kind: core.KindConflict, Code: "not_a_folder", Message: "the link is to a file; only folders come as an archive"}
