package share_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// fakeMarker puts the text before the bytes.
type fakeMarker struct {
	made  atomic.Int64
	fails atomic.Pointer[core.Error]
	hold  chan struct{} // a copy waits for it, if it is there
}

func (m *fakeMarker) Mark(ctx context.Context, in ports.Unmarked) (*ports.Marked, error) {
	m.made.Add(1)
	if m.hold != nil {
		<-m.hold
	}
	if err := m.fails.Load(); err != nil {
		return nil, err
	}
	r, err := in.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	text := in.Text + "|" + string(b)
	return &ports.Marked{ReadCloser: io.NopCloser(strings.NewReader(text)), ContentType: "image/jpeg", SizeBytes: int64(len(text))}, err
}

// stores puts a file into somebody's drive.
func (w *world) stores(p fixture.Person, name, content string) core.AssetID {
	w.Helper()
	s := asset.NewService(asset.Deps{
		Store: w.Store, Hot: w.Store, Blobs: w.Blobs, Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text,
	}, asset.Options{Unlimited: true, Uploads: core.UploadTimes{URL: time.Hour, Single: time.Hour, Multipart: time.Hour}, Installation: "i"})
	made, err := s.Create(w.Context(), p.Actor, asset.CreateInput{
		OrgID: p.Org.ID, DriveID: p.Drive.ID, Name: name, ContentType: "image/webp", SizeBytes: int64(len(content)),
	})
	w.Must(err)
	w.Send(*made.Upload.Single, []byte(content))
	_, err = s.Complete(w.Context(), p.Actor, made.Asset.ID, asset.CompleteInput{UploadID: made.Upload.Upload.ID})
	w.Must(err)
	return made.Asset.ID
}

func (w *world) watermarked(edit func(in *share.RulesInput)) share.Shared {
	w.Helper()
	return w.shares(func(in *share.RulesInput) {
		in.Watermark = true
		edit(in)
	})
}

// links returns the link as it is now.
func (w *world) link(made share.Shared) *core.ShareLink {
	w.Helper()
	now, err := w.Get(w.Context(), w.ana.Actor, made.Link.ID)
	w.Must(err)
	return now.Link
}

func TestEveryRecipientGetsTheirOwnMark(t *testing.T) {
	w := newWorld(t, core.AddressNone)
	file := w.stores(w.ana, "photo.webp", "bytes")
	ben := w.SignUp("ben")
	made := w.watermarked(func(*share.RulesInput) {})
	v := visit(made)
	hour := w.Clock.Now().Truncate(time.Hour).Format("2006-01-02 15:04 UTC")
	signed := v
	signed.Actor = ben.Actor
	gone := v
	gone.Actor = ben.Actor
	gone.Actor.SessionID = core.SessionID(w.IDs.NewID())
	for _, c := range []struct {
		visit share.Visit
		who   string
		made  int64 // in all
	}{{v, "192.0.2.77", 1}, {signed, "ben@example.com", 2}, {v, "192.0.2.77", 2}, {signed, "ben@example.com", 2}, {gone, "192.0.2.77", 2}} {
		d, err := w.Download(t.Context(), c.visit, file, false)
		w.Must(err)
		want := c.who + "  " + hour + "|bytes"
		if got := w.Fetch(d.URL); got != want || d.FileName != "photo.jpg" || d.ContentType != "image/jpeg" || d.SizeBytes != int64(len(want)) {
			t.Errorf("%q, want %q: %+v", got, want, d)
		}
		p, err := w.Preview(t.Context(), c.visit, file)
		w.Must(err)
		if got := w.Fetch(p.URL); got != want {
			t.Errorf("shown: %q", got)
		}
		quiet := c.visit
		quiet.Quiet = true
		if p, err = w.Preview(t.Context(), quiet, file); err != nil || w.Fetch(p.URL) != want {
			t.Errorf("shown to nobody: %v", err)
		}
		if w.marker.made.Load() != c.made {
			t.Errorf("%d copies were made, want %d", w.marker.made.Load(), c.made)
		}
	}
	if l := w.link(made); l.Downloads != 5 {
		t.Errorf("%d downloads", l.Downloads)
	}
	other := w.watermarked(func(*share.RulesInput) {}) // another link is another copy
	_, err := w.Download(t.Context(), visit(other), file, false)
	w.Must(err)
	if w.marker.made.Load() != 3 {
		t.Error("a copy of another link was handed out")
	}
	plain := w.shares(func(*share.RulesInput) {})
	d, err := w.Download(t.Context(), visit(plain), file, false)
	w.Must(err)
	if got := w.Fetch(d.URL); got != "bytes" || w.marker.made.Load() != 3 {
		t.Errorf("without a watermark: %q", got)
	}
}

