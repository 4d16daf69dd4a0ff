package asset

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Derive makes pictures of a version and reads its text. What cannot be is
// recorded and does not fail the job.
func (s *Service) Derive(ctx context.Context, job app.DeriveVersion) error {
	if !s.opts.Derives { // any more; once it does again, DeriveMissing finds it
		return nil
	}
	var v *core.Version
	var d *core.Derived
	err := s.store.View(ctx, func(tx ports.Tx) (err error) {
		if v, err = tx.Versions.Get(ctx, job.OrgID, job.AssetID, job.Number); err != nil {
			return err
		}
		d, err = tx.Derived.Get(ctx, job.OrgID, job.AssetID, job.Number)
		return err
	})
	if errors.Is(err, core.ErrNotFound) {
		return nil // purged meanwhile
	}
	if err != nil || d.Status != core.DerivedPending {
		return err
	}
	kind, _ := core.DerivableFrom(v.ContentType)
	got, err := s.deriver.Derive(ctx, ports.Underived{Kind: kind, SizeBytes: v.SizeBytes, Open: func(ctx context.Context) (io.ReadCloser, error) {
		return s.blobs.Open(ctx, v.BlobKey, 0, -1)
	}})
	why, refused := core.WhyUnderivable(err)
	switch {
	case refused:
		got = &ports.Derivation{}
		d.Fail(why, s.clock.Now())
	case err != nil:
		return err
	default:
		preview, err := s.keep(ctx, v, got)
		if err != nil {
			return err
		}
		d.Finish(preview, s.clock.Now())
		for i := range got.Words {
			got.Words[i] = s.text.NFC(got.Words[i])
		}
	}
	err = s.store.Update(ctx, func(tx ports.Tx) error { return tx.Derived.Finish(ctx, d, got.Words) })
	if errors.Is(err, core.ErrConflict) || errors.Is(err, core.ErrNotFound) { // another was faster, or it is gone
		if keys := d.Keys(); len(keys) > 0 {
			return s.blobs.Delete(ctx, keys...)
		}
		return nil
	}
	return err
}

// keep stores the pictures. Should their row never be written they are swept.
func (s *Service) keep(ctx context.Context, v *core.Version, got *ports.Derivation) (core.Preview, error) {
	p := core.Preview{Width: got.Width, Height: got.Height, Duration: got.Duration, Placeholder: got.Placeholder}
	for _, x := range []struct {
		bytes []byte
		into  *core.Picture
	}{{got.Thumbnail, &p.Thumbnail}, {got.Poster, &p.Poster}} {
		if len(x.bytes) == 0 {
			continue
		}
		pic := core.Picture{BlobKey: core.DerivedKey(v.OrgID, v.AssetID, s.ids.NewID()), ContentType: "image/jpeg", SizeBytes: int64(len(x.bytes))}
		if bytes.HasPrefix(x.bytes, []byte("\x89PNG")) {
			pic.ContentType = "image/png"
		}
		if _, err := s.blobs.Put(ctx, pic.BlobKey, pic.ContentType, bytes.NewReader(x.bytes)); err != nil {
			return p, err
		}
		*x.into = pic
	}
	return p, nil
}

// want makes versions that have just become ready ones of which something will be
// derived.
func (s *Service) want(ctx context.Context, tx ports.Tx, all []*landed, now time.Time) error {
	us := make([]ports.Undone, len(all))
	of := make(map[core.AssetID]*landed, len(all))
	for i, l := range all {
		us[i] = ports.Undone{OrgID: l.version.OrgID, AssetID: l.version.AssetID, Number: l.version.Number, ContentType: l.version.ContentType}
		if l.version.Number == l.asset.Current {
			l.asset.Preview, of[l.asset.ID] = nil, l
		}
	}
	if !s.opts.Derives {
		return nil
	}
	wanted, err := app.Derive(ctx, tx, now, us...)
	for _, u := range wanted {
		if l := of[u.AssetID]; l != nil && l.version.Number == u.Number {
			l.asset.Preview = &core.Preview{Status: core.DerivedPending}
		}
	}
	return err
}

