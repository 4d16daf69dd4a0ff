package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// standings are what somebody can be to the company. Each action is tried by
// those who may least first, since owners may end it.
var standings = []string{"owner", "admin", "member", "viewer", "suspended", "removed", "invited", "stranger"}

const (
	yes  = http.StatusOK // and 201, 204
	no   = http.StatusForbidden
	gone = http.StatusNotFound // nothing of the organisation is there
)

// roleTable says what each may do, cell by cell. Who had been let go, and who
// has not come yet, had been an admin, or shall be one.
var roleTable = []struct {
	action string
	want   [8]int
	do     func(c *cast, u *user) *answer
}{
	//                          owner admin member viewer suspended removed invited stranger
	{"view the organisation", [8]int{yes, yes, yes, yes, gone, gone, gone, gone}, (*cast).view},
	{"list its members", [8]int{yes, yes, yes, yes, gone, gone, gone, gone}, (*cast).members},
	{"upload a file", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).upload},
	{"delete one's own file", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).deleteOwn},
	{"delete another's file", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).deleteAny},
	{"share a file", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).shares},
	{"see a file's links", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).links},
	{"change a link", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).changeLink},
	{"see who used a link", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).linkLog},
	{"see what visitors do with a link", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).linkTraffic},
	{"revoke a link", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).revokeLink},
	{"invite somebody", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).invites},
	{"invite an owner", [8]int{yes, no, no, no, gone, gone, gone, gone}, (*cast).invitesOwner},
	{"see the invitations", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).invitations},
	{"withdraw an invitation", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).withdraw},
	{"change a member's role", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).changeMember},
	{"suspend a member", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).suspend},
	{"make an owner", [8]int{yes, no, no, no, gone, gone, gone, gone}, (*cast).makeOwner},
	{"change an owner", [8]int{yes, no, no, no, gone, gone, gone, gone}, (*cast).changeOwner},
	{"remove a member", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).remove},
	{"remove an owner", [8]int{yes, no, no, no, gone, gone, gone, gone}, (*cast).removeOwner},
	{"see the products", [8]int{yes, yes, yes, yes, gone, gone, gone, gone}, (*cast).products},
	{"see what a product consists of", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).parts},
	{"make a product", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).makeProduct},
	{"edit a product", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).editProduct},
	{"publish a product", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).publish},
	{"delete a product", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).deleteProduct},
	{"link an asset to a product", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).linkPart},
	{"put a linked asset elsewhere", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).moveLink},
	{"take an asset out of a product", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).unlink},
	{"see the orders", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).orders},
	{"export the orders", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).exportOrders},
	{"see the memberships", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).memberships},
	{"see the sales", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).sales},
	// An order is its buyer's, and of those who sell: for all others it does not exist.
	{"see an order", [8]int{yes, yes, gone, gone, gone, gone, gone, gone}, (*cast).seeOrder},
	{"confirm a payment", [8]int{yes, yes, gone, gone, gone, gone, gone, gone}, (*cast).confirm},
	{"refund a payment", [8]int{yes, yes, gone, gone, gone, gone, gone, gone}, (*cast).refund},
	{"give up an order", [8]int{yes, yes, gone, gone, gone, gone, gone, gone}, (*cast).giveUp},
	{"end a membership", [8]int{yes, yes, gone, gone, gone, gone, gone, gone}, (*cast).endMembership},
	{"make a group", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).makeGroup},
	{"see a public group", [8]int{yes, yes, yes, yes, gone, gone, gone, gone}, (*cast).seeGroup},
	// A group that one may not view does not exist.
	{"see a group without a row for oneself", [8]int{yes, yes, gone, gone, gone, gone, gone, gone}, (*cast).seeHidden},
	{"change a public group", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).editGroup},
	{"share a public group", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).shareGroup},
	{"see who visits a public group", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).groupTraffic},
	{"set a public group's permissions", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).permitGroup},
	{"delete a public group", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).deleteGroup},
	{"begin to ingest", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).ingests},
	{"publish in another's dataset", [8]int{yes, yes, gone, gone, gone, gone, gone, gone}, (*cast).publishes},
	{"view a dataset", [8]int{yes, yes, yes, yes, gone, gone, gone, gone}, (*cast).viewItems},
	{"view a restricted dataset", [8]int{yes, yes, gone, gone, gone, gone, gone, gone}, (*cast).viewRestricted},
	{"annotate an item", [8]int{yes, yes, yes, no, gone, gone, gone, gone}, (*cast).annotates},
	{"change a dataset", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).changeDataset},
	{"see who viewed a dataset", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).datasetLog},
	{"see the webhooks", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).hooks},
	{"make a webhook", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).makeHook},
	{"see the reports", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).reports},
	{"make a report", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).makeReport},
	{"edit the settings", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).edit},
	{"read the audit log", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).log},
	{"export the audit log", [8]int{yes, yes, no, no, gone, gone, gone, gone}, (*cast).export},
	{"transfer the ownership", [8]int{yes, no, no, no, gone, gone, gone, gone}, (*cast).transfer},
	{"delete the organisation", [8]int{yes, no, no, no, gone, gone, gone, gone}, (*cast).deleteOrg},
}

