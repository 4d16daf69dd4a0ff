package core

import "time"

// What can go wrong with a transaction.
var (
	ErrTransactionState = &Error{Kind: KindConflict, Code: "transaction_state", Message: "the transaction is in another state: a pending one is completed or fails, a completed one is refunded"}
	ErrPaidElsewhere    = &Error{Kind: KindConflict, Code: "paid_by_provider", Message: "the payment provider confirms this payment; it is not confirmed by hand"}
	ErrPaymentMismatch  = &Error{Kind: KindInvalid, Code: "payment_mismatch", Message: "what was paid is not the price of the transaction"}
	ErrPaymentRefused   = &Error{Kind: KindInvalid, Code: "payment_refused", Message: "the payment provider refuses this"}
	ErrPaymentEvent     = &Error{Kind: KindMalformed, Code: "payment_event_invalid", Message: "the message is not signed by the payment provider, or is too old"}
	ErrPaymentEarly     = &Error{Kind: KindConflict, Code: "payment_event_early", Message: "what the message is about is not known yet; send it again later"}
	ErrRefundTooHigh    = &Error{Kind: KindInvalid, Code: "refund_too_high", Message: "no more is refunded than was paid"}
)

// PendingTTL is how long a purchase may wait to be paid, where no provider says
// otherwise.
const PendingTTL = 30 * 24 * time.Hour

// TransactionID identifies a transaction.
type TransactionID = ID[Transaction]

// TransactionStatus says how far a purchase is.
type TransactionStatus string

// The life of a transaction: pending → completed | failed, completed → refunded.
const (
	TransactionPending   TransactionStatus = "pending"
	TransactionCompleted TransactionStatus = "completed"
	TransactionFailed    TransactionStatus = "failed"
	TransactionRefunded  TransactionStatus = "refunded" // in full
)

// FailReason says why a transaction has failed.
type FailReason string

// The reasons.
const (
	FailedCanceled FailReason = "canceled"  // by the buyer or the seller
	FailedExpired  FailReason = "expired"   // nobody paid in time
	FailedDeclined FailReason = "declined"  // the provider could not take the money
	FailedPaidLate FailReason = "paid_late" // what was paid is given back: there is nothing any more that it could buy
)

// The providers that need none: nothing to pay, and an org that confirms what
// it has been paid itself.
const (
	ProviderFree   = "free"
	ProviderManual = "manual"
)

