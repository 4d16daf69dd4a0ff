// Package ports declares what the application needs from the outside world.
// It holds interfaces and the plain values they exchange; no behaviour.
package ports

import "context"

// Store is the system of record. Repositories are reachable only inside a unit
// of work, so a use case cannot forget that two writes belong together.
type Store interface {
	// View runs fn against one consistent snapshot. Writing through tx fails.
	View(ctx context.Context, fn func(tx Tx) error) error

	// Survey is View of what may have been true a while ago: for how long, the
	// operator says, who may have a copy of the database that follows it. It is
	// for what people read at length: logs, sums, what a search finds. Nothing is
	// decided by it, and what is not there is not known to be missing: who may
	// see it, and whether it exists, is asked before, of View or of Access. fn may
	// run twice, so it sets what is outside, and adds nothing to it.
	Survey(ctx context.Context, fn func(tx Tx) error) error

	// Update runs fn at most once in a read-write transaction. It commits if fn
	// returns nil; otherwise nothing fn wrote is visible and fn's error is
	// returned unchanged. tx must not outlive fn or leave its goroutine, and fn
	// does no network or blob I/O: it may hold the only writer of the database.
	Update(ctx context.Context, fn func(tx Tx) error) error

	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
}

// Tx is the set of repositories taking part in one unit of work. A repository
// method that names an org never sees another org's rows: they do not exist.
type Tx struct {
	Users         Users
	Identities    Identities
	Sessions      Sessions
	Tickets       Tickets
	Orgs          Orgs
	Accounts      Accounts
	Purges        Purges
	Bundles       Bundles
	Licenses      Licenses
	Audit         Audit
	Drives        Drives
	DriveMembers  DriveMembers
	Nodes         Nodes
	Listings      Listings
	Subtrees      Subtrees
	Changes       Changes
	APIKeys       APIKeys
	ShareLinks    ShareLinks
	MarkedCopies  MarkedCopies
	Derived       Derived
	Products      Products
	ProductLinks  ProductLinks
	Transactions  Transactions
	Subscriptions Subscriptions
	Entitlements  Entitlements
	PaymentEvents PaymentEvents
	Events        Events
	Streams       EventStreams
	Webhooks      Webhooks
	Deliveries    Deliveries
	Dispatches    Dispatches
	Reports       Reports
	ReportRuns    ReportRuns
	Assets        Assets
	Versions      Versions
	Uploads       Uploads
	Quota         Quota
	Idempotency   Idempotency
	Jobs          Jobs

	Groups           Groups
	GroupTrees       GroupTrees
	GroupPermissions GroupPermissions
	GroupAssets      GroupAssets

	Traffic Traffic

	Datasets        Datasets
	DatasetVersions DatasetVersions
	DatasetPurges   DatasetPurges
	DatasetGrants   DatasetGrants
	IngestSessions  IngestSessions
	IngestItems     IngestItems
	DatasetItems    DatasetItems
	Annotations     Annotations
}
