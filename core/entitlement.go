package core

import "time"

// EntitlementID identifies an entitlement; ids sort in order of time.
type EntitlementID = ID[Entitlement]

// Forever is the end of what has none, as a time to compare with.
var Forever = time.UnixMicro(1<<63 - 1).UTC()

// Entitlement lets a user have a file, or what is in a folder, because of one
// completed transaction.
type Entitlement struct {
	ID             EntitlementID
	OrgID          OrgID // the seller
	UserID         UserID
	NodeID         NodeID
	ProductID      ProductID
	TransactionID  TransactionID
	SubscriptionID SubscriptionID // zero: bought for ever
	ExpiresAt      time.Time      // when the period ends that is paid for; zero: never
	AccessUntil    time.Time      // ExpiresAt and the grace; zero: for ever
	SuspendedAt    time.Time      // since when the money is disputed; zero: it is not
	RevokedAt      time.Time
	CreatedAt      time.Time
}

// NewEntitlement returns what a completed transaction gives its buyer of one of
// the product's links. s is the subscription it has begun or renewed; nil: none.
func NewEntitlement(id EntitlementID, t *Transaction, s *Subscription, node NodeID, grace time.Duration, now time.Time) *Entitlement {
	e := &Entitlement{
		ID: id, OrgID: t.OrgID, UserID: t.BuyerID, NodeID: node, ProductID: t.ProductID, TransactionID: t.ID, SuspendedAt: t.DisputedAt, CreatedAt: now,
	}
	if s != nil {
		e.SubscriptionID, e.ExpiresAt, e.AccessUntil = s.ID, s.PeriodEnd, s.AccessUntil(grace)
	}
	return e
}

// Live reports whether the entitlement gives access now.
func (e *Entitlement) Live(now time.Time) bool {
	return e.RevokedAt.IsZero() && e.SuspendedAt.IsZero() && (e.AccessUntil.IsZero() || now.Before(e.AccessUntil))
}
