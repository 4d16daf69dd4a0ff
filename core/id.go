package core

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
)

// ID is a UUID whose type parameter names the thing it identifies, so that an
// ID[User] cannot stand where an ID[Asset] is meant. The zero ID means "none".
type ID[T any] [16]byte

// ErrMalformedID reports text that is not a UUID.
var ErrMalformedID = &Error{Kind: KindInvalid, Code: "validation_failed", Message: "not a UUID"}

// IsZero reports whether id is the zero ID, which identifies nothing.
func (id ID[T]) IsZero() bool { return id == ID[T]{} }

// AppendText appends the canonical form (RFC 9562, lower case) to b.
func (id ID[T]) AppendText(b []byte) ([]byte, error) {
	var t [36]byte
	hex.Encode(t[0:8], id[0:4])
	hex.Encode(t[9:13], id[4:6])
	hex.Encode(t[14:18], id[6:8])
	hex.Encode(t[19:23], id[8:10])
	hex.Encode(t[24:36], id[10:16])
	t[8], t[13], t[18], t[23] = '-', '-', '-', '-'
	return append(b, t[:]...), nil
}

// String returns the canonical form.
func (id ID[T]) String() string {
	b, _ := id.AppendText(make([]byte, 0, 36)) // cannot fail
	return string(b)
}

// MarshalText returns the canonical form.
func (id ID[T]) MarshalText() ([]byte, error) { return id.AppendText(make([]byte, 0, 36)) }

// UnmarshalText parses the 36-character form, or returns ErrMalformedID.
func (id *ID[T]) UnmarshalText(b []byte) error {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return ErrMalformedID
	}
	var t [32]byte
	copy(t[0:], b[0:8])
	copy(t[8:], b[9:13])
	copy(t[12:], b[14:18])
	copy(t[16:], b[19:23])
	copy(t[20:], b[24:36])
	var out ID[T]
	if _, err := hex.Decode(out[:], t[:]); err != nil {
		return ErrMalformedID
	}
	*id = out
	return nil
}

// ParseID parses the 36-character form, or returns ErrMalformedID.
func ParseID[T any](s string) (ID[T], error) {
	var id ID[T]
	err := id.UnmarshalText([]byte(s))
	return id, err
}

// Value implements driver.Valuer: text, or NULL for the zero ID.
func (id ID[T]) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id.String(), nil
}

// Scan implements sql.Scanner for text, raw bytes and NULL.
func (id *ID[T]) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return id.UnmarshalText([]byte(v))
	case []byte:
		if len(v) == len(id) {
			copy(id[:], v)
			return nil
		}
		return id.UnmarshalText(v)
	case [16]byte:
		*id = v
		return nil
	case nil:
		*id = ID[T]{}
		return nil
	}
	return fmt.Errorf("cannot scan %T into an id", v)
}
