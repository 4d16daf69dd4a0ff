package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

// acts say what the operations are asked with. An operation that is not here is
// asked with what the names in its path say alone.
var acts = map[string]act{
	"createLicense": {body: `{"name": "{fresh}"}`},
	"updateLicense": {scene: (*matrix).license, body: `{"limits": {"max_groups": 3}}`},
	"getLicense":    {scene: fixed(ids{"name": "free"})},
	"assignLicense": {body: `{"license": "enterprise"}`},
	"retryJob":      {scene: (*matrix).deadJob},
	"updateUser":    {scene: (*matrix).somebody, body: `{"disabled": true}`},

	"updateAnnotation": {scene: (*matrix).said, body: `{"body": {"text": "y"}}`},
	"annotateItem":     {body: `{"kind": "comment", "body": {"text": "x"}}`},
	"signItemUrl":      {scene: (*matrix).item},

	"completeUpload":       {scene: (*matrix).sent, body: `{"upload_id": "{upload}"}`},
	"abortUpload":          {scene: (*matrix).pending},
	"getUpload":            {scene: (*matrix).pending},
	"signUploadParts":      {scene: (*matrix).pending, body: `{"from": 1}`},
	"deriveAgain":          {scene: (*matrix).broken},
	"downloadAsset:sold":   {scene: (*matrix).sold},
	"signAssetUrl:sold":    {scene: (*matrix).sold},
	"restoreAssetVersion":  {scene: (*matrix).twice},
	"completeUploads":      {scene: (*matrix).sent, body: `{"assets": [{"asset_id": "{asset_id}", "upload_id": "{upload}"}]}`},
	"createAssets":         {body: `{"assets": [{"path": "{fresh}/a", "size_bytes": 1}]}`},
	"createAsset":          {body: `{"name": "{fresh}", "size_bytes": 1, "drive_id": "{drive_id}"}`},
	"updateAsset":          {body: `{"name": "{fresh}"}`},
	"deleteAsset:own":      {scene: (*matrix).own},
	"deleteAsset:for-ever": {query: "?permanent=true"},

	"logIn":              {scene: (*matrix).newcomer, body: `{"email": "{email}", "password": "` + password + `"}`},
	"logOut":             {scene: (*matrix).newcomer, body: `{"refresh_token": "{refresh}"}`},
	"refreshTokens":      {scene: (*matrix).newcomer, body: `{"refresh_token": "{refresh}"}`},
	"signUp":             {body: `{"email": "{fresh}@example.com", "password": "` + password + `"}`},
	"verifyEmail":        {scene: (*matrix).unconfirmed, body: `{"token": "{secret}"}`},
	"forgotPassword":     {body: `{"email": "boss@example.com"}`},
	"resetPassword":      {scene: (*matrix).forgetful, body: `{"token": "{secret}", "password": "` + password + `"}`},
	"startSignIn":        {scene: fixed(ids{"provider": "work"})},
	"finishSignIn":       {scene: (*matrix).signedIn, theirs: true, query: "?{query}"},
	"exchangeSignIn":     {scene: (*matrix).exchanging, body: `{"code": "{code}", "verifier": "` + verifier + `"}`},
	"switchOrg":          {body: `{"org_id": "{org_id}"}`},
	"updateMe":           {body: `{"name": "{fresh}"}`},
	"deleteMe":           {body: `{"password": "` + password + `"}`},
	"changePassword":     {body: `{"current_password": "` + password + `", "new_password": "another good password"}`},
	"endSession":         {scene: (*matrix).session},
	"beginTotp":          {body: `{"password": "` + password + `"}`},
	"confirmTotp":        {scene: (*matrix).factor, body: `{"code": "{code}"}`},
	"removeTotp":         {scene: (*matrix).recovery, body: `{"password": "` + password + `", "code": "{code}"}`},
	"acceptInvitation":   {scene: (*matrix).invited, body: `{"account_id": "{account}"}`, undo: (*matrix).inviteAgain},
	"createOrg":          {body: `{"name": "{fresh}"}`},
	"updateOrg":          {body: `{"name": "{fresh}"}`},
	"deleteOrg":          {undo: (*matrix).restoreOrg},
	"restoreOrg":         {scene: (*matrix).deleted, last: (*matrix).restored},
	"transferOwnership":  {scene: (*matrix).member, body: `{"account_id": "{account_id}"}`, undo: (*matrix).owns},
	"inviteMember":       {body: `{"email": "{fresh}@example.com", "role": "member"}`},
	"inviteMember:owner": {body: `{"email": "{fresh}@example.com", "role": "owner"}`},
	"withdrawInvitation": {scene: (*matrix).open},
	"updateMember":       {scene: (*matrix).member, body: `{"role": "viewer"}`},
	"updateMember:owner": {scene: (*matrix).owner, body: `{"role": "admin"}`},
	"updateMember:rise":  {scene: (*matrix).member, body: `{"role": "owner"}`},
	"removeMember":       {scene: (*matrix).member},
	"removeMember:owner": {scene: (*matrix).owner},
	"leaveOrg":           {},
	"followEvents":       {live: true},

	"createDrive":          {body: `{"name": "{fresh}"}`},
	"deleteDrive":          {scene: (*matrix).drive, query: "?force=true"},
	"updateDrive":          {body: `{"name": "{fresh}"}`},
	"setDriveMember":       {scene: (*matrix).member, body: `{"role": "viewer"}`},
	"removeDriveMember":    {scene: (*matrix).appointed},
	"createApiKey":         {scene: (*matrix).drive, body: `{"name": "k", "permissions": ["read"]}`},
	"createFolder":         {body: `{"name": "{fresh}"}`},
	"searchNodes":          {query: "?q=a"},
	"getDrive:personal":    {scene: (*matrix).personal},
	"updateDrive:personal": {scene: (*matrix).personal, body: `{"name": "{fresh}"}`},
	"listNodes:personal":   {scene: (*matrix).personal},
	"createFolder:personal": {
		scene: (*matrix).personal, body: `{"name": "{fresh}"}`,
	},
	"getDrive:closed":     {scene: (*matrix).closed},
	"listNodes:closed":    {scene: (*matrix).closed},
	"createFolder:closed": {scene: (*matrix).closed, body: `{"name": "{fresh}"}`},
	"changeNodes":         {each: true, body: `{"op": "tag", "ids": ["{node_id}"], "add_tags": ["{fresh}"]}`},
	"changeNodes:move":    {each: true, body: `{"op": "move", "ids": ["{node_id}"], "parent_id": "{folder}"}`},
	"changeNodes:trash":   {each: true, body: `{"op": "trash", "ids": ["{node_id}"]}`},
	"changeNodes:restore": {each: true, scene: (*matrix).trashed, body: `{"op": "restore", "ids": ["{node_id}"]}`},
	"changeNodes:purge":   {each: true, scene: (*matrix).trashed, body: `{"op": "purge", "ids": ["{node_id}"]}`},
	"updateNode":          {body: `{"name": "{fresh}"}`},
	"copyNode":            {body: `{"name": "{fresh}"}`},
	"downloadFolder":      {scene: (*matrix).album},
	"restoreNode":         {scene: (*matrix).trashed},

	"createShare":          {body: `{}`},
	"updateShare":          {body: `{"max_views": 3}`},
	"createGroupShare":     {body: `{}`},
	"replaceGroupShare":    {scene: (*matrix).groupShare, body: `{"max_views": 3}`},
	"revokeGroupShare":     {scene: (*matrix).groupShare},
	"deleteAnnotation:own": {scene: (*matrix).said},
	"exportShareAnalytics": {query: "?format=csv"},

	"listGroups":              {query: "?org_id={org_id}"},
	"getGroupTree":            {query: "?org_id={org_id}"},
	"createGroup":             {query: "?org_id={org_id}", body: `{"name": "{fresh}"}`},
	"getGroup:hidden":         {scene: (*matrix).hidden},
	"replaceGroup":            {body: `{"name": "{fresh}", "is_public": true}`},
	"addGroupAsset":           {body: `{"asset_id": "{asset_id}"}`},
	"changeGroupAssets":       {body: `{"add": ["{asset_id}"]}`},
	"updateGroupAsset":        {scene: (*matrix).grouped, body: `{"title": "T"}`},
	"removeGroupAsset":        {scene: (*matrix).grouped},
	"replaceGroupPermissions": {body: `{"permissions": []}`},
	"explainGroupPermissions": {query: "?account_id={account_id}"},
	"restoreGroup":            {scene: (*matrix).deletedGroup},

	"listCatalogue":           {scene: (*matrix).shop, query: "?org={slug}"},
	"createProduct":           {body: `{"name": "{fresh}", "type": "digital", "price": {"amount": 1900, "currency": "EUR"}}`},
	"updateProduct":           {body: `{"description": "{fresh}"}`},
	"deleteProduct":           {scene: (*matrix).draft},
	"linkAsset":               {scene: (*matrix).draft, body: `{"asset_id": "{asset_id}"}`},
	"moveLinkedAsset":         {scene: (*matrix).linked, body: `{"position": 0}`},
	"unlinkAsset":             {scene: (*matrix).linked},
	"createTransaction":       {body: `{"product_id": "{product_id}"}`},
	"refundTransaction":       {scene: (*matrix).paid},
	"listMyEntitlementAssets": {scene: (*matrix).entitled, theirs: true},
	"receiveStripeEvent":      {scene: (*matrix).stripe, body: `{event}`},

	"createWebhook": {body: `{"url": "https://hooks.example.com/"}`},
	"updateWebhook": {body: `{"description": "{fresh}"}`},
	"redeliver":     {scene: (*matrix).delivery},
	"createReport":  {body: `{"name": "{fresh}", "target": {"kind": "org"}, "period": "week", "recipients": ["boss@example.com"], "schedule": "0 8 * * MON"}`},
	"updateReport":  {body: `{"name": "{fresh}"}`},

	"listDatasets":           {query: "?org_id={org_id}"},
	"updateDataset":          {body: `{"description": "{fresh}"}`},
	"getDataset:restricted":  {scene: (*matrix).restricted},
	"compareDatasetVersions": {query: "?from=1"},
	"setDatasetGrants":       {body: `{"grants": [{"role": "member", "rights": ["view"]}]}`},
	"beginIngest":            {query: "?org_id={org_id}", body: `{"slug": "of-{fresh}"}`},
	"registerIngestAssets":   {body: `{"session_id": "{session_id}", "assets": [{"path": "a", "size_bytes": 1}]}`},
	"completeIngestAssets": {
		scene: (*matrix).registered, body: `{"session_id": "{session_id}", "assets": [{"asset_id": "{asset}", "upload_id": "{upload}"}]}`,
	},
	"publishDataset": {
		scene: (*matrix).ingest, query: "?session_id={session_id}", body: `{"items": [{"external_id": "a", "type": "text", "data": {"text": "t"}}]}`,
	},

	"getPublicShare":          {scene: linkOf("share"), link: "share"},
	"listPublicShare:named":   {scene: (*matrix).named},
	"listPublicShare":         {scene: linkOf("share"), link: "share"},
	"downloadPublicFolder":    {scene: linkOf("share"), link: "share"},
	"signPublicDownload":      {scene: linkOf("share"), link: "share", query: "?asset_id={asset_id}"},
	"downloadPublicShare":     {scene: linkOf("share"), link: "share"},
	"unlockPublicShare":       {scene: linkOf("share"), body: `{"password": "` + harbour + `"}`},
	"beginPublicUpload":       {scene: linkOf("request"), link: "request", body: `{"name": "{fresh}", "size_bytes": 1}`},
	"signPublicUploadParts":   {scene: (*matrix).begun, link: "request", body: `{"upload_id": "{upload}", "upload_token": "{proof}"}`},
	"completePublicUpload":    {scene: (*matrix).begun, link: "request", body: `{"upload_id": "{upload}", "upload_token": "{proof}"}`},
	"getPublicGroup":          {scene: linkOf("group"), link: "group"},
	"listPublicGroupAssets":   {scene: linkOf("group"), link: "group"},
	"listPublicGroups":        {scene: linkOf("group"), link: "group"},
	"signPublicGroupDownload": {scene: linkOf("group"), link: "group", query: "?asset_id={asset_id}"},
	"downloadPublicGroup":     {scene: linkOf("group"), link: "group"},
	"unlockPublicGroup":       {scene: linkOf("group"), body: `{"password": "` + harbour + `"}`},
}

