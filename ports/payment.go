package ports

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Payments takes money, in the name of the orgs of the server, by one provider.
// Amounts are in the minor unit of ISO 4217. Each method but Event talks to the
// provider, so none is called in a unit of work. A provider that cannot be
// reached, or that fails, is core.ErrUnavailable; one that refuses what it is
// asked is ErrPaymentRefused of the core package, with its words as the message.
type Payments interface {
	// Name is the provider's, as transactions have it.
	Name() string

	// Renewal says who begins the payment of a subscription's next period.
	Renewal() RenewalMode

	// Checkout begins the payment of a transaction. Asked again for the same
	// transaction it begins no second one.
	Checkout(ctx context.Context, c Checkout) (CheckoutState, error)

	// Look returns what has become of a payment that Checkout has begun.
	Look(ctx context.Context, t *core.Transaction) (CheckoutState, error)

	// Abandon makes sure that a payment that Checkout has begun can no longer
	// succeed, or returns core.ErrConflict if it has succeeded.
	Abandon(ctx context.Context, t *core.Transaction) error

	// Refund gives back amount of what was paid for a transaction, and returns
	// how much of it has been given back in all. Asked again with the same once
	// it gives back nothing more.
	Refund(ctx context.Context, t *core.Transaction, amount int64, once string) (total int64, err error)

	// EndSubscription makes sure that nothing more is taken for a subscription.
	// That it has ended, or is unknown, is no error.
	EndSubscription(ctx context.Context, ref string) error

	// Renewals returns what the provider has taken by itself for further periods
	// of a subscription since then, oldest first; not the first payment. One that
	// is unknown has none.
	Renewals(ctx context.Context, ref string, since time.Time) ([]core.Payment, error)

	// Event reads what the provider tells of by itself. It returns
	// ErrPaymentEvent of the core package if the message is not the provider's,
	// or is older than the provider's messages can be at now. What is of no
	// concern has the kind PaymentIgnored.
	Event(header http.Header, body []byte, now time.Time) (PaymentEvent, error)
}

// RenewalMode says who begins the payment of a subscription's next period.
type RenewalMode string

// The ways of renewal.
const (
	RenewalAsked    RenewalMode = "asked"    // the server makes a transaction that waits to be confirmed
	RenewalTaken    RenewalMode = "taken"    // the server renews by itself: nobody has to pay
	RenewalProvider RenewalMode = "provider" // the provider does, and tells by an event
)

// Checkout is a payment to begin.
type Checkout struct {
	Transaction *core.Transaction
	BuyerEmail  string
	SuccessURL  string // where the buyer comes back to
	CancelURL   string
}

// CheckoutState is how far a payment is.
type CheckoutState struct {
	core.Payment
	URL             string // where the buyer pays; empty: nowhere
	ExpiresAt       time.Time
	Done            bool   // paid
	Failed          bool   // cannot be paid any more
	SubscriptionRef string // of a membership, once paid
}

// PaymentEventKind says what a provider tells of.
type PaymentEventKind string

// The kinds of event.
const (
	PaymentIgnored  PaymentEventKind = "ignored"
	PaymentPaid     PaymentEventKind = "paid"     // a transaction: Transaction, Payment, SubscriptionRef
	PaymentFailed   PaymentEventKind = "failed"   // a transaction that nobody can pay any more: Transaction
	PaymentRefunded PaymentEventKind = "refunded" // Transaction or PaymentRef, Refunded; perhaps another program's
	PaymentDisputed PaymentEventKind = "disputed" // likewise
	PaymentSettled  PaymentEventKind = "settled"  // a dispute that has ended: likewise, Won
	PaymentRenewed  PaymentEventKind = "renewed"  // a subscription: SubscriptionRef, Payment
	PaymentLapsed   PaymentEventKind = "lapsed"   // a subscription whose payment failed: SubscriptionRef
	PaymentEnding   PaymentEventKind = "ending"   // a subscription that will not be renewed: SubscriptionRef
	PaymentEnded    PaymentEventKind = "ended"    // a subscription that is over: SubscriptionRef
)

// PaymentEvent is what a provider tells of by itself. Which fields are set
// depends on the kind. Of a subscription, Transaction is the one that began it.
// Where the money has no name yet, PaymentRef is empty: Payments.Look tells it.
type PaymentEvent struct {
	core.Payment
	ID              string // the provider's; the same if it tells again
	Kind            PaymentEventKind
	Transaction     core.TransactionID // zero: not named
	SubscriptionRef string
	Refunded        int64 // in all
	Won             bool
}

// PaymentEvents remembers which events have had their effect.
type PaymentEvents interface {
	// Add notes an event in the unit of work that has its effect, or returns
	// core.ErrConflict if it has been noted: then the whole unit must be given up.
	Add(ctx context.Context, provider, id string, now time.Time) error

	// Prune forgets at most limit events that were noted before t, and returns
	// how many.
	Prune(ctx context.Context, t time.Time, limit int) (int, error)
}

// Currencies knows the currencies of ISO 4217.
type Currencies interface {
	// Known reports whether there is a currency of that code.
	Known(code string) bool

	// Format returns an amount for people to read, such as "EUR 19.00".
	Format(m core.Money) string
}
