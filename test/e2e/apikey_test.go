package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// script is a program with an API key: nobody who could sign in.
type script struct {
	*user

	id string // of the key
}

func keysOf(drive string) string { return "/api/drives/" + drive + "/api-keys" }

// issue makes a key of the drive and returns the script that has it.
func (u *user) issue(drive string, permissions ...string) script {
	u.t.Helper()
	a := u.want(http.StatusCreated, "POST", keysOf(drive), object{"name": "a script", "permissions": permissions})
	if key := a.text("key"); len(key) != 43 || !strings.HasPrefix(key, "pk_") || a.text("api_key.prefix") != key[:11] {
		u.t.Errorf("key %s", a.body)
	}
	return script{&user{client: &client{t: u.t, url: u.url, key: a.text("key")}, org: u.org, drive: drive, account: u.account}, a.text("api_key.id")}
}

func (u *user) nodes() []string {
	u.t.Helper()
	return u.want(http.StatusOK, "GET", "/api/drives/"+u.drive+"/nodes", nil).list("name")
}

// dead checks that nothing can be done with the key.
func (c script) dead(asset string) {
	c.t.Helper()
	assets := "/api/orgs/" + c.org + "/assets"
	for _, r := range []request{
		{"GET", assets, ""},
		{"POST", assets, `{"name": "late.txt", "size_bytes": 1}`},
		{"GET", assets + "/" + asset, ""},
		{"GET", "/api/assets/" + asset + "/download", ""},
		{"GET", "/api/drives/" + c.drive + "/nodes", ""},
		{"DELETE", assets + "/" + asset, ""},
		{"GET", "/api/key", ""},
	} {
		c.request(r).isProblem(http.StatusUnauthorized, "unauthenticated")
	}
	late := object{"name": "late.txt", "size_bytes": 1}
	c.refused(http.StatusUnauthorized, "unauthenticated", "POST", assets, late, with{"Idempotency-Key": "late"})
}