// cast is a company with somebody of each standing.
type cast struct {
	*server

	boss  *user // another owner, who sets each scene
	joe   *user // comes and goes
	here  bool  // whether joe is a member now
	count int   // of files and addresses
	files map[*user]string
	part  string // a file that is complete
}

func (c *cast) org(rest string) string { return "/api/orgs/" + c.boss.org + rest }

// fresh returns a name that nobody has used.
func (c *cast) fresh() string {
	c.count++
	return fmt.Sprintf("n%d", c.count)
}

// joined returns the account of a member: joe, who comes back if he had to go.
func (c *cast) joined() string {
	c.t.Helper()
	if !c.here {
		c.joe.account = c.boss.invite(c.joe.email, "member")
		c.joe.want(http.StatusOK, "POST", "/api/invitations/accept", object{"account_id": c.joe.account})
		c.here = true
	}
	c.boss.change(c.joe.account, object{"role": "member", "status": "active"})
	return c.joe.account
}

// owner returns the account of an owner who is neither the boss nor the actor.
func (c *cast) owner() string {
	c.t.Helper()
	account := c.joined()
	c.boss.change(account, object{"role": "owner"})
	return account
}

func (c *cast) view(u *user) *answer    { return u.ask("GET", c.org(""), nil) }
func (c *cast) members(u *user) *answer { return u.ask("GET", c.org("/members"), nil) }
func (c *cast) upload(u *user) *answer {
	return u.ask("POST", c.org("/assets"), object{"name": c.fresh(), "size_bytes": 1})
}

func (c *cast) deleteOwn(u *user) *answer {
	return u.ask("DELETE", c.org("/assets/"+c.files[u]), nil)
}

func (c *cast) deleteAny(u *user) *answer {
	return u.ask("DELETE", c.org("/assets/"+c.boss.create(object{"name": c.fresh(), "size_bytes": 1}).text("asset.id")), nil)
}

// file makes a file of the boss's, and link a link to one.
func (c *cast) file() string {
	return c.boss.create(object{"name": c.fresh(), "size_bytes": 1}).text("asset.id")
}

func (c *cast) link() string { return "/api/shares/" + c.boss.shares(c.file(), object{}).id }

func (c *cast) shares(u *user) *answer {
	return u.ask("POST", "/api/nodes/"+c.file()+"/shares", object{})
}

func (c *cast) links(u *user) *answer { return u.ask("GET", "/api/nodes/"+c.file()+"/shares", nil) }

func (c *cast) changeLink(u *user) *answer  { return u.ask("PATCH", c.link(), object{"max_views": 3}) }
func (c *cast) linkLog(u *user) *answer     { return u.ask("GET", c.link()+"/access-log", nil) }
func (c *cast) linkTraffic(u *user) *answer { return u.ask("GET", c.link()+"/analytics", nil) }
func (c *cast) revokeLink(u *user) *answer  { return u.ask("DELETE", c.link(), nil) }

func (c *cast) group(public bool) string {
	return "/api/groups/" + c.boss.want(http.StatusCreated, "POST", "/api/groups?org_id="+c.boss.org, object{"name": c.fresh(), "is_public": public}).text("id")
}

func (c *cast) ingests(u *user) *answer {
	return u.ask("POST", "/api/ingest/datasets?org_id="+c.boss.org, object{"slug": "of-" + c.fresh()})
}

func (c *cast) publishes(u *user) *answer {
	i := c.boss.begins(object{"slug": "of-" + c.fresh(), "visibility": "restricted"})
	return u.ask("POST", i.publishPath(), object{"items": []object{{"external_id": "a", "type": "text", "data": object{"text": "t"}}}})
}

// published is a dataset with one item.
func (c *cast) published(visibility string) string {
	i := c.boss.begins(object{"slug": "of-" + c.fresh(), "visibility": visibility})
	i.publishes(object{"external_id": "a", "type": "text", "data": object{"text": "t"}})
	return "/api/datasets/" + i.dataset
}

