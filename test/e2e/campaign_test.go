package e2e

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAnAgencySharesACampaign: everything about groups that people outside see,
// and what the agency learns of it.
func TestAnAgencySharesACampaign(t *testing.T) {
	box, mails := newPostbox(t)
	env := maps.Clone(everything)
	maps.Copy(env, mails)
	maps.Copy(env, hooking)
	env["COFFER_ANALYTICS_COUNTRY_FILE"] = countries(t)
	tell(t, env, func(t *testing.T, s *server) {
		ana := s.signUp("ana-" + strings.ToLower(rand.Text())).found(object{"name": "Agency"}) // the box is for both wirings
		r := newReceiver(t)
		h := ana.listens(r, object{"events": []string{"group.*", "share.*"}})

		// The campaign: a group for the client, with one for the press in it.
		campaign := ana.grouped(object{
			"name": "Spring", "share_password": "open sesame",
			"organisation": object{"sections": []string{"Posters", "Texts"}, "default_sort": "custom", "layout": "gallery"},
		})
		press := ana.grouped(object{"name": "Press", "parent_id": idOf(campaign)})
		internal := ana.grouped(object{"name": "Internal"})
		poster := ana.into(ana.folder(ana.drive, "/Posters"), "poster.png", "image/png", picture(80))
		text, release, secret := ana.ready("text.txt"), ana.ready("release.txt"), ana.ready("secret.txt")
		ana.adds(campaign, text, object{"section": "Texts"})
		ana.adds(campaign, poster, object{"section": "Posters", "title": "The beach"})
		ana.adds(press, release, object{})
		ana.adds(internal, secret, object{})
		ana.treeMust("Internal 1/1 Spring 2/3(Press 1/1)")
		client := ana.sharesGroup(campaign, object{"name": "Client", "max_downloads": 2})
		journalist := ana.sharesGroup(press, object{"name": "Journalist", "password": "extra, extra", "watermark": false})

		// Its password is the group's; the other has its own.
		client.refuses(http.StatusUnauthorized, "share_password_required", "/assets")
		client.unlocks("extra, extra", "192.0.2.9").isProblem(http.StatusForbidden, "share_password_wrong")
		client.opensWith("open sesame")
		journalist.opensWith("extra, extra")
		onDesk, onRoad := as("192.0.2.1", onDesktop), as("198.51.100.7", onPhone)
		if got := names(client.gets(http.StatusOK, "/assets", onDesk), "name"); !slices.Equal(got, []string{"poster.png", "text.txt"}) {
			t.Errorf("files %v", got)
		}
		client.gets(http.StatusOK, "/assets", onRoad)
		client.gets(http.StatusOK, "/assets?group_id="+idOf(press), onRoad) // nested: no further view
		client.refuses(http.StatusNotFound, "not_found", "/assets?group_id="+idOf(internal))
		client.refuses(http.StatusNotFound, "not_found", "/download/"+secret)
		client.gets(http.StatusFound, "/download/"+poster, onDesk)
		client.gets(http.StatusFound, "/download/"+release, onRoad)
		client.refuses(http.StatusGone, "share_exhausted", "/download/"+text)
		journalist.gets(http.StatusOK, "/assets", as("203.0.113.8", onTablet))
		journalist.gets(http.StatusFound, "/download/"+release, as("203.0.113.8", onTablet))
		journalist.refuses(http.StatusNotFound, "not_found", "/assets?group_id="+idOf(campaign))

		// The numbers are what was done.
		a := ana.want(http.StatusOK, "GET", campaign+"/analytics?period=week", nil)
		a.totals(3, 3, 3)
		a.metric("share_performance", "share_id", map[string][3]int64{client.id: {2, 2, 2}, journalist.id: {1, 1, 1}})
		a.metric("popular_assets", "asset_id", map[string][3]int64{poster: {0, 0, 1}, release: {0, 0, 2}})
		a.metric("geographic_data", "country", map[string][3]int64{"DE": {1, 1, 1}, "FR": {1, 1, 1}, "unknown": {1, 1, 1}})
		a.metric("device_types", "device", map[string][3]int64{"desktop": {1, 1, 1}, "mobile": {1, 1, 1}, "tablet": {1, 1, 1}})
		ana.want(http.StatusOK, "GET", press+"/analytics?period=day", nil).totals(1, 2, 2)
		csv := ana.want(http.StatusOK, "GET", campaign+"/analytics/export?format=csv&period=week", nil)
		if !strings.Contains(string(csv.body), "The beach") || !strings.Contains(string(csv.body), "Journalist") {
			t.Errorf("%s", csv.body)
		}
		pdf := ana.want(http.StatusOK, "GET", campaign+"/analytics/export?format=pdf&period=week", nil)
		if text := readPDF(t, pdf.body); !strings.Contains(text, "group Spring") || !strings.Contains(text, "The beach") {
			t.Errorf("%s", text)
		}

		// A new token ends the old one; the group's new password ends what the old one opened.
		old := client.path("")
		client.token = ana.want(http.StatusOK, "POST", "/api/shares/"+client.id+"/rotate", nil).text("token")
		client.ask("GET", old, nil).isProblem(http.StatusNotFound, "not_found")
		ana.want(http.StatusOK, "PUT", campaign, object{"name": "Spring", "share_password": "another sesame"})
		client.refuses(http.StatusUnauthorized, "share_password_required", "/assets")
		client.opensWith("another sesame")
		client.gets(http.StatusOK, "/assets", onDesk)

		s.tellsTheAgency(t, ana, campaign, box, h, r)
	})
}

