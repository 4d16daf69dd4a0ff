package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Products stores products. Another org's product is reported as core.ErrNotFound.
type Products interface {
	// Add stores a new product and counts it, or returns core.ErrProductSlugTaken,
	// or an error with the code limit_exceeded if the org has most already
	// (core.Unlimited: there is no limit). Concurrent calls never go over the
	// limit together.
	Add(ctx context.Context, p *core.Product, most int64) error

	// Get returns the product, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.ProductID) (*core.Product, error)

	// Find is Get for a product of any live org, whose caller has yet to be judged.
	Find(ctx context.Context, id core.ProductID) (*core.Product, error)

	// SlugTaken reports whether a product of the org has the slug.
	SlugTaken(ctx context.Context, org core.OrgID, slug string) (bool, error)

	// Lock is Get. Until the unit of work ends nothing else locks the product
	// or, if it is shared, nothing else does so alone. Whoever changes a product
	// or what is linked to it locks it alone; whoever sells it, shared. It is for
	// Update only.
	Lock(ctx context.Context, org core.OrgID, id core.ProductID, shared bool) (*core.Product, error)

	// Save stores a changed product whose Version is one above the stored one,
	// else returns core.ErrStale, and counts it anew. It can also return the
	// errors of Add.
	Save(ctx context.Context, p *core.Product, most int64) error

	// Remove removes a product with its links, or returns core.ErrProductSold if
	// there is a transaction of it.
	Remove(ctx context.Context, org core.OrgID, id core.ProductID) error

	// List returns products, newest first.
	List(ctx context.Context, q ProductQuery) ([]ProductEntry, error)
}

// ProductQuery is a page of an org's products. The zero value of a filter means any.
type ProductQuery struct {
	OrgID  core.OrgID
	ID     core.ProductID // only this one
	Status core.ProductStatus
	Text   string // part of the name, in any case
	Before core.ProductID
	Limit  int
}

// ProductEntry is a product as it is listed.
type ProductEntry struct {
	Product core.Product
	Links   int          // how many files and folders are linked and there
	Cover   core.Version // the current version of its cover, if there is one that is ready and not in the trash itself
}

// ProductLinks stores what products consist of. The product is locked by
// whoever changes its links.
type ProductLinks interface {
	// Add links a node in the place that Position says, or at the end if that is
	// beyond it. It returns core.ErrAlreadyLinked and core.ErrProductFull.
	Add(ctx context.Context, l *core.ProductLink) error

	// Move gives a link another place: Position, or the end. It returns
	// core.ErrNotFound.
	Move(ctx context.Context, product core.ProductID, node core.NodeID, position int) error

	// Remove takes a link away, or returns core.ErrNotFound.
	Remove(ctx context.Context, product core.ProductID, node core.NodeID) error

	// List returns all links of a product, in order, whose nodes are not being
	// purged.
	List(ctx context.Context, product core.ProductID) ([]LinkedNode, error)
}

// LinkedNode is a link with what it leads to.
type LinkedNode struct {
	core.ProductLink
	Entry
}

// Transactions stores transactions.
type Transactions interface {
	// Add stores a new transaction. It returns core.ErrConflict if the buyer has
	// a pending one of the same product, or if the provider's reference is known.
	Add(ctx context.Context, t *core.Transaction) error

	// Find returns a transaction of any live org, whose caller has yet to be
	// judged, or core.ErrNotFound.
	Find(ctx context.Context, id core.TransactionID) (*core.Transaction, error)

	// Lock returns a transaction, of a deleted org, too, and nothing else changes
	// it until the unit of work ends. It is for Update only. A pending one is
	// locked before its product, that before a subscription, that before its
	// entitlements are changed.
	Lock(ctx context.Context, id core.TransactionID) (*core.Transaction, error)

	// Save stores a changed transaction whose Version is one above the stored
	// one, else returns core.ErrStale. It can also return core.ErrConflict.
	Save(ctx context.Context, t *core.Transaction) error

	// ByPayment returns the transaction whose money the provider knows by that
	// name, or core.ErrNotFound.
	ByPayment(ctx context.Context, provider, paymentRef string) (*core.Transaction, error)

	// ByRef returns the transaction that the provider knows by that name, or
	// core.ErrNotFound.
	ByRef(ctx context.Context, provider, ref string) (*core.Transaction, error)

	// Unidentified reports whether the money of a transaction that was completed
	// after that time has no name yet that the provider knows it by.
	Unidentified(ctx context.Context, provider string, since time.Time) (bool, error)

	// Open returns the pending transactions of an org, deleted or not, or of a
	// buyer, with a greater id than after, by id.
	Open(ctx context.Context, org core.OrgID, buyer core.UserID, after core.TransactionID, limit int) ([]*core.Transaction, error)

	// Pending returns the buyer's pending transaction of a product, or
	// core.ErrNotFound.
	Pending(ctx context.Context, buyer core.UserID, product core.ProductID) (*core.Transaction, error)

	// Bought reports whether the buyer has a completed transaction of a product
	// whose entitlements last for ever.
	Bought(ctx context.Context, buyer core.UserID, product core.ProductID) (bool, error)

	// List returns transactions, newest first.
	List(ctx context.Context, q TransactionQuery) ([]TransactionEntry, error)

	// Waiting returns pending transactions that were last touched at t or before
	// or whose time is over then, of any live org, with a greater id than after,
	// by id.
	Waiting(ctx context.Context, t time.Time, after core.TransactionID, limit int) ([]*core.Transaction, error)

	// Holders returns who has what a product gives, for the unit of work to give
	// them more: completed purchases that last for ever, or those that paid for
	// the present period of a live subscription. They are in the order of their
	// ids, which are greater than after; nothing else changes them until the unit
	// of work ends. They may be fewer than limit before the end: it is over when
	// there are none. It is for Update only, with the product locked.
	Holders(ctx context.Context, product core.ProductID, after core.TransactionID, limit int) ([]Holder, error)

	// Sales counts completed transactions between two neighbours of bounds each,
	// by product and currency. Periods without any are left out.
	Sales(ctx context.Context, org core.OrgID, product core.ProductID, bounds []time.Time) ([]Sales, error)
}

