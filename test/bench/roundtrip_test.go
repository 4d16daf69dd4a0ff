package bench

import (
	"net/http"
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
	p := newCrowd(tb, store).add(tb, 1)[0]
	api := newAPI(tb, store, store)
	p.assets = append(p.assets, upload(tb, api, p))
	return &tapped{t, api, p}
}

func (t *tapped) download(tb testing.TB) {
	tb.Helper()
	ask(tb, t.api, http.StatusOK, request(http.MethodGet, downloadPath(t.person, 0), "", t.person.token), nil)
}

func (t *tapped) create(tb testing.TB, name string) created {
	tb.Helper()
	var c created
	ask(tb, t.api, http.StatusCreated, request(http.MethodPost, createPath(t.person), createBody(name), t.person.token), &c)
	return c
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
