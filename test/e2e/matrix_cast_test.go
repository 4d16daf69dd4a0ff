package e2e

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

// crowded lets one test ask as often as it likes. The clock is more than a
// membership behind, until what shall have ended has begun.
var crowded = func() settings {
	out := settings{"COFFER_RATE_LIMIT_PER_MINUTE": "0", "COFFER_CLOCK_OFFSET": "-960h"}
	maps.Copy(out, everything)
	return out
}()

// figure is somebody of a kind: a column of the table.
type figure struct {
	*client

	code    string
	account string // in the company
	email   string
	access  map[string]string // share access tokens, by kind of link
	spare   bool              // somebody who is asked once
}

// headers are what the figure's request carries beside its credential. A token
// that is meant for links opens nothing else, however it is sent.
func (p *figure) headers(op documented, link string) with {
	out := with{"User-Agent": "Mozilla/5.0"}
	if p.access == nil {
		return out
	}
	token := p.access["share"]
	if link != "" {
		token = p.access[link]
	}
	if out["X-Share-Access"] = token; len(op.schemes) > 0 {
		out["Authorization"] = "Bearer " + token
	}
	return out
}

const harbour = "harbour"

// castOf founds the company and makes everybody there is.
func castOf(s *server, idp *env.IDP) *matrix {
	s.t.Helper()
	m := &matrix{server: s, idp: idp, kept: ids{}, links: map[string]*link{}, other: map[string]*link{}, mine: map[string]string{}}
	m.boss = s.signUp("boss").found(object{"name": "Acme"})
	late := m.boss.want(http.StatusCreated, "POST", keysOf(m.boss.drive), object{
		"name": "late", "permissions": []string{"read", "write", "delete"}, "expires_at": s.now().Add(time.Hour).UTC().Format(time.RFC3339),
	}).text("key")
	sold := m.boss.folder(m.boss.drive, "/Sold")
	club := m.boss.offers(membership("The club", object{"price": euros(0)}), aFolder(sold))
	ended := s.signUp("be")
	subscription := ended.buys(club).text("transaction.subscription_id")
	ended.want(http.StatusOK, "POST", "/api/subscriptions/"+subscription+"/cancel", nil)
	m.mine["be"] = ended.entitlement(sold)
	s.restart(settings{"COFFER_CLOCK_OFFSET": "0s"})
	m.boss.logIn()
	ended.logIn()
	m.kept["sold"] = m.boss.upload(object{"name": "sold.txt", "drive_id": m.boss.drive, "parent_id": sold}, []byte("sold")).text("id")

	m.joe = s.signUp("joe")
	m.confirm(m.joe.email)
	m.joined()
	people := m.hired()
	buyers := m.buyers(club, sold, ended)
	m.visited()
	m.cast = slices.Concat(m.strangers(), people, m.outside(), m.scripts(late), m.visitors(), buyers, m.spent())
	return m
}

// strangers are nobody, and the owner of another company.
func (m *matrix) strangers() []*figure {
	m.t.Helper()
	u := m.signUp("st")
	u.found(object{"name": "Elsewhere"})
	return []*figure{{code: "no", client: m.anybody()}, {code: "st", client: u.client, email: u.email}}
}

// outside are an operator, and an owner whom an operator has shut out.
func (m *matrix) outside() []*figure {
	m.t.Helper()
	op, di := m.signUp("op"), m.signUp("di")
	m.hire(m.boss, di, "owner")
	m.must("admin", "promote", op.email)
	m.must("admin", "disable", di.email)
	return []*figure{{code: "op", client: op.client, email: op.email}, {code: "di", client: di.client, email: di.email}}
}

// spent are those whose token is a refresh token, and whose session has ended:
// of an owner.
func (m *matrix) spent() []*figure {
	m.t.Helper()
	refresh, over, other := m.anybody(), m.anybody(), *m.boss
	other.client = m.anybody()
	other.logIn()
	over.token, refresh.token = other.token, m.boss.refresh
	over.want(http.StatusNoContent, "POST", "/api/auth/logout", object{"refresh_token": other.refresh})
	return []*figure{{code: "rt", client: refresh}, {code: "es", client: over}}
}

// confirm shows that an address is its user's.
func (m *matrix) confirm(email string) {
	m.t.Helper()
	m.anybody().want(http.StatusNoContent, "POST", "/api/auth/verify-email", object{"token": m.mailed(email, "verify-email", 1)})
}

// joined returns the account of joe as a member, who comes back if he had to go.
func (m *matrix) joined() string {
	m.t.Helper()
	if m.joe.account == "" || m.boss.ask("PATCH", m.boss.member(m.joe.account), object{"role": "member", "status": "active"}).status != http.StatusOK {
		m.joe.account = m.boss.invite(m.joe.email, "member")
		m.joe.want(http.StatusOK, "POST", "/api/invitations/accept", object{"account_id": m.joe.account})
	}
	return m.joe.account
}