func TestAScriptWithAKeyKeepsFiles(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		acme := s.signUp("ana").found(object{"name": "Acme"})
		ben := s.hire(acme, s.signUp("ben"), "member")
		order, once := object{"name": "nightly backup", "permissions": []string{"delete", "write", "read"}}, with{"Idempotency-Key": "backup-key"}
		issued := ben.want(http.StatusCreated, "POST", keysOf(ben.drive), order, once)
		again := ben.want(http.StatusCreated, "POST", keysOf(ben.drive), order, once)
		if !bytes.Equal(issued.body, again.body) || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s\n%s %v", issued.body, again.body, again.header)
		}
		key := issued.text("key")
		bot := &user{client: &client{t: t, url: s.url, key: key}, org: ben.org, drive: ben.drive}

		file := bot.upload(object{"name": "dump.sql"}, []byte("insert"))
		id, assets := file.text("id"), "/api/orgs/"+ben.org+"/assets"
		if file.text("drive_id") != ben.drive || file.text("created_by") != ben.account {
			t.Errorf("%s", file.body)
		}
		bot.upload(object{"name": "dump.sql", "on_conflict": "version"}, []byte("insert more"))
		if got := bot.download(id); string(got) != "insert more" {
			t.Errorf("%q came down", got)
		}
		bot.want(http.StatusOK, "POST", "/api/assets/"+id+"/versions/1/restore", nil)
		bot.want(http.StatusOK, "POST", "/api/assets/"+id+"/signed-url", nil)
		renamed := bot.want(http.StatusOK, "PATCH", assets+"/"+id, object{"name": "old.sql"}, with{"If-Match": "*"})
		if versions := bot.want(http.StatusOK, "GET", "/api/assets/"+id+"/versions", nil).list("number"); len(versions) != 2 || renamed.text("name") != "old.sql" {
			t.Errorf("versions %v, %s", versions, renamed.body)
		}
		create := object{"name": "once.txt", "size_bytes": 1}
		first := bot.want(http.StatusCreated, "POST", assets, create, with{"Idempotency-Key": "1"})
		second := bot.want(http.StatusCreated, "POST", assets, create, with{"Idempotency-Key": "1"})
		if first.text("asset.id") != second.text("asset.id") || second.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s\n%s", first.body, second.body)
		}
		bot.want(http.StatusNoContent, "DELETE", "/api/assets/"+first.text("asset.id")+"/upload", nil)
		bot.want(http.StatusNoContent, "DELETE", assets+"/"+id, nil)
		if names := bot.nodes(); len(names) != 0 {
			t.Errorf("nodes %v", names)
		}

		own := bot.want(http.StatusOK, "GET", "/api/key", nil)
		if own.text("id") != issued.text("api_key.id") || own.text("name") != "nightly backup" || own.text("prefix") != key[:11] || own.get("expires_at") != nil ||
			own.text("org_id") != ben.org || own.text("drive_id") != ben.drive || own.text("drive_name") != "Library" || fmt.Sprint(own.get("permissions")) != "[read write delete]" {
			t.Errorf("%s", own.body)
		}
		bot.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/key", nil, with{"X-API-Key": "pk_" + strings.Repeat("0", 40)})
		ben.refused(http.StatusUnauthorized, "unauthenticated", "GET", "/api/key", nil) // who is no script

		// Another key: of another drive, which it means if it names none.
		private := ben.issue(s.personalDrive(ben.account), "read", "write")
		note := private.upload(object{"name": "note.txt"}, []byte("note"))
		if note.text("drive_id") != private.drive || !slices.Equal(private.nodes(), []string{"note.txt"}) {
			t.Errorf("%s", note.body)
		}
		ben.upload(object{"name": "ben.txt"}, []byte("ben"))
		if names := private.want(http.StatusOK, "GET", assets, nil).list("name"); !slices.Equal(names, []string{"note.txt"}) {
			t.Errorf("assets %v", names)
		}
		if names := bot.want(http.StatusOK, "GET", assets, nil).list("name"); !slices.Equal(names, []string{"ben.txt"}) {
			t.Errorf("assets %v", names)
		}
		twin := private.want(http.StatusCreated, "POST", assets, create, with{"Idempotency-Key": "1"}) // each key has its own
		if twin.text("asset.drive_id") != private.drive || twin.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s", twin.body)
		}

		// What is told of a key, and what is not.
		var list *answer
		eventually(t, "last_used_at of the key", func() bool {
			list = ben.want(http.StatusOK, "GET", keysOf(ben.drive), nil)
			return list.get("items.0.last_used_at") != nil
		})
		if strings.Contains(string(list.body), key) || list.text("items.0.prefix") != key[:11] || len(list.list("id")) != 1 {
			t.Errorf("keys %s", list.body)
		}
		for _, entry := range acme.want(http.StatusOK, "GET", "/api/orgs/"+ben.org+"/audit-log?action=asset.trashed", nil).items() {
			text, _ := json.Marshal(entry) // JSON it was
			for _, want := range []string{`"kind":"api_key"`, ben.account, ben.email, issued.text("api_key.id"), key[:11]} {
				if !bytes.Contains(text, []byte(want)) {
					t.Errorf("no %s in %s", want, text)
				}
			}
		}
		s.anybody().refused(http.StatusUnauthorized, "unauthenticated", "GET", assets+"?api_key="+key+"&q="+key, nil)
		s.anybody().refused(http.StatusNotFound, "not_found", "GET", "/api/"+key, nil)
		if log := s.process.read(); strings.Contains(log, key) || !strings.Contains(log, key[:11]) {
			t.Errorf("the log has the key, or does not name it")
		}
	})
}

// items are those of a list.
func (a *answer) items() []any {
	a.t.Helper()
	items, ok := a.get("items").([]any)
	if !ok || len(items) == 0 {
		a.t.Errorf("%s: no items: %s", a.what, a.body)
	}
	return items
}

