package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

// write is an operation that writes: what the audit logs have of it, or, if
// nothing, why that is so.
type write struct {
	operation string
	entries   []string // action, of all logs, in order
	because   string
	do        func()
}

const (
	noOrg     = "belongs to no organisation: it is in the server's log"
	noEffect  = "stores nothing"
	mailsOnly = "changes nothing until the mailed link is used"
)

// newEntries returns the actions of all audit logs since the id last, and the
// last id then.
func (s *server) newEntries(last string) (actions []string, id string) {
	s.t.Helper()
	rows, err := s.database().QueryContext(s.t.Context(), "SELECT id, action FROM audit_log WHERE id > $1 ORDER BY id", last)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	id = last
	for rows.Next() {
		var action string
		if err := rows.Scan(&id, &action); err != nil {
			s.t.Fatal(err)
		}
		actions = append(actions, action)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return actions, id
}

// writer carries out every operation that writes, one after the other.
type writer struct {
	*server

	ana, ben, acme, joe *user // an operator; somebody; ana as an owner; ben as a member
	cat                 *user // who goes
	idp                 *env.IDP
	created             *answer
	factor, code        string
}

func (w *writer) as(u *user, status int, method, path string, body any) func() {
	return func() { w.t.Helper(); u.want(status, method, path, body) }
}

// people are the writes of users on themselves.
func (w *writer) people() []write {
	ana, ben, nobody := w.ana, w.ben, w.anybody()
	const next = "another good password"
	return []write{
		{"signUp", []string{"user.signed_up"}, "", func() { w.cat = w.signUp("cat") }},
		{"deleteMe", []string{"org.deleted"}, "", func() {
			w.cat.want(http.StatusNoContent, "DELETE", "/api/me", object{"password": password})
		}},
		{"exchangeSignIn", []string{"user.signed_up", "session.begun"}, "", w.exchange},
		{"logIn", []string{"session.begun"}, "", func() { ana.logIn() }},
		{"refreshTokens", nil, "goes on with a session that is in the log", func() {
			a := nobody.want(http.StatusOK, "POST", "/api/auth/refresh", object{"refresh_token": ben.refresh})
			ben.token, ben.refresh = a.text("access_token"), a.text("refresh_token")
		}},
		{"logOut", []string{"session.begun", "session.ended"}, "", func() {
			other := *ben
			other.client = w.anybody()
			other.logIn()
			nobody.want(http.StatusNoContent, "POST", "/api/auth/logout", object{"refresh_token": other.refresh})
			nobody.want(http.StatusNoContent, "POST", "/api/auth/logout", object{"refresh_token": other.refresh}) // has ended
		}},
		{"switchOrg", nil, noEffect, func() { ana.want(http.StatusOK, "POST", "/api/auth/switch-org", object{"org_id": ana.org}) }},
		{"verifyEmail", []string{"user.email_verified"}, "", func() {
			nobody.want(http.StatusNoContent, "POST", "/api/auth/verify-email", object{"token": w.mailed(ben.email, "verify-email", 1)})
		}},
		{"resendVerification", nil, mailsOnly, w.as(ana, http.StatusAccepted, "POST", "/api/auth/resend-verification", nil)},
		{"forgotPassword", nil, mailsOnly, func() {
			nobody.want(http.StatusAccepted, "POST", "/api/auth/password/forgot", object{"email": ben.email})
		}},
		{"resetPassword", []string{"user.password_reset", "session.begun"}, "", func() {
			token := w.mailed(ben.email, "reset-password", 1)
			nobody.want(http.StatusNoContent, "POST", "/api/auth/password/reset", object{"token": token, "password": password})
			ben.logIn()
		}},
		{"changePassword", []string{"user.password_changed", "user.password_changed"}, "", func() {
			ben.want(http.StatusNoContent, "PUT", "/api/me/password", object{"current_password": password, "new_password": next})
			ben.want(http.StatusNoContent, "PUT", "/api/me/password", object{"current_password": next, "new_password": password})
		}},
		{"updateMe", []string{"user.updated"}, "", func() {
			ben.want(http.StatusOK, "PATCH", "/api/me", object{"name": "Benjamin"})
			ben.want(http.StatusOK, "PATCH", "/api/me", object{"name": "Benjamin"}) // no change
		}},
		{"endOtherSessions", []string{"session.ended"}, "", w.as(ana, http.StatusNoContent, "DELETE", "/api/me/sessions", nil)},
		{"endSession", []string{"session.ended", "session.begun"}, "", func() {
			id := ben.want(http.StatusOK, "GET", "/api/me/sessions", nil).text("items.0.id")
			ben.want(http.StatusNoContent, "DELETE", "/api/me/sessions/"+id, nil)
			ben.logIn()
		}},
		{"beginTotp", nil, "asks nobody for a code until it is confirmed", func() {
			w.factor = ana.want(http.StatusOK, "POST", "/api/me/totp", object{"password": password}).text("otpauth_url")
		}},
		{"confirmTotp", []string{"user.totp_enabled"}, "", func() {
			a := ana.want(http.StatusOK, "POST", "/api/me/totp/confirm", object{"code": codeAt(w.t, w.factor, time.Now())})
			w.code = a.text("recovery_codes.0")
		}},
		{"removeTotp", []string{"user.totp_disabled"}, "", func() {
			ana.want(http.StatusNoContent, "DELETE", "/api/me/totp", object{"password": password, "code": w.code})
		}},
	}
}

// exchange signs somebody in at the provider, for an app.
func (w *writer) exchange() {
	w.anybody().want(http.StatusOK, "POST", exchange, object{"code": w.codeFor(w.idp, "dan"), "verifier": verifier})
}

// orgs are the writes on organisations and by operators.
func (w *writer) orgs() []write {
	ana, ben := w.ana, w.ben
	path := func(rest string) string { return "/api/orgs/" + w.acme.org + rest }
	hire := func() {
		w.joe = &user{client: ben.client, email: ben.email, org: w.acme.org, drive: w.acme.drive, account: w.acme.invite(ben.email, "member")}
		ben.want(http.StatusOK, "POST", "/api/invitations/accept", object{"account_id": w.joe.account})
	}
	hired := []string{"account.invited", "account.joined"}
	return []write{
		{"createOrg", []string{"org.created"}, "", func() { w.acme = ana.found(object{"name": "Acme"}) }},
		{"updateOrg", []string{"org.updated"}, "", func() { ana.want(http.StatusOK, "PATCH", path(""), object{"name": "Acme Works"}) }},
		{"inviteMember", []string{"account.invited"}, "", func() { w.code = w.acme.invite("zoe@example.com", "viewer") }},
		{"withdrawInvitation", []string{"account.removed"}, "", func() {
			ana.want(http.StatusNoContent, "DELETE", path("/invitations/"+w.code), nil)
		}},
		{"acceptInvitation", hired, "", hire},
		{"updateMember", []string{"account.updated"}, "", func() { w.acme.change(w.joe.account, object{"role": "admin"}) }},
		{"removeMember", []string{"account.removed"}, "", func() { ana.want(http.StatusNoContent, "DELETE", w.acme.member(w.joe.account), nil) }},
		{"leaveOrg", append(hired, "account.left"), "", func() { hire(); ben.want(http.StatusNoContent, "POST", path("/leave"), nil) }},
		{"transferOwnership", append(hired, "org.transferred", "org.transferred"), "", func() {
			hire()
			ana.want(http.StatusNoContent, "POST", path("/transfer-ownership"), object{"account_id": w.joe.account})
		}},
		{"deleteOrg", []string{"org.deleted"}, "", func() { ben.want(http.StatusNoContent, "DELETE", path(""), nil) }},
		{"restoreOrg", []string{"org.restored"}, "", func() { ben.want(http.StatusNoContent, "POST", path("/restore"), nil) }},
		{"assignLicense", []string{"license.assigned"}, "", func() {
			ana.want(http.StatusNoContent, "PUT", "/api/admin/orgs/"+ben.org+"/license", object{"license": "pro"})
		}},
		{"updateUser", []string{"user.updated", "user.updated"}, "", func() {
			id := ben.want(http.StatusOK, "GET", "/api/me", nil).text("id")
			for _, on := range []bool{true, true, false} { // once without a change
				ana.want(http.StatusOK, "PATCH", "/api/admin/users/"+id, object{"platform_admin": on})
			}
		}},
		{"createLicense", nil, noOrg, w.as(ana, http.StatusCreated, "POST", "/api/admin/licenses", object{"name": "studio"})},
		{"updateLicense", nil, noOrg, w.as(ana, http.StatusOK, "PATCH", "/api/admin/licenses/studio", object{"limits": object{"max_groups": 3}})},
		{"retryJob", nil, noOrg, w.as(ana, http.StatusNotFound, "POST", "/api/admin/jobs/999999/retry", nil)},
	}
}

// files are the writes on files.
func (w *writer) files() []write {
	ana := w.ana
	path := func(rest string) string { return "/api/assets/" + w.created.text("asset.id") + rest }
	asset := func() string { return "/api/orgs/" + ana.org + "/assets/" + w.created.text("asset.id") }
	return []write{
		{"createAsset", nil, "is one statement; the log has the file when its bytes are there, or what became of them", func() {
			w.created = ana.create(object{"name": "a.txt", "size_bytes": 1})
		}},
		{"signUploadParts", nil, noEffect, func() { ana.want(http.StatusOK, "POST", path("/upload/parts"), nil) }},
		{"abortUpload", []string{"upload.aborted"}, "", func() { ana.want(http.StatusNoContent, "DELETE", path("/upload"), nil) }},
		{"completeUpload", []string{"asset.uploaded", "asset.uploaded"}, "", func() {
			for _, text := range []string{"1", "2"} {
				w.created = ana.create(object{"name": "b.txt", "size_bytes": 1, "on_conflict": "version"})
				send(w.t, w.created.single(), []byte(text))
				ana.complete(w.created)
				ana.complete(w.created) // again
			}
		}},
		{"signAssetUrl", nil, noEffect, func() { ana.want(http.StatusOK, "POST", path("/signed-url"), object{"disposition": "attachment"}) }},
		{"deriveAgain", []string{"asset.uploaded", "asset.derived_again"}, "", func() {
			id := ana.upload(object{"name": "broken.png", "content_type": "image/png"}, []byte("no picture")).text("id")
			ana.derived(id, "failed")
			ana.want(http.StatusOK, "POST", "/api/assets/"+id+"/derived/retry", nil)
		}},
		{"restoreAssetVersion", []string{"asset.version_restored"}, "", func() { ana.want(http.StatusOK, "POST", path("/versions/1/restore"), nil) }},
		{"updateAsset", []string{"asset.updated"}, "", func() { ana.want(http.StatusOK, "PATCH", asset(), object{"name": "c.txt"}) }},
		{"deleteAsset", []string{"asset.trashed", "asset.purged"}, "", func() {
			ana.want(http.StatusNoContent, "DELETE", asset(), nil)
			ana.want(http.StatusNoContent, "DELETE", asset()+"?permanent=true", nil)
		}},
	}
}

// drives are the writes on drives and their trees.
func (w *writer) drives() []write {
	ana, ben := w.ana, w.ben
	var team, joe, drive, folder, file, key string
	var made *answer
	node := func(id, rest string) string { return "/api/nodes/" + id + rest }
	return []write{
		{"createDrive", []string{"org.created", "account.invited", "account.joined", "drive.created"}, "", func() {
			team = ana.want(http.StatusCreated, "POST", "/api/orgs", object{"name": "Team"}).text("id")
			joe = ana.want(http.StatusCreated, "POST", "/api/orgs/"+team+"/invitations", object{"email": ben.email, "role": "member"}).text("id")
			ben.want(http.StatusOK, "POST", "/api/invitations/accept", object{"account_id": joe})
			drive = ana.want(http.StatusCreated, "POST", "/api/orgs/"+team+"/drives", object{"name": "Work"}).text("id")
		}},
		{"updateDrive", []string{"drive.updated"}, "", func() {
			ana.want(http.StatusOK, "PATCH", "/api/drives/"+drive, object{"default_role": "viewer"})
			ana.want(http.StatusOK, "PATCH", "/api/drives/"+drive, object{}) // no change
		}},
		{"setDriveMember", []string{"drive.member_set"}, "", func() {
			ana.want(http.StatusOK, "PUT", "/api/drives/"+drive+"/members/"+joe, object{"role": "editor"})
		}},
		{"removeDriveMember", []string{"drive.member_removed"}, "", func() {
			ana.want(http.StatusNoContent, "DELETE", "/api/drives/"+drive+"/members/"+joe, nil)
		}},
		{"createApiKey", []string{"api_key.created"}, "", func() {
			key = ana.want(http.StatusCreated, "POST", "/api/drives/"+drive+"/api-keys", object{"name": "k", "permissions": []string{"read"}}).text("api_key.id")
		}},
		{"revokeApiKey", []string{"api_key.revoked"}, "", func() {
			ana.want(http.StatusNoContent, "DELETE", "/api/drives/"+drive+"/api-keys/"+key, nil)
		}},
		{"createAssets", []string{"folder.created"}, "", func() {
			made = ana.want(http.StatusOK, "POST", "/api/drives/"+drive+"/assets:batch", object{"assets": []object{{"path": "many/a", "size_bytes": 1}}})
		}},
		{"completeUploads", []string{"asset.uploaded"}, "", func() {
			send(w.t, signed{http.MethodPut, made.text("items.0.upload.url"), headersOf(made, "items.0.upload.headers")}, []byte("x"))
			ended := object{"assets": []object{{"asset_id": made.text("items.0.asset.id"), "upload_id": made.text("items.0.upload.upload_id")}}}
			ana.want(http.StatusOK, "POST", "/api/drives/"+drive+"/assets:complete", ended)
			ana.want(http.StatusOK, "POST", "/api/drives/"+drive+"/assets:complete", ended) // no change
		}},
		{"createFolder", []string{"folder.created", "folder.created", "asset.uploaded"}, "", func() {
			folder = ana.want(http.StatusCreated, "POST", "/api/drives/"+drive+"/folders", object{"name": "b", "path": "a", "parents": true}).text("id")
			file = (&user{client: ana.client, org: team, drive: drive}).upload(object{"name": "f.txt", "drive_id": drive, "parent_id": folder}, []byte("1")).text("id")
		}},
		{"updateNode", []string{"folder.moved"}, "", func() {
			ana.want(http.StatusOK, "PATCH", node(folder, ""), object{"parent_id": nil, "name": "c"})
			ana.want(http.StatusOK, "PATCH", node(folder, ""), object{"name": "c"}) // no change
		}},
		{"copyNode", []string{"asset.copied", "asset.uploaded"}, "", func() {
			id := ana.want(http.StatusCreated, "POST", node(file, "/copy"), object{"parent_id": folder}).text("id")
			eventually(w.t, "the copy has its bytes", func() bool {
				return ana.want(http.StatusOK, "GET", node(id, ""), nil).text("status") == "ready"
			})
		}},
		{"changeNodes", []string{"asset.updated", "asset.trashed"}, "", func() {
			ana.want(http.StatusOK, "POST", "/api/nodes/bulk", object{"op": "tag", "ids": []string{file}, "add_tags": []string{"x"}})
			ana.want(http.StatusOK, "POST", "/api/nodes/bulk", object{"op": "trash", "ids": []string{file, missingID}})
		}},
		{"restoreNode", []string{"asset.restored"}, "", func() { ana.want(http.StatusOK, "POST", node(file, "/restore"), nil) }},
		{"deleteNode", []string{"folder.trashed"}, "", func() { ana.want(http.StatusNoContent, "DELETE", node(folder, ""), nil) }},
		{"emptyTrash", []string{"folder.purged"}, "", func() { ana.want(http.StatusNoContent, "DELETE", "/api/drives/"+drive+"/trash", nil) }},
		{"deleteDrive", []string{"drive.deleted"}, "", func() { ana.want(http.StatusNoContent, "DELETE", "/api/drives/"+drive+"?force=true", nil) }},
	}
}

// logged says where what visitors of links do is written down.
const logged = "is in the link's access log"

// shares are the writes on share links, and by their visitors.
func (w *writer) shares() []write {
	ana := w.ana
	var look, send *link
	var begun *answer
	return []write{
		{"createShare", []string{"folder.created", "share.created", "share.created"}, "", func() {
			inbox := ana.folder(ana.drive, "/Inbox")
			look, send = ana.shares(inbox, object{}), ana.shares(inbox, object{"kind": "upload"})
		}},
		{"updateShare", []string{"share.updated"}, "", func() {
			ana.edits(look, object{"expires_at": time.Now().Add(time.Hour)})
			ana.edits(look, object{"max_views": nil}) // no change
		}},
		{"unlockPublicShare", nil, logged, func() { look.unlocks("none", "192.0.2.1").isProblem(http.StatusForbidden, "share_password_wrong") }},
		{"rotateShare", []string{"share.rotated"}, "", func() { ana.want(http.StatusOK, "POST", "/api/shares/"+look.id+"/rotate", nil) }},
		{"revokeShare", []string{"share.revoked"}, "", func() {
			ana.want(http.StatusNoContent, "DELETE", "/api/shares/"+look.id, nil)
			ana.want(http.StatusNoContent, "DELETE", "/api/shares/"+look.id, nil) // is revoked
		}},
		{"beginPublicUpload", nil, logged, func() { begun = send.begins(object{"name": "v.txt", "size_bytes": 1}) }},
		{"signPublicUploadParts", nil, noEffect, func() {
			send.want(http.StatusOK, "POST", send.path("/uploads/"+begun.text("asset_id")+"/parts"), proof(begun))
		}},
		{"completePublicUpload", []string{"asset.uploaded"}, "", func() { begun.put([]byte("v")); send.ends(begun) }},
	}
}

// sells are the writes of those who sell and buy. They end with a server that
// is paid by Stripe.
func (w *writer) sells() []write {
	ana, ben := w.ana, w.ben
	var product, file, first, second string
	path := func(rest string) string { return ana.products("/" + product + rest) }
	return []write{
		{"createProduct", []string{"product.created"}, "", func() { product = ana.drafts(article("Ten presets", nil)) }},
		{"linkAsset", []string{"asset.uploaded", "product.updated"}, "", func() {
			file = ana.upload(object{"name": "sold.txt"}, []byte("1")).text("id")
			ana.links(product, aFile(file))
		}},
		{"updateProduct", []string{"product.updated"}, "", func() {
			ana.publishes(product)
			ana.publishes(product) // no change
		}},
		{"moveLinkedAsset", []string{"asset.uploaded", "product.updated", "product.updated"}, "", func() {
			ana.links(product, aFile(ana.upload(object{"name": "other.txt"}, []byte("2")).text("id")))
			ana.want(http.StatusOK, "PATCH", path("/assets/"+file), object{"position": 1})
			ana.want(http.StatusOK, "PATCH", path("/assets/"+file), object{"position": 7}) // no change
		}},
		{"unlinkAsset", []string{"product.updated"}, "", func() { ana.want(http.StatusNoContent, "DELETE", path("/assets/"+file), nil) }},
		{"createTransaction", []string{"transaction.created"}, "", func() {
			first = ben.orders(product)
			ben.orders(product) // is that one
		}},
		{"cancelTransaction", []string{"transaction.failed"}, "", func() {
			ben.want(http.StatusOK, "POST", order(first, "/cancel"), nil)
			ben.want(http.StatusOK, "POST", order(first, "/cancel"), nil) // is given up
		}},
		{"completeTransaction", []string{"transaction.created", "transaction.completed"}, "", func() {
			second = ana.sells(product, ben)
			ana.confirms(second) // is confirmed
		}},
		{"refundTransaction", []string{"transaction.refunded", "transaction.refunded"}, "", func() {
			ana.refunds(second, object{"amount": 1})
			ana.refunds(second, nil)
		}},
		{"cancelSubscription", []string{"product.created", "product.updated", "product.updated", "transaction.created", "transaction.completed", "subscription.canceled"}, "", func() {
			sub := ben.buys(ana.offers(membership("The club", object{"price": euros(0)}), aFile(file))).text("transaction.subscription_id")
			ben.want(http.StatusOK, "POST", "/api/subscriptions/"+sub+"/cancel", nil)
			ben.want(http.StatusOK, "POST", "/api/subscriptions/"+sub+"/cancel", nil) // is canceled
		}},
		{"deleteProduct", []string{"product.created", "product.deleted"}, "", func() {
			ana.want(http.StatusNoContent, "DELETE", ana.products("/"+ana.drafts(article("Draft", nil))), nil)
		}},
		{"receiveStripeEvent", []string{"transaction.created", "transaction.completed", "transaction.disputed", "transaction.dispute_won", "transaction.refunded"}, "", func() {
			b := openBank(w.t)
			w.restart(b.settings())
			_, session := ben.pays(b, product)
			intent := b.intent(fmt.Sprint(session["id"]))
			for _, e := range []event{
				b.tells("checkout.session.completed", session), b.tells("charge.dispute.created", disputeOf(intent, "needs_response")),
				b.tells("charge.dispute.closed", disputeOf(intent, "won")), b.tells("charge.refunded", b.charge(intent, 1900)),
			} {
				w.heeds(e)
				w.heeds(e) // is known
			}
		}},
	}
}

// ingests are the writes on datasets.
func (w *writer) ingests() []write {
	var at *ingest
	var created *answer
	return []write{
		{"beginIngest", []string{"dataset.created", "dataset.ingest_begun"}, "", func() { at = w.ana.begins(object{"slug": "written"}) }},
		{"registerIngestAssets", []string{"folder.created", "dataset.assets_registered"}, "", func() {
			created = at.want(http.StatusOK, "POST", "/api/ingest/assets:batch", object{"session_id": at.session, "assets": []object{{"path": "a/b", "size_bytes": 1}}})
		}},
		{"completeIngestAssets", []string{"asset.uploaded"}, "", func() {
			send(w.t, signed{http.MethodPut, created.text("items.0.upload.url"), headersOf(created, "items.0.upload.headers")}, []byte("x"))
			ended := []object{{"asset_id": created.text("items.0.asset.id"), "upload_id": created.text("items.0.upload.upload_id")}}
			at.want(http.StatusOK, "POST", "/api/ingest/assets:complete", object{"session_id": at.session, "assets": ended})
			at.want(http.StatusOK, "POST", "/api/ingest/assets:complete", object{"session_id": at.session, "assets": ended}) // no change
		}},
		{"publishDataset", []string{"dataset.published"}, "", func() {
			at.publishes(object{"external_id": "a", "type": "image", "assets": mainFile("a/b")})
			at.publishes(object{"external_id": "a", "type": "image", "assets": mainFile("a/b")}) // no change
		}},
		{"abortIngestSession", []string{"dataset.ingest_begun", "dataset.ingest_aborted"}, "", func() {
			at = w.ana.begins(object{"slug": "written"})
			at.want(http.StatusNoContent, "DELETE", "/api/ingest/sessions/"+at.session, nil)
		}},
	}
}

// datasets are the writes on what is published: of the dataset that ingests made.
func (w *writer) datasets() []write {
	ana := w.ana
	var set, item, note string
	return []write{
		{"updateDataset", []string{"dataset.updated"}, "", func() {
			set = "/api/datasets/" + ana.want(http.StatusOK, "GET", "/api/datasets?q=written&org_id="+ana.org, nil).text("items.0.id")
			ana.want(http.StatusOK, "PATCH", set, object{"description": "Set"})
			ana.want(http.StatusOK, "PATCH", set, object{"description": "Set"}) // no change
		}},
		{"setDatasetGrants", []string{"dataset.grants_set"}, "", func() {
			grants := object{"grants": []object{{"role": "viewer", "rights": []string{"view", "annotate"}}}}
			ana.want(http.StatusOK, "PUT", set+"/grants", grants)
			ana.want(http.StatusOK, "PUT", set+"/grants", grants) // no change
		}},
		{"signItemUrl", nil, "a URL of a file is in the dataset's own log", func() {
			item = "/api/items/" + ana.want(http.StatusOK, "GET", set+"/items", nil).text("items.0.id")
			ana.want(http.StatusOK, "POST", item+"/assets/main/signed-url", nil)
		}},
		{"annotateItem", []string{"annotation.created"}, "", func() {
			note = "/api/annotations/" + ana.want(http.StatusCreated, "POST", item+"/annotations", object{"kind": "comment", "body": object{"text": "x"}}).text("id")
		}},
		{"updateAnnotation", []string{"annotation.updated"}, "", func() {
			ana.want(http.StatusOK, "PATCH", note, object{"body": object{"text": "y"}})
			ana.want(http.StatusOK, "PATCH", note, object{"body": object{"text": "y"}}) // no change
		}},
		{"deleteAnnotation", []string{"annotation.deleted"}, "", func() { ana.want(http.StatusNoContent, "DELETE", note, nil) }},
		{"deleteDataset", []string{"dataset.deleted"}, "", func() { ana.want(http.StatusNoContent, "DELETE", set, nil) }},
	}
}

// groups are the writes on groups.
func (w *writer) groups() []write {
	ana := w.ana
	var group, file string
	var shared *link
	path := func(rest string) string { return group + rest }
	return []write{
		{"createGroup", []string{"asset.uploaded", "group.created"}, "", func() {
			file = ana.ready("g.txt")
			group = ana.grouped(object{"name": "Group"})
		}},
		{"replaceGroup", []string{"group.updated"}, "", func() {
			ana.want(http.StatusOK, "PUT", path(""), object{"name": "Set", "is_public": true})
			ana.want(http.StatusOK, "PUT", path(""), object{"name": "Set", "is_public": true}) // no change
		}},
		{"addGroupAsset", []string{"group.assets_changed"}, "", func() {
			ana.want(http.StatusCreated, "POST", path("/assets"), object{"asset_id": file})
		}},
		{"updateGroupAsset", []string{"group.assets_changed"}, "", func() {
			ana.want(http.StatusOK, "PATCH", path("/assets/"+file), object{"title": "T"})
			ana.want(http.StatusOK, "PATCH", path("/assets/"+file), object{"title": "T"}) // no change
		}},
		{"removeGroupAsset", []string{"group.assets_changed"}, "", func() {
			ana.want(http.StatusNoContent, "DELETE", path("/assets/"+file), nil)
		}},
		{"changeGroupAssets", []string{"group.assets_changed"}, "", func() {
			ana.want(http.StatusNoContent, "POST", path("/assets/bulk"), object{"add": []string{file}})
			ana.want(http.StatusNoContent, "POST", path("/assets/bulk"), object{}) // no change
		}},
		{"replaceGroupPermissions", []string{"group.permissions_set"}, "", func() {
			rows := object{"permissions": []object{{"role": "member", "can_view": true}}}
			ana.want(http.StatusOK, "PUT", path("/permissions"), rows)
			ana.want(http.StatusOK, "PUT", path("/permissions"), rows) // no change
		}},
		{"createGroupShare", []string{"share.created"}, "", func() { shared = ana.sharesGroup(group, object{}) }},
		{"replaceGroupShare", []string{"share.updated"}, "", func() {
			end := object{"expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
			ana.want(http.StatusOK, "PUT", path("/shares/"+shared.id), end)
			ana.want(http.StatusOK, "PUT", path("/shares/"+shared.id), end) // no change
		}},
		{"unlockPublicGroup", nil, logged, func() { shared.unlocks("none", "192.0.2.2").isProblem(http.StatusForbidden, "share_password_wrong") }},
		{"revokeGroupShare", []string{"share.revoked"}, "", func() {
			ana.want(http.StatusNoContent, "DELETE", path("/shares/"+shared.id), nil)
			ana.want(http.StatusNoContent, "DELETE", path("/shares/"+shared.id), nil) // is revoked
		}},
		{"deleteGroup", []string{"group.deleted"}, "", func() { ana.want(http.StatusNoContent, "DELETE", path(""), nil) }},
		{"restoreGroup", []string{"group.restored"}, "", func() { ana.want(http.StatusOK, "POST", path("/restore"), nil) }},
	}
}

// tells are the writes of those who want to be told what happens.
func (w *writer) tells() []write {
	ana := w.ana
	hooks, reports := "/api/orgs/"+ana.org+"/webhooks", "/api/orgs/"+ana.org+"/reports"
	var hook, report string
	return []write{
		{"createWebhook", []string{"license.assigned", "webhook.created"}, "", func() {
			w.must("license", "assign", ana.org, "enterprise")
			hook = hooks + "/" + ana.want(http.StatusCreated, "POST", hooks, object{"url": "https://hooks.example.com/"}).text("webhook.id")
		}},
		{"updateWebhook", []string{"webhook.updated"}, "", func() {
			ana.want(http.StatusOK, "PATCH", hook, object{"description": "mine"})
			ana.want(http.StatusOK, "PATCH", hook, object{"description": "mine"}) // no change
		}},
		{"rotateWebhookSecret", []string{"webhook.secret_rotated"}, "", w.at(ana, http.StatusOK, "POST", &hook, "/rotate-secret")},
		{"pingWebhook", nil, "sends something that changes nothing", w.at(ana, http.StatusCreated, "POST", &hook, "/ping")},
		{"redeliver", []string{"webhook.redelivered"}, "", func() {
			id := ana.want(http.StatusOK, "GET", hook+"/deliveries", nil).text("items.0.id")
			ana.want(http.StatusAccepted, "POST", hook+"/deliveries/"+id+"/redeliver", nil)
		}},
		{"deleteWebhook", []string{"webhook.deleted"}, "", w.at(ana, http.StatusNoContent, "DELETE", &hook, "")},
		{"createReport", []string{"report.created"}, "", func() {
			order := object{"name": "R", "target": object{"kind": "org"}, "period": "week", "recipients": []string{ana.email}, "schedule": "0 8 * * MON"}
			report = reports + "/" + ana.want(http.StatusCreated, "POST", reports, order).text("id")
		}},
		{"updateReport", []string{"report.updated"}, "", func() {
			ana.want(http.StatusOK, "PATCH", report, object{"name": "S"})
			ana.want(http.StatusOK, "PATCH", report, object{"name": "S"}) // no change
		}},
		{"runReport", []string{"report.requested"}, "", w.at(ana, http.StatusAccepted, "POST", &report, "/run")},
		{"deleteReport", []string{"report.deleted"}, "", w.at(ana, http.StatusNoContent, "DELETE", &report, "")},
	}
}

// at is as for a path that is known only then.
func (w *writer) at(u *user, status int, method string, path *string, rest string) func() {
	return func() { w.t.Helper(); u.want(status, method, *path+rest, nil) }
}

func TestEveryWriteIsInAnAuditLogOrSaysWhyNot(t *testing.T) {
	tellWithProvider(t, nil, func(t *testing.T, s *server, idp *env.IDP) {
		w := &writer{server: s, idp: idp, ana: s.signUp("ana"), ben: s.signUp("ben")}
		s.must("admin", "promote", w.ana.email)
		_, last := s.newEntries(missingID)
		done := map[string]bool{}
		for _, of := range []func() []write{w.people, w.sells, w.orgs, w.files, w.drives, w.shares, w.groups, w.ingests, w.datasets, w.tells} {
			for _, op := range of() {
				op.do()
				var got []string
				if got, last = s.newEntries(last); !slices.Equal(got, op.entries) || (op.because == "") != (op.entries != nil) {
					t.Errorf("%s: the log has %v, want %v", op.operation, got, op.entries)
				}
				done[op.operation] = true
			}
		}
		// The tables above are the API's own: no operation is left out.
		paths, _ := s.anybody().want(http.StatusOK, "GET", "/api/openapi.json", nil).get("paths").(map[string]any)
		for path, operations := range paths {
			for method, operation := range operations.(map[string]any) { //nolint:forcetypeassert // the document's form
				id := fmt.Sprint(operation.(map[string]any)["operationId"]) //nolint:forcetypeassert // as above
				if method != "get" && !done[id] {
					t.Errorf("%s %s, %s, is not in the tables", strings.ToUpper(method), path, id)
				}
				delete(done, id)
			}
		}
		if len(done) > 0 {
			t.Errorf("no operations: %v", done)
		}
		w.operatorsAreNamed()
	})
}

// operatorsAreNamed: who has a personal org reads in its log what operators did.
func (w *writer) operatorsAreNamed() {
	w.t.Helper()
	const admin, org, me = "platform_admin <nil> ana@example.com ", "license.assigned org ", "user.updated user "
	id := w.ben.want(http.StatusOK, "GET", "/api/me", nil).text("id")
	want := []string{
		admin + me + id + ` 127.0.0.1 {"platform_admin":{"from":true,"to":false}}`,
		admin + me + id + ` 127.0.0.1 {"platform_admin":{"from":false,"to":true}}`,
		admin + org + w.ben.org + ` 127.0.0.1 {"license":{"from":"free","to":"pro"}}`,
	}
	if got := w.ben.audit("", "")[:len(want)]; !slices.Equal(got, want) {
		w.t.Errorf("entries:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	self := "account " + w.ben.account + " ben@example.com "
	if got := w.ben.audit("&action=user.password_reset", ""); !slices.Equal(got, []string{self + "user.password_reset user " + id + " 127.0.0.1 {}"}) {
		w.t.Errorf("entries %v", got)
	}
	// What belongs to no organisation is in the server's log, with who and what.
	log := w.process.read()
	for _, part := range []string{`"route":"/api/admin/licenses/{name}"`, `"max_groups":3`} {
		if !strings.Contains(strings.ReplaceAll(log, ": ", ":"), part) {
			w.t.Errorf("the log has no %s", part)
		}
	}
}
