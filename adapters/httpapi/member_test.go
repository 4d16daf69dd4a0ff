package httpapi

import (
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/core"
)

func TestMembersAreListedAndChanged(t *testing.T) {
	f := newFixture(t)
	const ben = `{"id":"00000000-0000-0000-0000-000000000007","org_id":"00000000-0000-0000-0000-000000000003","user_id":"00000000-0000-0000-0000-000000000002",` +
		`"email":"ben@example.com","name":"","role":"member","status":"active","invited_by":"00000000-0000-0000-0000-000000000006","version":4,` +
		`"created_at":"2026-11-22T09:00:00Z","updated_at":"2026-11-22T09:00:00Z"}`
	var first page[memberBody]
	if err := decode(f.call("GET", orgURL+"/members?limit=1", "", signedIn).Body.Bytes(), &first); err != nil || len(first.Items) != 1 || first.NextCursor == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	got := f.call("GET", orgURL+"/members?cursor="+*first.NextCursor, "", signedIn).Body.String()
	if got != `{"items":[`+ben+`],"next_cursor":null}` {
		t.Errorf("got  %s\nwant %s", got, ben)
	}
	if got = f.call("GET", orgURL+"/invitations", "", signedIn).Body.String(); !strings.Contains(got, `"user_id":null,"email":"cleo@example.com","name":"","role":"viewer","status":"invited"`) {
		t.Errorf("invitations: %s", got)
	}
	w := f.call("PATCH", memberURL, `{"role":"admin","status":"suspended"}`, signedIn)
	if w.Code != 200 || w.Header().Get("ETag") != `"5"` || !strings.Contains(w.Body.String(), `"name":"Ben","role":"admin","status":"suspended"`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	problemIn(t, f.call("PATCH", strings.Replace(memberURL, "7", "6", 1), `{"role":"admin"}`, signedIn), 409, "last_owner")
	problemIn(t, f.call("PATCH", strings.Replace(memberURL, "7", "8", 1), `{"status":"suspended"}`, signedIn), 409, "account_state")
	problemIn(t, f.call("POST", orgURL+"/transfer-ownership", `{"account_id":"`+account7+`"}`, signedIn), 409, "account_state")
	problemIn(t, f.call("POST", orgURL+"/leave", "", signedIn), 409, "last_owner")
}

func TestAMembersTag(t *testing.T) {
	for header, status := range map[string]int{
		``: 200, `"4"`: 200, `*`: 200, `"1", "4"`: 200, `"3"`: 412, `W/"4"`: 412, `"1", "2"`: 412, `x`: 412,
	} {
		w := newFixture(t).call("PATCH", memberURL, `{"role":"viewer"}`, signedIn, "If-Match: "+header)
		if w.Code != status {
			t.Errorf("PATCH, %s: %d %s", header, w.Code, w.Body)
		}
		f := newFixture(t)
		f.store.people.account(7).Status = core.AccountInvited // whose version is found, too
		if w := f.call("DELETE", memberURL, "", signedIn, "If-Match: "+header); (w.Code == 412) != (status == 412) {
			t.Errorf("DELETE, %s: %d %s", header, w.Code, w.Body)
		}
	}
	for _, n := range []string{"5", "9"} { // before the others, and after them
		problemIn(t, newFixture(t).call("DELETE", strings.Replace(memberURL, "7", n, 1), "", signedIn, `If-Match: "1", "2"`), 404, "not_found")
	}
}

func TestTheIDBefore(t *testing.T) {
	for text, want := range map[string]string{
		"00000000-0000-0000-0000-000000000007": "00000000-0000-0000-0000-000000000006",
		"00000000-0000-0000-0001-000000000000": "00000000-0000-0000-0000-ffffffffffff",
		"00000000-0000-0000-0000-000000000000": "ffffffff-ffff-ffff-ffff-ffffffffffff", // after which nothing comes
	} {
		given, err := core.ParseID[core.Account](text)
		if got := before(given).String(); err != nil || got != want {
			t.Errorf("before %s: %s, %v", text, got, err)
		}
	}
}

func TestAnInvitationIsWithdrawnButNoMember(t *testing.T) {
	f := newFixture(t)
	f.store.people.account(8).Status = core.AccountActive // accepted meanwhile
	problemIn(t, f.call("DELETE", invitedURL, "", signedIn), 404, "not_found")
	problemIn(t, f.call("DELETE", strings.Replace(invitedURL, "8", "7", 1), "", signedIn), 404, "not_found")
	if f.store.people.account(8).Status != core.AccountActive || f.store.people.account(7).Status != core.AccountActive {
		t.Error("a member is gone")
	}
	f.store.people.account(8).Status = core.AccountInvited
	if w := f.call("DELETE", invitedURL, "", signedIn); w.Code != 204 || f.store.people.account(8).Status != core.AccountRemoved {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAnInvitationIsAccepted(t *testing.T) {
	const accept, cleo = "/api/invitations/accept", `{"account_id":"00000000-0000-0000-0000-000000000008"}`
	f := newFixture(t)
	problemIn(t, f.call("POST", accept, cleo, signedIn), 403, "invitation_for_another")
	problemIn(t, f.call("POST", accept, `{"account_id":"`+account7+`"}`, signedIn), 404, "not_found")
	f.store.people.account(8).InvitedEmail = "ana@example.com"
	const named = `"org":{"id":"00000000-0000-0000-0000-000000000003","name":"Studio","slug":"studio","is_personal":false},"drive_id":`
	if got := f.call("GET", "/api/me/invitations", "", signedIn).Body.String(); !strings.Contains(got, `"user_id":null,"role":"viewer","status":"invited"`) || !strings.Contains(got, named+"null}") {
		t.Errorf("invitations: %s", got)
	}
	w := f.call("POST", accept, cleo, signedIn)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"user_id":"00000000-0000-0000-0000-000000000001","role":"viewer","status":"active"`) || !strings.HasSuffix(w.Body.String(), named+`"00000000-0000-0000-0000-0000000000c8"}`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := f.call("GET", "/api/me/accounts", "", signedIn).Body.String(); strings.Count(got, named) != 2 {
		t.Errorf("accounts: %s", got)
	}
}
