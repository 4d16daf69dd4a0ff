package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	chunkItems = 2_000   // that are stored at once
	chunkBytes = 8 << 20 // of their data, at about which they are stored
	knownFiles = 20_000  // that are remembered from chunk to chunk
)

// manifest is the source of items.
type manifest struct {
	ports.ManifestReader

	first struct { // what was read to see whether the items are elsewhere
		draft  core.ItemDraft
		failed []core.ManifestFailure
		err    error
		taken  bool
	}
	blob  io.Closer // nil: the items are in the body
	items int64     // sound ones, so far
}

// Next returns the next item.
func (m *manifest) Next() (core.ItemDraft, []core.ManifestFailure, error) {
	if !m.first.taken {
		m.first.taken = true
		return m.first.draft, m.first.failed, m.first.err
	}
	return m.ManifestReader.Next()
}

func (m *manifest) peek() { m.first.draft, m.first.failed, m.first.err = m.ManifestReader.Next() }

func (m *manifest) close() {
	if m.blob != nil {
		_ = m.blob.Close()
	}
}

// manifest opens what the items are in.
func (p *publisher) manifest(ctx context.Context) (*manifest, error) {
	form := ports.ManifestJSON
	if p.in.Lines {
		form = ports.ManifestNDJSON
	}
	m := &manifest{ManifestReader: p.s.Manifests.Read(p.in.Manifest, form, p.schemas)}
	m.peek()
	switch {
	case m.first.err != nil && !errors.Is(m.first.err, io.EOF):
		return nil, m.first.err
	case m.Elsewhere().IsZero():
		return m, nil
	}
	return p.elsewhere(ctx, m.Elsewhere())
}

// elsewhere opens a file that has the items, which the actor may read.
func (p *publisher) elsewhere(ctx context.Context, id core.AssetID) (*manifest, error) {
	f, err := p.s.Access.ForAsset(ctx, p.actor, id)
	if err == nil {
		err = core.CanDownload(f, p.s.Clock.Now())
	}
	if errors.Is(err, core.ErrNotFound) || err == nil && f.OrgID != p.facts.OrgID {
		return nil, core.Invalid("body.manifest_asset_id", "is no file of the organisation that you may read")
	}
	if err != nil {
		return nil, err
	}
	blob, err := p.s.Blobs.Open(ctx, f.Version.BlobKey, 0, -1)
	if err != nil {
		return nil, err
	}
	form := ports.ManifestNDJSON
	if strings.HasPrefix(f.Version.ContentType, "application/json") || strings.HasSuffix(strings.ToLower(f.Asset.Name), ".json") {
		form = ports.ManifestJSON
	}
	m := &manifest{ManifestReader: p.s.Manifests.Read(blob, form, p.schemas), blob: blob}
	m.peek()
	if !m.Elsewhere().IsZero() {
		m.close()
		return nil, core.Invalid("body.manifest_asset_id", "leads to a manifest that leads elsewhere")
	}
	return m, nil
}

// run reads a manifest to its end, and stores its items while it goes on
// reading. It returns the hash of what is stored.
func (p *publisher) run(ctx context.Context, m *manifest) (sum []byte, failed core.ManifestFailures, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	chunks, done := make(chan chunk, 1), make(chan error, 1)
	go func() {
		var err error
		for c := range chunks {
			if err == nil && p.store {
				if err = p.keep(ctx, c.items, c.total); err != nil {
					cancel(err)
				}
			}
		}
		done <- err
	}()
	r := &reading{p: p, m: m, failed: &failed, known: ports.IngestFiles{}}
	sum, err = r.all(ctx, chunks)
	close(chunks)
	if kept := <-done; kept != nil { // why reading has ended, if it has
		return nil, failed, kept
	}
	if err == nil && p.store {
		err = p.duplicates(ctx, &failed)
	}
	return sum, failed, err
}

// duplicates looks for external ids that come twice.
func (p *publisher) duplicates(ctx context.Context, failed *core.ManifestFailures) error {
	return p.s.Store.View(ctx, func(tx ports.Tx) error {
		twice, count, err := tx.IngestItems.Duplicates(ctx, p.version.ID, core.MaxManifestFailures)
		for _, item := range twice {
			failed.Add(core.ManifestFailure{
				Line: item.Line, Pointer: "/external_id", Code: core.ManifestDuplicate, Message: fmt.Sprintf("another item has %q before", item.ExternalID),
			})
		}
		failed.Count += max(count-int64(len(twice)), 0)
		return err
	})
}

// chunk is items that are stored at once.
type chunk struct {
	items []ports.NewItem
	total int64 // of the manifest, with these
}

// reading is one pass over a manifest.
type reading struct {
	p      *publisher
	m      *manifest
	failed *core.ManifestFailures
	drafts []core.ItemDraft
	size   int
	lines  int64
	since  time.Time // when the last chunk was full
	known  ports.IngestFiles
	buf    []byte
}

