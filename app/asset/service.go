// Package asset holds the use cases of files: uploading, describing,
// downloading and deleting them, and what keeps the blob store in step.
package asset

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	Unlimited    bool // no licence limits
	Uploads      core.UploadTimes
	DownloadTTL  time.Duration // of a signed download URL
	Installation string        // whose blobs these are, see Claim
	Derives      bool          // pictures and texts of files that become ready

	claimAgain time.Duration // core.UploadClaimAgain; tests have less patience
}

// Deps are the ports the service works on.
type Deps struct {
	Store   ports.Store
	Hot     ports.Hot
	Blobs   ports.Blobs
	Deriver ports.Deriver
	Secrets ports.Secrets
	Clock   ports.Clock
	IDs     ports.IDs
	Text    ports.Text
}

// Service runs the asset use cases. It is safe for concurrent use.
type Service struct {
	store   ports.Store
	hot     ports.Hot
	blobs   ports.Blobs
	deriver ports.Deriver
	secrets ports.Secrets
	clock   ports.Clock
	ids     ports.IDs
	text    ports.Text
	opts    Options
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service {
	if opts.claimAgain == 0 {
		opts.claimAgain = core.UploadClaimAgain
	}
	return &Service{
		store: d.Store, hot: d.Hot, blobs: d.Blobs, deriver: d.Deriver, secrets: d.Secrets, clock: d.Clock, ids: d.IDs, text: d.Text, opts: opts,
	}
}

// Get returns an asset, trashed or not. org zero means whichever it is in.
func (s *Service) Get(ctx context.Context, a core.Actor, org core.OrgID, id core.AssetID) (*core.Asset, error) {
	f, err := s.facts(ctx, a, org, id)
	if err != nil {
		return nil, err
	}
	if err := core.CanInDrive(f.DriveFacts, core.DriveViewer); err != nil {
		return nil, err
	}
	return &f.Asset, nil
}

// ListInput is a page of an org's assets.
type ListInput struct {
	OrgID  core.OrgID
	Status core.AssetStatus
	Type   string
	Tag    string
	Text   string
	Before core.AssetID
	Limit  int
}

// List returns the live assets of an org that the actor may read, newest first;
// to an API key those of its drive.
func (s *Service) List(ctx context.Context, a core.Actor, in ListInput) ([]*core.Asset, error) {
	account, drive, err := s.among(ctx, a, in.OrgID, core.DriveViewer)
	if err != nil {
		return nil, err
	}
	var assets []*core.Asset
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		assets, err = tx.Assets.List(ctx, ports.AssetQuery{
			OrgID: in.OrgID, AccountID: account, DriveID: drive, Status: in.Status, Type: core.Fold(in.Type),
			Tag: s.text.NFC(in.Tag), Text: s.text.NFC(in.Text), Before: in.Before, Limit: in.Limit,
		})
		return err
	})
	return assets, err
}

// among refuses those for whom the org does not exist, and an API key that may
// not do what the role in its drive allows. It returns the account that the
// actor has there and, of a key, the one drive there is.
func (s *Service) among(ctx context.Context, a core.Actor, org core.OrgID, role core.DriveRole) (core.AccountID, core.DriveID, error) {
	if !a.ByKey() {
		f, err := s.hot.ForOrg(ctx, a, org)
		if err != nil {
			return core.AccountID{}, core.DriveID{}, err
		}
		return f.AccountID, core.DriveID{}, core.CanInOrg(f, core.ViewOrg)
	}
	f, err := s.hot.ForDrive(ctx, a, core.DriveID{})
	if err != nil {
		return core.AccountID{}, core.DriveID{}, err
	}
	if f.OrgID != org {
		return core.AccountID{}, core.DriveID{}, errors.Join(f.Check(), core.ErrNotFound)
	}
	return f.AccountID, f.DriveID, core.CanInDrive(f, role)
}

// Usage is what an org's files take of its licence.
type Usage struct {
	core.OrgUsage
	Limits core.Limits
}

// Usage returns what an org uses and may use.
func (s *Service) Usage(ctx context.Context, a core.Actor, org core.OrgID) (Usage, error) {
	f, err := s.hot.ForOrg(ctx, a, org)
	if err != nil {
		return Usage{}, err
	}
	if err := core.CanInOrg(f, core.ViewOrg); err != nil {
		return Usage{}, err
	}
	var out Usage
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		if out.OrgUsage, err = tx.Orgs.Usage(ctx, org); err != nil {
			return err
		}
		license, err := tx.Licenses.InForce(ctx, org, s.clock.Now())
		out.Limits = license.Limits
		return err
	})
	if s.opts.Unlimited {
		out.Limits = core.UnlimitedLicense().Limits
	}
	return out, err
}

// Change is what an update leaves alone (nil) or sets.
type Change struct {
	Name     *string
	Metadata *core.Metadata
	IfMatch  int64 // the version the client has seen; 0: any
}

