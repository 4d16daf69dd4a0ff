package contract

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var multipartTests = map[string]func(blobTest){
	"parts that arrive in any order become one blob":      partsInAnyOrder,
	"parts that arrive at once become one blob":           partsAtOnce,
	"a part that is sent again replaces the first":        partAgain,
	"a part refuses all that was not declared":            partRefuses,
	"an upload that lacks a part is incomplete":           partMissing,
	"an upload completed with a wrong part is incomplete": partWrong,
	"an upload is completed once":                         completeTwice,
	"an upload never replaces a blob":                     completeExisting,
	"an aborted upload is gone":                           abortGone,
	"an unknown upload is not found":                      unknownUpload,
	"uploads in progress are listed":                      uploadsListed,
	"an upload of one part is an upload":                  onePart,
}

const partSize = 5 << 20 // the least that S3 takes, but for the last part

// multipart is an upload in progress.
type multipart struct {
	blobTest
	key, id string
	data    []byte
}

func (b blobTest) multipart(key string, size int) multipart {
	b.Helper()
	id, err := b.CreateMultipart(b.Context(), key, "video/mp4", int64(size), partSize)
	if err != nil {
		b.Fatal(err)
	}
	return multipart{b, key, id, noise(size)}
}

// chunk returns the bytes of a part.
func (m multipart) chunk(number int) []byte {
	from := (number - 1) * partSize
	return m.data[from:min(from+partSize, len(m.data))]
}

func (m multipart) sign(number int) ports.SignedRequest {
	m.Helper()
	r, err := m.SignPart(m.Context(), ports.PartSpec{
		Key: m.key, UploadID: m.id, Number: number, Size: int64(len(m.chunk(number))), Expires: soon(),
	})
	m.must(err)
	return r
}

// upload sends a part and returns it as a client knows it.
func (m multipart) upload(number int) ports.Part {
	m.Helper()
	got := m.send(m.sign(number), m.chunk(number), nil)
	if got.status != http.StatusOK {
		m.Errorf("PUT of part %d: %v", number, got)
	}
	etag := strings.Trim(got.header.Get("Etag"), `"`)
	if etag == "" {
		m.Errorf("part %d has no ETag", number)
	}
	return ports.Part{Number: number, Size: int64(len(m.chunk(number))), ETag: etag}
}

func (m multipart) complete(parts ...ports.Part) error {
	return m.CompleteMultipart(m.Context(), m.key, m.id, parts)
}

func (b blobTest) parts(key, id string) []ports.Part {
	b.Helper()
	var parts []ports.Part
	for p, err := range b.Parts(b.Context(), key, id) {
		if err != nil {
			b.Errorf("Parts: %v", err)
			break
		}
		parts = append(parts, p)
	}
	return parts
}

func (b blobTest) uploads() []string {
	b.Helper()
	var keys []string
	for m, err := range b.Multiparts(b.Context()) {
		if err != nil {
			b.Errorf("Multiparts: %v", err)
			break
		}
		if m.UploadID == "" || m.StartedAt.IsZero() {
			b.Errorf("listed: %+v", m)
		}
		keys = append(keys, m.Key)
	}
	slices.Sort(keys)
	return keys
}

func partsInAnyOrder(b blobTest) {
	m := b.multipart("org/asset/Отчёт за март+апрель.mp4", 2*partSize+3)
	p3, p1 := m.upload(3), m.upload(1)
	if got := m.parts(m.key, m.id); !slices.Equal(got, []ports.Part{p1, p3}) {
		b.Errorf("arrived: %+v", got)
	}
	b.wantNoBlob(m.key)
	p2 := m.upload(2)
	if got := m.parts(m.key, m.id); !slices.Equal(got, []ports.Part{p1, p2, p3}) {
		b.Errorf("arrived: %+v", got)
	}
	b.must(m.complete(p1, p2, p3))
	b.wantBlob(m.key, m.data)
	if got := b.uploads(); len(got) > 0 {
		b.Errorf("still in progress: %q", got)
	}
	if got := b.list(""); !slices.Equal(got, []string{m.key}) {
		b.Errorf("stored: %q", got)
	}
}

