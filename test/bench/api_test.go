package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/httpapi"
	"github.com/seed-755a8038/coffer/adapters/jwtauth"
	"github.com/seed-755a8038/coffer/adapters/memblob"
	"github.com/seed-755a8038/coffer/adapters/ratelimit"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/signedblob"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/adapters/telemetry"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// newAPI returns the API over a store, with everything that the server puts on
// a request's way but the network: tokens, limits, metrics, the log.
func newAPI(tb testing.TB, store ports.Store, hot ports.Hot) http.Handler {
	tb.Helper()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	clock := system.Clock{}
	secrets, err := sealing.New([]byte(secret))
	must(err)
	tokens, err := jwtauth.New(secrets.Key("access-token"), publicURL)
	must(err)
	blobs, err := signedblob.New(memblob.New(clock), signedblob.Options{
		Key: secrets.Key("blob-url"), BaseURL: publicURL + "/blobs/", Clock: clock,
	})
	must(err)
	log, err := telemetry.NewLogger(io.Discard, "info", true)
	must(err)
	ids := system.NewIDs(clock)
	h, err := httpapi.New(httpapi.Services{
		Identity: identity.NewService(identity.Deps{Store: store, Access: hot, Tokens: tokens, Clock: clock, IDs: ids, Text: system.Text{}}, identity.Options{}),
		Orgs:     org.NewService(org.Deps{Store: store, Access: hot, Secrets: secrets, Clock: clock, IDs: ids, Text: system.Text{}, Zones: system.Zones{}}, org.Options{Unlimited: true}),
		Drives:   drive.NewService(drive.Deps{Store: store, Access: hot, Blobs: blobs, Secrets: secrets, Clock: clock, IDs: ids, Text: system.Text{}}, drive.Options{Unlimited: true}),
		Assets: asset.NewService(asset.Deps{
			Store: store, Hot: hot, Blobs: blobs, Secrets: secrets, Clock: clock, IDs: ids, Text: system.Text{},
		}, asset.Options{
			Unlimited: true, DownloadTTL: time.Hour,
			Uploads: core.UploadTimes{URL: 15 * time.Minute, Single: time.Hour, Multipart: 24 * time.Hour},
		}),
		Limiter: ratelimit.New(ratelimit.DefaultKeys), Clock: clock, Log: telemetry.NewSlog(log), Observe: telemetry.NewMetrics("test").HTTP, Blobs: blobs,
	}, httpapi.Options{PublicURL: publicURL, RatePerMinute: 1 << 30, CursorKey: secrets.Key("cursor"), LogURL: telemetry.SafeURL})
	must(err)
	return h
}

func request(method, path, body, token string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// ask sends a request, which must be answered with the status, and decodes the
// answer unless into is nil.
func ask(tb testing.TB, api http.Handler, want int, r *http.Request, into any) {
	tb.Helper()
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	if w.Code != want {
		tb.Fatalf("%s %s: %d %s", r.Method, r.URL.Path, w.Code, w.Body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		tb.Fatal(err)
	}
}

// created is the answer to creating a file.
type created struct {
	Asset struct {
		ID core.AssetID `json:"id"`
	} `json:"asset"`
	Upload struct {
		ID      string            `json:"upload_id"`
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
		Parts   []part            `json:"parts"`
	} `json:"upload"`
}

type part struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Size    int64             `json:"size_bytes"`
}

func downloadPath(p *person, file int) string {
	return "/api/assets/" + p.assets[file].String() + "/download"
}

func createPath(p *person) string { return "/api/orgs/" + p.org.String() + "/assets" }

func createBody(name string) string {
	return fmt.Sprintf(`{"name":"%s","content_type":"image/jpeg","size_bytes":%d}`, name, fileSize)
}
