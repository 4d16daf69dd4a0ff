package asset_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (f *env) batch(on asset.OnConflict, files ...asset.BatchFile) []asset.BatchCreated {
	f.Helper()
	for i := range files {
		files[i].Place = i
	}
	out, err := f.CreateMany(f.Context(), f.actor, asset.BatchInput{DriveID: f.drive, OnConflict: on, Each: true, Files: files})
	f.Must(err)
	return out
}

func text(path, content string) asset.BatchFile {
	sum := sha256.Sum256([]byte(content))
	return asset.BatchFile{Path: path, ContentType: "text/plain", SizeBytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

// codeOf returns the code of an error, or nothing.
func codeOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func codesOf(made []asset.BatchCreated) []string {
	out := make([]string, len(made))
	for i, m := range made {
		if m.Err != nil {
			out[i] = codeOf(m.Err)
		}
	}
	return out
}

func ended(made ...asset.BatchCreated) []asset.BatchComplete {
	var out []asset.BatchComplete
	for _, m := range made {
		out = append(out, asset.BatchComplete{AssetID: m.Asset.ID, CompleteInput: asset.CompleteInput{UploadID: m.Upload.Upload.ID}})
	}
	return out
}

// put sends the bytes of a file of a batch, and completes it.
func (f *env) put(path, content string) asset.BatchCreated {
	f.Helper()
	m := f.batch(asset.ConflictVersion, text(path, content))[0]
	f.Must(m.Err)
	f.Send(*m.Upload.Single, []byte(content))
	done, err := f.CompleteMany(f.Context(), f.actor, f.drive, ended(m))
	f.Must(err)
	f.Must(done[0].Err)
	return m
}

// names returns the paths of all live nodes of the drive, in order.
func (f *env) names() (out []string) {
	f.Helper()
	f.Read(func(tx ports.Tx) error {
		all, err := tx.Subtrees.Entries(f.Context(), f.drive, core.RootOf(f.drive), 1_000)
		paths := make(map[core.NodeID]string)
		for _, e := range all {
			if e.Node.ParentID.IsZero() {
				continue
			}
			paths[e.Node.ID] = paths[e.Node.ParentID] + "/" + e.Node.Name
			out = append(out, paths[e.Node.ID])
		}
		return err
	})
	slices.Sort(out)
	return out
}

func TestFilesOfABatchComeEachByItself(t *testing.T) {
	for _, createOnly := range []bool{true, false} {
		t.Run(fmt.Sprintf("create-only %t", createOnly), func(t *testing.T) {
			f := newFixture(t, createOnly)
			f.put("file", "x")
			made := f.batch(
				asset.ConflictFail, text("a/one", "hello"), text("file", "y"), text("bad\x00/two", "z"), text("a/one", "again"),
				text("file/below/x", "z"), text("b/three", "hello"), text("c/huge", "hello"), asset.BatchFile{Path: "d/e/f", SizeBytes: -1},
			)
			want := []string{"", "name_taken", "validation_failed", "validation_failed", "name_taken", "", "", "validation_failed"}
			if got := codesOf(made); !slices.Equal(got, want) {
				t.Fatalf("%q, want %q", got, want)
			}
			// Of what could not be, nothing is left: no folder either.
			if got, want := f.names(), []string{"/a", "/a/one", "/b", "/b/three", "/c", "/c/huge", "/file"}; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			for _, i := range []int{0, 5} {
				if status := f.Send(*made[i].Upload.Single, []byte("hello")); status != 200 {
					t.Fatal(status)
				}
			}
			all := append(ended(made[0], made[5], made[6]), ended(made[0])...)
			all = append(all, asset.BatchComplete{AssetID: made[0].Asset.ID, CompleteInput: asset.CompleteInput{UploadID: made[5].Upload.Upload.ID}})
			done, err := f.CompleteMany(f.Context(), f.actor, f.drive, all)
			f.Must(err)
			for i, want := range []string{"", "", "upload_incomplete", "", "upload_not_found"} {
				if c := done[i]; want == "" && (c.Err != nil || c.Asset.Status != core.AssetReady) || want != "" && codeOf(c.Err) != want {
					t.Errorf("%d: %+v, want %q", i, c, want)
				}
			}
			f.Send(*made[6].Upload.Single, []byte("hello")) // nothing keeps it from being completed now
			done, err = f.CompleteMany(f.Context(), f.actor, f.drive, ended(made[6]))
			f.Must(err)
			f.Must(done[0].Err)
			f.work()
			f.used(core.OrgUsage{UsedBytes: 16, AssetsCount: 4})
			if got := f.content(made[0].Asset.ID); got != "hello" {
				t.Errorf("content = %q", got)
			}
		})
	}
}

func TestAFileOfABatchMeetsAnother(t *testing.T) {
	f := newFixture(t, true)
	before := f.put("a.txt", "before")
	same := f.batch(asset.ConflictVersion, text("a.txt", "before"))[0]
	if same.Upload != nil || same.Asset.ID != before.Asset.ID {
		t.Errorf("what is there is sent again: %+v", same)
	}
	if got := codesOf(f.batch(asset.ConflictFail, text("a.txt", "before"))); got[0] != "name_taken" {
		t.Error(got)
	}
	renamed := f.batch(asset.ConflictRename, text("a (1).txt", "one"), text("a.txt", "other"), text("sub/a.txt", "sub"))
	if got, want := f.names(), []string{"/a (1).txt", "/a (2).txt", "/a.txt", "/sub", "/sub/a.txt"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	again := f.batch(asset.ConflictRename, text("sub/a.txt", "sub"))[0]
	if again.Upload.Upload.ID != renamed[2].Upload.Upload.ID {
		t.Error("the same again begins another upload")
	}
	another := f.batch(asset.ConflictVersion, text("a.txt", "after"))[0]
	if another.Asset.ID != before.Asset.ID || another.Number != 2 {
		t.Errorf("%+v", another)
	}
	f.Send(*another.Upload.Single, []byte("after"))
	done, err := f.CompleteMany(f.Context(), f.actor, f.drive, ended(another))
	f.Must(err)
	f.Must(done[0].Err)
	if got := f.content(before.Asset.ID); got != "after" {
		t.Errorf("content = %q", got)
	}
}

func TestABatchTakesTheRoomThereIs(t *testing.T) {
	f := newFixture(t, true) // a free licence: 100 files, 1,000 MB
	file := func(path string, mb int64) asset.BatchFile {
		return asset.BatchFile{Path: path, SizeBytes: mb * core.MB}
	}
	made := f.batch(asset.ConflictFail, file("a/1", 60), file("b/2", 101), file("a/3", 61))
	if got := codesOf(made); !slices.Equal(got, []string{"", "limit_exceeded", ""}) {
		t.Errorf("%q", got)
	}
	if got := f.names(); slices.Contains(got, "/b") {
		t.Errorf("a folder is left of what was refused: %q", got)
	}
	many := make([]asset.BatchFile, 120)
	for i := range many {
		many[i] = file(fmt.Sprintf("many/%d", i), 1)
	}
	refused := 0
	for _, code := range codesOf(f.batch(asset.ConflictFail, many...)) {
		if code == "limit_exceeded" {
			refused++
		}
	}
	if refused != 22 {
		t.Errorf("%d refused", refused)
	}
	f.used(core.OrgUsage{UsedBytes: (60 + 61 + 98) * core.MB, AssetsCount: 100})
}

func TestThoseWhoCompleteTheSameBatch(t *testing.T) {
	f := newFixture(t, true)
	var files []asset.BatchFile
	for i := range 40 {
		files = append(files, text(fmt.Sprintf("d/%d", i), "hello"))
	}
	made := f.batch(asset.ConflictVersion, files...)
	for _, m := range made {
		f.Send(*m.Upload.Single, []byte("hello"))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			done, err := f.CompleteMany(f.Context(), f.actor, f.drive, ended(made...))
			if err != nil {
				t.Error(err)
			}
			for _, c := range done {
				if c.Err != nil && !errors.Is(c.Err, core.ErrUploadBusy) {
					t.Error(c.Err)
				}
			}
		})
	}
	wg.Wait()
	done, err := f.CompleteMany(f.Context(), f.actor, f.drive, ended(made...))
	f.Must(err)
	for _, c := range done {
		if c.Err != nil || c.Asset.Current != 1 {
			t.Errorf("%+v", c)
		}
	}
	f.used(core.OrgUsage{UsedBytes: 200, AssetsCount: 40})
}
