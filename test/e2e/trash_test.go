package e2e

import (
	"net/http"
	"testing"
)

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
			{"GET", "/api/assets/" + id + "/download", ""},
			{"POST", "/api/assets/" + id + "/signed-url", "{}"},
			{"PATCH", path + "/" + id, `{"name": "b.txt"}`},
			{"POST", "/api/assets/" + id + "/versions/1/restore", ""},
			{"POST", "/api/assets/" + id + "/derived/retry", ""},
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
