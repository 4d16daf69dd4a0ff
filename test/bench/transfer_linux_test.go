package bench

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/memblob"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/signedblob"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	gigabyte = 1 << 30
	block    = 256 << 10
)

// noise is what the files consist of, over and over.
var noise = func() []byte {
	b := make([]byte, block)
	_, _ = rand.Read(b)
	return b
}()

// transfer is a server on the disk, and the means to move files to and from it.
type transfer struct {
	*server

	signer *signedblob.Blobs // knows the server's key
	person *person
	n      int
}

// BenchmarkTransfer moves 1 GiB by signed URLs of the disk: down beside nginx,
// which sends the same file, and up beside a plain write of the same bytes with
// their SHA-256 computed aside and an fsync.
func BenchmarkTransfer(b *testing.B) {
	t := newTransfer(b)
	path, query := t.put(b)
	proxy := startNginx(b, t.dir)
	file := t.find(b)
	b.Run("down", func(b *testing.B) {
		compare(b,
			move{"nginx", func() { get(b, proxy, strings.TrimPrefix(file, t.dir)) }},
			move{"one GET", func() { get(b, t.addr, path+query) }})
	})
	if err := os.Remove(file); err != nil {
		b.Fatal(err)
	}
	b.Run("up", func(b *testing.B) {
		compare(b,
			move{"plain write", func() { plainWrite(b, t.dir) }},
			move{"one PUT", func() { t.put(b) }},
			move{"64 parts, 4 at a time", func() { t.parts(b) }})
	})
}

// move is a way to move 1 GiB.
type move struct {
	name string
	run  func()
}

// compare measures moves in turns, the first being the limit.
func compare(b *testing.B, moves ...move) {
	b.Helper()
	rates, ratios := make([][]float64, len(moves)), make([][]float64, len(moves))
	for round := range rounds {
		for i, m := range moves {
			begin := time.Now()
			m.run()
			rates[i] = append(rates[i], gigabyte/1e6/time.Since(begin).Seconds())
			ratios[i] = append(ratios[i], rates[i][round]/rates[0][round])
		}
	}
	var table strings.Builder
	for i, m := range moves {
		fmt.Fprintf(&table, "\n%-24s %6.0f MB/s %6.2f", m.name, median(rates[i]), median(ratios[i]))
	}
	b.Log(table.String())
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(rates[0]), "limit-MB/s")
	b.ReportMetric(median(rates[1]), "MB/s")
	b.ReportMetric(median(ratios[1]), "ratio")
}

func newTransfer(b *testing.B) *transfer {
	b.Helper()
	dir := b.TempDir()
	store, err := bunstore.OpenSQLite(b.Context(), filepath.Join(dir, "coffer.db"), migrations.SQLite())
	if err != nil {
		b.Fatal(err)
	}
	_, err = store.Migrate(b.Context())
	p := newCrowd(b, store).add(b, 1)[0]
	if err = errors.Join(err, store.Close()); err != nil {
		b.Fatal(err)
	}
	secrets, err := sealing.New([]byte(secret))
	if err != nil {
		b.Fatal(err)
	}
	clock := system.Clock{}
	signer, err := signedblob.New(memblob.New(clock), signedblob.Options{Key: secrets.Key("blob-url"), BaseURL: publicURL + "/blobs/", Clock: clock})
	if err != nil {
		b.Fatal(err)
	}
	return &transfer{server: startServer(b, dir), signer: signer, person: p}
}

// put uploads a file by one request, and returns the path and the query to
// download it by.
func (t *transfer) put(b *testing.B) (path, query string) {
	b.Helper()
	t.n++
	key := fmt.Sprintf("bench/%d", t.n)
	in := time.Now().Add(time.Hour)
	up, err := t.signer.SignPut(b.Context(), ports.PutSpec{Key: key, Size: gigabyte, ContentType: "video/mp4", CreateOnly: true, Expires: in})
	if err != nil {
		b.Fatal(err)
	}
	send(b, t.addr, up.URL, up.Header, gigabyte)
	if t.n > 1 {
		_ = os.Remove(t.find(b))
	}
	down, err := t.signer.SignGet(b.Context(), ports.GetSpec{Key: key, ContentType: "video/mp4", Expires: in})
	if err != nil {
		b.Fatal(err)
	}
	path, query, _ = strings.Cut(strings.TrimPrefix(down.URL, publicURL), "?")
	return path, "?" + query
}

