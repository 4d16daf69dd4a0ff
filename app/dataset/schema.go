package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// The schemas of the types that every dataset has: files by a role main, and of
// texts a text in data may stand for it.
const (
	withMain = `{"type": "object", "required": ["assets"], "properties": {"assets": {"type": "array",
		"contains": {"type": "object", "required": ["role"], "properties": {"role": {"const": "main"}}}}}}`
	withText = `{"type": "object", "anyOf": [` + withMain + `,
		{"required": ["data"], "properties": {"data": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}}}]}`
)

var builtIn = core.ItemSchemas{
	core.ItemImage: json.RawMessage(withMain), core.ItemVideo: json.RawMessage(withMain), core.ItemAudio: json.RawMessage(withMain),
	core.ItemDocument: json.RawMessage(withMain), core.ItemText: json.RawMessage(withText), core.ItemTranscript: json.RawMessage(withText),
}

// compiled returns the schemas of a dataset's items, its own in place of the
// built-in ones of the same types.
func (s *Service) compiled(own core.ItemSchemas) (ports.ItemSchemas, error) {
	all := maps.Clone(builtIn)
	maps.Copy(all, own)
	return s.Manifests.Schemas("body.item_schemas", all)
}

// cleanSchemas returns schemas as they are stored, or what is wrong with one.
func (s *Service) cleanSchemas(raw core.ItemSchemas) (core.ItemSchemas, error) {
	if len(raw) > core.MaxDatasetSchemas {
		return nil, core.Invalid("body.item_schemas", "has more than 50 schemas")
	}
	if _, err := s.Manifests.Schemas("body.item_schemas", raw); err != nil {
		return nil, err
	}
	out, size := make(core.ItemSchemas, len(raw)), 0
	for name, schema := range raw {
		if len(name) == 0 || len(name) > core.MaxItemTypeBytes {
			return nil, core.Invalid("body.item_schemas", "must have types of 1 to 63 bytes as its names")
		}
		out[name] = canonical(schema)
		size += len(name) + len(out[name])
	}
	if size > core.MaxSchemaBytes {
		return nil, core.Invalid("body.item_schemas", fmt.Sprintf("has more than %d bytes", core.MaxSchemaBytes))
	}
	return out, nil
}

// canonical returns JSON that has passed the checks in the one form it is
// compared in.
func canonical(doc json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return doc
	}
	return core.AppendCanonical(nil, v)
}

// sameSchemas reports whether schemas say the same.
func sameSchemas(a, b core.ItemSchemas) bool {
	return maps.EqualFunc(a, b, func(x, y json.RawMessage) bool { return bytes.Equal(canonical(x), canonical(y)) })
}
