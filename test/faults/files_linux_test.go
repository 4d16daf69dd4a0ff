package faults

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// place is where a file may be.
type place struct{ folder, name, state string }

const (
	live    = "live"
	trashed = "trashed"
	gone    = "gone"

	multipartSize = 64_000_000 + 4_321
)

// file is a line of the ledger.
type file struct {
	id      string // empty: the server has not told
	seed    uint64
	size    int
	at      []place // the last is where it was asked to be
	ready   bool    // its upload was completed
	never   bool    // its bytes were wrong: it must not become ready
	unclear bool    // the last request had no answer, so it is left alone
	parts   []int   // that have arrived, before it was complete
}

func (f *file) now() place { return f.at[len(f.at)-1] }

// moves notes where a request puts the file.
func (f *file) moves(a *answer, to place) {
	switch {
	case a.done():
		f.at = []place{to}
	case a.unknown():
		f.at = append(f.at, to)
		f.unclear = true
	}
}

// filer works with files of a drive.
type filer struct {
	*person

	large   bool // also with large ones
	folders []string
	refused []string // names that must not be there
	files   []*file
	old     []*file // of earlier rounds, ready and where they are
}

func (f *filer) work(ctx context.Context) {
	ask := context.WithoutCancel(ctx) // who has asked waits for the answer
	if !f.open(ask) {
		return
	}
	if f.large && f.w.round%8 == 1 {
		f.sendParts(ask)
	}
	for ctx.Err() == nil {
		i := rand.IntN(10)
		if len(f.files) == 0 || i < 4 {
			f.upload(ask)
			continue
		}
		file := f.files[rand.IntN(len(f.files))]
		if !file.ready || file.unclear {
			continue
		}
		f.alter(ask, file, i)
	}
}

// open makes the folders of a round.
func (f *filer) open(ctx context.Context) bool {
	f.folders = nil
	for _, name := range []string{"a", "b"} {
		a := f.change(ctx, "POST", "/api/drives/"+f.drive+"/folders", object{"name": name + f.w.name(), "path": ""})
		if !a.done() {
			return false
		}
		f.folders = append(f.folders, a.text("id"))
	}
	return true
}

func (f *filer) describe(seed uint64, size int) (*file, object) {
	name := f.w.name() + ".bin"
	folder := f.folders[rand.IntN(2)]
	file := &file{seed: seed, size: size, at: []place{{folder, name, live}}}
	return file, object{"name": name, "parent_id": folder, "size_bytes": size}
}

func (f *filer) upload(ctx context.Context) {
	size := rand.IntN(2_000)
	if rand.IntN(4) == 0 {
		size = rand.IntN(600_000)
	}
	file, body := f.describe(rand.Uint64(), size)
	bytes := content(file.seed, size)
	switch kind := rand.IntN(12); {
	case kind == 0: // too large
		a := f.change(ctx, "POST", "/api/orgs/"+f.org+"/assets", object{"name": file.now().name, "parent_id": file.now().folder, "size_bytes": int64(6e12)})
		if a.done() {
			f.w.wrong("it was too large: %v", a)
		}
		f.refused = append(f.refused, file.now().name)
		return
	case kind == 1 && size > 0: // other bytes than declared
		sum := sha256.Sum256(append(slices.Clone(bytes), 1))
		body["checksum_sha256"], file.never = hex.EncodeToString(sum[:]), true
	case kind < 6:
		sum := sha256.Sum256(bytes)
		body["checksum_sha256"] = hex.EncodeToString(sum[:])
	}
	created := f.change(ctx, "POST", "/api/orgs/"+f.org+"/assets", body)
	if !created.done() {
		if !created.unknown() {
			f.w.wrong("%v", created)
		}
		file.unclear = true
		f.files = append(f.files, file)
		return
	}
	file.id = created.text("asset.id")
	f.files = append(f.files, file)
	at, _ := created.get("upload").(map[string]any)
	put := f.put(ctx, at, bytes)
	if !put.done() {
		file.unclear = true
		return
	}
	if file.never {
		f.w.wrong("the bytes were wrong: %v", put)
	}
	f.complete(ctx, file, created.text("upload.upload_id"))
}

func (f *filer) complete(ctx context.Context, file *file, upload string) {
	a := f.change(ctx, "POST", "/api/assets/"+file.id+"/complete", object{"upload_id": upload})
	file.ready = a.done()
	file.unclear = !a.done()
	if !a.done() && !a.unknown() && a.status != http.StatusLocked {
		f.w.wrong("%v", a)
	}
}

