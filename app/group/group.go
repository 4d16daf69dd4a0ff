package group

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Group is a group as it is shown.
type Group struct {
	core.Group

	CoverURL string // short-lived; empty: it has none
}

// coverTTL is how long the URL of a cover lives: pages are looked at for a while.
const coverTTL = time.Hour

func (s *Service) show(ctx context.Context, found ports.ListedGroup) (Group, error) {
	out := Group{Group: found.Group}
	if found.Cover.BlobKey == "" || !core.InlineSafe(found.Cover.ContentType) {
		return out, nil
	}
	r, err := s.Blobs.SignGet(ctx, ports.GetSpec{
		Key: found.Cover.BlobKey, ContentType: found.Cover.ContentType, Expires: s.Clock.Now().Add(coverTTL), Disposition: core.ContentDisposition(true, "cover"),
	})
	out.CoverURL = r.URL
	return out, err
}

func (s *Service) showAll(ctx context.Context, found []ports.ListedGroup) ([]Group, error) {
	out := make([]Group, len(found))
	for i := range found {
		var err error
		if out[i], err = s.show(ctx, found[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// entry returns a stored group as it is shown.
func (s *Service) entry(ctx context.Context, tx ports.Tx, g *core.Group) (Group, error) {
	found, err := tx.Groups.List(ctx, ports.GroupQuery{OrgID: g.OrgID, IDs: []core.GroupID{g.ID}, Deleted: g.Deleted(), Limit: 1})
	if err != nil {
		return Group{}, err
	}
	if len(found) == 0 { // deleted with another one
		return Group{Group: *g}, nil
	}
	return s.show(ctx, found[0])
}

// Input is a new group, as a client says it.
type Input struct {
	OrgID core.OrgID // zero: the actor's active one
	core.GroupChange

	Once *app.Once
}

// Create makes a group. It returns errors with the codes limit_exceeded and,
// for a group in another, feature_unavailable.
func (s *Service) Create(ctx context.Context, a core.Actor, in Input) (out Group, err error) {
	org := orgOf(a, in.OrgID)
	f, err := s.Access.ForOrg(ctx, a, org)
	if err != nil {
		return out, err
	}
	if err := core.CanInOrg(f, core.CreateGroups); err != nil {
		return out, err
	}
	now := s.Clock.Now()
	if err := in.Once.Find(ctx, s.Store, s.Secrets, now); err != nil {
		return out, err
	}
	c := in.GroupChange
	if err := s.clean(ctx, a, org, nil, &c); err != nil {
		return out, err
	}
	g := core.NewGroup(core.GroupID(s.IDs.NewID()), org, f.AccountID, c, now)
	err = in.Once.Do(ctx, s.Store, s.Secrets, now, func(tx ports.Tx) error {
		if err := tx.GroupTrees.Lock(ctx, org); err != nil {
			return err
		}
		license, err := s.license(ctx, tx, org)
		if err != nil {
			return err
		}
		if err := checkSharePassword(&license, c); err != nil {
			return err
		}
		if err := s.nest(ctx, tx, &license, g, 0); err != nil {
			return err
		}
		if err := tx.Groups.Add(ctx, g, license.Limits.MaxGroups); err != nil {
			return err
		}
		if err := s.did(ctx, tx, by{f, a}, "group.created", g, map[string]core.Change{"name": {To: g.Name}}, nil); err != nil {
			return err
		}
		if out, err = s.entry(ctx, tx, g); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.Secrets, out, now)
	})
	return out, err
}

// nest refuses the place of a group. The tree is locked; a group at the top needs
// nothing.
func (s *Service) nest(ctx context.Context, tx ports.Tx, license *core.License, g *core.Group, height int) error {
	if g.ParentID.IsZero() {
		return nil
	}
	if err := license.CheckFeature(core.FeatureGroupNesting); err != nil {
		return err
	}
	trail, err := tx.GroupTrees.Trail(ctx, g.OrgID, g.ParentID)
	if errors.Is(err, core.ErrNotFound) {
		return core.ErrNoGroupParent()
	}
	if err != nil {
		return err
	}
	return core.CheckNest(g.ID, trail, height)
}

// clean brings what is new of a change into the form in which it is stored.
// before is nil for a new group.
func (s *Service) clean(ctx context.Context, a core.Actor, org core.OrgID, before *core.Group, c *core.GroupChange) (err error) {
	if before == nil {
		before = &core.Group{}
	}
	if c.Name, err = core.CleanTitle("body.name", c.Name, s.Text.NFC); err != nil {
		return err
	}
	if c.Description, err = core.CleanProse("body.description", c.Description, core.MaxDescriptionBytes, s.Text.NFC); err != nil {
		return err
	}
	if c.Metadata, err = core.CleanMetadata("body.metadata", c.Metadata, s.Text.NFC); err != nil {
		return err
	}
	if c.Order, err = core.CleanGroupOrder("body.organisation", c.Order, s.Text.NFC); err != nil {
		return err
	}
	if c.SharePassword, err = s.hash(ctx, c.SharePassword); err != nil {
		return err
	}
	if !c.ParentID.IsZero() && c.ParentID != before.ParentID {
		if err := s.checkParent(ctx, a, org, c.ParentID); err != nil {
			return err
		}
	}
	if !c.CoverAssetID.IsZero() && c.CoverAssetID != before.CoverAssetID {
		return s.checkCover(ctx, a, org, c.CoverAssetID)
	}
	return nil
}

// hash returns what is stored of a password; of none, and of one that stays,
// that.
func (s *Service) hash(ctx context.Context, password *string) (*string, error) {
	if password == nil || *password == "" {
		return password, nil
	}
	if err := core.CheckSharePassword("body.share_password", *password); err != nil {
		return nil, err
	}
	hash, err := s.Passwords.Hash(ctx, *password)
	return &hash, err
}

// checkSharePassword refuses to set a password that the licence does not include.
func checkSharePassword(license *core.License, c core.GroupChange) error {
	if c.SharePassword == nil || *c.SharePassword == "" {
		return nil
	}
	return license.CheckFeature(core.FeaturePassword)
}

func (s *Service) checkParent(ctx context.Context, a core.Actor, org core.OrgID, id core.GroupID) error {
	f, err := s.Groups.ForGroup(ctx, a, id)
	if errors.Is(err, core.ErrNotFound) {
		return core.ErrNoGroupParent()
	}
	if err != nil {
		return err
	}
	return core.CheckGroupParent(f, org)
}

// checkCover refuses a picture that the actor could not show to others.
func (s *Service) checkCover(ctx context.Context, a core.Actor, org core.OrgID, id core.AssetID) error {
	bad := core.Invalid("body.cover_asset_id", "must be a picture of this organisation (PNG, JPEG, GIF, WebP, AVIF) that you may share")
	f, err := s.Access.ForAsset(ctx, a, id)
	if errors.Is(err, core.ErrNotFound) {
		return bad
	}
	if err != nil {
		return err
	}
	if f.OrgID != org || core.CanShare(f.DriveFacts) != nil || f.InTrash || f.Asset.Status != core.AssetReady || !core.IsPicture(f.Asset.ContentType) {
		return bad
	}
	return nil
}

// Get returns a group to those who may view it.
func (s *Service) Get(ctx context.Context, a core.Actor, id core.GroupID) (out Group, err error) {
	f, err := s.may(ctx, a, id, core.GroupView)
	if err != nil {
		return out, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		g, err := tx.Groups.Get(ctx, f.OrgID, id)
		if err != nil {
			return err
		}
		out, err = s.entry(ctx, tx, g)
		return err
	})
	return out, err
}

// Update replaces what people set of a group. ifMatch is the version that the
// client has seen, 0 for any. It returns core.ErrStale, core.ErrGroupCycle,
// core.ErrGroupTooDeep, and errors with the code feature_unavailable.
func (s *Service) Update(ctx context.Context, a core.Actor, id core.GroupID, c core.GroupChange, ifMatch int64) (out Group, err error) {
	f, err := s.may(ctx, a, id, core.GroupEdit)
	if err != nil {
		return out, err
	}
	before, err := s.Get(ctx, a, id)
	if err != nil {
		return out, err
	}
	if err := s.clean(ctx, a, f.OrgID, &before.Group, &c); err != nil {
		return out, err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.GroupTrees.Lock(ctx, f.OrgID); err != nil {
			return err
		}
		g, err := s.locked(ctx, tx, f, ifMatch)
		if err != nil {
			return err
		}
		if g.ParentID != before.ParentID || g.CoverAssetID != before.CoverAssetID { // what was checked is not what is replaced
			return core.ErrStale
		}
		if err := s.change(ctx, tx, by{f.OrgFacts, a}, f, g, c); err != nil {
			return err
		}
		out, err = s.entry(ctx, tx, g)
		return err
	})
	return out, err
}

func (s *Service) change(ctx context.Context, tx ports.Tx, who by, f core.GroupFacts, g *core.Group, c core.GroupChange) error {
	if err := core.CanChangeGroup(f, g, c); err != nil {
		return err
	}
	was := *g
	g.Change(c, s.Clock.Now())
	changes := groupChanges(&was, g)
	if len(changes) == 0 {
		*g = was
		return nil
	}
	license, err := s.license(ctx, tx, g.OrgID)
	if err != nil {
		return err
	}
	if err := checkSharePassword(&license, c); err != nil {
		return err
	}
	if was.ParentID != g.ParentID {
		height, err := tx.GroupTrees.Height(ctx, g.OrgID, g.ID)
		if err != nil {
			return err
		}
		if err := s.nest(ctx, tx, &license, g, height); err != nil {
			return err
		}
	}
	if err := tx.Groups.Save(ctx, g); err != nil {
		return err
	}
	return s.did(ctx, tx, who, "group.updated", g, changes, nil)
}
