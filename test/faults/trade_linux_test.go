package faults

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// putFile uploads a file when nothing is broken yet.
func (p *person) putFile(ctx context.Context, seed uint64, size int) string {
	created := p.must(ctx, "POST", "/api/orgs/"+p.org+"/assets", object{"name": p.w.name(), "size_bytes": size})
	at, _ := created.get("upload").(map[string]any)
	if put := p.put(ctx, at, content(seed, size)); !put.done() {
		p.w.wrong("%v", put)
	}
	p.must(ctx, "POST", "/api/assets/"+created.text("asset.id")+"/complete", object{"upload_id": created.text("upload.upload_id")})
	return created.text("asset.id")
}

// host gives links away, of which visitors ask for more than there is.
type host struct {
	*person

	file  string
	links []*link
}

type link struct {
	id      string
	max     int64
	granted atomic.Int64 // downloads that visitors were given
}

func newHost(ctx context.Context, p *person) *host {
	return &host{person: p, file: p.putFile(ctx, 1, 1_000)}
}

func (h *host) work(ctx context.Context) {
	ask := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		l := &link{max: int64(1 + rand.IntN(25))}
		a := h.change(ask, "POST", "/api/nodes/"+h.file+"/shares", object{"max_downloads": l.max})
		if !a.done() {
			continue
		}
		l.id = a.text("share.id")
		h.links = append(h.links, l)
		path := "/api/public/shares/" + a.text("token")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				v := &person{caller: &caller{w: h.w}}
				for range 8 {
					if got := v.change(ask, "GET", path+"/download/"+h.file, nil); got.status == http.StatusFound {
						l.granted.Add(1)
					}
				}
			})
		}
		wg.Wait()
	}
}

func (h *host) check(ctx context.Context, _ bool) {
	for _, l := range h.links {
		a := h.must(ctx, "GET", "/api/shares/"+l.id, nil)
		counted, granted := a.number("downloads"), l.granted.Load()
		if granted > l.max || counted > l.max || counted < granted {
			h.w.wrong("link %s may be used %d times, was used %d times and counts %d", l.id, l.max, granted, counted)
		}
	}
	h.links = nil
}

// merchant sells a file to people who may have their money back.
type merchant struct {
	*person

	file   string
	buyers []*person
	sales  []*sale
}

// sale is a transaction and the states it may be in, of which the last was asked for.
type sale struct {
	id string
	in []string
}

func (s *sale) becomes(a *answer, state string) bool {
	switch {
	case a.done():
		s.in = []string{state}
	case a.unknown():
		s.in = append(s.in, state)
	}
	return a.done()
}

func newMerchant(ctx context.Context, w *world) *merchant {
	p := w.signUp(ctx)
	a := p.must(ctx, "POST", "/api/orgs", object{"name": "Shop"})
	p.org, p.drive = a.text("id"), a.text("library.id")
	return &merchant{person: p, file: p.putFile(ctx, 2, 2_000), buyers: []*person{w.signUp(ctx), w.signUp(ctx)}}
}

func (m *merchant) work(ctx context.Context) {
	ask := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		product := m.change(ask, "POST", "/api/orgs/"+m.org+"/products",
			object{"name": "A " + m.w.name(), "type": "digital", "price": object{"amount": 1900, "currency": "EUR"}})
		if !product.done() {
			continue
		}
		path := "/api/orgs/" + m.org + "/products/" + product.text("id")
		if !m.change(ask, "POST", path+"/assets", object{"asset_id": m.file}).done() ||
			!m.change(ask, "PATCH", path, object{"status": "published"}).done() {
			continue
		}
		for _, buyer := range m.buyers {
			m.sell(ask, product.text("id"), buyer)
		}
	}
}

func (m *merchant) sell(ctx context.Context, product string, to *person) {
	bought := to.change(ctx, "POST", "/api/transactions", object{"product_id": product})
	if !bought.done() {
		return
	}
	s := &sale{bought.text("transaction.id"), []string{"pending"}}
	m.sales = append(m.sales, s)
	if s.becomes(m.change(ctx, "POST", "/api/transactions/"+s.id+"/complete", nil), "completed") && rand.IntN(3) == 0 {
		s.becomes(m.change(ctx, "POST", "/api/transactions/"+s.id+"/refund", nil), "refunded")
	}
}

