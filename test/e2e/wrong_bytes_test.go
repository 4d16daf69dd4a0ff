package e2e

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"testing"
)

func TestOnlyTheDeclaredBytesAreTaken(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk, postgresS3, stagedS3}, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		right := content(1, 100_000)
		created := ana.create(object{
			"name": "a.bin", "content_type": "application/x-a", "size_bytes": len(right), "checksum_sha256": sha256Of(right),
		})
		asset, to := created.text("asset.id"), created.single()
		nothing := func(what string, a *answer, err error) {
			t.Helper()
			if err == nil && (a.status < 400 || a.status >= 500) {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
			if n := ana.want(http.StatusOK, "GET", "/api/assets/"+asset+"/upload", nil).number("received_bytes"); n != 0 {
				t.Errorf("%s: %d bytes are stored", what, n)
			}
		}
		sent := func(body []byte, edit func(*http.Request)) (*answer, error) {
			return tryPut(t, to, bytes.NewReader(body), edit)
		}
		as := func(*http.Request) {}

		wrong := slices.Clone(right)
		wrong[50_000]++
		a, err := sent(wrong, as)
		nothing("another byte", a, err)
		a, err = sent(right[:99_999], as)
		nothing("a byte less", a, err)
		a, err = sent(append(slices.Clone(right), 0), as)
		nothing("a byte more", a, err)
		a, err = sent(nil, as)
		nothing("no bytes", a, err)
		a, err = sent(right, func(r *http.Request) { r.Header.Set("Content-Type", "text/html") })
		nothing("another type", a, err)
		for name := range to.headers {
			a, err = sent(right, func(r *http.Request) { r.Header.Del(name) })
			nothing("without "+name, a, err)
		}
		a, err = sent(right, func(r *http.Request) { r.ContentLength, r.Body = -1, io.NopCloser(bytes.NewReader(right)) })
		nothing("without a length", a, err)
		a, err = sent(right, func(r *http.Request) { r.Method = http.MethodPost })
		nothing("by POST", a, err)
		a, err = sent(right, func(r *http.Request) { r.URL.Path += "x" })
		nothing("to another name", a, err)
		short, err := tryPut(t, to, io.MultiReader(bytes.NewReader(right[:60_000]), readerFunc(func([]byte) (int, error) {
			return 0, io.ErrUnexpectedEOF
		})), func(r *http.Request) { r.ContentLength = int64(len(right)) })
		nothing("half of it", short, err)

		claim := object{"upload_id": created.text("upload.upload_id")}
		ana.refused(http.StatusConflict, "upload_incomplete", "POST", "/api/assets/"+asset+"/complete", claim)
		ana.refused(http.StatusConflict, "upload_incomplete", "GET", "/api/assets/"+asset+"/download", nil)
		send(t, to, right)
		ana.complete(created)
		if !bytes.Equal(ana.download(asset), right) {
			t.Error("other bytes came down")
		}
	})
}

func TestAWrongDeclarationNeverBecomesAFile(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk, postgresS3, stagedS3}, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		right := content(1, 1_000)
		created := ana.create(object{"name": "a.bin", "size_bytes": len(right), "checksum_sha256": sha256Of([]byte("other"))})
		if a := put(t, created.single(), right); a.status < 400 {
			t.Errorf("%d %s", a.status, a.body)
		}
		ana.refused(http.StatusConflict, "upload_incomplete", "POST", "/api/assets/"+created.text("asset.id")+"/complete",
			object{"upload_id": created.text("upload.upload_id")})

		// Of parts, nobody knows the hash before they are put together.
		large := ana.create(object{"name": "b.bin", "size_bytes": 64_000_000, "checksum_sha256": sha256Of([]byte("other"))})
		for _, p := range large.parts("upload.parts") {
			send(t, p.signed, partOf(p))
		}
		claim := object{"upload_id": large.text("upload.upload_id")}
		path := "/api/assets/" + large.text("asset.id") + "/complete"
		ana.refused(http.StatusUnprocessableEntity, "checksum_mismatch", "POST", path, claim)
		ana.refused(http.StatusNotFound, "not_found", "POST", path, claim) // it has ended
		ana.usedMust(1_000, 1)
		ana.want(http.StatusNoContent, "DELETE", "/api/assets/"+created.text("asset.id")+"/upload", nil)
		ana.usedMust(0, 0)
	})
}
