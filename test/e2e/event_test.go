package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// heard is an event of a stream.
type heard struct {
	id, kind string
	data     map[string]any
}

// stream is somebody who follows the events of an org.
type stream struct {
	t      *testing.T
	cancel context.CancelFunc
	header http.Header
	ended  chan struct{}

	mu     sync.Mutex
	events []heard
	beats  int
	place  string // what was passed without being heard
}

// follow begins a stream; after is the last event known, or "".
func (u *user) follow(query, after string) *stream {
	u.t.Helper()
	ctx, cancel := context.WithCancel(u.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url+"/api/orgs/"+u.org+"/events"+query, nil)
	if err != nil {
		u.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+u.token)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Accel-Buffering") != "no" {
		u.t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	s := &stream{t: u.t, cancel: cancel, header: res.Header, ended: make(chan struct{})}
	u.t.Cleanup(cancel)
	go s.read(res)
	return s
}

func (s *stream) read(res *http.Response) {
	defer close(s.ended)
	defer res.Body.Close()
	var e heard
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		s.mu.Lock()
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			var body struct {
				Type string
				Data map[string]any
			}
			if err := json.Unmarshal([]byte(value), &body); err != nil || body.Type != e.kind {
				s.t.Errorf("%s: %v", value, err)
			}
			e.data = body.Data
		case ":", "":
			switch {
			case e.kind != "":
				s.events = append(s.events, e)
			case name == ":":
				s.beats++
			case e.id != "":
				s.place = e.id
			}
			e = heard{}
		}
		s.mu.Unlock()
	}
}

// kinds returns the types of what was heard, in order, and its last id.
func (s *stream) kinds() (kinds []string, last string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		kinds, last = append(kinds, e.kind), e.id
	}
	return kinds, last
}

// hears waits until exactly these were heard, and returns the last one's id.
func (s *stream) hears(want ...string) (last string) {
	s.t.Helper()
	var got []string
	eventually(s.t, "the stream tells of "+strings.Join(want, ", "), func() bool {
		got, last = s.kinds()
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		s.t.Errorf("heard %q, want %q", got, want)
	}
	return last
}

func (s *stream) ends() {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(25 * time.Second):
		s.t.Error("the stream does not end")
	}
}

func TestEventsAreFollowed(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		eve := s.signUp("eve")
		mia := s.hire(ana, s.signUp("mia"), "member")
		events := "/api/orgs/" + ana.org + "/events"
		eve.refused(http.StatusNotFound, "not_found", "GET", events, nil)
		ana.issue(ana.drive, "read").refused(http.StatusForbidden, "key_not_allowed", "GET", events, nil)
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", events+"?types=bird.*", nil)
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", events, nil, with{"Last-Event-ID": "nonsense"})
		ana.refused(http.StatusGone, "cursor_expired", "GET", events, nil, with{"Last-Event-ID": missingID})

		boss, all, assets := ana.follow("", ""), mia.follow("", ""), mia.follow("?types=asset.*,drive.updated", "")
		hidden := ana.share(object{"name": "Hidden"})
		ana.upload(object{"name": "a.txt"}, []byte("a"))
		ana.folder(ana.drive, "/photos")
		ana.upload(object{"name": "secret.txt", "drive_id": strings.TrimPrefix(hidden, "/api/drives/")}, []byte("b"))
		ana.upload(object{"name": "c.txt"}, []byte("c"))
		last := boss.hears("drive.created", "asset.uploaded", "node.created", "asset.uploaded", "asset.uploaded")
		all.hears("asset.uploaded", "node.created", "asset.uploaded")
		assets.hears("asset.uploaded", "asset.uploaded")
		if got := boss.events[3]; got.data["name"] != "secret.txt" || got.data["org_id"] != ana.org {
			t.Errorf("%v", got)
		}

		// Resumed, nothing is missed and nothing comes twice: also over a crash.
		boss.cancel()
		ana.upload(object{"name": "d.txt"}, []byte("d"))
		resumed := ana.follow("", last)
		last = resumed.hears("asset.uploaded")
		ana.upload(object{"name": "e.txt"}, []byte("e"))
		s.crash()
		ana.folder(ana.drive, "/more")
		again := ana.follow("", last)
		last = again.hears("asset.uploaded", "node.created")

		// Another org's event leads nowhere.
		eve.refused(http.StatusGone, "cursor_expired", "GET", "/api/orgs/"+eve.org+"/events", nil, with{"Last-Event-ID": last})

		// Whoever is removed hears no more.
		mias := mia.follow("", "")
		ana.want(http.StatusNoContent, "DELETE", ana.member(mia.account), nil)
		ana.upload(object{"name": "f.txt"}, []byte("f"))
		mias.ends()
		if got, _ := mias.kinds(); len(got) != 0 {
			t.Errorf("somebody who was removed hears %q", got)
		}

		// At most eight at once.
		var many []*stream
		for range 7 { // beside again
			many = append(many, ana.follow("", ""))
		}
		a := ana.ask("GET", events, nil)
		if a.isProblem(http.StatusTooManyRequests, "too_many_streams"); a.header.Get("Retry-After") != "15" {
			t.Errorf("%v", a.header)
		}
		many[0].cancel()
		eventually(t, "a place is free", func() bool {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+events, nil) // a URL it is
			req.Header.Set("Authorization", "Bearer "+ana.token)
			res, err := (&http.Client{}).Do(req)
			if err != nil {
				return false
			}
			defer res.Body.Close()
			return res.StatusCode == http.StatusOK
		})
		eventually(t, "a comment comes each 15 seconds", func() bool {
			again.mu.Lock()
			defer again.mu.Unlock()
			return again.beats >= 2 && again.place == again.events[len(again.events)-1].id
		})

		// The server stops although they follow.
		begin := time.Now()
		s.restart(nil)
		if took := time.Since(begin); took > 15*time.Second {
			t.Errorf("stopping took %v", took)
		}
		again.ends()
	})
}

func TestRacingWritersAreAllHeard(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		s.must("license", "assign", ana.org, "enterprise")
		followers := []*stream{ana.follow("", ""), ana.follow("?types=node.*", "")}
		const writers, each = 8, 12
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					name := string(rune('a'+w)) + "-" + string(rune('a'+i))
					if a, err := ana.try("POST", "/api/drives/"+ana.drive+"/folders", object{"name": name}); err != nil || a.status != http.StatusCreated {
						t.Errorf("%v %v", a, err)
					}
				}
			})
		}
		wg.Wait()
		for _, f := range followers {
			eventually(t, "all is heard", func() bool { got, _ := f.kinds(); return len(got) >= writers*each })
			ids := map[string]int{}
			for _, e := range f.events {
				ids[e.id]++
			}
			if len(ids) != writers*each || len(f.events) != writers*each {
				t.Errorf("%d events, %d ids", len(f.events), len(ids))
			}
		}
	})
}