func (c *cast) viewItems(u *user) *answer { return u.ask("GET", c.published("org")+"/items", nil) }
func (c *cast) viewRestricted(u *user) *answer {
	return u.ask("GET", c.published("restricted")+"/items", nil)
}

func (c *cast) annotates(u *user) *answer {
	item := c.boss.want(http.StatusOK, "GET", c.published("org")+"/items", nil).text("items.0.id")
	return u.ask("POST", "/api/items/"+item+"/annotations", object{"kind": "comment", "body": object{"text": "x"}})
}

func (c *cast) changeDataset(u *user) *answer {
	return u.ask("PATCH", c.published("org"), object{"name": "N"})
}

func (c *cast) datasetLog(u *user) *answer {
	return u.ask("GET", c.published("org")+"/access-log", nil)
}

func (c *cast) makeGroup(u *user) *answer {
	return u.ask("POST", "/api/groups?org_id="+c.boss.org, object{"name": c.fresh()})
}
func (c *cast) seeGroup(u *user) *answer  { return u.ask("GET", c.group(true), nil) }
func (c *cast) seeHidden(u *user) *answer { return u.ask("GET", c.group(false), nil) }
func (c *cast) editGroup(u *user) *answer {
	return u.ask("PUT", c.group(true), object{"name": "N", "is_public": true})
}

func (c *cast) shareGroup(u *user) *answer { return u.ask("POST", c.group(true)+"/share", object{}) }

func (c *cast) groupTraffic(u *user) *answer { return u.ask("GET", c.group(true)+"/analytics", nil) }
func (c *cast) deleteGroup(u *user) *answer  { return u.ask("DELETE", c.group(true), nil) }
func (c *cast) permitGroup(u *user) *answer {
	return u.ask("PUT", c.group(true)+"/permissions", object{"permissions": []object{}})
}

func (c *cast) hooks(u *user) *answer   { return u.ask("GET", c.org("/webhooks"), nil) }
func (c *cast) reports(u *user) *answer { return u.ask("GET", c.org("/reports"), nil) }
func (c *cast) makeHook(u *user) *answer {
	a := u.ask("POST", c.org("/webhooks"), object{"url": "https://hooks.example.com/"})
	if a.status == http.StatusCreated { // there may be only so many
		u.want(http.StatusNoContent, "DELETE", c.org("/webhooks/"+a.text("webhook.id")), nil)
	}
	return a
}

func (c *cast) makeReport(u *user) *answer {
	return u.ask("POST", c.org("/reports"), object{
		"name": c.fresh(), "target": object{"kind": "org"}, "period": "week", "recipients": []string{c.boss.email}, "schedule": "0 8 * * MON",
	})
}

func (c *cast) inviteAs(u *user, role string) *answer {
	a := u.ask("POST", c.org("/invitations"), object{"email": c.fresh() + "@example.com", "role": role})
	if a.status == http.StatusCreated { // no room is wasted
		c.boss.want(http.StatusNoContent, "DELETE", c.org("/invitations/"+a.text("id")), nil)
	}
	return a
}

func (c *cast) invites(u *user) *answer      { return c.inviteAs(u, "member") }
func (c *cast) invitesOwner(u *user) *answer { return c.inviteAs(u, "owner") }
func (c *cast) invitations(u *user) *answer  { return u.ask("GET", c.org("/invitations"), nil) }

func (c *cast) withdraw(u *user) *answer {
	account := c.boss.invite(c.fresh()+"@example.com", "member")
	a := u.ask("DELETE", c.org("/invitations/"+account), nil)
	if a.status != http.StatusNoContent {
		c.boss.want(http.StatusNoContent, "DELETE", c.org("/invitations/"+account), nil)
	}
	return a
}

func (c *cast) changeMember(u *user) *answer {
	return u.ask("PATCH", c.boss.member(c.joined()), object{"role": "viewer"})
}

func (c *cast) suspend(u *user) *answer {
	return u.ask("PATCH", c.boss.member(c.joined()), object{"status": "suspended"})
}

func (c *cast) makeOwner(u *user) *answer {
	return u.ask("PATCH", c.boss.member(c.joined()), object{"role": "owner"})
}

func (c *cast) changeOwner(u *user) *answer {
	return u.ask("PATCH", c.boss.member(c.owner()), object{"role": "admin"})
}

