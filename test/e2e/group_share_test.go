package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// sharesGroup makes a link of a group, whose path is given.
func (u *user) sharesGroup(group string, rules object) *link {
	u.t.Helper()
	a := u.want(http.StatusCreated, "POST", group+"/share", rules)
	if a.text("share.group_id") != idOf(group) || a.get("share.drive_id") != nil || a.get("share.node_id") != nil {
		u.t.Errorf("link %s", a.body)
	}
	return &link{client: &client{t: u.t, url: u.url}, id: a.text("share.id"), token: a.text("token"), ofGroup: true}
}

// adds puts a file into a group.
func (u *user) adds(group, file string, more object) {
	u.t.Helper()
	u.want(http.StatusCreated, "POST", group+"/assets", object{"asset_id": file}.but(more))
}

// opensWith shows a password, and goes on with what that gives.
func (l *link) opensWith(password string) {
	l.t.Helper()
	a := l.unlocks(password, "203.0.113.7")
	if a.status != http.StatusOK {
		l.t.Fatalf("%s", a.body)
	}
	l.access = a.text("share_access_token")
}

// names are those of what a page of a shared group lists.
func names(a *answer, member string) (all []string) {
	a.t.Helper()
	items, ok := a.get("items").([]any)
	if !ok {
		a.t.Fatalf("%s", a.body)
	}
	for _, x := range items {
		m, _ := x.(map[string]any)
		name, _ := m[member].(string)
		all = append(all, name)
	}
	return all
}

