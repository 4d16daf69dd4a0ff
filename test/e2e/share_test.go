package e2e

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// everything lets every org have links of any kind, and lets a test choose the
// address that visitors come from.
var everything = settings{"COFFER_SELF_HOSTED_UNLIMITED": "true", "COFFER_HTTP_TRUSTED_PROXIES": "127.0.0.1/32"}

// link is a share link in the hands of who has it.
type link struct {
	*client

	id, token string
	access    string // X-Share-Access; empty: none
	ofGroup   bool
}

// shares makes a link to a node.
func (u *user) shares(node string, rules object) *link {
	u.t.Helper()
	a := u.want(http.StatusCreated, "POST", "/api/nodes/"+node+"/shares", rules)
	token := a.text("token")
	if len(token) != 64 || a.text("share_url") != u.url+"/s/"+token || a.text("share.share_url") != a.text("share_url") || a.text("share.node_id") != node {
		u.t.Errorf("link %s", a.body)
	}
	return &link{client: &client{t: u.t, url: u.url}, id: a.text("share.id"), token: token}
}

func (l *link) path(rest string) string {
	if l.ofGroup {
		return "/api/public/groups/" + l.token + rest
	}
	return "/api/public/shares/" + l.token + rest
}

// sent is what a visitor's request carries.
func (l *link) sent(more ...with) []with {
	out := []with{{"X-Forwarded-For": "203.0.113.7", "User-Agent": "Mozilla/5.0"}}
	if l.access != "" {
		out = append(out, with{"X-Share-Access": l.access})
	}
	return append(out, more...)
}

func (l *link) gets(status int, rest string, more ...with) *answer {
	l.t.Helper()
	return l.want(status, "GET", l.path(rest), nil, l.sent(more...)...)
}

func (l *link) refuses(status int, code, rest string, more ...with) *answer {
	l.t.Helper()
	return l.refused(status, code, "GET", l.path(rest), nil, l.sent(more...)...)
}

// unlocks shows a password from an address.
func (l *link) unlocks(password, from string) *answer {
	l.t.Helper()
	return l.ask("POST", l.path("/auth"), object{"password": password}, l.sent(with{"X-Forwarded-For": from})...)
}

// counts checks what a link has counted.
func (u *user) counts(l *link, views, downloads, uploads int64) {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", "/api/shares/"+l.id, nil)
	if a.number("views") != views || a.number("downloads") != downloads || a.number("uploads") != uploads {
		u.t.Errorf("%d views, %d downloads, %d uploads, want %d, %d, %d",
			a.number("views"), a.number("downloads"), a.number("uploads"), views, downloads, uploads)
	}
}

func (u *user) edits(l *link, rules object) *answer {
	u.t.Helper()
	return u.want(http.StatusOK, "PATCH", "/api/shares/"+l.id, rules)
}

// told waits for the n-th mail with the subject.
func (s *server) told(to, subject string, n int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("mail %d to %s: %s", n, to, subject), func() bool {
		return strings.Count(s.process.read(), "mail to "+to+": "+subject+"\n") >= n
	})
	if found := strings.Count(s.process.read(), "mail to "+to+": "+subject+"\n"); found != n {
		s.t.Errorf("%d mails about %q, want %d", found, subject, n)
	}
}

