package e2e

import (
	"net/http"
	"slices"
	"testing"
)

func TestVersionsAreListedAndRestored(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk, postgresS3, stagedS3}, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		asset := ana.upload(object{"name": "notes.txt", "content_type": "text/plain"}, []byte("1"))
		id := asset.text("id")
		for _, body := range []string{"22", "333"} {
			ana.upload(object{"name": "notes.txt", "content_type": "text/markdown", "on_conflict": "version"}, []byte(body))
		}
		pending := ana.create(object{"name": "notes.txt", "size_bytes": 4, "on_conflict": "version"})
		if got := ana.download(id); string(got) != "333" {
			t.Errorf("%q came down", got)
		}
		ana.usedMust(1+2+3+4, 1)
		versions := "/api/assets/" + id + "/versions"
		list := ana.want(http.StatusOK, "GET", versions, nil)
		if !slices.Equal(list.list("number"), []string{"3", "2", "1"}) || !slices.Equal(list.list("current"), []string{"true", "false", "false"}) ||
			!slices.Equal(list.list("size_bytes"), []string{"3", "2", "1"}) {
			t.Errorf("versions %s", list.body)
		}
		page := ana.want(http.StatusOK, "GET", versions+"?limit=2", nil)
		rest := ana.want(http.StatusOK, "GET", versions+"?limit=2&cursor="+page.text("next_cursor"), nil)
		if !slices.Equal(rest.list("number"), []string{"1"}) {
			t.Errorf("second page %s", rest.body)
		}

		restored := ana.want(http.StatusOK, "POST", versions+"/1/restore", nil)
		if restored.number("current_version") != 1 || restored.number("size_bytes") != 1 || restored.text("content_type") != "text/plain" {
			t.Errorf("restored %s", restored.body)
		}
		if got := ana.download(id); string(got) != "1" {
			t.Errorf("%q came down", got)
		}
		ana.usedMust(1+2+3+4, 1)
		send(t, pending.single(), []byte("4444"))
		if done := ana.complete(pending); done.number("current_version") != 4 {
			t.Errorf("completed %s", done.body)
		}
		for _, number := range []string{"5", "0", "-1", "x", "99999999999"} {
			ana.refused(http.StatusNotFound, "not_found", "POST", versions+"/"+number+"/restore", nil)
		}
		path := "/api/orgs/" + ana.org + "/assets/" + id
		ana.want(http.StatusNoContent, "DELETE", path+"?permanent=true", nil)
		ana.usedMust(0, 0)
		ana.refused(http.StatusNotFound, "not_found", "GET", versions, nil)
	})
}