func TestAKeyDoesNothingElse(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		acme := ana.found(object{"name": "Acme"})
		file := acme.upload(object{"name": "a.txt"}, []byte("ana")).text("id")
		private := ana.upload(object{"name": "p.txt"}, []byte("private")).text("id")
		assets := "/api/orgs/" + acme.org + "/assets"
		allowed := map[string][]request{
			"read": {
				{"GET", assets, ""},
				{"GET", assets + "/" + file, ""},
				{"GET", "/api/drives/" + acme.drive + "/nodes", ""},
				{"GET", "/api/assets/" + file + "/versions", ""},
				{"POST", "/api/assets/" + file + "/signed-url", ""},
				{"GET", "/api/assets/" + file + "/download", ""},
			},
			"write": {
				{"PATCH", assets + "/" + file, `{"name": "b.txt"}`},
				{"POST", assets, `{"name": "c.txt", "size_bytes": 0, "on_conflict": "rename"}`},
				{"POST", "/api/assets/" + file + "/versions/1/restore", ""},
			},
			"delete": {{"DELETE", assets + "/" + file, ""}},
		}
		for _, has := range []string{"read", "write", "delete"} {
			bot := acme.issue(acme.drive, has)
			for wanted, requests := range allowed {
				for _, r := range requests {
					if a := bot.request(r); wanted != has {
						a.isProblem(http.StatusForbidden, "key_not_allowed")
					} else if a.status >= 300 {
						t.Errorf("%s to %s: %d %s", has, a.what, a.status, a.body)
					}
				}
			}
		}
		writer, all := acme.issue(acme.drive, "write"), acme.issue(acme.drive, "read", "write", "delete")
		made := writer.create(object{"name": "blind.txt", "size_bytes": 5})
		send(t, made.single(), []byte("blind"))
		writer.complete(made)

		// Other drives and orgs are not there, whoever made the key.
		for _, r := range []request{
			{"GET", "/api/drives/" + ana.drive + "/nodes", ""},
			{"GET", "/api/drives/" + s.personalDrive(acme.account) + "/nodes", ""},
			{"GET", "/api/orgs/" + ana.org + "/assets", ""},
			{"GET", "/api/orgs/" + ana.org + "/assets/" + private, ""},
			{"GET", assets + "/" + private, ""},
			{"GET", "/api/assets/" + private + "/download", ""},
			{"POST", "/api/orgs/" + ana.org + "/assets", `{"name": "x", "size_bytes": 1}`},
			{"POST", "/api/orgs/" + ana.org + "/assets", `{"name": "x", "size_bytes": 64000000}`},
			{"POST", assets, `{"name": "x", "size_bytes": 1, "drive_id": "` + ana.drive + `"}`},
			{"POST", assets, `{"name": "x", "size_bytes": 1, "drive_id": "` + s.personalDrive(acme.account) + `"}`},
			{"DELETE", "/api/orgs/" + ana.org + "/assets/" + private, ""},
		} {
			all.request(r).isProblem(http.StatusNotFound, "not_found")
		}
		once := with{"Idempotency-Key": "x"}
		all.refused(http.StatusNotFound, "not_found", "POST", "/api/orgs/"+ana.org+"/assets", object{"name": "x", "size_bytes": 1}, once)
		all.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", assets, object{"name": "x", "size_bytes": 1, "parent_id": ana.drive})
		both := with{"X-API-Key": all.key}
		acme.refused(http.StatusBadRequest, "malformed_request", "GET", assets, nil, both)
		acme.refused(http.StatusBadRequest, "malformed_request", "GET", "/api/me", nil, both)
	})
}

func TestPeopleManageTheKeysThatTheirRoleGives(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		ben, cat, vic := s.hire(ana, s.signUp("ben"), "member"), s.hire(ana, s.signUp("cat"), "member"), s.hire(ana, s.signUp("vic"), "viewer")
		anas, bens := ana.issue(ana.drive, "read"), ben.issue(ana.drive, "read", "write", "delete")
		keys := keysOf(ana.drive)
		for u, want := range map[*user][]string{ana: {bens.id, anas.id}, ben: {bens.id, anas.id}, cat: {bens.id, anas.id}, vic: {bens.id, anas.id}} {
			if got := u.want(http.StatusOK, "GET", keys, nil).list("id"); !slices.Equal(got, want) {
				t.Errorf("%s sees %v, want %v", u.email, got, want)
			}
		}
		for _, r := range []request{{"POST", keys, `{"name": "x", "permissions": ["read"]}`}, {"DELETE", keys + "/" + bens.id, ""}} {
			vic.request(r).isProblem(http.StatusForbidden, "forbidden")
		}
		others := keysOf(s.personalDrive(ben.account))
		for _, r := range []request{{"GET", others, ""}, {"POST", others, `{"name": "x", "permissions": ["read"]}`}, {"DELETE", others + "/" + bens.id, ""}} {
			ana.request(r).isProblem(http.StatusNotFound, "not_found") // a personal drive is its account's alone
		}
		ben.refused(http.StatusForbidden, "forbidden", "DELETE", keys+"/"+anas.id, nil)
		cat.refused(http.StatusForbidden, "forbidden", "DELETE", keys+"/"+bens.id, nil)

		// A key of an editor deletes what the editor may delete.
		file := ana.upload(object{"name": "ana.txt"}, []byte("ana")).text("id")
		bens.refused(http.StatusForbidden, "forbidden", "DELETE", "/api/orgs/"+ana.org+"/assets/"+file, nil)
		first := ana.want(http.StatusOK, "GET", keys+"?limit=1", nil)
		next := ana.want(http.StatusOK, "GET", keys+"?limit=1&cursor="+first.text("next_cursor"), nil)
		if !slices.Equal(append(first.list("id"), next.list("id")...), []string{bens.id, anas.id}) || next.get("next_cursor") != nil {
			t.Errorf("%s\n%s", first.body, next.body)
		}

		answers := race(t, 8, func(int) (*answer, error) { return ana.try("DELETE", keys+"/"+bens.id, nil) })
		count(t, "revoking at once", answers, map[int]int{http.StatusNoContent: 8})
		bens.dead(file)
		revoked := ana.want(http.StatusOK, "GET", keys+"?status=revoked", nil)
		if !slices.Equal(revoked.list("id"), []string{bens.id}) || revoked.text("items.0.revoked_by") != ana.account || revoked.get("items.0.revoked_at") == nil {
			t.Errorf("%s", revoked.body)
		}
		if got := ana.want(http.StatusOK, "GET", keys+"?status=active", nil).list("id"); !slices.Equal(got, []string{anas.id}) {
			t.Errorf("active: %v", got)
		}
		log := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/audit-log?action=api_key.", nil)
		if got := log.list("action"); !slices.Equal(got, []string{"api_key.revoked", "api_key.created", "api_key.created"}) {
			t.Errorf("log %s", log.body)
		}
	})
}

