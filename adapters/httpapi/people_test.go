package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	orgURL     = "/api/orgs/00000000-0000-0000-0000-000000000003"
	memberURL  = orgURL + "/members/00000000-0000-0000-0000-000000000007"
	invitedURL = orgURL + "/invitations/00000000-0000-0000-0000-000000000008"
	account7   = "00000000-0000-0000-0000-000000000007"
)

func TestPeopleRoutesTakeWhatTheyDescribe(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, body string
		code, location     string
	}{
		"switch without an org":        {"POST", "/api/auth/switch-org", `{}`, "validation_failed", "body.org_id"},
		"switch to what is no id":      {"POST", "/api/auth/switch-org", `{"org_id":"x"}`, "validation_failed", "body.org_id"},
		"verify nothing":               {"POST", "/api/auth/verify-email", `{"token":""}`, "validation_failed", "body.token"},
		"forgot nobody":                {"POST", "/api/auth/password/forgot", `{}`, "validation_failed", "body.email"},
		"reset to a short password":    {"POST", "/api/auth/password/reset", `{"token":"t","password":"short"}`, "validation_failed", "body.password"},
		"change to a short password":   {"PUT", "/api/me/password", `{"new_password":"short"}`, "validation_failed", "body.new_password"},
		"a user without a name":        {"PATCH", "/api/me", `{"name":null}`, "validation_failed", "body.name"},
		"a goodbye with a long code":   {"DELETE", "/api/me", `{"totp_code":"` + strings.Repeat("1", 65) + `"}`, "validation_failed", "body.totp_code"},
		"deleted orgs or not":          {"GET", "/api/orgs?deleted=perhaps", "", "validation_failed", "query.deleted"},
		"a user with another address":  {"PATCH", "/api/me", `{"email":"x@example.com"}`, "validation_failed", "body.email"},
		"an org without a name":        {"POST", "/api/orgs", `{"slug":"abc"}`, "validation_failed", "body.name"},
		"an org with a strange slug":   {"POST", "/api/orgs", `{"name":"A","slug":"a b c"}`, "validation_failed", "body.slug"},
		"a strange role":               {"PATCH", memberURL, `{"role":"king"}`, "validation_failed", "body.role"},
		"no role":                      {"PATCH", memberURL, `{"role":null}`, "validation_failed", "body.role"},
		"no status":                    {"PATCH", memberURL, `{"status":null}`, "validation_failed", "body.status"},
		"an empty role":                {"PATCH", memberURL, `{"role":""}`, "validation_failed", "body.role"},
		"a status that is not set":     {"PATCH", memberURL, `{"status":"removed"}`, "validation_failed", "body.status"},
		"an invitation as nothing":     {"POST", orgURL + "/invitations", `{"email":"x@example.com"}`, "validation_failed", "body.role"},
		"an invitation of nobody":      {"POST", orgURL + "/invitations", `{"email":"nobody","role":"member"}`, "validation_failed", "body.email"},
		"an acceptance of nothing":     {"POST", "/api/invitations/accept", `{}`, "validation_failed", "body"},
		"an acceptance of two things":  {"POST", "/api/invitations/accept", `{"token":"t","account_id":"` + account7 + `"}`, "validation_failed", "body"},
		"a transfer to nobody":         {"POST", orgURL + "/transfer-ownership", `{}`, "validation_failed", "body.account_id"},
		"a log of what is no account":  {"GET", orgURL + "/audit-log?actor=x", "", "validation_failed", "query.actor"},
		"a log since no time":          {"GET", orgURL + "/audit-log?from=yesterday", "", "validation_failed", "query.from"},
		"a log in an unknown format":   {"GET", orgURL + "/audit-log?format=xml", "", "validation_failed", "query.format"},
		"a log from another's cursor":  {"GET", orgURL + "/audit-log?cursor=AAAA", "", "cursor_invalid", "query.cursor"},
		"members from another's place": {"GET", orgURL + "/members?cursor=AAAA", "", "cursor_invalid", "query.cursor"},
	} {
		t.Run(name, func(t *testing.T) {
			p := problemIn(t, newFixture(t).call(c.method, c.path, c.body, signedIn), 422, c.code)
			if got := fmt.Sprint(p["errors"]); !strings.Contains(got, "location:"+c.location+" ") {
				t.Errorf("errors = %s", got)
			}
		})
	}
}

