package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestANameThatIsTakenIsRefusedRenamedOrAnotherVersion(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		path := "/api/orgs/" + ana.org + "/assets"
		first := ana.upload(object{"name": "report.tar.gz", "content_type": "application/gzip"}, []byte("first"))
		taken := object{"name": "report.tar.gz", "size_bytes": 6}
		ana.refused(http.StatusConflict, "name_taken", "POST", path, taken)
		ana.refused(http.StatusConflict, "name_taken", "POST", path, taken.but(object{"on_conflict": "fail"}))
		ana.usedMust(5, 1)

		renamed := ana.upload(object{"name": "report.tar.gz", "on_conflict": "rename"}, []byte("other"))
		again := ana.upload(object{"name": "report.tar.gz", "on_conflict": "rename"}, []byte("third"))
		if renamed.text("name") != "report.tar (1).gz" || again.text("name") != "report.tar (2).gz" || renamed.text("id") == first.text("id") {
			t.Errorf("renamed %s, then %s", renamed.body, again.body)
		}
		answers := race(t, 8, func(int) (*answer, error) {
			return ana.try("POST", path, object{"name": "report.tar.gz", "size_bytes": 1, "on_conflict": "rename"})
		})
		names := map[string]bool{}
		for _, a := range answers {
			if a.status == http.StatusCreated {
				names[a.text("asset.name")] = true
			} else {
				a.isProblem(http.StatusConflict, "name_taken") // others were faster each time
			}
		}
		if n := statuses(answers); len(names) != n[http.StatusCreated] || len(names) == 0 {
			t.Errorf("%v for %v", names, n)
		}

		second := ana.upload(object{"name": "report.tar.gz", "content_type": "application/x-tar", "on_conflict": "version"}, []byte("second"))
		if second.text("id") != first.text("id") || second.number("current_version") != 2 || second.text("content_type") != "application/x-tar" {
			t.Errorf("second version %s", second.body)
		}
		// A name that is free is just taken.
		free := ana.upload(object{"name": "free.txt", "on_conflict": "version"}, []byte("1"))
		if free.number("current_version") != 1 {
			t.Errorf("%s", free.body)
		}
		ana.refused(http.StatusConflict, "name_taken", "PATCH", path+"/"+free.text("id"), object{"name": "report.tar.gz"})
	})
}

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

func TestWhatIsInTheTrashIsNotServedAndItsNameIsFree(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		path := "/api/orgs/" + ana.org + "/assets"
		old := ana.upload(object{"name": "a.txt"}, []byte("old"))
		id := old.text("id")
		ana.want(http.StatusNoContent, "DELETE", path+"/"+id, nil)
		ana.want(http.StatusNoContent, "DELETE", path+"/"+id, nil) // it is there already
		trashed := ana.want(http.StatusOK, "GET", path+"/"+id, nil)
		if trashed.get("trashed_at") == nil {
			t.Errorf("%s", trashed.body)
		}
		for _, r := range []request{
			{"GET", "/api/assets/" + id + "/download", ""}, {"POST", "/api/assets/" + id + "/signed-url", "{}"},
			{"PATCH", path + "/" + id, `{"name": "b.txt"}`}, {"POST", "/api/assets/" + id + "/versions/1/restore", ""},
		} {
			ana.request(r).isProblem(http.StatusConflict, "trashed")
		}
		if names := ana.want(http.StatusOK, "GET", path, nil).list("name"); len(names) != 0 {
			t.Errorf("assets %v", names)
		}
		if names := ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/nodes", nil).list("name"); len(names) != 0 {
			t.Errorf("nodes %v", names)
		}
		ana.usedMust(3, 1)
		replaced := ana.upload(object{"name": "a.txt", "on_conflict": "version"}, []byte("new!"))
		if replaced.text("id") == id || replaced.number("current_version") != 1 {
			t.Errorf("%s", replaced.body)
		}
		ana.want(http.StatusNoContent, "DELETE", path+"/"+id+"?permanent=true", nil)
		ana.usedMust(4, 1)
		if got := ana.download(replaced.text("id")); string(got) != "new!" {
			t.Errorf("%q came down", got)
		}
		for _, permanent := range []string{"yes", "2", "x"} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "DELETE", path+"/"+replaced.text("id")+"?permanent="+permanent, nil)
		}
		// What never had bytes cannot be restored: it goes at once.
		pending := ana.create(object{"name": "b.txt", "size_bytes": 10})
		ana.want(http.StatusNoContent, "DELETE", path+"/"+pending.text("asset.id"), nil)
		ana.usedMust(4, 1)
		if a := put(t, pending.single(), []byte("0123456789")); a.status == http.StatusOK {
			ana.refused(http.StatusNotFound, "not_found", "POST", "/api/assets/"+pending.text("asset.id")+"/complete",
				object{"upload_id": pending.text("upload.upload_id")})
		}
	})
}

func TestMetadataAndTagsFindAFile(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		path := "/api/orgs/" + ana.org + "/assets"
		asset := ana.create(object{"name": "Beach_100%.JPG", "content_type": "image/jpeg", "size_bytes": 1, "metadata": object{
			"tags": []string{" holiday", "2026", "holiday", "caf\u00e9"}, "custom_fields": object{"camera": "X100", "iso": 200, "raw": false, "lens": nil},
		}})
		ana.create(object{"name": "Beach_1000.txt", "content_type": "text/plain", "size_bytes": 1})
		one := path + "/" + asset.text("asset.id")
		if tags := asset.text("asset.metadata.tags"); tags != "[2026 café holiday]" {
			t.Errorf("tags %s", tags)
		}
		for query, want := range map[string]string{
			"tag=holiday": "Beach_100%.JPG", "tag=cafe%CC%81": "Beach_100%.JPG", "tag=holi": "", "tag=Holiday": "", "type=image": "Beach_100%.JPG", "type=image/jpeg": "Beach_100%.JPG",
			"type=image/png": "", "type=imag": "", "q=beach": "Beach_1000.txt Beach_100%.JPG", "q=100%25": "Beach_100%.JPG", "q=beach_": "Beach_1000.txt Beach_100%.JPG",
			"q=each%25": "", "q=b_ach": "", "q=%5C": "", "q='": "", "q=%22": "", "status=ready": "", "status=pending&tag=2026": "Beach_100%.JPG",
		} {
			if got := strings.Join(ana.want(http.StatusOK, "GET", path+"?"+query, nil).list("name"), " "); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", path+"?status=trashed", nil)

		same := ana.want(http.StatusOK, "PATCH", one, object{"name": "sea.jpg"})
		if same.text("metadata.custom_fields.camera") != "X100" || same.get("metadata.custom_fields.lens") != nil || same.number("metadata.custom_fields.iso") != 200 {
			t.Errorf("left out, so unchanged: %s", same.body)
		}
		cleared := ana.want(http.StatusOK, "PATCH", one, object{"metadata": nil})
		if cleared.text("metadata.tags") != "[]" || cleared.text("metadata.custom_fields") != "map[]" || cleared.text("name") != "sea.jpg" {
			t.Errorf("null, so cleared: %s", cleared.body)
		}
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PATCH", one, object{"name": nil})
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PATCH", one, object{"metadata": object{"tags": slices.Repeat([]string{"x"}, 101)}})
		before := ana.want(http.StatusOK, "GET", one, nil)
		unchanged := ana.want(http.StatusOK, "PATCH", one, object{})
		if string(unchanged.body) != string(before.body) {
			t.Errorf("nothing changed: %s, before %s", unchanged.body, before.body)
		}
	})
}
