// Package httpapi serves the application over HTTP: huma describes the
// operations and checks their input, Echo routes.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/admin"
	"github.com/seed-755a8038/coffer/app/analytics"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/event"
	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/app/report"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/app/webhook"
	"github.com/seed-755a8038/coffer/core"
)

// Services are what the API works with: the use cases it exposes and what
// serving them needs.
type Services struct {
	Identity *identity.Service
	Orgs     *org.Service
	Drives   *drive.Service
	Assets   *asset.Service
	Shares   *share.Service
	Store    *store.Service
	Webhooks *webhook.Service
	Events   *event.Service
	Groups   *group.Service
	Reports  *report.Service
	Datasets *dataset.Service
	Admin    *admin.Service

	Analytics *analytics.Service

	Thumbnails app.Thumbnails

	Limiter Limiter
	Clock   Clock
	Log     *slog.Logger

	// Ready examines what the server depends on, and logs what is down; nil:
	// nothing.
	Ready func(ctx context.Context) []Component

	// Observe is told of each request when it has ended; nil: nobody is. route
	// is a pattern such as /api/orgs/{org_id}, or "unmatched".
	Observe func(method, route string, status int, took time.Duration)

	// Blobs serves signed URLs below /blobs/; nil: another server does. Its
	// ResponseWriter is wrapped in nothing that would keep the kernel from
	// sending files by itself.
	Blobs http.Handler

	// BlobOrigin returns the scheme, host and port of signed URLs.
	BlobOrigin func(ctx context.Context) (string, error)
}

// Limiter counts requests against rates, each key on its own.
type Limiter interface {
	// Take asks for one request under key at now.
	Take(ctx context.Context, r core.Rate, key string, now time.Time) (core.Allowance, error)
}

// Clock tells the time.
type Clock interface{ Now() time.Time }

// Component is one thing the server depends on.
type Component struct {
	Name string
	OK   bool
}

// Options are the choices of the operator. The zero value of each is sensible,
// but for CursorKey.
type Options struct {
	Version        string                // of the server, told by /healthz
	PublicURL      string                // where clients reach the server; "" is http://127.0.0.1:8080
	TrustedProxies []netip.Prefix        // whose X-Forwarded-For is believed; default: nobody's
	CORSOrigins    []string              // "https://app.example.com" or "*"; default: none
	RatePerMinute  int                   // requests of one user, or one address; 0: no limit
	Timeout        time.Duration         // of a request; 0 is 30 s
	MaxBody        int64                 // bytes of a request body; 0 is 1 MiB
	CursorKey      []byte                // signs cursors: at least 16 secret bytes
	AppURL         string                // where people sign in to an app; "": there is none
	LogURL         func(*url.URL) string // the form of a URL that may be logged; nil: its path
}

const (
	defaultPublicURL = "http://127.0.0.1:8080"
	defaultTimeout   = 30 * time.Second
	defaultMaxBody   = 1 << 20
	minCursorKey     = 16
	blobPath         = "/blobs/"
)

type server struct {
	Services
	Options

	echo    *echo.Echo
	api     huma.API
	cors    cors
	rate    core.Rate
	types   string // what the URI of a kind of problem begins with
	headers http.Header
	known   knownKeys
	pages   sharePages
}

// New returns the handler of the whole server. It returns an error if an
// option makes no sense.
func New(s Services, o Options) (http.Handler, error) {
	if len(o.CursorKey) < minCursorKey {
		return nil, fmt.Errorf("the cursor key must have at least %d bytes", minCursorKey)
	}
	if s.Limiter == nil || s.Clock == nil || s.Log == nil {
		return nil, errors.New("the API needs a limiter, a clock and a logger")
	}
	srv, err := newServer(s, o)
	if err != nil {
		return nil, err
	}
	srv.mountDocument()
	srv.static(scriptPath, "text/javascript; charset=utf-8", jsonPolicy, func() ([]byte, error) { return sharePageScript, nil })
	return srv, nil
}

// OpenAPI returns the description of the API as YAML, for a server at the
// default address.
func OpenAPI() ([]byte, error) {
	srv, err := newServer(Services{}, Options{})
	if err != nil {
		return nil, err
	}
	return srv.api.OpenAPI().YAML()
}