func TestALinkForAClient(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		album := ana.folder(ana.drive, "/Album")
		inner := ana.folder(ana.drive, "/Album/Inner")
		file := ana.upload(object{"name": "a.txt", "parent_id": album, "metadata": object{"tags": []string{"secret"}}}, []byte("alpha")).text("id")
		ana.upload(object{"name": "b.txt", "parent_id": inner}, []byte("beta"))
		order, once := object{"name": "For the client", "notify": object{"first_view": true, "each_download": true, "limit_reached": true}, "max_downloads": 3}, with{"Idempotency-Key": "share"}
		made := ana.want(http.StatusCreated, "POST", "/api/nodes/"+album+"/shares", order, once)
		if again := ana.want(http.StatusCreated, "POST", "/api/nodes/"+album+"/shares", order, once); !bytes.Equal(again.body, made.body) {
			t.Errorf("%s\n%s", made.body, again.body)
		}
		l := &link{client: s.anybody(), id: made.text("share.id"), token: made.text("token")}

		// Looking counts nothing; nor does what nobody looks at, and it sees nothing.
		looked := l.gets(http.StatusOK, "")
		if looked.text("open") != "true" || looked.text("target.name") != "Album" || looked.text("org_name") != "ana" || looked.header.Get("Cache-Control") != "no-store" ||
			looked.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%v %s", looked.header, looked.body)
		}
		for _, quiet := range []with{{"User-Agent": "Slackbot-LinkExpanding 1.0"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}} {
			for _, rest := range []string{"/nodes", "/download-url?asset_id=" + file, "/download/" + file, "/archive"} {
				if a := l.gets(http.StatusNoContent, rest, quiet); len(a.body) > 0 || a.header.Get("Location") != "" {
					t.Errorf("%s %v: %s", rest, quiet, a.body)
				}
			}
		}
		ana.counts(l, 0, 0, 0)

		// The listing is a view, and walking deeper is none.
		first := l.gets(http.StatusOK, "/nodes?sort=kind")
		if names := first.list("name"); !slices.Equal(names, []string{"Inner", "a.txt"}) || first.text("items.1.tags.0") != "secret" {
			t.Errorf("%s", first.body)
		}
		if names := l.gets(http.StatusOK, "/nodes?parent_id="+inner).list("name"); !slices.Equal(names, []string{"b.txt"}) {
			t.Errorf("%v", names)
		}
		page := l.gets(http.StatusOK, "/nodes?limit=1")
		l.gets(http.StatusOK, "/nodes?limit=1&cursor="+page.text("next_cursor"))
		ana.counts(l, 2, 0, 0)
		s.told(ana.email, "Your link was opened", 1)

		// Downloads: a URL, a redirect, an archive. Who goes on is not counted again.
		if got := fetch(t, l.gets(http.StatusOK, "/download-url?asset_id="+file).text("download_url")); string(got.body) != "alpha" {
			t.Errorf("%q", got.body)
		}
		sent := l.gets(http.StatusFound, "/download/"+file)
		cookie, _, _ := strings.Cut(sent.header.Get("Set-Cookie"), ";")
		if got := fetch(t, sent.header.Get("Location")); string(got.body) != "alpha" || cookie == "" {
			t.Errorf("%q %v", got.body, sent.header)
		}
		l.gets(http.StatusFound, "/download/"+file, with{"Cookie": cookie, "Range": "bytes=2-"})
		ana.counts(l, 2, 2, 0)
		if zip := l.gets(http.StatusOK, "/archive"); !bytes.HasPrefix(zip.body, []byte("PK")) || !bytes.Contains(zip.body, []byte("Inner/b.txt")) {
			t.Errorf("archive of %d bytes", len(zip.body))
		}
		l.refuses(http.StatusGone, "share_exhausted", "/download/"+file)
		l.refuses(http.StatusGone, "share_exhausted", "/download/"+file, with{"Range": "bytes=2-"})
		l.gets(http.StatusFound, "/download/"+file, with{"Cookie": cookie, "Range": "bytes=2-"})
		ana.counts(l, 2, 3, 0)
		s.told(ana.email, "Your link was used for a download", 3)
		s.told(ana.email, "Your link is used up", 1)

		// Metadata hidden, downloads off.
		ana.edits(l, object{"allow_view_metadata": false, "max_downloads": nil, "name": nil, "notify": nil})
		hidden := l.gets(http.StatusOK, "/nodes?sort=kind")
		if strings.Contains(string(hidden.body), "secret") || strings.Contains(string(hidden.body), "checksum") || strings.Contains(string(hidden.body), "updated_at") {
			t.Errorf("%s", hidden.body)
		}
		ana.edits(l, object{"allow_download": false})
		for _, rest := range []string{"/download-url?asset_id=" + file, "/download/" + file, "/archive"} {
			l.refuses(http.StatusForbidden, "share_download_off", rest)
		}
		l.refused(http.StatusForbidden, "share_not_a_request", "POST", l.path("/uploads"), object{"name": "x", "size_bytes": 1}, l.sent()...)

		// Views are counted to the last one.
		ana.edits(l, object{"max_views": 4, "allow_download": nil})
		l.gets(http.StatusOK, "/nodes")
		l.refuses(http.StatusGone, "share_exhausted", "/nodes")
		l.refuses(http.StatusGone, "share_exhausted", "")
		l.gets(http.StatusOK, "/nodes?parent_id="+inner)
		if a := ana.want(http.StatusOK, "GET", "/api/shares/"+l.id, nil); a.text("state") != "exhausted" {
			t.Errorf("%s", a.body)
		}

		// The log has it all, also as a file.
		log := ana.want(http.StatusOK, "GET", "/api/shares/"+l.id+"/access-log?granted=false&limit=200", nil)
		if codes := log.list("refused"); !slices.Equal(codes[:2], []string{"share_exhausted", "share_exhausted"}) || !slices.Contains(codes, "share_download_off") ||
			log.text("items.0.address") != "203.0.113.7" || log.text("items.0.user_agent") != "Mozilla/5.0" {
			t.Errorf("%s", log.body)
		}
		export := ana.want(http.StatusOK, "GET", "/api/shares/"+l.id+"/access-log?format=csv&kind=download&granted=true", nil)
		rows, err := csv.NewReader(bytes.NewReader(export.body)).ReadAll()
		if err != nil || len(rows) != 4 || rows[1][2] != "download" {
			t.Errorf("%v %q", err, rows)
		}

		// Rotated, the old token is nobody's; revoked, the link says so.
		tag := ana.want(http.StatusOK, "GET", "/api/shares/"+l.id, nil).header.Get("ETag")
		ana.refused(http.StatusPreconditionFailed, "precondition_failed", "PATCH", "/api/shares/"+l.id, object{"name": "x"}, with{"If-Match": `"1-active-0-0-0"`})
		ana.want(http.StatusOK, "PATCH", "/api/shares/"+l.id, object{"max_views": nil}, with{"If-Match": tag})
		rotated := ana.want(http.StatusOK, "POST", "/api/shares/"+l.id+"/rotate", nil)
		l.refuses(http.StatusNotFound, "not_found", "")
		old := l.token
		l.token = rotated.text("token")
		l.gets(http.StatusOK, "/nodes")
		if list := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/shares", nil); !slices.Equal(list.list("id"), []string{l.id}) || list.text("items.0.share_url") != rotated.text("share_url") {
			t.Errorf("%s", list.body)
		}
		ana.want(http.StatusNoContent, "DELETE", "/api/shares/"+l.id, nil)
		ana.want(http.StatusNoContent, "DELETE", "/api/shares/"+l.id, nil)
		l.refuses(http.StatusGone, "share_revoked", "/nodes")
		ana.refused(http.StatusGone, "share_revoked", "PATCH", "/api/shares/"+l.id, object{"name": "x"})
		if list := ana.want(http.StatusOK, "GET", "/api/nodes/"+album+"/shares", nil).list("id"); len(list) != 0 {
			t.Errorf("%v", list)
		}
		if actions := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/audit-log?action=share.", nil).list("action"); !slices.Equal(slices.Compact(actions), []string{"share.revoked", "share.rotated", "share.updated", "share.created"}) {
			t.Errorf("%v", actions)
		}
		if text := s.process.read(); strings.Contains(text, old) || strings.Contains(text, l.token) {
			t.Error("the log has a token")
		}
	})
}