// finally are the rows that leave nothing as it was.
var finally = []string{"deleteOrg", "restoreOrg", "leaveOrg", "receiveStripeEvent"}

// spares are the rows that use somebody up: the stranger is another each time.
var spares = map[string]bool{
	"deleteMe": true, "changePassword": true, "endSession": true, "endOtherSessions": true, "beginTotp": true, "confirmTotp": true, "removeTotp": true,
	"resendVerification": true,
}

// makers make what a name stands for, of the company and by its boss.
var makers = map[string]func(m *matrix) ids{
	"org_id":     func(m *matrix) ids { return ids{"org_id": m.boss.org} },
	"drive_id":   func(m *matrix) ids { return ids{"drive_id": m.boss.drive} },
	"account_id": func(m *matrix) ids { return ids{"account_id": m.joined()} },
	"node_id":    func(m *matrix) ids { return ids{"node_id": m.boss.ready(m.fresh())} },
	"asset_id":   func(m *matrix) ids { return ids{"asset_id": m.boss.ready(m.fresh())} },
	"folder":     func(m *matrix) ids { return ids{"folder": m.boss.folder(m.boss.drive, "/"+m.fresh())} },
	"key_id":     func(m *matrix) ids { return ids{"key_id": m.boss.issue(m.boss.drive, "read").id} },
	"share_id":   func(m *matrix) ids { return ids{"share_id": m.boss.shares(m.boss.ready(m.fresh()), object{}).id} },
	"group_id": func(m *matrix) ids {
		return ids{"group_id": idOf(m.boss.grouped(object{"name": m.fresh(), "is_public": true}))}
	},
	"product_id":      func(m *matrix) ids { return ids{"product_id": m.product()} },
	"transaction_id":  func(m *matrix) ids { return ids{"transaction_id": m.buyer().orders(m.product())} },
	"subscription_id": (*matrix).membership,
	"webhook_id":      (*matrix).webhook,
	"report_id":       (*matrix).report,
	"session_id":      func(m *matrix) ids { return ids{"session_id": m.ingest(nil)["session_id"]} },
	"dataset_id":      (*matrix).published,
	"item_id":         (*matrix).published,
	"annotation_id":   (*matrix).annotated,
	"user_id":         func(m *matrix) ids { return m.somebody(nil) },
}

