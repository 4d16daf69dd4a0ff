package core

import "time"

// What can go wrong with a subscription.
var (
	ErrSubscriptionState = &Error{Kind: KindConflict, Code: "subscription_state", Message: "the subscription is in another state"}
)

// SubscriptionID identifies a subscription.
type SubscriptionID = ID[Subscription]

// SubscriptionStatus says how a subscription is doing.
type SubscriptionStatus string

// The states of a subscription: active ⇄ past_due, either → canceled → expired,
// past_due → expired. Who buys one that has ended begins it anew.
const (
	SubscriptionActive   SubscriptionStatus = "active"
	SubscriptionPastDue  SubscriptionStatus = "past_due" // not paid for the present period; access goes on for a grace
	SubscriptionCanceled SubscriptionStatus = "canceled" // is not renewed; access goes on to the end of the period
	SubscriptionExpired  SubscriptionStatus = "expired"
)

// Subscription is a user's membership, paid by the period.
type Subscription struct {
	ID            SubscriptionID
	OrgID         OrgID // the seller
	ProductID     ProductID
	ProductName   string
	UserID        UserID
	TransactionID TransactionID // that paid for the present period
	Status        SubscriptionStatus
	Price         Money // of a period, as agreed
	Days          int   // of a period
	PeriodStart   time.Time
	PeriodEnd     time.Time
	Provider      string
	ProviderRef   string    // the provider's name for it; empty: it has none
	CanceledAt    time.Time // when somebody ended its renewal
	EndedAt       time.Time
	Version       int64
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// NewSubscription returns the membership that a completed transaction begins.
func NewSubscription(id SubscriptionID, t *Transaction, ref string, now time.Time) *Subscription {
	return &Subscription{
		ID: id, OrgID: t.OrgID, ProductID: t.ProductID, ProductName: t.ProductName, UserID: t.BuyerID, TransactionID: t.ID, Status: SubscriptionActive,
		Price: t.Price, Days: t.Days, PeriodStart: now, PeriodEnd: now.AddDate(0, 0, t.Days),
		Provider: t.Provider, ProviderRef: ref, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// Renew extends the subscription by the period that a completed transaction has
// paid for. One that was canceled meanwhile stays so, to the end of that period;
// one that has expired is back for that period, and no longer. One that is bought
// anew goes on, on the terms of then. What was over begins now.
func (s *Subscription) Renew(t *Transaction, now time.Time) {
	from := s.PeriodEnd
	over := s.Status == SubscriptionExpired
	switch {
	case !t.Renewal:
		s.Price, s.Days, s.Provider = t.Price, t.Days, t.Provider
		s.Status, s.CanceledAt, s.EndedAt = SubscriptionActive, time.Time{}, time.Time{}
		over = true
	case over:
		s.Status, s.EndedAt = SubscriptionCanceled, time.Time{}
		if s.CanceledAt.IsZero() {
			s.CanceledAt = now
		}
	case s.Status == SubscriptionPastDue:
		s.Status = SubscriptionActive
	}
	if over && from.Before(now) {
		from = now
	}
	s.PeriodStart, s.PeriodEnd, s.TransactionID = from, from.AddDate(0, 0, t.Days), t.ID
	s.touch(now)
}

// Lapse notes that the next period has not been paid for, and reports whether
// that is news.
func (s *Subscription) Lapse(now time.Time) (done bool, err error) {
	switch s.Status {
	case SubscriptionPastDue:
		return false, nil
	case SubscriptionCanceled, SubscriptionExpired:
		return false, s.stuck()
	case SubscriptionActive:
	}
	s.Status = SubscriptionPastDue
	s.touch(now)
	return true, nil
}

// Cancel ends the renewal and reports whether it did: access goes on to the end
// of the period that is paid for.
func (s *Subscription) Cancel(now time.Time) (done bool, err error) {
	switch s.Status {
	case SubscriptionCanceled:
		return false, nil
	case SubscriptionExpired:
		return false, s.stuck()
	case SubscriptionActive, SubscriptionPastDue:
	}
	s.Status, s.CanceledAt = SubscriptionCanceled, now
	s.touch(now)
	return true, nil
}

// Expire ends the subscription once there is no more access by it, and reports
// whether it did.
func (s *Subscription) Expire(grace time.Duration, now time.Time) (done bool, err error) {
	switch {
	case s.Status == SubscriptionExpired:
		return false, nil
	case s.Status == SubscriptionActive, now.Before(s.AccessUntil(grace)):
		return false, s.stuck()
	}
	s.end(now)
	return true, nil
}

// End ends the subscription at once, because what was paid for the present
// period has been given back, or because the provider says so.
func (s *Subscription) End(now time.Time) (done bool) {
	if s.Status == SubscriptionExpired {
		return false
	}
	s.end(now)
	return true
}

func (s *Subscription) end(now time.Time) {
	s.Status, s.EndedAt = SubscriptionExpired, now
	s.touch(now)
}

// AccessUntil is when access by the subscription ends if nothing else happens:
// with a grace for paying, where it is to be renewed.
func (s *Subscription) AccessUntil(grace time.Duration) time.Time {
	if s.Status == SubscriptionActive || s.Status == SubscriptionPastDue {
		return s.PeriodEnd.Add(grace)
	}
	return s.PeriodEnd
}

// Live reports whether the user has the membership.
func (s *Subscription) Live() bool { return s.Status != SubscriptionExpired }

func (s *Subscription) stuck() error { return ErrSubscriptionState.With("status", string(s.Status)) }

func (s *Subscription) touch(now time.Time) {
	s.Version++
	s.UpdatedAt = now
}
