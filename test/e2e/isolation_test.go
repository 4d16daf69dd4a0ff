package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// request is a request of the table of operations. In path and body, {org},
// {drive}, {node}, {asset}, {pending}, {upload}, {company}, {shared}, {account},
// {invitation}, {key}, {share}, {session}, {product}, {part}, {draft}, {order},
// {membership}, {bought}, {group}, {dataset}, {item} and {annotation} stand for
// ids.
type request struct {
	method, path, body string
}

var requests = []request{
	{"GET", "/api/orgs/{org}", ""},
	{"GET", "/api/orgs/{org}/license", ""},
	{"GET", "/api/orgs/{org}/assets", ""},
	{"GET", "/api/orgs/{org}/assets/usage", ""},
	{"POST", "/api/orgs/{org}/assets", `{"name": "new.txt", "size_bytes": 1}`},
	{"POST", "/api/orgs/{org}/assets", `{"name": "new.bin", "size_bytes": 64000000}`},
	{"GET", "/api/orgs/{org}/assets/{asset}", ""},
	{"PATCH", "/api/orgs/{org}/assets/{asset}", `{"name": "stolen.txt"}`},
	{"DELETE", "/api/orgs/{org}/assets/{asset}", ""},
	{"DELETE", "/api/orgs/{org}/assets/{asset}?permanent=true", ""},
	{"GET", "/api/drives/{drive}/nodes", ""},
	{"GET", "/api/orgs/{company}/drives", ""},
	{"POST", "/api/orgs/{company}/drives", `{"name": "Stolen"}`},
	{"GET", "/api/drives/{drive}", ""},
	{"GET", "/api/drives/{shared}", ""},
	{"PATCH", "/api/drives/{drive}", `{"name": "Stolen"}`},
	{"PATCH", "/api/drives/{shared}", `{"name": "Stolen", "default_role": "admin"}`},
	{"DELETE", "/api/drives/{drive}?force=true", ""},
	{"DELETE", "/api/drives/{shared}?force=true", ""},
	{"GET", "/api/drives/{shared}/usage", ""},
	{"GET", "/api/drives/{shared}/members", ""},
	{"PUT", "/api/drives/{shared}/members/{account}", `{"role": "viewer"}`},
	{"DELETE", "/api/drives/{shared}/members/{account}", ""},
	{"GET", "/api/nodes/{asset}/access", ""},
	{"GET", "/api/nodes/{shared}/access", ""},
	{"GET", "/api/drives/{drive}/api-keys", ""},
	{"POST", "/api/drives/{drive}/api-keys", `{"name": "mole", "permissions": ["read"]}`},
	{"DELETE", "/api/drives/{drive}/api-keys/{key}", ""},
	{"POST", "/api/drives/{drive}/folders", `{"name": "new"}`},
	{"GET", "/api/drives/{drive}/search?q=mine", ""},
	{"GET", "/api/drives/{drive}/changes", ""},
	{"GET", "/api/drives/{drive}/trash", ""},
	{"DELETE", "/api/drives/{drive}/trash", ""},
	{"GET", "/api/nodes/{node}", ""},
	{"GET", "/api/nodes/{node}/path", ""},
	{"GET", "/api/nodes/{node}/archive", ""},
	{"PATCH", "/api/nodes/{node}", `{"name": "stolen"}`},
	{"PATCH", "/api/nodes/{node}", `{}`},
	{"POST", "/api/nodes/{node}/copy", `{}`},
	{"POST", "/api/nodes/{node}/restore", ""},
	{"DELETE", "/api/nodes/{node}", ""},
	{"DELETE", "/api/nodes/{node}?permanent=true", ""},
	{"GET", "/api/nodes/{asset}/shares", ""},
	{"POST", "/api/nodes/{asset}/shares", `{}`},
	{"POST", "/api/nodes/{shared}/shares", `{"kind": "upload"}`},
	{"GET", "/api/orgs/{org}/shares", ""},
	{"GET", "/api/shares/{share}", ""},
	{"PATCH", "/api/shares/{share}", `{"allow_download": true}`},
	{"DELETE", "/api/shares/{share}", ""},
	{"POST", "/api/shares/{share}/rotate", ""},
	{"GET", "/api/shares/{share}/access-log", ""},
	{"GET", "/api/shares/{share}/access-log?format=csv", ""},
	{"GET", "/api/shares/{share}/analytics", ""},
	{"GET", "/api/shares/{share}/analytics/export?format=pdf", ""},
	{"GET", "/api/groups/{group}/analytics?period=day", ""},
	{"POST", "/api/assets/{pending}/complete", `{"upload_id": "{upload}"}`},
	{"POST", "/api/assets/{asset}/complete", `{"upload_id": "{upload}"}`},
	{"POST", "/api/assets/{pending}/upload/parts", `{"from": 1}`},
	{"GET", "/api/assets/{pending}/upload", ""},
	{"DELETE", "/api/assets/{pending}/upload", ""},
	{"GET", "/api/assets/{asset}/download", ""},
	{"GET", "/api/assets/{asset}/download?redirect=true", ""},
	{"POST", "/api/assets/{asset}/signed-url", `{"disposition": "inline"}`},
	{"POST", "/api/assets/{asset}/signed-url", `{"rendition": "thumbnail"}`},
	{"POST", "/api/assets/{asset}/derived/retry", ""},
	{"GET", "/api/assets/{asset}/versions", ""},
	{"POST", "/api/assets/{asset}/versions/1/restore", ""},
	{"PATCH", "/api/orgs/{company}", `{"name": "Stolen", "slug": "stolen"}`},
	{"DELETE", "/api/orgs/{company}", ""},
	{"GET", "/api/orgs/{company}/members", ""},
	{"PATCH", "/api/orgs/{company}/members/{account}", `{"role": "member"}`},
	{"PATCH", "/api/orgs/{company}/members/{invitation}", `{"role": "owner"}`},
	{"PATCH", "/api/orgs/{company}/members/{account}", `{"status": "suspended"}`},
	{"DELETE", "/api/orgs/{company}/members/{account}", ""},
	{"POST", "/api/orgs/{company}/restore", ""},
	{"POST", "/api/orgs/{company}/leave", ""},
	{"POST", "/api/orgs/{company}/transfer-ownership", `{"account_id": "{account}"}`},
	{"GET", "/api/orgs/{company}/invitations", ""},
	{"POST", "/api/orgs/{company}/invitations", `{"email": "mole@example.com", "role": "owner"}`},
	{"DELETE", "/api/orgs/{company}/invitations/{invitation}", ""},
	{"POST", "/api/invitations/accept", `{"account_id": "{invitation}"}`},
	{"GET", "/api/orgs/{company}/audit-log", ""},
	{"GET", "/api/orgs/{company}/audit-log?format=csv", ""},
	{"GET", "/api/orgs/{company}/events", ""},
	{"GET", "/api/orgs/{company}/webhooks", ""},
	{"POST", "/api/orgs/{company}/webhooks", `{"url": "https://example.com/"}`},
	{"GET", "/api/orgs/{company}/webhooks/" + missingID, ""},
	{"PATCH", "/api/orgs/{company}/webhooks/" + missingID, `{"active": false}`},
	{"DELETE", "/api/orgs/{company}/webhooks/" + missingID, ""},
	{"POST", "/api/orgs/{company}/webhooks/" + missingID + "/rotate-secret", ""},
	{"POST", "/api/orgs/{company}/webhooks/" + missingID + "/ping", ""},
	{"GET", "/api/orgs/{company}/webhooks/" + missingID + "/deliveries", ""},
	{"POST", "/api/orgs/{company}/webhooks/" + missingID + "/deliveries/" + missingID + "/redeliver", ""},
	{"GET", "/api/orgs/{company}/reports", ""},
	{"POST", "/api/orgs/{company}/reports", `{"name": "Stolen", "target": {"kind": "org"}, "period": "week", "recipients": ["eve@example.com"], "schedule": "0 8 * * MON"}`},
	{"GET", "/api/orgs/{company}/reports/" + missingID, ""},
	{"PATCH", "/api/orgs/{company}/reports/" + missingID, `{"active": false}`},
	{"DELETE", "/api/orgs/{company}/reports/" + missingID, ""},
	{"POST", "/api/orgs/{company}/reports/" + missingID + "/run", ""},
	{"GET", "/api/orgs/{company}/reports/" + missingID + "/runs", ""},
	{"GET", "/api/groups/{group}/analytics/export", ""},
	{"GET", "/api/orgs/{company}/products", ""},
	{"POST", "/api/orgs/{company}/products", `{"name": "Stolen", "type": "digital", "price": {"amount": 0, "currency": "EUR"}}`},
	{"GET", "/api/orgs/{company}/products/{product}", ""},
	{"PATCH", "/api/orgs/{company}/products/{product}", `{"price": {"amount": 0, "currency": "EUR"}}`},
	{"DELETE", "/api/orgs/{company}/products/{draft}", ""},
	{"GET", "/api/orgs/{company}/products/{product}/assets", ""},
	{"POST", "/api/orgs/{company}/products/{product}/assets", `{"asset_id": "{part}"}`},
	{"PATCH", "/api/orgs/{company}/products/{product}/assets/{part}", `{"position": 1}`},
	{"DELETE", "/api/orgs/{company}/products/{product}/assets/{part}", ""},
	{"GET", "/api/orgs/{company}/transactions", ""},
	{"GET", "/api/orgs/{company}/transactions?format=csv", ""},
	{"GET", "/api/orgs/{company}/subscriptions?ended=true", ""},
	{"GET", "/api/orgs/{company}/sales", ""},
	{"GET", "/api/orgs/{company}/sales?format=csv", ""},
	{"POST", "/api/transactions", `{"product_id": "{draft}"}`},
	{"GET", "/api/transactions/{order}", ""},
	{"POST", "/api/transactions/{order}/cancel", ""},
	{"POST", "/api/transactions/{order}/complete", ""},
	{"POST", "/api/transactions/{order}/refund", `{"amount": 1}`},
	{"POST", "/api/subscriptions/{membership}/cancel", ""},
	{"GET", "/api/me/entitlements/{bought}/assets", ""},
	{"POST", "/api/auth/switch-org", `{"org_id": "{company}"}`},
	{"DELETE", "/api/me/sessions/{session}", ""},
	{"GET", "/api/datasets?org_id={company}", ""},
	{"GET", "/api/datasets/{dataset}", ""},
	{"PATCH", "/api/datasets/{dataset}", `{"name": "Stolen"}`},
	{"DELETE", "/api/datasets/{dataset}", ""},
	{"GET", "/api/datasets/{dataset}/versions", ""},
	{"GET", "/api/datasets/{dataset}/items?type=text&tag=a&q=mine", ""},
	{"GET", "/api/datasets/{dataset}/diff?from=1", ""},
	{"GET", "/api/datasets/{dataset}/export", ""},
	{"GET", "/api/datasets/{dataset}/export?what=annotations", ""},
	{"GET", "/api/datasets/{dataset}/annotations", ""},
	{"GET", "/api/datasets/{dataset}/access-log", ""},
	{"GET", "/api/datasets/{dataset}/grants", ""},
	{"PUT", "/api/datasets/{dataset}/grants", `{"grants": [{"role": "member", "rights": ["view"]}]}`},
	{"GET", "/api/items/{item}", ""},
	{"POST", "/api/items/{item}/assets/main/signed-url", `{"disposition": "inline"}`},
	{"GET", "/api/items/{item}/annotations", ""},
	{"POST", "/api/items/{item}/annotations", `{"kind": "comment", "body": {"text": "Mallory was here"}}`},
	{"GET", "/api/annotations/{annotation}", ""},
	{"GET", "/api/annotations/{annotation}/versions", ""},
	{"PATCH", "/api/annotations/{annotation}", `{"body": {"text": "Mallory was here"}}`},
	{"DELETE", "/api/annotations/{annotation}", ""},
	{"GET", "/api/groups?org_id={company}", ""},
	{"GET", "/api/groups/tree?org_id={company}", ""},
	{"POST", "/api/groups?org_id={company}", `{"name": "Stolen"}`},
	{"GET", "/api/groups/{group}", ""},
	{"PUT", "/api/groups/{group}", `{"name": "Stolen", "is_public": true}`},
	{"DELETE", "/api/groups/{group}", ""},
	{"POST", "/api/groups/{group}/restore", ""},
	{"GET", "/api/groups/{group}/assets", ""},
	{"POST", "/api/groups/{group}/assets/bulk", `{"remove": []}`},
	{"PATCH", "/api/groups/{group}/assets/{asset}", `{"title": "Stolen"}`},
	{"DELETE", "/api/groups/{group}/assets/{asset}", ""},
	{"POST", "/api/groups/{group}/share", `{}`},
	{"GET", "/api/groups/{group}/shares", ""},
	{"PUT", "/api/groups/{group}/shares/{share}", `{}`},
	{"DELETE", "/api/groups/{group}/shares/{share}", ""},
	{"GET", "/api/groups/{group}/permissions", ""},
	{"PUT", "/api/groups/{group}/permissions", `{"permissions": [{"role": "member", "can_view": true}]}`},
	{"GET", "/api/groups/{group}/permissions/effective", ""},
	{"POST", "/api/ingest/datasets?org_id={company}", `{"slug": "stolen"}`},
	{"GET", "/api/ingest/sessions/{ingest}", ""},
	{"DELETE", "/api/ingest/sessions/{ingest}", ""},
	{"POST", "/api/ingest/assets:batch", `{"session_id": "{ingest}", "assets": [{"path": "x", "size_bytes": 1}]}`},
	{"POST", "/api/ingest/assets:complete", `{"session_id": "{ingest}", "assets": [{"asset_id": "` + missingID + `", "upload_id": "` + missingID + `"}]}`},
	{"POST", "/api/ingest/datasets/{dataset}/publish?session_id={ingest}", `{"items": []}`},
}

