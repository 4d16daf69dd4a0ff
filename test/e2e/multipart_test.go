package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
)

const (
	bigSize  = 300_000_000
	partSize = 16 << 20
	bigParts = 18
)

// partOf returns the bytes of a part of the big file.
func partOf(p part) []byte { return content(byte(p.number), int(p.size)) }

// hashOfBig returns the SHA-256 of the big file.
func hashOfBig() string {
	h := sha256.New()
	for n := 1; n <= bigParts; n++ {
		h.Write(content(byte(n), min(partSize, bigSize-(n-1)*partSize)))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestA300MBUploadLosesAPartAndIsResumedByAnotherClientAfterACrash(t *testing.T) {
	tell(t, settings{"COFFER_SELF_HOSTED_UNLIMITED": "true"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		created := ana.create(object{"name": "film.mp4", "content_type": "video/mp4", "size_bytes": bigSize})
		if created.text("upload.strategy") != "multipart" || created.number("upload.part_size") != partSize || created.number("upload.part_count") != bigParts {
			t.Fatalf("plan %s", created.body)
		}
		parts := created.parts("upload.parts")
		if len(parts) != bigParts {
			t.Fatalf("%d parts, want %d", len(parts), bigParts)
		}
		asset := created.text("asset.id")
		for _, p := range parts[:10] {
			switch p.number {
			case 4: // the line breaks down in the middle
				breakOff(t, p)
			case 6: // lost
			default:
				send(t, p.signed, partOf(p))
			}
		}
		claim := object{"upload_id": created.text("upload.upload_id")}
		missing := ana.refused(http.StatusConflict, "upload_incomplete", "POST", "/api/assets/"+asset+"/complete", claim)
		// versitygw, which stands for S3 here, keeps a body that ends early, filled up with zeros.
		lost, kept := "[4 6 11 12 13 14 15 16 17 18]", []int{1, 2, 3, 5, 7, 8, 9, 10}
		if s.wiring.s3 {
			lost, kept = "[6 11 12 13 14 15 16 17 18]", []int{1, 2, 3, 4, 5, 7, 8, 9, 10}
		}
		if got := missing.text("missing_parts"); got != lost || missing.number("part_count") != bigParts {
			t.Errorf("missing %s of %s", got, missing.body)
		}

		s.crash()

		// Another client knows nothing but the asset.
		ana.logIn()
		have := ana.arrived(asset)
		if !slices.Equal(have, kept) {
			t.Errorf("arrived %v", have)
		}
		ana.sendParts(asset, 4, 1) // not answered, so it is sent again
		ana.sendParts(asset, 6, 2) // 7 is there already, and may come again
		ana.sendParts(asset, 11, 3)

		s.crash()

		if have := ana.arrived(asset); len(have) != 13 {
			t.Errorf("arrived %v", have)
		}
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", "/api/assets/"+asset+"/upload/parts", object{"from": bigParts + 1})
		ana.sendParts(asset, 14, 100)
		progress := ana.want(http.StatusOK, "GET", "/api/assets/"+asset+"/upload", nil)
		if progress.number("received_bytes") != bigSize || progress.number("part_count") != bigParts {
			t.Errorf("progress %s", progress.body)
		}
		claim["parts"] = claims(progress)
		done := ana.want(http.StatusOK, "POST", "/api/assets/"+asset+"/complete", claim)
		if done.text("status") != "ready" || done.number("size_bytes") != bigSize {
			t.Errorf("asset %s", done.body)
		}
		old := parts[bigParts-1] // no URL of the upload changes the file
		if a, err := tryPut(t, old.signed, bytes.NewReader(content(0, int(old.size)))); err == nil && a.status == http.StatusOK {
			t.Errorf("a part of a finished upload is taken: %d", a.status)
		}
		isBig(t, ana, done)
	})
}

// breakOff sends half a part and hangs up.
func breakOff(t *testing.T, p part) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	half := bytes.NewReader(partOf(p)[:p.size/2])
	body := io.MultiReader(half, readerFunc(func([]byte) (int, error) {
		time.Sleep(50 * time.Millisecond) // lets the half arrive
		cancel()
		return 0, errors.New("the line is down")
	}))
	a, err := tryPut(t, p.signed, body, func(r *http.Request) {
		r.ContentLength = p.size
		*r = *r.WithContext(ctx)
	})
	if err == nil {
		t.Errorf("half a part is answered: %d %s", a.status, a.body)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// arrived returns the numbers of the parts that the server has whole.
func (u *user) arrived(asset string) (numbers []int) {
	u.t.Helper()
	progress := u.want(http.StatusOK, "GET", "/api/assets/"+asset+"/upload", nil)
	items, _ := progress.get("parts").([]any)
	for i := range items {
		n := int(progress.number(fmt.Sprintf("parts.%d.number", i)))
		if want := int64(min(partSize, bigSize-(n-1)*partSize)); progress.number(fmt.Sprintf("parts.%d.size_bytes", i)) != want {
			u.t.Errorf("part %d has another size: %s", n, progress.body)
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// claims are the parts that a client says it has sent.
func claims(progress *answer) []object {
	progress.t.Helper()
	items, _ := progress.get("parts").([]any)
	out := make([]object, len(items))
	for i := range items {
		at := fmt.Sprintf("parts.%d.", i)
		out[i] = object{"number": progress.number(at + "number"), "etag": progress.text(at + "etag")}
	}
	return out
}

// sendParts asks for the URLs of more parts and sends them.
func (u *user) sendParts(asset string, from, count int) {
	u.t.Helper()
	more := u.want(http.StatusOK, "POST", "/api/assets/"+asset+"/upload/parts", object{"from": from, "count": count})
	parts := more.parts("parts")
	if len(parts) != min(count, bigParts-from+1) {
		u.t.Errorf("from %d: %d parts", from, len(parts))
	}
	for _, p := range parts {
		send(u.t, p.signed, partOf(p))
	}
}

// isBig checks the bytes of the big file, and that its hash becomes known.
func isBig(t *testing.T, u *user, done *answer) {
	t.Helper()
	asset := done.text("id")
	url := u.want(http.StatusOK, "GET", "/api/assets/"+asset+"/download", nil).text("download_url")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := wire.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	h := sha256.New()
	n, err := io.Copy(h, res.Body)
	want := hashOfBig()
	if got := hex.EncodeToString(h.Sum(nil)); err != nil || n != bigSize || got != want {
		t.Errorf("%d bytes, SHA-256 %s, want %s: %v", n, got, want, err)
	}
	// Nobody declared the hash: the server finds it out by itself.
	tags := map[string]string{done.header.Get("ETag"): done.text("checksum_sha256")}
	eventually(t, "the hash is known", func() bool {
		a := u.want(http.StatusOK, "GET", "/api/orgs/"+u.org+"/assets/"+asset, nil)
		sum, tag := a.text("checksum_sha256"), a.header.Get("ETag")
		if before, ok := tags[tag]; ok && before != sum {
			t.Errorf("ETag %s is of a description with the hash %s, and of one with %s", tag, before, sum)
		}
		tags[tag] = sum
		return sum == want
	})
}

func TestAnAbortedUploadGivesItsRoomBack(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		file := object{"name": "film.mp4", "size_bytes": 100_000_000}
		created := ana.create(file)
		asset, first := created.text("asset.id"), created.parts("upload.parts")[0]
		send(t, first.signed, partOf(first))
		ana.usedMust(100_000_000, 1)
		ana.want(http.StatusNoContent, "DELETE", "/api/assets/"+asset+"/upload", nil)
		ana.usedMust(0, 0)
		missing := ana.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+ana.org+"/assets/"+asset, nil)
		for method, path := range map[string]string{"GET": "/upload", "DELETE": "/upload", "POST": "/complete"} {
			var body any
			if method == "POST" {
				body = object{"upload_id": created.text("upload.upload_id")}
			}
			if a := ana.refused(http.StatusNotFound, "not_found", method, "/api/assets/"+asset+path, body); a.text("detail") != missing.text("detail") {
				t.Errorf("%s: %s", a.what, a.body)
			}
		}
		eventually(t, "its parts are gone", func() bool { // the store knows no such upload any more
			a, err := tryPut(t, first.signed, bytes.NewReader(partOf(first)))
			return err != nil || a.status == http.StatusNotFound // it may answer without reading
		})
		ana.create(file) // the name is free

		// Of a file that has bytes, only the new version is given up.
		kept := ana.upload(object{"name": "notes.txt"}, []byte("first"))
		second := ana.create(object{"name": "notes.txt", "size_bytes": 6, "on_conflict": "version"})
		ana.want(http.StatusNoContent, "DELETE", "/api/assets/"+second.text("asset.id")+"/upload", nil)
		ana.usedMust(100_000_005, 2)
		if got := ana.download(kept.text("id")); string(got) != "first" {
			t.Errorf("downloaded %q", got)
		}
	})
}
