package asset_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// deriver makes of a file what it says: "damaged" fails, "tool" lacks a program,
// "down" is an outage; of all else the bytes are the picture and the words.
type deriver struct {
	missing []core.DerivableKind
	calls   int
	during  func() // something that happens meanwhile
}

func (d *deriver) Missing() []core.DerivableKind { return d.missing }

func (d *deriver) Derive(ctx context.Context, in ports.Underived) (*ports.Derivation, error) {
	d.calls++
	if d.during != nil {
		d.during()
	}
	if len(d.missing) > 0 {
		return nil, core.CannotDerive(core.UnderivableTool)
	}
	r, err := in.Open(ctx)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	switch string(b) {
	case "damaged":
		return nil, core.CannotDerive(core.UnderivableDamaged)
	case "down":
		return nil, io.ErrUnexpectedEOF
	}
	out := &ports.Derivation{Words: core.Words(string(b))}
	if in.Kind != core.DerivableText {
		out.Thumbnail, out.Width, out.Height, out.Placeholder = b, 4, 3, []byte{1}
	}
	if in.Kind == core.DerivableVideo {
		out.Poster, out.Duration = []byte("\x89PNG"), time.Second
	}
	return out, nil
}

type derivedEnv struct {
	*env
	deriver *deriver
}

func newDeriving(t *testing.T) derivedEnv {
	t.Helper()
	f, d := newFixture(t, true), &deriver{}
	f.Service = f.with(d, true)
	return derivedEnv{f, d}
}

func (f *env) with(d ports.Deriver, on bool) *asset.Service {
	return asset.NewService(asset.Deps{
		Store: f.Store, Hot: f.Store, Blobs: f.Blobs, Deriver: d, Secrets: f.Secrets, Clock: f.Clock, IDs: f.IDs, Text: f.Text,
	}, asset.Options{Uploads: core.UploadTimes{URL: 15 * time.Minute, Single: time.Hour, Multipart: 24 * time.Hour}, Installation: "this one", Derives: on})
}

func (f *env) file(name, contentType, data string) *core.Asset {
	f.Helper()
	c := f.create(name, []byte(data), func(in *asset.CreateInput) { in.ContentType, in.OnConflict = contentType, asset.ConflictVersion })
	f.Send(*c.Upload.Single, []byte(data))
	a, err := f.complete(c)
	f.Must(err)
	return a
}

// jobs runs what is about deriving, and leaves the rest.
func (f *env) jobs() (n int, err error) {
	for _, job := range f.Queue.Take() {
		switch j := job.(type) {
		case app.DeriveVersion:
			n++
			err = errors.Join(err, f.Derive(f.Context(), j))
		case asset.DerivePage:
			err = errors.Join(err, f.DerivePage(f.Context(), j))
		}
	}
	return n, err
}

func (f *env) preview(id core.AssetID) *core.Preview {
	f.Helper()
	a, err := f.Get(f.Context(), f.actor, core.OrgID{}, id)
	f.Must(err)
	return a.Preview
}