func TestAGroupIsShared(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		parent := ana.grouped(object{"name": "Parent"})
		spring := ana.grouped(object{
			"name": "Spring", "description": "All of it", "parent_id": idOf(parent), "metadata": object{"tags": []string{"a"}},
			"organisation": object{"sections": []string{"Web", "Print"}, "default_sort": "name", "layout": "gallery"},
		})
		nested := ana.grouped(object{"name": "Nested", "parent_id": idOf(spring)})
		leaf := ana.grouped(object{"name": "Leaf", "parent_id": idOf(nested)})
		sibling := ana.grouped(object{"name": "Sibling", "parent_id": idOf(parent)})
		photo := ana.into(ana.folder(ana.drive, "/Photos"), "photo.png", "image/png", picture(80))
		other := ana.want(http.StatusCreated, "POST", "/api/orgs/"+ana.org+"/drives", object{"name": "Second"}).text("id")
		deep := ana.upload(object{"name": "deep.txt", "drive_id": other}, []byte("deep")).text("id")
		secret, text := ana.ready("secret.txt"), ana.ready("text.txt")
		ana.adds(spring, photo, object{"section": "Print", "title": "The beach", "description": "For the front page."})
		ana.adds(spring, text, object{"section": "Web"})
		ana.adds(leaf, deep, object{})
		ana.adds(sibling, secret, object{})
		ana.adds(parent, secret, object{})

		l := ana.sharesGroup(spring, object{})
		a := l.gets(http.StatusOK, "")
		if a.text("group.name") != "Spring" || a.text("group.organisation.layout") != "gallery" || a.text("group.tags.0") != "a" || a.number("group.asset_count") != 2 ||
			a.text("group.groups.0.name") != "Nested" || a.number("group.groups.0.group_count") != 1 || a.get("group.more_groups") != false || a.text("group.path.0.name") != "Spring" {
			t.Errorf("%s", a.body)
		}
		for _, hidden := range []string{"Parent", "Sibling", idOf(parent), idOf(sibling), ana.org, ana.drive} {
			if strings.Contains(string(a.body), hidden) {
				t.Errorf("a visitor is told %q: %s", hidden, a.body)
			}
		}
		ana.counts(l, 0, 0, 0)
		first := l.gets(http.StatusOK, "/assets?limit=1")
		ana.counts(l, 1, 0, 0)
		rest := l.gets(http.StatusOK, "/assets?limit=1&cursor="+first.text("next_cursor"))
		if got := append(names(first, "name"), names(rest, "name")...); !slices.Equal(got, []string{"text.txt", "photo.png"}) || rest.text("items.0.title") != "The beach" || rest.text("items.0.section") != "Print" {
			t.Errorf("%v %s", got, rest.body)
		}
		if shown := (&client{t: t}).ask("GET", rest.text("items.0.preview_url"), nil); !bytes.Equal(shown.body, picture(80)) {
			t.Errorf("the preview answers %d", shown.status)
		}
		if got := names(l.gets(http.StatusOK, "/groups?parent_id="+idOf(nested)), "name"); !slices.Equal(got, []string{"Leaf"}) {
			t.Errorf("groups %v", got)
		}
		a = l.gets(http.StatusOK, "?group_id="+idOf(leaf))
		if a.text("group.path.2.name") != "Leaf" || a.text("group.path.1.name") != "Nested" {
			t.Errorf("%s", a.body)
		}
		if got := names(l.gets(http.StatusOK, "/assets?group_id="+idOf(leaf)), "name"); !slices.Equal(got, []string{"deep.txt"}) {
			t.Errorf("files %v", got)
		}
		ana.counts(l, 1, 0, 0)
		d := l.gets(http.StatusOK, "/download-url?asset_id="+deep)
		if got := (&client{t: t}).ask("GET", d.text("download_url"), nil); string(got.body) != "deep" {
			t.Errorf("%d %s", got.status, got.body)
		}
		l.gets(http.StatusFound, "/download/"+photo+"?group_id="+idOf(spring))
		ana.counts(l, 1, 2, 0)

		// Nothing outside is there, whoever asks how.
		for _, rest := range []string{
			"?group_id=" + idOf(sibling), "?group_id=" + idOf(parent), "/assets?group_id=" + idOf(sibling), "/groups?parent_id=" + idOf(parent), "/download/" + secret,
			"/download-url?asset_id=" + secret, "?group_id=" + missingID, "/download/" + missingID,
		} {
			l.refuses(http.StatusNotFound, "not_found", rest)
		}
		into := &link{client: l.client, token: l.token}
		into.refuses(http.StatusNotFound, "not_found", "")
		into.refuses(http.StatusNotFound, "not_found", "/nodes")
		of := ana.shares(photo, object{})
		of.ofGroup = true
		of.refuses(http.StatusNotFound, "not_found", "")
		of.refuses(http.StatusNotFound, "not_found", "/assets")

		// What leaves is gone at once; a file in the trash, and a drive that is deleted.
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org+"/assets/"+text, nil)
		l.refuses(http.StatusNotFound, "not_found", "/download/"+text)
		ana.want(http.StatusOK, "PUT", nested, object{"name": "Nested", "parent_id": idOf(parent)})
		l.refuses(http.StatusNotFound, "not_found", "/assets?group_id="+idOf(leaf))
		l.refuses(http.StatusNotFound, "not_found", "/download/"+deep)
		ana.want(http.StatusNoContent, "DELETE", spring, nil)
		l.refuses(http.StatusGone, "share_unavailable", "")
		ana.want(http.StatusOK, "POST", spring+"/restore", nil)
		l.gets(http.StatusOK, "")

		// Rotation, revocation, and the log, as of other links.
		log := ana.want(http.StatusOK, "GET", "/api/shares/"+l.id+"/access-log?kind=view&granted=true", nil)
		if log.text("items.0.group_id") != idOf(spring) {
			t.Errorf("%s", log.body)
		}
		old := *l
		l.token = ana.want(http.StatusOK, "POST", "/api/shares/"+l.id+"/rotate", nil).text("token")
		old.refuses(http.StatusNotFound, "not_found", "")
		l.gets(http.StatusOK, "")
		if got := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/shares", nil).list("id"); !slices.Contains(got, l.id) {
			t.Errorf("the organisation's links: %v", got)
		}
		ana.want(http.StatusNoContent, "DELETE", spring+"/shares/"+l.id, nil)
		l.refuses(http.StatusGone, "share_revoked", "")
		if got := ana.want(http.StatusOK, "GET", spring+"/shares", nil).list("id"); len(got) != 0 {
			t.Errorf("links that work: %v", got)
		}
	})
}

