package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const licensesPath = "/api/admin/licenses"

func TestOperatorsDefineLicences(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		pat, ana := s.signUp("pat"), s.signUp("ana")
		s.must("admin", "promote", pat.email)
		terms := object{"monthly_fee_cents": 2500, "limits": object{"max_assets_count": 7, "max_members_count": nil}, "features": []string{"webhooks"}}
		key := with{"Idempotency-Key": "studio-1"}
		made := pat.want(http.StatusCreated, "POST", licensesPath, terms.but(object{"name": "Studio"}), key)
		const path = licensesPath + "/studio"
		if made.header.Get("Location") != path || made.header.Get("ETag") != `"1"` || made.text("name") != "studio" || made.get("built_in") != false ||
			made.number("limits.max_assets_count") != 7 || made.get("limits.max_members_count") != nil || made.get("limits.max_groups") != nil ||
			made.text("features.0") != "webhooks" || made.number("monthly_fee_cents") != 2500 {
			t.Errorf("licence %s", made.body)
		}
		again := pat.want(http.StatusCreated, "POST", licensesPath, terms.but(object{"name": "Studio"}), key)
		if again.header.Get("Idempotency-Replayed") != "true" || !bytes.Equal(again.body, made.body) {
			t.Errorf("again: %v %s", again.header, again.body)
		}
		pat.refused(http.StatusConflict, "license_exists", "POST", licensesPath, object{"name": "STUDIO"})
		pat.refused(http.StatusConflict, "license_built_in", "POST", licensesPath, object{"name": "free"})
		pat.refused(http.StatusConflict, "license_built_in", "PATCH", licensesPath+"/free", object{"limits": nil})
		pat.refused(http.StatusNotFound, "not_found", "PATCH", licensesPath+"/nobodys", object{"limits": nil})
		pat.refused(http.StatusNotFound, "not_found", "GET", licensesPath+"/nobodys", nil)
		for _, name := range []string{"a%00b", "%ff%fe%fd", "a%20b"} {
			for _, method := range []string{"GET", "PATCH"} {
				if a := pat.ask(method, licensesPath+"/"+name, object{}); a.status >= 500 || a.status < 400 {
					t.Errorf("%s: %d %s", a.what, a.status, a.body)
				}
			}
		}
		for _, body := range []string{
			`{"name": "x"}`, `{"name": "a b c"}`, `{"name": "abc", "features": ["flying"]}`, `{"name": "abc", "features": ["webhooks", "webhooks"]}`,
			`{"name": "abc", "limits": {"max_groups": -1}}`, `{"name": "abc", "limits": {"max_groups": 1000000000001}}`, `{"name": "abc", "limits": {"max_x": 1}}`,
			`{"name": "abc", "monthly_fee_cents": -5}`, `{"name": null}`, `{}`,
		} {
			pat.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", licensesPath, raw(body))
		}

		// Absent stays, null clears, and nobody's change is lost.
		changed := pat.want(http.StatusOK, "PATCH", path, object{"limits": object{"max_groups": 3}}, with{"If-Match": `"1"`})
		if changed.header.Get("ETag") != `"2"` || changed.number("limits.max_assets_count") != 7 || changed.number("limits.max_groups") != 3 || changed.number("monthly_fee_cents") != 2500 {
			t.Errorf("licence %s", changed.body)
		}
		for _, tag := range []string{`"1"`, `W/"2"`} {
			pat.refused(http.StatusPreconditionFailed, "precondition_failed", "PATCH", path, object{"limits": nil}, with{"If-Match": tag})
		}
		pat.want(http.StatusNotModified, "GET", path, nil, with{"If-None-Match": `"2"`})
		answers := race(t, 6, func(i int) (*answer, error) {
			return pat.try("PATCH", path, object{"limits": object{[]string{"max_products_count", "max_assets_per_group"}[i%2]: i}})
		})
		count(t, "changes at once", answers, map[int]int{http.StatusOK: 6})
		raced := pat.want(http.StatusOK, "GET", path, nil)
		if raced.number("version") != 8 || raced.get("limits.max_products_count") == nil || raced.get("limits.max_assets_per_group") == nil {
			t.Errorf("after the race: %s", raced.body)
		}
		cleared := pat.want(http.StatusOK, "PATCH", path, object{"limits": nil, "features": nil, "monthly_fee_cents": nil})
		if cleared.get("limits.max_assets_count") != nil || cleared.get("monthly_fee_cents") != nil || !strings.Contains(string(cleared.body), `"features":[]`) {
			t.Errorf("licence %s", cleared.body)
		}

		// The command line tells and does the same.
		s.must("license", "set", "studio", "--max-assets", "9")
		s.must("license", "set", "studio", "--max-groups", "4", "--feature", "webhooks")
		a := pat.want(http.StatusOK, "GET", path, nil)
		if a.number("limits.max_assets_count") != 9 || a.number("limits.max_groups") != 4 || a.text("features.0") != "webhooks" {
			t.Errorf("licence %s", a.body)
		}
		names := pat.want(http.StatusOK, "GET", licensesPath, nil).list("name")
		_, stdout, _ := s.run("license", "list")
		var told []string
		for line := range strings.Lines(stdout) {
			told = append(told, strings.Fields(line)[0])
		}
		if !slices.Equal(names, []string{"free", "starter", "pro", "enterprise", "studio"}) || !slices.Equal(told[1:], names) {
			t.Errorf("licences %v, on the command line %v", names, told)
		}
		if code, _, stderr := s.run("license", "set", "free", "--max-groups", "1"); code == 0 || !strings.Contains(stderr, "tiers") {
			t.Errorf("a tier is changed: %s", stderr)
		}
		ana.refused(http.StatusForbidden, "forbidden", "GET", path, nil)
	})
}

