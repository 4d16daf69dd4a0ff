package contract

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// blobTest is one subtest on a new, empty store.
type blobTest struct {
	*testing.T
	ports.Blobs
}

// Blobs tests that the stores opened by open keep the contract of ports.Blobs.
// A store must be new and empty, its signed URLs reachable, and its clock right.
func Blobs(t *testing.T, open func(t *testing.T) ports.Blobs) {
	for _, tests := range []map[string]func(blobTest){blobTests, signedBlobTests, multipartTests} {
		names := make([]string, 0, len(tests))
		for name := range tests {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			t.Run(name, func(t *testing.T) { tests[name](blobTest{t, open(t)}) })
		}
	}
}

var blobTests = map[string]func(blobTest){
	"what is put comes back":                                 putComesBack,
	"a blob is opened from any offset for any length":        openRanges,
	"a put replaces the blob":                                putReplaces,
	"a put that fails leaves the old blob":                   failedPutLeavesOld,
	"a put that fails leaves nothing where nothing was":      failedPutLeavesNothing,
	"a missing blob is not found":                            missingBlob,
	"a key that leads astray is refused":                     badKeys,
	"a key is any text up to its limits":                     oddKeys,
	"a copy has the same bytes and replaces":                 copyReplaces,
	"a deleted blob is gone and deleting it again is fine":   deleteTwice,
	"a list is in byte order of the keys":                    listOrder,
	"a list shows what starts with the prefix":               listPrefix,
	"a list longer than a page is complete":                  longList,
	"a list stops when told and when its context ends":       listStops,
	"siblings put while a blob is deleted stay":              siblingsStay,
	"a reader keeps the blob it opened while it is replaced": readerKeepsBlob,
	"the store answers a ping":                               func(b blobTest) { b.must(b.Ping(b.Context())) },
}

func putComesBack(b blobTest) {
	for i, size := range []int{0, 1, 256 << 10, 256<<10 + 1, 3<<20 + 7, 16 << 20, 35<<20 + 1} {
		want := noise(size)
		key := fmt.Sprintf("org/asset/%d", i)
		info, err := b.Put(b.Context(), key, "image/png", bytes.NewReader(want))
		b.must(err)
		b.checkInfo(info, key, want)
		b.wantBlob(key, want)
	}
}

func openRanges(b blobTest) {
	all := noise(600 << 10)
	n := int64(len(all))
	b.put("k", all)
	b.put("empty", nil)
	for _, r := range []struct {
		offset, length int64
		want           []byte
	}{
		{0, -1, all},
		{0, n, all},
		{0, 0, nil},
		{5, 0, nil},
		{1, 1, all[1:2]},
		{7, 300 << 10, all[7 : 7+300<<10]},
		{100, -1, all[100:]},
		{n - 1, -1, all[n-1:]},
		{n - 1, 10, all[n-1:]},
		{n, -1, nil},
		{n + 5, 5, nil},
	} {
		if got := b.read("k", r.offset, r.length); !bytes.Equal(got, r.want) {
			b.Errorf("offset %d length %d: %d bytes, want %d", r.offset, r.length, len(got), len(r.want))
		}
	}
	for _, length := range []int64{-1, 0, 5} {
		if got := b.read("empty", 0, length); len(got) != 0 {
			b.Errorf("%d bytes of an empty blob", len(got))
		}
	}
	if _, err := b.Open(b.Context(), "k", -1, 1); err == nil {
		b.Error("a negative offset is accepted")
	}
	_, err := b.Open(b.Context(), "missing", 0, 0)
	b.wantErr(err, core.ErrBlobNotFound)
}

func putReplaces(b blobTest) {
	b.put("org/k", []byte("the old bytes"))
	b.put("org/k", []byte("new"))
	b.wantBlob("org/k", []byte("new"))
}

func failedPutLeavesOld(b blobTest) {
	b.put("org/k", []byte("old"))
	for _, size := range []int{10, 300 << 10, 20 << 20} {
		for _, broken := range []error{errors.New("torn"), io.ErrUnexpectedEOF} {
			r := io.MultiReader(bytes.NewReader(noise(size)), iotest.ErrReader(broken))
			if _, err := b.Put(b.Context(), "org/k", "", r); !errors.Is(err, broken) {
				b.Errorf("Put of a reader that fails after %d bytes: %v", size, err)
			}
		}
	}
	b.wantBlob("org/k", []byte("old"))
	if got := b.uploads(); len(got) > 0 {
		b.Errorf("left in progress: %q", got)
	}
}

