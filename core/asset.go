package core

import (
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"
	"time"
)

// What can go wrong with an asset.
var (
	ErrAssetNotReady = &Error{Kind: KindConflict, Code: "upload_incomplete", Message: "the file has no complete version yet; finish its upload first"}
	ErrAssetTrashed  = &Error{Kind: KindConflict, Code: "trashed", Message: "the file is in the trash; restore it first"}
)

// AssetID identifies an asset; an asset is a node of its drive's tree.
type AssetID = NodeID

// AssetStatus says whether an asset has bytes that can be downloaded.
type AssetStatus string

// The states of an asset.
const (
	AssetPending AssetStatus = "pending" // no complete version yet
	AssetReady   AssetStatus = "ready"
)

// Limits of metadata.
const (
	maxTags        = 100
	maxTagBytes    = 100
	maxFields      = 100
	maxFieldBytes  = 100
	maxFieldValue  = 4_000
	maxContentType = 127 // RFC 4288, section 4.2
)

// Metadata is what people say about an asset.
type Metadata struct {
	Tags         []string
	CustomFields map[string]any // string, float64, bool or nil
}

// File is what makes a node an asset.
type File struct {
	Status      AssetStatus
	ContentType string
	SizeBytes   int64  // of the current version, or the declared size while pending
	SHA256      []byte // of the current version; nil: not known
	Current     int    // number of the current version; 0 while pending
	Newest      int    // highest version number given out
	Metadata    Metadata
	Preview     *Preview // of the current version; nil: nothing is derived of it, or it was not asked for
}

// Asset is a file: a node with content. Its bytes lie in a blob store, one
// blob for each version.
type Asset struct {
	Node
	File
}

// Version is one immutable content of an asset.
type Version struct {
	AssetID     AssetID
	OrgID       OrgID
	Number      int
	BlobKey     string
	ContentType string
	SizeBytes   int64
	SHA256      []byte   // nil: not known
	UploadID    UploadID // the upload it came by
	CreatedBy   AccountID
	CreatedAt   time.Time
}

// Describe replaces the asset's metadata, which must be clean.
func (a *Asset) Describe(m Metadata, now time.Time) {
	a.Metadata = m
	a.touch(now)
}

// Finish makes v a version of the asset, and the current one unless a later
// one already is.
func (a *Asset) Finish(v *Version, now time.Time) {
	if v.Number >= a.Current {
		a.Current, a.Status = v.Number, AssetReady
		a.ContentType, a.SizeBytes, a.SHA256 = v.ContentType, v.SizeBytes, v.SHA256
	}
	a.Newest = max(a.Newest, v.Number)
	a.touch(now)
}

// Restore makes the content of an old version current again.
func (a *Asset) Restore(v *Version, now time.Time) {
	a.Current = v.Number
	a.ContentType, a.SizeBytes, a.SHA256 = v.ContentType, v.SizeBytes, v.SHA256
	a.touch(now)
}

// BlobKey returns where the bytes of a version lie: org/asset/name for the
// first, org/asset/v2/name for the second. It never changes, whatever the
// asset is called later.
func BlobKey(org OrgID, asset AssetID, number int, name string) string {
	if number == 1 && !isVersionDir(name) {
		return org.String() + "/" + asset.String() + "/" + name
	}
	return fmt.Sprintf("%s/%s/v%d/%s", org, asset, number, name)
}

// StagingKey returns where the bytes of an upload wait for completion, if the
// store cannot protect their final place.
func StagingKey(id UploadID) string { return stagingPrefix + id.String() }

const stagingPrefix = "staging/"

// IsBlobKey reports whether a key has the form of those that BlobKey, StagingKey,
// MarkedKey and DerivedKey return: nothing else in a blob store is Coffer's.
func IsBlobKey(key string) bool {
	if id, ok := strings.CutPrefix(key, stagingPrefix); ok {
		_, err := ParseID[Upload](id)
		return err == nil
	}
	if isCopyKey(key, markedPrefix) || isCopyKey(key, derivedPrefix) {
		return true
	}
	org, rest, _ := strings.Cut(key, "/")
	asset, name, _ := strings.Cut(rest, "/")
	_, orgErr := ParseID[Org](org)
	_, assetErr := ParseID[Node](asset)
	return orgErr == nil && assetErr == nil && name != ""
}

