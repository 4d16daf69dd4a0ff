package s3blob

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed-755a8038/coffer/core"
)

const maxExpiry = 7 * 24 * time.Hour // of a signature, by S3

// signer signs URLs by AWS Signature Version 4, in the query, with an unsigned
// payload (docs.aws.amazon.com, "Authenticating Requests: Using Query
// Parameters"). The SDK does the same some twenty times slower, which matters
// where a page of assets needs a hundred URLs.
type signer struct {
	scheme, host string
	path         string // before the key, escaped, ends with a slash
	region       string
	credentials  aws.CredentialsProvider
	now          func() time.Time
	offset       time.Duration // of the caller's clock from the real time
	day          atomic.Pointer[dayKey]
}

// dayKey is the key derived for one day and one pair of credentials.
type dayKey struct {
	day    string
	creds  aws.Credentials
	states *sync.Pool // of keyed HMAC states: Reset copies, where New hashes the key
}

// newSigner asks the SDK where a bucket is, of a server or, without one, of
// Amazon's, without calling anybody.
func newSigner(ctx context.Context, credentials aws.CredentialsProvider, c Config, endpoint string) (*signer, error) {
	p := s3.EndpointParameters{Bucket: &c.Bucket, Region: &c.Region, ForcePathStyle: &c.UsePathStyle}
	if endpoint != "" {
		p.Endpoint = &endpoint
	}
	e, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	return &signer{
		scheme: e.URI.Scheme, host: hostHeader(&e.URI), path: strings.TrimSuffix(e.URI.EscapedPath(), "/") + "/",
		region: c.Region, credentials: credentials,
		// The server compares with the real time, so ports.Clock will not do.
		now:    time.Now, //nolint:forbidigo // see above
		offset: c.ClockOffset,
	}, nil
}

// hostHeader returns what a client sends as Host: without the usual port.
func hostHeader(u *url.URL) string {
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.Host
}

// request is what is to be signed.
type request struct {
	method, key string
	headers     []byte // canonical: sorted, lower case, each ends with a line feed
	signed      []byte // names of the headers
	query       []byte // further parameters, escaped, sorted, each begins with &
	expires     time.Time
}

// sign returns the signed URL.
func (s *signer) sign(ctx context.Context, r request) (string, error) {
	creds, err := s.credentials.Retrieve(ctx) // cached; asks only when they have expired
	if err != nil {
		return "", fmt.Errorf("sign URL: %w: %w", core.ErrUnavailable, err)
	}
	now := s.now().UTC()
	r.expires = r.expires.Add(-s.offset)
	seconds, err := lifetime(now, r.expires)
	if err != nil {
		return "", err
	}
	if seconds <= 0 { // sign it in the past, for a server to refuse it
		now, seconds = r.expires.UTC().Add(-time.Second), 1
	}
	var stamp [16]byte
	date := now.AppendFormat(stamp[:0], "20060102T150405Z")
	key := s.keyFor(string(date[:8]), creds)

	var buf [2048]byte
	u := append(append(append(buf[:0], s.scheme...), "://"...), s.host...)
	pathAt := len(u)
	u = appendEscaped(append(u, s.path...), r.key, true)
	queryAt := len(u)
	u = s.appendQuery(u, key, date, seconds, r)

	var text [3072]byte
	c := append(append(text[:0], r.method...), '\n')
	c = append(append(c, u[pathAt:queryAt]...), '\n')
	c = append(append(c, u[queryAt+1:]...), '\n')
	c = append(append(c, r.headers...), '\n')
	c = append(append(c, r.signed...), "\nUNSIGNED-PAYLOAD"...)
	mac := s.mac(key, date, sha256.Sum256(c))
	u = append(u, "&X-Amz-Signature="...)
	return string(hex.AppendEncode(u, mac[:])), nil
}

// appendQuery appends the canonical query: names in byte order, capitals first.
func (s *signer) appendQuery(u []byte, key *dayKey, date []byte, seconds int64, r request) []byte {
	u = append(u, "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="...)
	u = appendEscaped(u, key.creds.AccessKeyID, false)
	u = append(append(u, "%2F"...), key.day...)
	u = append(append(u, "%2F"...), s.region...)
	u = append(append(u, "%2Fs3%2Faws4_request&X-Amz-Date="...), date...)
	u = strconv.AppendInt(append(u, "&X-Amz-Expires="...), seconds, 10)
	if key.creds.SessionToken != "" {
		u = appendEscaped(append(u, "&X-Amz-Security-Token="...), key.creds.SessionToken, false)
	}
	u = append(u, "&X-Amz-SignedHeaders="...)
	for _, c := range r.signed {
		if c == ';' {
			u = append(u, "%3B"...)
		} else {
			u = append(u, c)
		}
	}
	return append(u, r.query...)
}

// mac signs the hash of the canonical request.
func (s *signer) mac(key *dayKey, date []byte, request [sha256.Size]byte) [sha256.Size]byte {
	var buf [256]byte
	t := append(append(buf[:0], "AWS4-HMAC-SHA256\n"...), date...)
	t = append(append(t, '\n'), key.day...)
	t = append(append(t, '/'), s.region...)
	t = append(t, "/s3/aws4_request\n"...)
	t = hex.AppendEncode(t, request[:])
	h, _ := key.states.Get().(hash.Hash)
	h.Reset()
	h.Write(t)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	key.states.Put(h)
	return sum
}

// keyFor returns the key of the day, deriving it when the day or the
// credentials are new.
func (s *signer) keyFor(day string, creds aws.Credentials) *dayKey {
	k := s.day.Load()
	if k != nil && k.day == day && k.creds.AccessKeyID == creds.AccessKeyID &&
		k.creds.SecretAccessKey == creds.SecretAccessKey && k.creds.SessionToken == creds.SessionToken {
		return k
	}
	secret := []byte("AWS4" + creds.SecretAccessKey)
	for _, step := range []string{day, s.region, "s3", "aws4_request"} {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(step))
		secret = h.Sum(nil)
	}
	k = &dayKey{day: day, creds: creds, states: &sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}
	s.day.Store(k)
	return k
}

// lifetime returns the whole seconds until expires, rounded up.
func lifetime(now, expires time.Time) (int64, error) {
	d := expires.Sub(now)
	if d > maxExpiry {
		return 0, core.Invalid("expires", "a signed URL lives for at most seven days")
	}
	return int64((d + time.Second - 1) / time.Second), nil
}

// appendEscaped escapes all but the unreserved characters of RFC 3986, and
// slashes on request.
func appendEscaped(b []byte, s string, slashes bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '-', c == '_', c == '.', c == '~', c == '/' && slashes:
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
