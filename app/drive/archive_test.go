package drive_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

func always(context.Context) error { return nil }

// zipped writes an archive into memory.
func (f *team) zipped(sc core.Scope, id core.NodeID) (*drive.Archive, *zip.Reader) {
	f.Helper()
	a, err := f.OpenArchive(f.Context(), sc, id, always)
	f.Must(err)
	var b bytes.Buffer
	f.Must(a.Write(f.Context(), &b))
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	f.Must(err)
	return a, z
}

func contents(t *testing.T, z *zip.Reader) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for _, entry := range z.File {
		r, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r) // which checks the CRC
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out[entry.Name]; twice || entry.Method != zip.Store {
			t.Errorf("%s: twice %t, method %d", entry.Name, twice, entry.Method)
		}
		out[entry.Name] = string(data)
	}
	return out
}

func TestAFolderIsAZipFile(t *testing.T) {
	f := newTeam(t)
	sc, ctx := f.lib(f.ana), t.Context()
	a := f.folder(sc, "/a:b")
	f.folder(sc, "/a:b/empty")
	in := f.folder(sc, "/a:b/CON")
	for name, text := range map[string]string{"x?.txt": "1", "x*.txt": "2", "X_.TXT": "3", "é": "4", "end.": "5", "": ""} {
		if name != "" {
			f.file(f.ana, f.library, in, name, text)
		}
	}
	f.file(f.ana, f.library, a, "none", "")
	f.Must(f.Delete(ctx, sc, f.file(f.ana, f.library, a, "trashed", "x"), false, 0))
	_, err := f.pending(f.ana, f.library, a, "pending", 5)
	f.Must(err)
	archive, z := f.zipped(sc, a)
	if archive.Name != "a_b.zip" {
		t.Errorf("the file is called %q", archive.Name)
	}
	got := contents(t, z)
	want := map[string]string{
		"empty/": "", "_CON/": "", "_CON/X_.TXT": "3", "_CON/x_ (1).txt": "2", "_CON/x_ (2).txt": "1", "_CON/end_": "5", "_CON/é": "4", "none": "",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("in the archive is\n%q, want\n%q", got, want)
	}
	archive, z = f.zipped(sc, core.RootOf(f.library))
	if archive.Name != "Library.zip" || contents(t, z)["a_b/_CON/end_"] != "5" {
		t.Errorf("%q: %q", archive.Name, contents(t, z))
	}
	file := f.file(f.ana, f.library, core.NodeID{}, "f", "x")
	_, err = f.OpenArchive(ctx, sc, file, always)
	f.code(err, "not_a_folder")
	f.Must(f.Delete(ctx, sc, a, false, 0))
	_, err = f.OpenArchive(ctx, sc, a, always)
	f.Fails(err, core.ErrNodeTrashed)
	blind := sc
	blind.Rights.Read = false
	_, err = f.OpenArchive(ctx, blind, core.RootOf(f.library), always)
	f.Fails(err, core.ErrForbidden)
}

// hook is a writer that does something once, when the first bytes come.
type hook struct {
	bytes.Buffer
	do func()
}

func (h *hook) Write(b []byte) (int, error) {
	if h.do != nil {
		h.do()
		h.do = nil
	}
	return h.Buffer.Write(b)
}

func TestAnArchiveInAChangingTree(t *testing.T) {
	refused := errors.New("no longer")
	for name, c := range map[string]struct {
		do   func(f *team, top, file core.NodeID)
		want error // nil: whole, without what is gone
	}{
		"a file is purged": {func(f *team, _, file core.NodeID) { f.Must(f.Delete(f.Context(), f.lib(f.ana), file, true, 0)) }, nil},
		"it is trashed":    {func(f *team, top, _ core.NodeID) { f.Must(f.Delete(f.Context(), f.lib(f.ana), top, false, 0)) }, core.ErrNodeTrashed},
		"it is purged":     {func(f *team, top, _ core.NodeID) { f.Must(f.Delete(f.Context(), f.lib(f.ana), top, true, 0)) }, core.ErrNotFound},
		"it goes to another drive": {func(f *team, top, _ core.NodeID) {
			f.Must(must(f.Move(f.Context(), f.lib(f.ana), top, drive.Target{Scope: f.in(f.ana, f.ana.drive)}, 0)))
		}, core.ErrNotFound},
		"the right is lost":                 {nil, refused},
		"the right is lost in a large file": {func(f *team, _, _ core.NodeID) { f.Clock.Shift(time.Minute) }, refused},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTeam(t)
			sc := f.lib(f.ana)
			top := f.folder(sc, "/top")
			f.plant(sc, top, "folder", 210, false) // more than are read at a time
			f.file(f.ana, f.library, top, "file", strings.Repeat("x", 5000))
			last := f.file(f.ana, f.library, top, "file 998", "x")
			f.Queue.Take()
			lost := false
			a, err := f.OpenArchive(t.Context(), sc, top, func(context.Context) error {
				if lost {
					return refused
				}
				return nil
			})
			f.Must(err)
			h := &hook{do: func() {
				if lost = errors.Is(c.want, refused); c.do != nil {
					c.do(f, top, last)
				}
				f.work()
			}}
			err = a.Write(t.Context(), h)
			z, broken := zip.NewReader(bytes.NewReader(h.Bytes()), int64(h.Len()))
			if c.want != nil {
				if f.Fails(err, c.want); broken == nil {
					t.Errorf("an archive that broke off looks whole, with %d entries", len(z.File))
				}
				return
			}
			f.Must(errors.Join(err, broken))
			if n := len(contents(t, z)); n != 211 {
				t.Errorf("%d entries", n)
			}
		})
	}
}

