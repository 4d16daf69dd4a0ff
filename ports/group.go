package ports

import (
	"context"
	"iter"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// GroupAccess answers what decides a request about a group, like Access.
type GroupAccess interface {
	// ForGroup returns a group of any live org, deleted or not, and what decides
	// what the actor may do with it; one round trip. It refuses keys.
	ForGroup(ctx context.Context, a core.Actor, id core.GroupID) (core.GroupFacts, error)
}

// Groups stores groups. Another org's group is reported as core.ErrNotFound.
type Groups interface {
	// Add stores a new group and counts it, or returns an error with the code
	// limit_exceeded if the org has most already (core.Unlimited: there is no
	// limit). Concurrent calls never go over the limit together.
	Add(ctx context.Context, g *core.Group, most int64) error

	// Get returns the group, deleted or not, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.GroupID) (*core.Group, error)

	// Lock is Get, and nothing else changes the group or what is in it until the
	// unit of work ends. It is for Update only, and comes after GroupTrees.Lock.
	Lock(ctx context.Context, org core.OrgID, id core.GroupID) (*core.Group, error)

	// Save stores a changed group whose Version is one above the stored one, else
	// returns core.ErrStale. Files in sections that it has no more have none then.
	Save(ctx context.Context, g *core.Group) error

	// List returns groups, newest first.
	List(ctx context.Context, q GroupQuery) ([]ListedGroup, error)

	// Nested returns live groups in another one, by name, or one group, as those
	// see them who have a link.
	Nested(ctx context.Context, q NestedQuery) ([]NestedGroup, error)

	// Purge removes at most limit groups that were deleted at t or before, of any
	// live org, those last with which others were deleted, and counts them down; or
	// else at most limit rows of their links and these' logs, which go first. It
	// returns those that were deleted by themselves.
	Purge(ctx context.Context, t time.Time, limit int) (removed int, own []core.Group, err error)
}

// GroupQuery is a page of an org's groups. The zero value of a filter means any.
type GroupQuery struct {
	OrgID    core.OrgID
	IDs      []core.GroupID // only these; nil: any
	ParentID core.GroupID
	Text     string // part of the name, in any case
	Tag      string
	Deleted  bool // only those that were deleted by themselves; else only live ones
	Before   core.GroupID
	Limit    int
}

// NestedQuery is a page of the groups in one.
type NestedQuery struct {
	OrgID    core.OrgID
	ID       core.GroupID // only this one, wherever it is
	ParentID core.GroupID // else those in this one
	After    GroupName
	Limit    int
}

// GroupName is where in a list by name a group is: the zero one is before all.
type GroupName struct {
	Name string       `json:"n,omitempty"` // folded
	ID   core.GroupID `json:"i,omitzero"`
}

// NestedGroup is a group with what is in it. Its cover is one that is shown to
// those who view a group.
type NestedGroup struct {
	ListedGroup
	Assets int // that are shown, at most core.MaxGroupCount
	Groups int // in it, at most core.MaxGroupCount
	At     GroupName
}

// ListedGroup is a group as it is listed.
type ListedGroup struct {
	core.Group
	Cover core.Version // the current version of its cover, if there is one that is ready and not in the trash itself
}

// GroupTrees is about where the groups of an org are in each other.
type GroupTrees interface {
	// Lock keeps others from changing the org's tree of groups until the unit of
	// work ends. It is for Update only, and comes before any other lock.
	Lock(ctx context.Context, org core.OrgID) error

	// Trail returns the live groups from the top down to one, or core.ErrNotFound
	// if that is not live.
	Trail(ctx context.Context, org core.OrgID, id core.GroupID) ([]core.GroupID, error)

	// Height counts the levels of groups below one, deleted ones too.
	Height(ctx context.Context, org core.OrgID, id core.GroupID) (int, error)

	// Delete deletes what is live below a group that has just been deleted, with it.
	Delete(ctx context.Context, g *core.Group) error

	// Restore brings back what was deleted with a group that has just been restored.
	Restore(ctx context.Context, g *core.Group) error

	// Entries returns the live groups of an org as an account of that role stands
	// to them, or those that are deleted, too; by name.
	Entries(ctx context.Context, org core.OrgID, account core.AccountID, role core.OrgRole, deleted bool) ([]core.GroupEntry, error)
}

// GroupPermissions stores who may do what with groups.
type GroupPermissions interface {
	// List returns a group's rows: those for roles, then those for accounts.
	List(ctx context.Context, group core.GroupID) ([]core.GroupPermission, error)

	// Replace makes rows those of a group, which is locked. It returns
	// core.ErrNotFound if one is for an account that is not there.
	Replace(ctx context.Context, group core.GroupID, rows []core.GroupPermission) error

	// Facts returns what decides what an account of the org may do with a group of
	// it, or core.ErrNotFound. Nobody's credential is looked at.
	Facts(ctx context.Context, org core.OrgID, group core.GroupID, account core.AccountID) (core.GroupFacts, error)

	// Forget removes all rows for an account that leaves, and ends its rights as
	// the creator of groups.
	Forget(ctx context.Context, org core.OrgID, account core.AccountID) error
}

// GroupAssets stores what is in groups. The group is locked by whoever changes
// that.
type GroupAssets interface {
	// Add adds files of one group at its end, in their order. It returns
	// core.ErrAlreadyInGroup, core.ErrNotFound if a file is gone, and an error with
	// the code limit_exceeded if the group had more than most then.
	Add(ctx context.Context, most int64, files ...core.GroupAsset) error

	// Save stores what a file has in the group, or returns core.ErrNotFound.
	Save(ctx context.Context, x core.GroupAsset) error

	// Order puts files first, in that order, if position is 0; one file anywhere
	// else goes to that position among the others, or the end. All are in the
	// group, else it returns core.ErrNotFound.
	Order(ctx context.Context, group core.GroupID, position int, files ...core.AssetID) error

	// Remove takes files out of a group, or returns core.ErrNotFound if one of them
	// is not in it; then none may be taken to be removed.
	Remove(ctx context.Context, group core.GroupID, files ...core.AssetID) error

	// List returns files of a group in its order.
	List(ctx context.Context, q GroupAssetQuery) ([]ListedGroupAsset, error)

	// Candidates returns the nodes among ids that are of the org and not being
	// purged, with the account's standing.
	Candidates(ctx context.Context, org core.OrgID, account core.AccountID, ids []core.NodeID) (map[core.NodeID]core.GroupCandidate, error)

	// All yields every file that is listed to those who view a live group of the
	// org, file by file, with each of its groups. Nothing else is asked meanwhile.
	All(ctx context.Context, org core.OrgID) iter.Seq2[GroupFile, error]
}

// GroupFile says that a file is in a group.
type GroupFile struct {
	GroupID core.GroupID
	AssetID core.AssetID
}

// GroupAssetQuery is a page of what is in a group.
type GroupAssetQuery struct {
	GroupID core.GroupID
	Order   core.GroupOrder
	AssetID core.AssetID // only this one
	Hidden  bool         // also what is in the trash, not complete, or in a drive that goes
	After   GroupPosition
	Limit   int
}

// GroupPosition is where in its group a file is: the zero one is before all.
// What the order does not go by is zero.
type GroupPosition struct {
	Section string       `json:"s,omitempty"`
	Text    string       `json:"t,omitempty"` // its title, or else name
	Type    string       `json:"m,omitempty"`
	Number  int64        `json:"n,omitempty"`
	AssetID core.AssetID `json:"i,omitzero"`
}

// ListedGroupAsset is a file of a group with what is shown of it.
type ListedGroupAsset struct {
	core.GroupAsset
	Entry
	Hidden bool // see GroupAssetQuery
	At     GroupPosition
}
