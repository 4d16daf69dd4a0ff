package e2e

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// countries makes a database of the countries of networks for documentation.
func countries(t *testing.T) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for text, code := range map[string]string{"192.0.2.0/24": "DE", "198.51.100.0/24": "FR", "2001:db8::/32": "NP"} {
		_, network, err := net.ParseCIDR(text)
		if err == nil {
			err = tree.Insert(network, mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "countries.mmdb")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	onDesktop = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
	onPhone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
	onTablet  = "Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
)

func as(address, agent string) with { return with{"X-Forwarded-For": address, "User-Agent": agent} }

// metric checks a list of what traffic is told apart by.
func (a *answer) metric(name, key string, want map[string][3]int64) {
	a.t.Helper()
	got := map[string][3]int64{}
	rows, _ := a.get("metrics." + name).([]any)
	for i := range rows {
		at := fmt.Sprintf("metrics.%s.%d.", name, i)
		row := [3]int64{a.number(at + "views"), 0, a.number(at + "downloads")}
		if name != "popular_assets" {
			row[1] = a.number(at + "visitors")
		}
		got[a.text(at+key)] = row
	}
	if !maps.Equal(got, want) {
		a.t.Errorf("%s of %s: %v, want %v", name, a.what, got, want)
	}
}

// totals checks views, visitors and downloads, and that the series makes them up.
func (a *answer) totals(views, visitors, downloads int64) {
	a.t.Helper()
	got := [3]int64{a.number("metrics.total_views"), a.number("metrics.unique_visitors"), a.number("metrics.total_downloads")}
	if got != [3]int64{views, visitors, downloads} {
		a.t.Errorf("%s: %v, want %d %d %d", a.what, got, views, visitors, downloads)
	}
	var sum [3]int64
	series, _ := a.get("metrics.series").([]any)
	for i := range series {
		at := fmt.Sprintf("metrics.series.%d.", i)
		for j, name := range []string{"views", "visitors", "downloads"} {
			sum[j] += a.number(at + name)
		}
	}
	if sum != got {
		a.t.Errorf("%s: the series makes %v of %v", a.what, sum, got)
	}
}

func TestAnalyticsOfALink(t *testing.T) {
	env := maps.Clone(everything)
	env["COFFER_ANALYTICS_COUNTRY_FILE"] = countries(t)
	tell(t, env, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		album := ana.folder(ana.drive, "/Album")
		one := ana.upload(object{"name": "a.txt", "parent_id": album}, []byte("alpha")).text("id")
		two := ana.upload(object{"name": "b.txt", "parent_id": album}, []byte("beta")).text("id")
		l := ana.shares(album, object{"name": "For the client", "max_downloads": 4})
		path := "/api/shares/" + l.id + "/analytics"
		ana.want(http.StatusOK, "GET", path, nil).totals(0, 0, 0)

		for range 2 {
			l.gets(http.StatusOK, "/nodes", as("192.0.2.1", onDesktop))
		}
		l.gets(http.StatusOK, "/nodes", as("192.0.2.1", onPhone)) // another device: another visitor
		l.gets(http.StatusOK, "/nodes", as("198.51.100.7", onTablet))
		l.gets(http.StatusOK, "/nodes", as("203.0.113.9", "curl/8"))
		l.gets(http.StatusOK, "/nodes", as("203.0.113.9", "Mozilla/5.0 (compatible; OwnBot/1.0; +https://example.com/bot)"))
		l.gets(http.StatusNoContent, "/nodes", as("203.0.113.9", "Slackbot-LinkExpanding 1.0")) // makes a preview
		for _, file := range []string{one, one, two} {
			l.gets(http.StatusOK, "/download-url?asset_id="+file, as("198.51.100.7", onTablet))
		}
		l.gets(http.StatusOK, "/download-url?asset_id="+one, as("2001:db8::1", onDesktop))
		l.refuses(http.StatusGone, "share_exhausted", "/download-url?asset_id="+one, as("192.0.2.200", onDesktop))

		for _, query := range []string{"", "?period=day", "?period=month", "?period=year", "?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"} {
			a := ana.want(http.StatusOK, "GET", path+query, nil)
			if query[max(0, len(query)-1):] == "Z" {
				a.totals(0, 0, 0)
				continue
			}
			a.totals(6, 6, 4)
			a.metric("geographic_data", "country", map[string][3]int64{"DE": {3, 2, 0}, "FR": {1, 1, 3}, "NP": {0, 1, 1}, "unknown": {2, 2, 0}})
			a.metric("device_types", "device", map[string][3]int64{
				"desktop": {2, 2, 1}, "mobile": {1, 1, 0}, "tablet": {1, 1, 3}, "bot": {1, 1, 0}, "unknown": {1, 1, 0},
			})
			a.metric("popular_assets", "asset_id", map[string][3]int64{one: {0, 0, 3}, two: {0, 0, 1}})
			a.metric("share_performance", "share_id", map[string][3]int64{l.id: {6, 6, 4}})
			if a.text("metrics.popular_assets.0.name") != "a.txt" || a.text("metrics.share_performance.0.name") != "For the client" || a.get("counted_until") != nil {
				t.Errorf("%s", a.body)
			}
		}
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", path+"?period=custom", nil)
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", path+"?period=day&to=2020-01-02T00:00:00Z", nil)
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", path+"?period=hour", nil)

		// Neither addresses nor programs are in what analytics keep.
		for _, table := range []string{"share_visits", "link_traffic", "link_visitors"} {
			for _, c := range []string{"address", "user_agent", "account_id"} {
				if _, err := s.database().ExecContext(t.Context(), "SELECT "+c+" FROM "+table); err == nil {
					t.Errorf("%s has %s", table, c)
				}
			}
		}
	})
}

