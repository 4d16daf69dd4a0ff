package identity

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/ports"
)

// Prune is the job that forgets sessions and kept answers that have ended.
type Prune struct{}

// Kind implements ports.Job.
func (Prune) Kind() string { return "identity.prune" }

const (
	sessionGrace = 7 * 24 * time.Hour // a copy of an ended session's token is still recognised
	pruneBatch   = 500
)

// Prune removes in small units of work, so that nobody waits for it.
func (s *Service) Prune(ctx context.Context, _ Prune) error {
	now := s.clock.Now()
	for {
		removed := 0
		err := s.store.Update(ctx, func(tx ports.Tx) error {
			sessions, err := tx.Sessions.Prune(ctx, now.Add(-sessionGrace), pruneBatch)
			if err != nil {
				return err
			}
			answers, err := tx.Idempotency.Prune(ctx, now, pruneBatch)
			if err != nil {
				return err
			}
			tickets, err := tx.Tickets.Prune(ctx, now, pruneBatch)
			removed = max(sessions, answers, tickets)
			return err
		})
		if err != nil || removed < pruneBatch {
			return err
		}
	}
}
