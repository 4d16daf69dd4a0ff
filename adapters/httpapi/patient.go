package httpapi

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// patientWriter lets an answer take as long as it makes progress: a client that
// takes nothing for the time of a request loses it.
type patientWriter struct {
	w         io.Writer
	patience  time.Duration
	deadlines *http.ResponseController
	extended  time.Time
}

// Write implements io.Writer.
func (p *patientWriter) Write(b []byte) (int, error) {
	const often = 8 // times in the time there is
	if now := realNow(); now.Sub(p.extended) >= p.patience/often {
		if err := p.deadlines.SetWriteDeadline(now.Add(p.patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
		p.extended = now
	}
	return p.w.Write(b)
}