// TestAnalyticsOfAGroup: what is done with a group counts for it and for those
// it is in, through whatever link.
func TestAnalyticsOfAGroup(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		parent := ana.grouped(object{"name": "Parent"})
		spring := ana.grouped(object{"name": "Spring", "parent_id": idOf(parent)})
		nested := ana.grouped(object{"name": "Nested", "parent_id": idOf(spring)})
		sibling := ana.grouped(object{"name": "Sibling", "parent_id": idOf(parent)})
		poster, flyer := ana.ready("poster.txt"), ana.ready("flyer.txt")
		ana.adds(spring, poster, object{"title": "The poster"})
		ana.adds(nested, flyer, object{})
		wide, narrow := ana.sharesGroup(parent, object{"name": "wide"}), ana.sharesGroup(spring, object{"name": "narrow"})

		wide.gets(http.StatusOK, "/assets", as("192.0.2.1", onDesktop))
		narrow.gets(http.StatusOK, "/assets", as("192.0.2.1", onDesktop)) // the same visitor
		narrow.gets(http.StatusOK, "/assets", as("192.0.2.2", onPhone))
		narrow.gets(http.StatusOK, "/download-url?asset_id="+poster, as("192.0.2.2", onPhone))
		wide.gets(http.StatusOK, "/download-url?asset_id="+flyer, as("192.0.2.3", onPhone))

		top := ana.want(http.StatusOK, "GET", parent+"/analytics?period=day", nil)
		top.totals(3, 3, 2)
		top.metric("share_performance", "share_id", map[string][3]int64{wide.id: {1, 2, 1}, narrow.id: {2, 2, 1}})
		top.metric("popular_assets", "asset_id", map[string][3]int64{poster: {0, 0, 1}, flyer: {0, 0, 1}})
		a := ana.want(http.StatusOK, "GET", spring+"/analytics?period=year", nil)
		a.totals(2, 3, 2)
		a.metric("share_performance", "share_id", map[string][3]int64{wide.id: {0, 1, 1}, narrow.id: {2, 2, 1}})
		if titles := a.text("metrics.popular_assets.0.name") + a.text("metrics.popular_assets.1.name"); !strings.Contains(titles, "The poster") {
			t.Errorf("%s", a.body)
		}
		ana.want(http.StatusOK, "GET", nested+"/analytics", nil).totals(0, 1, 1)
		ana.want(http.StatusOK, "GET", sibling+"/analytics", nil).totals(0, 0, 0)
		ana.want(http.StatusOK, "GET", "/api/shares/"+wide.id+"/analytics", nil).totals(1, 2, 1)

		// Who may but view a group does not see them.
		ben := s.hire(ana, s.signUp("ben"), "member")
		ana.want(http.StatusOK, "PUT", spring+"/permissions", object{"permissions": []object{{"role": "member", "can_view": true}}})
		ben.refused(http.StatusForbidden, "forbidden", "GET", spring+"/analytics", nil)
		ana.want(http.StatusOK, "PUT", spring+"/permissions", object{"permissions": []object{{"role": "member", "can_view": true, "can_share": true}}})
		ben.want(http.StatusOK, "GET", spring+"/analytics", nil)
		ana.want(http.StatusNoContent, "DELETE", nested, nil)
		ana.refused(http.StatusConflict, "group_deleted", "GET", nested+"/analytics", nil)
		ana.want(http.StatusOK, "GET", parent+"/analytics?period=day", nil).totals(3, 3, 2)
	})
}

