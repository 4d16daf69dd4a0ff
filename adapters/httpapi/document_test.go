package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/yaml"
)

var routes = []string{
	"listSignInProviders GET /api/auth/providers 200", "startSignIn GET /api/auth/oidc/{provider}/start 302",
	"finishSignIn GET /api/auth/oidc/{provider}/callback 200", "exchangeSignIn POST /api/auth/oidc/exchange 200",
	"signUp POST /api/auth/signup 201", "logIn POST /api/auth/login 200", "refreshTokens POST /api/auth/refresh 200", "logOut POST /api/auth/logout 204",
	"switchOrg POST /api/auth/switch-org 200", "verifyEmail POST /api/auth/verify-email 204",
	"resendVerification POST /api/auth/resend-verification 202", "forgotPassword POST /api/auth/password/forgot 202",
	"resetPassword POST /api/auth/password/reset 204", "updateMe PATCH /api/me 200", "deleteMe DELETE /api/me 204", "changePassword PUT /api/me/password 204",
	"listMyAccounts GET /api/me/accounts 200", "listMyInvitations GET /api/me/invitations 200", "listSessions GET /api/me/sessions 200",
	"endOtherSessions DELETE /api/me/sessions 204", "endSession DELETE /api/me/sessions/{session_id} 204",
	"createOrg POST /api/orgs 201", "updateOrg PATCH /api/orgs/{org_id} 200", "deleteOrg DELETE /api/orgs/{org_id} 204", "restoreOrg POST /api/orgs/{org_id}/restore 204",
	"listMembers GET /api/orgs/{org_id}/members 200", "updateMember PATCH /api/orgs/{org_id}/members/{account_id} 200",
	"removeMember DELETE /api/orgs/{org_id}/members/{account_id} 204", "inviteMember POST /api/orgs/{org_id}/invitations 201",
	"listInvitations GET /api/orgs/{org_id}/invitations 200", "withdrawInvitation DELETE /api/orgs/{org_id}/invitations/{account_id} 204",
	"acceptInvitation POST /api/invitations/accept 200", "assignLicense PUT /api/admin/orgs/{org_id}/license 204", "listAllLicenses GET /api/admin/licenses 200", "createLicense POST /api/admin/licenses 201", "getLicense GET /api/admin/licenses/{name} 200", "updateLicense PATCH /api/admin/licenses/{name} 200", "getStats GET /api/admin/stats 200", "beginTotp POST /api/me/totp 200", "confirmTotp POST /api/me/totp/confirm 200", "listAllOrgs GET /api/admin/orgs 200", "listDeadJobs GET /api/admin/jobs 200", "listUsers GET /api/admin/users 200", "removeTotp DELETE /api/me/totp 204", "retryJob POST /api/admin/jobs/{job_id}/retry 204", "updateUser PATCH /api/admin/users/{user_id} 200", "leaveOrg POST /api/orgs/{org_id}/leave 204",
	"transferOwnership POST /api/orgs/{org_id}/transfer-ownership 204", "listAuditLog GET /api/orgs/{org_id}/audit-log 200",
	"getMe GET /api/me 200", "listOrgs GET /api/orgs 200", "getOrg GET /api/orgs/{org_id} 200", "getOrgLicense GET /api/orgs/{org_id}/license 200",
	"listLicenses GET /api/licenses 200", "listNodes GET /api/drives/{drive_id}/nodes 200", "createAsset POST /api/orgs/{org_id}/assets 201",
	"listAssets GET /api/orgs/{org_id}/assets 200", "getAsset GET /api/orgs/{org_id}/assets/{asset_id} 200",
	"updateAsset PATCH /api/orgs/{org_id}/assets/{asset_id} 200", "deleteAsset DELETE /api/orgs/{org_id}/assets/{asset_id} 204",
	"getAssetUsage GET /api/orgs/{org_id}/assets/usage 200", "completeUpload POST /api/assets/{asset_id}/complete 200",
	"signUploadParts POST /api/assets/{asset_id}/upload/parts 200", "getUpload GET /api/assets/{asset_id}/upload 200",
	"abortUpload DELETE /api/assets/{asset_id}/upload 204", "downloadAsset GET /api/assets/{asset_id}/download 200",
	"signAssetUrl POST /api/assets/{asset_id}/signed-url 200", "listAssetVersions GET /api/assets/{asset_id}/versions 200",
	"restoreAssetVersion POST /api/assets/{asset_id}/versions/{number}/restore 200", "getHealth GET /healthz 200", "getReadiness GET /readyz 200",
}

