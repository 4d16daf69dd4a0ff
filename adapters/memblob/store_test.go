package memblob_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/memblob"
	"github.com/seed-755a8038/coffer/adapters/signedblob"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/contract"
)

type clock struct{}

func (clock) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func TestContract(t *testing.T) {
	contract.Blobs(t, func(t *testing.T) ports.Blobs {
		mux := http.NewServeMux()
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		b, err := signedblob.New(memblob.New(clock{}), signedblob.Options{
			Key: make([]byte, 32), BaseURL: server.URL + "/blobs/", Clock: clock{},
		})
		if err != nil {
			t.Fatal(err)
		}
		mux.Handle("/blobs/", b)
		return b
	})
}
