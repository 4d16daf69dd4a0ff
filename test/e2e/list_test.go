package e2e

import (
	"net/http"
	"slices"
	"testing"
)

func TestListsComeInPagesWhoseCursorsCannotBeForged(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, bea := s.signUp("ana"), s.signUp("bea")
		path := "/api/orgs/" + ana.org + "/assets"
		var want []string
		for _, name := range []string{"a", "B", "é", "b", "中", "z", "Z", "_", "-", "%", "1", "~"} {
			want = append(want, ana.create(object{"name": name, "size_bytes": 1}).text("asset.id"))
		}
		slices.Reverse(want) // newest first
		var got []string
		first := ""
		for query := "?limit=5"; ; {
			page := ana.want(http.StatusOK, "GET", path+query, nil)
			got = append(got, page.list("id")...)
			if page.get("next_cursor") == nil {
				break
			}
			if first == "" {
				first = page.text("next_cursor")
				ana.create(object{"name": "inserted.txt", "size_bytes": 1}) // does not shift what follows
			}
			query = "?limit=5&cursor=" + page.text("next_cursor")
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages %v, want %v", got, want)
		}
		all := ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/nodes", nil).list("name")
		var names []string
		for query := "?limit=1"; ; {
			page := ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/nodes"+query, nil)
			names = append(names, page.list("name")...)
			if page.get("next_cursor") == nil {
				break
			}
			query = "?limit=1&cursor=" + page.text("next_cursor")
		}
		if len(all) != 13 || !slices.Equal(names, all) || !slices.IsSorted(all) {
			t.Errorf("pages %q, all %q", names, all)
		}

		changed := "A" + first[1:]
		if changed == first {
			changed = "B" + first[1:]
		}
		for what, at := range map[string]string{
			"changed":          path + "?limit=5&cursor=" + changed,
			"cut":              path + "?limit=5&cursor=" + first[:len(first)-1],
			"no cursor":        path + "?cursor=x",
			"another list's":   "/api/drives/" + ana.drive + "/nodes?cursor=" + first,
			"orgs'":            "/api/orgs?cursor=" + first,
			"another filter's": path + "?status=ready&cursor=" + first,
		} {
			if a := ana.ask("GET", at, nil); a.status != http.StatusUnprocessableEntity || a.text("code") != "cursor_invalid" {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
		}
		bea.refused(http.StatusUnprocessableEntity, "cursor_invalid", "GET", "/api/orgs/"+bea.org+"/assets?cursor="+first, nil)
		for _, limit := range []string{"0", "-1", "201", "x", "1.5", "9999999999999999999"} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", path+"?limit="+limit, nil)
		}
		if n := len(ana.want(http.StatusOK, "GET", path+"?limit=200", nil).list("id")); n != 13 {
			t.Errorf("%d assets", n)
		}
		ana.want(http.StatusOK, "GET", path+"?limit=2&cursor="+first, nil) // as many as one likes
	})
}
