package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxJSONDepth is how deep objects and arrays of clients may be in each other.
const MaxJSONDepth = 64

// Codes of what can be wrong with a manifest. They are part of the API.
const (
	ManifestMalformed    = "malformed_json"
	ManifestTooLarge     = "item_too_large"
	ManifestTooMany      = "too_many_items"
	ManifestEmpty        = "no_items"
	ManifestUnknown      = "unknown_member"
	ManifestRule         = "validation_failed"
	ManifestUnknownType  = "type_unknown"
	ManifestSchema       = "schema"
	ManifestComplex      = "schema_too_complex"
	ManifestNoAsset      = "asset_unknown"
	ManifestAssetPending = "asset_not_ready"
	ManifestDuplicate    = "duplicate_external_id"
)

// ManifestFailure says what is wrong with an item of a manifest.
type ManifestFailure struct {
	Line    int64  // of the manifest, or the number of the item if it is one document; from 1
	Pointer string // into the item, as a JSON pointer; empty: the item itself
	Code    string
	Message string
}

// ManifestFailures are the first of the failures of a manifest.
type ManifestFailures struct {
	First []ManifestFailure
	Count int64 // of all
}

// Add counts failures, and keeps the first of all.
func (f *ManifestFailures) Add(some ...ManifestFailure) {
	f.Count += int64(len(some))
	room := max(MaxManifestFailures-len(f.First), 0)
	f.First = append(f.First, some[:min(room, len(some))]...)
}

// Err returns what a publisher is told, or nil.
func (f *ManifestFailures) Err() error {
	if f.Count == 0 {
		return nil
	}
	told := make([]map[string]any, len(f.First))
	for i, x := range f.First {
		told[i] = map[string]any{"line": x.Line, "pointer": x.Pointer, "code": x.Code, "message": x.Message}
	}
	return ErrManifestInvalid.With("failures", told).With("failure_count", f.Count)
}

// AssetRef is how an item of a manifest names a file: by its id, or by the path
// under which it was registered.
type AssetRef struct {
	Role    string
	AssetID AssetID
	Path    string
	Place   int // in the list of the manifest, from 0
}

// ItemDraft is an item as a manifest has it, clean.
type ItemDraft struct {
	Line       int64
	ExternalID string
	Type       string
	Title      string
	Tags       []string // sorted, each once
	Data       json.RawMessage
	Assets     []AssetRef // by role
	Words      []string   // that are searched, each once
}

// draftReader reads one item, and goes on after a failure to find the others.
type draftReader struct {
	ItemDraft

	nfc    NFC
	failed []ManifestFailure
}

// ReadItem reads an item of a manifest from its JSON: nil, bool, string,
// json.Number, []any and map[string]any.
func ReadItem(line int64, value any, nfc NFC) (ItemDraft, []ManifestFailure) {
	r := &draftReader{nfc: nfc}
	r.Line, r.Data = line, json.RawMessage("{}")
	item, ok := value.(map[string]any)
	if !ok {
		r.fail("", ManifestRule, "must be an object")
		return r.ItemDraft, r.failed
	}
	for _, name := range slices.Sorted(maps.Keys(item)) {
		v := item[name]
		switch name {
		case "external_id":
			r.ExternalID = r.text("/external_id", v, MaxExternalIDBytes)
		case "type":
			r.Type = r.text("/type", v, MaxItemTypeBytes)
		case "title":
			if v != "" {
				r.Title = r.text("/title", v, MaxItemTitleBytes)
			}
		case "tags":
			r.tags(v)
		case "data":
			r.data(v)
		case "assets":
			r.assets(v)
		default:
			r.fail(pointerTo(name), ManifestUnknown, "is no member of an item")
		}
	}
	for _, name := range []string{"external_id", "type"} {
		if _, ok := item[name]; !ok {
			r.fail(pointerTo(name), ManifestRule, "is missing")
		}
	}
	if len(r.failed) == 0 {
		r.words(item["data"])
	}
	return r.ItemDraft, r.failed
}

func (r *draftReader) fail(pointer, code, message string) {
	r.failed = append(r.failed, ManifestFailure{Line: r.Line, Pointer: pointer, Code: code, Message: message})
}

// broken tells of an error of a clean function.
func (r *draftReader) broken(pointer string, err error) { r.fail(pointer, ManifestRule, err.Error()) }

func (r *draftReader) text(pointer string, v any, limit int) string {
	s, ok := v.(string)
	if !ok {
		r.fail(pointer, ManifestRule, "must be text")
		return ""
	}
	clean, err := cleanText(pointer, strings.TrimSpace(s), limit, r.nfc)
	if err != nil {
		r.broken(pointer, err)
	}
	return clean
}

func (r *draftReader) tags(v any) {
	list, ok := v.([]any)
	if !ok || len(list) > MaxItemTags {
		r.fail("/tags", ManifestRule, "must be a list of at most 100 texts")
		return
	}
	for i, v := range list {
		r.Tags = append(r.Tags, r.text(fmt.Sprintf("/tags/%d", i), v, maxTagBytes))
	}
	slices.Sort(r.Tags)
	r.Tags = slices.Compact(r.Tags)
}