// tellsTheAgency: what was done comes by webhook, also to a receiver that was
// down while the server was started anew, and in a report by mail.
func (s *server) tellsTheAgency(t *testing.T, ana *user, campaign string, box *postbox, h *hook, r *receiver) {
	t.Helper()
	r.await("group.created", 3).verified(t, h.secret, true)
	r.await("share.created", 2).verified(t, h.secret, true)
	r.answers(http.StatusServiceUnavailable, "later")
	ana.want(http.StatusOK, "PUT", campaign, object{"name": "Spring and summer", "share_password": nil})
	failed := r.await("group.updated", 3) // the third of the name
	eventually(t, "the failure is known", func() bool { return h.deliveries("?status=pending").number("items.0.attempts") >= 1 })
	reports := "/api/orgs/" + ana.org + "/reports"
	ana.want(http.StatusCreated, "POST", reports, object{
		"name": "Weekly", "target": object{"kind": "group", "group_id": idOf(campaign)}, "period": "week", "formats": []string{"pdf", "csv"},
		"recipients": []string{ana.email}, "schedule": "0 8 * * MON", "time_zone": "Europe/Berlin",
	})
	r.answers(http.StatusOK, "")
	s.later(8*24*time.Hour, ana)
	eventually(t, "the delivery is made", func() bool {
		return slices.Contains(h.settled("group.updated"), "delivered") && len(h.deliveries("?status=pending").list("id")) == 0
	})
	tries := len(r.all("group.updated"))
	if again := r.all("group.updated")[tries-1]; again.id() != failed.id() {
		t.Errorf("%s came, want %s again", again.id(), failed.id())
	}
	for i, kind := range h.deliveries("?limit=200").list("type") {
		if kind != "group.updated" {
			continue
		}
		ana.want(http.StatusAccepted, "POST", h.path+"/deliveries/"+h.deliveries("?limit=200").list("id")[i]+"/redeliver", nil)
		break
	}
	r.await("group.updated", tries+1).verified(t, h.secret, false)
	eventually(t, "the report arrives", func() bool { return len(box.of(ana.email)) == 1 })
	if text := readPDF(t, attachment(t, box.of(ana.email)[0], ".pdf")); !strings.Contains(text, "Weekly") || !strings.Contains(text, "Spring and summer") {
		t.Errorf("%s", text)
	}
}