func failedPutLeavesNothing(b blobTest) {
	if _, err := b.Put(b.Context(), "org/k", "", iotest.ErrReader(errors.New("torn"))); err == nil {
		b.Error("Put accepts a reader that fails")
	}
	b.wantNoBlob("org/k")
	if keys := b.list(""); len(keys) > 0 {
		b.Errorf("left: %q", keys)
	}
}

func missingBlob(b blobTest) {
	b.put("org/asset/file", []byte("x"))
	for _, key := range []string{"missing", "org/missing/file", "org/asset/missing", "org/asset/file2", "org/asset"} {
		_, err := b.Stat(b.Context(), key)
		b.wantErr(err, core.ErrBlobNotFound)
		_, err = b.Open(b.Context(), key, 0, -1)
		b.wantErr(err, core.ErrBlobNotFound)
		b.wantErr(b.Copy(b.Context(), key, "copy"), core.ErrBlobNotFound)
	}
	b.wantNoBlob("copy")
}

func badKeys(b blobTest) {
	b.put("ok", []byte("x"))
	soon := time.Now().Add(time.Hour) // the server under test knows the real time
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "a\x00b", "a/\xff", strings.Repeat("a/", 512) + "a",
	} {
		errs := make(map[string]error)
		_, errs["Stat"] = b.Stat(b.Context(), key)
		_, errs["Open"] = b.Open(b.Context(), key, 0, -1)
		_, errs["Put"] = b.Put(b.Context(), key, "", strings.NewReader("x"))
		errs["Copy from"] = b.Copy(b.Context(), key, "copy")
		errs["Copy to"] = b.Copy(b.Context(), "ok", key)
		errs["Delete"] = b.Delete(b.Context(), key)
		_, errs["CreateMultipart"] = b.CreateMultipart(b.Context(), key, "", 10, 5)
		_, errs["SignPut"] = b.SignPut(b.Context(), ports.PutSpec{Key: key, Size: 1, Expires: soon})
		_, errs["SignPart"] = b.SignPart(b.Context(), ports.PartSpec{Key: key, UploadID: "u", Number: 1, Size: 1, Expires: soon})
		_, errs["SignGet"] = b.SignGet(b.Context(), ports.GetSpec{Key: key, Expires: soon})
		for method, err := range errs {
			if err == nil || errors.Is(err, core.ErrBlobNotFound) || core.KindOf(err) != core.KindInvalid {
				b.Errorf("%s of key %.20q: %v, want it refused as invalid", method, key, err)
			}
		}
	}
	if keys := b.list(""); !slices.Equal(keys, []string{"ok"}) {
		b.Errorf("left: %q", keys)
	}
}

// oddNames are names people give to files, and the longest ones.
var oddNames = []string{
	"Отчёт за март.pdf", "a b", " lead and trail ", "a+b", "100%", "%41", "a#b", "a?b=c&d", "a;b,c=d", "~!@$^*()'\"`", "a\\b", "…", "...", "-rf",
	"日本語.txt", "🙂.png", "e\u0301", "\u00e9", strings.Repeat("n", 255), strings.Repeat("é", 127) + "n",
}

func oddKeys(b blobTest) {
	for i, name := range oddNames {
		key := fmt.Sprintf("org/%d/%s", i, name)
		want := []byte(name)
		b.put(key, want)
		b.wantBlob(key, want)
		b.must(b.Copy(b.Context(), key, "copies/"+name))
		b.wantBlob("copies/"+name, want)
		if got := b.list(key); !slices.Equal(got, []string{key}) {
			b.Errorf("List(%q) = %q", key, got)
		}
	}
	long := strings.Repeat(strings.Repeat("x", 203)+"/", 5) + "four"
	b.put(long, []byte("long"))
	b.wantBlob(long, []byte("long"))
	b.must(b.Delete(b.Context(), long, "copies/a b", "org/0/"+oddNames[0]))
	b.wantNoBlob(long)
	b.wantNoBlob("copies/a b")
	b.wantNoBlob("org/0/" + oddNames[0])
}