func TestAnOperatorSeesTheServerAtAGlance(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		pat, ana := s.signUp("pat"), s.signUp("ana")
		s.must("admin", "promote", pat.email)
		ana.upload(object{"name": "a"}, []byte("12345"))
		ana.create(object{"name": "b", "size_bytes": 7})
		gone := ana.found(object{"name": "Gone"})
		ana.found(object{"name": "Open"})
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+gone.org, nil)
		a := pat.want(http.StatusOK, "GET", "/api/admin/stats", nil)
		for member, want := range map[string]int64{
			"orgs.live": 1, "orgs.personal": 2, "orgs.deleted": 1, "users.total": 2, "users.disabled": 0, "users.platform_admins": 1, "drives": 6,
			"assets": 2, "used_bytes": 12, "uploads.in_progress": 1, "uploads.reserved_bytes": 7, "sessions": 2, "queue.dead": 0,
		} {
			if got := a.number(member); got != want {
				t.Errorf("%s is %d, want %d", member, got, want)
			}
		}
	})
}

// TestALicenceThatEndsTakesNothingAway: what is over a limit stays, and what is
// new is refused, until there is a larger licence again.
func TestALicenceThatEndsTakesNothingAway(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		pat := s.signUp("pat")
		s.must("admin", "promote", pat.email)
		studio, guild := s.signUp("ana").found(object{"name": "Studio"}), s.signUp("gil").found(object{"name": "Guild"})
		define := func(name string, limits object, features ...string) {
			t.Helper()
			pat.want(http.StatusCreated, "POST", licensesPath, object{"name": name, "limits": limits, "features": features})
		}
		assign := func(u *user, license string, until time.Duration) {
			t.Helper()
			body := object{"license": license}
			if until > 0 {
				body["expires_at"] = time.Now().Add(until)
			}
			pat.want(http.StatusNoContent, "PUT", "/api/admin/orgs/"+u.org+"/license", body)
		}
		define("tiny", object{"max_total_storage_mb": 1, "max_members_count": 2, "max_upload_size_mb": 1})
		define("large", object{"max_total_storage_mb": 5, "max_members_count": 9}, "custom_branding")
		assign(studio, "tiny", 0)
		assign(studio, "large", time.Hour)
		assign(guild, "pro", time.Hour)

		film := content(1, 1_900_000)
		asset := studio.upload(object{"name": "film.bin", "checksum_sha256": sha256Of(film)}, film).text("id")
		for _, name := range []string{"b", "c", "d", "e", "f", "g"} {
			studio.invite(name+"@studio.example", "member")
			guild.invite(name+"@guild.example", "member")
		}
		studio.want(http.StatusOK, "PATCH", "/api/orgs/"+studio.org, object{"branding": object{"logo_asset_id": asset, "primary_color": "#112233"}})
		inForce := func(u *user, name string, expires bool) {
			t.Helper()
			a := u.want(http.StatusOK, "GET", "/api/orgs/"+u.org+"/license", nil)
			if a.text("license.name") != name || (a.get("expires_at") != nil) != expires {
				t.Errorf("licence %s", a.body)
			}
			listed := pat.want(http.StatusOK, "GET", "/api/admin/orgs?q="+u.slug(), nil)
			if got := listed.list("license"); !slices.Equal(got, []string{name}) {
				t.Errorf("the operators' list: %s", listed.body)
			}
		}
		inForce(studio, "large", true)
		inForce(guild, "pro", true)
		holdings := func() string {
			t.Helper()
			var b strings.Builder
			for _, path := range []string{"", "/members", "/invitations", "/assets"} {
				b.Write(studio.want(http.StatusOK, "GET", "/api/orgs/"+studio.org+path, nil).body)
			}
			return b.String()
		}
		before := holdings()

		s.restart(settings{"COFFER_CLOCK_OFFSET": "2h"})
		for _, u := range []*user{pat, studio, guild} {
			u.logIn()
		}
		inForce(studio, "tiny", false)
		inForce(guild, "free", false)
		limited := func(u *user, path string, body object, limit string, most, used int64) {
			t.Helper()
			a := u.refused(http.StatusForbidden, "limit_exceeded", "POST", "/api/orgs/"+u.org+path, body)
			if a.text("limit") != limit || a.number("max") != most || a.number("used") != used || a.number("requested") != 1 {
				t.Errorf("%s", a.body)
			}
		}
		limited(studio, "/assets", object{"name": "more.bin", "size_bytes": 1}, "max_total_storage_mb", 1, 2)
		limited(studio, "/assets", object{"name": "film.bin", "size_bytes": 1, "on_conflict": "version"}, "max_total_storage_mb", 1, 2)
		limited(studio, "/invitations", object{"email": "x@studio.example", "role": "viewer"}, "max_members_count", 2, 7)
		limited(guild, "/invitations", object{"email": "x@guild.example", "role": "viewer"}, "max_members_count", 5, 7)
		if got := studio.download(asset); !bytes.Equal(got, film) {
			t.Errorf("%d bytes came down", len(got))
		}
		if after := holdings(); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		path := "/api/orgs/" + studio.org
		studio.refused(http.StatusForbidden, "feature_unavailable", "PATCH", path, object{"branding": object{"primary_color": "#445566"}})
		if a := studio.want(http.StatusOK, "PATCH", path, object{"name": "Studio"}); a.text("branding.primary_color") != "#112233" {
			t.Errorf("org %s", a.body)
		}
		if a := studio.want(http.StatusOK, "PATCH", path, object{"branding": nil}); a.get("branding.logo_asset_id") != nil {
			t.Errorf("org %s", a.body)
		}

		assign(studio, "large", 0)
		inForce(studio, "large", false)
		studio.upload(object{"name": "more.bin"}, []byte("1"))
		studio.invite("x@studio.example", "viewer")
		studio.want(http.StatusOK, "PATCH", path, object{"branding": object{"primary_color": "#445566"}})
	})
}

// slug is the org's name in addresses.
func (u *user) slug() string {
	u.t.Helper()
	return u.want(http.StatusOK, "GET", "/api/orgs/"+u.org, nil).text("slug")
}