func TestASharedGroupHasPasswordsAndLimits(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		file := ana.ready("a.txt")
		group := ana.grouped(object{"name": "G", "share_password": "harbour"})
		if a := ana.want(http.StatusOK, "GET", group, nil); a.get("has_share_password") != true || strings.Contains(string(a.body), "argon2") {
			t.Errorf("%s", a.body)
		}
		ana.adds(group, file, object{})
		plain, own := ana.sharesGroup(group, object{"max_downloads": 3}), ana.sharesGroup(group, object{"password": "lighthouse"})
		if a := plain.gets(http.StatusOK, ""); a.get("needs_password") != true || a.get("open") != false || a.get("group") != nil {
			t.Errorf("%s", a.body)
		}
		plain.refuses(http.StatusUnauthorized, "share_password_required", "/assets")
		plain.unlocks("lighthouse", "203.0.113.8").isProblem(http.StatusForbidden, "share_password_wrong")
		own.unlocks("harbour", "203.0.113.8").isProblem(http.StatusForbidden, "share_password_wrong")
		plain.opensWith("harbour")
		own.opensWith("lighthouse")
		plain.gets(http.StatusOK, "/assets")
		own.gets(http.StatusOK, "/assets")

		// However many race, there are three downloads.
		answers := race(t, 20, func(int) (*answer, error) {
			return plain.try("GET", plain.path("/download/"+file), nil, plain.sent()...)
		})
		count(t, "downloads", answers, map[int]int{http.StatusFound: 3, http.StatusGone: 17})
		plain.refuses(http.StatusGone, "share_exhausted", "/download-url?asset_id="+file)
		if a := plain.gets(http.StatusOK, "/assets"); a.get("items.0.preview_url") != nil {
			t.Errorf("%s", a.body)
		}

		// Another password of the group ends what its own has opened, and nothing else.
		ana.want(http.StatusOK, "PUT", group, object{"name": "G", "share_password": "another"})
		plain.refuses(http.StatusUnauthorized, "share_password_required", "/assets")
		own.gets(http.StatusOK, "/assets")
		ana.want(http.StatusOK, "PUT", group, object{"name": "G"}) // leaves it
		plain.opensWith("another")
		ana.want(http.StatusOK, "PUT", group, object{"name": "G", "share_password": nil})
		plain.access = ""
		plain.gets(http.StatusOK, "/assets")

		// What a link hides is hidden; what it turns off is off.
		ana.want(http.StatusOK, "PUT", group+"/shares/"+own.id, object{"password": nil, "allow_download": false, "allow_view_metadata": false})
		own.access = ""
		a := own.gets(http.StatusOK, "")
		if a.get("allow_download") != false || strings.Contains(string(a.body), "asset_count") {
			t.Errorf("%s", a.body)
		}
		if a := own.gets(http.StatusOK, "/assets"); strings.Contains(string(a.body), "updated_at") || strings.Contains(string(a.body), "checksum") {
			t.Errorf("%s", a.body)
		}
		own.refuses(http.StatusForbidden, "share_download_off", "/download/"+file)
	})
}

