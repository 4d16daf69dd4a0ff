package dataset

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	diffChunk = 500    // items of a version that are in memory at a time
	diffMost  = 20_000 // items that are compared before a page ends with what was found
)

// DiffQuery is a page of what differs between two versions.
type DiffQuery struct {
	DatasetID core.DatasetID
	From, To  int64  // numbers of versions; To 0: the current one
	After     string // the external id up to which has been compared
	Limit     int
}

// ItemChange is an item that differs.
type ItemChange struct {
	ExternalID string
	Change     string            // added, removed or changed
	Fields     []string          // of a changed one: type, title, tags, data, assets
	From, To   *core.DatasetItem // nil: not there
}

// Diff is a page of what differs, by external id.
type Diff struct {
	From, To int64
	Changes  []ItemChange
	Next     string // where the next page begins; empty: there is none
}

// Diff compares two versions in one walk along the external ids of both. A page
// with fewer changes than it may have is the last only if Next says so.
func (s *Service) Diff(ctx context.Context, a core.Actor, q DiffQuery) (Diff, error) {
	f, err := s.may(ctx, a, q.DatasetID, core.DatasetView)
	if err != nil {
		return Diff{}, err
	}
	out := Diff{}
	if q.From == 0 {
		return out, core.Invalid("query.from", "must be the number of a version")
	}
	if out.From, err = numbered(f, q.From); err != nil {
		return out, err
	}
	if out.To, err = numbered(f, q.To); err != nil {
		return out, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error {
		from, err := newItemWalk(ctx, tx, q.DatasetID, out.From, q.After)
		if err != nil {
			return err
		}
		to, err := newItemWalk(ctx, tx, q.DatasetID, out.To, q.After)
		if err != nil {
			return err
		}
		return out.walk(from, to, q.Limit)
	})
	if err != nil || q.After != "" {
		return out, err
	}
	return out, s.note(ctx, f, a, core.DatasetAccess{Kind: core.DatasetCompared, Number: out.To})
}

func (d *Diff) walk(from, to *itemWalk, limit int) error {
	for n := 0; ; n++ {
		was, err := from.head()
		if err != nil {
			return err
		}
		is, err := to.head()
		if err != nil {
			return err
		}
		if was == nil && is == nil {
			return nil
		}
		if len(d.Changes) == limit || n == diffMost {
			d.Next = max(from.last, to.last)
			return nil
		}
		var order int
		switch {
		case was == nil:
			order = 1
		case is == nil:
			order = -1
		default:
			order = strings.Compare(was.ExternalID, is.ExternalID)
		}
		switch {
		case order < 0:
			d.Changes = append(d.Changes, ItemChange{ExternalID: was.ExternalID, Change: "removed", From: was})
		case order > 0:
			d.Changes = append(d.Changes, ItemChange{ExternalID: is.ExternalID, Change: "added", To: is})
		default:
			if fields := changedFields(was, is); len(fields) > 0 {
				d.Changes = append(d.Changes, ItemChange{ExternalID: is.ExternalID, Change: "changed", Fields: fields, From: was, To: is})
			}
		}
		if order <= 0 {
			from.next()
		}
		if order >= 0 {
			to.next()
		}
	}
}

func changedFields(was, is *core.DatasetItem) (fields []string) {
	for _, f := range []struct {
		name string
		same bool
	}{
		{"type", was.Type == is.Type},
		{"title", was.Title == is.Title},
		{"tags", slices.Equal(was.Tags, is.Tags)},
		{"data", bytes.Equal(was.Data, is.Data)},
		{"assets", slices.Equal(was.Assets, is.Assets)},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// itemWalk are the items of a version by external id, some at a time.
type itemWalk struct {
	load func(after string) ([]*core.DatasetItem, error)
	left []*core.DatasetItem
	last string // the external id of the last one that was taken
	all  bool   // no more can be loaded
}

func newItemWalk(ctx context.Context, tx ports.Tx, dataset core.DatasetID, number int64, after string) (*itemWalk, error) {
	v, err := tx.DatasetVersions.Get(ctx, dataset, number)
	if err != nil {
		return nil, err
	}
	return &itemWalk{last: after, load: func(after string) ([]*core.DatasetItem, error) {
		return tx.DatasetItems.ByExternalID(ctx, v.ID, after, diffChunk)
	}}, nil
}

// head returns the next item, or nil after the last.
func (w *itemWalk) head() (*core.DatasetItem, error) {
	if len(w.left) == 0 && !w.all {
		var err error
		if w.left, err = w.load(w.last); err != nil {
			return nil, err
		}
		w.all = len(w.left) < diffChunk
	}
	if len(w.left) == 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	return w.left[0], nil
}

func (w *itemWalk) next() { w.last, w.left = w.left[0].ExternalID, w.left[1:] }
