package system

import (
	"time"

	"github.com/robfig/cron/v3"
)

// Schedules implements ports.Schedules with the parser of robfig/cron. What that
// makes of time zones is not asked for: it is given times without one.
type Schedules struct{}

var cronFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// Next implements ports.Schedules.
func (Schedules) Next(expr string, after time.Time) (time.Time, error) {
	s, err := cronFields.Parse(expr)
	if err != nil {
		return time.Time{}, err
	}
	return s.Next(after.UTC()), nil
}