// filled returns the request with ids in place of the names.
func (r request) filled(ids map[string]string) request {
	for name, id := range ids {
		r.path, r.body = strings.ReplaceAll(r.path, "{"+name+"}", id), strings.ReplaceAll(r.body, "{"+name+"}", id)
	}
	return r
}

func (c *client) request(r request) *answer {
	c.t.Helper()
	if r.body == "" {
		return c.ask(r.method, r.path, nil)
	}
	return c.ask(r.method, r.path, raw(r.body))
}

// possessions are the ids of a tenant that has everything there is.
func possessions(u *user) map[string]string {
	u.t.Helper()
	asset := u.upload(object{"name": "mine.txt", "checksum_sha256": sha256Of([]byte("mine"))}, []byte("mine"))
	pending := u.create(object{"name": "mine.bin", "size_bytes": 64_000_000})
	company := u.found(object{"name": "Company"})
	part, album := company.upload(object{"name": "part.txt"}, []byte("part")).text("id"), company.folder(company.drive, "/album")
	product := company.offers(article("Product of "+u.email, nil), aFile(part))
	club := company.offers(membership("Club of "+u.email, object{"price": euros(0)}), aFolder(album))
	member := u.buys(club) // of their own club
	signs := company.begins(object{"slug": "signs"})
	shown := company.begins(object{"slug": "shown"})
	shown.publishes(object{"external_id": "a", "type": "text", "data": object{"text": "a"}})
	item := company.want(http.StatusOK, "GET", "/api/datasets/"+shown.dataset+"/items", nil).text("items.0.id")
	said := company.want(http.StatusCreated, "POST", "/api/items/"+item+"/annotations", object{"kind": "comment", "body": object{"text": "x"}})
	return map[string]string{
		"org": u.org, "drive": u.drive, "node": u.folder(u.drive, "/mine"), "asset": asset.text("id"), "pending": pending.text("asset.id"), "upload": pending.text("upload.upload_id"),
		"company": company.org, "shared": company.drive, "account": company.account, "invitation": company.invite("guest-of-"+u.email, "member"),
		"dataset": signs.dataset, "ingest": signs.session,
		"key":     u.issue(u.drive, "read").id,
		"share":   u.shares(asset.text("id"), object{}).id,
		"group":   idOf(u.grouped(object{"name": "Mine"})),
		"session": u.want(http.StatusOK, "GET", "/api/me/sessions", nil).text("items.0.id"),
		"product": product, "part": part, "draft": company.drafts(article("Draft of "+u.email, nil)), "order": u.orders(product),
		"membership": member.text("transaction.subscription_id"), "bought": u.entitlement(album),
		"item": item, "annotation": said.text("id"),
	}
}