func TestPicturesAreMadeOfWhatIsUploaded(t *testing.T) {
	f := newDeriving(t)
	a := f.file("a.png", "image/png", "picture")
	if a.Preview == nil || a.Preview.Status != core.DerivedPending {
		t.Fatalf("%+v", a.Preview)
	}
	if _, err := f.SignedURL(t.Context(), f.actor, a.ID, asset.URLInput{Rendition: core.Thumbnail, TTL: time.Minute}); !errors.Is(err, core.ErrNoRendition) {
		t.Errorf("error = %v", err)
	}
	jobs := f.Queue.Take()
	for range 2 { // a job runs at least once
		for _, job := range jobs {
			if j, ok := job.(app.DeriveVersion); ok {
				f.Must(f.Derive(t.Context(), j))
			}
		}
	}
	if f.deriver.calls != 1 {
		t.Errorf("%d calls", f.deriver.calls)
	}
	p := f.preview(a.ID)
	if p.Status != core.DerivedReady || p.Width != 4 || p.Attempts != 1 || p.Thumbnail.ContentType != "image/jpeg" {
		t.Errorf("%+v", p)
	}
	d, err := f.SignedURL(t.Context(), f.actor, a.ID, asset.URLInput{Rendition: core.Thumbnail, Inline: true, TTL: time.Minute})
	f.Must(err)
	if got := f.Fetch(d.URL); got != "picture" || d.FileName != "a.thumbnail.jpg" {
		t.Errorf("%q is called %q", got, d.FileName)
	}
	if _, err := f.SignedURL(t.Context(), f.actor, a.ID, asset.URLInput{Rendition: core.Poster, TTL: time.Minute}); !errors.Is(err, core.ErrNoRendition) {
		t.Errorf("error = %v", err)
	}
	zoe := f.SignUp("zoe")
	if _, err := f.SignedURL(t.Context(), zoe.Actor, a.ID, asset.URLInput{Rendition: core.Thumbnail, TTL: time.Minute}); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("error = %v", err)
	}
	f.used(core.OrgUsage{UsedBytes: int64(len("picture")), AssetsCount: 1}) // what is derived uses nothing

	// Another version has its own; the first one's comes back with it.
	if b := f.file("a.png", "image/png", "another"); b.ID != a.ID || b.Preview == nil || b.Preview.Status != core.DerivedPending {
		t.Errorf("%+v", b.Preview)
	}
	_, err = f.jobs()
	f.Must(err)
	back, err := f.RestoreVersion(t.Context(), f.actor, a.ID, 1)
	f.Must(err)
	if back.Preview == nil || back.Preview.Thumbnail != p.Thumbnail {
		t.Errorf("%+v", back.Preview)
	}
	keys := len(f.BlobKeys())
	f.Must(f.remove(a.ID, true, 0))
	for _, job := range f.Queue.Take() {
		if j, ok := job.(app.RemoveBlobs); ok {
			f.Must(f.RemoveBlobs(t.Context(), j))
		}
	}
	if left := len(f.BlobKeys()); keys != 4 || left != 0 {
		t.Errorf("%d blobs, then %d", keys, left)
	}
}

func TestVideosHaveAPoster(t *testing.T) {
	f := newDeriving(t)
	a := f.file("a.mp4", "video/mp4", "v")
	_, err := f.jobs()
	f.Must(err)
	d, err := f.SignedURL(t.Context(), f.actor, a.ID, asset.URLInput{Rendition: core.Poster, TTL: time.Minute})
	f.Must(err)
	if p := f.preview(a.ID); p.Duration != time.Second || d.ContentType != "image/png" {
		t.Errorf("%+v, %+v", p, d)
	}
}

func TestWhatFailsIsKeptAndTriedAgain(t *testing.T) {
	f := newDeriving(t)
	a := f.file("a.png", "image/png", "damaged")
	n, err := f.jobs()
	f.Must(err)
	p := f.preview(a.ID)
	if n != 1 || p.Status != core.DerivedFailed || p.Failure != core.UnderivableDamaged || p.Attempts != 1 {
		t.Errorf("%d jobs, %+v", n, p)
	}
	again, err := f.Rederive(t.Context(), f.actor, a.ID)
	f.Must(err)
	if again.Preview.Status != core.DerivedPending {
		t.Errorf("%+v", again.Preview)
	}
	if _, err := f.Rederive(t.Context(), f.actor, a.ID); !errors.Is(err, core.ErrDerived) {
		t.Errorf("error = %v", err)
	}
	_, err = f.jobs()
	f.Must(err)
	if p := f.preview(a.ID); p.Status != core.DerivedFailed || p.Attempts != 2 {
		t.Errorf("%+v", p)
	}

	down := f.file("down.png", "image/png", "down")
	if _, err := f.jobs(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error = %v", err) // the queue tries again
	}
	if p := f.preview(down.ID); p.Status != core.DerivedPending {
		t.Errorf("%+v", p)
	}
	zip := f.file("a.zip", "application/zip", "z")
	if _, err := f.Rederive(t.Context(), f.actor, zip.ID); !errors.Is(err, core.ErrNotDerivable) || zip.Preview != nil {
		t.Errorf("error = %v, %+v", err, zip.Preview)
	}
	zoe := f.SignUp("zoe")
	if _, err := f.Rederive(t.Context(), zoe.Actor, a.ID); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("error = %v", err)
	}
}

