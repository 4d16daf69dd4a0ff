package contract

import (
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (s storeTest) entry(org core.OrgID, actor core.AccountID, action string, at time.Time) *core.AuditEntry {
	return &core.AuditEntry{
		ID: core.AuditID(s.id()), OrgID: org, ActorKind: core.ActorAccount, ActorID: actor, ActorEmail: "ana@example.com", Action: action,
		TargetKind: "account", TargetID: "x", Address: "2001:db8::1", At: at,
		Changes: map[string]core.Change{"role": {From: "viewer", To: "é"}, "n": {From: 1.5, To: nil}, "on": {To: true}},
	}
}

func (s storeTest) audit(entries ...*core.AuditEntry) {
	s.Helper()
	s.update(func(tx ports.Tx) error { return tx.Audit.Add(s.Context(), entries...) })
}

func auditEqual(s storeTest) {
	ana := s.signUp("ana")
	system := &core.AuditEntry{ID: core.AuditID(s.id()), OrgID: ana.org.ID, ActorKind: core.ActorSystem, Action: "org.purged", At: noon}
	first, second := s.entry(ana.org.ID, ana.account.ID, "a.b", noon), s.entry(ana.org.ID, ana.account.ID, "a.c", noon)
	s.audit()
	s.audit(system)
	s.audit(first, second)
	s.audit(s.entry(s.signUp("ben").org.ID, ana.account.ID, "a.b", noon)) // another org's
	s.view(func(tx ports.Tx) error {
		got, err := tx.Audit.List(s.Context(), ports.AuditQuery{OrgID: ana.org.ID, Limit: 10})
		s.must(err)
		s.equal(got, []*core.AuditEntry{second, first, system})
		got, err = tx.Audit.List(s.Context(), ports.AuditQuery{OrgID: core.OrgID(s.id()), Limit: 10})
		s.equal(len(got), 0)
		return err
	})
}

func auditFilters(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	t := s.newTeam(ana, "team")
	other := s.joined(t, ben, core.OrgAdmin, core.AccountActive)
	minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	all := []*core.AuditEntry{
		s.entry(t.org.ID, t.owner.ID, "account.invited", minute(0)), s.entry(t.org.ID, t.owner.ID, "account.removed", minute(1)),
		s.entry(t.org.ID, other.ID, "account.invited", minute(2)), s.entry(t.org.ID, other.ID, "accounting.closed", minute(3)),
		s.entry(t.org.ID, t.owner.ID, "org.updated", minute(4)), s.entry(t.org.ID, t.owner.ID, "account_x.y", minute(5)),
	}
	s.audit(all...)
	for name, test := range map[string]struct {
		edit func(q *ports.AuditQuery)
		want []int
	}{
		"all":               {func(*ports.AuditQuery) {}, []int{5, 4, 3, 2, 1, 0}},
		"actor":             {func(q *ports.AuditQuery) { q.Actor = other.ID }, []int{3, 2}},
		"action":            {func(q *ports.AuditQuery) { q.Action = "account.invited" }, []int{2, 0}},
		"part of an action": {func(q *ports.AuditQuery) { q.Action = "account" }, nil},
		"noun":              {func(q *ports.AuditQuery) { q.Action = "account." }, []int{2, 1, 0}},
		"noun in part":      {func(q *ports.AuditQuery) { q.Action = "acc." }, nil},
		"no pattern":        {func(q *ports.AuditQuery) { q.Action = "%." }, nil},
		"from":              {func(q *ports.AuditQuery) { q.From = minute(4) }, []int{5, 4}},
		"to":                {func(q *ports.AuditQuery) { q.To = minute(2) }, []int{1, 0}},
		"from and to":       {func(q *ports.AuditQuery) { q.From, q.To = minute(1), minute(3) }, []int{2, 1}},
		"everything": {func(q *ports.AuditQuery) {
			q.Actor, q.Action, q.From, q.To = t.owner.ID, "account.", minute(1), minute(3)
		}, []int{1}},
		"another org's actor": {func(q *ports.AuditQuery) { q.Actor = ana.account.ID }, nil},
	} {
		var got []*core.AuditEntry
		s.view(func(tx ports.Tx) error {
			q := ports.AuditQuery{OrgID: t.org.ID, Limit: 2}
			test.edit(&q)
			for {
				page, err := tx.Audit.List(s.Context(), q)
				s.must(err)
				got = append(got, page...)
				if len(page) < q.Limit {
					return nil
				}
				q.Before = page[len(page)-1].ID
			}
		})
		if len(got) != len(test.want) {
			s.Errorf("%s: %d entries, want %d", name, len(got), len(test.want))
			continue
		}
		for i, n := range test.want {
			s.equal(got[i], all[n])
		}
	}
}
