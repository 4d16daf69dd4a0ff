package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestATeamsWeekOnASharedDrive(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		owner, worker := s.signUp("ana"), s.signUp("ben")
		ana := owner.found(object{"name": "Acme"})
		ben := s.hire(ana, worker, "member")
		drive, own := "/api/drives/"+ana.drive, s.personalDrive(ben.account)
		live, home := ana.followerOf(ana.drive), ben.followerOf(own)

		// Monday: folders and files.
		photos := ben.folder(ana.drive, "/photos/2026")
		ben.want(http.StatusOK, "POST", drive+"/folders", object{"name": "2026", "path": "/photos", "parents": true})
		ben.refused(http.StatusConflict, "name_taken", "POST", drive+"/folders", object{"name": "2026", "path": "/photos"})
		sizes := map[string]int{"b.jpg": 30, "a.jpg": 10, "C.jpg": 20, "d.txt": 5}
		ids := map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(sizes)) {
			kind := "image/jpeg"
			if strings.HasSuffix(name, ".txt") {
				kind = "text/plain"
			}
			ids[name] = ben.upload(object{"name": name, "parent_id": photos, "content_type": kind}, []byte(strings.Repeat(name[:1], sizes[name]))).text("id")
		}
		ben.folder(ana.drive, "/photos/2026/empty")
		live.catchUp()
		for query, want := range map[string]string{
			"": "C.jpg a.jpg b.jpg d.txt empty", "&sort=-name": "empty d.txt b.jpg a.jpg C.jpg", "&sort=kind": "empty C.jpg a.jpg b.jpg d.txt",
			"&sort=-size": "b.jpg C.jpg a.jpg d.txt empty", "&sort=size": "empty d.txt a.jpg C.jpg b.jpg", "&sort=updated_at": "C.jpg a.jpg b.jpg d.txt empty",
		} {
			if got := ana.listing("name", drive+"/nodes?path=/photos/2026&limit=2"+query); strings.Join(got, " ") != want {
				t.Errorf("%s lists %q", query, got)
			}
		}
		page := ana.want(http.StatusOK, "GET", drive+"/nodes?path=/photos/2026&limit=2", nil)
		ana.refused(http.StatusUnprocessableEntity, "cursor_invalid", "GET",
			drive+"/nodes?path=/photos/2026&sort=size&limit=2&cursor="+page.text("next_cursor"), nil)

		// Tuesday: names and places.
		node := "/api/nodes/" + ids["d.txt"]
		tag := ana.want(http.StatusOK, "GET", node, nil).header.Get("ETag")
		ana.want(http.StatusNotModified, "GET", node, nil, with{"If-None-Match": tag})
		renamed := ana.want(http.StatusOK, "PATCH", node, object{"name": "notes.txt"}, with{"If-Match": tag})
		for _, body := range []object{{"name": "late.txt"}, {"parent_id": nil}, {}} {
			ben.refused(http.StatusPreconditionFailed, "precondition_failed", "PATCH", node, body, with{"If-Match": tag})
		}
		ben.refused(http.StatusPreconditionFailed, "precondition_failed", "DELETE", node, nil, with{"If-Match": tag})
		if renamed.text("name") != "notes.txt" || renamed.header.Get("ETag") == tag {
			t.Errorf("%s", renamed.body)
		}
		ben.refused(http.StatusConflict, "name_taken", "PATCH", node, object{"name": "a.jpg"})
		if a := ben.patch(ids["d.txt"], object{"name": "a.jpg", "on_conflict": "rename"}); a.text("name") != "a (1).jpg" {
			t.Errorf("%s", a.body)
		}
		texts := ana.folder(ana.drive, "/texts")
		if a := ben.patch(ids["d.txt"], object{"name": "d.txt", "parent_id": texts}); a.text("parent_id") != texts || a.text("name") != "d.txt" {
			t.Errorf("%s", a.body)
		}
		if a := ben.patch(ids["d.txt"], object{"drive_id": ana.drive}); a.text("parent_id") != texts {
			t.Errorf("its own drive named: %s", a.body)
		}
		way := ana.want(http.StatusOK, "GET", "/api/nodes/"+ids["a.jpg"]+"/path", nil)
		if got := way.list("name"); !slices.Equal(got, []string{"", "photos", "2026", "a.jpg"}) {
			t.Errorf("the way is %q", got)
		}
		ben.refused(http.StatusConflict, "folder_into_itself", "PATCH", "/api/nodes/"+way.list("id")[1], object{"parent_id": photos})
		ben.refused(http.StatusUnprocessableEntity, "validation_failed", "PATCH", "/api/nodes/"+photos, object{"parent_id": ids["a.jpg"]})
		for _, r := range []request{{"PATCH", "", `{"name": "x"}`}, {"DELETE", "", ""}, {"POST", "/copy", "{}"}} {
			r.path = "/api/nodes/" + ana.drive + r.path
			ana.request(r).isProblem(http.StatusConflict, "root_folder")
		}

		// Wednesday: to a drive of one's own and back, and a copy.
		private := ben.folder(ana.drive, "/drafts")
		ben.upload(object{"name": "draft", "parent_id": private}, []byte("draft"))
		home.catchUp()
		ben.patch(private, object{"drive_id": own})
		ana.refused(http.StatusNotFound, "not_found", "GET", "/api/nodes/"+private, nil)
		home.isTheDrive()
		live.isTheDrive()
		ben.patch(private, object{"parent_id": texts})
		home.isTheDrive()
		copied := ana.want(http.StatusCreated, "POST", "/api/nodes/"+photos+"/copy", object{"parent_id": texts, "name": "copies"}, with{"Idempotency-Key": "copy-1"})
		again := ana.want(http.StatusCreated, "POST", "/api/nodes/"+photos+"/copy", object{"parent_id": texts, "name": "copies"}, with{"Idempotency-Key": "copy-1"})
		if copied.text("id") != again.text("id") || copied.header.Get("Location") != "/api/nodes/"+copied.text("id") {
			t.Errorf("%s and %s", copied.body, again.body)
		}
		eventually(t, "the copies have their bytes", func() bool {
			return !slices.Contains(ana.listing("status", drive+"/search?kind=asset&limit=3"), "pending")
		})
		ana.usedMust(30+10+20+5+5+60, 8)

		// Thursday: found and thrown away.
		ben.want(http.StatusOK, "POST", "/api/nodes/bulk", object{"op": "tag", "ids": []string{ids["a.jpg"]}, "add_tags": []string{"best"}})
		for query, want := range map[string]int{
			"q=JPG": 6, "q=a": 2, "q=.txt": 1, "q=2026": 1, "kind=folder": 7, "type=image": 6, "type=image/jpeg&tag=best": 1, "tag=nothing": 0,
			"min_size=20": 4, "max_size=5": 2, "q=jpg&min_size=11&max_size=29": 2, "from=2999-01-01T00:00:00Z": 0, "to=2999-01-01T00:00:00Z&q=draft": 2,
		} {
			if got := ana.listing("name", drive+"/search?limit=2&"+query); len(got) != want {
				t.Errorf("%s finds %q", query, got)
			}
		}
		ben.refused(http.StatusForbidden, "forbidden", "DELETE", "/api/nodes/"+texts, nil) // there is Ana's in it
		ben.refused(http.StatusForbidden, "forbidden", "DELETE", drive+"/trash", nil)
		ben.want(http.StatusNoContent, "DELETE", "/api/nodes/"+photos, nil)
		ana.refused(http.StatusConflict, "trashed", "GET", drive+"/nodes?parent_id="+photos, nil)
		ana.refused(http.StatusConflict, "trashed", "GET", "/api/assets/"+ids["a.jpg"]+"/download", nil)
		ana.refused(http.StatusConflict, "not_trashed", "POST", "/api/nodes/"+ids["a.jpg"]+"/restore", nil)
		ana.refused(http.StatusConflict, "trashed", "GET", "/api/nodes/"+photos+"/archive", nil)
		if got := ana.listing("name", drive+"/trash?limit=1"); !slices.Equal(got, []string{"2026"}) {
			t.Errorf("trash %q", got)
		}
		live.isTheDrive()
		ana.folder(ana.drive, "/photos/2026")
		if a := ana.want(http.StatusOK, "POST", "/api/nodes/"+photos+"/restore", nil); a.text("name") != "2026 (1)" {
			t.Errorf("%s", a.body)
		}

		// Friday: all at once.
		bulk := func(op object, ids ...string) []string {
			t.Helper()
			a := ben.want(http.StatusOK, "POST", "/api/nodes/bulk", op.but(object{"ids": ids}))
			var out []string
			for i, ok := range a.list("ok") {
				if ok != "true" {
					ok = a.text(fmt.Sprintf("items.%d.error.code", i))
				}
				out = append(out, ok)
			}
			return out
		}
		same := func(what string, got []string, want ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		same("move", bulk(object{"op": "move", "parent_id": texts}, ids["a.jpg"], missingID, ids["d.txt"], texts, ana.drive, ids["b.jpg"]),
			"true", "not_found", "true", "folder_into_itself", "root_folder", "true")
		same("trash", bulk(object{"op": "trash"}, ids["a.jpg"], ids["a.jpg"], texts), "true", "true", "forbidden")
		same("restore", bulk(object{"op": "restore"}, ids["a.jpg"], ids["b.jpg"]), "true", "not_trashed")
		same("tag", bulk(object{"op": "tag", "remove_tags": []string{"best"}}, ids["a.jpg"], texts), "true", "not_a_file")
		want := map[string]string{
			"a.jpg": strings.Repeat("a", 10), "b.jpg": strings.Repeat("b", 30), "d.txt": "ddddd", "drafts/": "", "drafts/draft": "draft", "copies/": "",
			"copies/C.jpg": strings.Repeat("C", 20), "copies/a.jpg": strings.Repeat("a", 10), "copies/b.jpg": strings.Repeat("b", 30), "copies/empty/": "",
		}
		if got := ana.unzipped(texts); !maps.Equal(got, want) {
			t.Errorf("in the archive is %q", got)
		}
		ana.refused(http.StatusConflict, "not_a_folder", "GET", "/api/nodes/"+ids["a.jpg"]+"/archive", nil)
		same("purge", bulk(object{"op": "purge"}, ids["a.jpg"], ids["a.jpg"]), "true", "not_found")
		ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+texts+"?permanent=true", nil)
		ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+photos, nil)
		ana.want(http.StatusNoContent, "DELETE", drive+"/trash", nil)
		ana.usedMust(0, 0)
		live.isTheDrive()
		whole := ben.followerOf(ana.drive) // from the first change on
		whole.isTheDrive()
		fresh := ben.want(http.StatusOK, "GET", drive+"/changes?cursor=now", nil)
		if fresh.get("has_more") != false || len(fresh.list("kind")) != 0 {
			t.Errorf("%s", fresh.body)
		}
		if got := ana.listing("action", "/api/orgs/"+ana.org+"/audit-log?action=folder.&limit=100"); len(got) < 10 || !slices.Contains(got, "folder.purged") {
			t.Errorf("audit log %q", got)
		}
	})
}