func newServer(s Services, o Options) (*server, error) {
	if o.PublicURL == "" {
		o.PublicURL = defaultPublicURL
	}
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the public URL %q is not an http or https URL", o.PublicURL)
	}
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	srv := &server{
		Services: s, Options: o, echo: echo.New(), cors: newCORS(o.CORSOrigins), types: o.PublicURL + docsPath + "#error-",
		rate: core.Rate{Name: "api", Burst: o.RatePerMinute, Period: time.Minute}, headers: securityHeaders(u.Scheme == "https"),
	}
	srv.echo.HTTPErrorHandler = srv.fail
	srv.echo.IPExtractor = srv.address
	srv.echo.Use(srv.handle)
	srv.api = humaecho.NewV4(srv.echo, srv.config())
	srv.api.UseMiddleware(srv.guard)
	srv.mount()
	describeNulls(srv.api.OpenAPI().Components.Schemas)
	if srv.pages, err = srv.newSharePages(); err != nil {
		return nil, err
	}
	srv.pages.mount(srv.echo)
	srv.pages.mountPurchase(srv.echo)
	return srv, nil
}

// mount registers every operation.
func (s *server) mount() {
	healthRoutes{s.Ready, s.Version}.mount(s.api)
	authRoutes{s.Identity}.mount(s.api)
	signInRoutes{s.Identity, strings.HasPrefix(s.PublicURL, "https://")}.mount(s.api)
	passwordRoutes{s.Identity}.mount(s.api)
	verificationRoutes{s.Identity}.mount(s.api)
	userRoutes{s.Identity}.mount(s.api)
	sessionRoutes{s.Identity}.mount(s.api)
	totpRoutes{s.Identity}.mount(s.api)
	adminRoutes{
		s.Admin, codec[core.OrgID]{s.CursorKey, "admin-orgs"}, codec[core.UserID]{s.CursorKey, "admin-users"}, codec[int64]{s.CursorKey, "admin-jobs"},
	}.mount(s.api)
	membershipRoutes{s.Identity, s.Orgs}.mount(s.api)
	orgRoutes{s.Orgs, codec[core.OrgID]{s.CursorKey, "orgs"}}.mount(s.api)
	memberRoutes{s.Orgs, codec[core.AccountID]{s.CursorKey, "members"}}.mount(s.api)
	invitationRoutes{s.Orgs, codec[core.AccountID]{s.CursorKey, "invitations"}}.mount(s.api)
	auditRoutes{s.Orgs, codec[core.AuditID]{s.CursorKey, "audit"}, s.Timeout}.mount(s.api)
	licenseRoutes{s.Orgs}.mount(s.api)
	sharedDriveRoutes{s.Drives, codec[core.DriveID]{s.CursorKey, "drives"}}.mount(s.api)
	driveMemberRoutes{s.Drives, codec[core.AccountID]{s.CursorKey, "drive-members"}}.mount(s.api)
	driveAccessRoutes{s.Drives, codec[core.AccountID]{s.CursorKey, "access"}}.mount(s.api)
	nodeRoutes{
		s.Drives, s.Assets,
		thumbnails{s.Thumbnails},
		codec[drive.Position]{s.CursorKey, "nodes"},
		codec[core.NodeID]{s.CursorKey, "search"},
		codec[drive.TrashPosition]{s.CursorKey, "trash"},
		codec[int64]{s.CursorKey, "changes"},
		s.Timeout,
	}.mount(s.api)
	assetRoutes{s.Assets, s.Drives, thumbnails{s.Thumbnails}, codec[core.AssetID]{s.CursorKey, "assets"}}.mount(s.api)
	apiKeyRoutes{s.Drives, codec[core.APIKeyID]{s.CursorKey, "api-keys"}}.mount(s.api)
	uploadRoutes{s.Assets}.mount(s.api)
	downloadRoutes{s.Assets, s.Datasets}.mount(s.api)
	derivedRoutes{s.Assets}.mount(s.api)
	shareRoutes{s.Shares, codec[core.ShareLinkID]{s.CursorKey, "shares"}, codec[core.AccessID]{s.CursorKey, "accesses"}, s.Timeout}.mount(s.api)
	s.public().mount(s.api)
	versionRoutes{s.Assets, codec[int]{s.CursorKey, "versions"}}.mount(s.api)
	s.mountStore()
	s.mountEvents()
	s.mountGroups()
	s.mountDatasets()
}

