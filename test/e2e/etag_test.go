package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

func TestChangesAreTiedToTheVersionThatWasSeen(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		asset := ana.upload(object{"name": "a.txt", "checksum_sha256": sha256Of([]byte("first"))}, []byte("first"))
		path := "/api/orgs/" + ana.org + "/assets/" + asset.text("id")
		seen := ana.want(http.StatusOK, "GET", path, nil).header.Get("ETag")
		for _, tags := range []string{seen, "W/" + seen, `"x", ` + seen, "*"} {
			a := ana.want(http.StatusNotModified, "GET", path, nil, with{"If-None-Match": tags})
			if len(a.body) != 0 || a.header.Get("ETag") != seen {
				t.Errorf("%s: %v %s", tags, a.header, a.body)
			}
		}
		ana.want(http.StatusOK, "GET", path, nil, with{"If-None-Match": `"0"`})
		for _, at := range []string{"/api/me", "/api/orgs/" + ana.org} {
			tag := ana.want(http.StatusOK, "GET", at, nil).header.Get("ETag")
			ana.want(http.StatusNotModified, "GET", at, nil, with{"If-None-Match": tag})
		}

		answers := race(t, 8, func(i int) (*answer, error) {
			return ana.try("PATCH", path, object{"name": fmt.Sprintf("%d.txt", i)}, with{"If-Match": seen})
		})
		n := statuses(answers)
		if n[http.StatusOK] != 1 || n[http.StatusPreconditionFailed] != 7 {
			t.Errorf("racing changes: %v", n)
		}
		for _, tag := range []string{seen, "nonsense", `"999"`, "W/" + seen} {
			ana.refused(http.StatusPreconditionFailed, "precondition_failed", "PATCH", path, object{"name": "b.txt"}, with{"If-Match": tag})
			ana.refused(http.StatusPreconditionFailed, "precondition_failed", "DELETE", path, nil, with{"If-Match": tag})
			ana.refused(http.StatusPreconditionFailed, "precondition_failed", "DELETE", path+"?permanent=true", nil, with{"If-Match": tag})
		}
		now := ana.want(http.StatusOK, "GET", path, nil).header.Get("ETag")
		changed := ana.want(http.StatusOK, "PATCH", path, object{"name": "b.txt"}, with{"If-Match": `"x", ` + now})
		ana.want(http.StatusOK, "PATCH", path, object{"metadata": object{"tags": []string{"x"}}}, with{"If-Match": "*"})
		if changed.header.Get("ETag") == now {
			t.Errorf("ETag %s of another version", now)
		}
		// Without If-Match nobody loses: each change is carried out.
		answers = race(t, 8, func(i int) (*answer, error) { return ana.try("PATCH", path, object{"name": fmt.Sprintf("c%d.txt", i)}) })
		if n := statuses(answers); n[http.StatusOK] == 0 || n[http.StatusOK]+n[http.StatusPreconditionFailed] != 8 {
			t.Errorf("racing changes: %v", n)
		}
		ana.want(http.StatusNoContent, "DELETE", path, nil, with{"If-Match": ana.want(http.StatusOK, "GET", path, nil).header.Get("ETag")})
	})
}
