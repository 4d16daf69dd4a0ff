package smtpmail_test

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/seed-755a8038/coffer/adapters/smtpmail"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var (
	_ ports.Mailer = (*smtpmail.Mailer)(nil)

	hello = ports.Mail{To: "ann@example.com", Subject: "Your invitation", Text: "Follow https://coffer.example/?token=1 \n.\nBye\n"}
)

func newMailer(t testing.TB, cfg smtpmail.Config) *smtpmail.Mailer {
	t.Helper()
	m, err := smtpmail.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func send(t testing.TB, cfg smtpmail.Config, m ports.Mail) {
	t.Helper()
	if err := newMailer(t, cfg).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// body decodes a part as its headers say. Lines end in LF.
func body(t testing.TB, encoding string, r io.Reader) string {
	t.Helper()
	if strings.EqualFold(encoding, "quoted-printable") {
		r = quotedprintable.NewReader(r)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "\r\n", "\n")
}

func TestAMessageArrivesAsItWasWritten(t *testing.T) {
	s := open(t, withTLS(t))
	m := hello
	m.Subject, m.Text = "Grüße aus dem Tresor", "Zeile mit = und ü\n.\n"+strings.Repeat("lang ", 400)+"\n"
	send(t, s.config(), m)
	got, msg := s.only(t)
	if got.from != "noreply@coffer.example" || !slices.Equal(got.to, []string{"ann@example.com"}) {
		t.Errorf("envelope from %q to %q", got.from, got.to)
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil || subject != m.Subject {
		t.Errorf("subject is %q, %v", subject, err)
	}
	from, err := mail.ParseAddress(msg.Header.Get("From"))
	if err != nil || *from != (mail.Address{Name: "Coffer", Address: "noreply@coffer.example"}) {
		t.Errorf("from is %v, %v", from, err)
	}
	to, err := mail.ParseAddress(msg.Header.Get("To"))
	if err != nil || *to != (mail.Address{Address: "ann@example.com"}) {
		t.Errorf("to is %v, %v", to, err)
	}
	if text := body(t, msg.Header.Get("Content-Transfer-Encoding"), msg.Body); strings.TrimRight(text, "\n") != strings.TrimRight(m.Text, "\n") {
		t.Errorf("text is %q", text)
	}
	if date, err := msg.Header.Date(); err != nil || time.Since(date).Abs() > time.Minute {
		t.Errorf("date is %v, %v", date, err)
	}
	if s.hello != "coffer.example" {
		t.Errorf("greeted as %q", s.hello)
	}
}

func TestTheHeadersOfAProgram(t *testing.T) {
	s := open(t, withTLS(t))
	send(t, s.config(), hello)
	send(t, s.config(), hello)
	var ids []string
	for _, d := range s.all() {
		msg, err := mail.ReadMessage(strings.NewReader(string(d.raw)))
		if err != nil {
			t.Fatal(err)
		}
		if got := msg.Header.Get("Auto-Submitted"); got != "auto-generated" {
			t.Errorf("Auto-Submitted is %q", got)
		}
		if msg.Header.Get("User-Agent")+msg.Header.Get("X-Mailer") != "" {
			t.Errorf("the program is named in %v", msg.Header)
		}
		id := msg.Header.Get("Message-Id")
		if !regexp.MustCompile(`^<[a-z0-9]{20,}@coffer\.example>$`).MatchString(id) {
			t.Errorf("Message-ID is %q", id)
		}
		ids = append(ids, id)
	}
	if len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("message ids are %q", ids)
	}
}

func TestTextComesWithItsHTML(t *testing.T) {
	s := open(t, withTLS(t))
	m := hello
	m.HTML = "<p>Follow <a href=\"https://coffer.example/?token=1\">the link</a></p>"
	send(t, s.config(), m)
	_, msg := s.only(t)
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("it is %s, %v", kind, err)
	}
	var kinds []string
	for r := multipart.NewReader(msg.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		want := map[string]string{"text/plain": m.Text, "text/html": m.HTML}[kind]
		if got := body(t, part.Header.Get("Content-Transfer-Encoding"), part); strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s is %q", kind, got)
		}
		kinds = append(kinds, kind)
	}
	if !slices.Equal(kinds, []string{"text/plain", "text/html"}) { // the last is what readers prefer
		t.Errorf("parts are %q", kinds)
	}
}

