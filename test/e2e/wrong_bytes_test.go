package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
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

func TestAFinishedFileCannotBeChangedByItsOldURL(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk, postgresS3, stagedS3}, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		for _, declared := range []bool{false, true} {
			right, other := []byte("right"), []byte("other")
			file := object{"name": "a.txt", "content_type": "text/plain", "size_bytes": 5, "on_conflict": "rename"}
			if declared {
				file["checksum_sha256"] = sha256Of(right)
			}
			created := ana.create(file)
			to := created.single()
			send(t, to, right)
			before := put(t, to, other).status // as long as it is not complete, a store may take it
			if before != http.StatusOK {
				other = right
			}
			if declared && before == http.StatusOK {
				t.Errorf("other bytes than declared: %d", before)
			}
			done := ana.complete(created)
			for _, body := range []string{"wrong", "right"} {
				put(t, to, []byte(body)) // whatever the answer
			}
			if got := ana.download(done.text("id")); !bytes.Equal(got, other) {
				t.Errorf("declared %v: %q came down, want %q", declared, got, other)
			}
		}
	})
}

func TestRacingCompletesAndPutsChangeNoFinishedFile(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk, postgresS3, stagedS3}, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		for i := range 12 {
			created := ana.create(object{"name": "a.txt", "size_bytes": 5, "on_conflict": "rename"})
			to, asset := created.single(), created.text("asset.id")
			send(t, to, []byte("first"))
			var finished []byte // what came down when the first client was told that it is done
			var once sync.Once
			race(t, 12, func(n int) (*answer, error) {
				if n%2 == 0 {
					return tryPut(t, to, strings.NewReader(fmt.Sprintf("%05d", n)))
				}
				a, err := ana.try("POST", "/api/assets/"+asset+"/complete", object{"upload_id": created.text("upload.upload_id")})
				if err == nil && a.status == http.StatusOK {
					once.Do(func() { finished = ana.download(asset) })
				}
				return a, err
			})
			if now := ana.download(asset); !bytes.Equal(now, finished) {
				t.Errorf("upload %d: %q was finished, and became %q", i, finished, now)
			}
		}
	})
}

func TestAnUploadURLExpiresAndCanBeHadAgain(t *testing.T) {
	t.Parallel()
	const life = 2 * time.Second
	tell2 := func(t *testing.T, s *server, expire func()) {
		ana := s.signUp("ana")
		small := ana.create(object{"name": "a.txt", "size_bytes": 5})
		large := ana.create(object{"name": "b.bin", "size_bytes": 4*partSize + 1})
		done := ana.upload(object{"name": "c.txt"}, []byte("right"))
		link := ana.want(http.StatusOK, "GET", "/api/assets/"+done.text("id")+"/download", nil).text("download_url")
		expire()
		ana.logIn()
		last := large.parts("upload.parts")[4] // a single byte: a store may refuse without reading
		for what, a := range map[string]*answer{
			"PUT": put(t, small.single(), []byte("right")), "PUT of a part": put(t, last.signed, partOf(last)), "GET": fetch(t, link),
		} {
			if a.status != http.StatusForbidden {
				t.Errorf("expired %s: %d %s", what, a.status, a.body)
			}
		}
		path := "/api/assets/" + small.text("asset.id")
		again := ana.want(http.StatusOK, "POST", path+"/upload/parts", nil)
		send(t, signed{again.text("method"), again.text("url"), headersOf(again, "headers")}, []byte("right"))
		ana.complete(small)
		if got := ana.download(small.text("asset.id")); string(got) != "right" {
			t.Errorf("%q came down", got)
		}
	}
	t.Run("SQLite and disk, by the shifted clock", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, sqliteDisk, settings{"COFFER_DOWNLOAD_URL_TTL": "15m"})
		s.start()
		tell2(t, s, func() { s.restart(settings{"COFFER_CLOCK_OFFSET": "16m"}) })
	})
	t.Run("PostgreSQL and S3, whose clock is the real one", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, postgresS3, settings{"COFFER_UPLOAD_URL_TTL": life.String(), "COFFER_DOWNLOAD_URL_TTL": life.String()})
		s.start()
		tell2(t, s, func() { time.Sleep(life + time.Second) })
	})
}

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
		if n := statuses(answers); n[http.StatusOK] != 16 {
			t.Errorf("answers %v", n)
		}
		again := ana.want(http.StatusOK, "POST", path, claim)
		for _, a := range answers {
			if a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			} else if !bytes.Equal(a.body, again.body) {
				t.Errorf("%s, later %s", a.body, again.body)
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
