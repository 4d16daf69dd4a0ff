//go:build wireinject

package coffer

import (
	"context"
	"log/slog"

	"github.com/google/wire"

	"github.com/seed-755a8038/coffer/adapters/argon2"
	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/derive"
	"github.com/seed-755a8038/coffer/adapters/jwtauth"
	"github.com/seed-755a8038/coffer/adapters/manifest"
	"github.com/seed-755a8038/coffer/adapters/maxmind"
	"github.com/seed-755a8038/coffer/adapters/oidc"
	"github.com/seed-755a8038/coffer/adapters/reportfile"
	"github.com/seed-755a8038/coffer/adapters/riverqueue"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/adapters/totp"
	"github.com/seed-755a8038/coffer/adapters/useragent"
	"github.com/seed-755a8038/coffer/adapters/watermark"
	hookadapter "github.com/seed-755a8038/coffer/adapters/webhook"
	"github.com/seed-755a8038/coffer/app/admin"
	"github.com/seed-755a8038/coffer/app/analytics"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/bundle"
	"github.com/seed-755a8038/coffer/app/check"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/event"
	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/app/report"
	"github.com/seed-755a8038/coffer/app/share"
	appstore "github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/app/webhook"
	"github.com/seed-755a8038/coffer/ports"
)

// assemble returns the server cfg describes, and a function that releases it.
func assemble(ctx context.Context, cfg Config, build Build, why purpose, log *slog.Logger) (*Server, func(), error) {
	panic(wire.Build(
		// The outside world: cfg picks the adapters (providers.go).
		openStore,
		wire.Bind(new(ports.Store), new(*bunstore.Store)),
		wire.Bind(new(ports.Access), new(*bunstore.Store)),
		wire.Bind(new(ports.Hot), new(*bunstore.Store)),
		wire.Bind(new(ports.GroupAccess), new(*bunstore.Store)),
		wire.Bind(new(ports.Inspector), new(*bunstore.Store)),
		wire.Bind(new(ports.Statistics), new(*bunstore.Store)),
		newLoginLimiter,
		wire.Bind(new(ports.Limiter), new(*bunstore.Limiter)),
		newKeyUses,
		wire.Bind(new(ports.KeyUses), new(*bunstore.KeyUses)),
		riverqueue.NewRegistry,
		openQueue,
		wire.Bind(new(ports.Queue), new(*riverqueue.Queue)),
		migrate,
		openBlobs,
		newBlobs,
		newClock,
		wire.Bind(new(ports.Clock), new(system.Clock)),
		system.NewIDs,
		wire.Bind(new(ports.IDs), new(*system.IDs)),
		wire.Struct(new(system.Text)),
		wire.Bind(new(ports.Text), new(system.Text)),
		wire.Struct(new(system.Zones)),
		wire.Bind(new(ports.Zones), new(system.Zones)),
		newSecrets,
		wire.Bind(new(ports.Secrets), new(*sealing.Secrets)),
		argon2.New,
		wire.Bind(new(ports.Passwords), new(*argon2.Passwords)),
		newTokens,
		wire.Bind(new(ports.Tokens), new(*jwtauth.Tokens)),
		newSignInProviders,
		wire.Bind(new(ports.SignInProviders), new(*oidc.Providers)),
		newExternalTokens,
		wire.Bind(new(ports.ExternalTokens), new(*oidc.Tokens)),
		newRequestLimiter,
		newMetrics,
		newTracing,
		newLeaving,
		newReadiness,

		// The use cases.
		wire.Struct(new(identity.Deps), "*"),
		newIdentityOptions,
		identity.NewService,
		wire.Struct(new(org.Deps), "*"),
		newOrgOptions,
		newMailer,
		newOTP,
		wire.Bind(new(ports.OneTimePasswords), new(*totp.Passwords)),
		newPost,
		org.NewService,
		wire.Struct(new(drive.Deps), "*"),
		newDriveOptions,
		drive.NewService,
		wire.Struct(new(admin.Deps), "*"),
		newAdminOptions,
		admin.NewService,
		wire.Struct(new(asset.Deps), "*"),
		newAssetOptions,
		newDeriver,
		wire.Bind(new(ports.Deriver), new(*derive.Deriver)),
		newThumbnails,
		asset.NewService,
		wire.Struct(new(share.Deps), "*"),
		newShareOptions,
		newMarker,
		wire.Bind(new(ports.Marker), new(*watermark.Marker)),
		share.NewService,
		wire.Struct(new(system.Currencies)),
		wire.Bind(new(ports.Currencies), new(system.Currencies)),
		newPayments,
		wire.Struct(new(appstore.Deps), "*"),
		newStoreOptions,
		appstore.NewService,
		newDialer,
		newWebhookSender,
		wire.Bind(new(ports.WebhookSender), new(*hookadapter.Sender)),
		wire.Struct(new(webhook.Deps), "*"),
		newWebhookOptions,
		webhook.NewService,
		wire.Struct(new(event.Deps), "*"),
		event.NewService,
		wire.Struct(new(group.Deps), "*"),
		newGroupOptions,
		group.NewService,
		manifest.New,
		wire.Bind(new(ports.Manifests), new(*manifest.Manifests)),
		newDatasetLog,
		wire.Bind(new(ports.DatasetLog), new(*bunstore.DatasetLog)),
		wire.Struct(new(dataset.Deps), "*"),
		newDatasetOptions,
		dataset.NewService,
		newCountries,
		wire.Bind(new(ports.Countries), new(*maxmind.Countries)),
		wire.Struct(new(useragent.Devices)),
		wire.Bind(new(ports.Devices), new(useragent.Devices)),
		wire.Struct(new(analytics.Deps), "*"),
		newAnalyticsOptions,
		analytics.NewService,
		wire.Struct(new(reportfile.Files)),
		wire.Bind(new(ports.ReportFiles), new(reportfile.Files)),
		wire.Struct(new(system.Schedules)),
		wire.Bind(new(ports.Schedules), new(system.Schedules)),
		wire.Struct(new(counters), "*"),
		wire.Bind(new(report.Analytics), new(counters)),
		wire.Struct(new(report.Deps), "*"),
		newReportOptions,
		report.NewService,
		newOrphans,
		newCheckRetention,
		check.NewService,
		newClaim,
		wire.Struct(new(bundle.Deps), "*"),
		bundle.NewService,

		// The ways in.
		wire.Struct(new(works), "*"),
		registerJobs,
		wire.Struct(new(face), "*"),
		newHandler,
		newOps,
		wire.Struct(new(Server), "*"),
	))
}