// mountDatasets registers what is about datasets.
func (s *server) mountDatasets() {
	ingestRoutes{s.Datasets, s.Assets, s.Timeout}.mount(s.api)
	datasetRoutes{
		s.Datasets,
		codec[core.DatasetID]{s.CursorKey, "datasets"},
		codec[int64]{s.CursorKey, "dataset-versions"},
		codec[core.DatasetAccessID]{s.CursorKey, "dataset-accesses"},
		codec[diffPosition]{s.CursorKey, "dataset-diff"},
		s.Timeout,
	}.mount(s.api)
	datasetItemRoutes{s.Datasets, codec[dataset.ItemPosition]{s.CursorKey, "items"}}.mount(s.api)
	annotationRoutes{s.Datasets, codec[core.AnnotationID]{s.CursorKey, "annotations"}, codec[int64]{s.CursorKey, "annotation-versions"}}.mount(s.api)
}

// mountEvents registers what those use who want to know what happens.
func (s *server) mountEvents() {
	eventRoutes{s.Events, s.Timeout}.mount(s.api)
	webhookRoutes{s.Webhooks, codec[core.WebhookID]{s.CursorKey, "webhooks"}, codec[core.DeliveryID]{s.CursorKey, "deliveries"}}.mount(s.api)
	reportRoutes{
		s.Reports, codec[core.ReportID]{s.CursorKey, "reports"}, codec[core.ReportRunID]{s.CursorKey, "report-runs"}, s.Timeout,
	}.mount(s.api)
}

// mountGroups registers what is about groups.
func (s *server) mountGroups() {
	groupRoutes{s.Groups, codec[core.GroupID]{s.CursorKey, "groups"}}.mount(s.api)
	groupAssetRoutes{s.Groups, thumbnails{s.Thumbnails}, codec[group.Position]{s.CursorKey, "group-assets"}}.mount(s.api)
	groupPermissionRoutes{s.Groups}.mount(s.api)
	analyticsRoutes{s.Analytics}.mount(s.api)
}

// mountStore registers what sellers, buyers and payment providers use.
func (s *server) mountStore() {
	productRoutes{s.Store, codec[core.ProductID]{s.CursorKey, "products"}}.mount(s.api)
	productLinkRoutes{s.Store}.mount(s.api)
	catalogueRoutes{s.Store, codec[core.ProductID]{s.CursorKey, "catalogue"}}.mount(s.api)
	transactionRoutes{s.Store}.mount(s.api)
	salesRoutes{
		s.Store, codec[core.TransactionID]{s.CursorKey, "sales"}, codec[core.SubscriptionID]{s.CursorKey, "members"}, s.Timeout,
	}.mount(s.api)
	libraryRoutes{
		s.Store,
		codec[core.EntitlementID]{s.CursorKey, "entitlements"},
		codec[store.Position]{s.CursorKey, "bought"},
		codec[core.TransactionID]{s.CursorKey, "purchases"},
		codec[core.SubscriptionID]{s.CursorKey, "memberships"},
	}.mount(s.api)
	paymentRoutes{s.Store}.mount(s.api)
}

// public is what visitors with a share link use.
func (s *server) public() publicShareRoutes {
	return publicShareRoutes{
		s.Shares, s.Drives, s.Assets,
		codec[drive.Position]{s.CursorKey, "shared"},
		codec[share.FilePosition]{s.CursorKey, "shared-group"},
		codec[share.GroupName]{s.CursorKey, "shared-groups"},
		s.limitLink, strings.HasPrefix(s.PublicURL, "https://"), s.Timeout,
		thumbnails{s.Thumbnails},
	}
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Blobs != nil && strings.HasPrefix(r.URL.Path, blobPath) {
		s.serveBlob(w, r)
		return
	}
	s.echo.ServeHTTP(w, r)
}
