package e2e

import (
	"net/http"
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
			if a.status != http.StatusCreated {
				t.Errorf("%d %s", a.status, a.body)
				continue
			}
			names[a.text("asset.name")] = true
		}
		if len(names) != len(answers) {
			t.Errorf("the names are %v", names)
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