// TransactionQuery is a page of transactions. The zero value of a filter means any.
type TransactionQuery struct {
	OrgID     core.OrgID
	BuyerID   core.UserID
	ProductID core.ProductID
	Status    core.TransactionStatus
	From, To  time.Time // when it was made
	Before    core.TransactionID
	Limit     int
}

// TransactionEntry is a transaction as the seller sees it.
type TransactionEntry struct {
	core.Transaction
	BuyerEmail string
	BuyerName  string
	OrgName    string // the seller's
}

// Holder is a transaction by which somebody has a product.
type Holder struct {
	Transaction  core.Transaction
	Subscription *core.Subscription // nil: bought for ever
}

// Sales is what a product has brought in a period.
type Sales struct {
	Period      int // its number in the bounds, from 0
	ProductID   core.ProductID
	ProductName string
	Currency    string
	Count       int64
	Gross       int64 // minor units
	Refunded    int64 // of these transactions, whenever that was
}

// Subscriptions stores subscriptions.
type Subscriptions interface {
	// Add stores a new subscription. It returns core.ErrConflict if the user has
	// a live one of the same product.
	Add(ctx context.Context, s *core.Subscription) error

	// Find returns a subscription of any live org, whose caller has yet to be
	// judged, or core.ErrNotFound.
	Find(ctx context.Context, id core.SubscriptionID) (*core.Subscription, error)

	// Lock returns a subscription, of a deleted org, too, and nothing else changes
	// it until the unit of work ends. It is for Update only.
	Lock(ctx context.Context, id core.SubscriptionID) (*core.Subscription, error)

	// Save stores a changed subscription whose Version is one above the stored
	// one, else returns core.ErrStale. It can also return core.ErrConflict.
	Save(ctx context.Context, s *core.Subscription) error

	// Live returns the user's live subscription of a product, or core.ErrNotFound.
	Live(ctx context.Context, user core.UserID, product core.ProductID) (*core.Subscription, error)

	// ByRef returns the subscription that the provider knows by that name, or
	// core.ErrNotFound.
	ByRef(ctx context.Context, provider, ref string) (*core.Subscription, error)

	// List returns subscriptions, newest first.
	List(ctx context.Context, q SubscriptionQuery) ([]*core.Subscription, error)

	// Due returns live subscriptions whose period ends at t or before, of any
	// live org, with a greater id than after, by id.
	Due(ctx context.Context, t time.Time, after core.SubscriptionID, limit int) ([]*core.Subscription, error)
}

// SubscriptionQuery is a page of subscriptions. The zero value of a filter means any.
type SubscriptionQuery struct {
	OrgID     core.OrgID // deleted or not
	UserID    core.UserID
	ProductID core.ProductID
	Live      bool // not the expired ones
	Before    core.SubscriptionID
	Limit     int
}

// Entitlements stores who may have what they have bought.
type Entitlements interface {
	// Add stores new entitlements and returns how many: none where the
	// transaction has given that node already, nor where the node is gone or
	// being purged.
	Add(ctx context.Context, es ...*core.Entitlement) (int, error)

	// Renew makes all entitlements of a subscription that are not revoked last
	// for its present period, and those of the transaction that paid for it:
	// what another one has suspended is so no longer.
	Renew(ctx context.Context, s *core.Subscription, accessUntil time.Time) error

	// Revoke revokes those of a transaction, and returns how many there were.
	Revoke(ctx context.Context, t core.TransactionID, now time.Time) (int, error)

	// Suspend suspends those of a transaction, from then on (zero: no longer).
	Suspend(ctx context.Context, t core.TransactionID, since time.Time) error

	// Get returns an entitlement of the user, live or not, or core.ErrNotFound.
	Get(ctx context.Context, user core.UserID, id core.EntitlementID) (*Held, error)

	// List returns a user's entitlements that are live, newest first.
	List(ctx context.Context, q EntitlementQuery) ([]Held, error)

	// Contents returns what is directly in a folder, but not what was in the
	// trash already when the folder was bought, nor what is being purged: folders
	// first, each kind by name, then by id.
	Contents(ctx context.Context, q ContentsQuery) ([]Entry, error)

	// LiveBelow counts the live entitlements to a node, to what is below it, and
	// to the folders above it, unless the node was in the trash already when
	// those were bought; and it keeps others from selling any of them until the
	// unit of work ends. It is for Update only. The drive is locked.
	LiveBelow(ctx context.Context, n *core.Node, now time.Time) (int64, error)
}

// Held is an entitlement with what it is to and by which product.
type Held struct {
	core.Entitlement
	Entry
	ProductName string
	ProductType core.ProductType
	OrgName     string
}

// EntitlementQuery is a page of a user's entitlements.
type EntitlementQuery struct {
	UserID core.UserID
	Now    time.Time
	Before core.EntitlementID
	Limit  int
}

// ContentsQuery is a page of a folder of which somebody has bought everything.
type ContentsQuery struct {
	DriveID  core.DriveID
	ParentID core.NodeID
	Bought   time.Time // when
	After    ContentsPosition
	Limit    int
}

// ContentsPosition is where a page ends; the zero position is before the first.
type ContentsPosition struct {
	Kind core.NodeKind `json:"k,omitempty"`
	Name string        `json:"n,omitempty"`
	ID   core.NodeID   `json:"i,omitzero"`
}
