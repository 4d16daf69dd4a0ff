package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// texts are items without files, of which those of another name differ.
func texts(name string, many int) raw {
	var b strings.Builder
	for n := range many {
		fmt.Fprintf(&b, `{"external_id":"item-%d","type":"text","title":"Item %d","data":{"text":"%s, some words of item %d"}}`+"\n", n, n, name, n)
	}
	return raw(b.String())
}

// leaves sends a part of a manifest, and is gone once the server is at it.
func (i *ingest) leaves(part raw, length int64) {
	i.t.Helper()
	body, lines := io.Pipe()
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodPost, i.url+i.publishPath(), body)
	if err != nil {
		i.t.Fatal(err)
	}
	req.ContentLength = length
	req.Header.Set("Content-Type", ndjson)
	req.Header.Set("Authorization", "Bearer "+i.token)
	ended := make(chan error, 1)
	go func() {
		a, err := i.send(req)
		if err == nil {
			err = fmt.Errorf("answered %d %s", a.status, a.body)
		}
		ended <- err
	}()
	if _, err := io.WriteString(lines, string(part)); err != nil {
		i.t.Fatal(err)
	}
	eventually(i.t, "the server is at it", func() bool { return i.now().text("status") == "publishing" })
	gone := errors.New("gone")
	_ = lines.CloseWithError(gone) // never fails; the connection is closed in the middle of the body
	if err := <-ended; !errors.Is(err, gone) {
		i.t.Errorf("whoever left heard: %v", err)
	}
}

func TestAPublisherWhoLeavesInTheMiddleLeavesNothing(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		first := ana.begins(object{"slug": "words"})
		first.want(http.StatusOK, "POST", first.publishPath(), texts("first", 3), with{"Content-Type": ndjson})
		next := ana.begins(object{"slug": "words"})
		manifest := texts("second", 4_000)
		for _, length := range []int64{-1, int64(len(manifest))} { // in chunks, and of a length that never comes
			for _, part := range []raw{manifest[:len(manifest)/2], manifest} {
				if length == int64(len(part)) {
					continue // that is all of it
				}
				next.leaves(part, length)
				eventually(t, "the session is open again", func() bool { return next.now().text("status") == "open" })
				if got := next.now(); got.get("version") != nil {
					t.Errorf("%s", got.body)
				}
				if v := s.number("SELECT current_version FROM datasets WHERE id = '" + next.dataset + "'"); v != 1 {
					t.Errorf("version %d is shown", v)
				}
			}
		}
		eventually(t, "nothing is left of them", func() bool {
			return s.number("SELECT count(*) FROM dataset_items") == 3 && s.number("SELECT count(*) FROM dataset_versions") == 1
		})
		done := next.want(http.StatusOK, "POST", next.publishPath(), manifest, with{"Content-Type": ndjson})
		if done.number("version.number") != 2 || done.number("version.items") != 4_000 {
			t.Errorf("%s", done.body)
		}
	})
}

func TestOfTwoPublishersOneWins(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		const items = 1_500
		at := int64(0)
		for round := range 3 {
			both := []*ingest{ana.begins(object{"slug": "words"}), ana.begins(object{"slug": "words"})}
			manifests := []raw{texts(fmt.Sprint("one ", round), items), texts(fmt.Sprint("other ", round), items)}
			answers := race(t, 2, func(i int) (*answer, error) {
				return both[i].try("POST", both[i].publishPath(), manifests[i], with{"Content-Type": ndjson})
			})
			count(t, "two sessions", answers, map[int]int{http.StatusOK: 1, http.StatusConflict: 1})
			at++
			lost := slices.IndexFunc(answers, func(a *answer) bool { return a.status == http.StatusConflict })
			if lost < 0 {
				t.FailNow()
			}
			answers[lost].isProblem(http.StatusConflict, "version_conflict")
			if answers[lost].number("current_version") != at || answers[1-lost].number("version.number") != at {
				t.Errorf("%s\n%s", answers[lost].body, answers[1-lost].body)
			}
			// What it says to do works.
			loser := both[lost]
			path := fmt.Sprintf("%s&base_version=%d", loser.publishPath(), at)
			at++
			if a := loser.want(http.StatusOK, "POST", path, manifests[lost], with{"Content-Type": ndjson}); a.number("version.number") != at {
				t.Errorf("%s", a.body)
			}
		}

		// Of two in one session one is told that it is busy, or over by then.
		one := ana.begins(object{"slug": "words"})
		answers := race(t, 2, func(i int) (*answer, error) {
			return one.try("POST", one.publishPath(), texts(fmt.Sprint("same ", i), items), with{"Content-Type": ndjson})
		})
		count(t, "one session", answers, map[int]int{http.StatusOK: 1, http.StatusConflict: 1})
		for _, a := range answers {
			if a.status == http.StatusConflict && a.text("code") != "publish_in_progress" && a.text("code") != "session_closed" {
				t.Errorf("%s", a.body)
			}
		}
		if v := s.number("SELECT current_version FROM datasets WHERE id = '" + one.dataset + "'"); int64(v) != at+1 {
			t.Errorf("version %d is shown, want %d", v, at+1)
		}
	})
}
