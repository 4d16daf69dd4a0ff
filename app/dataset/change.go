package dataset

import (
	"context"
	"reflect"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Update changes a dataset, for those who manage it. ifMatch is the version that
// the client has seen, 0 for any. It returns core.ErrStale, core.ErrDatasetSlugTaken
// and core.ErrDatasetUnpublished.
func (s *Service) Update(ctx context.Context, a core.Actor, id core.DatasetID, c core.DatasetChange, ifMatch int64) (d *core.Dataset, err error) {
	f, err := s.may(ctx, a, id, core.DatasetManage)
	if err != nil {
		return nil, err
	}
	if err := s.clean(&c); err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		if d, err = s.locked(ctx, tx, f, ifMatch); err != nil {
			return err
		}
		was := *d
		if err := d.Change(c, s.Clock.Now()); err != nil {
			return err
		}
		changes := datasetChanges(&was, d)
		if len(changes) == 0 {
			*d = was
			return nil
		}
		if err := tx.Datasets.Save(ctx, d); err != nil {
			return err
		}
		return s.did(ctx, tx, f, a, "dataset.updated", d, changes)
	})
	return d, err
}

// clean brings what is set into the form in which it is stored.
func (s *Service) clean(c *core.DatasetChange) error {
	for _, text := range []struct {
		of    *string
		clean func(raw string) (string, error)
	}{
		{c.Slug, func(raw string) (string, error) { return core.CleanSlug("body.slug", raw) }},
		{c.Name, func(raw string) (string, error) { return core.CleanTitle("body.name", raw, s.Text.NFC) }},
		{c.Description, func(raw string) (string, error) {
			return core.CleanProse("body.description", raw, core.MaxDescriptionBytes, s.Text.NFC)
		}},
	} {
		if text.of == nil {
			continue
		}
		clean, err := text.clean(*text.of)
		if err != nil {
			return err
		}
		*text.of = clean
	}
	if c.Schemas == nil {
		return nil
	}
	schemas, err := s.cleanSchemas(*c.Schemas)
	c.Schemas = &schemas
	return err
}

// datasetChanges is what the audit log has of a change.
func datasetChanges(before, after *core.Dataset) map[string]core.Change {
	changes := make(map[string]core.Change)
	differ := func(name string, from, to any) {
		if !reflect.DeepEqual(from, to) {
			changes[name] = core.Change{From: from, To: to}
		}
	}
	differ("slug", before.Slug, after.Slug)
	differ("name", before.Name, after.Name)
	differ("description", before.Description, after.Description)
	differ("status", string(before.Status), string(after.Status))
	differ("visibility", string(before.Visibility), string(after.Visibility))
	if !reflect.DeepEqual(before.Schemas, after.Schemas) && len(before.Schemas)+len(after.Schemas) > 0 { // they can be long
		changes["item_schemas"] = core.Change{From: types(before.Schemas), To: types(after.Schemas)}
	}
	return changes
}

// Delete removes a dataset with its versions, its annotations and its drive. It
// returns core.ErrStale.
func (s *Service) Delete(ctx context.Context, a core.Actor, id core.DatasetID, ifMatch int64) error {
	f, err := s.may(ctx, a, id, core.DatasetManage)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx ports.Tx) error {
		d, err := s.locked(ctx, tx, f, ifMatch)
		if err != nil {
			return err
		}
		d.Delete(s.Clock.Now())
		if err := tx.Datasets.Save(ctx, d); err != nil {
			return err
		}
		return s.did(ctx, tx, f, a, "dataset.deleted", d, map[string]core.Change{"name": {From: d.Name}, "slug": {From: d.Slug}})
	})
}
