package e2e

import (
	"bytes"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"
)

func TestARunningUploadEndsWellOnSIGTERM(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		right := content(1, 3_000_000)
		created := ana.create(object{"name": "a.bin", "size_bytes": len(right), "checksum_sha256": sha256Of(right)})
		r, w := io.Pipe()
		result := make(chan *answer, 1)
		failure := make(chan error, 1)
		go func() {
			a, err := tryPut(t, created.single(), r, func(req *http.Request) { req.ContentLength = int64(len(right)) })
			result <- a
			failure <- err
		}()
		if _, err := w.Write(right[:1_000_000]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // lets the bytes arrive

		p := s.process
		s.process = nil
		p.signal(t, syscall.SIGTERM)
		eventually(t, "nothing new is taken", func() bool {
			_, err := s.anybody().try("GET", "/healthz", nil)
			return err != nil
		})
		select {
		case <-p.exited:
			if !s.wiring.s3 { // those bytes do not go through Coffer
				t.Error("the server did not wait for the upload")
			}
		default:
		}
		if _, err := w.Write(right[1_000_000:]); err != nil {
			t.Error(err)
		}
		w.Close()
		if a, err := <-result, <-failure; err != nil || a.status != http.StatusOK {
			t.Fatalf("upload: %v %v", a, err)
		}
		if code := p.wait(t); code != 0 {
			t.Errorf("exit code %d\n%s", code, p.read())
		}
		s.start()
		ana.complete(created)
		if !bytes.Equal(ana.download(created.text("asset.id")), right) {
			t.Error("other bytes came down")
		}
	})
}
