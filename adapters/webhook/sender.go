// Package webhook sends messages by HTTP as Standard Webhooks has it
// (https://www.standardwebhooks.com): signed, with an id that stays the same.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Dial connects to where messages go, and refuses where they must not.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Sender is a ports.WebhookSender. It is safe for concurrent use.
type Sender struct {
	client *http.Client
	agent  string
}

var _ ports.WebhookSender = (*Sender)(nil)

// New returns a sender that connects by dial and calls itself agent.
func New(dial Dial, agent string) *Sender {
	return &Sender{agent: agent, client: &http.Client{
		Transport: &http.Transport{
			Proxy:       nil,                            // a proxy would connect to what dial refuses
			DialContext: dial, DisableCompression: true, // an answer of a few bytes stays one
			TLSHandshakeTimeout: core.WebhookTimeout, ResponseHeaderTimeout: core.WebhookTimeout, MaxResponseHeaderBytes: 32 << 10,
			MaxIdleConns: 100, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Send implements ports.WebhookSender.
func (s *Sender) Send(ctx context.Context, m ports.WebhookMessage) core.Attempt {
	ctx, cancel := context.WithTimeout(ctx, core.WebhookTimeout)
	defer cancel()
	start := time.Now() //nolint:forbidigo // measures, does not date
	a := s.post(ctx, m)
	a.Took = time.Since(start) //nolint:forbidigo // likewise
	return a
}

func (s *Sender) post(ctx context.Context, m ports.WebhookMessage) core.Attempt {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return core.Attempt{Error: "the address cannot be read"}
	}
	stamp := strconv.FormatInt(m.At.Unix(), 10)
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {s.agent},
		"Webhook-Id": {m.ID}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signatures(m, stamp)},
		// Not sent, but lets net/http try again where the other side was just
		// closing the connection that we kept.
		"Idempotency-Key": {},
	}
	res, err := s.client.Do(req)
	if err != nil {
		return core.Attempt{Error: reason(err)}
	}
	defer res.Body.Close()
	// The status has told: an answer that breaks off, or never ends, is one.
	a := core.Attempt{Status: res.StatusCode}
	size, headers := int64(core.MaxAnswerBody), core.MaxAnswerHeader
	if a.OK() {
		size, headers = core.MaxGoodBody, core.MaxGoodHeader
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, size))
	a.Header, a.Body = kept(res.Header, headers), plain(string(body), int(size))
	return a
}

// signatures are those of all keys, in the form of Standard Webhooks.
func signatures(m ports.WebhookMessage, stamp string) string {
	all := make([]string, len(m.Keys))
	for i, key := range m.Keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(m.ID + "." + stamp + "."))
		mac.Write(m.Body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}

// kept are the headers of an answer that are kept: some, and none that lets
// anybody in.
func kept(h http.Header, limit int) map[string]string {
	out := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if len(out) == limit {
			break
		}
		if name != "Set-Cookie" {
			out[plain(name, core.MaxAnswerValue)] = plain(strings.Join(h[name], ", "), core.MaxAnswerValue)
		}
	}
	return out
}

// plain returns text that every database takes, of at most limit bytes.
func plain(text string, limit int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}

// reason says why there was no answer, to people who may not know this machine's
// network.
func reason(err error) string {
	const longest = 200
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, core.ErrAddressRefused):
		return core.ErrAddressRefused.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "there was no answer within " + core.WebhookTimeout.String()
	case errors.As(err, &name):
		return "the name " + plain(name.Name, longest) + " cannot be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer"
	case errors.As(err, &certificate):
		return plain("the certificate is not good: "+certificate.Err.Error(), longest)
	case errors.As(err, &op) && op.Timeout():
		return "the connection could not be made in time"
	case errors.As(err, &op):
		return plain("the connection failed: "+op.Err.Error(), longest)
	}
	return plain("the answer could not be read: "+strings.TrimPrefix(rootOf(err).Error(), "net/http: "), longest)
}

// rootOf is an error without the address that net/http puts around it.
func rootOf(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}