func TestWhatIsNotPublicNeedsACredential(t *testing.T) {
	f := newFixture(t)
	for path, item := range f.api.OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			w := f.call(op.Method, strings.NewReplacer("{", "", "}", "").Replace(path), "")
			if public := len(op.Security) == 0; public == (w.Code == 401) && op.OperationID != "logIn" {
				t.Errorf("%s: %d %s", op.OperationID, w.Code, w.Body)
			}
		}
	}
}

func TestAUserIsRenamed(t *testing.T) {
	for _, c := range []struct {
		body, match string
		status      int
		tag, name   string
	}{
		{`{"name":" Anna "}`, "", 200, `"4"`, "Anna"},
		{`{"name":"Anna"}`, `"3"`, 200, `"4"`, "Anna"},
		{`{"name":"Anna"}`, `"1", "3"`, 200, `"4"`, "Anna"},
		{`{"name":"Anna"}`, `"2"`, 412, "", ""},
		{`{}`, "", 200, `"3"`, "Ana"},
		{`{}`, `"2"`, 412, "", ""},
	} {
		w := newFixture(t).call("PATCH", "/api/me", c.body, signedIn, "If-Match: "+c.match)
		if w.Code != c.status || w.Header().Get("ETag") != c.tag || c.name != "" && !strings.Contains(w.Body.String(), `"name":"`+c.name+`"`) {
			t.Errorf("%s %s: %d %s %s", c.body, c.match, w.Code, w.Header().Get("ETag"), w.Body)
		}
	}
}

func TestTheLastOwnerOfOrgsIsToldWhich(t *testing.T) {
	f := newFixture(t)
	p := problemIn(t, f.call("DELETE", "/api/me", `{}`, signedIn), 409, "last_owner")
	if got := fmt.Sprint(p["orgs"]); got != "[map[id:00000000-0000-0000-0000-000000000003 name:Studio]]" {
		t.Errorf("orgs = %s", got)
	}
	if f.store.people.user.Deleted() || f.store.people.account(6).Status != core.AccountActive {
		t.Errorf("%+v", f.store.people)
	}
}

