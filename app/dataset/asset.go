package dataset

import (
	"context"
	"fmt"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// FileRef is a file of any drive that the actor may read, under a path of the
// dataset.
type FileRef struct {
	Path    string // empty: the file's name
	AssetID core.AssetID
	Place   int // in the request, from 0
}

// Intake is a session that takes files of an actor. The handler has
// asset.Service.CreateMany make the files, which calls Keep.
type Intake struct {
	OrgID   core.OrgID
	DriveID core.DriveID

	s     *Service
	facts core.DatasetFacts
	actor core.Actor
	id    core.IngestSessionID
	refs  []FileRef
	taken []core.SessionFile
}

// Intake opens a session for files and for references to some that are there
// already. It returns core.ErrSessionClosed, and core.ErrSessionBusy.
func (s *Service) Intake(ctx context.Context, a core.Actor, id core.IngestSessionID, refs []FileRef) (*Intake, error) {
	f, session, err := s.session(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if err := session.CheckOpen(s.Clock.Now()); err != nil {
		return nil, err
	}
	in := &Intake{OrgID: f.OrgID, DriveID: f.Dataset.DriveID, s: s, facts: f, actor: a, id: id, refs: refs}
	return in, s.Store.Update(ctx, func(tx ports.Tx) error { // who was given the right since has not begun a session
		if err := stays(ctx, tx, f.OrgFacts); err != nil {
			return err
		}
		return s.letIn(ctx, tx, f.OrgFacts, &f.Dataset, s.Clock.Now())
	})
}

// Keep makes files, and what the references lead to, files of the session, in
// the unit of work that stores them.
func (in *Intake) Keep(ctx context.Context, tx ports.Tx, files []core.SessionFile) error {
	now := in.s.Clock.Now()
	session, err := tx.IngestSessions.Lock(ctx, in.OrgID, in.id)
	if err != nil {
		return err
	}
	if err := session.CheckOpen(now); err != nil {
		return err
	}
	taken, err := in.referred(ctx, tx)
	if err != nil {
		return err
	}
	in.taken = taken
	all := append(append([]core.SessionFile(nil), files...), taken...)
	seen := make(map[string]bool, len(all))
	for i := range all {
		if seen[all[i].Path] {
			return core.Invalid("body.assets", "has two files of the path "+all[i].Path)
		}
		seen[all[i].Path] = true
		all[i].SessionID, all[i].OrgID = in.id, in.OrgID
	}
	if err := tx.IngestSessions.PutFiles(ctx, all); err != nil {
		return err
	}
	session.Touch(now)
	if err := tx.IngestSessions.Save(ctx, session); err != nil {
		return err
	}
	changes := map[string]core.Change{"session": {To: in.id.String()}, "assets": {To: len(all)}}
	return in.s.record(ctx, tx, by{in.facts.OrgFacts, in.actor}, "dataset.assets_registered", target(in.facts.Dataset.ID), changes, now)
}

// referred returns the files that the references lead to, at their current
// versions.
func (in *Intake) referred(ctx context.Context, tx ports.Tx) ([]core.SessionFile, error) {
	ids := make([]core.AssetID, len(in.refs))
	for i, ref := range in.refs {
		ids[i] = ref.AssetID
	}
	there, err := tx.GroupAssets.Candidates(ctx, in.OrgID, in.facts.AccountID, ids)
	if err != nil {
		return nil, err
	}
	assets, err := tx.Assets.Many(ctx, in.OrgID, ids)
	if err != nil {
		return nil, err
	}
	files := make([]core.SessionFile, len(in.refs))
	for i, ref := range in.refs {
		at := fmt.Sprintf("body.assets[%d]", ref.Place)
		c, ok := there[ref.AssetID]
		switch {
		case !ok || c.Kind != core.KindAsset || assets[ref.AssetID] == nil || !c.Role().AtLeast(core.DriveViewer):
			return nil, core.Invalid(at+".asset_id", "is no file of the organisation that you may read")
		case !c.Live:
			return nil, core.Invalid(at+".asset_id", "is in the trash; restore it first")
		case c.Status != core.AssetReady:
			return nil, core.Invalid(at+".asset_id", "has no complete version yet; finish its upload first")
		}
		asset, path := assets[ref.AssetID], ref.Path
		if path == "" {
			path = asset.Name
		}
		if path, err = core.CleanAssetPath(at+".path", path, in.s.Text.NFC); err != nil {
			return nil, err
		}
		files[i] = core.SessionFile{Path: path, AssetID: asset.ID, Number: asset.Current}
	}
	return files, nil
}

// Taken returns the files that the references have become, in their order, with
// their assets.
func (in *Intake) Taken(ctx context.Context) (files []core.SessionFile, assets map[core.AssetID]*core.Asset, err error) {
	ids := make([]core.AssetID, len(in.taken))
	for i, f := range in.taken {
		ids[i] = f.AssetID
	}
	err = in.s.Store.View(ctx, func(tx ports.Tx) error {
		assets, err = tx.Assets.Many(ctx, in.OrgID, ids)
		return err
	})
	return in.taken, assets, err
}
