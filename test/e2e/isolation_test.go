package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// request is a request of the table of operations. In path and body, {org},
// {drive}, {node}, {asset}, {pending}, {upload}, {company}, {shared}, {account},
// {invitation}, {key}, {share}, {session}, {product}, {part}, {draft}, {order},
// {membership}, {bought}, {group}, {dataset}, {item}, {annotation}, {webhook},
// {delivery}, {report} and {trashed} stand for ids; with my. before them, for
// those of who asks. {my.link}, {my.circle}, {my.inbox} and {my.proof} are what
// the visitors of one's links have.
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
	{"POST", "/api/drives/{drive}/assets:batch", `{"assets": [{"path": "x", "size_bytes": 1}]}`},
	{"POST", "/api/drives/{drive}/assets:complete", `{"assets": [{"asset_id": "` + missingID + `", "upload_id": "` + missingID + `"}]}`},
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
	{"GET", "/api/orgs/{company}/webhooks/{webhook}", ""},
	{"PATCH", "/api/orgs/{company}/webhooks/{webhook}", `{"active": false}`},
	{"DELETE", "/api/orgs/{company}/webhooks/{webhook}", ""},
	{"POST", "/api/orgs/{company}/webhooks/{webhook}/rotate-secret", ""},
	{"POST", "/api/orgs/{company}/webhooks/{webhook}/ping", ""},
	{"GET", "/api/orgs/{company}/webhooks/{webhook}/deliveries", ""},
	{"POST", "/api/orgs/{company}/webhooks/{webhook}/deliveries/{delivery}/redeliver", ""},
	{"GET", "/api/orgs/{company}/reports", ""},
	{"POST", "/api/orgs/{company}/reports", `{"name": "Stolen", "target": {"kind": "org"}, "period": "week", "recipients": ["eve@example.com"], "schedule": "0 8 * * MON"}`},
	{"GET", "/api/orgs/{company}/reports/{report}", ""},
	{"PATCH", "/api/orgs/{company}/reports/{report}", `{"active": false}`},
	{"DELETE", "/api/orgs/{company}/reports/{report}", ""},
	{"POST", "/api/orgs/{company}/reports/{report}/run", ""},
	{"GET", "/api/orgs/{company}/reports/{report}/runs", ""},
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
	{"POST", "/api/groups/{group}/assets", `{"asset_id": "{my.asset}"}`},
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