// alter does to a file what people do.
func (f *filer) alter(ctx context.Context, file *file, kind int) {
	at := file.now()
	node := "/api/nodes/" + file.id
	switch {
	case at.state == gone:
	case at.state == trashed && kind < 7:
		file.moves(f.change(ctx, "POST", node+"/restore", nil), place{at.folder, at.name, live})
	case at.state == trashed:
		file.moves(f.change(ctx, "DELETE", "/api/orgs/"+f.org+"/assets/"+file.id+"?permanent=true", nil), place{state: gone})
	case kind < 6:
		name := f.w.name() + ".bin"
		file.moves(f.change(ctx, "PATCH", node, object{"name": name}), place{at.folder, name, live})
	case kind < 8:
		to := f.folders[rand.IntN(2)]
		file.moves(f.change(ctx, "PATCH", node, object{"parent_id": to}), place{to, at.name, live})
	default:
		file.moves(f.change(ctx, "DELETE", node, nil), place{at.folder, at.name, trashed})
	}
}

// sendParts uploads a file in parts as far as it comes.
func (f *filer) sendParts(ctx context.Context) {
	file, body := f.describe(rand.Uint64(), multipartSize)
	file.unclear = true // until the end
	f.files = append(f.files, file)
	created := f.change(ctx, "POST", "/api/orgs/"+f.org+"/assets", body)
	if !created.done() {
		return
	}
	file.id = created.text("asset.id")
	if !f.putParts(ctx, file, created) {
		return
	}
	f.complete(ctx, file, created.text("upload.upload_id"))
}

func (f *filer) putParts(ctx context.Context, file *file, a *answer) bool {
	items := a.items("upload.parts")
	if items == nil {
		items = a.items("parts")
	}
	all := content(file.seed, file.size)
	for _, item := range items {
		part, _ := item.(map[string]any)
		n, _ := part["number"].(float64)
		length, _ := part["size_bytes"].(float64)
		number, size := int(n), int(length)
		from := (number - 1) * (16 << 20)
		if !f.put(ctx, part, all[from:from+size]).done() {
			return false
		}
		file.parts = append(file.parts, number)
	}
	return true
}

// resume goes on with a file in parts that a fault has cut off.
func (f *filer) resume(ctx context.Context, file *file) {
	progress := f.ask(ctx, "GET", "/api/assets/"+file.id+"/upload", nil)
	if !progress.done() {
		return // complete after all, or given up by the clock
	}
	var arrived []int
	for _, item := range progress.items("parts") {
		part, _ := item.(map[string]any)
		number, _ := part["number"].(float64)
		arrived = append(arrived, int(number))
	}
	for _, number := range file.parts {
		if !slices.Contains(arrived, number) {
			f.w.wrong("part %d of %s had arrived: %v", number, file.id, progress)
		}
	}
	for number := 1; number <= 4; number++ {
		if slices.Contains(arrived, number) {
			continue
		}
		more := f.must(ctx, "POST", "/api/assets/"+file.id+"/upload/parts", object{"from": number, "count": 1})
		if !f.putParts(ctx, file, more) {
			f.w.wrong("part %d of %s cannot be sent", number, file.id)
			return
		}
	}
	// Who died while it verified holds it for half a minute.
	for end := time.Now().Add(core.UploadClaim + answerWithin/4); ; time.Sleep(time.Second) {
		a := f.ask(ctx, "POST", "/api/assets/"+file.id+"/complete", object{"upload_id": progress.text("upload_id")})
		if a.done() {
			file.ready = true
			return
		}
		if a.status != http.StatusLocked || time.Now().After(end) {
			f.w.wrong("%v", a)
			return
		}
	}
}

// node is what the server says of a file.
type node struct{ id, name, state, status string }

// list returns what is in a folder, or in the trash.
func (f *filer) list(ctx context.Context, path, state string) (all []node) {
	for cursor := ""; ; {
		page := f.must(ctx, "GET", path+cursor, nil)
		for _, item := range page.items("items") {
			m, _ := item.(map[string]any)
			all = append(all, node{fmt.Sprint(m["id"]), fmt.Sprint(m["name"]), state, fmt.Sprint(m["status"])})
		}
		next := page.text("next_cursor")
		if next == "" {
			return all
		}
		cursor = "&cursor=" + url.QueryEscape(next)
	}
}