func fixed(at ids) func(*matrix, *figure) ids {
	return func(*matrix, *figure) ids { return maps.Clone(at) }
}

// buyer buys what the table needs to be bought.
func (m *matrix) buyer() *user {
	p := m.figure("by")
	return &user{client: p.client, email: p.email}
}

func (m *matrix) license(*figure) ids {
	name := m.fresh()
	m.figure("op").want(http.StatusCreated, "POST", "/api/admin/licenses", object{"name": name})
	return ids{"name": name}
}

// deadJob is one that is not tried again, unless somebody says so.
func (m *matrix) deadJob(*figure) ids {
	m.t.Helper()
	var id int
	eventually(m.t, "a mail is sent", func() bool {
		id = m.number("SELECT coalesce(min(id), 0) FROM river_job WHERE state = 'completed' AND kind = 'mail.send'")
		return id != 0
	})
	m.exec(fmt.Sprintf("UPDATE river_job SET state = 'discarded' WHERE id = %d", id))
	return ids{"job_id": fmt.Sprint(id)}
}

func (m *matrix) somebody(*figure) ids { return ids{"user_id": m.signUp(m.fresh()).id()} }

func (m *matrix) pending(*figure) ids {
	a := m.boss.create(object{"name": m.fresh(), "size_bytes": 1, "drive_id": m.boss.drive})
	return ids{"asset_id": a.text("asset.id"), "upload": a.text("upload.upload_id")}
}

