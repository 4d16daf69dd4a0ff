package signedblob

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// Deadlines are the kernel's: they take the real time, not the time of ports.Clock.
func realNow() time.Time { return time.Now() } //nolint:forbidigo // see above

// steadyBody is a request's body that fails when nothing arrives for a while,
// however long the whole takes.
type steadyBody struct {
	r       io.Reader
	conn    *http.ResponseController
	timeout time.Duration
	renewed time.Time
	err     error // why the body ended, unless regularly
}

// steady returns the body. The deadline holds from now on, as the server also
// reads a body that was refused, before it takes the next request.
func (b *Blobs) steady(w http.ResponseWriter, body io.Reader) *steadyBody {
	s := &steadyBody{r: body, conn: http.NewResponseController(w), timeout: b.stall}
	s.renew()
	return s
}

func (s *steadyBody) renew() {
	now := realNow()
	if now.Sub(s.renewed) < s.timeout/8 { // a system call for each read is too much
		return
	}
	s.renewed = now
	_ = s.conn.SetReadDeadline(now.Add(s.timeout)) // not every ResponseWriter can
}

// Read implements io.Reader.
func (s *steadyBody) Read(p []byte) (int, error) {
	s.renew()
	n, err := s.r.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		// The server now waits for the client to hang up or to go on; it may
		// take the store longer than the deadline to make the bytes durable.
		_ = s.conn.SetReadDeadline(time.Time{})
	case err != nil:
		s.err = err
	}
	return n, err
}

// stalled reports whether the body ended because nothing arrived.
func (s *steadyBody) stalled() bool { return errors.Is(s.err, os.ErrDeadlineExceeded) }

// watch ends the answer when nothing of f leaves for a while, however long the
// whole takes. It looks at the file's position, which moves as the kernel sends,
// so that nothing has to come between the file and the connection.
// The caller calls stop before it returns.
func (b *Blobs) watch(w http.ResponseWriter, f *os.File) (stop func()) {
	conn := http.NewResponseController(w)
	_ = conn.SetWriteDeadline(time.Time{}) // in place of the server's, which is for the whole
	var mu sync.Mutex
	var last int64
	stopped := false
	var timer *time.Timer
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(b.stall, func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil || at == last {
			_ = conn.SetWriteDeadline(realNow())
			return
		}
		last = at
		timer.Reset(b.stall)
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}