func TestAnalyticsByLicence(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		l := ana.shares(ana.ready("a"), object{})
		path, group := "/api/shares/"+l.id+"/analytics", ana.grouped(object{"name": "g"})+"/analytics"
		const span = "?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z"
		for _, p := range []string{path, group} {
			a := ana.want(http.StatusOK, "GET", p+"?period=week", nil)
			if a.text("level") != "basic" || a.get("metrics.popular_assets") != nil || len(a.get("not_included").([]any)) != 4 { //nolint:forcetypeassert // the API's form
				t.Errorf("%s", a.body)
			}
			ana.refused(http.StatusForbidden, "feature_unavailable", "GET", p+"?period=month", nil)
		}
		s.must("license", "assign", ana.org, "pro")
		ana.want(http.StatusOK, "GET", group+"?period=year", nil)
		ana.refused(http.StatusForbidden, "feature_unavailable", "GET", group+span, nil)
		s.must("license", "assign", ana.org, "enterprise")
		if a := ana.want(http.StatusOK, "GET", group+span, nil); a.text("level") != "full" || a.text("period") != "custom" {
			t.Errorf("%s", a.body)
		}
	})
}

// TestACrashLosesNoVisit: the server is killed, again and again, while people
// visit a link and its visits are added up. What it counts is what the link does.
func TestACrashLosesNoVisit(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		l := ana.shares(ana.folder(ana.drive, "/Album"), object{})
		path := "/api/shares/" + l.id + "/analytics"
		for range 4 {
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					for range 20 {
						if _, err := l.try("GET", l.path("/nodes"), nil, l.sent(as(fmt.Sprintf("192.0.2.%d", i), onPhone))...); err != nil {
							return // it is dead
						}
					}
				})
			}
			wg.Go(func() { _, _ = ana.try("GET", path, nil) })
			time.Sleep(30 * time.Millisecond)
			s.kill()
			wg.Wait()
			s.start()
		}
		for i := range 8 { // how many came before, the crashes have decided
			l.gets(http.StatusOK, "/nodes", as(fmt.Sprintf("192.0.2.%d", i), onPhone))
		}
		ana.logIn()
		a := ana.want(http.StatusOK, "GET", path+"?period=day", nil)
		want := ana.want(http.StatusOK, "GET", "/api/shares/"+l.id, nil).number("views")
		if got := a.number("metrics.total_views"); got != want || a.number("metrics.unique_visitors") != 8 {
			t.Errorf("%d of %d views, %d visitors", got, want, a.number("metrics.unique_visitors"))
		}
	})
}