// Rederive tries again to derive something of the asset's current version. It
// returns core.ErrDerived if nothing has failed, and core.ErrNotDerivable.
func (s *Service) Rederive(ctx context.Context, a core.Actor, id core.AssetID) (*core.Asset, error) {
	f, err := s.hot.ForAsset(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if err := core.CanChangeAsset(f); err != nil {
		return nil, err
	}
	if !s.opts.Derives {
		return nil, core.ErrDerivesNot
	}
	switch {
	case f.InTrash:
		return nil, core.ErrAssetTrashed
	case f.Asset.Status != core.AssetReady:
		return nil, core.ErrAssetNotReady
	}
	now, v := s.clock.Now(), f.Version
	u := ports.Undone{OrgID: f.OrgID, AssetID: id, Number: v.Number, ContentType: v.ContentType}
	if _, ok := core.DerivableFrom(u.ContentType); !ok {
		return nil, core.ErrNotDerivable.With("content_type", u.ContentType)
	}
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		err := tx.Derived.Retry(ctx, u.OrgID, id, u.Number, now)
		switch {
		case errors.Is(err, core.ErrNotFound): // it was here before this server derived anything
			_, err = app.Derive(ctx, tx, now, u)
		case errors.Is(err, core.ErrConflict):
			return core.ErrDerived
		case err == nil:
			err = tx.Jobs.Enqueue(ctx, app.DeriveVersion{OrgID: u.OrgID, AssetID: id, Number: u.Number})
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, authorOf(f.DriveFacts, a), "asset.derived_again", id, map[string]core.Change{"version": {To: u.Number}}, now)
	})
	if err != nil {
		return nil, err
	}
	attempts := 0
	if f.Asset.Preview != nil {
		attempts = f.Asset.Preview.Attempts
	}
	f.Asset.Preview = &core.Preview{Status: core.DerivedPending, Attempts: attempts}
	return &f.Asset, nil
}

// DeriveMissing is the job that looks for versions of which nothing is derived:
// they are older than that, their jobs have been lost, or a program that was
// missing has come.
type DeriveMissing struct{}

// Kind implements ports.Job.
func (DeriveMissing) Kind() string { return "asset.derive_missing" }

// DeriveMissing begins to look.
func (s *Service) DeriveMissing(ctx context.Context, _ DeriveMissing) error {
	if !s.opts.Derives {
		return nil
	}
	return s.store.Update(ctx, func(tx ports.Tx) error { return tx.Jobs.Enqueue(ctx, DerivePage{}) })
}

// DerivePage is the job that looks at some of them.
type DerivePage struct {
	After core.AssetID `json:"after,omitzero"`
}

// Kind implements ports.Job.
func (DerivePage) Kind() string { return "asset.derive_page" }

const (
	derivePage = 100
	deriveLost = 24 * time.Hour // after which a job has run, or is dead
)

// DerivePage goes on until it has found something to do, and then once that is
// done: its successor waits behind what it has enqueued, so that there is never
// much of it.
func (s *Service) DerivePage(ctx context.Context, job DerivePage) error {
	if !s.opts.Derives {
		return nil
	}
	missing := s.deriver.Missing()
	for after := job.After; ; {
		var page []ports.Undone
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			page, err = tx.Derived.Undone(ctx, after, derivePage)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].AssetID
		now := s.clock.Now()
		page = slices.DeleteFunc(page, func(u ports.Undone) bool { return !isDue(&u, missing, now) })
		if len(page) == 0 {
			continue
		}
		return s.store.Update(ctx, func(tx ports.Tx) error {
			for i := range page {
				if err := again(ctx, tx, &page[i], now); err != nil {
					return err
				}
			}
			return tx.Jobs.Enqueue(ctx, DerivePage{After: after})
		})
	}
}

// isDue reports whether there is now something to do about a version.
func isDue(u *ports.Undone, missing []core.DerivableKind, now time.Time) bool {
	kind, ok := core.DerivableFrom(u.ContentType)
	switch {
	case !ok:
		return false
	case u.Status == core.DerivedPending:
		return u.UpdatedAt.Before(now.Add(-deriveLost))
	case u.Status == core.DerivedUnsupported:
		return u.Failure == core.UnderivableTool && !slices.Contains(missing, kind)
	}
	return true
}

func again(ctx context.Context, tx ports.Tx, u *ports.Undone, now time.Time) error {
	var err error
	switch u.Status {
	case core.DerivedPending:
	case core.DerivedUnsupported:
		err = tx.Derived.Retry(ctx, u.OrgID, u.AssetID, u.Number, now)
	default:
		_, err = app.Derive(ctx, tx, now, *u)
		return ignoreGone(err)
	}
	if err == nil {
		err = tx.Jobs.Enqueue(ctx, app.DeriveVersion{OrgID: u.OrgID, AssetID: u.AssetID, Number: u.Number})
	}
	return ignoreGone(err)
}

// ignoreGone takes what was purged, or tried by somebody else, for done.
func ignoreGone(err error) error {
	if errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrConflict) {
		return nil
	}
	return err
}
