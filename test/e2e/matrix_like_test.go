package e2e

import (
	"net/http"
	"slices"

	"github.com/seed-755a8038/coffer/test/env"
)

// sampled are the rows for which those are asked who have no column, because they
// are like somebody who has: one or two of each kind of thing, and of each answer.
var sampled = []string{
	"assignLicense", "createAsset", "getAsset", "deleteAsset", "downloadAsset:sold", "listAuditLog", "inviteMember:owner", "updateMember", "getOrg", "listOrgs", "createOrg",
	"acceptInvitation", "createDrive", "listNodes:personal", "createFolder:closed", "changeNodes:trash", "createShare", "createApiKey", "getGroup:hidden", "createGroup",
	"getDataset:restricted", "beginIngest", "createProduct", "createTransaction", "getTransaction", "createWebhook", "createReport", "getPublicShare", "listPublicShare",
}

// likes are those who have no column, each with the column of whom they are like.
func (m *matrix) likes() []struct {
	column string
	who    *figure
} {
	m.t.Helper()
	foreign := func(name string, verified bool) *figure {
		return &figure{code: name, client: m.bearer(m.idp, env.Person{Subject: name, Email: name + "@example.com", Verified: verified}, nil)}
	}
	owner, viewer := foreign("foreign-owner", true), foreign("foreign-viewer", true)
	for role, p := range map[string]*figure{"owner": owner, "viewer": viewer} {
		email := p.want(http.StatusOK, "GET", "/api/me", nil).text("email") // makes the user
		m.hire(m.boss, &user{client: p.client, email: email}, role)
	}
	confirmed := m.signUp("confirmed")
	m.confirm(confirmed.email)
	founder := &figure{code: "unconfirmed-owner", client: m.boss.client}
	for verified, c := range map[bool]*client{true: confirmed.client, false: founder.client} {
		if me := c.want(http.StatusOK, "GET", "/api/me", nil); me.get("email_verified") != verified {
			m.t.Errorf("want %v: %s", verified, me.body)
		}
	}
	return []struct {
		column string
		who    *figure
	}{
		{"el", owner},
		{"vw", viewer},
		{"st", foreign("foreign-stranger", true)},
		{"di", foreign("foreign-unconfirmed", false)},
		{"ow", founder},
		{"st", &figure{code: "confirmed-stranger", client: confirmed.client}},
	}
}

// compare checks that those who have no column are answered like those of whom
// permissions.txt says that they are alike.
func (m *matrix) compare(want *table, document map[string]documented) {
	m.t.Helper()
	for _, like := range m.likes() {
		column := slices.Index(want.columns, like.column)
		for _, name := range sampled {
			r, ok := want.rows[name]
			if !ok {
				m.t.Fatalf("permissions.txt has no row %s", name)
			}
			cells, said := m.has([]*figure{like.who}, name, document[operationOf(name)], func(string) bool { return true })
			if cells[0] != r.cells[column] {
				m.t.Errorf("%s, %s: %s, and %s is told %s: %v", name, like.who.code, cells[0], like.column, r.cells[column], said)
			}
		}
	}
}