func TestAKeyDiesWithItsMakersRight(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		member := s.hire(ana, ben, "member")
		assets := "/api/orgs/" + ana.org + "/assets"
		file := member.upload(object{"name": "ben.txt"}, []byte("ben")).text("id")
		bot := member.issue(ana.drive, "read", "write", "delete")
		works := func() {
			t.Helper()
			bot.want(http.StatusOK, "PATCH", assets+"/"+file, object{"metadata": object{"tags": []string{"by-script"}}})
			if got := bot.download(file); string(got) != "ben" {
				t.Errorf("%q came down", got)
			}
		}
		works()
		ana.change(member.account, object{"role": "viewer"})
		for _, r := range []request{
			{"PATCH", assets + "/" + file, `{"name": "x.txt"}`}, {"POST", assets, `{"name": "x", "size_bytes": 1}`}, {"DELETE", assets + "/" + file, ""},
		} {
			bot.request(r).isProblem(http.StatusForbidden, "forbidden")
		}
		if got := bot.download(file); string(got) != "ben" {
			t.Errorf("%q came down", got)
		}
		ana.change(member.account, object{"role": "member"})
		works()
		ana.change(member.account, object{"status": "suspended"})
		bot.dead(file)
		ana.change(member.account, object{"status": "active"})
		works()
		s.must("admin", "disable", ben.email)
		bot.dead(file)
		s.must("admin", "enable", ben.email)
		works()
		ana.want(http.StatusNoContent, "DELETE", ana.member(member.account), nil)
		bot.dead(file)
		ben.logIn()
		ana.invite(ben.email, "admin") // begins anew: no key of before works again
		ben.want(http.StatusOK, "POST", "/api/invitations/accept", object{"token": s.mailed(ben.email, "accept-invitation", 2)})
		bot.dead(file)
		if a := ana.want(http.StatusOK, "GET", keysOf(ana.drive)+"?status=revoked", nil); !slices.Equal(a.list("id"), []string{bot.id}) || a.get("items.0.revoked_by") != nil {
			t.Errorf("%s", a.body)
		}

		end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
		short := ana.want(http.StatusCreated, "POST", keysOf(ana.drive), object{"name": "short", "permissions": []string{"read"}, "expires_at": end})
		bot.key = short.text("key")
		if got := bot.download(file); string(got) != "ben" || short.text("api_key.expires_at") != end.Format(time.RFC3339) {
			t.Errorf("%q came down; %s", got, short.body)
		}
		s.restart(settings{"COFFER_CLOCK_OFFSET": "61m"})
		bot.dead(file)
		boss := &user{client: ana.client, email: "ana@example.com"}
		boss.logIn()
		if a := boss.want(http.StatusOK, "GET", keysOf(ana.drive)+"?status=expired", nil); !slices.Equal(a.list("id"), []string{short.text("api_key.id")}) || a.get("items.0.last_used_at") == nil {
			t.Errorf("%s", a.body) // its use was stored when the server stopped, if not before
		}
		last := ana.issue(ana.drive, "read", "write", "delete")
		last.want(http.StatusOK, "GET", assets, nil)
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org, nil)
		last.dead(file)
	})
}
