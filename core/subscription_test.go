package core

import (
	"errors"
	"testing"
	"time"
)

func aSubscription(status SubscriptionStatus) *Subscription {
	return &Subscription{
		ID: SubscriptionID{4}, Status: status, Days: 30, PeriodStart: noonOfSales.AddDate(0, 0, -30), PeriodEnd: noonOfSales, Version: 1,
	}
}

// TestEveryStepOfASubscription goes through every event in every state, at the
// moment at which the period ends.
func TestEveryStepOfASubscription(t *testing.T) {
	const (
		active, pastDue   = SubscriptionActive, SubscriptionPastDue
		canceled, expired = SubscriptionCanceled, SubscriptionExpired
		grace             = 7 * 24 * time.Hour
	)
	renewal := aTransaction(TransactionCompleted)
	renewal.Renewal = true
	steps := map[string]func(s *Subscription) (bool, error){
		"buy anew": func(s *Subscription) (bool, error) {
			s.Renew(aTransaction(TransactionCompleted), noonOfSales)
			return true, nil
		},
		"renew": func(s *Subscription) (bool, error) {
			s.Renew(renewal, noonOfSales)
			return true, nil
		},
		"lapse":               func(s *Subscription) (bool, error) { return s.Lapse(noonOfSales) },
		"cancel":              func(s *Subscription) (bool, error) { return s.Cancel(noonOfSales) },
		"expire":              func(s *Subscription) (bool, error) { return s.Expire(grace, noonOfSales) },
		"expire after grace":  func(s *Subscription) (bool, error) { return s.Expire(grace, noonOfSales.Add(grace)) },
		"expire a bit sooner": func(s *Subscription) (bool, error) { return s.Expire(grace, noonOfSales.Add(-1)) },
		"end":                 func(s *Subscription) (bool, error) { return s.End(noonOfSales), nil },
	}
	for _, c := range []struct {
		from SubscriptionStatus
		step string
		to   SubscriptionStatus
		done bool
		err  error
	}{
		{active, "renew", active, true, nil},
		{active, "buy anew", active, true, nil},
		{pastDue, "buy anew", active, true, nil},
		{canceled, "buy anew", active, true, nil},
		{expired, "buy anew", active, true, nil},
		{active, "lapse", pastDue, true, nil},
		{active, "cancel", canceled, true, nil},
		{active, "expire", active, false, ErrSubscriptionState},
		{active, "expire after grace", active, false, ErrSubscriptionState}, // it lapses first
		{active, "end", expired, true, nil},

		{pastDue, "renew", active, true, nil},
		{pastDue, "lapse", pastDue, false, nil},
		{pastDue, "cancel", canceled, true, nil},
		{pastDue, "expire", pastDue, false, ErrSubscriptionState},
		{pastDue, "expire after grace", expired, true, nil},
		{pastDue, "end", expired, true, nil},

		{canceled, "renew", canceled, true, nil},
		{canceled, "lapse", canceled, false, ErrSubscriptionState},
		{canceled, "cancel", canceled, false, nil},
		{canceled, "expire", expired, true, nil},
		{canceled, "expire a bit sooner", canceled, false, ErrSubscriptionState},
		{canceled, "end", expired, true, nil},

		{expired, "renew", canceled, true, nil},
		{expired, "lapse", expired, false, ErrSubscriptionState},
		{expired, "cancel", expired, false, ErrSubscriptionState},
		{expired, "expire", expired, false, nil},
		{expired, "end", expired, false, nil},
	} {
		s := aSubscription(c.from)
		done, err := steps[c.step](s)
		if s.Status != c.to || done != c.done || !errors.Is(err, c.err) {
			t.Errorf("%s, %s: %s, %v, %v; want %s, %v, %v", c.from, c.step, s.Status, done, err, c.to, c.done, c.err)
		}
		if done != (s.Version == 2) {
			t.Errorf("%s, %s: version %d", c.from, c.step, s.Version)
		}
	}
}

func TestPeriodsFollowOneAnother(t *testing.T) {
	late := noonOfSales.AddDate(0, 0, 3)
	for from, end := range map[SubscriptionStatus]time.Time{
		SubscriptionActive: noonOfSales.AddDate(0, 0, 30), SubscriptionPastDue: noonOfSales.AddDate(0, 0, 30),
		SubscriptionCanceled: noonOfSales.AddDate(0, 0, 30), SubscriptionExpired: late.AddDate(0, 0, 30),
	} {
		s, t1 := aSubscription(from), aTransaction(TransactionCompleted)
		t1.Renewal = true
		s.Renew(t1, late)
		if s.PeriodEnd != end || s.PeriodStart != end.AddDate(0, 0, -30) || s.TransactionID != (TransactionID{3}) {
			t.Errorf("%s: %+v", from, s)
		}
	}
	for from, end := range map[time.Time]time.Time{ // bought anew before it was over, and after that
		noonOfSales.AddDate(0, 0, -1): noonOfSales.AddDate(0, 0, 14), late: late.AddDate(0, 0, 14),
	} {
		s, t1 := aSubscription(SubscriptionCanceled), aTransaction(TransactionCompleted)
		s.CanceledAt, t1.Days, t1.Provider = noonOfSales, 14, "other"
		s.Renew(t1, from)
		if s.PeriodEnd != end || s.Status != SubscriptionActive || s.Provider != "other" || s.Price != t1.Price || !s.CanceledAt.IsZero() {
			t.Errorf("bought anew at %v: %+v", from, s)
		}
	}
	const grace = time.Hour
	for status, until := range map[SubscriptionStatus]time.Time{
		SubscriptionActive: noonOfSales.Add(grace), SubscriptionPastDue: noonOfSales.Add(grace),
		SubscriptionCanceled: noonOfSales, SubscriptionExpired: noonOfSales,
	} {
		if got := aSubscription(status).AccessUntil(grace); got != until {
			t.Errorf("%s: %v, want %v", status, got, until)
		}
	}
}
