package ports

import (
	"io"

	"github.com/seed-755a8038/coffer/core"
)

// Manifests reads what publishers send. It knows JSON, and JSON Schema 2020-12.
type Manifests interface {
	// Schemas compiles schemas of items. Its error is the domain's, and says
	// which schema is wrong below location. They refer to nothing but themselves
	// and the meta-schemas.
	Schemas(location string, schemas core.ItemSchemas) (ItemSchemas, error)

	// Read begins to read a manifest; whoever calls closes r.
	Read(r io.Reader, form ManifestForm, schemas ItemSchemas) ManifestReader
}

// ManifestForm is a way to write a manifest.
type ManifestForm string

// The forms: one document {"items": […]}, which may name a file with the items
// instead ({"manifest_asset_id": …}), or an item on each line.
const (
	ManifestJSON   ManifestForm = "json"
	ManifestNDJSON ManifestForm = "ndjson"
)

// ItemSchemas are compiled. They are safe for concurrent use.
type ItemSchemas interface {
	// Validate returns what is wrong with an item, which is of nil, bool, string,
	// json.Number, []any and map[string]any. An item of a type that has no schema
	// is wrong, too.
	Validate(line int64, kind string, item any) []core.ManifestFailure
}

// ManifestReader reads a manifest item by item, in bounded memory however long
// it is and whatever is in it.
type ManifestReader interface {
	// Next returns the next item, or what is wrong with it; io.EOF after the
	// last. Any other error is one of the source.
	Next() (core.ItemDraft, []core.ManifestFailure, error)

	// Elsewhere returns the file that the document names in place of items, once
	// Next has returned io.EOF; zero: it has items.
	Elsewhere() core.AssetID
}
