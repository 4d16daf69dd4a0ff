package s3blob_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/s3blob"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/contract"
	"github.com/seed-755a8038/coffer/test/env"
)

// bucket returns the configuration for a new, empty bucket.
func bucket(t *testing.T) s3blob.Config {
	e := env.S3(t)
	return s3blob.Config{
		Endpoint: e.Endpoint, Region: e.Region, Bucket: e.Bucket,
		AccessKeyID: e.AccessKeyID, SecretAccessKey: e.SecretAccessKey, UsePathStyle: true,
	}
}

func open(t *testing.T, c s3blob.Config) *s3blob.Store {
	s, err := s3blob.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	contract.Blobs(t, func(t *testing.T) ports.Blobs { return open(t, bucket(t)) })
}

func TestContractWithoutConditionalWrites(t *testing.T) {
	contract.Blobs(t, func(t *testing.T) ports.Blobs {
		c := bucket(t)
		c.ConditionalWrites = "off"
		s := open(t, c)
		if s.CreateOnly() {
			t.Error("conditional writes are off")
		}
		return s
	})
}

func TestOpenFindsOutWhetherConditionalWritesWork(t *testing.T) {
	s := open(t, bucket(t))
	if !s.CreateOnly() {
		t.Error("CreateOnly is false")
	}
	for b, err := range s.List(t.Context(), "") {
		t.Errorf("left: %s, %v", b.Key, err)
	}
}

func TestWhatIsNotReachableIsUnavailable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(broken.Close)
	for _, endpoint := range []string{closed, broken.URL} {
		s := open(t, s3blob.Config{Endpoint: endpoint, Bucket: "b", AccessKeyID: "a", SecretAccessKey: "s", UsePathStyle: true})
		if s.CreateOnly() {
			t.Error("CreateOnly is true of a server nobody has reached")
		}
		var wg sync.WaitGroup // each takes its time to give up
		for method, call := range map[string]func(context.Context) error{
			"Ping":   s.Ping,
			"Delete": func(ctx context.Context) error { return s.Delete(ctx, "k") },
			"Copy":   func(ctx context.Context) error { return s.Copy(ctx, "k", "l") },
			"Stat":   func(ctx context.Context) error { _, err := s.Stat(ctx, "k"); return err },
			"Open":   func(ctx context.Context) error { _, err := s.Open(ctx, "k", 0, -1); return err },
			"Put":    func(ctx context.Context) error { _, err := s.Put(ctx, "k", "", strings.NewReader("x")); return err },
			"Create": func(ctx context.Context) error { _, err := s.CreateMultipart(ctx, "k", "", 1, 5<<20); return err },
			"Complete": func(ctx context.Context) error {
				return s.CompleteMultipart(ctx, "k", "u", []ports.Part{{Number: 1, Size: 1, ETag: "e"}})
			},
			"Abort": func(ctx context.Context) error { return s.AbortMultipart(ctx, "k", "u") },
			"List": func(ctx context.Context) (last error) {
				for _, last = range s.List(ctx, "") {
				}
				return last
			},
			"Multiparts": func(ctx context.Context) (last error) {
				for _, last = range s.Multiparts(ctx) {
				}
				return last
			},
		} {
			wg.Go(func() {
				if err := call(t.Context()); !errors.Is(err, core.ErrUnavailable) {
					t.Errorf("%s: %v", method, err)
				}
			})
		}
		wg.Wait()
		if _, err := s.SignGet(t.Context(), ports.GetSpec{Key: "k", Expires: time.Now().Add(time.Minute)}); err != nil {
			t.Errorf("signing needs no server: %v", err)
		}
	}
}

func TestACallerWhoGivesUpIsNotAnOutage(t *testing.T) {
	s := open(t, bucket(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Stat(ctx, "k"); !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

func TestAMissingBucketIsNotAMissingBlob(t *testing.T) {
	c := bucket(t)
	c.Bucket += "-missing"
	s := open(t, c)
	if err := s.Ping(t.Context()); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Ping: %v", err)
	}
	if _, err := s.Open(t.Context(), "k", 0, -1); err == nil || errors.Is(err, core.ErrBlobNotFound) {
		t.Errorf("Open: %v", err)
	}
}

func TestThePublicEndpointIsForSignedURLsOnly(t *testing.T) {
	c := bucket(t)
	c.PublicEndpoint = "https://files.example.org:443"
	s := open(t, c)
	r, err := s.SignGet(t.Context(), ports.GetSpec{Key: "a b/ü.png", Expires: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://files.example.org/" + c.Bucket + "/a%20b/%C3%BC.png?"; !strings.HasPrefix(r.URL, want) {
		t.Errorf("URL %s, want %s…", r.URL, want)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAURLCannotLiveForMoreThanAWeek(t *testing.T) {
	s := open(t, bucket(t))
	_, err := s.SignGet(t.Context(), ports.GetSpec{Key: "k", Expires: time.Now().Add(8 * 24 * time.Hour)})
	if core.KindOf(err) != core.KindInvalid {
		t.Errorf("error %v", err)
	}
}