func (r *reading) all(ctx context.Context, chunks chan<- chunk) ([]byte, error) {
	sum := newHash()
	r.since = r.p.s.Clock.Now()
	send := func() error {
		items, err := r.resolved(ctx)
		if err != nil {
			return err
		}
		for i := range items {
			r.buf = items[i].AppendHashed(r.buf[:0])
			_, _ = sum.Write(r.buf) // cannot fail
		}
		r.m.items += int64(len(items))
		select {
		case chunks <- chunk{items, r.m.items}:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for {
		draft, failed, err := r.m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if r.lines++; r.lines > core.MaxDatasetItems {
			r.failed.Add(core.ManifestFailure{Line: draft.Line, Code: core.ManifestTooMany, Message: "a version has at most 10,000,000 items"})
			return nil, nil
		}
		if len(failed) > 0 {
			r.failed.Add(failed...)
		} else {
			r.drafts = append(r.drafts, draft)
			r.size += len(draft.Data)
		}
		if r.full() {
			if err := send(); err != nil {
				return nil, err
			}
		}
	}
	if r.lines == 0 {
		r.failed.Add(core.ManifestFailure{Code: core.ManifestEmpty, Message: "the manifest has no items"})
	}
	if err := send(); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}

// full reports whether it is time to store something: there is enough, or
// nothing was said for long.
func (r *reading) full() bool {
	if len(r.drafts) < chunkItems && r.size < chunkBytes && r.lines%64 != 0 {
		return false
	}
	now := r.p.s.Clock.Now()
	if len(r.drafts) < chunkItems && r.size < chunkBytes && now.Sub(r.since) < core.PublishLease/8 {
		return false
	}
	r.since = now
	return true
}

// resolved makes items of the drafts, whose files it finds.
func (r *reading) resolved(ctx context.Context) ([]ports.NewItem, error) {
	if err := r.look(ctx); err != nil {
		return nil, err
	}
	v := r.p.version
	items := make([]ports.NewItem, 0, len(r.drafts))
	for i := range r.drafts {
		d := &r.drafts[i]
		assets, failed := r.files(d)
		if len(failed) > 0 {
			r.failed.Add(failed...)
			continue
		}
		item := ports.NewItem{DatasetItem: core.DatasetItem{
			OrgID: v.OrgID, VersionID: v.ID, Line: d.Line, ExternalID: d.ExternalID, Type: d.Type, Title: d.Title,
			Tags: d.Tags, Data: d.Data, Assets: assets,
		}, Words: d.Words}
		if r.p.store {
			item.ID = core.DatasetItemID(r.p.s.IDs.NewID())
		}
		items = append(items, item)
	}
	clear(r.drafts)
	r.drafts, r.size = r.drafts[:0], 0
	return items, nil
}

// look finds the files that the drafts name and that are not known yet.
func (r *reading) look(ctx context.Context) error {
	if r.known.ByPath == nil || len(r.known.ByPath)+len(r.known.ByAsset) > knownFiles {
		r.known = ports.IngestFiles{ByPath: make(map[string]ports.IngestFile), ByAsset: make(map[core.AssetID]ports.IngestFile)}
	}
	q := ports.IngestQuery{SessionID: r.p.in.SessionID, DatasetID: r.p.in.DatasetID}
	for i := range r.drafts {
		for _, ref := range r.drafts[i].Assets {
			if ref.Path != "" {
				if _, ok := r.known.ByPath[ref.Path]; !ok {
					r.known.ByPath[ref.Path] = ports.IngestFile{}
					q.Paths = append(q.Paths, ref.Path)
				}
			} else if _, ok := r.known.ByAsset[ref.AssetID]; !ok {
				r.known.ByAsset[ref.AssetID] = ports.IngestFile{}
				q.Assets = append(q.Assets, ref.AssetID)
			}
		}
	}
	const most = 5_000
	for len(q.Paths) > 0 || len(q.Assets) > 0 {
		some := q
		some.Paths, some.Assets = q.Paths[:min(most, len(q.Paths))], q.Assets[:min(most, len(q.Assets))]
		q.Paths, q.Assets = q.Paths[len(some.Paths):], q.Assets[len(some.Assets):]
		err := r.p.s.Store.View(ctx, func(tx ports.Tx) error {
			found, err := tx.IngestSessions.Resolve(ctx, some)
			maps.Copy(r.known.ByPath, found.ByPath)
			maps.Copy(r.known.ByAsset, found.ByAsset)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// files returns the files of an item, or what is wrong with them.
func (r *reading) files(d *core.ItemDraft) (assets []core.ItemAsset, failed []core.ManifestFailure) {
	for _, ref := range d.Assets {
		f, name := r.known.ByPath[ref.Path], ref.Path
		if ref.Path == "" {
			f, name = r.known.ByAsset[ref.AssetID], ref.AssetID.String()
		}
		failure := core.ManifestFailure{Line: d.Line, Pointer: core.JSONPointer([]string{"assets", fmt.Sprint(ref.Place)})}
		switch {
		case f.AssetID.IsZero():
			failure.Code = core.ManifestNoAsset
			failure.Message = fmt.Sprintf("neither the session nor an earlier version has the file %s: register it first (POST /api/ingest/assets:batch)", name)
		case !f.Ready:
			failure.Code = core.ManifestAssetPending
			failure.Message = fmt.Sprintf("the bytes of %s have not all arrived: upload them, and complete the upload", name)
		default:
			assets = append(assets, core.ItemAsset{Role: ref.Role, AssetID: f.AssetID, Number: f.Number, Path: f.Path})
			continue
		}
		failed = append(failed, failure)
	}
	return assets, failed
}