// inside are requests that name what belongs to somebody else within what is
// one's own. The status is 0 if what is named may be looked at first.
var inside = []struct {
	request

	status int
}{
	{request{"POST", "/api/orgs/{my.org}/assets", `{"name": "x", "size_bytes": 1, "drive_id": "{drive}"}`}, 0},
	{request{"POST", "/api/orgs/{my.org}/assets", `{"name": "x", "size_bytes": 1, "parent_id": "{node}"}`}, 0},
	{request{"POST", "/api/orgs/{my.org}/assets", `{"name": "x", "size_bytes": 64000000, "drive_id": "{drive}"}`}, 0},
	{request{"POST", "/api/orgs/{my.org}/assets", `{"name": "x", "size_bytes": 64000000, "parent_id": "{node}"}`}, 0},
	{request{"PATCH", "/api/orgs/{my.company}", `{"branding": {"logo_asset_id": "{asset}"}}`}, 422},
	{request{"PATCH", "/api/orgs/{my.company}", `{"default_drive_id": "{shared}"}`}, 422},
	{request{"POST", "/api/orgs/{my.company}/products", `{"name": "x", "type": "digital", "price": {"amount": 0, "currency": "EUR"}, "cover_asset_id": "{part}"}`}, 422},
	{request{"PATCH", "/api/orgs/{my.company}/products/{my.draft}", `{"cover_asset_id": "{part}"}`}, 422},
	{request{"POST", "/api/orgs/{my.company}/products/{my.draft}/assets", `{"asset_id": "{part}"}`}, 422},
	{request{"POST", "/api/orgs/{my.company}/products/{my.draft}/assets", `{"folder_id": "{node}"}`}, 422},
	{request{"POST", "/api/orgs/{my.company}/reports", `{"name": "x", "target": {"kind": "group", "group_id": "{group}"}, "period": "week", "recipients": ["eve@example.com"], "schedule": "0 8 * * MON"}`}, 0},
	{request{"POST", "/api/orgs/{my.company}/reports", `{"name": "x", "target": {"kind": "share", "share_id": "{share}"}, "period": "week", "recipients": ["eve@example.com"], "schedule": "0 8 * * MON"}`}, 0},
	{request{"PATCH", "/api/orgs/{my.company}/reports/{my.report}", `{"target": {"kind": "group", "group_id": "{group}"}}`}, 0},
	{request{"PATCH", "/api/orgs/{my.company}/reports/{my.report}", `{"target": {"kind": "share", "share_id": "{share}"}}`}, 0},
	{request{"GET", "/api/orgs/{my.company}/transactions?product_id={product}", ""}, 200},
	{request{"GET", "/api/orgs/{my.company}/subscriptions?product_id={product}", ""}, 200},
	{request{"GET", "/api/orgs/{my.company}/sales?product_id={product}", ""}, 200},
	{request{"GET", "/api/orgs/{my.company}/audit-log?actor={account}", ""}, 200},
	{request{"GET", "/api/products/{draft}", ""}, 404},
	{request{"GET", "/api/me/entitlements/{my.bought}/assets?parent_id={node}", ""}, 404},

	{request{"POST", "/api/ingest/assets:batch", `{"session_id": "{my.ingest}", "assets": [{"asset_id": "{part}"}]}`}, 422},
	{request{"POST", "/api/ingest/assets:complete", `{"session_id": "{my.ingest}", "assets": [{"asset_id": "{pending}", "upload_id": "{upload}"}]}`}, 200},
	{request{"POST", "/api/ingest/datasets/{my.dataset}/publish?session_id={my.ingest}", `{"manifest_asset_id": "{part}"}`}, 422},
	{request{"GET", "/api/datasets/{my.dataset}/access-log?account_id={account}", ""}, 200},
	{request{"GET", "/api/datasets/{my.dataset}/annotations?author_id={account}", ""}, 200},
	{request{"PUT", "/api/datasets/{my.dataset}/grants", `{"grants": [{"account_id": "{account}", "rights": ["view"]}]}`}, 422},

	{request{"POST", "/api/groups?org_id={my.org}", `{"name": "x", "parent_id": "{group}"}`}, 422},
	{request{"POST", "/api/groups?org_id={my.org}", `{"name": "x", "cover_asset_id": "{asset}"}`}, 422},
	{request{"PUT", "/api/groups/{my.group}", `{"name": "x", "parent_id": "{group}"}`}, 422},
	{request{"PUT", "/api/groups/{my.group}", `{"name": "x", "cover_asset_id": "{asset}"}`}, 422},
	{request{"POST", "/api/groups/{my.group}/assets", `{"asset_id": "{asset}"}`}, 422},
	{request{"POST", "/api/groups/{my.group}/assets/bulk", `{"add": ["{asset}"]}`}, 422},
	{request{"POST", "/api/groups/{my.group}/assets/bulk", `{"order": ["{asset}"]}`}, 0},
	{request{"POST", "/api/groups/{my.group}/assets/bulk", `{"remove": ["{asset}"]}`}, 0},
	{request{"PUT", "/api/groups/{my.group}/permissions", `{"permissions": [{"account_id": "{account}", "can_view": true}]}`}, 422},
	{request{"GET", "/api/groups?parent_id={group}", ""}, 404},
	{request{"GET", "/api/groups/{my.group}/permissions/effective?account_id={account}", ""}, 404},
	{request{"POST", "/api/groups/{my.group}/share", `{"audience": {"account_ids": ["{account}"]}}`}, 422},
	{request{"PUT", "/api/groups/{my.group}/shares/{my.ring}", `{"audience": {"account_ids": ["{account}"]}}`}, 422},
	{request{"POST", "/api/nodes/{my.asset}/shares", `{"audience": {"account_ids": ["{account}"]}}`}, 422},
	{request{"PATCH", "/api/shares/{my.share}", `{"audience": {"account_ids": ["{account}"]}}`}, 422},

	{request{"GET", "/api/drives/{my.drive}/nodes?parent_id={node}", ""}, 404},
	{request{"PATCH", "/api/nodes/{my.node}", `{"parent_id": "{node}"}`}, 422},
	{request{"PATCH", "/api/nodes/{my.node}", `{"drive_id": "{drive}"}`}, 422},
	{request{"POST", "/api/nodes/{my.node}/copy", `{"parent_id": "{node}"}`}, 422},
	{request{"POST", "/api/nodes/{my.node}/copy", `{"drive_id": "{drive}"}`}, 422},
	{request{"POST", "/api/nodes/{my.trashed}/restore", `{"parent_id": "{node}"}`}, 422},
	{request{"POST", "/api/drives/{my.drive}/folders", `{"name": "x", "parent_id": "{node}"}`}, 422},
	{request{"POST", "/api/nodes/bulk", `{"op": "move", "ids": ["{node}"]}`}, 200},
	{request{"POST", "/api/nodes/bulk", `{"op": "trash", "ids": ["{node}"]}`}, 200},
	{request{"POST", "/api/nodes/bulk", `{"op": "restore", "ids": ["{node}"]}`}, 200},
	{request{"POST", "/api/nodes/bulk", `{"op": "purge", "ids": ["{node}"]}`}, 200},
	{request{"POST", "/api/nodes/bulk", `{"op": "tag", "ids": ["{node}"], "add_tags": ["mine"]}`}, 200},
	{request{"POST", "/api/nodes/bulk", `{"op": "move", "ids": ["{my.node}"], "parent_id": "{node}"}`}, 0},
	{request{"POST", "/api/nodes/bulk", `{"op": "move", "ids": ["{my.node}"], "drive_id": "{drive}"}`}, 0},
	{request{"POST", "/api/assets/{my.pending}/complete", `{"upload_id": "{upload}"}`}, 409},
	{request{"POST", "/api/drives/{my.drive}/assets:batch", `{"assets": [{"path": "x", "size_bytes": 1}], "parent_id": "{node}"}`}, 0},
	{request{"POST", "/api/drives/{my.drive}/assets:complete", `{"assets": [{"asset_id": "{pending}", "upload_id": "{upload}"}]}`}, 200},
	{request{"POST", "/api/assets/{my.asset}/complete", `{"upload_id": "{upload}"}`}, 404},

	{request{"GET", "/api/public/shares/{my.link}/nodes?parent_id={node}", ""}, 404},
	{request{"GET", "/api/public/shares/{my.link}/archive?folder_id={node}", ""}, 404},
	{request{"GET", "/api/public/shares/{my.link}/download-url?asset_id={asset}", ""}, 404},
	{request{"GET", "/api/public/shares/{my.link}/download/{asset}", ""}, 404},
	{request{"POST", "/api/public/shares/{my.inbox}/uploads/{pending}/parts", `{"upload_id": "{upload}", "upload_token": "{my.proof}"}`}, 404},
	{request{"POST", "/api/public/shares/{my.inbox}/uploads/{pending}/complete", `{"upload_id": "{upload}", "upload_token": "{my.proof}"}`}, 404},
	{request{"GET", "/api/public/groups/{my.circle}?group_id={group}", ""}, 404},
	{request{"GET", "/api/public/groups/{my.circle}/assets?group_id={group}", ""}, 404},
	{request{"GET", "/api/public/groups/{my.circle}/groups?parent_id={group}", ""}, 404},
	{request{"GET", "/api/public/groups/{my.circle}/download-url?asset_id={asset}", ""}, 404},
	{request{"GET", "/api/public/groups/{my.circle}/download-url?asset_id={my.asset}&group_id={group}", ""}, 404},
	{request{"GET", "/api/public/groups/{my.circle}/download/{asset}", ""}, 404},
	{request{"GET", "/api/public/groups/{my.circle}/download/{my.asset}?group_id={group}", ""}, 404},
}