func copyReplaces(b blobTest) {
	want := noise(7 << 20)
	b.put("a/src", want)
	b.put("b/dst", []byte("old"))
	b.must(b.Copy(b.Context(), "a/src", "b/dst"))
	b.must(b.Copy(b.Context(), "a/src", "c/new"))
	b.wantBlob("b/dst", want)
	b.must(b.Delete(b.Context(), "a/src"))
	b.wantBlob("c/new", want)
}

func deleteTwice(b blobTest) {
	b.put("org/a/1", []byte("1"))
	b.put("org/a/2", []byte("2"))
	b.must(b.Delete(b.Context()))
	b.must(b.Delete(b.Context(), "org/a/1", "org/b/missing"))
	b.wantNoBlob("org/a/1")
	b.wantBlob("org/a/2", []byte("2"))
	b.must(b.Delete(b.Context(), "org/a/1", "org/a/2"))
	b.put("org/a/1", []byte("again"))
	b.wantBlob("org/a/1", []byte("again"))
}

func siblingsStay(b blobTest) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 25 {
				key := fmt.Sprintf("org/asset/%d", i)
				b.put(key, []byte(key))
				b.wantBlob(key, []byte(key))
				b.must(b.Delete(b.Context(), key))
			}
		})
	}
	wg.Wait()
}

func readerKeepsBlob(b blobTest) {
	old := noise(64 << 10)
	b.put("k", old)
	r, err := b.Open(b.Context(), "k", 0, -1)
	b.must(err)
	b.put("k", noise(10))
	got, err := io.ReadAll(r)
	b.must(errors.Join(err, r.Close()))
	if !bytes.Equal(got, old) {
		b.Errorf("the reader got %d bytes that are not the old blob", len(got))
	}
}

func (b blobTest) put(key string, data []byte) {
	b.Helper()
	if _, err := b.Put(b.Context(), key, "text/plain", bytes.NewReader(data)); err != nil {
		b.Errorf("Put(%q): %v", key, err)
	}
}

func (b blobTest) read(key string, offset, length int64) []byte {
	b.Helper()
	r, err := b.Open(b.Context(), key, offset, length)
	if err != nil {
		b.Errorf("Open(%q, %d, %d): %v", key, offset, length, err)
		return nil
	}
	data, err := io.ReadAll(r)
	b.must(errors.Join(err, r.Close()))
	return data
}

// wantBlob checks the blob's bytes and what Stat says of it.
func (b blobTest) wantBlob(key string, want []byte) {
	b.Helper()
	if got := b.read(key, 0, -1); !bytes.Equal(got, want) {
		b.Errorf("blob %q has %d bytes, not the %d put", key, len(got), len(want))
	}
	info, err := b.Stat(b.Context(), key)
	if err != nil {
		b.Errorf("Stat(%q): %v", key, err)
		return
	}
	b.checkInfo(info, key, want)
}

func (b blobTest) checkInfo(info ports.BlobInfo, key string, want []byte) {
	b.Helper()
	sum := sha256.Sum256(want)
	if info.Key != key || info.Size != int64(len(want)) || info.SHA256 != nil && !bytes.Equal(info.SHA256, sum[:]) {
		b.Errorf("%+v does not describe the %d bytes of %q", info, len(want), key)
	}
	if info.ModifiedAt.IsZero() || info.ModifiedAt.Location() != time.UTC || info.ModifiedAt.Nanosecond()%1000 != 0 {
		b.Errorf("%q was modified at %v, want a time in UTC, in microseconds", key, info.ModifiedAt)
	}
}

func (b blobTest) wantNoBlob(key string) {
	b.Helper()
	_, err := b.Stat(b.Context(), key)
	b.wantErr(err, core.ErrBlobNotFound)
}

func (b blobTest) list(prefix string) []string {
	b.Helper()
	var keys []string
	for info, err := range b.List(b.Context(), prefix) {
		if err != nil {
			b.Errorf("List(%q): %v", prefix, err)
			break
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func (b blobTest) must(err error) {
	b.Helper()
	if err != nil {
		b.Error(err)
	}
}

func (b blobTest) wantErr(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Errorf("error %v, want %v", err, want)
	}
}

// noise returns bytes that cannot be compressed, the same for each size.
func noise(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)}).Read(data) // never fails
	return data
}
