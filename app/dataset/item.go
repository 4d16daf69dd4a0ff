package dataset

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// ItemPosition is where a page of items begins: in a version, which stays the
// same from the first page to the last, whatever is published meanwhile.
type ItemPosition struct {
	Number int64
	After  core.DatasetItemID
}

// ItemQuery is a page of a dataset's items. The zero value of a filter means any.
type ItemQuery struct {
	DatasetID core.DatasetID
	Number    int64 // of the version; 0: the current one
	Type      string
	Tag       string
	Text      string // words, of which the last may be the beginning of one
	From      ItemPosition
	Limit     int
}

// ListedItem is an item with its files.
type ListedItem = ports.ListedItem

// Items is a page of items.
type Items struct {
	Number int64 // of the version
	Items  []ports.ListedItem
	Next   ItemPosition // zero: there is no next page
}

// Items returns a page of items, in the order of their manifest. One with fewer
// than it may have is the last only if Next says so.
func (s *Service) Items(ctx context.Context, a core.Actor, q ItemQuery) (Items, error) {
	f, err := s.may(ctx, a, q.DatasetID, core.DatasetView)
	if err != nil {
		return Items{}, err
	}
	out, err := s.items(ctx, f, q)
	if err != nil {
		return out, err
	}
	return out, s.note(ctx, f, a, core.DatasetAccess{Kind: core.DatasetListed, Number: out.Number})
}

func (s *Service) items(ctx context.Context, f core.DatasetFacts, q ItemQuery) (out Items, err error) {
	if q.From.Number != 0 {
		q.Number = q.From.Number
	}
	if out.Number, err = numbered(f, q.Number); err != nil {
		return out, err
	}
	var words []string
	if q.Text != "" {
		if words, err = core.SearchWords("query.q", q.Text); err != nil {
			return out, err
		}
	}
	page, err := s.Access.Items(ctx, ports.ItemQuery{
		Dataset: f.Dataset.ID, Number: out.Number, Type: q.Type, Tag: q.Tag, Words: words, After: q.From.After, Limit: q.Limit,
	})
	if out.Items = page.Items; !page.Next.IsZero() {
		out.Next = ItemPosition{out.Number, page.Next}
	}
	return out, err
}

// Item returns an item of a published version to those who may view it.
func (s *Service) Item(ctx context.Context, a core.Actor, id core.DatasetItemID) (core.ItemFacts, error) {
	f, err := s.item(ctx, a, id, core.DatasetView)
	if err != nil {
		return f, err
	}
	return f, s.note(ctx, f.DatasetFacts, a, core.DatasetAccess{Kind: core.DatasetViewed, Number: f.Number, ItemID: id})
}

func (s *Service) item(ctx context.Context, a core.Actor, id core.DatasetItemID, want core.DatasetRights) (core.ItemFacts, error) {
	f, err := s.Access.ForItem(ctx, a, id)
	if err != nil {
		return f, err
	}
	return f, core.CanInDataset(f.DatasetFacts, want)
}