// elsewhere are the ids that the tables above leave out, and why.
var elsewhere = map[string]string{
	"assignLicense path org_id": "to operators no organisation is foreign",
	"updateUser path user_id":   "to operators no user is foreign",
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
	said := u.want(http.StatusCreated, "POST", "/api/items/"+item+"/annotations", object{"kind": "comment", "body": object{"text": "x"}})
	hooks, reports := "/api/orgs/"+company.org+"/webhooks", "/api/orgs/"+company.org+"/reports"
	hook := hooks + "/" + u.want(http.StatusCreated, "POST", hooks, object{"url": "https://hooks.example.com/"}).text("webhook.id")
	u.want(http.StatusCreated, "POST", hook+"/ping", nil)
	report := u.want(http.StatusCreated, "POST", reports, object{
		"name": "Weekly", "target": object{"kind": "org"}, "period": "week", "recipients": []string{u.email}, "schedule": "0 8 * * MON",
	})
	trashed := u.folder(u.drive, "/trashed")
	u.want(http.StatusNoContent, "DELETE", "/api/nodes/"+trashed, nil)
	folder, group := u.folder(u.drive, "/shown"), u.grouped(object{"name": "Mine"})
	look, inbox, circle := u.shares(folder, object{}), u.shares(folder, object{"kind": "upload"}), u.sharesGroup(group, object{})
	begun := inbox.begins(object{"name": "sent.txt", "size_bytes": 1})
	return map[string]string{
		"org": u.org, "drive": u.drive, "node": u.folder(u.drive, "/mine"), "asset": asset.text("id"), "pending": pending.text("asset.id"), "upload": pending.text("upload.upload_id"),
		"company": company.org, "shared": company.drive, "account": company.account, "invitation": company.invite("guest-of-"+u.email, "member"),
		"dataset": signs.dataset, "ingest": signs.session,
		"key":     u.issue(u.drive, "read").id,
		"share":   u.shares(asset.text("id"), object{}).id,
		"group":   idOf(group),
		"session": u.want(http.StatusOK, "GET", "/api/me/sessions", nil).text("items.0.id"),
		"product": product, "part": part, "draft": company.drafts(article("Draft of "+u.email, nil)), "order": u.orders(product),
		"membership": member.text("transaction.subscription_id"), "bought": u.entitlement(album),
		"item": item, "annotation": said.text("id"),
		"webhook": idOf(hook), "delivery": u.want(http.StatusOK, "GET", hook+"/deliveries", nil).text("items.0.id"), "report": report.text("id"),
		"trashed": trashed, "link": look.token, "inbox": inbox.token, "proof": begun.text("upload_token"),
		"circle": circle.token, "ring": circle.id,
	}
}

