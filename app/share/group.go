package share

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// FilePosition is where in a group a page of its files begins.
type FilePosition = ports.GroupPosition

// GroupName is where in a group a page of the groups in it begins.
type GroupName = ports.GroupName

// GroupInput says what of a group a visitor shall see.
type GroupInput struct {
	Kind        core.AccessKind // core.AccessView counts a view if the group is the link's; empty: for further pages
	Files       int             // at most; 0: none
	FilesAfter  FilePosition
	File        core.AssetID // only this one
	Groups      int          // at most; 0: none
	GroupsAfter GroupName
}

// GroupFile is a file of a group as visitors see it.
type GroupFile struct {
	ports.ListedGroupAsset

	PreviewURL string // of a picture that may be shown in place: see Preview
}

// Nested is a group as visitors see it.
type Nested struct {
	ports.NestedGroup

	CoverURL string // short-lived; empty: it has none, or the link shows nothing in place
}

// GroupContents is what a visitor sees of a group.
type GroupContents struct {
	Looked

	Itself Nested // of a link that is open
	Files  []GroupFile
	Groups []Nested
}

// LookGroup is Look for a link of a group, with what is in it if the link is
// open. Links into drives are core.ErrNotFound.
func (s *Service) LookGroup(ctx context.Context, v Visit, in GroupInput) (GroupContents, error) {
	at, l, err := s.look(ctx, v)
	switch {
	case err != nil:
		return GroupContents{}, err
	case !at.facts.Link.OfGroup():
		return GroupContents{}, core.ErrNotFound
	case !l.Open:
		return GroupContents{Looked: l}, nil
	}
	return s.contents(ctx, at, in)
}

// EnterGroup lets a visitor into the group of a link, or into one nested in it:
// v.Group. Only the link's own group counts a view. A quiet visit is shown
// nothing of what is in it.
func (s *Service) EnterGroup(ctx context.Context, v Visit, in GroupInput) (GroupContents, error) {
	at, err := s.open(ctx, v, core.AccessView, in.File)
	if err != nil {
		return GroupContents{}, err
	}
	l := &at.facts.Link
	if !l.OfGroup() {
		return GroupContents{}, s.refuse(ctx, at, core.AccessView, in.File, core.ErrNotFound)
	}
	if in.Kind == core.AccessView && at.facts.Group.Group.ID == l.GroupID {
		if err := s.count(ctx, at, core.AccessView, core.NodeID{}); err != nil {
			return GroupContents{}, err
		}
	}
	return s.contents(ctx, at, in)
}

// contents reads what is in the group that the visit is for.
func (s *Service) contents(ctx context.Context, at *arrival, in GroupInput) (GroupContents, error) {
	out := GroupContents{Looked: at.looked(true)}
	if at.visit.Quiet {
		return out, nil
	}
	g := &at.facts.Group.Group
	var current map[core.AssetID]core.Version
	err := s.store.View(ctx, func(tx ports.Tx) error {
		itself, err := tx.Groups.Nested(ctx, ports.NestedQuery{OrgID: g.OrgID, ID: g.ID, Limit: 1})
		if err != nil {
			return err
		}
		if len(itself) == 0 { // deleted at this moment
			return core.ErrNotFound
		}
		out.Itself.NestedGroup = itself[0]
		if in.Groups > 0 {
			found, err := tx.Groups.Nested(ctx, ports.NestedQuery{OrgID: g.OrgID, ParentID: g.ID, After: in.GroupsAfter, Limit: in.Groups})
			if err != nil {
				return err
			}
			for _, n := range found {
				out.Groups = append(out.Groups, Nested{NestedGroup: n})
			}
		}
		current, err = s.files(ctx, tx, at, in, &out)
		return err
	})
	if err != nil {
		return GroupContents{}, err
	}
	err = s.dress(ctx, at, current, &out)
	return out, err
}

// files reads a page of files, and the versions of those that may be shown in
// place.
func (s *Service) files(ctx context.Context, tx ports.Tx, at *arrival, in GroupInput, out *GroupContents) (map[core.AssetID]core.Version, error) {
	if in.Files == 0 {
		return nil, nil
	}
	g := &at.facts.Group.Group
	found, err := tx.GroupAssets.List(ctx, ports.GroupAssetQuery{GroupID: g.ID, Order: g.Order, AssetID: in.File, After: in.FilesAfter, Limit: in.Files})
	if err != nil {
		return nil, err
	}
	var pictures []core.AssetID
	for i := range found {
		if x := &found[i]; core.IsPicture(x.File.ContentType) {
			pictures = append(pictures, x.AssetID)
		}
		out.Files = append(out.Files, GroupFile{ListedGroupAsset: found[i]})
	}
	if !at.facts.Link.AllowsPreview() || len(pictures) == 0 {
		return nil, nil
	}
	return tx.Versions.Current(ctx, g.OrgID, pictures)
}

// dress signs the URLs of what is shown in place, where the link allows that,
// and takes away what it hides.
func (s *Service) dress(ctx context.Context, at *arrival, current map[core.AssetID]core.Version, out *GroupContents) error {
	l := &at.facts.Link
	groups := []*Nested{&out.Itself}
	for i := range out.Groups {
		groups = append(groups, &out.Groups[i])
	}
	for _, n := range groups {
		if !l.AllowViewMetadata {
			n.Metadata = core.Metadata{}
		}
		if n.Cover.BlobKey == "" || !l.AllowsPreview() || !core.IsPicture(n.Cover.ContentType) {
			continue
		}
		d, err := s.show(ctx, "cover", n.Cover, at.now)
		if err != nil {
			return err
		}
		n.CoverURL = d.URL
	}
	for i := range out.Files {
		x := &out.Files[i]
		if !l.AllowViewMetadata {
			Hide(&x.Entry)
		}
		v := current[x.AssetID]
		if v.BlobKey == "" || !core.IsPicture(v.ContentType) {
			continue
		}
		d, err := s.show(ctx, x.Node.Name, v, at.now)
		if err != nil {
			return err
		}
		x.PreviewURL = d.URL
	}
	return nil
}
