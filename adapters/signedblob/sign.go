package signedblob

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	maxKeyLength = 1024 // bytes
	checksumName = "X-Amz-Checksum-Sha256"
	typeName     = "Content-Type"
	onlyNewName  = "If-None-Match"
)

// SignPut implements ports.SignedBlobs. The conditions travel in the same
// headers as for S3, so a client needs no special case.
func (b *Blobs) SignPut(_ context.Context, s ports.PutSpec) (ports.SignedRequest, error) {
	if err := b.signable(s.Key, s.Size); err != nil {
		return ports.SignedRequest{}, err
	}
	if len(s.SHA256) != 0 && len(s.SHA256) != sha256.Size {
		return ports.SignedRequest{}, core.Invalid("sha256", "a SHA-256 has 32 bytes")
	}
	h := make(http.Header, 3)
	if s.ContentType != "" {
		h[typeName] = []string{s.ContentType}
	}
	sum := base64.StdEncoding.EncodeToString(s.SHA256)
	if sum != "" {
		h[checksumName] = []string{sum}
	}
	if s.CreateOnly {
		h[onlyNewName] = []string{"*"}
	}
	e := s.Expires.Unix()
	mac := b.macs.put(s.Key, s.ContentType, sum, s.Size, s.CreateOnly, e)
	var buf [1024]byte
	u := b.appendURL(buf[:0], s.Key, e)
	return ports.SignedRequest{Method: http.MethodPut, URL: string(appendMAC(u, mac)), Header: h}, nil
}

// SignPart implements ports.SignedBlobs.
func (b *Blobs) SignPart(_ context.Context, s ports.PartSpec) (ports.SignedRequest, error) {
	if err := b.signable(s.Key, s.Size); err != nil {
		return ports.SignedRequest{}, err
	}
	e := s.Expires.Unix()
	mac := b.macs.part(s.Key, s.UploadID, int64(s.Number), s.Size, e)
	var buf [1024]byte
	u := b.appendURL(buf[:0], s.Key, e)
	u = appendEscaped(append(u, "&u="...), s.UploadID, false)
	u = strconv.AppendInt(append(u, "&p="...), int64(s.Number), 10)
	return ports.SignedRequest{Method: http.MethodPut, URL: string(appendMAC(u, mac)), Header: http.Header{}}, nil
}

// SignGet implements ports.SignedBlobs. HEAD is allowed, too.
func (b *Blobs) SignGet(_ context.Context, s ports.GetSpec) (ports.SignedRequest, error) {
	if err := b.signable(s.Key, 0); err != nil {
		return ports.SignedRequest{}, err
	}
	e := s.Expires.Unix()
	mac := b.macs.get(s.Key, s.ContentType, s.Disposition, e)
	var buf [1024]byte
	u := b.appendURL(buf[:0], s.Key, e)
	if s.ContentType != "" {
		u = appendEscaped(append(u, "&t="...), s.ContentType, false)
	}
	if s.Disposition != "" {
		u = appendEscaped(append(u, "&d="...), s.Disposition, false)
	}
	return ports.SignedRequest{Method: http.MethodGet, URL: string(appendMAC(u, mac)), Header: http.Header{}}, nil
}

func (b *Blobs) signable(key string, size int64) error {
	if !validKey(key) {
		return core.Invalid("key", "not a valid blob key")
	}
	if size < 0 || size > b.maxBody {
		return core.Invalid("size", fmt.Sprintf("one PUT has at most %d bytes", b.maxBody))
	}
	return nil
}

func validKey(key string) bool {
	return fs.ValidPath(key) && key != "." && len(key) <= maxKeyLength && !strings.ContainsRune(key, 0)
}

// expired reports whether a URL that is good until e, in Unix seconds, is not any more.
func expired(e int64, now time.Time) bool { return now.Unix() >= e }

func (b *Blobs) appendURL(u []byte, key string, e int64) []byte {
	u = appendEscaped(append(u, b.base...), key, true)
	return strconv.AppendInt(append(u, "?e="...), e, 10)
}

func appendMAC(u []byte, mac [sha256.Size]byte) []byte {
	return base64.RawURLEncoding.AppendEncode(append(u, "&s="...), mac[:])
}

// appendEscaped escapes all but the unreserved characters of RFC 3986, and
// slashes on request, so that no two parsers can differ about the rest.
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
