package smtpmail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/mail"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/seed-755a8038/coffer/adapters/smtpmail"
)

// sink is a mail server that keeps what it is given.
type sink struct {
	server *smtp.Server
	port   int
	roots  *x509.CertPool

	// What to answer; nil is yes.
	onMail, onRcpt, onData func() error

	mu        sync.Mutex
	delivered []delivery
	hello     string
	secure    bool   // whether the last message came over TLS
	username  string // who signed in last
}

type delivery struct {
	from string
	to   []string
	raw  []byte
}

// open starts a sink; options change the server before it listens.
func open(t testing.TB, options ...func(*sink)) *sink {
	t.Helper()
	s := &sink{}
	s.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{sink: s, conn: c}, nil
	}))
	s.server.Domain = "sink.example"
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	for _, option := range options {
		option(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = portOf(t, l)
	if s.server.Addr == "implicit" {
		l = tls.NewListener(l, s.server.TLSConfig)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.server.Serve(l) })
	t.Cleanup(func() {
		_ = l.Close() // the server closes only what it has begun to serve
		_ = s.server.Close()
		wg.Wait()
	})
	return s
}

// portOf returns the port a listener on TCP has been given.
func portOf(t testing.TB, l net.Listener) int {
	t.Helper()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("it listens on %v", l.Addr())
	}
	return addr.Port
}

// withTLS gives the sink a certificate for 127.0.0.1, and offers STARTTLS.
func withTLS(t testing.TB) func(*sink) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sink"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return func(s *sink) {
		s.roots = x509.NewCertPool()
		s.roots.AddCert(cert)
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	}
}

func implicitly(s *sink) { s.server.Addr = "implicit" }

// config is how to reach the sink with STARTTLS.
func (s *sink) config() smtpmail.Config {
	return smtpmail.Config{
		Host: "127.0.0.1", Port: s.port, From: "Coffer <noreply@coffer.example>",
		RootCAs: s.roots, Timeout: 10 * time.Second, HelloName: "coffer.example",
	}
}

// plain is how to reach a sink without a certificate.
func (s *sink) plain() smtpmail.Config {
	cfg := s.config()
	cfg.TLS = smtpmail.NoTLS
	return cfg
}

// all returns what was delivered so far.
func (s *sink) all() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.delivered
}

// only returns the one message that was delivered.
func (s *sink) only(t testing.TB) (delivery, *mail.Message) {
	t.Helper()
	all := s.all()
	if len(all) != 1 {
		t.Fatalf("%d messages came, want 1", len(all))
	}
	m, err := mail.ReadMessage(bytes.NewReader(all[0].raw))
	if err != nil {
		t.Fatalf("%v in %s", err, all[0].raw)
	}
	return all[0], m
}

// session implements smtp.AuthSession.
type session struct {
	sink *sink
	conn *smtp.Conn
	delivery
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if password != "let me in" {
			return errors.New("wrong password")
		}
		s.sink.mu.Lock()
		defer s.sink.mu.Unlock()
		s.sink.username = username
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return answer(s.sink.onMail)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return answer(s.sink.onRcpt)
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := answer(s.sink.onData); err != nil {
		return err
	}
	s.raw = raw
	_, secure := s.conn.TLSConnectionState()
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.delivered = append(s.sink.delivered, s.delivery)
	s.sink.hello, s.sink.secure = s.conn.Hostname(), secure
	return nil
}

func (s *session) Reset()        { s.delivery = delivery{} }
func (s *session) Logout() error { return nil }

func answer(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}
