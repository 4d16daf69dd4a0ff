package e2e

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func TestAnIdempotencyKeyIsOneEffect(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, bea := s.signUp("ana"), s.signUp("bea")
		path := "/api/orgs/" + ana.org + "/assets"
		key := with{"Idempotency-Key": "upload-1"}
		file := object{"name": "a.bin", "size_bytes": 64_000_000}
		answers := race(t, 16, func(int) (*answer, error) { return ana.try("POST", path, file, key) })
		if n := statuses(answers); n[http.StatusCreated] != 16 {
			t.Fatalf("racing creates: %v", n)
		}
		replayed := 0
		for _, a := range answers {
			if a.text("asset.id") != answers[0].text("asset.id") || !bytes.Equal(a.body, answers[0].body) {
				t.Errorf("%s and %s", a.body, answers[0].body)
			}
			if a.header.Get("Idempotency-Replayed") == "true" {
				replayed++
			}
		}
		if replayed != 15 {
			t.Errorf("%d of 16 are replayed", replayed)
		}
		ana.usedMust(64_000_000, 1)

		s.crash()

		again := ana.want(http.StatusCreated, "POST", path, file, key)
		if !bytes.Equal(again.body, answers[0].body) {
			t.Errorf("%s, at first %s", again.body, answers[0].body)
		}
		for _, other := range []object{file.but(object{"name": "b.bin"}), file.but(object{"size_bytes": 1})} {
			ana.refused(http.StatusConflict, "idempotency_conflict", "POST", path, other, key)
		}
		bea.want(http.StatusCreated, "POST", "/api/orgs/"+bea.org+"/assets", file, key) // her keys are her own
		for _, bad := range []string{"with space", "é", strings.Repeat("k", 256)} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", path, file, with{"Idempotency-Key": bad})
		}
		// A refusal is not kept: what was in the way may have gone.
		retry := with{"Idempotency-Key": "upload-2"}
		ana.refused(http.StatusConflict, "name_taken", "POST", path, file, retry)
		ana.want(http.StatusNoContent, "DELETE", path+"/"+again.text("asset.id"), nil)
		ana.want(http.StatusCreated, "POST", path, file, retry)
		ana.usedMust(64_000_000, 1)

		up := object{"email": "new@example.com", "password": password}
		answers = race(t, 8, func(int) (*answer, error) {
			return s.anybody().try("POST", "/api/auth/signup", up, with{"Idempotency-Key": "signup-1"})
		})
		if n := statuses(answers); n[http.StatusCreated] != 8 {
			t.Errorf("racing sign-ups: %v", n)
		}
		for _, a := range answers {
			if !bytes.Equal(a.body, answers[0].body) {
				t.Errorf("%s and %s", a.body, answers[0].body)
			}
		}

		s.restart(settings{"COFFER_CLOCK_OFFSET": "25h"}) // a day later the key is anybody's again
		ana.logIn()
		ana.want(http.StatusCreated, "POST", path, object{"name": "b.txt", "size_bytes": 1}, key)
	})
}
