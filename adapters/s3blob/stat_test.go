package s3blob_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestStatByEitherWay asks about a blob through a server that lets everything
// through, and through one that refuses what has its signature in the URL, as some
// do: the answer is the same.
func TestStatByEitherWay(t *testing.T) {
	c := bucket(t)
	direct := open(t, c)
	if _, err := direct.Put(t.Context(), "a/b c+d", "text/plain", strings.NewReader("alpha")); err != nil {
		t.Fatal(err)
	}
	want, err := direct.Stat(t.Context(), "a/b c+d")
	if err != nil || want.Size != 5 {
		t.Fatalf("%+v, %v", want, err)
	}
	for name, refuses := range map[string]bool{"signed URLs work": false, "signed URLs are refused": true} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var signed, headers int
			inner := through(t, c, func(w http.ResponseWriter, r *http.Request) bool {
				mu.Lock()
				defer mu.Unlock()
				switch {
				case r.Method != http.MethodHead:
				case !r.URL.Query().Has("X-Amz-Signature"):
					headers++
				default:
					signed++
					if refuses {
						w.WriteHeader(http.StatusForbidden)
					}
					return refuses
				}
				return false
			})
			inner.Endpoint, inner.ConditionalWrites = inner.PublicEndpoint, "on"
			s := open(t, inner)
			for range 3 {
				got, err := s.Stat(t.Context(), "a/b c+d")
				if err != nil || got.Size != want.Size || got.ContentType != want.ContentType || !got.ModifiedAt.Equal(want.ModifiedAt) || !bytes.Equal(got.SHA256, want.SHA256) {
					t.Errorf("%+v, %v; want %+v", got, err, want)
				}
			}
			if wantSigned, wantHeaders := map[bool]int{false: 3, true: 1}[refuses], map[bool]int{false: 0, true: 3}[refuses]; signed != wantSigned || headers != wantHeaders {
				t.Errorf("asked %d times by a signed URL and %d times by the SDK, want %d and %d", signed, headers, wantSigned, wantHeaders)
			}
		})
	}
}