func TestADownloadGoesOnWithTheSameCopy(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	file := w.stores(w.ana, "a.jpg", "bytes")
	v := visit(w.watermarked(func(in *share.RulesInput) { in.MaxDownloads = 1 }))
	d, err := w.Download(t.Context(), v, file, false)
	w.Must(err)
	first := w.Fetch(d.URL)
	w.Clock.Shift(23 * time.Hour)
	w.Must(w.Housekeep(t.Context(), share.Housekeep{}))
	v.Resume = d.Resume
	d, err = w.Download(t.Context(), v, file, false)
	w.Must(err)
	if got := w.Fetch(d.URL); got != first || w.marker.made.Load() != 1 {
		t.Errorf("%q, then %q", first, got)
	}
	w.Clock.Shift(4 * time.Hour)
	w.Queue.Take()
	w.Must(w.Housekeep(t.Context(), share.Housekeep{}))
	jobs := w.Queue.Take()
	if len(jobs) != 1 {
		t.Fatalf("%d jobs", len(jobs))
	}
	left, ok := jobs[0].(app.RemoveBlobs)
	if !ok || len(left.Keys) != 1 || !core.IsBlobKey(left.Keys[0]) {
		t.Errorf("%+v", jobs)
	}
}

// TestWhatCannotBeMarkedIsNoDownload: it is refused, logged as that, and leaves
// the one download there is.
func TestWhatCannotBeMarkedIsNoDownload(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	file := w.stores(w.ana, "a.jpg", "bytes")
	made := w.watermarked(func(in *share.RulesInput) { in.MaxDownloads = 1 })
	for _, fails := range []*core.Error{core.CannotWatermark(core.UnmarkableDamaged), core.ErrWatermarkBusy, core.ErrUnavailable} {
		w.marker.fails.Store(fails)
		_, err := w.Download(t.Context(), visit(made), file, false)
		w.Fails(err, fails)
	}
	if l := w.link(made); l.Downloads != 0 {
		t.Errorf("%d downloads", l.Downloads)
	}
	log, err := w.Accesses(t.Context(), w.ana.Actor, share.AccessInput{LinkID: made.Link.ID, Limit: 10})
	w.Must(err)
	if len(log) != 1 || log[0].Refused != "cannot_watermark" || log[0].NodeID != file {
		t.Errorf("%d rows, %+v", len(log), log[0])
	}
	w.marker.fails.Store(nil)
	_, err = w.Download(t.Context(), visit(made), file, false)
	w.Must(err)
	n := w.marker.made.Load()
	elsewhere := visit(made)
	elsewhere.From.Address = "192.0.2.78"
	_, err = w.Download(t.Context(), elsewhere, file, false)
	w.Fails(err, core.ErrShareExhausted)
	quiet := elsewhere
	quiet.Quiet = true
	_, err = w.Download(t.Context(), quiet, file, false)
	w.Fails(err, core.ErrShareExhausted)
	if w.marker.made.Load() != n {
		t.Error("a copy was made for nobody")
	}
}