func (c *cast) remove(u *user) *answer      { return c.removes(u, c.joined()) }
func (c *cast) removeOwner(u *user) *answer { return c.removes(u, c.owner()) }

func (c *cast) removes(u *user, account string) *answer {
	a := u.ask("DELETE", c.boss.member(account), nil)
	c.here = a.status != http.StatusNoContent
	return a
}

// product makes a product of the boss's, for sale, and draft one that is not.
func (c *cast) product() string {
	c.t.Helper()
	if c.part == "" {
		c.part = c.boss.upload(object{"name": c.fresh()}, []byte("part")).text("id")
	}
	return c.boss.offers(article(c.fresh(), nil), aFile(c.part))
}

func (c *cast) draft() string { return c.boss.drafts(article(c.fresh(), nil)) }

// bought makes an order of the boss's own.
func (c *cast) bought() string { return c.boss.orders(c.product()) }

func (c *cast) products(u *user) *answer { return u.ask("GET", c.org("/products"), nil) }

func (c *cast) parts(u *user) *answer {
	return u.ask("GET", c.org("/products/"+c.product()+"/assets"), nil)
}

func (c *cast) makeProduct(u *user) *answer {
	return u.ask("POST", c.org("/products"), article(c.fresh(), nil))
}

func (c *cast) editProduct(u *user) *answer {
	return u.ask("PATCH", c.org("/products/"+c.product()), object{"price": euros(1)})
}

func (c *cast) publish(u *user) *answer {
	product := c.product()
	c.boss.alters(product, object{"status": "archived"})
	return u.ask("PATCH", c.org("/products/"+product), object{"status": "published"})
}

func (c *cast) deleteProduct(u *user) *answer {
	return u.ask("DELETE", c.org("/products/"+c.product()), nil)
}

func (c *cast) linkPart(u *user) *answer {
	return u.ask("POST", c.org("/products/"+c.draft()+"/assets"), aFile(c.part))
}

func (c *cast) moveLink(u *user) *answer {
	return u.ask("PATCH", c.org("/products/"+c.product()+"/assets/"+c.part), object{"position": 0})
}

func (c *cast) unlink(u *user) *answer {
	draft := c.draft()
	c.boss.links(draft, aFile(c.part))
	return u.ask("DELETE", c.org("/products/"+draft+"/assets/"+c.part), nil)
}

func (c *cast) orders(u *user) *answer { return u.ask("GET", c.org("/transactions"), nil) }

func (c *cast) exportOrders(u *user) *answer {
	return u.ask("GET", c.org("/transactions?format=csv"), nil)
}
func (c *cast) memberships(u *user) *answer { return u.ask("GET", c.org("/subscriptions"), nil) }
func (c *cast) sales(u *user) *answer       { return u.ask("GET", c.org("/sales"), nil) }
func (c *cast) seeOrder(u *user) *answer    { return u.ask("GET", order(c.bought(), ""), nil) }
func (c *cast) confirm(u *user) *answer     { return u.ask("POST", order(c.bought(), "/complete"), nil) }

func (c *cast) giveUp(u *user) *answer { return u.ask("POST", order(c.bought(), "/cancel"), nil) }

func (c *cast) refund(u *user) *answer {
	return u.ask("POST", order(c.boss.sells(c.product(), c.boss), "/refund"), nil)
}

func (c *cast) endMembership(u *user) *answer {
	club := c.boss.offers(membership(c.fresh(), object{"price": euros(0)}), aFile(c.part))
	return u.ask("POST", "/api/subscriptions/"+c.boss.buys(club).text("transaction.subscription_id")+"/cancel", nil)
}

func (c *cast) edit(u *user) *answer   { return u.ask("PATCH", c.org(""), object{"name": c.fresh()}) }
func (c *cast) log(u *user) *answer    { return u.ask("GET", c.org("/audit-log"), nil) }
func (c *cast) export(u *user) *answer { return u.ask("GET", c.org("/audit-log?format=csv"), nil) }

func (c *cast) transfer(u *user) *answer {
	a := u.ask("POST", c.org("/transfer-ownership"), object{"account_id": c.joined()})
	if a.status == http.StatusNoContent {
		c.boss.change(u.account, object{"role": "owner"})
	}
	return a
}

func (c *cast) deleteOrg(u *user) *answer { return u.ask("DELETE", c.org(""), nil) }

