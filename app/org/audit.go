package org

import (
	"context"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// AuditLog returns entries of an org's audit log, newest first.
func (s *Service) AuditLog(ctx context.Context, a core.Actor, q ports.AuditQuery) (entries []*core.AuditEntry, err error) {
	if _, err := s.may(ctx, a, q.OrgID, core.ManageWebhooks); err != nil {
		return nil, err
	}
	err = s.store.Survey(ctx, func(tx ports.Tx) (err error) {
		entries, err = tx.Audit.List(ctx, q)
		return err
	})
	return entries, err
}

// record writes down what was done, and tells those outside.
func (s *Service) record(
	ctx context.Context, tx ports.Tx, f core.OrgFacts, a core.Actor, action string, target app.Target, changes map[string]core.Change,
) error {
	entry := app.Audited(s.ids.NewID(), f, a, action, target, changes, s.clock.Now())
	if err := tx.Audit.Add(ctx, entry); err != nil {
		return err
	}
	return app.Announce(ctx, tx, s.ids.NewID(), entry, map[string]any{target.Kind + "_id": target.ID})
}