func TestTheDocumentDescribesEveryRoute(t *testing.T) {
	f := newFixture(t)
	doc := f.api.OpenAPI()
	var got []string
	for path, item := range doc.Paths {
		for _, op := range operationsOf(item) {
			for status, r := range op.Responses {
				if status[0] == '2' || status == "302" && op.Responses["200"] == nil {
					got = append(got, op.OperationID+" "+op.Method+" "+path+" "+status)
				} else if status != "304" && status != "302" && status != "303" && (r.Content[problemType] == nil || r.Description == "") {
					t.Errorf("%s %s is not described", op.OperationID, status)
				}
			}
			if op.Summary == "" || op.Description == "" || len(op.Tags) != 1 || op.Security == nil {
				t.Errorf("%s is not described", op.OperationID)
			}
		}
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(routes))
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// All that the document says is there answers, and nothing else does.
	for _, r := range f.echo.Routes() {
		path := regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.Path, "{$1}")
		known := slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, " "+r.Method+" "+path+" ") })
		if !known && path != docsPath && !strings.HasPrefix(path, documentPath) {
			t.Errorf("%s %s is not described", r.Method, path)
		}
	}
}

func TestTheDocumentIsServedAsItIsPrinted(t *testing.T) {
	printed, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	asYAML, asJSON := f.call("GET", "/api/openapi.yaml", ""), f.call("GET", "/api/openapi.json", "")
	if !bytes.Equal(printed, asYAML.Body.Bytes()) {
		t.Error("the YAML that is served is another")
	}
	var converted bytes.Buffer
	if err := yaml.Convert(&converted, asJSON.Body); err != nil || !bytes.Equal(printed, converted.Bytes()) {
		t.Errorf("the JSON that is served is another: %v", err)
	}
	if !bytes.Contains(printed, []byte("\nopenapi: 3.1.0\n")) || bytes.Contains(printed, []byte("$schema")) {
		t.Errorf("it is not a plain OpenAPI 3.1 document")
	}
	tag := asYAML.Header().Get("ETag")
	if w := f.call("GET", "/api/openapi.yaml", "", "If-None-Match: "+tag); w.Code != 304 {
		t.Errorf("%s: %d", tag, w.Code)
	}
	if w := f.call("HEAD", "/api/openapi.yaml", ""); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestExamplesAreWhatTheSchemasSay(t *testing.T) {
	doc := newFixture(t).api.OpenAPI()
	for name, s := range doc.Components.Schemas.Map() {
		for field, p := range s.Properties {
			target := resolved(doc, p)
			for _, example := range target.Examples {
				var plain any
				raw, err := json.Marshal(example)
				if err == nil {
					err = json.Unmarshal(raw, &plain)
				}
				if err != nil {
					t.Fatal(err)
				}
				result := &huma.ValidateResult{}
				huma.Validate(doc.Components.Schemas, target, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, plain, result)
				if len(result.Errors) > 0 {
					t.Errorf("%s.%s: %v", name, field, result.Errors)
				}
			}
			if p.Description == "" && name+field != "ProblemDetails" { // which is for what a problem adds
				t.Errorf("%s.%s is not described", name, field)
			}
		}
	}
}

func TestThePageNeedsNothingButItself(t *testing.T) {
	w := newFixture(t).call("GET", docsPath, "")
	html := w.Body.String()
	for _, no := range []string{"<script", "http-equiv", "<link", "<img", " style=", " onclick"} {
		if strings.Contains(html, no) {
			t.Errorf("it has %s", no)
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(html)
	sum := sha256.Sum256([]byte(style[1]))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy %s does not allow its style", policy)
	}
	for _, route := range routes {
		if id, _, _ := strings.Cut(route, " "); !strings.Contains(html, `<article id="`+id+`">`) {
			t.Errorf("%s is not there", id)
		}
	}
	for code := range meanings {
		if !strings.Contains(html, `id="error-`+code+`"`) {
			t.Errorf("%s is not there", code)
		}
	}
	if strings.Contains(html, "ZgotmplZ") || strings.Contains(html, "<td></td></tr>") {
		t.Error("something is missing")
	}
}