// hired are those who have, had or shall have an account in the company.
func (m *matrix) hired() (out []*figure) {
	m.t.Helper()
	for _, is := range []struct{ code, role, status, drive string }{
		{"fo", "admin", "removed", ""},
		{"su", "admin", "suspended", ""},
		{"iv", "admin", "invited", ""},
		{"vw", "viewer", "", ""},
		{"me", "member", "", ""},
		{"ad", "admin", "", ""},
		{"ow", "owner", "", ""},
		{"el", "owner", "", ""},
		{"dv", "member", "", "viewer"},
		{"de", "member", "", "editor"},
		{"da", "member", "", "admin"},
	} {
		u := m.signUp(is.code)
		p := &figure{code: is.code, client: u.client, email: u.email}
		out = append(out, p)
		if is.status == "invited" {
			m.confirm(u.email)
			p.account = m.boss.invite(u.email, is.role)
			continue
		}
		p.account = m.hire(m.boss, u, is.role).account
		switch {
		case is.status == "suspended":
			m.boss.change(p.account, object{"status": is.status})
		case is.status == "removed":
			m.boss.want(http.StatusNoContent, "DELETE", m.boss.member(p.account), nil)
		case is.code == "ow": // all others have their own org as the active one
			p.token = p.want(http.StatusOK, "POST", "/api/auth/switch-org", object{"org_id": m.boss.org}).text("access_token")
		case is.drive != "":
			m.appoint(m.boss.drive, p.account, is.drive)
		}
	}
	return out
}

// appoint gives an account a role in a shared drive of the company.
func (m *matrix) appoint(drive, account, role string) {
	m.t.Helper()
	m.boss.want(http.StatusOK, "PUT", "/api/drives/"+drive+"/members/"+account, object{"role": role})
}

// buyers are somebody who has bought, who had bought, and who has the money back.
func (m *matrix) buyers(club, sold string, ended *user) []*figure {
	m.t.Helper()
	live, refunded := m.signUp("by"), m.signUp("br")
	live.buys(club)
	m.mine["by"] = live.entitlement(sold)
	product := m.boss.offers(article("For ever", nil), aFolder(sold))
	paid := m.boss.sells(product, refunded)
	m.mine["br"] = refunded.entitlement(sold)
	m.boss.refunds(paid, nil)
	return []*figure{
		{code: "by", client: live.client, email: live.email}, {code: "be", client: ended.client, email: ended.email}, {code: "br", client: refunded.client, email: refunded.email},
	}
}

// visited makes links of each kind, and others that are like them.
func (m *matrix) visited() {
	m.t.Helper()
	album := m.boss.folder(m.boss.drive, "/Album")
	file := m.boss.upload(object{"name": "a.txt", "drive_id": m.boss.drive, "parent_id": album}, []byte("alpha")).text("id")
	group := m.boss.grouped(object{"name": "Shared"})
	m.boss.adds(group, file, nil)
	m.kept["shown"], m.kept["album"] = file, album
	for _, set := range []map[string]*link{m.links, m.other} {
		set["share"] = m.boss.shares(album, object{"password": harbour})
		set["request"] = m.boss.shares(album, object{"kind": "upload", "password": harbour})
		set["group"] = m.boss.sharesGroup(group, object{"password": harbour})
	}
}

// visitors are those who know a link, those who have opened another, and those
// who have opened that one.
func (m *matrix) visitors() []*figure {
	m.t.Helper()
	open := func(set map[string]*link) map[string]string {
		out := map[string]string{}
		for kind, l := range set {
			l.opensWith(harbour)
			out[kind] = l.access
		}
		return out
	}
	known := m.anybody()
	known.token = m.links["share"].token
	return []*figure{
		{code: "ln", client: known}, {code: "ac", client: m.anybody(), access: open(m.other)}, {code: "th", client: m.anybody(), access: open(m.links)},
	}
}

// scripts are the keys of the company's drive, and one of another.
func (m *matrix) scripts(late string) (out []*figure) {
	m.t.Helper()
	add := func(code, key string) {
		c := m.anybody()
		c.key = key
		out = append(out, &figure{code: code, client: c})
	}
	all := []string{"read", "write", "delete"}
	add("kr", m.boss.issue(m.boss.drive, "read").key)
	add("kw", m.boss.issue(m.boss.drive, "write").key)
	add("kd", m.boss.issue(m.boss.drive, "delete").key)
	add("ka", m.boss.issue(m.boss.drive, all...).key)
	add("ko", m.boss.issue(strings.TrimPrefix(m.boss.share(object{"name": "Another", "default_role": "editor"}), "/api/drives/"), all...).key)
	over := m.boss.issue(m.boss.drive, all...)
	m.boss.want(http.StatusNoContent, "DELETE", keysOf(m.boss.drive)+"/"+over.id, nil)
	add("kx", over.key)
	add("ke", late)
	return out
}

// spare is a stranger who may be used up.
func (m *matrix) spare() *figure {
	m.t.Helper()
	u := m.signUp(m.fresh())
	return &figure{code: "st", client: u.client, email: u.email, spare: true}
}
