package drive

import (
	"context"
	"maps"
	"slices"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// landBatch is how many files one job brings the bytes of.
const landBatch = 50

// Copy makes a copy of a node, with all that is in it, in a folder of the same
// org. What it needs is taken at once or not at all; the files are pending
// until a job has brought their bytes. Only current versions are copied, and
// nothing whose bytes have not arrived. It returns core.ErrNameTaken,
// core.ErrCycle, core.ErrTooDeep, core.ErrTooManyNodes, core.ErrAssetNotReady
// and the code limit_exceeded.
func (s *Service) Copy(ctx context.Context, sc core.Scope, id core.NodeID, to Target, once *app.Once) (e *ports.Entry, err error) {
	if err := sc.CanRead(); err != nil {
		return nil, err
	}
	if err := to.Scope.CanWrite(); err != nil {
		return nil, err
	}
	if to.Scope.OrgID != sc.OrgID {
		return nil, errOtherOrg
	}
	now := s.clock.Now()
	err = once.Do(ctx, s.store, s.secrets, now, func(tx ports.Tx) error {
		if err := tx.Drives.Lock(ctx, sc.OrgID, true, sc.DriveID, to.Scope.DriveID); err != nil {
			return err
		}
		c, err := s.clone(ctx, tx, sc, id, to)
		if err != nil {
			return err
		}
		room, err := app.RoomIn(ctx, tx, to.Scope.OrgID, to.Scope.DriveID, s.opts.Unlimited, now)
		if err != nil {
			return err
		}
		if err := room.Take(int64(len(c.files)), c.files...); err != nil {
			return err
		}
		if err := tx.Subtrees.Plant(ctx, c.folders, c.files); err != nil {
			return err
		}
		if err := s.planted(ctx, tx, to.Scope, c); err != nil {
			return err
		}
		if e, err = tx.Nodes.Get(ctx, to.Scope.DriveID, c.top.ID); err != nil {
			return err
		}
		return once.Keep(ctx, tx, s.secrets, e, now)
	})
	return e, err
}

// errOtherOrg refuses what would take files out of their org.
var errOtherOrg = core.Invalid("body.parent_id", "is in another organisation; download the file and upload it there")

// clone is a copy of a subtree, before it is stored.
type clone struct {
	source  core.NodeID
	top     *core.Node
	parent  core.Trail // of top
	height  int
	folders []*core.Node
	files   []ports.Planted
}

func (s *Service) clone(ctx context.Context, tx ports.Tx, sc core.Scope, id core.NodeID, to Target) (*clone, error) {
	n, t, err := s.change(ctx, tx, sc, id, 0)
	if err != nil {
		return nil, err
	}
	if !t.Live() {
		return nil, core.ErrNodeTrashed
	}
	entries, err := tx.Subtrees.Entries(ctx, sc.DriveID, id, maxTransfer)
	if err != nil {
		return nil, err
	}
	c := &clone{source: id}
	if c.parent, err = s.folder(ctx, tx, to.Scope, to.ParentID, nil); err != nil {
		return nil, atParent(err)
	}
	c.height = heightOf(entries)
	if c.parent.Within(n.ID) {
		return nil, core.ErrCycle
	}
	if err := c.parent.CheckParent(n.Kind, c.height); err != nil {
		return nil, err
	}
	name := n.Name
	if to.Name != nil {
		if name, err = core.CleanNodeName("body.name", *to.Name, s.text.NFC); err != nil {
			return nil, err
		}
	}
	draft := core.Node{Kind: n.Kind} // not n: a copy beside its source needs another name
	if name, err = s.free(ctx, tx, &draft, c.parent, name, to.OnConflict); err != nil {
		return nil, err
	}
	return c, s.fill(ctx, tx, c, entries, name, to.Scope)
}

// fill makes the nodes of a clone of those of its source, each after its parent.
func (s *Service) fill(ctx context.Context, tx ports.Tx, c *clone, entries []ports.Entry, name string, to core.Scope) error {
	versions, err := currentOf(ctx, tx, to.OrgID, entries)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	twin := map[core.NodeID]core.NodeID{entries[0].Node.ParentID: c.parent[0].ID}
	for i := range entries {
		from := &entries[i]
		n := core.Node{
			ID: core.NodeID(s.ids.NewID()), OrgID: to.OrgID, DriveID: to.DriveID, ParentID: twin[from.Node.ParentID], Kind: from.Node.Kind,
			Name: from.Node.Name, CreatedBy: to.By, Height: from.Node.Height, Version: 1, CreatedAt: now, UpdatedAt: now,
		}
		if i == 0 {
			n.Name = name
		}
		if n.Kind == core.KindFolder {
			twin[from.Node.ID] = n.ID
			c.folders = append(c.folders, &n)
			if i == 0 {
				c.top = &n
			}
			continue
		}
		v, ready := versions[from.Node.ID]
		if !ready {
			if i == 0 {
				return core.ErrAssetNotReady
			}
			continue
		}
		asset := &core.Asset{Node: n, File: core.File{
			Status: core.AssetPending, ContentType: v.ContentType, SizeBytes: v.SizeBytes, Newest: 1, Metadata: from.File.Metadata,
		}}
		if i == 0 {
			c.top = &asset.Node
		}
		c.files = append(c.files, ports.Planted{Asset: asset, Upload: core.NewCopy(core.UploadID(s.ids.NewID()), &v, asset, s.opts.Uploads, now)})
	}
	return nil
}

func currentOf(ctx context.Context, tx ports.Tx, org core.OrgID, entries []ports.Entry) (map[core.AssetID]core.Version, error) {
	const batch = 500
	all := make(map[core.AssetID]core.Version)
	var ids []core.AssetID
	for i := range entries {
		if entries[i].Node.Kind == core.KindAsset {
			ids = append(ids, entries[i].Node.ID)
		}
	}
	for some := range slices.Chunk(ids, batch) {
		versions, err := tx.Versions.Current(ctx, org, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, versions)
	}
	return all, nil
}

// heightOf counts the levels of folders below the first of the entries.
func heightOf(entries []ports.Entry) int {
	level, height := make(map[core.NodeID]int), 0
	for i := 1; i < len(entries); i++ {
		if n := &entries[i].Node; n.Kind == core.KindFolder {
			level[n.ID] = level[n.ParentID] + 1
			height = max(height, level[n.ID])
		}
	}
	return height
}

// planted writes a copy down and has its bytes brought.
func (s *Service) planted(ctx context.Context, tx ports.Tx, sc core.Scope, c *clone) error {
	if c.top.Kind == core.KindFolder {
		if err := tx.Nodes.Raise(ctx, c.parent, c.height); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(c.files, landBatch) {
		job := app.LandCopies{OrgID: sc.OrgID}
		for _, f := range some {
			job.Assets = append(job.Assets, f.Asset.ID)
		}
		if err := tx.Jobs.Enqueue(ctx, job); err != nil {
			return err
		}
	}
	now := s.clock.Now()
	details := map[string]core.Change{"name": {To: c.top.Name}, "parent_id": {To: c.top.ParentID}, "copy_of": {To: c.source}}
	if c.top.Kind == core.KindFolder { // a file is told of when its bytes are there
		if err := tx.Changes.Add(ctx, core.Changed(core.ChangeCreated, c.top, now)); err != nil {
			return err
		}
		if err := s.announce(ctx, tx, sc, core.ChangeCreated, c.top, details, now); err != nil {
			return err
		}
	}
	return s.record(ctx, tx, sc, string(c.top.Kind)+".copied", c.top, details, now)
}