// crowd is a store with one folder of very many files, all with the same
// bytes, of which it keeps nothing.
type crowd struct {
	ports.Store
	ports.Blobs
	files int
}

func (c crowd) View(ctx context.Context, fn func(ports.Tx) error) error {
	return c.Store.View(ctx, func(tx ports.Tx) error {
		tx.Listings = crowdListings{tx.Listings, c.files}
		tx.Versions = crowdVersions{tx.Versions}
		return fn(tx)
	})
}

func (crowd) Ping(context.Context) error { return nil }

func (crowd) Open(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(zeros{}, 1000)), nil
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

type crowdListings struct {
	ports.Listings
	files int
}

func (l crowdListings) List(_ context.Context, q ports.NodeQuery) (out []ports.Entry, _ error) {
	first := 0
	if q.After.Name != "" {
		last, err := strconv.Atoi(q.After.Name)
		if err != nil {
			return nil, err
		}
		first = last + 1
	}
	for i := first; i < min(l.files, first+q.Limit); i++ {
		out = append(out, ports.Entry{Node: core.Node{ID: core.NodeID{byte(i), byte(i >> 8), byte(i >> 16), 1}, Kind: core.KindAsset, Name: fmt.Sprintf("%08d", i)}})
	}
	return out, nil
}

type crowdVersions struct{ ports.Versions }

func (crowdVersions) Current(_ context.Context, _ core.OrgID, ids []core.AssetID) (map[core.AssetID]core.Version, error) {
	out := make(map[core.AssetID]core.Version, len(ids))
	for _, id := range ids {
		out[id] = core.Version{BlobKey: "k", SizeBytes: 1000}
	}
	return out, nil
}

// watcher counts what it is given and looks at the memory now and then.
type watcher struct {
	tail  []byte
	total int64
	peak  uint64
	next  int64
}

func (w *watcher) Write(b []byte) (int, error) {
	const look, keep = 8 << 20, 256
	if w.total += int64(len(b)); w.total > w.next {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		w.peak, w.next = max(w.peak, m.HeapAlloc), w.total+look
	}
	w.tail = append(w.tail, b...)
	w.tail = slices.Clone(w.tail[max(0, len(w.tail)-keep):])
	return len(b), nil
}

// An archive of more entries than the old format can count is of the new one,
// and takes a few hundred bytes of memory for each, whatever their size.
func TestALargeArchiveIsZip64(t *testing.T) {
	const files = 70_000
	w := fixture.New(t, true)
	many := crowd{w.Store, w.Blobs, files}
	p := w.SignUp("ana")
	s := drive.NewService(drive.Deps{Store: many, Access: w.Store, Blobs: many, Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text}, drive.Options{})
	sc, err := s.Enter(t.Context(), p.Actor, p.Drive.ID)
	w.Must(err)
	a, err := s.OpenArchive(t.Context(), sc, core.RootOf(p.Drive.ID), always)
	w.Must(err)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	out := &watcher{}
	w.Must(a.Write(t.Context(), out))
	if zip64 := []byte("PK\x06\x06"); !bytes.Contains(out.tail, zip64) || out.total < files*1000 {
		t.Errorf("%d bytes end with %q", out.total, out.tail)
	}
	const each, more = 600, 16 << 20
	if most := before.HeapAlloc + files*each + more; out.peak > most {
		t.Errorf("%d bytes of memory, %d before, at most %d expected", out.peak, before.HeapAlloc, most)
	}
	t.Logf("%d MB with %d entries: %d KB of memory", out.total>>20, files, (out.peak-before.HeapAlloc)>>10)
}

// TestAnArchiveOfCopies: copies have names of their own, and what has no copy is
// left out and told of.
func TestAnArchiveOfCopies(t *testing.T) {
	f := newTeam(t)
	sc := f.lib(f.ana)
	inner := f.folder(sc, "/in")
	for _, name := range []string{"a.webp", "a.jpg", "b.txt", "NOT INCLUDED.txt", "gone.jpg"} {
		f.file(f.ana, f.library, core.RootOf(f.library), name, name)
	}
	f.file(f.ana, f.library, inner, "c.txt", "c")
	a, err := f.OpenArchive(t.Context(), sc, core.RootOf(f.library), always)
	f.Must(err)
	a.Copy = func(_ context.Context, name string, v core.Version) (string, core.Version, error) {
		switch {
		case name == "gone.jpg":
			return "", v, core.ErrNotFound
		case strings.HasSuffix(name, ".webp"):
			return strings.TrimSuffix(name, ".webp") + ".jpg", v, nil
		case strings.HasSuffix(name, ".txt") && name != "NOT INCLUDED.txt":
			return "", v, core.CannotWatermark(core.UnmarkableType)
		}
		return name, v, nil
	}
	var b bytes.Buffer
	f.Must(a.Write(t.Context(), &b))
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	f.Must(err)
	found := make(map[string]string)
	for _, e := range z.File {
		r, err := e.Open()
		f.Must(err)
		data, err := io.ReadAll(r)
		f.Must(err)
		found[e.Name] = string(data)
	}
	list := found["NOT INCLUDED (1).txt"]
	if len(found) != 5 || found["a.jpg"] == found["a (1).jpg"] || !strings.Contains(list, "\nb.txt\r\n") || !strings.Contains(list, "\nin/c.txt\r\n") {
		t.Errorf("%q", found)
	}
	a, err = f.OpenArchive(t.Context(), sc, core.RootOf(f.library), always)
	f.Must(err)
	a.Copy = func(context.Context, string, core.Version) (string, core.Version, error) {
		return "", core.Version{}, core.ErrWatermarkBusy
	}
	f.Fails(a.Write(t.Context(), io.Discard), core.ErrWatermarkBusy)
}