// Update renames an asset or describes it. It returns core.ErrNameTaken, and
// core.ErrStale if the asset is not at the version the client has seen.
func (s *Service) Update(ctx context.Context, a core.Actor, org core.OrgID, id core.AssetID, c Change) (*core.Asset, error) {
	f, err := s.facts(ctx, a, org, id)
	if err != nil {
		return nil, err
	}
	if err := core.CanChangeAsset(f); err != nil {
		return nil, err
	}
	if err := s.cleanChange(&c); err != nil {
		return nil, err
	}
	return s.change(ctx, f, c.IfMatch, func(tx ports.Tx, asset *core.Asset, now time.Time) error {
		if f.InTrash || asset.Trashed() {
			return core.ErrAssetTrashed
		}
		changes := make(map[string]core.Change)
		if c.Name != nil && *c.Name != asset.Name {
			changes["name"] = core.Change{From: asset.Name, To: *c.Name}
			asset.Rename(*c.Name, now)
		}
		if c.Metadata != nil {
			changes["metadata"] = core.Change{From: shown(asset.Metadata), To: shown(*c.Metadata)}
			asset.Describe(*c.Metadata, now)
		}
		if len(changes) == 0 {
			return nil
		}
		return s.record(ctx, tx, authorOf(f.DriveFacts, a), "asset.updated", id, changes, now)
	})
}

func (s *Service) cleanChange(c *Change) error {
	if c.Name != nil {
		name, err := core.CleanNodeName("body.name", *c.Name, s.text.NFC)
		if err != nil {
			return err
		}
		c.Name = &name
	}
	if c.Metadata != nil {
		m, err := core.CleanMetadata("body.metadata", *c.Metadata, s.text.NFC)
		if err != nil {
			return err
		}
		c.Metadata = &m
	}
	return nil
}

// attempts is how often a change that its client did not tie to a version is
// tried again when somebody else was faster.
const attempts = 5

// change loads an asset, lets edit change it, and saves it as one unit of work.
func (s *Service) change(
	ctx context.Context, f core.AssetFacts, ifMatch int64, edit func(ports.Tx, *core.Asset, time.Time) error,
) (asset *core.Asset, err error) {
	drive := f.DriveID
	for range attempts {
		err = s.store.Update(ctx, func(tx ports.Tx) (err error) {
			if asset, drive, err = lock(ctx, tx, f.OrgID, drive, f.Asset.ID); err != nil {
				return err
			}
			if ifMatch != 0 && ifMatch != asset.Node.Version {
				return core.ErrStale
			}
			before, name, now := asset.Node.Version, asset.Name, s.clock.Now()
			if err := edit(tx, asset, now); err != nil || asset.Node.Version == before {
				return err
			}
			// Several steps may each have counted; stored is one change.
			asset.Node.Version = before + 1
			if err := tx.Assets.Save(ctx, asset); err != nil {
				return err
			}
			kind := core.ChangeUpdated
			if asset.Name != name {
				kind = core.ChangeMoved
			}
			if err := follow(ctx, tx, kind, asset, now); err != nil || asset.Status != core.AssetReady {
				return err
			}
			return s.emit(ctx, tx, "asset.updated", asset, now)
		})
		if err == nil {
			return asset, nil
		}
		if ifMatch != 0 || !errors.Is(err, core.ErrStale) {
			break
		}
	}
	return nil, err
}

// lock takes the drive that an asset is thought to be in, then the asset as it
// is now. If it has gone to another drive, that is returned with core.ErrStale.
func lock(ctx context.Context, tx ports.Tx, org core.OrgID, drive core.DriveID, id core.AssetID) (*core.Asset, core.DriveID, error) {
	if err := tx.Drives.Lock(ctx, org, false, drive); err != nil {
		return nil, drive, err
	}
	asset, err := tx.Assets.Get(ctx, org, id)
	if err == nil && asset.DriveID != drive {
		return nil, asset.DriveID, core.ErrStale
	}
	return asset, drive, err
}

// follow tells those who follow the drive. They hear of a file once it has bytes.
func follow(ctx context.Context, tx ports.Tx, kind core.ChangeKind, asset *core.Asset, now time.Time) error {
	if asset.Status != core.AssetReady {
		return nil
	}
	return tx.Changes.Add(ctx, core.Changed(kind, &asset.Node, now))
}

// emit tells those outside of what has happened to a file that has bytes.
func (s *Service) emit(ctx context.Context, tx ports.Tx, kind string, asset *core.Asset, now time.Time) error {
	return app.Emit(ctx, tx, s.event(kind, asset, now))
}

func (s *Service) event(kind string, asset *core.Asset, now time.Time) *core.Event {
	data := app.NodeData(&asset.Node)
	data["asset_id"], data["version"] = asset.ID.String(), asset.Current
	data["content_type"], data["size_bytes"] = asset.ContentType, asset.SizeBytes
	return core.NewEvent(s.ids.NewID(), asset.OrgID, kind, data, now)
}

// facts returns what decides about an asset; another org's is not there.
func (s *Service) facts(ctx context.Context, a core.Actor, org core.OrgID, id core.AssetID) (core.AssetFacts, error) {
	f, err := s.hot.ForAsset(ctx, a, id)
	if err != nil {
		return f, err
	}
	if !org.IsZero() && f.OrgID != org {
		// Whether the session still stands is told first, as for any other id.
		return f, errors.Join(f.Check(), core.ErrNotFound)
	}
	return f, nil
}