// sent is a file whose bytes are there.
func (m *matrix) sent(*figure) ids {
	a := m.boss.create(object{"name": m.fresh(), "size_bytes": 1, "drive_id": m.boss.drive})
	send(m.t, a.single(), []byte("x"))
	return ids{"asset_id": a.text("asset.id"), "upload": a.text("upload.upload_id")}
}

func (m *matrix) broken(*figure) ids {
	id := m.boss.upload(object{"name": m.fresh() + ".png", "content_type": "image/png", "drive_id": m.boss.drive}, []byte("no picture")).text("id")
	m.boss.derived(id, "failed")
	return ids{"asset_id": id}
}

func (m *matrix) sold(*figure) ids { return ids{"asset_id": m.kept["sold"]} }

// twice is a file of two versions.
func (m *matrix) twice(*figure) ids {
	name := m.fresh()
	m.boss.upload(object{"name": name, "drive_id": m.boss.drive}, []byte("1"))
	id := m.boss.upload(object{"name": name, "drive_id": m.boss.drive, "on_conflict": "version"}, []byte("2")).text("id")
	return ids{"asset_id": id, "number": "1"}
}

// own is a file of a member's.
func (m *matrix) own(*figure) ids {
	p := m.figure("me")
	u := &user{client: p.client, org: m.boss.org}
	return ids{"asset_id": u.create(object{"name": m.fresh(), "size_bytes": 1, "drive_id": m.boss.drive}).text("asset.id")}
}

