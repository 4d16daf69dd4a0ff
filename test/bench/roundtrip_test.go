package bench

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/test/env"
)

// tapped is the API over a PostgreSQL that is listened to, on one connection.
type tapped struct {
	*tap

	api    http.Handler
	person *person
}

func newTapped(tb testing.TB) *tapped {
	tb.Helper()
	t := newTap(tb, env.Postgres(tb))
	store, err := bunstore.OpenPostgres(t.url, 1, migrations.Postgres())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = store.Close() })
	if _, err := store.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	people := newCrowd(tb, store, postgresBytes).add(tb, 1, 1)
	return &tapped{t, newAPI(tb, store, store), people[0]}
}

// ask sends a request and returns the answer, which must have the status.
func (t *tapped) ask(tb testing.TB, want int, method, path, body string) map[string]any {
	tb.Helper()
	w := httptest.NewRecorder()
	t.api.ServeHTTP(w, request(method, path, body, t.person.token))
	if w.Code != want {
		tb.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		tb.Fatal(err)
	}
	return answer
}

func request(method, path, body, token string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (t *tapped) download(tb testing.TB) map[string]any {
	tb.Helper()
	return t.ask(tb, http.StatusOK, http.MethodGet, downloadPath(t.person, 0), "")
}

func (t *tapped) create(tb testing.TB, name string) map[string]any {
	tb.Helper()
	return t.ask(tb, http.StatusCreated, http.MethodPost, createPath(t.person), createBody(name))
}

func downloadPath(p *person, file int) string {
	return "/api/assets/" + p.assets[file].String() + "/download"
}

func createPath(p *person) string { return "/api/orgs/" + p.org.String() + "/assets" }

func createBody(name string) string {
	return `{"name":"` + name + `","content_type":"image/jpeg","size_bytes":5000}`
}

// The database answers a hot request in one round trip, once the statement is
// prepared on the connection.
func TestAHotRequestIsOneRoundTrip(t *testing.T) {
	api := newTapped(t)
	for name, ask := range map[string]func(name string){
		"download": func(string) { api.download(t) },
		"create":   func(name string) { api.create(t, name) },
	} {
		t.Run(name, func(t *testing.T) {
			ask("first.jpg") // prepares
			for _, file := range []string{"second.jpg", "third.jpg"} {
				if n, texts := api.during(func() { ask(file) }); n != 1 || len(texts) != 1 {
					t.Errorf("%d round trips, statements %q", n, texts)
				}
			}
		})
	}
}