func partsAtOnce(b blobTest) {
	m := b.multipart("org/k", 3*partSize+partSize/2)
	parts := make([]ports.Part, 4)
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { parts[i] = m.upload(i + 1) })
		if i < 2 {
			wg.Go(func() { m.upload(i + 1) }) // an impatient client
		}
	}
	wg.Wait()
	b.must(m.complete(parts...))
	b.wantBlob(m.key, m.data)
}

func partAgain(b blobTest) {
	m := b.multipart("org/k", partSize+10)
	wrong := m
	wrong.data = bytes.Repeat([]byte("x"), len(m.data))
	old := wrong.upload(1)
	p1, p2 := m.upload(1), m.upload(2)
	if got := m.parts(m.key, m.id); !slices.Equal(got, []ports.Part{p1, p2}) {
		b.Errorf("arrived: %+v", got)
	}
	b.wantErr(m.complete(old, p2), core.ErrUploadIncomplete)
	b.must(m.complete(p1, p2))
	b.wantBlob(m.key, m.data)
}

func partRefuses(b blobTest) {
	m := b.multipart("org/k", partSize+10)
	r := m.sign(2)
	data := m.chunk(2)
	for what, got := range map[string]answer{
		"a longer body":  b.send(r, append(bytes.Clone(data), '!'), nil),
		"a shorter body": b.send(r, data[:5], nil),
		"another key":    b.send(r, data, func(r *http.Request) { r.URL.Path += "2"; r.URL.RawPath = "" }),
		"no signature":   b.send(r, data, func(r *http.Request) { r.URL.RawQuery = "" }),
		"another part": b.send(r, data, func(r *http.Request) {
			r.URL.RawQuery = strings.NewReplacer("partNumber=2", "partNumber=1", "p=2", "p=1").Replace(r.URL.RawQuery)
		}),
	} {
		if !got.refused() {
			b.Errorf("%s: %v", what, got)
		}
	}
	if got := m.parts(m.key, m.id); len(got) > 0 {
		b.Errorf("arrived: %+v", got)
	}
	b.must(b.AbortMultipart(b.Context(), m.key, m.id))
}

func partMissing(b blobTest) {
	m := b.multipart("org/k", 2*partSize+10)
	b.wantErr(m.complete(), core.ErrUploadIncomplete)
	p1, p3 := m.upload(1), m.upload(3)
	b.wantErr(m.complete(p1, p3), core.ErrUploadIncomplete)
	b.wantErr(m.complete(p1, ports.Part{Number: 2, Size: partSize, ETag: p1.ETag}, p3), core.ErrUploadIncomplete)
	b.wantNoBlob(m.key)
	p2 := m.upload(2)
	b.must(m.complete(p1, p2, p3))
	b.wantBlob(m.key, m.data)
}

func partWrong(b blobTest) {
	m := b.multipart("org/k", partSize+10)
	p1, p2 := m.upload(1), m.upload(2)
	forged := p2
	forged.ETag = p1.ETag
	b.wantErr(m.complete(p1, forged), core.ErrUploadIncomplete)
	b.wantErr(m.complete(p2, p1), core.ErrUploadIncomplete)
	b.wantErr(m.complete(p1, p1), core.ErrUploadIncomplete)
	b.wantNoBlob(m.key)
	b.must(m.complete(p1, p2))
	b.wantBlob(m.key, m.data)
}