// newcomer is a user with a session that nobody else has.
func (m *matrix) newcomer(*figure) ids {
	u := m.signUp(m.fresh())
	return ids{"email": u.email, "refresh": u.refresh}
}

func (m *matrix) unconfirmed(*figure) ids {
	u := m.signUp(m.fresh())
	return ids{"secret": m.mailed(u.email, "verify-email", 1)}
}

func (m *matrix) forgetful(*figure) ids {
	u := m.signUp(m.fresh())
	m.anybody().want(http.StatusAccepted, "POST", "/api/auth/password/forgot", object{"email": u.email})
	return ids{"secret": m.mailed(u.email, "reset-password", 1)}
}

func (m *matrix) signedIn(*figure) ids {
	who := m.fresh()
	m.idp.Add(env.Person{Subject: who, Email: who + "@example.com", Verified: true})
	b := m.begins("")
	return ids{"provider": "work", "query": m.idp.SignIn(m.t, b.start, who).Encode(), "header:Cookie": b.cookie.Name + "=" + b.cookie.Value}
}

func (m *matrix) exchanging(*figure) ids { return ids{"code": m.codeFor(m.idp, m.fresh())} }

// session is another one of whom is asked about themselves.
func (m *matrix) session(p *figure) ids {
	if !p.spare {
		return ids{"session_id": m.boss.want(http.StatusOK, "GET", "/api/me/sessions", nil).text("items.0.id")}
	}
	return ids{"session_id": p.want(http.StatusOK, "GET", "/api/me/sessions", nil).text("items.0.id")}
}

func (m *matrix) factor(p *figure) ids {
	if !p.spare {
		return ids{"code": "000000"}
	}
	url := p.want(http.StatusOK, "POST", "/api/me/totp", object{"password": password}).text("otpauth_url")
	return ids{"code": codeAt(m.t, url, time.Now())}
}

func (m *matrix) recovery(p *figure) ids {
	code := m.factor(p)["code"]
	if p.spare {
		code = p.want(http.StatusOK, "POST", "/api/me/totp/confirm", object{"code": code}).text("recovery_codes.0")
	}
	return ids{"code": code}
}

func (m *matrix) invited(*figure) ids { return ids{"account": m.figure("iv").account} }

func (m *matrix) inviteAgain(*figure) {
	p := m.figure("iv")
	m.boss.want(http.StatusNoContent, "DELETE", m.boss.member(p.account), nil)
	p.account = m.boss.invite(p.email, "admin")
}

func (m *matrix) restoreOrg(*figure) {
	m.boss.want(http.StatusNoContent, "POST", "/api/orgs/"+m.boss.org+"/restore", nil)
}

func (m *matrix) deleted(*figure) ids {
	m.boss.want(http.StatusNoContent, "DELETE", "/api/orgs/"+m.boss.org, nil)
	return ids{}
}

// restored is for a last scene that nobody has used.
func (m *matrix) restored() {
	if m.boss.ask("GET", "/api/orgs/"+m.boss.org, nil).status == http.StatusNotFound {
		m.restoreOrg(nil)
	}
}

func (m *matrix) member(*figure) ids { return ids{"account_id": m.joined()} }

func (m *matrix) owner(*figure) ids {
	account := m.joined()
	m.boss.change(account, object{"role": "owner"})
	return ids{"account_id": account}
}

// owns gives back what an owner has handed over.
func (m *matrix) owns(p *figure) { m.boss.change(p.account, object{"role": "owner"}) }

func (m *matrix) open(*figure) ids {
	return ids{"account_id": m.boss.invite(m.fresh()+"@example.com", "member")}
}