func (f *filer) check(ctx context.Context, everything bool) {
	for _, file := range f.files {
		if len(file.parts) > 0 && !file.ready {
			f.resume(ctx, file)
		}
	}
	if len(f.folders) == 2 {
		f.checkFolders(ctx)
	}
	for _, file := range f.files {
		if file.size == multipartSize && file.id != "" && file.now().state != gone { // not to fill the disk
			f.must(ctx, "DELETE", "/api/orgs/"+f.org+"/assets/"+file.id+"?permanent=true", nil)
			continue
		}
		if file.ready && len(file.at) == 1 && file.now().state == live {
			f.old = append(f.old, file)
		}
	}
	f.must(ctx, "DELETE", "/api/drives/"+f.drive+"/trash", nil)
	f.folders, f.files, f.refused = nil, nil, nil // another check has no round of its own
	sample := slices.Clone(f.old)
	if !everything {
		rand.Shuffle(len(sample), func(i, j int) { sample[i], sample[j] = sample[j], sample[i] })
		sample = sample[:min(len(sample), 5)]
	}
	for _, file := range sample {
		f.compare(ctx, file)
	}
}

func (f *filer) checkFolders(ctx context.Context) {
	found := map[place]node{}
	byID := map[string]place{}
	note := func(folder string, n node) {
		at := place{folder, n.name, n.state}
		if n.state == trashed { // lists say not from where
			at.folder = ""
			at.name = n.id
		}
		if _, twice := found[at]; twice {
			f.w.wrong("%v is there twice", at)
		}
		found[at], byID[n.id] = n, place{folder, n.name, n.state}
	}
	for _, folder := range f.folders {
		for _, n := range f.list(ctx, "/api/drives/"+f.drive+"/nodes?limit=200&parent_id="+folder, live) {
			note(folder, n)
		}
	}
	for _, n := range f.list(ctx, "/api/drives/"+f.drive+"/trash?limit=200", trashed) {
		note("", n)
	}
	known := map[string]bool{}
	for _, file := range f.files {
		f.checkFile(ctx, file, byID, found)
		if file.id != "" {
			known[file.id] = true
		}
		if n, ok := found[file.at[0]]; ok && file.id == "" {
			known[n.id] = true
		}
	}
	for at, n := range found {
		if !known[n.id] {
			f.w.wrong("nobody has made %v: %v", at, n)
		}
		if slices.Contains(f.refused, n.name) {
			f.w.wrong("%s was refused and is there", n.name)
		}
	}
}

// checkFile compares one file with the ledger, and its bytes.
func (f *filer) checkFile(ctx context.Context, file *file, byID map[string]place, found map[place]node) {
	if file.id == "" {
		return // if it is there, it waits for its bytes
	}
	at, there := byID[file.id]
	if !there {
		at = place{state: gone}
	}
	ok := slices.ContainsFunc(file.at, func(p place) bool {
		return p == at || p.state == at.state && (at.state == gone || at.state == trashed && p.name == at.name) ||
			f.w.gone && at.state == gone && p.state == trashed
	})
	if !ok && (file.ready || there) {
		f.w.wrong("file %s (ready: %v) is at %v and may be at %v", file.id, file.ready, at, file.at)
		return
	}
	if at.state != live {
		return
	}
	status := found[at].status
	switch {
	case file.never && status == "ready":
		f.w.wrong("file %s is ready, and its bytes were wrong", file.id)
	case file.ready && status != "ready":
		f.w.wrong("file %s was complete and is %s", file.id, status)
	case status == "ready":
		file.at = []place{at}
		f.compare(ctx, file)
	}
}

// compare downloads a file.
func (f *filer) compare(ctx context.Context, file *file) {
	a := f.must(ctx, "GET", "/api/assets/"+file.id+"/download", nil)
	got := send(ctx, "GET", a.text("download_url"), nil, nil)
	for range 3 {
		if got.status != 0 {
			break
		}
		time.Sleep(100 * time.Millisecond) // an idle connection that was cut
		got = send(ctx, "GET", a.text("download_url"), nil, nil)
	}
	if got.status != http.StatusOK || !bytes.Equal(got.body, content(file.seed, file.size)) {
		f.w.wrong("file %s has other bytes: %d of %d: %d %.200s", file.id, len(got.body), file.size, got.status, got.body)
	}
}
