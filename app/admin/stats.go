package admin

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Stats is what an operator wants to know at a glance.
type Stats struct {
	ports.Counts
	Queue ports.QueueStats
	At    time.Time
}

// statsTimeout is how long counting may take: on a server so large that it
// takes longer, it must not keep the database from its work.
const statsTimeout = 5 * time.Second

// Stats counts what the server has. It reads no row of a file.
func (s *Service) Stats(ctx context.Context, a core.Actor) (Stats, error) {
	if err := s.may(ctx, a); err != nil {
		return Stats{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	out := Stats{At: s.clock.Now()}
	var err error
	if out.Counts, err = s.statistics.Count(ctx, out.At); err != nil {
		return Stats{}, err
	}
	out.Queue, err = s.queue.Stats(ctx)
	return out, err
}
