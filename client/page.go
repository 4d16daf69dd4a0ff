package client

import (
	"context"
	"iter"
)

// Pages yields the items of a list, page by page, as they are asked for. fetch
// gets a page: cursor is nil for the first one, and what it returns beside the
// items leads to the next; nil: there is none.
//
//	for node, err := range client.Pages(ctx, func(ctx context.Context, cursor *string) ([]client.Node, *string, error) {
//		page, err := c.ListNodes(ctx, drive, &client.ListNodesParams{Cursor: cursor})
//		if err != nil {
//			return nil, nil, err
//		}
//		return page.Items, page.NextCursor, nil
//	}) { … }
//
// An error is the last that is yielded.
func Pages[T any](ctx context.Context, fetch func(ctx context.Context, cursor *string) ([]T, *string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var cursor *string
		for {
			items, next, err := fetch(ctx, cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == nil || *next == "" {
				return
			}
			cursor = next
		}
	}
}