func completeTwice(b blobTest) {
	m := b.multipart("org/k", partSize+10)
	p1, p2 := m.upload(1), m.upload(2)
	part, again := m.sign(2), bytes.Repeat([]byte("x"), len(m.chunk(2)))
	b.must(m.complete(p1, p2))
	b.wantErr(m.complete(p1, p2), core.ErrUploadNotFound)
	b.must(b.AbortMultipart(b.Context(), m.key, m.id))
	if got := b.send(part, again, nil); !got.refused() {
		b.Errorf("PUT of a part after the upload is complete: %v", got)
	}
	b.wantBlob(m.key, m.data)
}

func completeExisting(b blobTest) {
	if !b.CreateOnly() {
		return // it says that it promises nothing here
	}
	m := b.multipart("org/k", partSize+10)
	p1, p2 := m.upload(1), m.upload(2)
	b.put("org/k", []byte("first"))
	b.wantErr(m.complete(p1, p2), core.ErrBlobExists)
	b.wantBlob("org/k", []byte("first"))
	b.must(b.AbortMultipart(b.Context(), m.key, m.id))
	b.wantBlob("org/k", []byte("first"))
}

func abortGone(b blobTest) {
	m := b.multipart("org/k", partSize+10)
	p1 := m.upload(1)
	r := m.sign(2)
	b.must(b.AbortMultipart(b.Context(), m.key, m.id))
	b.must(b.AbortMultipart(b.Context(), m.key, m.id))
	if got := b.send(r, m.chunk(2), nil); !got.refused() {
		b.Errorf("PUT of a part after the abort: %v", got)
	}
	b.wantErr(m.complete(p1, p1), core.ErrUploadNotFound)
	b.wantNoParts(m.key, m.id)
	b.wantNoBlob(m.key)
	if got := b.uploads(); len(got) > 0 {
		b.Errorf("still in progress: %q", got)
	}
}

func unknownUpload(b blobTest) {
	m := b.multipart("org/k", 10)
	for _, id := range []string{"unknown", "..", m.id + "x"} {
		b.must(b.AbortMultipart(b.Context(), "org/k", id))
		b.wantErr(b.CompleteMultipart(b.Context(), "org/k", id, []ports.Part{{Number: 1, Size: 10, ETag: "e"}}), core.ErrUploadNotFound)
		b.wantNoParts("org/k", id)
	}
	// An upload belongs to its key.
	b.wantErr(b.CompleteMultipart(b.Context(), "org/other", m.id, []ports.Part{{Number: 1, Size: 10, ETag: "e"}}), core.ErrUploadNotFound)
	b.wantNoParts("org/other", m.id)
	b.must(b.AbortMultipart(b.Context(), "org/other", m.id))
	p := m.upload(1)
	b.must(m.complete(p))
	b.wantBlob("org/k", m.data)
}

func (b blobTest) wantNoParts(key, id string) {
	b.Helper()
	n := 0
	for _, err := range b.Parts(b.Context(), key, id) {
		n++
		b.wantErr(err, core.ErrUploadNotFound)
	}
	if n != 1 {
		b.Errorf("the parts of an unknown upload yield %d times, want an error", n)
	}
}

func uploadsListed(b blobTest) {
	if got := b.uploads(); len(got) > 0 {
		b.Errorf("in progress: %q", got)
	}
	a, c := b.multipart("org/a", 10), b.multipart("org/b/日本 +.bin", 10)
	again := b.multipart("org/a", 10)
	if got, want := b.uploads(), []string{"org/a", "org/a", c.key}; !slices.Equal(got, want) {
		b.Errorf("in progress: %q, want %q", got, want)
	}
	if keys := b.list(""); len(keys) > 0 {
		b.Errorf("listed as blobs: %q", keys)
	}
	for _, m := range []multipart{a, c, again} {
		b.must(b.AbortMultipart(b.Context(), m.key, m.id))
	}
	if got := b.uploads(); len(got) > 0 {
		b.Errorf("in progress: %q", got)
	}
}

func onePart(b blobTest) {
	m := b.multipart("org/"+strings.Repeat("n", 255), 10)
	b.must(m.complete(m.upload(1)))
	b.wantBlob(m.key, m.data)
}