// drive is a shared drive in which everybody is what they are in the Library.
func (m *matrix) drive(*figure) ids {
	id := idOf(m.boss.share(object{"name": m.fresh(), "default_role": "editor"}))
	for code, role := range map[string]string{"dv": "viewer", "de": "editor", "da": "admin"} {
		m.appoint(id, m.figure(code).account, role)
	}
	return ids{"drive_id": id}
}

// appointed is a member of a drive.
func (m *matrix) appointed(*figure) ids {
	m.appoint(m.boss.drive, m.joined(), "viewer")
	return ids{"account_id": m.joe.account}
}

// personal is the drive of the member alone, closed one that only its managers
// are let into.
func (m *matrix) personal(*figure) ids {
	return ids{"drive_id": m.personalDrive(m.figure("me").account)}
}

func (m *matrix) closed(*figure) ids {
	if m.kept["closed"] == "" {
		m.kept["closed"] = idOf(m.boss.share(object{"name": m.fresh()}))
	}
	return ids{"drive_id": m.kept["closed"]}
}

func (m *matrix) trashed(*figure) ids {
	id := m.boss.ready(m.fresh())
	m.boss.want(http.StatusNoContent, "DELETE", "/api/nodes/"+id, nil)
	return ids{"node_id": id}
}

func (m *matrix) album(*figure) ids { return ids{"node_id": m.kept["album"]} }

func (m *matrix) groupShare(*figure) ids {
	group := m.boss.grouped(object{"name": m.fresh(), "is_public": true})
	return ids{"group_id": idOf(group), "share_id": m.boss.sharesGroup(group, object{}).id}
}

func (m *matrix) hidden(*figure) ids {
	return ids{"group_id": idOf(m.boss.grouped(object{"name": m.fresh()}))}
}

// grouped is a file in a group.
func (m *matrix) grouped(*figure) ids {
	group, file := m.boss.grouped(object{"name": m.fresh(), "is_public": true}), m.boss.ready(m.fresh())
	m.boss.adds(group, file, nil)
	return ids{"group_id": idOf(group), "asset_id": file}
}

func (m *matrix) deletedGroup(*figure) ids {
	group := m.boss.grouped(object{"name": m.fresh(), "is_public": true})
	m.boss.want(http.StatusNoContent, "DELETE", group, nil)
	return ids{"group_id": idOf(group)}
}

// product is something for sale.
func (m *matrix) product() string {
	return m.boss.offers(article(m.fresh(), nil), aFile(m.kept["sold"]))
}

// shop is where the company sells.
func (m *matrix) shop(*figure) ids {
	return ids{"slug": m.boss.want(http.StatusOK, "GET", "/api/orgs/"+m.boss.org, nil).text("slug")}
}

func (m *matrix) draft(*figure) ids {
	return ids{"product_id": m.boss.drafts(article(m.fresh(), nil))}
}

func (m *matrix) linked(p *figure) ids {
	out := m.draft(p)
	m.boss.links(out["product_id"], aFile(m.kept["sold"]))
	out["asset_id"] = m.kept["sold"]
	return out
}

func (m *matrix) paid(*figure) ids {
	return ids{"transaction_id": m.boss.sells(m.product(), m.buyer())}
}

func (m *matrix) membership() ids {
	club := m.boss.offers(membership(m.fresh(), object{"price": euros(0)}), aFile(m.kept["sold"]))
	return ids{"subscription_id": m.buyer().buys(club).text("transaction.subscription_id")}
}

// entitled is what each has bought; for those who have not, what somebody has.
func (m *matrix) entitled(p *figure) ids {
	if id := m.mine[p.code]; id != "" {
		return ids{"entitlement_id": id}
	}
	return ids{"entitlement_id": m.mine["by"]}
}

// stripe is an event of the bank's, which nobody has to heed.
func (m *matrix) stripe(*figure) ids {
	if m.bank == nil {
		m.bank = openBank(m.t)
		m.restart(m.bank.settings())
	}
	e := m.bank.tells("product.created", object{"id": m.fresh(), "object": "product"})
	return ids{"event": string(e), "header:Stripe-Signature": signature(e, stripeSecret, m.now())["Stripe-Signature"]}
}