func TestASubjectCannotAddHeaders(t *testing.T) {
	for _, subject := range []string{
		"Hi\r\nBcc: eve@evil.example", "Hi\nBcc: eve@evil.example", "Hi\rBcc: eve@evil.example", "Hi\r\n\r\nBcc: eve@evil.example",
		"Hï\r\nBcc: eve@evil.example", "Hi\u2028Bcc: eve@evil.example", "Hi\u0085Bcc: eve@evil.example", "Hi\x00\r\nBcc: eve@evil.example",
		"=?utf-8?q?Hi=0D=0ABcc:_eve@evil.example?=", strings.Repeat("x", 1000) + "\r\nBcc: eve@evil.example", "\xff\r\nBcc: eve@evil.example",
	} {
		s := open(t)
		m := hello
		m.Subject = subject
		send(t, s.plain(), m)
		got, msg := s.only(t)
		if len(got.to) != 1 || msg.Header.Get("Bcc") != "" || msg.Header.Get("Subject") == "" {
			t.Errorf("%q: to %q, headers %v", subject, got.to, msg.Header)
		}
		if text := body(t, msg.Header.Get("Content-Transfer-Encoding"), msg.Body); !strings.HasPrefix(text, "Follow") {
			t.Errorf("%q: the text is %q", subject, text)
		}
	}
}

func TestWhatIsNotOneAddressIsRefusedForEver(t *testing.T) {
	s := open(t)
	m := newMailer(t, s.plain())
	for _, to := range []string{
		"", "ann", "@example.com", "ann@", "ann@example.com\r\nBcc: eve@evil.example", "ann@example.com\nRCPT TO:<eve@evil.example>",
		"ann@example.com>\r\nRCPT TO:<eve@evil.example", "ann\r\n@example.com", "ann@example.com, eve@evil.example",
		"Ann <ann@example.com>", "<ann@example.com>", " ann@example.com", "ann@example.com\x00", "\"a\r\nb\"@example.com", "undisclosed:;",
	} {
		if err := m.Send(t.Context(), ports.Mail{To: to, Subject: "Hi", Text: "Hi"}); !errors.Is(err, core.ErrMailRefused) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if all := s.all(); len(all) != 0 {
		t.Errorf("%d messages came", len(all))
	}
}

// Whoever sits between can take STARTTLS out of what the server offers.
func TestWithoutTheSTARTTLSItAskedForNothingIsSent(t *testing.T) {
	s := open(t, func(s *sink) { s.server.AllowInsecureAuth = true })
	for _, password := range []string{"", "let me in"} {
		cfg := s.config()
		if cfg.Password = password; password != "" {
			cfg.Username = "coffer"
		}
		if err := newMailer(t, cfg).Send(t.Context(), hello); err == nil || errors.Is(err, core.ErrMailRefused) {
			t.Errorf("Send = %v", err)
		}
	}
	if len(s.all()) != 0 || s.username != "" {
		t.Errorf("%d messages, signed in as %q", len(s.all()), s.username)
	}
}

func TestWhatTheServerRefusesForEver(t *testing.T) {
	no := func(code int) func() error {
		return func() error { return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: "no"} }
	}
	for name, c := range map[string]struct {
		at      func(s *sink)
		forEver bool
	}{
		"no such mailbox":              {func(s *sink) { s.onRcpt = no(550) }, true},
		"bad mailbox name":             {func(s *sink) { s.onRcpt = no(553) }, true},
		"mailbox busy":                 {func(s *sink) { s.onRcpt = no(450) }, false},
		"greylisted":                   {func(s *sink) { s.onRcpt = no(451) }, false},
		"sign in first":                {func(s *sink) { s.onRcpt = no(530) }, false},
		"content refused":              {func(s *sink) { s.onData = no(554) }, true},
		"no space now":                 {func(s *sink) { s.onData = no(452) }, false},
		"sender refused":               {func(s *sink) { s.onMail = no(550) }, false},
		"sender refused now":           {func(s *sink) { s.onMail = no(451) }, false},
		"server breaks while thinking": {func(s *sink) { s.onData = func() error { panic("broken") } }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, c.at)
			err := newMailer(t, s.plain()).Send(t.Context(), hello)
			if err == nil || errors.Is(err, core.ErrMailRefused) != c.forEver {
				t.Errorf("Send = %v", err)
			}
			if len(s.all()) != 0 {
				t.Error("it was delivered")
			}
		})
	}
}