func (r *draftReader) data(v any) {
	if _, ok := v.(map[string]any); !ok {
		r.fail("/data", ManifestRule, "must be an object")
		return
	}
	r.Data = AppendCanonical(nil, v)
	if len(r.Data) > MaxItemDataBytes {
		r.fail("/data", ManifestTooLarge, "has more than 256 KiB, with its numbers written out")
	}
}

func (r *draftReader) assets(v any) {
	list, ok := v.([]any)
	if !ok || len(list) > MaxItemAssets {
		r.fail("/assets", ManifestRule, "must be a list of at most 50 files")
		return
	}
	for i, v := range list {
		r.asset(i, v)
	}
	slices.SortFunc(r.Assets, func(a, b AssetRef) int { return strings.Compare(a.Role, b.Role) })
}

func (r *draftReader) asset(place int, v any) {
	pointer := fmt.Sprintf("/assets/%d", place)
	object, ok := v.(map[string]any)
	if !ok {
		r.fail(pointer, ManifestRule, "must be an object")
		return
	}
	ref := AssetRef{Place: place}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := pointer + pointerTo(name)
		switch name {
		case "role":
			ref.Role = r.text(at, object[name], MaxItemTypeBytes)
		case "path":
			ref.Path = r.path(at, object[name])
		case "asset_id":
			text, _ := object[name].(string)
			id, err := ParseID[Node](text)
			if err != nil || id.IsZero() {
				r.fail(at, ManifestRule, "must be a UUID")
			}
			ref.AssetID = id
		default:
			r.fail(at, ManifestUnknown, "is no member of a file of an item")
		}
	}
	_, byPath := object["path"]
	_, byID := object["asset_id"]
	switch {
	case object["role"] == nil:
		r.fail(pointer+"/role", ManifestRule, "is missing")
	case byPath == byID:
		r.fail(pointer, ManifestRule, "needs path or asset_id, and not both")
	case slices.ContainsFunc(r.Assets, func(x AssetRef) bool { return x.Role == ref.Role }):
		r.fail(pointer+"/role", ManifestRule, "is the role of another file of the item")
	}
	r.Assets = append(r.Assets, ref)
}

func (r *draftReader) path(pointer string, v any) string {
	text, _ := v.(string)
	path, err := CleanAssetPath(pointer, text, r.nfc)
	if err != nil {
		r.broken(pointer, err)
	}
	return path
}

// CleanAssetPath returns the path of a file of a dataset in its stored form:
// clean names with a slash between them.
func CleanAssetPath(location, raw string, nfc NFC) (string, error) {
	if len(raw) > MaxAssetPathBytes {
		return "", Invalid(location, "has more than 4096 bytes")
	}
	names, err := SplitPath(location, raw, nfc)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", Invalid(location, "must be the path of a file")
	}
	return strings.Join(names, "/"), nil
}

// MaxAssetPathBytes bounds the path of a file of a dataset.
const MaxAssetPathBytes = 4096

// words collects what is searched.
func (r *draftReader) words(data any) { r.Words = ItemWords(r.Title, r.Tags, data) }

// ItemWords returns the words by which an item is found, each once: those of its
// title, its tags and the texts of its data.
func ItemWords(title string, tags []string, data any) (words []string) {
	seen := make(map[string]struct{})
	yield := func(word string) bool {
		if _, ok := seen[word]; !ok {
			seen[word] = struct{}{}
			words = append(words, word)
		}
		return len(words) < MaxItemWords
	}
	EachWord(title, yield)
	for _, tag := range tags {
		EachWord(tag, yield)
	}
	eachText(data, func(text string) { EachWord(text, yield) })
	return words[:min(len(words), MaxItemWords)]
}

func eachText(v any, yield func(string)) {
	switch v := v.(type) {
	case string:
		yield(v)
	case []any:
		for _, e := range v {
			eachText(e, yield)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			eachText(v[name], yield)
		}
	}
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func pointerTo(name string) string { return "/" + pointerEscapes.Replace(name) }

// JSONPointer returns the pointer that leads through these names.
func JSONPointer(names []string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(pointerTo(name))
	}
	return b.String()
}

// AppendHashed appends what the hash of a manifest is taken of for one item:
// what is stored of it, and so the same however it was written.
func (i *DatasetItem) AppendHashed(b []byte) []byte {
	b = appendQuoted(append(b, '['), i.ExternalID)
	b = appendQuoted(append(b, ','), i.Type)
	b = appendQuoted(append(b, ','), i.Title)
	for _, tag := range i.Tags {
		b = appendQuoted(append(b, ','), tag)
	}
	b = append(append(b, ','), bytes.TrimSpace(i.Data)...)
	for _, a := range i.Assets {
		b = appendQuoted(append(b, ','), a.Role)
		b = appendQuoted(append(b, ','), a.Path)
		b = fmt.Appendf(b, ",%s,%d", a.AssetID, a.Number)
	}
	return append(b, ']', '\n')
}
