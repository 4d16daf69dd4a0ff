package core

import (
	"testing"
	"time"
)

func TestWhenEntitlementsLive(t *testing.T) {
	x, s := aTransaction(TransactionCompleted), aSubscription(SubscriptionActive)
	e := NewEntitlement(EntitlementID{1}, x, nil, NodeID{9}, time.Hour, noonOfSales)
	if !e.Live(Forever.Add(-time.Hour)) || !e.ExpiresAt.IsZero() {
		t.Errorf("what is bought for ever ends: %+v", e)
	}
	m := NewEntitlement(EntitlementID{2}, x, s, NodeID{9}, time.Hour, noonOfSales)
	if m.ExpiresAt != s.PeriodEnd || m.SubscriptionID != s.ID || !m.Live(s.PeriodEnd.Add(59*time.Minute)) || m.Live(s.PeriodEnd.Add(time.Hour)) {
		t.Errorf("%+v", m)
	}
	for name, edit := range map[string]func(e *Entitlement){
		"revoked":   func(e *Entitlement) { e.RevokedAt = noonOfSales },
		"suspended": func(e *Entitlement) { e.SuspendedAt = noonOfSales },
	} {
		gone := *e
		edit(&gone)
		if gone.Live(noonOfSales) {
			t.Errorf("what is %s gives access", name)
		}
	}
	x.DisputedAt = noonOfSales
	if NewEntitlement(EntitlementID{1}, x, nil, NodeID{9}, 0, noonOfSales).Live(noonOfSales) {
		t.Error("what is linked while the money is disputed gives access")
	}
}
