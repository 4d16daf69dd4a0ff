package e2e

import (
	"bytes"
	"net/http"
	"testing"
)

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
		const size = 1_000_000 // so that copying takes a while
		for range 6 {
			created := ana.create(object{"name": "a.txt", "size_bytes": size, "on_conflict": "rename"})
			to, asset := created.single(), created.text("asset.id")
			send(t, to, bytes.Repeat([]byte("x"), size))
			finished := make(chan byte, 6) // what came down when a client was told that it is done
			race(t, 12, func(n int) (*answer, error) {
				if n%2 == 0 {
					a, err := tryPut(t, to, bytes.NewReader(bytes.Repeat([]byte{'a' + byte(n)}, size)))
					if err != nil { // a store may refuse without reading, and hang up
						return &answer{t: t, what: "PUT"}, nil //nolint:nilerr // an answer like any other
					}
					return a, nil
				}
				a, err := ana.try("POST", "/api/assets/"+asset+"/complete", object{"upload_id": created.text("upload.upload_id")})
				if err != nil || a.status != http.StatusOK {
					return a, err
				}
				link, err := ana.try("GET", "/api/assets/"+asset+"/download", nil)
				if err != nil {
					return nil, err
				}
				down, err := (&client{t: t, url: link.text("download_url")}).try("GET", "", nil)
				if err == nil {
					finished <- down.body[0]
				}
				return a, err
			})
			close(finished)
			now := ana.download(asset)
			if len(finished) == 0 {
				t.Error("nobody could complete it")
			}
			for then := range finished {
				if then != now[0] || bytes.Count(now, now[:1]) != size {
					t.Errorf("%q was finished, and became %q", then, now[0])
				}
			}
		}
	})
}