func TestAForeignIDIsAnsweredLikeAMissingOne(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana"), s.signUp("eve")
		his, hers := possessions(ana), possessions(eve)
		before := inventory(ana, his)

		for _, r := range requests {
			// Every choice of whose ids: at least one is the other tenant's.
			var names []string
			for name := range his {
				if strings.Contains(r.path, "{"+name+"}") || strings.Contains(r.body, "{"+name+"}") {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			for choice := 1; choice < 1<<len(names); choice++ {
				foreign, missing := map[string]string{}, map[string]string{}
				for i, name := range names {
					foreign[name], missing[name] = hers[name], hers[name]
					if choice>>i&1 == 1 {
						foreign[name], missing[name] = his[name], missingID
					}
				}
				if i := slices.Index(names, "upload"); i >= 0 && choice == 1<<i {
					continue // an upload of somebody else with an asset of one's own: below
				}
				status := http.StatusNotFound
				if strings.Contains(r.body, "{part}") {
					status = 0 // what is named in the body may be looked at first
				}
				same(t, eve, r.filled(foreign), r.filled(missing), status)
			}
		}
		// Ids in a body and in a query.
		create := request{"POST", "/api/orgs/" + eve.org + "/assets", `{"name": "x", "size_bytes": 1, "NAME": "ID"}`}
		large := request{"POST", create.path, `{"name": "x", "size_bytes": 64000000, "NAME": "ID"}`}
		for _, r := range []request{create, large} {
			for name, id := range map[string]string{"drive_id": his["drive"], "parent_id": his["drive"]} {
				with := func(id string) request {
					return request{r.method, r.path, strings.NewReplacer("NAME", name, "ID", id).Replace(r.body)}
				}
				same(t, eve, with(id), with(missingID), 0)
			}
		}
		s.must("license", "assign", hers["company"], "enterprise")
		logo := request{"PATCH", "/api/orgs/" + hers["company"], `{"branding": {"logo_asset_id": "{asset}"}}`}
		same(t, eve, logo.filled(his), logo.filled(map[string]string{"asset": missingID}), http.StatusUnprocessableEntity)
		first := request{"PATCH", logo.path, `{"default_drive_id": "{shared}"}`}
		same(t, eve, first.filled(his), first.filled(map[string]string{"shared": missingID}), http.StatusUnprocessableEntity)
		for _, r := range []request{
			{"POST", "/api/orgs/" + hers["company"] + "/products", `{"name": "x", "type": "digital", "price": {"amount": 0, "currency": "EUR"}, "cover_asset_id": "{part}"}`},
			{"PATCH", "/api/orgs/" + hers["company"] + "/products/" + hers["draft"], `{"cover_asset_id": "{part}"}`},
			{"POST", "/api/orgs/" + hers["company"] + "/products/" + hers["draft"] + "/assets", `{"asset_id": "{part}"}`},
			{"POST", "/api/orgs/" + hers["company"] + "/products/" + hers["draft"] + "/assets", `{"folder_id": "{node}"}`},
		} {
			same(t, eve, r.filled(his), r.filled(map[string]string{"part": missingID, "node": missingID}), http.StatusUnprocessableEntity)
		}
		ref := request{"POST", "/api/ingest/assets:batch", `{"session_id": "` + hers["ingest"] + `", "assets": [{"asset_id": "{part}"}]}`}
		same(t, eve, ref.filled(his), ref.filled(map[string]string{"part": missingID}), http.StatusUnprocessableEntity)
		list := request{"POST", "/api/ingest/datasets/" + hers["dataset"] + "/publish?session_id=" + hers["ingest"], `{"manifest_asset_id": "{part}"}`}
		same(t, eve, list.filled(his), list.filled(map[string]string{"part": missingID}), http.StatusUnprocessableEntity)
		shop := request{"GET", "/api/products/{draft}", ""}
		same(t, eve, shop.filled(his), shop.filled(map[string]string{"draft": missingID}), http.StatusNotFound)
		within := request{"GET", "/api/me/entitlements/" + hers["bought"] + "/assets?parent_id={node}", ""}
		same(t, eve, within.filled(his), within.filled(map[string]string{"node": missingID}), http.StatusNotFound)
		for _, list := range []string{"transactions", "subscriptions", "sales"} {
			r := request{"GET", "/api/orgs/" + hers["company"] + "/" + list + "?product_id={product}", ""}
			if a := eve.request(r.filled(his)); a.status != http.StatusOK || len(a.list("product_id")) != 0 {
				t.Errorf("%s of somebody else's product: %d %s", list, a.status, a.body)
			}
		}
		for _, r := range []request{
			{"POST", "/api/groups?org_id=" + eve.org, `{"name": "x", "parent_id": "{group}"}`},
			{"PUT", "/api/groups/" + hers["group"], `{"name": "x", "parent_id": "{group}"}`},
			{"PUT", "/api/groups/" + hers["group"], `{"name": "x", "cover_asset_id": "{asset}"}`},
			{"POST", "/api/groups/" + hers["group"] + "/assets", `{"asset_id": "{asset}"}`},
			{"POST", "/api/groups/" + hers["group"] + "/assets/bulk", `{"add": ["{asset}"]}`},
			{"PUT", "/api/groups/" + hers["group"] + "/permissions", `{"permissions": [{"account_id": "{account}", "can_view": true}]}`},
		} {
			same(t, eve, r.filled(his), r.filled(map[string]string{"group": missingID, "asset": missingID, "account": missingID}), http.StatusUnprocessableEntity)
		}
		for _, r := range []request{
			{"GET", "/api/groups?parent_id={group}", ""}, {"GET", "/api/groups/" + hers["group"] + "/permissions/effective?account_id={account}", ""},
		} {
			same(t, eve, r.filled(his), r.filled(map[string]string{"group": missingID, "account": missingID}), http.StatusNotFound)
		}
		log := request{"GET", "/api/orgs/" + hers["company"] + "/audit-log?actor={account}", ""}
		if a := eve.request(log.filled(his)); a.status != http.StatusOK || len(a.list("id")) != 0 {
			t.Errorf("what somebody else did: %d %s", a.status, a.body)
		}
		nodes := request{"GET", "/api/drives/" + eve.drive + "/nodes?parent_id={drive}", ""}
		same(t, eve, nodes.filled(his), nodes.filled(map[string]string{"drive": missingID}), http.StatusNotFound)
		for _, r := range []request{
			{"PATCH", "/api/nodes/" + hers["node"], `{"parent_id": "{node}"}`},
			{"PATCH", "/api/nodes/" + hers["node"], `{"drive_id": "{drive}"}`},
			{"POST", "/api/nodes/" + hers["node"] + "/copy", `{"parent_id": "{node}"}`},
			{"POST", "/api/nodes/" + hers["node"] + "/copy", `{"drive_id": "{drive}"}`},
			{"POST", "/api/drives/" + hers["drive"] + "/folders", `{"name": "x", "parent_id": "{node}"}`},
		} {
			same(t, eve, r.filled(his), r.filled(map[string]string{"node": missingID, "drive": missingID}), http.StatusUnprocessableEntity)
		}
		for _, op := range []string{"move", "trash", "restore", "purge", "tag"} {
			bulk := request{"POST", "/api/nodes/bulk", `{"op": "` + op + `", "ids": ["{node}"]}`}
			foreign, missing := eve.request(bulk.filled(his)), eve.request(bulk.filled(map[string]string{"node": missingID}))
			if a, b := foreign.get("items.0.error"), missing.get("items.0.error"); !reflect.DeepEqual(a, b) || foreign.text("items.0.error.code") != "not_found" {
				t.Errorf("%s of a foreign node: %v, of a missing one: %v", op, a, b)
			}
		}
		upload := request{"POST", "/api/assets/" + hers["pending"] + "/complete", `{"upload_id": "{upload}"}`}
		same(t, eve, upload.filled(his), upload.filled(map[string]string{"upload": missingID}), http.StatusConflict)
		upload.path = "/api/assets/" + hers["asset"] + "/complete"
		same(t, eve, upload.filled(his), upload.filled(map[string]string{"upload": missingID}), http.StatusNotFound)

		if after := inventory(ana, his); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		if orgs := eve.want(http.StatusOK, "GET", "/api/orgs", nil).list("id"); !slices.Equal(orgs, []string{eve.org, hers["company"]}) {
			t.Errorf("eve's orgs: %v", orgs)
		}
		if got := ana.download(his["asset"]); !bytes.Equal(got, []byte("mine")) {
			t.Errorf("%q came down", got)
		}
	})
}

