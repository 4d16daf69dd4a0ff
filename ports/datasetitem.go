package ports

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
)

// DatasetItems stores the items of versions.
type DatasetItems interface {
	// ByExternalID returns items of a version in the order of their external ids
	// (as bytes), those after one.
	ByExternalID(ctx context.Context, version core.DatasetVersionID, after string, limit int) ([]*core.DatasetItem, error)
}

// ItemReads are reads of items on the way of each viewer: one statement each.
type ItemReads interface {
	// ForItem returns an item of a published version, and what decides about it;
	// core.ErrNotFound if there is none. It refuses keys.
	ForItem(ctx context.Context, a core.Actor, id core.DatasetItemID) (core.ItemFacts, error)

	// ForItemFile returns the file of an item that has the role, and what decides
	// about it, like ForItem. Without such a file the key of it is empty.
	ForItemFile(ctx context.Context, a core.Actor, id core.DatasetItemID, role string) (core.ItemFileFacts, error)

	// ForShownAsset returns what decides about an asset that a published version of
	// some dataset shows to the actor: of several, the newest of its versions. If
	// none does, it returns core.ErrNotFound. It refuses keys.
	ForShownAsset(ctx context.Context, a core.Actor, id core.AssetID) (core.ItemFileFacts, error)

	// Items returns a page of a published version's items, in the order of its
	// manifest, with their files. What it costs does not depend on how far the page
	// is from the first, nor on how many items there are: where few of those looked
	// at are found, a page can have less than it may while more follow.
	Items(ctx context.Context, q ItemQuery) (ItemPage, error)
}

// ItemQuery is a page of a version's items. The zero value of a filter means any.
type ItemQuery struct {
	Dataset core.DatasetID
	Number  int64 // of the version
	Type    string
	Tag     string
	Words   []string // all of them, as core.SearchWords has them: the last may be the beginning of one
	After   core.DatasetItemID
	Limit   int
}

// ListedItem is an item with its files.
type ListedItem struct {
	core.DatasetItem

	Files []core.ItemFile
}

// ItemPage is a page of items.
type ItemPage struct {
	Items []ListedItem
	// Next is after which item the next page begins; zero: there is none.
	Next core.DatasetItemID
}
