package e2e

import (
	"bytes"
	"net/http"
	"testing"
)

func TestCompleteIsDoneOnce(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk, postgresS3, stagedS3}, nil, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana"), s.signUp("eve")
		created := ana.create(object{"name": "a.txt", "size_bytes": 5, "checksum_sha256": sha256Of([]byte("right"))})
		path, claim := "/api/assets/"+created.text("asset.id")+"/complete", object{"upload_id": created.text("upload.upload_id")}
		ana.refused(http.StatusConflict, "upload_incomplete", "POST", path, claim)
		send(t, created.single(), []byte("right"))
		eve.refused(http.StatusNotFound, "not_found", "POST", path, claim)
		ana.refused(http.StatusConflict, "upload_mismatch", "POST", path, object{"upload_id": missingID})
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", path, object{})
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", path, object{"upload_id": "x"})

		answers := race(t, 16, func(int) (*answer, error) { return ana.try("POST", path, claim) })
		if statuses(answers)[http.StatusOK] == 0 {
			t.Error("nobody could complete it")
		}
		again := ana.want(http.StatusOK, "POST", path, claim)
		for _, a := range answers {
			switch {
			case a.status == http.StatusLocked: // while somebody else's request is verifying the bytes
				if a.isProblem(http.StatusLocked, "upload_busy"); a.header.Get("Retry-After") == "" {
					t.Errorf("headers %v", a.header)
				}
			case a.status != http.StatusOK || !bytes.Equal(a.body, again.body):
				t.Errorf("%d %s, later %s", a.status, a.body, again.body)
			}
		}
		eve.refused(http.StatusNotFound, "not_found", "POST", path, claim)
		ana.refused(http.StatusNotFound, "upload_not_found", "POST", path, object{"upload_id": missingID})
		if numbers := ana.want(http.StatusOK, "GET", "/api/assets/"+created.text("asset.id")+"/versions", nil).list("number"); len(numbers) != 1 {
			t.Errorf("versions %v", numbers)
		}
		ana.usedMust(5, 1)
	})
}

// missingID is the id of nothing.
const missingID = "0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"
