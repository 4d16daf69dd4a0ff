package httpapi

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/seed-755a8038/coffer/core"
)

// errCursor reports a cursor that this list has not given out.
var errCursor = &core.Error{
	Kind: core.KindInvalid, Code: "cursor_invalid", Message: "the cursor is not one of this list with these filters; begin again without it",
	Fields: []core.FieldError{{Location: "query.cursor", Message: "is not a cursor of this list"}},
}

const (
	cursorMAC = 16 // bytes
	maxCursor = 4096
)

// codec turns positions in a list into cursors and back: opaque text, signed,
// and good only for the list and the filters it was given out for.
type codec[P any] struct {
	key  []byte
	list string // the kind of list
}

// seal returns the cursor of a position.
func (c codec[P]) seal(ctx context.Context, position P) (string, error) {
	return c.sealFor(scope(requestOf(ctx)), position)
}

// sealFor is seal for a list that is not what the request asks for.
func (c codec[P]) sealFor(scope string, position P) (string, error) {
	payload, err := json.Marshal(position)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(c.mac(scope, payload), payload...)), nil
}

// open returns the position of a cursor, the zero position of an empty one, or
// errCursor.
func (c codec[P]) open(ctx context.Context, cursor string) (P, error) {
	return c.openFor(scope(requestOf(ctx)), cursor)
}

// openFor is open of a cursor of sealFor.
func (c codec[P]) openFor(scope, cursor string) (P, error) {
	var position P
	if cursor == "" {
		return position, nil
	}
	if len(cursor) > maxCursor {
		return position, errCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < cursorMAC {
		return position, errCursor
	}
	mac, payload := raw[:cursorMAC], raw[cursorMAC:]
	if !hmac.Equal(mac, c.mac(scope, payload)) {
		return position, errCursor
	}
	if err := json.Unmarshal(payload, &position); err != nil {
		return position, errCursor
	}
	return position, nil
}

func (c codec[P]) mac(scope string, payload []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	for _, part := range []string{"cursor", c.list, scope} {
		// With its length before it, no part can pass for the end of another.
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	h.Write(payload)
	return h.Sum(nil)[:cursorMAC]
}

// scope is what a list is a list of: its path and its filters.
func scope(r *request) string {
	filters := url.Values{}
	for name, values := range r.http.URL.Query() {
		if name != "cursor" && name != "limit" {
			filters[name] = values
		}
	}
	return r.http.URL.Path + "?" + filters.Encode()
}
