package ports

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
)

// NewItem is an item that is being stored, with the words it is found by.
type NewItem struct {
	core.DatasetItem

	Words []string // each once
}

// IngestItems stores the items of versions that nobody sees yet.
type IngestItems interface {
	// Store adds items of one version, whose ids are in their order.
	Store(ctx context.Context, items []NewItem) error
}