func TestALinkIsRefusedWithItsReason(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		acme := s.signUp("ana").found(object{"name": "Acme"})
		ben := s.hire(acme, s.signUp("ben"), "member")
		carl := s.hire(acme, s.signUp("carl"), "member")
		eve := s.signUp("eve")
		file := acme.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		end := time.Now().Add(2 * time.Second)
		short := ben.shares(file, object{"expires_at": end.UTC().Format(time.RFC3339Nano)})
		plain := ben.shares(file, object{})

		// Certain people, and networks.
		named := acme.shares(file, object{"audience": object{"account_ids": []string{ben.account}}})
		named.refuses(http.StatusUnauthorized, "share_sign_in_required", "/nodes")
		if a := named.gets(http.StatusOK, ""); a.text("needs_sign_in") != "true" || a.text("open") != "false" || a.get("target") != nil || strings.Contains(string(a.body), "a.txt") {
			t.Errorf("%s", a.body)
		}
		named.refuses(http.StatusForbidden, "share_not_for_you", "/nodes", with{"Authorization": "Bearer " + carl.token})
		named.refuses(http.StatusUnauthorized, "share_sign_in_required", "/nodes", with{"Authorization": "Bearer " + eve.token})
		named.gets(http.StatusOK, "/nodes", with{"Authorization": "Bearer " + ben.token})
		near := acme.shares(file, object{"ip_allow": []string{"198.51.100.9", "2001:db8::/32"}})
		near.refuses(http.StatusForbidden, "share_address_refused", "")
		near.gets(http.StatusOK, "/nodes", with{"X-Forwarded-For": "198.51.100.9"})
		near.gets(http.StatusOK, "/nodes", with{"X-Forwarded-For": "2001:db8::1"})

		// A password: nothing is told before it; another one ends what it opened.
		locked := acme.shares(file, object{"password": "harbour"})
		if a := locked.gets(http.StatusOK, ""); a.text("needs_password") != "true" || a.text("open") != "false" || strings.Contains(string(a.body), "a.txt") {
			t.Errorf("%s", a.body)
		}
		locked.refuses(http.StatusUnauthorized, "share_password_required", "/nodes")
		locked.unlocks("seaside", "203.0.113.7").isProblem(http.StatusForbidden, "share_password_wrong")
		plain.unlocks("seaside", "203.0.113.7").isProblem(http.StatusForbidden, "share_password_wrong")
		locked.access = locked.unlocks("harbour", "203.0.113.7").text("share_access_token")
		locked.gets(http.StatusOK, "/nodes")
		locked.gets(http.StatusFound, "/download/"+file)
		plain.access = locked.access
		acme.edits(locked, object{"password": "lighthouse"})
		locked.refuses(http.StatusUnauthorized, "share_password_required", "/nodes")
		acme.edits(locked, object{"password": nil})
		locked.gets(http.StatusOK, "/nodes")

		// The org's rules hold for links there are, and for new ones.
		acme.want(http.StatusOK, "PATCH", "/api/orgs/"+acme.org, object{"settings": object{"sharing": object{"password_required": true, "max_days": 7}}})
		plain.refuses(http.StatusGone, "share_unavailable", "/nodes")
		share := "/api/nodes/" + file + "/shares"
		acme.refused(http.StatusForbidden, "share_policy", "POST", share, object{})
		acme.refused(http.StatusForbidden, "share_policy", "POST", share, object{"password": "harbour"})
		acme.refused(http.StatusForbidden, "share_policy", "POST", share, object{"password": "harbour", "expires_at": time.Now().Add(8 * 24 * time.Hour)})
		acme.shares(file, object{"password": "harbour", "expires_at": time.Now().Add(6 * 24 * time.Hour)})
		ben.edits(plain, object{"allow_download": false}) // it has no password, and keeps that
		acme.want(http.StatusOK, "PATCH", "/api/orgs/"+acme.org, object{"settings": object{"sharing": nil}})
		plain.gets(http.StatusOK, "/nodes")

		// What makes no sense is said so.
		for _, bad := range []object{
			{"kind": "upload"},
			{"expires_at": "2020-01-01T00:00:00Z"},
			{"max_views": 0},
			{"ip_allow": []string{"here"}},
			{"password": "abc"},
			{"watermark": true},
			{"request": object{"max_files": 1}},
			{"audience": object{"account_ids": []string{eve.account}}},
			{"allow_download": false, "max_downloads": 1},
			{"notify": object{"each_upload": true}},
			{"name": strings.Repeat("n", 201)},
		} {
			acme.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", share, bad)
		}

		// Ends: by time, by the trash, with who made it.
		time.Sleep(time.Until(end) + 100*time.Millisecond)
		short.refuses(http.StatusGone, "share_expired", "")
		short.refuses(http.StatusGone, "share_expired", "/download/"+file)
		acme.want(http.StatusNoContent, "DELETE", "/api/nodes/"+file, nil)
		named.refuses(http.StatusGone, "share_unavailable", "/nodes", with{"Authorization": "Bearer " + ben.token})
		acme.refused(http.StatusConflict, "trashed", "POST", share, object{})
		acme.want(http.StatusOK, "POST", "/api/nodes/"+file+"/restore", object{})
		named.gets(http.StatusOK, "/nodes", with{"Authorization": "Bearer " + ben.token})
		acme.change(ben.account, object{"status": "suspended"})
		plain.refuses(http.StatusGone, "share_unavailable", "/nodes")
		acme.change(ben.account, object{"status": "active"})
		plain.gets(http.StatusOK, "/nodes")
		acme.want(http.StatusNoContent, "DELETE", acme.member(ben.account), nil)
		plain.refuses(http.StatusGone, "share_revoked", "/nodes")
		named.refuses(http.StatusUnauthorized, "share_sign_in_required", "/nodes", with{"Authorization": "Bearer " + ben.token})
	})
}

