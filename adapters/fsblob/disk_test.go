package fsblob_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/fsblob"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// files returns the names of all files and directories below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, name); rel != "." {
			found = append(found, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func put(t *testing.T, s *fsblob.Store, key, data string) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, "", strings.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s *fsblob.Store, key, data string) {
	t.Helper()
	r, err := s.Open(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatalf("Open(%q): %v", key, err)
	}
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(got) != data {
		t.Errorf("%q = %q, %v, want %q", key, got, err, data)
	}
}

func keys(t *testing.T, s *fsblob.Store, prefix string) []string {
	t.Helper()
	var found []string
	for b, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, b.Key)
	}
	return found
}

func TestABlobMayBeBelowAnother(t *testing.T) {
	s := open(t, t.TempDir())
	all := []string{"a", "a-b", "a-b/c", "a/b", "a/b/c", "a/b/c/d", "a0"}
	for _, k := range all {
		put(t, s, k, k)
	}
	for _, k := range all {
		want(t, s, k, k)
	}
	if got := keys(t, s, ""); !slices.Equal(got, all) {
		t.Errorf("listed %q, want %q", got, all)
	}
	if got := keys(t, s, "a/b"); !slices.Equal(got, []string{"a/b", "a/b/c", "a/b/c/d"}) {
		t.Errorf("listed %q", got)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "org/asset/file", "x")
	id, err := s.CreateMultipart(t.Context(), "org/asset/big", "", 10, 5)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.UploadPart(t.Context(), ports.PartSpec{Key: "org/asset/big", UploadID: id, Number: 1, Size: 5}, strings.NewReader("four"))
	if !errors.Is(err, core.ErrSizeMismatch) {
		t.Errorf("short part: %v", err)
	}
	_, err = s.Upload(t.Context(), ports.PutSpec{Key: "org/asset/wrong", Size: 1, SHA256: make([]byte, 32)}, strings.NewReader("x"))
	if !errors.Is(err, core.ErrChecksumMismatch) {
		t.Errorf("wrong bytes: %v", err)
	}
	_, err = s.Upload(t.Context(), ports.PutSpec{Key: "org/asset/file", Size: 1, CreateOnly: true}, strings.NewReader("y"))
	if !errors.Is(err, core.ErrBlobExists) {
		t.Errorf("existing blob: %v", err)
	}
	if err := s.AbortMultipart(t.Context(), "org/asset/big", id); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "org/asset/file"); err != nil {
		t.Error(err)
	}
	if got := files(t, dir); !slices.Equal(got, []string{".multipart", ".tmp", "objects", "objects/3"}) {
		t.Errorf("left: %q", got)
	}
}

func TestAPartOfAnotherSizeIsRefused(t *testing.T) {
	s := open(t, t.TempDir())
	id, err := s.CreateMultipart(t.Context(), "k", "", 12, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []ports.PartSpec{{Number: 0, Size: 5}, {Number: 1, Size: 4}, {Number: 3, Size: 5}, {Number: 4, Size: 2}} {
		p.Key, p.UploadID = "k", id
		if _, err := s.UploadPart(t.Context(), p, strings.NewReader("bytes")); !errors.Is(err, core.ErrSizeMismatch) {
			t.Errorf("part %d of %d bytes: %v", p.Number, p.Size, err)
		}
	}
	for _, size := range [][2]int64{{-1, 5}, {5, 0}, {5, -1}, {10_001, 1}, {1 << 62, 1}} {
		if _, err := s.CreateMultipart(t.Context(), "k", "", size[0], size[1]); core.KindOf(err) != core.KindInvalid {
			t.Errorf("upload of %d bytes in parts of %d: %v", size[0], size[1], err)
		}
	}
}

// started is a body that says when it is being read and then waits.
type started struct {
	began, end chan struct{}
	once       sync.Once
}

func (r *started) Read([]byte) (int, error) {
	r.once.Do(func() { close(r.began) })
	<-r.end
	return 0, io.ErrUnexpectedEOF
}

func TestAnUploadIsNotCompletedWhileAPartIsWritten(t *testing.T) {
	s := open(t, t.TempDir())
	id, err := s.CreateMultipart(t.Context(), "k", "", 5, 5)
	if err != nil {
		t.Fatal(err)
	}
	p := ports.PartSpec{Key: "k", UploadID: id, Number: 1, Size: 5}
	part, err := s.UploadPart(t.Context(), p, strings.NewReader("bytes"))
	if err != nil {
		t.Fatal(err)
	}
	slow := &started{began: make(chan struct{}), end: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.UploadPart(context.Background(), p, slow); err == nil {
			t.Error("a body that fails is accepted")
		}
	})
	<-slow.began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.UploadPart(ctx, p, strings.NewReader("bytes")); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for the other writer: %v", err)
	}
	if err := s.CompleteMultipart(t.Context(), "k", id, []ports.Part{part}); !errors.Is(err, core.ErrUploadIncomplete) {
		t.Errorf("complete: %v", err)
	}
	close(slow.end)
	wg.Wait()
	if err := s.CompleteMultipart(t.Context(), "k", id, []ports.Part{part}); !errors.Is(err, core.ErrUploadIncomplete) {
		t.Errorf("complete, the part being torn: %v", err)
	}
	if part, err = s.UploadPart(t.Context(), p, strings.NewReader("again")); err != nil {
		t.Fatal(err)
	}
	if err := s.CompleteMultipart(t.Context(), "k", id, []ports.Part{part}); err != nil {
		t.Error(err)
	}
	want(t, s, "k", "again")
}