func (m *matrix) webhook() ids {
	if m.hook != "" { // there may be only so many
		m.boss.ask("DELETE", m.hook, nil)
	}
	a := m.boss.want(http.StatusCreated, "POST", "/api/orgs/"+m.boss.org+"/webhooks", object{"url": "https://hooks.example.com/"})
	id := a.text("webhook.id")
	m.hook = "/api/orgs/" + m.boss.org + "/webhooks/" + id
	return ids{"webhook_id": id}
}

func (m *matrix) delivery(*figure) ids {
	out := m.webhook()
	hook := "/api/orgs/" + m.boss.org + "/webhooks/" + out["webhook_id"]
	m.boss.want(http.StatusCreated, "POST", hook+"/ping", nil)
	out["delivery_id"] = m.boss.want(http.StatusOK, "GET", hook+"/deliveries", nil).text("items.0.id")
	return out
}

func (m *matrix) report() ids {
	order := object{"name": m.fresh(), "target": object{"kind": "org"}, "period": "week", "recipients": []string{m.boss.email}, "schedule": "0 8 * * MON"}
	return ids{"report_id": m.boss.want(http.StatusCreated, "POST", "/api/orgs/"+m.boss.org+"/reports", order).text("id")}
}

// ingest is a session in a dataset that every member may see.
func (m *matrix) ingest(*figure) ids {
	i := m.boss.begins(object{"slug": "of-" + m.fresh(), "visibility": "org"})
	return ids{"dataset_id": i.dataset, "session_id": i.session}
}

func (m *matrix) registered(p *figure) ids {
	out := m.ingest(p)
	a := m.boss.want(http.StatusOK, "POST", "/api/ingest/assets:batch", object{
		"session_id": out["session_id"], "assets": []object{{"path": "a", "size_bytes": 1}},
	})
	send(m.t, signed{http.MethodPut, a.text("items.0.upload.url"), headersOf(a, "items.0.upload.headers")}, []byte("x"))
	out["asset"], out["upload"] = a.text("items.0.asset.id"), a.text("items.0.upload.upload_id")
	return out
}

// published is a dataset of one item, which has a file.
func (m *matrix) published() ids { return m.publishedTo("org") }

func (m *matrix) restricted(*figure) ids { return m.publishedTo("restricted") }

func (m *matrix) publishedTo(visibility string) ids {
	i := m.boss.begins(object{"slug": "of-" + m.fresh(), "visibility": visibility})
	i.brings(medium{"a", "text/plain", []byte(m.fresh())})
	i.publishes(object{"external_id": "a", "type": "image", "assets": mainFile("a")})
	item := m.boss.want(http.StatusOK, "GET", "/api/datasets/"+i.dataset+"/items", nil).text("items.0.id")
	return ids{"dataset_id": i.dataset, "item_id": item}
}

func (m *matrix) item(*figure) ids {
	return ids{"item_id": m.published()["item_id"], "role": "main"}
}

func (m *matrix) annotated() ids {
	said := m.boss.want(http.StatusCreated, "POST", "/api/items/"+m.published()["item_id"]+"/annotations", object{"kind": "comment", "body": object{"text": "x"}})
	return ids{"annotation_id": said.text("id")}
}

// said is an annotation of a member's.
func (m *matrix) said(*figure) ids {
	a := m.figure("me").want(http.StatusCreated, "POST", "/api/items/"+m.published()["item_id"]+"/annotations", object{"kind": "comment", "body": object{"text": "x"}})
	return ids{"annotation_id": a.text("id")}
}

// linkOf is the link of a kind that visitors have.
func linkOf(kind string) func(*matrix, *figure) ids {
	return func(m *matrix, _ *figure) ids {
		return ids{"token": m.links[kind].token, "asset_id": m.kept["shown"]}
	}
}

// named is a link for one account.
func (m *matrix) named(*figure) ids {
	l := m.boss.shares(m.kept["album"], object{"audience": object{"account_ids": []string{m.figure("me").account}}})
	return ids{"token": l.token}
}

// begun is a file that somebody sends by a link, whose bytes are there.
func (m *matrix) begun(*figure) ids {
	l := m.links["request"]
	begun := l.begins(object{"name": m.fresh(), "size_bytes": 1})
	begun.put([]byte("x"))
	return ids{
		"token": l.token, "asset_id": begun.text("asset_id"), "upload": begun.text("upload.upload_id"), "proof": begun.text("upload_token"),
	}
}