func TestTheLicenceBoundsLinksOfGroups(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben := s.signUp("ana"), s.signUp("ben")
		acme := ana.found(object{"name": "Acme"})
		joe := s.hire(acme, ben, "member")
		group := acme.grouped(object{"name": "G"})
		for what, rules := range map[string]object{
			"password_protection": {"password": "harbour"}, "custom_sharing": {"max_downloads": 1}, "ip_restriction": {"ip_allow": []string{"192.0.2.0/24"}},
		} {
			if a := acme.refused(http.StatusForbidden, "feature_unavailable", "POST", group+"/share", rules); a.text("feature") != what {
				t.Errorf("%s", a.body)
			}
		}
		acme.refused(http.StatusForbidden, "feature_unavailable", "PUT", group, object{"name": "G", "share_password": "harbour"})
		month := object{"expires_at": time.Now().Add(29 * 24 * time.Hour).UTC().Format(time.RFC3339)}
		if a := acme.refused(http.StatusForbidden, "limit_exceeded", "POST", group+"/share", month); a.text("limit") != "max_group_share_hours" || a.number("max") != 168 {
			t.Errorf("%s", a.body)
		}
		lives := func(l *link) time.Duration {
			a := acme.want(http.StatusOK, "GET", "/api/shares/"+l.id, nil)
			return a.time("expires_at").Sub(a.time("created_at"))
		}
		if d := lives(acme.sharesGroup(group, object{})); d != 7*24*time.Hour {
			t.Errorf("a link lives for %s", d)
		}
		s.must("license", "assign", acme.org, "pro")
		if d := lives(acme.sharesGroup(group, object{})); d != 30*24*time.Hour {
			t.Errorf("a link lives for %s", d)
		}
		acme.sharesGroup(group, month)

		// Who may not share the group makes no link of it; who may, does.
		joe.refused(http.StatusNotFound, "not_found", "POST", group+"/share", object{})
		rows := func(share bool) {
			acme.want(http.StatusOK, "PUT", group+"/permissions", object{"permissions": []object{{"account_id": joe.account, "can_view": true, "can_share": share}}})
		}
		rows(false)
		joe.refused(http.StatusForbidden, "forbidden", "POST", group+"/share", object{})
		joe.refused(http.StatusForbidden, "forbidden", "GET", group+"/shares", nil)
		rows(true)
		l := joe.sharesGroup(group, object{})
		l.gets(http.StatusOK, "")
		rows(false)
		l.refuses(http.StatusGone, "share_unavailable", "")
	})
}

func TestAVisitorWalksThroughASharedGroup(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme <b>Studios</b>"})
		photos := ana.folder(ana.drive, "/Photos")
		photo := ana.into(photos, "a.png", "image/png", picture(80))
		group := ana.grouped(object{
			"name": hostileTitle, "description": "Two\nlines", "cover_asset_id": photo,
			"organisation": object{"sections": []string{"Print", "Web"}, "layout": "gallery"},
		})
		nested := ana.grouped(object{"name": "Nested", "parent_id": idOf(group)})
		ana.adds(group, photo, object{"section": "Print", "title": "The beach", "description": "For the front page."})
		ana.adds(group, ana.ready("plain.txt"), object{"section": "Web"})
		deep := ana.ready("deep.txt")
		ana.adds(nested, deep, object{})
		l := ana.sharesGroup(group, object{"password": "harbour"})

		v := s.visitor()
		v.open("/s/" + l.token)
		v.says("h1", "This link has a password")
		v.do(chromedp.SendKeys(chromedp.ID("password"), "harbour\r"), chromedp.WaitVisible(chromedp.CSS(".tiles")))
		v.says("h1", hostileTitle)
		v.says(".views [aria-current]", "Gallery")
		v.says("main", "Print")
		v.says("main", "The beach")
		if n := eval[int](v, `document.querySelector(".cover img").naturalWidth`); n != 64 {
			t.Errorf("the cover is %d pixels wide, want 64", n)
		}
		v.good("group-gallery")
		for _, layout := range []string{"Grid", "List"} {
			v.link(layout)
			v.says(".views [aria-current]", layout)
			v.good("group-" + strings.ToLower(layout))
		}
		ana.counts(l, 1, 0, 0)
		v.link("The beach")
		v.says("h1", "The beach")
		v.says("main", "For the front page.")
		v.good("group-file")
		v.click(".crumbs a")
		v.says("h1", hostileTitle)
		v.link("Nested")
		v.says(".crumbs", hostileTitle)
		name, content := v.downloaded(".get")
		if name != "deep.txt" || string(content) != "deep.txt" {
			t.Errorf("%q as %q", content, name)
		}
		v.good("group-nested")
		ana.counts(l, 1, 1, 0)
	})
}

const hostileTitle = `<img src=x onerror=alert(1)> "quoted" & so`
