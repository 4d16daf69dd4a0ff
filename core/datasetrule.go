package core

import (
	"fmt"
	"strings"
)

// DatasetRights is a set of what an account may do with a dataset.
type DatasetRights uint8

// The rights. Whoever has any other may view, too. The last cannot be granted:
// owners and admins of the org have it, and who has made the dataset.
const (
	DatasetView     DatasetRights = 1 << iota
	DatasetAnnotate               // write annotations
	DatasetPublish                // ingest and publish, and see what is not published
	DatasetManage                 // change and delete it, its grants, and see its access log

	NoDatasetRights        DatasetRights = 0
	GrantableDatasetRights               = DatasetView | DatasetAnnotate | DatasetPublish
	AllDatasetRights                     = GrantableDatasetRights | DatasetManage
)

var datasetRightNames = [...]string{"view", "annotate", "publish", "manage"}

// Has reports whether all of want are in the set.
func (r DatasetRights) Has(want DatasetRights) bool { return r&want == want }

// Names returns the names of the rights, in their order.
func (r DatasetRights) Names() []string {
	names := make([]string, 0, len(datasetRightNames))
	for i, name := range datasetRightNames {
		if r.Has(1 << i) {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names of the rights with commas between them.
func (r DatasetRights) String() string { return strings.Join(r.Names(), ",") }

// DatasetGrant gives a role in the org, or one account, rights on a dataset.
type DatasetGrant struct {
	Role      OrgRole   // empty: for the account
	AccountID AccountID // zero: for the role
	Rights    DatasetRights
}

// Publishes reports whether the grant lets somebody publish.
func (g DatasetGrant) Publishes() bool { return g.Rights.Has(DatasetPublish) }

// CheckDatasetGrants refuses grants that say nothing, or contradict another.
func CheckDatasetGrants(grants []DatasetGrant) error {
	if len(grants) > MaxDatasetGrants {
		return Invalid("body.grants", "has more than 500 grants")
	}
	type grantee struct {
		role    OrgRole
		account AccountID
	}
	seen := make(map[grantee]bool, len(grants))
	for i, g := range grants {
		at := fmt.Sprintf("body.grants[%d]", i)
		to := grantee{g.Role, g.AccountID}
		switch {
		case (g.Role == "") == g.AccountID.IsZero():
			return Invalid(at, "needs role or account_id, and not both")
		case g.Role != "" && g.Role != OrgMember && g.Role != OrgViewer:
			return Invalid(at+".role", "must be member or viewer: owners and admins have all rights")
		case !GrantableDatasetRights.Has(g.Rights) || !g.Rights.Has(DatasetView):
			return Invalid(at+".rights", "must be some of view, annotate and publish; view is needed for each of the others")
		case g.Role == OrgViewer && g.Rights.Has(DatasetPublish):
			return Invalid(at+".rights", "viewers of the organisation publish nothing")
		case seen[to]:
			return Invalid(at, "is the second grant for the same role or account")
		}
		seen[to] = true
	}
	return nil
}

// DatasetFacts is what decides what an actor may do with a dataset.
type DatasetFacts struct {
	OrgFacts

	Dataset Dataset        // without its description and schemas
	Creator bool           // the dataset's OwnerID is the account
	Account *DatasetRights // the grant for the account; nil: none
	ByRole  *DatasetRights // the grant for its role; nil: none
}

// Rights returns what the account may do. A grant for the account decides in place
// of one for its role; what every account of the org may is on top of either.
func (f DatasetFacts) Rights() DatasetRights {
	switch {
	case f.Status != AccountActive:
		return NoDatasetRights
	case f.Role == OrgOwner, f.Role == OrgAdmin, f.Creator && f.Role.May(UploadAssets):
		return AllDatasetRights
	}
	var rights DatasetRights
	if f.Dataset.Visibility == VisibleToOrg {
		rights = DatasetView
		if f.Role.May(UploadAssets) {
			rights |= DatasetAnnotate
		}
	}
	switch {
	case f.Account != nil:
		rights |= *f.Account
	case f.ByRole != nil:
		rights |= *f.ByRole
	}
	if !f.Role.May(UploadAssets) {
		rights &^= DatasetPublish
	}
	return rights
}

// CanInDataset refuses what needs more rights than the actor has. A dataset that
// it may not view does not exist, nor, for those who do not publish, one that is
// not published.
func CanInDataset(f DatasetFacts, want DatasetRights) error {
	if err := CanInOrg(f.OrgFacts, ViewOrg); err != nil {
		return err
	}
	rights := f.Rights()
	switch {
	case f.Dataset.ID.IsZero(), !f.Dataset.DeletedAt.IsZero(), !rights.Has(DatasetView),
		f.Dataset.Status != DatasetPublished && !rights.Has(DatasetPublish):
		return ErrNotFound
	case f.Dataset.Status == DatasetArchived && want&(DatasetPublish|DatasetAnnotate) != 0 && rights.Has(want):
		return ErrDatasetArchived
	}
	return allowed(rights.Has(want))
}

// CanSeeItems refuses to show items where nobody has published any, or to whom
// the dataset is not shown.
func CanSeeItems(f DatasetFacts) error {
	if err := CanInDataset(f, DatasetView); err != nil {
		return err
	}
	if f.Dataset.CurrentVersion == 0 {
		return ErrDatasetUnpublished
	}
	return nil
}
