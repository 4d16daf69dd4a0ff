package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"testing"
)

// mailed waits for the n-th mail to the address, since the server's start, that
// has a link to the page, and returns the link's token. A server in development
// shows such links on its console.
func (s *server) mailed(to, page string, n int) string {
	s.t.Helper()
	mail := regexp.MustCompile(`(?m)^mail to ` + regexp.QuoteMeta(to) + `: .*\n +(http\S+/` + page + `\?\S+)$`)
	var found [][]string
	eventually(s.t, fmt.Sprintf("mail %d to %s about %s", n, to, page), func() bool {
		found = mail.FindAllStringSubmatch(s.process.read(), -1)
		return len(found) >= n
	})
	link, err := url.Parse(found[n-1][1])
	if err != nil || len(found) > n || link.Scheme+"://"+link.Host != s.url || link.Query().Get("token") == "" {
		s.t.Fatalf("mails to %s about %s: %q, %v", to, page, found, err)
	}
	return link.Query().Get("token")
}

// found makes the user an org for several people, and returns the user as its
// owner: org, drive (the Library) and account are those of the org.
func (u *user) found(org object) *user {
	u.t.Helper()
	a := u.want(http.StatusCreated, "POST", "/api/orgs", org)
	return &user{client: u.client, email: u.email, org: a.text("id"), drive: a.text("library.id"), account: a.text("account_id")}
}

// invite opens the org to an address and returns the account.
func (u *user) invite(email, role string) string {
	u.t.Helper()
	a := u.want(http.StatusCreated, "POST", "/api/orgs/"+u.org+"/invitations", object{"email": email, "role": role})
	if a.text("status") != "invited" || a.text("role") != role || a.text("email") != email || a.get("user_id") != nil || a.text("invited_by") != u.account {
		u.t.Errorf("invitation %s", a.body)
	}
	return a.text("id")
}

// hire makes the other user a member of the org, by the mailed link, and
// returns them as such. It is the address's first invitation.
func (s *server) hire(boss, other *user, role string) *user {
	s.t.Helper()
	account := boss.invite(other.email, role)
	a := other.want(http.StatusOK, "POST", "/api/invitations/accept", object{"token": s.mailed(other.email, "accept-invitation", 1)})
	if a.text("account.id") != account || a.text("account.status") != "active" || a.text("account.role") != role || a.text("org.id") != boss.org {
		s.t.Errorf("membership %s", a.body)
	}
	return &user{client: other.client, email: other.email, org: boss.org, drive: boss.drive, account: account}
}

// member is the path of an account in the user's org.
func (u *user) member(account string) string { return "/api/orgs/" + u.org + "/members/" + account }

// change changes the account in the user's org.
func (u *user) change(account string, to object) *answer {
	u.t.Helper()
	return u.want(http.StatusOK, "PATCH", u.member(account), to)
}

// personalDrive returns the drive of the account, as the database has it.
func (s *server) personalDrive(account string) (id string) {
	s.t.Helper()
	if err := s.database().QueryRowContext(s.t.Context(), "SELECT id FROM drives WHERE owner_account_id = $1", account).Scan(&id); err != nil {
		s.t.Fatal(err)
	}
	return id
}

// must runs a command of the program, which must succeed.
func (s *server) must(args ...string) {
	s.t.Helper()
	if code, stdout, stderr := s.run(args...); code != 0 {
		s.t.Fatalf("coffer %v: exit code %d: %s%s", args, code, stdout, stderr)
	}
}

// count checks how many answers have the status.
func count(t *testing.T, what string, answers []*answer, want map[int]int) {
	t.Helper()
	got := statuses(answers)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