// isVersionDir reports names such as "v2", which as a first version would take
// the place where the directory of the second has to be.
func isVersionDir(name string) bool {
	digits, ok := strings.CutPrefix(name, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// CleanContentType returns a media type in its stored form.
func CleanContentType(location, raw string) (string, error) {
	if raw == "" {
		return "application/octet-stream", nil
	}
	bad := Invalid(location, "must be a media type such as image/png")
	if len(raw) > maxContentType {
		return "", bad
	}
	mediaType, params, err := mime.ParseMediaType(raw)
	if err != nil || strings.Count(mediaType, "/") != 1 {
		return "", bad
	}
	clean := mime.FormatMediaType(mediaType, params)
	if clean == "" || len(clean) > maxContentType {
		return "", bad
	}
	return clean, nil
}

// CleanMetadata returns metadata in its stored form: tags in order of bytes
// without repeats, custom fields that are plain values.
func CleanMetadata(location string, m Metadata, nfc NFC) (Metadata, error) {
	if len(m.Tags) > maxTags || len(m.CustomFields) > maxFields {
		return Metadata{}, Invalid(location, "has more than 100 tags or custom fields")
	}
	out := Metadata{}
	for i, raw := range m.Tags {
		tag, err := cleanText(fmt.Sprintf("%s.tags[%d]", location, i), strings.TrimSpace(raw), maxTagBytes, nfc)
		if err != nil {
			return Metadata{}, err
		}
		out.Tags = append(out.Tags, tag)
	}
	slices.Sort(out.Tags)
	out.Tags = slices.Compact(out.Tags)
	for _, raw := range slices.Sorted(maps.Keys(m.CustomFields)) {
		at := location + ".custom_fields"
		key, err := cleanText(at, strings.TrimSpace(raw), maxFieldBytes, nfc)
		if err != nil {
			return Metadata{}, err
		}
		if err := checkFieldValue(at+"."+key, m.CustomFields[raw]); err != nil {
			return Metadata{}, err
		}
		if out.CustomFields == nil {
			out.CustomFields = make(map[string]any, len(m.CustomFields))
		}
		out.CustomFields[key] = m.CustomFields[raw]
	}
	return out, nil
}

func checkFieldValue(location string, value any) error {
	switch v := value.(type) {
	case nil, bool, float64:
		return nil
	case string:
		if len(v) > maxFieldValue || strings.ContainsRune(v, 0) {
			return Invalid(location, "must have at most 4000 bytes and no NUL")
		}
		return nil
	}
	return Invalid(location, "must be a string, a number, true, false or null")
}

// inlineTypes cannot run script in a browser.
var inlineTypes = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true, "image/bmp": true,
	"video/mp4": true, "video/webm": true, "video/ogg": true, "audio/mpeg": true, "audio/mp4": true, "audio/ogg": true,
	"audio/wav": true, "audio/webm": true, "audio/flac": true, "application/pdf": true, "text/plain": true, "text/vtt": true,
}

// InlineSafe reports whether a browser may show the type in place: only types
// that cannot run script, so neither HTML nor SVG.
func InlineSafe(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && inlineTypes[mediaType]
}

// IsPicture reports whether the type is one of pictures that a browser may show
// in place.
func IsPicture(contentType string) bool {
	return strings.HasPrefix(contentType, "image/") && InlineSafe(contentType)
}

// ContentDisposition returns the header of RFC 6266: the name as UTF-8, and
// before it a plain form for clients that know only that.
func ContentDisposition(inline bool, name string) string {
	kind := "attachment"
	if inline {
		kind = "inline"
	}
	var plain, extended strings.Builder
	for _, r := range name {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%`, r) {
			r = '_'
		}
		plain.WriteRune(r)
	}
	const attrChar = "!#$&+-.^_`|~" // RFC 5987, beside letters and digits
	for _, b := range []byte(name) {
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte(attrChar, b) >= 0 {
			extended.WriteByte(b)
			continue
		}
		fmt.Fprintf(&extended, "%%%02X", b)
	}
	return fmt.Sprintf(`%s; filename="%s"; filename*=UTF-8''%s`, kind, plain.String(), extended.String())
}