func TestAForeignIDIsAnsweredLikeAMissingOne(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana"), s.signUp("eve")
		his, hers := possessions(ana), possessions(eve)
		before := inventory(ana, his)
		missing := map[string]string{}
		for name, id := range hers {
			his["my."+name], missing["my."+name], missing[name] = id, id, missingID
		}

		for _, r := range requests {
			// Every choice of whose ids: at least one is the other tenant's.
			names := r.names()
			for choice := 1; choice < 1<<len(names); choice++ {
				foreign, none := maps.Clone(his), maps.Clone(missing)
				for i, name := range names {
					if choice>>i&1 == 0 {
						foreign[name], none[name] = hers[name], hers[name]
					}
				}
				if i := slices.Index(names, "upload"); i >= 0 && choice == 1<<i {
					continue // an upload of somebody else with an asset of one's own: below
				}
				status := http.StatusNotFound
				if strings.Contains(r.body, "{part}") {
					status = 0 // what is named in the body may be looked at first
				}
				same(t, eve, r, foreign, none, status)
			}
		}
		for _, r := range inside {
			same(t, eve, r.request, his, missing, r.status)
		}

		if after := inventory(ana, his); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		if orgs := eve.want(http.StatusOK, "GET", "/api/orgs", nil).list("id"); !slices.Equal(orgs, []string{eve.org, hers["company"]}) {
			t.Errorf("eve's orgs: %v", orgs)
		}
		if got := ana.download(his["asset"]); !bytes.Equal(got, []byte("mine")) {
			t.Errorf("%q came down", got)
		}
		s.everyIDIsForeignOnce()
	})
}

// names are those that stand for ids of somebody else.
func (r request) names() (all []string) {
	for _, found := range foreignName.FindAllStringSubmatch(r.path+r.body, -1) {
		if !slices.Contains(all, found[1]) {
			all = append(all, found[1])
		}
	}
	return all
}

var foreignName = regexp.MustCompile(`\{([a-z]+)\}`)

// same sends the request with both ids: the answers must be equal, and say
// nothing of what belongs to somebody else.
func same(t *testing.T, c *user, r request, foreign, missing map[string]string, status int) {
	t.Helper()
	a, b := c.request(r.filled(foreign)), c.request(r.filled(missing))
	if a.status != b.status || status != 0 && a.status != status {
		t.Errorf("%s %s %s: %d %s, missing: %d %s", r.method, r.path, r.body, a.status, a.body, b.status, b.body)
		return
	}
	if a.status >= http.StatusBadRequest {
		a.isProblem(a.status, b.text("code"))
	} else if status == 0 && !r.answersEach() && !strings.HasSuffix(r.path, "/assets/bulk") {
		t.Errorf("%s %s %s: %d %s", r.method, r.path, r.body, a.status, a.body)
	}
	for _, name := range r.names() { // what the caller has said comes back
		a.body = bytes.ReplaceAll(a.body, []byte(foreign[name]), []byte(missing[name]))
	}
	if len(a.body) > 0 && len(b.body) > 0 {
		if x, y := a.without("request_id"), b.without("request_id"); !reflect.DeepEqual(x, y) {
			t.Errorf("%s: %v, missing: %v", a.what, x, y)
		}
	}
	if x, y := telling(a.header), telling(b.header); !reflect.DeepEqual(x, y) {
		t.Errorf("%s: %v, missing: %v", a.what, x, y)
	}
	switch {
	case a.status != http.StatusOK:
	case r.answersEach():
		if got := a.text("items.0.error.code"); status == http.StatusOK && got != "not_found" {
			t.Errorf("%s %s: %s", a.what, r.body, a.body)
		}
	default:
		if len(a.list("id")) > 0 {
			t.Errorf("%s: %s", a.what, a.body)
		}
	}
}

// answersEach reports whether the answer has a refusal for each id.
func (r request) answersEach() bool {
	return strings.HasSuffix(r.path, "/nodes/bulk") || strings.HasSuffix(r.path, "/assets:complete")
}

// telling are the headers by which two answers could be told apart.
func telling(h http.Header) http.Header {
	out := h.Clone()
	for name := range h {
		if name == "Date" || name == "X-Request-Id" || strings.HasPrefix(name, "Ratelimit") {
			delete(out, name)
		}
	}
	return out
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
