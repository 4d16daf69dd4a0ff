package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// postbox is a mail server that keeps what it is given.
type postbox struct {
	mu    sync.Mutex
	got   [][]byte
	takes time.Duration // for a mail
}

func (p *postbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &delivery{p}, nil }

// to returns what somebody was sent.
func (p *postbox) to(address string) (got [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.got {
		if bytes.Contains(m, []byte("To: <"+address+">")) {
			got = append(got, m)
		}
	}
	return got
}

// of returns the reports among what somebody was sent: mail with files.
func (p *postbox) of(address string) [][]byte {
	return slices.DeleteFunc(p.to(address), func(m []byte) bool { return !bytes.Contains(m, []byte("multipart/mixed")) })
}

type delivery struct{ box *postbox }

func (*delivery) Mail(string, *smtp.MailOptions) error { return nil }
func (*delivery) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*delivery) Reset()                               {}
func (*delivery) Logout() error                        { return nil }

func (d *delivery) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	d.box.mu.Lock()
	d.box.got = append(d.box.got, b)
	d.box.mu.Unlock()
	time.Sleep(d.box.takes) // a server that dies now has sent it and does not know
	return nil
}

// newPostbox returns a mail server and the settings that lead to it.
func newPostbox(t *testing.T) (*postbox, settings) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box := &postbox{}
	server := smtp.NewServer(box)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return box, settings{"COFFER_MAIL_SMTP_HOST": "127.0.0.1", "COFFER_MAIL_SMTP_PORT": port, "COFFER_MAIL_SMTP_TLS": "none", "COFFER_MAIL_FROM": "coffer@example.com"}
}

// attachment returns the first file of a message, by the end of its name.
func attachment(t *testing.T, message []byte, ext string) []byte {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := parts.NextPart()
		if err != nil {
			t.Fatalf("no %s: %v", ext, err)
		}
		if strings.HasSuffix(p.FileName(), ext) {
			content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
			if err != nil {
				t.Fatal(err)
			}
			return content
		}
	}
}

// readPDF returns the text of a document, as Poppler finds it.
func readPDF(t *testing.T, doc []byte) string {
	t.Helper()
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("install poppler-utils: " + err.Error())
		}
		t.Skip("install poppler-utils: " + err.Error())
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), program, "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAReportComesByMailOnceAndItsHistoryShowsIt(t *testing.T) {
	box, mails := newPostbox(t)
	tell(t, mails, func(t *testing.T, s *server) {
		ana := s.licensed("ana-" + strings.ToLower(rand.Text())) // the box is for both wirings
		group := ana.want(http.StatusCreated, "POST", "/api/groups?org_id="+ana.org, object{"name": "Frühling"}).text("id")
		csv := ana.want(http.StatusOK, "GET", "/api/groups/"+group+"/analytics/export", nil)
		if !strings.HasPrefix(string(csv.body), "section,key,name,") || !strings.Contains(string(csv.body), "group Frühling") {
			t.Errorf("%s", csv.body)
		}
		pdf := ana.want(http.StatusOK, "GET", "/api/groups/"+group+"/analytics/export?format=pdf&period=month", nil)
		if text := readPDF(t, pdf.body); !strings.Contains(text, "group Frühling") {
			t.Errorf("%s", text)
		}

		reports := "/api/orgs/" + ana.org + "/reports"
		order := object{
			"name": "Wöchentlich", "target": object{"kind": "group", "group_id": group}, "period": "week", "formats": []string{"pdf", "csv"},
			"recipients": []string{ana.email}, "schedule": "0 8 * * MON", "time_zone": "Europe/Berlin",
		}
		made := ana.want(http.StatusCreated, "POST", reports, order)
		path := reports + "/" + made.text("id")
		wrong := object{"schedule": "* * * * *", "recipients": []string{"stranger@example.com"}, "time_zone": "Mars/Base"}
		for name, value := range wrong {
			bad := object{}
			maps.Copy(bad, order)
			bad[name] = value
			ana.ask("POST", reports, bad).isProblem(http.StatusUnprocessableEntity, "validation_failed")
		}

		// Its time comes while no server runs; and again a server starts.
		const week = 8 * 24 * time.Hour
		for range 2 {
			s.later(week, ana)
			eventually(t, "the report arrives", func() bool { return len(box.of(ana.email)) > 0 })
			ana.want(http.StatusOK, "GET", path, nil)
		}
		time.Sleep(2 * time.Second)
		if n := len(box.of(ana.email)); n != 1 {
			t.Fatalf("%d mails", n)
		}
		message := box.of(ana.email)[0]
		if text := readPDF(t, attachment(t, message, ".pdf")); !strings.Contains(text, "Wöchentlich") || !strings.Contains(text, "group Frühling") {
			t.Errorf("%s", text)
		}
		if table := attachment(t, message, ".csv"); !bytes.HasPrefix(table, []byte("section,")) {
			t.Errorf("%s", table)
		}
		runs := ana.want(http.StatusOK, "GET", path+"/runs", nil)
		if runs.text("items.0.status") != "sent" || runs.text("items.0.recipients.0.status") != "sent" || strings.Count(string(runs.body), `"planned_at"`) != 1 {
			t.Errorf("%s", runs.body)
		}

		now := ana.want(http.StatusAccepted, "POST", path+"/run", nil)
		eventually(t, "the report arrives", func() bool { return len(box.of(ana.email)) == 2 })
		if now.text("requested_by") == "" {
			t.Errorf("%s", now.body)
		}
		ana.want(http.StatusNoContent, "DELETE", path, nil)
	})
}