func TestALinkNeedsTheLicence(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		share := "/api/nodes/" + file + "/shares"
		rules := map[string]object{
			"password_protection": {"password": "harbour"}, "ip_restriction": {"ip_allow": []string{"192.0.2.0/24"}},
			"custom_sharing": {"max_downloads": 7},
		}
		for feature, order := range rules {
			if a := ana.refused(http.StatusForbidden, "feature_unavailable", "POST", share, order); a.text("feature") != feature {
				t.Errorf("%v: %s", order, a.body)
			}
		}
		for range 3 { // links are endless on every licence
			ana.shares(file, object{"expires_at": time.Now().Add(time.Hour)}).gets(http.StatusOK, "/nodes")
		}
		s.must("license", "assign", ana.org, "enterprise")
		l := ana.shares(file, object{"password": "harbour", "max_downloads": 7, "ip_allow": []string{"203.0.113.0/24"}})
		s.must("license", "assign", ana.org, "free")

		// What the link has it keeps, and gives up; more it does not get.
		ana.edits(l, object{"expires_at": time.Now().Add(time.Hour)})
		for _, more := range []object{{"password": "lighthouse"}, {"max_downloads": 8}, {"max_views": 3}, {"ip_allow": []string{"192.0.2.1"}}, {"name": "x"}} {
			ana.refused(http.StatusForbidden, "feature_unavailable", "PATCH", "/api/shares/"+l.id, more)
		}
		ana.edits(l, object{"password": nil, "ip_allow": nil, "max_downloads": nil})
		l.gets(http.StatusOK, "/nodes")
	})
}