// find returns the one file in the blob store.
func (t *transfer) find(b *testing.B) string {
	b.Helper()
	var found string
	err := filepath.WalkDir(filepath.Join(t.dir, "blobs", "objects"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = path
		}
		return err
	})
	if err != nil || found == "" {
		b.Fatal("no file in the blob store ", err)
	}
	return found
}

// parts uploads a file as a client of the API does: in parts, then complete.
func (t *transfer) parts(b *testing.B) {
	b.Helper()
	t.n++
	var c created
	t.call(b, http.StatusCreated, createPath(t.person), fmt.Sprintf(`{"name":"film-%d.mp4","content_type":"video/mp4","size_bytes":%d}`, t.n, gigabyte), &c)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, part := range c.Upload.Parts {
		slots <- struct{}{}
		wg.Go(func() {
			h := http.Header{}
			for name, value := range part.Headers {
				h.Set(name, value)
			}
			send(b, t.addr, part.URL, h, part.Size)
			<-slots
		})
	}
	wg.Wait()
	t.call(b, http.StatusOK, "/api/assets/"+c.Asset.ID.String()+"/complete", `{"upload_id":"`+c.Upload.ID+`"}`, nil)
	_ = os.Remove(t.find(b))
}

func (t *transfer) call(b *testing.B, want int, path, body string, into any) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+t.addr+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+t.person.token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != want {
		b.Fatalf("%s: %d %v %s", path, answer.StatusCode, err, text)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			b.Fatal(err)
		}
	}
}

// send PUTs bytes to a signed URL.
func send(b *testing.B, addr, url string, header http.Header, size int64) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	head := fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: coffer.test\r\nContent-Length: %d\r\n", strings.TrimPrefix(url, publicURL), size)
	for name := range header {
		head += name + ": " + header.Get(name) + "\r\n"
	}
	if _, err := c.Write([]byte(head + "\r\n")); err != nil {
		b.Error(err)
		return
	}
	for left := size; left > 0; left -= block {
		if _, err := c.Write(noise[:min(left, block)]); err != nil {
			b.Error(err)
			return
		}
	}
	if status, _, err := newConn(c).head(); err != nil || status != http.StatusOK {
		b.Errorf("PUT: status %d, %v", status, err)
	}
}

// get downloads a file and throws it away.
func get(b *testing.B, addr, path string) {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: coffer.test\r\n\r\n")); err != nil {
		b.Fatal(err)
	}
	conn := &conn{c, bufio.NewReaderSize(c, 4<<10)}
	status, length, err := conn.head()
	if err != nil || status != http.StatusOK || length != gigabyte {
		b.Fatalf("GET: status %d, %d bytes, %v", status, length, err)
	}
	left := length - conn.r.Buffered()
	for buf := make([]byte, 1<<20); left > 0; {
		n, err := c.Read(buf)
		if left -= n; err != nil {
			b.Fatal(err)
		}
	}
}

// plainWrite writes a file durably, its SHA-256 being computed by another goroutine.
func plainWrite(b *testing.B, dir string) {
	b.Helper()
	f, err := os.CreateTemp(dir, "plain")
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(f.Name())
	hash := sha256.New()
	blocks := make(chan []byte, 8)
	var wg sync.WaitGroup
	wg.Go(func() {
		for block := range blocks {
			hash.Write(block)
		}
	})
	for range gigabyte / block {
		blocks <- noise
		if _, err := f.Write(noise); err != nil {
			b.Fatal(err)
		}
	}
	close(blocks)
	wg.Wait()
	hash.Sum(nil)
	if err := errors.Join(f.Sync(), f.Close(), os.Rename(f.Name(), f.Name()+".done")); err != nil {
		b.Fatal(err)
	}
	if err := os.Remove(f.Name() + ".done"); err != nil {
		b.Fatal(err)
	}
}
