package s3blob

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	maxPut     = 5 << 30 // bytes, in one PUT
	noStore    = "private, no-store"
	typeName   = "Content-Type"
	sumName    = "X-Amz-Checksum-Sha256"
	onlyNew    = "If-None-Match"
	queryStart = 512 // bytes, enough for most
)

// SignPut implements ports.SignedBlobs.
func (s *Store) SignPut(ctx context.Context, p ports.PutSpec) (ports.SignedRequest, error) {
	if err := checkSize(p.Key, p.Size); err != nil {
		return ports.SignedRequest{}, err
	}
	if len(p.SHA256) != 0 && len(p.SHA256) != sha256.Size {
		return ports.SignedRequest{}, core.Invalid("sha256", "a SHA-256 has 32 bytes")
	}
	h := make(http.Header, 3)
	var buf [queryStart]byte
	headers := strconv.AppendInt(append(buf[:0], "content-length:"...), p.Size, 10)
	signed := make([]byte, 0, 80)
	signed = append(signed, "content-length;"...)
	if p.ContentType != "" {
		h[typeName] = []string{p.ContentType}
		headers = append(append(headers, "\ncontent-type:"...), singleSpaced(p.ContentType)...)
		signed = append(signed, "content-type;"...)
	}
	headers = append(append(headers, "\nhost:"...), s.signer.host...)
	signed = append(signed, "host"...)
	if p.CreateOnly {
		h[onlyNew] = []string{"*"}
		headers = append(headers, "\nif-none-match:*"...)
		signed = append(signed, ";if-none-match"...)
	}
	if len(p.SHA256) != 0 {
		sum := base64.StdEncoding.EncodeToString(p.SHA256)
		h[sumName] = []string{sum}
		headers = append(append(headers, "\nx-amz-checksum-sha256:"...), sum...)
		signed = append(signed, ";x-amz-checksum-sha256"...)
	}
	url, err := s.signer.sign(ctx, request{
		method: http.MethodPut, key: p.Key, headers: append(headers, '\n'), signed: signed,
		query: []byte("&x-id=PutObject"), expires: p.Expires,
	})
	return ports.SignedRequest{Method: http.MethodPut, URL: url, Header: h}, err
}

// SignPart implements ports.SignedBlobs.
func (s *Store) SignPart(ctx context.Context, p ports.PartSpec) (ports.SignedRequest, error) {
	if err := checkSize(p.Key, p.Size); err != nil {
		return ports.SignedRequest{}, err
	}
	headers := strconv.AppendInt([]byte("content-length:"), p.Size, 10)
	headers = append(append(headers, "\nhost:"...), s.signer.host...)
	query := strconv.AppendInt([]byte("&partNumber="), int64(p.Number), 10)
	query = appendEscaped(append(query, "&uploadId="...), p.UploadID, false)
	url, err := s.signer.sign(ctx, request{
		method: http.MethodPut, key: p.Key, headers: append(headers, '\n'), signed: []byte("content-length;host"),
		query: append(query, "&x-id=UploadPart"...), expires: p.Expires,
	})
	return ports.SignedRequest{Method: http.MethodPut, URL: url, Header: http.Header{}}, err
}

// SignGet implements ports.SignedBlobs. The URL is for GET only, not for HEAD.
func (s *Store) SignGet(ctx context.Context, g ports.GetSpec) (ports.SignedRequest, error) {
	if err := check(g.Key); err != nil {
		return ports.SignedRequest{}, err
	}
	var buf [queryStart]byte
	query := appendEscaped(append(buf[:0], "&response-cache-control="...), noStore, false)
	if g.Disposition != "" {
		query = appendEscaped(append(query, "&response-content-disposition="...), g.Disposition, false)
	}
	if g.ContentType != "" {
		query = appendEscaped(append(query, "&response-content-type="...), g.ContentType, false)
	}
	headers := make([]byte, 0, 128)
	headers = append(append(append(headers, "host:"...), s.signer.host...), '\n')
	url, err := s.signer.sign(ctx, request{
		method: http.MethodGet, key: g.Key, headers: headers, signed: []byte("host"),
		query: append(query, "&x-id=GetObject"...), expires: g.Expires,
	})
	return ports.SignedRequest{Method: http.MethodGet, URL: url, Header: http.Header{}}, err
}

func checkSize(key string, size int64) error {
	if size < 0 || size > maxPut {
		return core.Invalid("size", "one PUT has at most 5 GiB")
	}
	return check(key)
}

// singleSpaced returns a header's value as SigV4 wants it: without spaces at
// the ends, with single ones between.
func singleSpaced(s string) string {
	s = strings.TrimSpace(s)
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}
