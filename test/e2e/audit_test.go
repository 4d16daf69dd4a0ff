package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestTheAuditLogSaysWhoDidWhat(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme", "slug": "acme"})
		want := []string{fmt.Sprintf("account %s %s org.created org %s 127.0.0.1 {}", ana.account, ana.email, ana.org)}
		note := func(who *user, action, kind, id, changes string) {
			want = append(want, fmt.Sprintf("account %s %s %s %s %s 127.0.0.1 %s", who.account, who.email, action, kind, id, changes))
		}
		hired := func(u *user, role string) {
			note(ana, "account.invited", "account", u.account, `{"email":{"from":null,"to":"`+u.email+`"},"role":{"from":null,"to":"`+role+`"}}`)
			note(u, "account.joined", "account", u.account, `{}`)
		}
		org := "/api/orgs/" + ana.org
		ana.want(http.StatusOK, "PATCH", org, object{"slug": "acme-works"})
		note(ana, "org.updated", "org", ana.org, `{"slug":{"from":"acme","to":"acme-works"}}`)
		ben := s.hire(ana, s.signUp("=1+1"), "member") // an address that a spreadsheet would compute
		hired(ben, "member")
		cat := s.hire(ana, s.signUp("cat"), "viewer")
		hired(cat, "viewer")
		file := ben.upload(object{"name": "a.txt"}, []byte("a")).text("id")
		note(ben, "asset.uploaded", "asset", file, `{"name":{"from":null,"to":"a.txt"},"size_bytes":{"from":null,"to":1},"version":{"from":null,"to":1}}`)
		ben.want(http.StatusNoContent, "DELETE", org+"/assets/"+file, nil)
		note(ben, "asset.trashed", "asset", file, `{}`)
		for _, c := range []struct{ member, from, to string }{{"role", "member", "admin"}, {"status", "active", "suspended"}, {"status", "suspended", "active"}} {
			ana.change(ben.account, object{c.member: c.to})
			note(ana, "account.updated", "account", ben.account, `{"`+c.member+`":{"from":"`+c.from+`","to":"`+c.to+`"}}`)
		}
		ana.change(ben.account, object{"role": "admin"}) // no change
		ana.refused(http.StatusConflict, "last_owner", "POST", org+"/leave", nil)
		ana.want(http.StatusNoContent, "POST", org+"/transfer-ownership", object{"account_id": ben.account})
		note(ana, "org.transferred", "account", ben.account, `{"role":{"from":"admin","to":"owner"}}`)
		note(ana, "org.transferred", "account", ana.account, `{"role":{"from":"owner","to":"admin"}}`)
		cat.want(http.StatusNoContent, "POST", org+"/leave", nil)
		note(cat, "account.left", "account", cat.account, `{"status":{"from":"active","to":"removed"}}`)
		s.must("license", "assign", ana.org, "starter")
		want = append(want, fmt.Sprintf(`system <nil>  license.assigned org %s  {"license":{"from":"free","to":"starter"}}`, ana.org))
		ben.want(http.StatusNoContent, "DELETE", ben.member(ana.account), nil)
		note(ben, "account.removed", "account", ana.account, `{"status":{"from":"active","to":"removed"}}`)

		slices.Reverse(want) // newest first
		got := ben.audit("", "")
		if !slices.Equal(got, want) {
			t.Errorf("entries:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got := ben.audit("&limit=3", ""); !slices.Equal(got, want) {
			t.Errorf("by pages of three:\n%s", strings.Join(got, "\n"))
		}
		for query, text := range map[string]string{
			"&action=account.updated": " account.updated ", "&action=account.": " account.", "&actor=" + ana.account: " " + ana.email + " ", "&to=2001-01-01T00:00:00Z": "never",
		} {
			kept := slices.DeleteFunc(slices.Clone(want), func(e string) bool { return !strings.Contains(e, text) })
			if got := ben.audit(query, ""); !slices.Equal(got, kept) {
				t.Errorf("%s:\n%s\nwant:\n%s", query, strings.Join(got, "\n"), strings.Join(kept, "\n"))
			}
		}
		for _, u := range []*user{ana, cat, s.signUp("eve")} { // gone, gone and a stranger
			u.refused(http.StatusNotFound, "not_found", "GET", org+"/audit-log", nil)
			u.refused(http.StatusNotFound, "not_found", "GET", org+"/audit-log?format=csv", nil)
		}
		ben.exportMust(len(want))
	})
}

// audit returns all entries of the org's audit log, page by page.
func (u *user) audit(query, cursor string) []string {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", "/api/orgs/"+u.org+"/audit-log?cursor="+url.QueryEscape(cursor)+query, nil)
	var out []string
	for i := range a.list("id") {
		at := func(name string) any { return a.get(fmt.Sprintf("items.%d.%s", i, name)) }
		changes, err := json.Marshal(at("changes"))
		if err != nil {
			u.t.Fatal(err)
		}
		out = append(out, fmt.Sprint(at("actor.kind"), " ", at("actor.account_id"), " ", at("actor.email"), " ", at("action"), " ", at("target.kind"), " ",
			at("target.id"), " ", at("address"), " ", string(changes)))
	}
	if next, ok := a.get("next_cursor").(string); ok {
		out = append(out, u.audit(query, next)...)
	}
	return out
}

// exportMust checks the audit log as a file: as many entries, newest first,
// after a line that names the columns, and nothing a spreadsheet would compute.
func (u *user) exportMust(entries int) {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", "/api/orgs/"+u.org+"/audit-log?format=csv&limit=1", nil)
	if !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		u.t.Errorf("headers %v", a.header)
	}
	rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	if err != nil || len(rows) != entries+1 {
		u.t.Fatalf("%d rows, want %d and a header: %v\n%s", len(rows), entries, err, a.body)
	}
	if head := "id,at,actor_kind,actor_account_id,actor_email,action,target_kind,target_id,address,changes"; !strings.HasPrefix(string(a.body), head+"\r\n") {
		u.t.Errorf("header %q", rows[0])
	}
	evil := false
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
				u.t.Errorf("a spreadsheet computes %q", cell)
			}
			evil = evil || cell == "'=1+1@example.com"
		}
	}
	if !evil || rows[1][5] != "account.removed" || rows[entries][5] != "org.created" {
		u.t.Errorf("%s", a.body)
	}
}