func TestAServerThatIsDownIsWorthAnotherTry(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := portOf(t, l)
	_ = l.Close()
	m := newMailer(t, smtpmail.Config{Host: "127.0.0.1", Port: port, From: "a@example.com", TLS: smtpmail.NoTLS})
	if err := m.Send(t.Context(), hello); err == nil || errors.Is(err, core.ErrMailRefused) {
		t.Errorf("Send = %v", err)
	}
}

func TestTheConnectionIsEncrypted(t *testing.T) {
	for name, options := range map[string]struct {
		mode    smtpmail.TLSMode
		options []func(*sink)
	}{
		"after STARTTLS, by default": {"", nil},
		"after STARTTLS":             {smtpmail.StartTLS, nil},
		"from the first byte":        {smtpmail.ImplicitTLS, []func(*sink){implicitly}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, append(options.options, withTLS(t))...)
			cfg := s.config()
			cfg.TLS, cfg.Username, cfg.Password = options.mode, "coffer", "let me in"
			send(t, cfg, hello)
			s.only(t)
			if !s.secure || s.username != "coffer" {
				t.Errorf("secure %v, signed in as %q", s.secure, s.username)
			}
		})
	}
}

func TestNothingIsSaidToAServerThatIsNotTrusted(t *testing.T) {
	for name, change := range map[string]func(*smtpmail.Config){
		"an unknown certificate":           func(c *smtpmail.Config) { c.RootCAs = nil },
		"a certificate of another host":    func(c *smtpmail.Config) { c.Host = "localhost" },
		"implicit TLS where there is none": func(c *smtpmail.Config) { c.TLS = smtpmail.ImplicitTLS },
		"a wrong password":                 func(c *smtpmail.Config) { c.Password = "wrong" },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, withTLS(t))
			cfg := s.config()
			cfg.Username, cfg.Password, cfg.Timeout = "coffer", "let me in", 2*time.Second
			change(&cfg)
			err := newMailer(t, cfg).Send(t.Context(), hello)
			if err == nil || errors.Is(err, core.ErrMailRefused) {
				t.Errorf("Send = %v", err)
			}
			if strings.Contains(err.Error(), "let me in") {
				t.Errorf("the password is in %v", err)
			}
			if len(s.all()) != 0 || s.username != "" {
				t.Errorf("%d messages, signed in as %q", len(s.all()), s.username)
			}
		})
	}
}

func TestFilesComeWithAMessageAndItsNameStays(t *testing.T) {
	s := open(t)
	m := hello
	m.ID = "0199f2b4-7c1e-1"
	m.Attachments = []ports.Attachment{
		{Name: "report.pdf", Type: "application/pdf", Content: []byte("%PDF\x00\r\n.\r\n\xff")},
		{Name: "report.csv", Type: "text/csv; charset=utf-8", Content: []byte("a,é\r\n")},
	}
	send(t, s.plain(), m)
	_, msg := s.only(t)
	if id := msg.Header.Get("Message-Id"); id != "<0199f2b4-7c1e-1@coffer.example>" {
		t.Errorf("it is called %s", id)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" {
		t.Fatalf("it is %s, %v", kind, err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	if text, err := parts.NextPart(); err != nil || !strings.HasPrefix(text.Header.Get("Content-Type"), "text/plain") {
		t.Fatalf("the text does not come first: %v", err)
	}
	for _, want := range m.Attachments {
		p, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		if err != nil || !slices.Equal(content, want.Content) || p.FileName() != want.Name || !strings.HasPrefix(p.Header.Get("Content-Type"), want.Type) {
			t.Errorf("%s %v: %q, %v", p.FileName(), p.Header, content, err)
		}
	}
}