// same sends both requests: the answers must be equal, and refusals.
func same(t *testing.T, c *user, foreign, missing request, status int) {
	t.Helper()
	a, b := c.request(foreign), c.request(missing)
	if a.status < 400 || a.status != b.status || status != 0 && a.status != status {
		t.Errorf("%s %s %s: %d %s, missing: %d", foreign.method, foreign.path, foreign.body, a.status, a.body, b.status)
		return
	}
	a.isProblem(a.status, b.text("code"))
	if x, y := a.without("request_id"), b.without("request_id"); !reflect.DeepEqual(x, y) {
		t.Errorf("%s: %v, missing: %v", a.what, x, y)
	}
}

// inventory is all that a tenant sees of what it has.
func inventory(u *user, ids map[string]string) string {
	u.t.Helper()
	var b strings.Builder
	for _, path := range []string{
		"/api/me", "/api/orgs/{org}", "/api/orgs/{org}/license", "/api/orgs/{org}/assets", "/api/orgs/{org}/assets/{asset}",
		"/api/orgs/{org}/assets/{pending}", "/api/drives/{drive}/nodes", "/api/drives/{drive}/api-keys", "/api/drives/{drive}/trash", "/api/drives/{drive}/changes", "/api/nodes/{node}", "/api/assets/{asset}/versions", "/api/assets/{pending}/upload", "/api/shares/{share}", "/api/shares/{share}/access-log", "/api/shares/{share}/analytics", "/api/nodes/{asset}/shares",
		"/api/me/accounts", "/api/me/sessions", "/api/orgs/{company}", "/api/orgs/{company}/members", "/api/orgs/{company}/invitations",
		"/api/orgs/{company}/audit-log", "/api/orgs/{company}/drives", "/api/drives/{shared}/members",
		"/api/orgs/{company}/products", "/api/orgs/{company}/products/{product}/assets", "/api/orgs/{company}/transactions", "/api/orgs/{company}/subscriptions",
		"/api/orgs/{company}/sales?period=year&to=2100-01-01T00:00:00Z&from=2020-01-01T00:00:00Z", "/api/me/entitlements", "/api/me/transactions", "/api/me/subscriptions", "/api/transactions/{order}",
		"/api/groups/{group}", "/api/groups/{group}/assets", "/api/groups/{group}/permissions", "/api/groups/{group}/shares?ended=true", "/api/groups/tree", "/api/ingest/sessions/{ingest}",
	} {
		fmt.Fprintf(&b, "%s\n", u.want(http.StatusOK, "GET", request{path: path}.filled(ids).path, nil).body)
	}
	return b.String()
}