func TestDeletingALargeFolderSurvivesACrash(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		s.must("license", "assign", ana.org, "enterprise")
		big, side := ana.folder(ana.drive, "/big"), ana.folder(ana.drive, "/side")
		for i := range 3 {
			ana.upload(object{"name": fmt.Sprint(i), "parent_id": big}, []byte("12345"))
			ana.folder(ana.drive, fmt.Sprintf("/big/in/%d", i*i+10))
		}
		nodes := "/api/nodes/"
		for range 9 { // each time what is there comes twice
			twin := ana.want(http.StatusCreated, "POST", nodes+big+"/copy", object{"parent_id": side})
			ana.patch(twin.text("id"), object{"parent_id": big, "on_conflict": "rename"})
		}
		count := func(where string) (n int) {
			t.Helper()
			if err := s.database().QueryRowContext(t.Context(), "SELECT count(*) FROM nodes WHERE "+where).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := count("kind = 'folder'"); n < 2500 {
			t.Fatalf("only %d folders", n)
		}
		mirror := ana.followerOf(ana.drive)
		// With several servers, a job that died with one is begun again after its
		// timeout: the housekeeping of the start must be done, or it is not there to go on.
		eventually(t, "what the start has left to do is done", func() (done bool) {
			err := s.database().QueryRowContext(t.Context(), "SELECT count(*) = 0 FROM river_job WHERE state IN ('available', 'running')").Scan(&done)
			return err == nil && done
		})
		ana.want(http.StatusNoContent, "DELETE", nodes+big+"?permanent=true", nil)
		ana.refused(http.StatusNotFound, "not_found", "GET", nodes+big, nil)
		s.crash()
		if n := count("1 = 1"); n < 500 {
			t.Errorf("the crash came late: %d nodes are left", n)
		}
		ana.refused(http.StatusNotFound, "not_found", "GET", nodes+big, nil)
		s.crash()
		eventually(t, "all is gone", func() bool { bytes, files := ana.used(); return bytes == 0 && files == 0 })
		if got := ana.listing("name", "/api/drives/"+ana.drive+"/nodes?limit=200"); !slices.Equal(got, []string{"side"}) {
			t.Errorf("left is %q", got)
		}
		mirror.isTheDrive()
		eventually(t, "the rows are gone", func() bool { return count("purged_at IS NOT NULL") == 0 && count("1 = 1") < 10 })
	})
}
