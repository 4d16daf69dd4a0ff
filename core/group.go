package core

import (
	"fmt"
	"slices"
	"time"
)

// What can go wrong with a group.
var (
	ErrGroupCycle      = &Error{Kind: KindConflict, Code: "group_into_itself", Message: "a group cannot be put into itself or into a group below it"}
	ErrGroupTooDeep    = Invalid("body.parent_id", "the group would be too deep: at most 32 levels")
	ErrGroupDeleted    = &Error{Kind: KindConflict, Code: "group_deleted", Message: "the group is deleted; restore it first"}
	ErrGroupNotDeleted = &Error{Kind: KindConflict, Code: "group_not_deleted", Message: "the group is not deleted by itself; what was deleted with another group comes back with that"}
	ErrAlreadyInGroup  = &Error{Kind: KindConflict, Code: "already_in_group", Message: "the file is in the group already"}
	ErrGroupLockout    = &Error{Kind: KindConflict, Code: "group_lockout", Message: "this would take rights on the group from yourself; add a row that gives your account all of them"}

	errGroupParent = Invalid("body.parent_id", "is no group of this organisation that you may edit")
)

// Limits of groups.
const (
	MaxGroupDepth    = 32 // levels of groups in each other
	MaxGroupSections = 50
	MaxGroupBulk     = 1_000 // files of each kind of change at once
	MaxGroupRows     = 500   // of a group's permissions
	MaxGroupCount    = 1_000 // up to which visitors of a link are told how much is in a group
)

// GroupID identifies a group.
type GroupID = ID[Group]

// GroupSort is an order of the files in a group.
type GroupSort string

// The orders of files, in each section of their group.
const (
	GroupByName   GroupSort = "name"   // by their titles, or else names
	GroupByDate   GroupSort = "date"   // what was added last comes first
	GroupByType   GroupSort = "type"   // by media type, then by name
	GroupByCustom GroupSort = "custom" // as people have put them
)

// GroupLayout is how an app shows a group.
type GroupLayout string

// The layouts.
const (
	GroupGrid    GroupLayout = "grid"
	GroupList    GroupLayout = "list"
	GroupGallery GroupLayout = "gallery"
)

// GroupOrder says how what is in a group is arranged.
type GroupOrder struct {
	Sections []string // their names, in order
	Sort     GroupSort
	Layout   GroupLayout
}

// Group is a selection of files of an org, wherever in its drives they are.
type Group struct {
	ID           GroupID
	OrgID        OrgID
	ParentID     GroupID // zero: at the top
	Name         string
	Description  string
	CoverAssetID AssetID // zero: none
	IsPublic     bool    // every active account of the org may view it
	Metadata     Metadata
	Order        GroupOrder
	CreatedBy    AccountID
	OwnerID      AccountID // who has the rights of its creator; zero once that account has left

	SharePasswordHash    string // for links that have none of their own; empty: none
	SharePasswordVersion int64  // counts the passwords it has had

	DeletedAt   time.Time
	DeletedWith GroupID // the group whose deletion took it along; itself, if it was that one
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// GroupChange is all of a group that its users set, clean.
type GroupChange struct {
	ParentID     GroupID
	Name         string
	Description  string
	CoverAssetID AssetID
	IsPublic     bool
	Metadata     Metadata
	Order        GroupOrder

	SharePassword *string // the hash of one; nil: as it is; empty: none
}

// NewGroup returns a group that an account makes.
func NewGroup(id GroupID, org OrgID, by AccountID, c GroupChange, now time.Time) *Group {
	g := &Group{ID: id, OrgID: org, CreatedBy: by, OwnerID: by, CreatedAt: now}
	g.Change(c, now)
	return g
}

// Change replaces what c has.
func (g *Group) Change(c GroupChange, now time.Time) {
	g.ParentID, g.Name, g.Description, g.CoverAssetID = c.ParentID, c.Name, c.Description, c.CoverAssetID
	g.IsPublic, g.Metadata, g.Order = c.IsPublic, c.Metadata, c.Order
	if c.SharePassword != nil && *c.SharePassword != g.SharePasswordHash {
		g.SharePasswordHash = *c.SharePassword
		g.SharePasswordVersion++ // ends what was opened with the one before
	}
	g.Touch(now)
}

// Touch makes another version of the group, as a change of what is in it does.
func (g *Group) Touch(now time.Time) {
	g.Version++
	g.UpdatedAt = now
}

// Deleted reports whether the group waits to be purged.
func (g *Group) Deleted() bool { return !g.DeletedAt.IsZero() }

// Delete deletes the group. What is nested in it the store takes along.
func (g *Group) Delete(now time.Time) error {
	if g.Deleted() {
		return ErrGroupDeleted
	}
	g.DeletedAt, g.DeletedWith = now, g.ID
	g.Touch(now)
	return nil
}

// Restore brings the group back, at the top unless its parent is live; the
// store brings back what went with it. What was deleted for so long that it is
// being purged is not there any more.
func (g *Group) Restore(parentLive bool, retention time.Duration, now time.Time) error {
	switch {
	case !g.Deleted() || g.DeletedWith != g.ID:
		return ErrGroupNotDeleted
	case !now.Before(g.DeletedAt.Add(retention)):
		return ErrNotFound
	}
	if !parentLive {
		g.ParentID = GroupID{}
	}
	g.DeletedAt, g.DeletedWith = time.Time{}, GroupID{}
	g.Touch(now)
	return nil
}

// CheckNest refuses to put a group under the last of trail, which has the groups
// from the top down. height counts the levels of groups below the group.
func CheckNest(id GroupID, trail []GroupID, height int) error {
	switch {
	case slices.Contains(trail, id):
		return ErrGroupCycle
	case len(trail)+1+height > MaxGroupDepth:
		return ErrGroupTooDeep
	}
	return nil
}

// CheckGroupParent refuses a parent in which an account may not put groups. What
// it cannot view is not there.
func CheckGroupParent(f GroupFacts, org OrgID) error {
	if f.OrgID != org || f.Deleted {
		return errGroupParent
	}
	if err := CanInGroup(f, GroupEdit); err != nil {
		if KindOf(err) == KindNotFound {
			return errGroupParent
		}
		return err
	}
	return nil
}

// ErrNoGroupParent returns the refusal of a parent that is not there.
func ErrNoGroupParent() error { return errGroupParent }

// CleanGroupOrder returns an order in its stored form: what is left out is by
// name, as a grid. Each section has a name of its own.
func CleanGroupOrder(location string, o GroupOrder, nfc NFC) (GroupOrder, error) {
	out := GroupOrder{Sort: o.Sort, Layout: o.Layout}
	if out.Sort == "" {
		out.Sort = GroupByName
	}
	if out.Layout == "" {
		out.Layout = GroupGrid
	}
	if len(o.Sections) > MaxGroupSections {
		return out, Invalid(location+".sections", "has more than 50 sections")
	}
	for i, raw := range o.Sections {
		at := fmt.Sprintf("%s.sections[%d]", location, i)
		name, err := CleanTitle(at, raw, nfc)
		if err != nil {
			return out, err
		}
		if slices.Contains(out.Sections, name) {
			return out, Invalid(at, "is there twice")
		}
		out.Sections = append(out.Sections, name)
	}
	return out, nil
}

// CheckSection refuses a section that the group has not; empty means none.
func (g *Group) CheckSection(location, section string) error {
	if section != "" && !slices.Contains(g.Order.Sections, section) {
		return Invalid(location, "is none of the group's sections")
	}
	return nil
}