func TestACrashWhileCompletingNeverExposesTheBlobToParts(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	id, err := s.CreateMultipart(t.Context(), "k", "", 5, 5)
	if err != nil {
		t.Fatal(err)
	}
	p := ports.PartSpec{Key: "k", UploadID: id, Number: 1, Size: 5}
	part, err := s.UploadPart(t.Context(), p, strings.NewReader("bytes"))
	if err != nil {
		t.Fatal(err)
	}
	// As if the process had died when the blob had its name and the upload was still there.
	upload := filepath.Join(dir, ".multipart", id)
	if err := errors.Join(
		os.WriteFile(filepath.Join(upload, "sealed"), nil, 0o600),
		os.MkdirAll(filepath.Join(dir, "objects", "1"), 0o700),
		os.Link(filepath.Join(upload, "data"), filepath.Join(dir, "objects", "1", "k")),
	); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UploadPart(t.Context(), p, strings.NewReader("other")); !errors.Is(err, core.ErrUploadNotFound) {
		t.Errorf("part: %v", err)
	}
	want(t, s, "k", "bytes")
	if err := s.CompleteMultipart(t.Context(), "k", id, []ports.Part{part}); err != nil {
		t.Errorf("complete again: %v", err)
	}
	want(t, s, "k", "bytes")
	if _, err := os.Stat(upload); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the upload is still there: %v", err)
	}
}

func TestOfRacingCompletionsOneSucceeds(t *testing.T) {
	s := open(t, t.TempDir())
	id, err := s.CreateMultipart(t.Context(), "k", "", 5, 5)
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.UploadPart(t.Context(), ports.PartSpec{Key: "k", UploadID: id, Number: 1, Size: 5}, strings.NewReader("bytes"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var done atomic.Int32
	for range 8 {
		wg.Go(func() {
			err := s.CompleteMultipart(t.Context(), "k", id, []ports.Part{part})
			if err == nil {
				done.Add(1)
			} else if !errors.Is(err, core.ErrUploadNotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done.Load() != 1 {
		t.Errorf("%d completions succeeded", done.Load())
	}
	want(t, s, "k", "bytes")
}

func TestSweepRemovesOldTemporaryFilesOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "k", "x")
	old, young := filepath.Join(dir, ".tmp", "old"), filepath.Join(dir, ".tmp", "young")
	tree := filepath.Join(dir, ".tmp", "tree")
	hourAgo := time.Now().Add(-time.Hour)
	if err := errors.Join(
		os.WriteFile(old, nil, 0o600), os.WriteFile(young, nil, 0o600),
		os.Mkdir(tree, 0o700), os.WriteFile(filepath.Join(tree, "data"), nil, 0o600),
		os.Chtimes(old, hourAgo, hourAgo), os.Chtimes(tree, hourAgo, hourAgo),
		os.Chtimes(filepath.Join(dir, "objects", "1", "k"), hourAgo, hourAgo),
	); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(-time.Minute)); n != 2 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	if got := files(t, filepath.Join(dir, ".tmp")); !slices.Equal(got, []string{"young"}) {
		t.Errorf("left: %q", got)
	}
	want(t, s, "k", "x")
}

func TestSymbolicLinksLeadNowhereOutside(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir)
	if err := errors.Join(
		os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600),
		os.MkdirAll(filepath.Join(dir, "objects", "2"), 0o700),
		os.Symlink(outside, filepath.Join(dir, "objects", "2", "link")),
	); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), "link/secret", 0, -1); err == nil {
		t.Error("a symbolic link was followed out of the directory")
	}
	if _, err := s.Put(t.Context(), "link/new", "", strings.NewReader("x")); err == nil {
		t.Error("written through a symbolic link out of the directory")
	}
	if got := files(t, outside); len(got) != 1 {
		t.Errorf("outside: %q", got)
	}
}

func TestAnElementTooLongForTheFilesystemIsInvalid(t *testing.T) {
	s := open(t, t.TempDir())
	_, err := s.Put(t.Context(), "org/"+strings.Repeat("x", 256), "", strings.NewReader("x"))
	if core.KindOf(err) != core.KindInvalid {
		t.Errorf("error %v", err)
	}
}

func TestADirectoryLargerThanABatchIsListedInOrder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, "objects", "1"), 0o700); err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := range 40_000 {
		name := fmt.Sprintf("%05d", i)
		all = append(all, name)
		if err := os.WriteFile(filepath.Join(dir, "objects", "1", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := keys(t, s, ""); !slices.Equal(got, all) {
		t.Errorf("listed %d keys, want %d in order", len(got), len(all))
	}
}

func TestDiagnose(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	before := files(t, dir)
	for _, f := range s.Diagnose(t.Context(), false) {
		if !f.OK || f.Check == "" || f.Detail == "" {
			t.Errorf("%+v", f)
		}
	}
	if after := files(t, dir); !slices.Equal(before, after) {
		t.Errorf("left: %q", after)
	}
	var _ ports.Diagnosable = s
	if os.Geteuid() == 0 {
		return // may write anywhere
	}
	if err := os.Chmod(filepath.Join(dir, ".tmp"), 0o500); err != nil {
		t.Fatal(err)
	}
	if f := s.Diagnose(t.Context(), false)[0]; f.OK {
		t.Errorf("a directory that cannot be written to: %+v", f)
	}
}