func TestADeletedOrgIsListedAndRestored(t *testing.T) {
	const restore, deleted = orgURL + "/restore", "/api/orgs?deleted=true"
	f := newFixture(t)
	problemIn(t, f.call("POST", restore, "", signedIn), 409, "org_not_deleted")
	if got := f.call("GET", deleted, "", signedIn).Body.String(); got != `{"items":[],"next_cursor":null}` {
		t.Errorf("got %s", got)
	}
	f.store.people.org.DeletedAt = now.Add(-59 * time.Minute)
	const when = `"deleted_at":"2026-11-22T08:01:00Z","purge_at":"2026-11-22T09:01:00Z","default_drive_id":"00000000-0000-0000-0000-000000000004"}`
	if got := f.call("GET", deleted, "", signedIn).Body.String(); !strings.Contains(got, when) {
		t.Errorf("got %s", got)
	}
	if w := f.call("POST", restore, "", signedIn); w.Code != 204 || f.store.people.org.Deleted() {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	f.store.people.org.DeletedAt = now.Add(-time.Hour)
	problemIn(t, f.call("POST", restore, "", signedIn), 410, "org_deleted")
	f.store.people.org.DeletedAt, f.store.people.account(6).Role = now, core.OrgAdmin
	problemIn(t, f.call("POST", restore, "", signedIn), 404, "not_found")
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	f := newFixture(t)
	const second = `{"id":"00000000-0000-0000-0000-000000000003","user_agent":"curl/8","address":"192.0.2.7","created_at":"2026-11-22T09:00:00Z",` +
		`"last_seen_at":"2026-11-22T09:00:00Z","expires_at":"2026-11-22T10:00:00Z","current":false}`
	body := f.call("GET", "/api/me/sessions", "", signedIn).Body.String()
	if !strings.Contains(body, second) || strings.Count(body, `"current":true`) != 1 || !strings.HasSuffix(body, `"next_cursor":null}`) {
		t.Errorf("got %s", body)
	}
	sessions := "/api/me/sessions/00000000-0000-0000-0000-00000000000"
	problemIn(t, f.call("DELETE", sessions+"4", "", signedIn), 404, "not_found")
	problemIn(t, f.call("DELETE", sessions+"0", "", signedIn), 404, "not_found")
	if len(f.store.people.ended) > 0 {
		t.Fatalf("ended %v", f.store.people.ended)
	}
	for _, path := range []string{sessions + "2", "/api/me/sessions"} {
		if w := f.call("DELETE", path, "", signedIn); w.Code != 204 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if got := fmt.Sprint(f.store.people.ended); got != fmt.Sprint([]core.SessionID{id[core.Session](2), id[core.Session](3)}) {
		t.Errorf("ended %s", got)
	}
}

func TestAnOrgIsCreated(t *testing.T) {
	f := newFixture(t)
	w := f.call("POST", "/api/orgs", `{"name":"Example Studio","slug":"Example-Studio"}`, signedIn)
	for _, want := range []string{
		`"name":"Example Studio","slug":"example-studio","is_personal":false,"role":"owner"`, `"settings":{"time_zone":null,"sharing":{"max_days":null,"password_required":false}}`,
		`"branding":{"logo_asset_id":null,"primary_color":null,"accent_color":null}`, `"account":{"id":"`, `"drive":{"id":"`, `"name":"Personal"`,
		`"library":{"id":"`, `"owner_account_id":null,"name":"Library"`,
	} {
		if w.Code != 201 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is not in %d %s", want, w.Code, w.Body)
		}
	}
	if h := w.Header(); h.Get("ETag") != `"1-owner"` || h.Get("Location") != "/api/orgs/00000000-0000-0000-0000-0000000000c8" {
		t.Errorf("header %v", h)
	}
	problemIn(t, f.call("POST", "/api/orgs", `{"name":"A","slug":"taken"}`, signedIn), 409, "slug_taken")
	problemIn(t, f.call("POST", "/api/orgs", `{"name":"A"}`, signedIn, "Idempotency-Key: a b"), 422, "validation_failed")
}

func TestAnOrgIsPatched(t *testing.T) {
	const zone, brand = `"settings":{"time_zone":"Europe/Berlin","sharing":{"max_days":null,"password_required":false}}`, `"branding":{"logo_asset_id":null,"primary_color":"#112233","accent_color":"#445566"}`
	const noZone, noBrand = `"settings":{"time_zone":null,"sharing":{"max_days":null,"password_required":false}}`, `"branding":{"logo_asset_id":null,"primary_color":null,"accent_color":null}`
	for body, want := range map[string][]string{
		`{}`:                              {`"name":"Studio","slug":"studio"`, zone, brand},
		`{"name":"Atelier"}`:              {`"name":"Atelier","slug":"studio"`, zone, brand},
		`{"slug":"ATELIER"}`:              {`"name":"Studio","slug":"atelier"`, zone, brand},
		`{"settings":{}}`:                 {zone, brand},
		`{"settings":null}`:               {noZone, brand},
		`{"settings":{"time_zone":null}}`: {noZone, brand},
		`{"settings":{"sharing":{"max_days":30,"password_required":true}}}`: {`"settings":{"time_zone":"Europe/Berlin","sharing":{"max_days":30,"password_required":true}}`, brand},
		`{"settings":{"time_zone":"Asia/Tokyo"}}`:                           {`"settings":{"time_zone":"Asia/Tokyo","sharing":{"max_days":null,"password_required":false}}`, brand},
		`{"branding":null}`: {zone, noBrand},
		`{"branding":{}}`:   {zone, noBrand},
		`{"branding":{"primary_color":"#ABCDEF","accent_color":null,"logo_asset_id":null}}`: {zone, `"branding":{"logo_asset_id":null,"primary_color":"#abcdef","accent_color":null}`},
		`{"branding":{"logo_asset_id":"00000000-0000-0000-0000-000000000005"}}`:             {`"branding":{"logo_asset_id":"00000000-0000-0000-0000-000000000005","primary_color":null`},
	} {
		f := newFixture(t)
		w := f.call("PATCH", orgURL, body, signedIn)
		for _, part := range want {
			if w.Code != 200 || !strings.Contains(w.Body.String(), part) || w.Header().Get("ETag") != `"2-owner"` {
				t.Errorf("%s: %d %s, without %s", body, w.Code, w.Body, part)
			}
		}
		if log := f.store.people.log; len(log) != 1 || log[0].Address != "192.0.2.1" {
			t.Errorf("%s: the log does not say from where: %v", body, log)
		}
	}
	for _, body := range []string{
		`{"name":null}`, `{"slug":null}`, `{"slug":"a_b"}`, `{"settings":5}`, `{"settings":{"time_zone":"Mars"}}`, `{"settings":{"zone":"UTC"}}`,
		`{"settings":{"sharing":{"max_days":0}}}`, `{"settings":{"sharing":{"max_days":36501}}}`, `{"settings":{"sharing":{"days":1}}}`,
		`{"branding":{"primary_color":"red"}}`, `{"branding":{"logo_asset_id":"x"}}`, `{"branding":[]}`, `{"is_personal":true}`,
	} {
		problemIn(t, newFixture(t).call("PATCH", orgURL, body, signedIn), 422, "validation_failed")
	}
}

func TestAnOrgsTagNamesTheRole(t *testing.T) {
	for header, status := range map[string]int{
		``: 200, `"1-owner"`: 200, `*`: 200, `"9-owner", "1-owner"`: 200, `"1"`: 412, `"1-admin"`: 412, `"2-owner"`: 412, `W/"1-owner"`: 412, `x`: 412,
	} {
		w := newFixture(t).call("PATCH", orgURL, `{"name":"A"}`, signedIn, "If-Match: "+header)
		if w.Code != status {
			t.Errorf("PATCH, %s: %d %s", header, w.Code, w.Body)
		}
		f := newFixture(t)
		w = f.call("DELETE", orgURL, "", signedIn, "If-Match: "+header)
		if deleted := status == 200; (w.Code == 204) != deleted || (w.Code == 412) == deleted || f.store.people.org.Deleted() != deleted {
			t.Errorf("DELETE, %s: %d %s", header, w.Code, w.Body)
		}
	}
}

func TestWishesOfPeopleKeepTheirAnswers(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/api/orgs", nil)
	r.Header.Set("Idempotency-Key", "k")
	ctx := context.WithValue(t.Context(), requestKey{}, &request{http: r})
	key := OnceInput{IdempotencyKey: "k"}
	invite, err := once(ctx, key, invited((*org.Service)(nil).Invite))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := invite.Encode(ports.Member{Email: "ben@example.com"}); err != nil || !strings.Contains(string(got), `"email":"ben@example.com"`) {
		t.Errorf("an invitation: %s, %v", got, err)
	}
	create, err := once(ctx, key, showCreatedOrg)
	if err != nil {
		t.Fatal(err)
	}
	made := &org.Created{Org: &core.Org{Name: "A"}, Account: &core.Account{}, Library: &core.Drive{}, Personal: &core.Drive{}}
	if got, err := create.Encode(made); err != nil || !strings.Contains(string(got), `"name":"A"`) {
		t.Errorf("an org: %s, %v", got, err)
	}
}
