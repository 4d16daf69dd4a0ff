package admin_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app/admin"
	"github.com/seed-755a8038/coffer/ports"
)

// hanging never finishes counting.
type hanging struct{}

func (hanging) Count(ctx context.Context, _ time.Time) (ports.Counts, error) {
	<-ctx.Done()
	return ports.Counts{}, ctx.Err()
}

func TestCountingGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := admin.NewService(admin.Deps{Statistics: hanging{}, Clock: system.Clock{}}, admin.Options{})
		begin := time.Now()
		_, err := s.Stats(t.Context(), admin.System())
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}
