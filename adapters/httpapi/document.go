package httpapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// documentPath is where the description of the API is, as .json and .yaml.
const documentPath = "/api/openapi"

// apiVersion is the version of the API, not of the server: what is described
// does not change within it but by additions.
const apiVersion = "1.0.0"

const apiAbout = `Coffer keeps digital assets of many organisations: it takes files, lists and describes them, and hands them out again.

**Signing in.** Sign up or log in, then send ` + "`Authorization: Bearer <access_token>`" + `. Access tokens live for an hour by default; exchange the refresh token for new ones. A refresh token is good for one use.

**Scripts** send ` + "`X-API-Key: pk_…`" + ` instead. An API key is for the files and folders of one drive; it allows what both its permissions and the present rights of whoever made it allow. Operations that take one say so.

**Share links** give a file or folder to whoever has them, with no account: see Shares for making them, and Public for what visitors do.

**Uploading.** Create an asset; the answer says how to send its bytes with nothing but signed URLs: one PUT, or one for each part of a large file. Then complete the upload.

**Lists** come in pages: pass ` + "`next_cursor`" + ` as ` + "`cursor`" + ` until it is null. Items that are added meanwhile do not shift the others.

**Errors** are ` + "`application/problem+json`" + ` (RFC 9457); ` + "`code`" + ` is what programs switch on.

**Concurrency.** Resources carry an ` + "`ETag`" + `; ` + "`If-Match`" + ` lets a change happen only to the version you have seen, ` + "`If-None-Match`" + ` saves loading what you have.

**Retrying.** With an ` + "`Idempotency-Key`" + `, a POST that creates something is carried out once however often it is sent, for 24 hours; an answer from before carries ` + "`Idempotency-Replayed: true`" + `.

**Every answer** carries ` + "`X-Request-ID`" + `, yours if you sent one, and ` + "`RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`" + ` (seconds), where requests are limited. Times are RFC 3339 in UTC, sizes are in bytes, ids are UUIDs. Unknown members of a body are refused.`

// The headings under which operations are described.
const (
	tagHealth   = "Health"
	tagAuth     = "Auth"
	tagMe       = "Me"
	tagOrgs     = "Orgs"
	tagLicenses = "Licenses"
	tagDrives   = "Drives"
	tagAssets   = "Assets"
	tagShares   = "Shares"
	tagPublic   = "Public"
	tagStore    = "Store"
	tagEvents   = "Events"
	tagGroups   = "Groups"
	tagReports  = "Reports"
	tagDatasets = "Datasets"
)

// config describes the API as a whole.
func (s *server) config() huma.Config {
	config := huma.DefaultConfig("Coffer", apiVersion)
	config.Info.Description = apiAbout
	config.Info.License = &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"}
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Servers = []*huma.Server{{URL: s.PublicURL, Description: "This server"}}
	config.Tags = []*huma.Tag{
		{Name: tagHealth, Description: "Whether the server works, for those who run it."},
		{Name: tagAuth, Description: "Signing up, in and out."},
		{Name: tagMe, Description: "The user who is signed in."},
		{Name: tagOrgs, Description: "Organisations: each is a tenant, invisible to all others."},
		{Name: tagAdmin, Description: "For platform admins: everybody's organisations, users and jobs."},
		{Name: tagLicenses, Description: "What an organisation may use, and what it does use."},
		{Name: tagDrives, Description: "Trees of folders and files."},
		{Name: tagAssets, Description: "Files: uploading, describing, downloading, versions, deleting."},
		{Name: tagShares, Description: "Share links: making, changing and ending them, and who used them."},
		{Name: tagStore, Description: "Products, purchases, memberships, and what has been sold."},
		{Name: tagEvents, Description: "What happens in an organisation, as it does: sent to webhooks, or followed as a stream."},
		{Name: tagGroups, Description: "Selections of files, nested in each other, with permissions of their own."},
		{Name: tagDatasets, Description: "Items with files, published version by version, checked and switched at once; viewed and annotated."},
		{Name: tagReports, Description: "Analytics by mail, again and again."},
		{Name: tagPublic, Description: "For visitors with a share link. A bearer token, if sent, says who they are."},
	}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		schemeBearer: {
			Type: "http", Scheme: "bearer", BearerFormat: "JWT",
			Description: "The access_token of a login, or a token of an issuer that the operator has configured.",
		},
		schemeAPIKey: {Type: "apiKey", In: "header", Name: keyHeader, Description: "An API key, for the files and folders of its drive."},
	}
	config.Components.Examples = s.problemExamples()
	config.Formats = map[string]huma.Format{"application/json": format, "json": format}
	// The document and the page are served without huma: its page loads a
	// script from elsewhere, and its hooks add $schema to every answer.
	config.CreateHooks, config.OpenAPIPath, config.DocsPath, config.SchemasPath = nil, "", "", ""
	return config
}

// problemExamples shows a problem of each code that operations have.
func (s *server) problemExamples() map[string]*huma.Example {
	examples := make(map[string]*huma.Example, len(meanings))
	for code, m := range meanings {
		examples[code] = &huma.Example{Summary: m.title, Value: map[string]any{
			"type": s.types + code, "title": m.title, "status": m.status, "detail": m.advice, "code": code,
			"request_id": "4LFLT6XQ2JMZVKQH7U5RNBEQ6E",
		}}
	}
	return examples
}

// schemaName is the name of a type in the document: Asset for assetBody.
func schemaName(t reflect.Type, hint string) string {
	return strings.ReplaceAll(huma.DefaultSchemaNamer(t, hint), "Body", "")
}

// mountDocument serves the description of the API, for programs and for people.
func (s *server) mountDocument() {
	doc := s.api.OpenAPI()
	s.static(documentPath+".json", "application/vnd.oai.openapi+json;version=3.1", jsonPolicy, func() ([]byte, error) {
		return json.MarshalIndent(doc, "", "  ")
	})
	s.static(documentPath+".yaml", "application/vnd.oai.openapi;version=3.1", jsonPolicy, doc.YAML)
	s.static(docsPath, "text/html; charset=utf-8", docsPolicy, func() ([]byte, error) { return renderDocs(doc) })
}

// static serves what does not change while the server runs. It is made when it
// is first asked for, because making it would be most of the time to start.
func (s *server) static(path, contentType, policy string, render func() ([]byte, error)) {
	render = sync.OnceValues(render)
	s.echo.Match([]string{http.MethodGet, http.MethodHead}, path, func(c echo.Context) error {
		requestOf(c.Request().Context()).route = path
		content, err := render()
		if err != nil {
			return err
		}
		tag := contentTag(content)
		h := c.Response().Header()
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", policy)
		h.Set("ETag", tag)
		if unchanged(c.Request().Header.Get("If-None-Match"), tag) {
			return c.NoContent(http.StatusNotModified)
		}
		return c.Blob(http.StatusOK, contentType, content)
	})
}
