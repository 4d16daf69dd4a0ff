package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/core"
)

func listing(target string) context.Context {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	return context.WithValue(r.Context(), requestKey{}, &request{http: r})
}

func TestACursorIsGoodForItsListOnly(t *testing.T) {
	key := []byte("0123456789abcdef")
	c := codec[string]{key, "nodes"}
	cursor, err := c.seal(listing("/api/drives/1/nodes?parent_id=2&limit=5"), "B a b é 中")
	if err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{
		"/api/drives/1/nodes?parent_id=2", "/api/drives/1/nodes?limit=200&parent_id=2&cursor=" + cursor,
	} {
		if got, err := c.open(listing(same), cursor); err != nil || got != "B a b é 中" {
			t.Errorf("%s: %q, %v", same, got, err)
		}
	}
	for name, open := range map[string]func() (string, error){
		"another filter": func() (string, error) { return c.open(listing("/api/drives/1/nodes?parent_id=3"), cursor) },
		"no filter":      func() (string, error) { return c.open(listing("/api/drives/1/nodes"), cursor) },
		"another path":   func() (string, error) { return c.open(listing("/api/drives/2/nodes?parent_id=2"), cursor) },
		"another list": func() (string, error) {
			return codec[string]{key, "trash"}.open(listing("/api/drives/1/nodes?parent_id=2"), cursor)
		},
		"another key": func() (string, error) {
			return codec[string]{[]byte("fedcba9876543210"), "nodes"}.open(listing("/api/drives/1/nodes?parent_id=2"), cursor)
		},
		"cut":     func() (string, error) { return c.open(listing("/api/drives/1/nodes?parent_id=2"), cursor[:10]) },
		"longer":  func() (string, error) { return c.open(listing("/api/drives/1/nodes?parent_id=2"), cursor+"AA") },
		"garbage": func() (string, error) { return c.open(listing("/api/drives/1/nodes?parent_id=2"), "!!!") },
		"huge": func() (string, error) {
			return c.open(listing("/api/drives/1/nodes?parent_id=2"), strings.Repeat("A", 5000))
		},
	} {
		if got, err := open(); !errors.Is(err, errCursor) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestAListComesInPages(t *testing.T) {
	f := newFixture(t)
	path := "/api/orgs/" + id[core.Org](3).String() + "/assets"
	seen := map[string]bool{}
	next, pages := "", 0
	for {
		p := page[assetBody]{}
		w := f.call("GET", path+"?limit=30&q=a"+next, "", signedIn)
		if err := decode(w.Body.Bytes(), &p); err != nil || w.Code != 200 {
			t.Fatalf("%d %v %s", w.Code, err, w.Body)
		}
		for _, a := range p.Items {
			seen[a.ID.String()] = true
		}
		if pages++; p.NextCursor == nil {
			break
		}
		next = "&cursor=" + *p.NextCursor
	}
	if len(seen) != 100 || pages != 4 {
		t.Errorf("saw %d items on %d pages", len(seen), pages)
	}
	problemIn(t, f.call("GET", path+"?limit=30"+next, "", signedIn), 422, "cursor_invalid")
	for _, limit := range []string{"0", "201", "-1", "x", "1.5", "99999999999999999999"} {
		p := problemIn(t, f.call("GET", path+"?limit="+limit, "", signedIn), 422, "validation_failed")
		if !strings.Contains(fmt.Sprint(p["errors"]), "query.limit") {
			t.Errorf("%s: %v", limit, p["errors"])
		}
	}
	if w := f.call("GET", "/api/orgs", "", signedIn); w.Body.String() != `{"items":[],"next_cursor":null}` {
		t.Errorf("an empty list is %s", w.Body)
	}
}

func FuzzCursor(f *testing.F) {
	c := codec[core.AssetID]{[]byte("0123456789abcdef"), "assets"}
	ctx := listing("/api/orgs/1/assets?tag=x")
	valid, err := c.seal(ctx, id[core.Node](9))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(valid)
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, cursor string) {
		got, err := c.open(ctx, cursor)
		switch {
		case cursor == "" || cursor == valid:
			if err != nil {
				t.Fatal(err)
			}
		case !errors.Is(err, errCursor) || !got.IsZero():
			t.Fatalf("%q is taken for %v, %v", cursor, got, err)
		}
	})
}
