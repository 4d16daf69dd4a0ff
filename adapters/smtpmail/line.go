package smtpmail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/wneessen/go-mail"
)

// line is the connection of one message. The SMTP client heeds a context only
// until it is connected, and leaves a connection open over which it failed to
// greet: whoever has the line closes it, at the latest when the context ends.
type line struct {
	cfg Config

	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

// dial connects, and with implicit TLS also shakes hands.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := l.take(conn); err != nil {
		return nil, err
	}
	if l.cfg.TLS != ImplicitTLS {
		return conn, nil
	}
	secure := tls.Client(conn, l.cfg.tls())
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("shake hands: %w", err)
	}
	return secure, nil
}

// take keeps conn to be closed, or closes it if it comes too late.
func (l *line) take(conn net.Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errors.Join(net.ErrClosed, conn.Close())
	}
	l.conn = conn
	return nil
}

// close ends the connection, whoever waits for it. It may be called twice.
func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn != nil {
		_ = l.conn.Close() // nothing that matters is on its way any more
	}
}

// refused reports whether the server said that it will never take the message,
// for its recipient or its content. What it says of the sender, of credentials
// or of nobody in particular, the operator can mend.
func refused(err error) bool {
	e, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return false
	}
	code := e.ErrorCode()
	if code < 500 || code > 599 || code == 530 || code == 534 || code == 535 || code == 538 { // RFC 4954, section 6
		return false
	}
	return e.Reason == mail.ErrSMTPRcptTo || e.Reason == mail.ErrSMTPData || e.Reason == mail.ErrSMTPDataClose
}

// orEnded says that it was the context that ended the work, if so: all that
// err knows is a closed connection.
func orEnded(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%w (%w)", ended, err)
	}
	return err
}