func TestAProgramThatIsMissingIsNoError(t *testing.T) {
	f := newDeriving(t)
	f.deriver.missing = []core.DerivableKind{core.DerivableVideo}
	a := f.file("a.mp4", "video/mp4", "v")
	_, err := f.jobs()
	f.Must(err)
	if p := f.preview(a.ID); p.Status != core.DerivedUnsupported || p.Failure != core.UnderivableTool {
		t.Errorf("%+v", p)
	}
	look := func() {
		f.Must(f.DeriveMissing(t.Context(), asset.DeriveMissing{}))
		for f.Queue.Len() > 0 {
			_, err := f.jobs()
			f.Must(err)
		}
	}
	look()
	if p := f.preview(a.ID); p.Status != core.DerivedUnsupported {
		t.Errorf("%+v", p)
	}
	f.deriver.missing = nil // it has come
	look()
	if p := f.preview(a.ID); p.Status != core.DerivedReady {
		t.Errorf("%+v", p)
	}
}

// TestFilesThatWereThereBefore: a server that derives nothing lets files be; one
// that does finds them, some at a time.
func TestFilesThatWereThereBefore(t *testing.T) {
	f := newDeriving(t)
	deriving := f.Service
	f.Service = f.with(f.deriver, false)
	ids := make(map[core.AssetID]bool)
	for i := range 5 {
		a := f.file(string(rune('a'+i))+".png", "image/png", "p")
		if ids[a.ID] = true; a.Preview != nil {
			t.Errorf("%+v", a.Preview)
		}
	}
	f.file("z.zip", "application/zip", "z")
	f.Must(f.DeriveMissing(t.Context(), asset.DeriveMissing{}))
	if n, err := f.jobs(); n != 0 || err != nil {
		t.Error(n, err)
	}
	var one core.AssetID
	for one = range ids {
	}
	if _, err := f.Rederive(t.Context(), f.actor, one); !errors.Is(err, core.ErrDerivesNot) {
		t.Errorf("error = %v", err)
	}
	f.Service = deriving
	f.Must(f.DeriveMissing(t.Context(), asset.DeriveMissing{}))
	for f.Queue.Len() > 0 {
		_, err := f.jobs()
		f.Must(err)
	}
	for id := range ids {
		if p := f.preview(id); p == nil || p.Status != core.DerivedReady {
			t.Errorf("%+v", p)
		}
	}
	if f.deriver.calls != len(ids) {
		t.Errorf("%d calls", f.deriver.calls)
	}
	// A job that was lost is found a day later.
	lost := f.file("lost.png", "image/png", "p")
	f.Queue.Take()
	f.Must(f.DerivePage(t.Context(), asset.DerivePage{}))
	if n, err := f.jobs(); n != 0 || err != nil {
		t.Error(n, err)
	}
	f.Clock.Shift(25 * time.Hour)
	f.Must(f.DerivePage(t.Context(), asset.DerivePage{}))
	if n, err := f.jobs(); n != 1 || err != nil {
		t.Error(n, err)
	}
	if d, err := f.Get(t.Context(), f.actor, core.OrgID{}, lost.ID); err == nil && d.Preview.Status != core.DerivedReady {
		t.Errorf("%+v", d.Preview)
	}
}

// TestOfTwoThatDeriveOneWins: what the slower one has stored goes.
func TestOfTwoThatDeriveOneWins(t *testing.T) {
	f := newDeriving(t)
	f.file("a.png", "image/png", "p")
	jobs := f.Queue.Take()
	var job app.DeriveVersion
	for _, j := range jobs {
		if d, ok := j.(app.DeriveVersion); ok {
			job = d
		}
	}
	f.deriver.during = func() {
		f.deriver.during = nil
		f.Must(f.Derive(t.Context(), job))
	}
	f.Must(f.Derive(t.Context(), job))
	if keys := f.BlobKeys(); len(keys) != 2 { // the file and one picture
		t.Errorf("%q", keys)
	}
	b := f.file("b.png", "image/png", "p") // which is purged meanwhile
	f.deriver.during = func() {
		f.deriver.during = nil
		f.Must(f.remove(b.ID, true, 0))
	}
	_, err := f.jobs()
	f.Must(err)
	if keys := f.BlobKeys(); len(keys) != 3 { // the bytes of b go by a job
		t.Errorf("%q", keys)
	}
}
