package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestATeamReadsAndAnnotates: a member searches what is published, gets its files
// and says something about it; the owner sees who looked; a second version changes
// what is shown, and nothing of the first.
func TestATeamReadsAndAnnotates(t *testing.T) {
	tell(t, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		joe := s.hire(ana, s.signUp("joe"), "member")
		files, items := release()
		first := ana.begins(object{"slug": "harbour", "name": "Harbour"})
		first.brings(files...)
		if got := first.publishes(items...); got.number("version.number") != 1 {
			t.Fatalf("%s", got.body)
		}
		set := "/api/datasets/" + first.dataset

		// Page by page, by type, tag and words.
		if got := joe.want(http.StatusOK, "GET", "/api/datasets?org_id="+ana.org, nil); got.text("items.0.id") != first.dataset {
			t.Errorf("%s", got.body)
		}
		page := joe.want(http.StatusOK, "GET", set+"/items?limit=10&type=image&tag=day", nil)
		rest := joe.want(http.StatusOK, "GET", set+"/items?limit=10&type=image&tag=day&cursor="+page.text("next_cursor"), nil)
		if page.text("items.9.external_id") != "sign-09" || rest.text("items.0.external_id") != "sign-10" || rest.text("items.1.external_id") != "sign-11" || rest.get("next_cursor") != nil {
			t.Errorf("%s\n%s", page.body, rest.body)
		}
		for words, want := range map[string]string{"sign+7": "sign-07", "a+wal": "walk"} {
			if got := joe.want(http.StatusOK, "GET", set+"/items?q="+words, nil); got.text("items.0.external_id") != want {
				t.Errorf("%s: %s", words, got.body)
			}
		}
		// What is said in the film is found once a job has read it.
		eventually(t, "the transcript is searched", func() bool {
			got := joe.want(http.StatusOK, "GET", set+"/items?type=video&q=stop+at+the+sig", nil)
			return strings.Contains(string(got.body), `"external_id":"walk"`)
		})

		item := joe.want(http.StatusOK, "GET", "/api/items/"+page.text("items.0.id"), nil)
		if item.text("assets.0.path") != "images/a/sign 00.png" || item.text("assets.0.content_type") != "image/png" {
			t.Errorf("%s", item.body)
		}
		url := joe.want(http.StatusOK, "POST", "/api/items/"+item.text("id")+"/assets/main/signed-url", object{"disposition": "inline", "ttl_seconds": 60})
		if got := string(fetch(t, url.text("url")).body); got != string(files[0].bytes) {
			t.Errorf("%d bytes came", len(got))
		}
		asset := item.text("assets.0.asset_id")
		joe.want(http.StatusOK, "POST", "/api/assets/"+asset+"/signed-url", object{"ttl_seconds": 60}) // though the drive is not his
		joe.refused(http.StatusNotFound, "not_found", "GET", "/api/assets/"+asset+"/download", nil)

		// What is said about it.
		said := joe.want(http.StatusCreated, "POST", "/api/items/"+item.text("id")+"/annotations", object{"kind": "region", "body": object{"x": 0.1, "y": 0.1, "width": 0.5, "height": 0.5}})
		note := "/api/annotations/" + said.text("id")
		joe.refused(http.StatusUnprocessableEntity, "validation_failed", "PATCH", note, object{"body": object{"x": 2, "y": 0, "width": 1, "height": 1}})
		joe.want(http.StatusOK, "PATCH", note, object{"kind": "comment", "body": object{"text": "well"}})
		ana.refused(http.StatusForbidden, "forbidden", "PATCH", note, object{"body": object{"text": "mine"}})
		if got := ana.want(http.StatusOK, "GET", note+"/versions", nil); got.text("items.0.kind") != "region" {
			t.Errorf("%s", got.body)
		}

		// The second version leaves one out, changes one and adds one.
		second := ana.begins(object{"slug": "harbour"})
		items[1]["title"] = "Sign one"
		more := object{"external_id": "new", "type": "text", "data": object{"text": "fresh"}}
		if got := second.publishes(append(items[1:], more)...); got.number("version.number") != 2 || got.get("published") != true {
			t.Fatalf("%s", got.body)
		}
		diff := joe.want(http.StatusOK, "GET", set+"/diff?from=1&to=2", nil)
		for _, want := range []string{`"sign-00"`, `"sign-01"`, `"new"`} {
			if !strings.Contains(string(diff.body), want) {
				t.Errorf("%s is not in %s", want, diff.body)
			}
		}
		if strings.Contains(string(diff.body), "sign-02") {
			t.Errorf("%s", diff.body)
		}
		if old := joe.want(http.StatusOK, "GET", set+"/items?version=1&limit=2", nil); old.text("items.0.external_id") != "sign-00" || old.text("items.1.title") != "Sign 1" {
			t.Errorf("%s", old.body)
		}
		if got := ana.want(http.StatusOK, "GET", set+"/annotations?external_id=sign-00", nil); got.text("items.0.body.text") != "well" || got.get("items.0.orphaned") != true {
			t.Errorf("%s", got.body)
		}

		// What is exported can be published again, and is the same.
		file := joe.want(http.StatusOK, "GET", set+"/export", nil)
		third := ana.begins(object{"slug": "harbour"})
		if got := third.want(http.StatusOK, "POST", third.publishPath(), raw(file.body), with{"Content-Type": ndjson}); got.get("published") != false {
			t.Errorf("%s", got.body)
		}
		if notes := joe.want(http.StatusOK, "GET", set+"/export?what=annotations", nil); !strings.Contains(string(notes.body), "well") {
			t.Errorf("%s", notes.body)
		}

		joe.refused(http.StatusForbidden, "forbidden", "GET", set+"/access-log", nil)
		log := ana.want(http.StatusOK, "GET", set+"/access-log?kind=file", nil)
		if log.text("items.0.account_id") != joe.account || log.text("items.1.account_id") != joe.account {
			t.Errorf("%s", log.body)
		}
		ana.want(http.StatusOK, "PATCH", set, object{"status": "archived"})
		joe.refused(http.StatusNotFound, "not_found", "POST", "/api/items/"+item.text("id")+"/assets/main/signed-url", nil)
		joe.refused(http.StatusNotFound, "not_found", "POST", "/api/assets/"+asset+"/signed-url", nil)
		s.fsck()
	})
}
