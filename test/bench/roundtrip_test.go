package bench

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/env"
)

// tapped is the API over a PostgreSQL that is listened to, on one connection.
type tapped struct {
	*tap

	api    http.Handler
	person *person
	buyer  *person // of the person's file
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
	crowd := newCrowd(tb, store)
	p := crowd.add(tb, 1)[0]
	api := newAPI(tb, store, store)
	p.assets = append(p.assets, upload(tb, api, p))
	return &tapped{t, api, p, crowd.buyer(tb, crowd.product(tb, p), p.assets[0])}
}

// product makes something that a person sells.
func (c *crowd) product(tb testing.TB, seller *person) *core.Product {
	tb.Helper()
	p := &core.Product{
		ID: core.ProductID(c.ids.NewID()), OrgID: seller.org, Name: "Presets", Slug: "presets", Type: core.Digital, Price: core.Money{Currency: "EUR"},
		Status: core.ProductPublished, CreatedBy: seller.account, PublishedAt: c.now, Version: 1, CreatedAt: c.now, UpdatedAt: c.now,
	}
	if err := c.store.Update(tb.Context(), func(tx ports.Tx) error { return tx.Products.Add(tb.Context(), p, core.Unlimited) }); err != nil {
		tb.Fatal(err)
	}
	return p
}

// buyer makes somebody who has bought a node as a part of the product.
func (c *crowd) buyer(tb testing.TB, p *core.Product, node core.NodeID) *person {
	tb.Helper()
	who := c.add(tb, 1)[0]
	t := core.NewTransaction(core.TransactionID(c.ids.NewID()), p, who.user, core.ProviderFree, c.now)
	if _, err := t.Complete(core.Payment{Paid: p.Price}, c.now); err != nil {
		tb.Fatal(err)
	}
	err := c.store.Update(tb.Context(), func(tx ports.Tx) error {
		if err := tx.Transactions.Add(tb.Context(), t); err != nil {
			return err
		}
		_, err := tx.Entitlements.Add(tb.Context(), core.NewEntitlement(core.EntitlementID(c.ids.NewID()), t, nil, node, 0, c.now))
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return who
}

// sign makes a request the person's.
type sign func(r *http.Request)

func (t *tapped) bySession(r *http.Request) { r.Header.Set("Authorization", "Bearer "+t.person.token) }

func (t *tapped) byBuyer(r *http.Request) { r.Header.Set("Authorization", "Bearer "+t.buyer.token) }

func (t *tapped) byKey(r *http.Request) {
	r.Header.Del("Authorization")
	r.Header.Set("X-API-Key", t.person.key)
}

func (t *tapped) download(tb testing.TB, by sign) {
	tb.Helper()
	r := request(http.MethodGet, downloadPath(t.person, 0), "", "")
	by(r)
	ask(tb, t.api, http.StatusOK, r, nil)
}

func (t *tapped) page(tb testing.TB, by sign) {
	tb.Helper()
	r := request(http.MethodGet, "/api/drives/"+t.person.drive.String()+"/nodes", "", "")
	by(r)
	ask(tb, t.api, http.StatusOK, r, nil)
}

func (t *tapped) create(tb testing.TB, name string, by sign) created {
	tb.Helper()
	var c created
	r := request(http.MethodPost, createPath(t.person), createBody(name), "")
	by(r)
	ask(tb, t.api, http.StatusCreated, r, &c)
	return c
}

// The database answers a hot request in one round trip, once the statement is
// prepared on the connection.
func TestAHotRequestIsOneRoundTrip(t *testing.T) {
	api := newTapped(t)
	for name, ask := range map[string]func(name string){
		"download":                    func(string) { api.download(t, api.bySession) },
		"create":                      func(name string) { api.create(t, name, api.bySession) },
		"download by key":             func(string) { api.download(t, api.byKey) },
		"download of what was bought": func(string) { api.download(t, api.byBuyer) },
		"create by key":               func(name string) { api.create(t, "key-"+name, api.byKey) },
		"page":                        func(string) { api.page(t, api.bySession) },
		"page by key":                 func(string) { api.page(t, api.byKey) },
	} {
		t.Run(name, func(t *testing.T) {
			ask("first.jpg") // prepares
			for _, file := range []string{"second.jpg", "third.jpg"} {
				if n, texts := api.during(func() { ask(file) }); n != 1 || len(texts) != 1 && !strings.HasPrefix(name, "page") {
					t.Errorf("%d round trips, statements %q", n, texts)
				}
			}
		})
	}
}

// BenchmarkCredential compares a download by session with one by API key:
// the API and PostgreSQL, one request after the other.
func BenchmarkCredential(b *testing.B) {
	api := newTapped(b)
	for name, by := range map[string]sign{"session": api.bySession, "key": api.byKey} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				api.download(b, by)
			}
		})
	}
}