// Transaction is one purchase of one product by one user, or the payment of
// another period of a subscription.
type Transaction struct {
	ID             TransactionID
	OrgID          OrgID // the seller
	ProductID      ProductID
	ProductName    string // as it was
	Type           ProductType
	BuyerID        UserID
	SubscriptionID SubscriptionID // of a membership, once there is one
	Renewal        bool           // pays for another period of it
	Days           int            // that it pays for; 0: for ever
	Price          Money          // fixed
	Refunded       int64          // of the amount, so far
	Provider       string
	ProviderRef    string // the provider's name for it; unique with the provider, empty until there is one
	PaymentRef     string // the provider's name for the money, by which it is given back
	CheckoutURL    string // where the buyer pays; empty: nowhere
	Status         TransactionStatus
	FailReason     FailReason
	DisputedAt     time.Time // since when the buyer's bank asks for the money back; zero: it does not
	ExpiresAt      time.Time // until when a pending one waits
	CompletedAt    time.Time
	EndedAt        time.Time // when it failed or was refunded in full
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// NewTransaction returns a pending purchase of p at its present price.
func NewTransaction(id TransactionID, p *Product, buyer UserID, provider string, now time.Time) *Transaction {
	return &Transaction{
		ID: id, OrgID: p.OrgID, ProductID: p.ID, ProductName: p.Name, Type: p.Type, BuyerID: buyer, Days: p.SubscriptionDays, Price: p.Price,
		Provider: provider, Status: TransactionPending, ExpiresAt: now.Add(PendingTTL), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// NewRenewal returns a pending payment of the next period of s, at the price
// that was agreed when it began.
func NewRenewal(id TransactionID, s *Subscription, p *Product, now time.Time) *Transaction {
	t := NewTransaction(id, p, s.UserID, s.Provider, now)
	t.SubscriptionID, t.Renewal, t.Days, t.Price = s.ID, true, s.Days, s.Price
	return t
}

// Payment is what a provider says of the money for a transaction.
type Payment struct {
	Ref        string // see Transaction.ProviderRef
	PaymentRef string
	Paid       Money
}

// Complete makes a pending transaction a completed one and reports whether it
// did: it changes nothing where that has happened before, also if the money has
// been given back since. A payment of another amount is refused.
func (t *Transaction) Complete(p Payment, now time.Time) (done bool, err error) {
	switch t.Status {
	case TransactionCompleted, TransactionRefunded:
		return false, nil
	case TransactionFailed:
		return false, t.stuck()
	case TransactionPending:
	}
	if p.Paid != t.Price {
		return false, ErrPaymentMismatch.With("expected", t.Price.Amount).With("paid", p.Paid.Amount)
	}
	t.refer(p)
	t.Status, t.CompletedAt, t.CheckoutURL = TransactionCompleted, now, ""
	t.touch(now)
	return true, nil
}

func (t *Transaction) refer(p Payment) {
	if p.Ref != "" {
		t.ProviderRef = p.Ref
	}
	if p.PaymentRef != "" {
		t.PaymentRef = p.PaymentRef
	}
}

// Await notes where a pending transaction is paid, and until when.
func (t *Transaction) Await(p Payment, url string, until, now time.Time) error {
	if t.Status != TransactionPending {
		return t.stuck()
	}
	t.refer(p)
	t.CheckoutURL = url
	if !until.IsZero() {
		t.ExpiresAt = until
	}
	t.touch(now)
	return nil
}

// Identify notes by what name the provider knows the money of a completed
// transaction, and reports whether that is news.
func (t *Transaction) Identify(paymentRef string, now time.Time) (done bool) {
	if t.PaymentRef != "" || paymentRef == "" {
		return false
	}
	t.PaymentRef = paymentRef
	t.touch(now)
	return true
}

// Fail ends a pending transaction and reports whether it did; failing twice
// changes nothing.
func (t *Transaction) Fail(why FailReason, now time.Time) (done bool, err error) {
	switch t.Status {
	case TransactionFailed:
		return false, nil
	case TransactionCompleted, TransactionRefunded:
		return false, t.stuck()
	case TransactionPending:
	}
	t.Status, t.FailReason, t.EndedAt, t.CheckoutURL = TransactionFailed, why, now, ""
	t.touch(now)
	return true, nil
}

// PaidLate fails a transaction that was paid when there was nothing any more
// that this could buy, and reports whether that is news. What was paid is to be
// given back.
func (t *Transaction) PaidLate(p Payment, now time.Time) (done bool, err error) {
	switch t.Status {
	case TransactionCompleted, TransactionRefunded:
		return false, t.stuck()
	case TransactionFailed:
		if t.FailReason == FailedPaidLate {
			return false, nil
		}
	case TransactionPending:
		t.Status, t.EndedAt, t.CheckoutURL = TransactionFailed, now, ""
	}
	t.refer(p)
	t.FailReason = FailedPaidLate
	t.touch(now)
	return true, nil
}

// CheckRefund refuses giving back amount more of what was paid.
func (t *Transaction) CheckRefund(amount int64) error {
	switch {
	case t.Status != TransactionCompleted:
		return t.stuck()
	case amount < 0 || amount == 0 && !t.Price.Free():
		return Invalid("body.amount", "must be more than 0")
	case amount > t.Price.Amount-t.Refunded:
		return ErrRefundTooHigh.With("refundable", t.Price.Amount-t.Refunded)
	}
	return nil
}

// Refund notes that total of what was paid has been given back by now, and
// reports whether that is news. All of it makes a completed transaction a
// refunded one; one that was paid too late stays failed.
func (t *Transaction) Refund(total int64, now time.Time) (done bool, err error) {
	late := t.FailReason == FailedPaidLate
	switch {
	case t.Status == TransactionRefunded:
		return false, nil
	case t.Status != TransactionCompleted && !late:
		return false, t.stuck()
	}
	full := total >= t.Price.Amount && !late
	if total = min(total, t.Price.Amount); total <= t.Refunded && !full {
		return false, nil
	}
	t.Refunded = total
	if full {
		t.Status, t.EndedAt, t.DisputedAt = TransactionRefunded, now, time.Time{}
	}
	t.touch(now)
	return true, nil
}

// Dispute notes that the buyer's bank asks for the money back.
func (t *Transaction) Dispute(now time.Time) (done bool, err error) {
	switch {
	case t.Status == TransactionRefunded, t.Status == TransactionCompleted && !t.DisputedAt.IsZero():
		return false, nil
	case t.Status != TransactionCompleted:
		return false, t.stuck()
	}
	t.DisputedAt = now
	t.touch(now)
	return true, nil
}

// Settle ends a dispute that the seller has won. One that is lost is a refund.
func (t *Transaction) Settle(now time.Time) (done bool, err error) {
	switch {
	case t.Status == TransactionPending, t.Status == TransactionFailed:
		return false, t.stuck()
	case t.DisputedAt.IsZero():
		return false, nil
	}
	t.DisputedAt = time.Time{}
	t.touch(now)
	return true, nil
}

// Ended reports whether nothing of the transaction will change.
func (t *Transaction) Ended() bool {
	return t.Status == TransactionFailed || t.Status == TransactionRefunded
}

func (t *Transaction) stuck() error { return ErrTransactionState.With("status", string(t.Status)) }

func (t *Transaction) touch(now time.Time) {
	t.Version++
	t.UpdatedAt = now
}