// assemble founds the company and gives each their standing. All have been
// members and have a file.
func assemble(s *server) (*cast, map[string]*user) {
	s.t.Helper()
	c := &cast{server: s, boss: s.signUp("boss").found(object{"name": "Acme"}), joe: s.signUp("joe"), files: map[*user]string{}}
	s.must("license", "assign", c.boss.org, "enterprise")
	s.anybody().want(http.StatusNoContent, "POST", "/api/auth/verify-email", object{"token": s.mailed(c.joe.email, "verify-email", 1)})
	people := map[string]*user{}
	for _, standing := range standings {
		u := s.signUp(standing)
		people[standing] = u
		if standing == "stranger" || standing == "invited" {
			c.files[u] = c.boss.create(object{"name": c.fresh(), "size_bytes": 1}).text("asset.id")
			continue
		}
		u = s.hire(c.boss, u, "member")
		people[standing] = u
		c.files[u] = u.create(object{"name": c.fresh(), "size_bytes": 1}).text("asset.id")
		role := standing
		if standing == "suspended" || standing == "removed" {
			role = "admin"
		}
		c.boss.change(u.account, object{"role": role})
	}
	c.boss.change(people["suspended"].account, object{"status": "suspended"})
	c.boss.want(http.StatusNoContent, "DELETE", c.boss.member(people["removed"].account), nil)
	people["invited"].account = c.boss.invite(people["invited"].email, "admin")
	return c, people
}

func TestTheTableOfOrgRolesHoldsCellByCell(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		c, people := assemble(s)
		for _, row := range roleTable {
			for i, standing := range slices.Backward(standings) {
				switch a, want := row.do(c, people[standing]), row.want[i]; {
				case want == yes && a.status < 300:
				case want == no && a.status == no:
					a.isProblem(no, "forbidden")
				case want == gone && a.status == gone:
					a.isProblem(gone, "not_found")
				default:
					t.Errorf("%s, %s: %d, want %d: %s", standing, row.action, a.status, want, a.body)
				}
			}
		}
	})
}

// TestALostRoleIsLostForEveryCredential: what was issued before is no way round.
func TestALostRoleIsLostForEveryCredential(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		boss := s.signUp("boss").found(object{"name": "Acme"})
		ben := s.hire(boss, s.signUp("ben"), "admin")
		org := "/api/orgs/" + boss.org
		ben.logIn()
		refreshed := func(c *client, refresh string) (*client, string) {
			t.Helper()
			a := c.want(http.StatusOK, "POST", "/api/auth/refresh", object{"refresh_token": refresh}, with{"Authorization": ""})
			return &client{t: t, url: s.url, token: a.text("access_token")}, a.text("refresh_token")
		}
		plain := &client{t: t, url: s.url, token: ben.token}
		switched := &client{t: t, url: s.url, token: plain.want(http.StatusOK, "POST", "/api/auth/switch-org", object{"org_id": boss.org}).text("access_token")}
		other := *ben
		other.client = s.anybody()
		other.logIn()
		refresh := other.refresh
		check := func(status int, code, method, path string, body any) {
			t.Helper()
			var renewed *client
			renewed, refresh = refreshed(s.anybody(), refresh)
			for what, c := range map[string]*client{"issued": plain, "switched": switched, "of another session": other.client, "renewed": renewed} {
				if a := c.ask(method, path, body); status >= 400 {
					a.isProblem(status, code)
				} else if a.status != status {
					t.Errorf("%s, a token %s: %d %s", a.what, what, a.status, a.body)
				}
			}
		}
		edit := object{"name": "Ben's"}
		check(http.StatusOK, "", "PATCH", org, edit)
		boss.change(ben.account, object{"role": "viewer"})
		check(http.StatusForbidden, "forbidden", "PATCH", org, edit)
		check(http.StatusForbidden, "forbidden", "POST", org+"/assets", object{"name": "a", "size_bytes": 1})
		check(http.StatusOK, "", "GET", org, nil)
		boss.change(ben.account, object{"status": "suspended"})
		check(http.StatusNotFound, "not_found", "GET", org, nil)
		check(http.StatusNotFound, "not_found", "POST", "/api/auth/switch-org", object{"org_id": boss.org})
		check(http.StatusOK, "", "GET", "/api/me", nil) // the user stays
		boss.change(ben.account, object{"status": "active"})
		check(http.StatusOK, "", "GET", org, nil)
		boss.want(http.StatusNoContent, "DELETE", boss.member(ben.account), nil)
		check(http.StatusNotFound, "not_found", "GET", org, nil)
		check(http.StatusNotFound, "not_found", "GET", "/api/drives/"+boss.drive+"/nodes", nil)
	})
}