// check asks the database: each sale has given what it has to, once.
func (m *merchant) check(ctx context.Context, _ bool) {
	db := m.w.server.database()
	defer db.Close()
	count := func(query string) (n int) {
		if err := db.QueryRowContext(ctx, query).Scan(&n); err != nil {
			m.w.wrong("%s: %v", query, err)
		}
		return n
	}
	for _, s := range m.sales {
		state := m.must(ctx, "GET", "/api/transactions/"+s.id, nil).text("status")
		if !slices.Contains(s.in, state) {
			m.w.wrong("transaction %s is %s and may be %v", s.id, state, s.in)
		}
		made, stands := 0, 0
		if state != "pending" {
			made = 1
		}
		if state == "completed" {
			stands = 1
		}
		of := "FROM entitlements WHERE transaction_id = '" + s.id + "'"
		event := "SELECT count(*) FROM events WHERE CAST(data AS text) LIKE '%" + s.id + "%' AND type = '"
		for query, want := range map[string]int{
			"SELECT count(*) " + of: made, "SELECT count(*) " + of + " AND revoked_at IS NULL": stands,
			event + "transaction.completed'": made, event + "entitlement.granted'": made,
			"SELECT count(*) FROM audit_log WHERE action = 'transaction.completed' AND target_id = '" + s.id + "'": made,
		} {
			if n := count(query); n != want {
				m.w.wrong("transaction %s is %s: %s: %d, want %d", s.id, state, query, n, want)
			}
		}
	}
	m.sales = nil
}

// publisher publishes versions of datasets.
type publisher struct {
	*person

	sets []*set
}

// set is a dataset, the numbers of items that its present version may have, by its
// number, and whether it is known to be published.
type set struct {
	id       string
	versions map[int64]int // of items
	current  []int64       // may be; 0: none
}

func newPublisher(ctx context.Context, p *person) *publisher {
	a := p.must(ctx, "POST", "/api/orgs", object{"name": "Press"})
	p.org, p.drive = a.text("id"), a.text("library.id")
	return &publisher{person: p}
}

func (p *publisher) work(ctx context.Context) {
	ask := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		s := &set{versions: map[int64]int{}, current: []int64{0}}
		slug := "set-" + p.w.name()
		for version := range int64(3) {
			if !p.publish(ask, s, slug, version+1) {
				break
			}
		}
		if s.id != "" {
			p.sets = append(p.sets, s)
		}
	}
}

func (p *publisher) publish(ctx context.Context, s *set, slug string, version int64) bool {
	begun := p.change(ctx, "POST", "/api/ingest/datasets?org_id="+p.org, object{"slug": slug, "name": slug})
	if !begun.done() {
		return false
	}
	s.id = begun.text("dataset.id")
	session := begun.text("session.id")
	var items bytes.Buffer
	var files []object
	bodies := map[string][]byte{}
	n := 1 + rand.IntN(4)
	for i := range n {
		path, body := fmt.Sprintf("v%d/%d.txt", version, i), content(rand.Uint64(), 100+rand.IntN(5_000))
		sum := sha256.Sum256(body)
		bodies[path] = body
		files = append(files, object{"path": path, "content_type": "text/plain", "size_bytes": len(body), "checksum_sha256": hex.EncodeToString(sum[:])})
		line, err := json.Marshal(object{"external_id": path, "type": "text", "assets": []object{{"role": "main", "path": path}}})
		if err != nil {
			p.w.wrong("%v", err)
		}
		items.Write(append(line, '\n'))
	}
	if !p.sendFiles(ctx, session, files, bodies) {
		return false
	}
	a := p.changeRaw(ctx, "/api/ingest/datasets/"+s.id+"/publish?session_id="+session, raw(items.Bytes()))
	if a.done() {
		s.current = nil
	}
	if a.done() || a.unknown() {
		s.current = append(s.current, version)
		s.versions[version] = n
	} else {
		p.w.wrong("%v", a)
	}
	return a.done()
}

func (p *publisher) changeRaw(ctx context.Context, path string, body raw) *answer {
	return p.change(ctx, "POST", path, body)
}

func (p *publisher) sendFiles(ctx context.Context, session string, files []object, bodies map[string][]byte) bool {
	a := p.change(ctx, "POST", "/api/ingest/assets:batch", object{"session_id": session, "assets": files})
	if !a.done() {
		return false
	}
	var ended []object
	for _, item := range a.items("items") {
		m, _ := item.(map[string]any)
		at, ok := m["upload"].(map[string]any)
		if !ok {
			continue
		}
		if !p.put(ctx, at, bodies[fmt.Sprint(m["path"])]).done() {
			return false
		}
		asset, _ := m["asset"].(map[string]any)
		ended = append(ended, object{"asset_id": asset["id"], "upload_id": at["upload_id"]})
	}
	done := p.change(ctx, "POST", "/api/ingest/assets:complete", object{"session_id": session, "assets": ended})
	return done.done() && !strings.Contains(string(done.body), `"ready":false`)
}

func (p *publisher) check(ctx context.Context, _ bool) {
	for _, s := range p.sets {
		a := p.must(ctx, "GET", "/api/datasets/"+s.id, nil)
		version := a.number("current_version")
		if !slices.Contains(s.current, version) {
			p.w.wrong("dataset %s is at version %d and may be at %v", s.id, version, s.current)
		}
		for number := int64(1); number <= version; number++ {
			list := p.must(ctx, "GET", fmt.Sprintf("/api/datasets/%s/items?limit=50&version=%d", s.id, number), nil)
			if n := len(list.items("items")); n != s.versions[number] {
				p.w.wrong("version %d of dataset %s has %d items, want %d", number, s.id, n, s.versions[number])
			}
		}
	}
	p.sets = nil
}
