package bunstore

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// stamp is a time as both databases store it: microseconds since 1970, NULL
// for the zero time. No driver has an opinion on integers.
type stamp struct{ time.Time }

// Value implements driver.Valuer.
func (s stamp) Value() (driver.Value, error) {
	if s.IsZero() {
		return nil, nil
	}
	return s.UnixMicro(), nil
}

// Scan implements sql.Scanner.
func (s *stamp) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		s.Time = time.Time{}
	case int64:
		s.Time = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("cannot scan %T into a time", v)
	}
	return nil
}

// limit is a number of which core.Unlimited is stored as NULL.
type limit int64

// Value implements driver.Valuer.
func (l limit) Value() (driver.Value, error) {
	if int64(l) == core.Unlimited {
		return nil, nil
	}
	return int64(l), nil
}

// Scan implements sql.Scanner.
func (l *limit) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*l = limit(core.Unlimited)
	case int64:
		*l = limit(v)
	default:
		return fmt.Errorf("cannot scan %T into a limit", v)
	}
	return nil
}

// metadata is core.Metadata as JSON.
type metadata core.Metadata

type metadataJSON struct {
	Tags         []string       `json:"tags,omitempty"`
	CustomFields map[string]any `json:"custom_fields,omitempty"`
}

// Value implements driver.Valuer.
func (m metadata) Value() (driver.Value, error) {
	doc, err := json.Marshal(metadataJSON(m))
	return string(doc), err
}

// Scan implements sql.Scanner.
func (m *metadata) Scan(v any) error { return scanJSON(v, (*metadataJSON)(m)) }

// features is a list of core.Feature as JSON.
type features []core.Feature

// Scan implements sql.Scanner.
func (f *features) Scan(v any) error { return scanJSON(v, (*[]core.Feature)(f)) }

func scanJSON(v, into any) error {
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), into)
	case []byte:
		return json.Unmarshal(v, into)
	}
	return fmt.Errorf("cannot scan %T as JSON", v)
}

// hashes is a list of hashes as JSON, in base64.
type hashes [][]byte

// Value implements driver.Valuer.
func (h hashes) Value() (driver.Value, error) {
	if h == nil {
		return "[]", nil
	}
	doc, err := json.Marshal([][]byte(h))
	return string(doc), err
}

// Scan implements sql.Scanner.
func (h *hashes) Scan(v any) error { return scanJSON(v, (*[][]byte)(h)) }

// document is any other value as JSON.
type document[T any] struct{ v T }

// Value implements driver.Valuer.
func (d document[T]) Value() (driver.Value, error) {
	doc, err := json.Marshal(d.v)
	return string(doc), err
}

// Scan implements sql.Scanner.
func (d *document[T]) Scan(v any) error { return scanJSON(v, &d.v) }