// TestCopiesAreMadeOnceForManyAtOnce: they count as without a watermark.
func TestCopiesAreMadeOnceForManyAtOnce(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	file := w.stores(w.ana, "a.jpg", "bytes")
	made := w.watermarked(func(in *share.RulesInput) { in.MaxDownloads = 7 })
	w.marker.hold = make(chan struct{})
	var all sync.WaitGroup
	var granted, refused atomic.Int64
	for range 20 {
		all.Go(func() {
			switch _, err := w.Download(t.Context(), visit(made), file, false); {
			case err == nil:
				granted.Add(1)
			case errors.Is(err, core.ErrShareExhausted):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context()) // who hangs up takes it from nobody
	all.Go(func() {
		if _, err := w.Download(ctx, visit(made), file, false); err == nil {
			t.Error("who has hung up was answered")
		}
	})
	time.Sleep(50 * time.Millisecond)
	cancel()
	close(w.marker.hold)
	all.Wait()
	if w.marker.made.Load() != 1 || granted.Load() != 7 || refused.Load() != 13 {
		t.Errorf("%d made, %d granted, %d refused", w.marker.made.Load(), granted.Load(), refused.Load())
	}
	if l := w.link(made); l.Downloads != 7 {
		t.Errorf("%d downloads", l.Downloads)
	}
}

// TestALinkThatEndsWhileItsCopyIsMade grants nothing any more.
func TestALinkThatEndsWhileItsCopyIsMade(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	file := w.stores(w.ana, "a.jpg", "bytes")
	made := w.watermarked(func(*share.RulesInput) {})
	w.marker.hold = make(chan struct{})
	failed := make(chan error)
	go func() {
		_, err := w.Download(t.Context(), visit(made), file, false)
		failed <- err
	}()
	for w.marker.made.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	w.Must(w.Revoke(t.Context(), w.ana.Actor, made.Link.ID, 0))
	close(w.marker.hold)
	w.Fails(<-failed, core.ErrShareRevoked)
	if l := w.link(made); l.Downloads != 0 {
		t.Errorf("%d downloads", l.Downloads)
	}
}

func TestAnArchiveHoldsCopies(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	file := w.stores(w.ana, "photo.webp", "bytes")
	archive, err := w.Archive(t.Context(), visit(w.watermarked(func(*share.RulesInput) {})), core.NodeID{})
	w.Must(err)
	var version core.Version
	w.Read(func(tx ports.Tx) error {
		current, err := tx.Versions.Current(t.Context(), w.ana.Org.ID, []core.AssetID{file})
		version = current[file]
		return err
	})
	name, got, err := archive.Copy(t.Context(), "photo.webp", version)
	w.Must(err)
	if name != "photo.jpg" || got.BlobKey == version.BlobKey || got.SizeBytes <= version.SizeBytes {
		t.Errorf("%s %+v", name, got)
	}
	w.marker.fails.Store(core.CannotWatermark(core.UnmarkableType))
	other := version
	other.Number = 2
	_, _, err = archive.Copy(t.Context(), "a.txt", other)
	w.Fails(err, core.ErrCannotWatermark)
	plain, err := w.Archive(t.Context(), visit(w.shares(func(*share.RulesInput) {})), core.NodeID{})
	w.Must(err)
	if plain.Copy != nil {
		t.Error("an archive without watermarks has copies")
	}
}

func TestAWatermarkIsARuleOfALink(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	made := w.shares(func(*share.RulesInput) {})
	after, err := w.Update(t.Context(), w.ana.Actor, made.Link.ID, 0, func(_ core.ShareKind, in *share.RulesInput) { in.Watermark = true })
	w.Must(err)
	if !after.Link.Watermark || !w.link(made).Watermark {
		t.Error("it was not set")
	}
	w.Read(func(tx ports.Tx) error {
		log, err := tx.Audit.List(t.Context(), ports.AuditQuery{OrgID: w.ana.Org.ID, Action: "share.updated", Limit: 5})
		if len(log) != 1 || log[0].Changes["watermark"].To != true {
			t.Errorf("%+v", log)
		}
		return err
	})
	looked, err := w.Look(t.Context(), visit(made))
	w.Must(err)
	if !looked.Watermark {
		t.Error("it is not told")
	}
	looked.AllowViewMetadata = true
	e := ports.Entry{File: core.File{SHA256: []byte("sum"), Metadata: core.Metadata{Tags: []string{"a"}}}}
	if looked.Hide(&e); e.File.SHA256 != nil || len(e.File.Metadata.Tags) != 1 {
		t.Errorf("%+v", e.File)
	}
}
