package fsblob_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/fsblob"
	"github.com/seed-755a8038/coffer/adapters/signedblob"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/contract"
)

type clock struct{}

func (clock) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func open(t *testing.T, dir string) *fsblob.Store {
	s, err := fsblob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContract(t *testing.T) {
	contract.Blobs(t, func(t *testing.T) ports.Blobs {
		mux := http.NewServeMux()
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		b, err := signedblob.New(open(t, t.TempDir()), signedblob.Options{
			Key: make([]byte, 32), BaseURL: server.URL + "/blobs/", Clock: clock{},
		})
		if err != nil {
			t.Fatal(err)
		}
		mux.Handle("/blobs/", b)
		return b
	})
}
