package share

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// salts are those of today and, around midnight, of the day before. Older ones
// are forgotten, as the store forgets them.
type salts struct {
	mu    sync.Mutex
	known map[time.Time]core.VisitorSalt
}

// of returns the salt of the day of a time. It asks the store once a day.
func (s *salts) of(ctx context.Context, hot ports.Visits, now time.Time) (core.VisitorSalt, error) {
	day := core.GrainDay.Start(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if salt, ok := s.known[day]; ok {
		return salt, nil
	}
	var fresh core.VisitorSalt
	_, _ = rand.Read(fresh[:]) // never fails
	salt, err := hot.Salt(ctx, day, fresh)
	if err != nil {
		return salt, err
	}
	next := map[time.Time]core.VisitorSalt{day: salt}
	for other, salt := range s.known {
		if apart := day.Sub(other).Abs(); apart <= 24*time.Hour {
			next[other] = salt
		}
	}
	s.known = next
	return salt, nil
}

// recognise notes on an access what analytics count it by. Who the visitor is
// cannot be told from it.
func (s *Service) recognise(ctx context.Context, at *arrival, a *core.ShareAccess) error {
	if a.Kind != core.AccessView && a.Kind != core.AccessDownload {
		return nil
	}
	salt, err := s.salts.of(ctx, s.hot, at.now)
	if err != nil {
		return err
	}
	from := at.visit.From
	a.Visitor = core.VisitorOf(salt, a.OrgID, from.Address, from.UserAgent)
	a.Country, a.Device = s.countries.Country(from.Address), s.devices.Device(a.UserAgent)
	return nil
}
