package core

import (
	"encoding/json"
	"time"
)

// Limits of items.
const (
	MaxExternalIDBytes = 255
	MaxItemTypeBytes   = 63
	MaxItemTitleBytes  = 500
	MaxItemTags        = 100
	MaxItemAssets      = 50
	MaxItemBytes       = 1 << 20   // of one in a manifest, as JSON
	MaxItemDataBytes   = 256 << 10 // of its data, as JSON
	MaxItemWords       = 4_000     // that are searched
)

// The types of items that every dataset has.
const (
	ItemImage      = "image"
	ItemVideo      = "video"
	ItemAudio      = "audio"
	ItemText       = "text"
	ItemTranscript = "transcript"
	ItemDocument   = "document"
)

// DatasetItemID identifies an item of one version. Ids sort in the order of the
// manifest.
type DatasetItemID = ID[DatasetItem]

// DatasetItem is an entry of a version of a dataset.
type DatasetItem struct {
	ID         DatasetItemID
	OrgID      OrgID
	VersionID  DatasetVersionID
	Line       int64  // of the manifest, from 1
	ExternalID string // the publisher's name of it, the same in each version
	Type       string
	Title      string
	Tags       []string // sorted, each once
	Data       json.RawMessage
	Assets     []ItemAsset // by role
}

// ItemAsset is a file of an item: a version of an asset, which stays.
type ItemAsset struct {
	Role    string // main, poster, transcript …
	AssetID AssetID
	Number  int
	Path    string // under which it came
}

// AnnotationID identifies an annotation.
type AnnotationID = ID[Annotation]

// AnnotationKind says what an annotation is about.
type AnnotationKind string

// The kinds of annotation.
const (
	AnnotationComment AnnotationKind = "comment" // a text
	AnnotationLabel   AnnotationKind = "label"   // a name for the item
	AnnotationRegion  AnnotationKind = "region"  // a part of an image or a page
	AnnotationRange   AnnotationKind = "range"   // a part of a time or a text
)

// MaxAnnotationBytes bounds the body of an annotation, as JSON.
const MaxAnnotationBytes = 16 << 10

// Annotation is what somebody says about an item. It belongs to the item's
// external id, and so to the item of that id in each version.
type Annotation struct {
	ID         AnnotationID
	OrgID      OrgID
	DatasetID  DatasetID
	ExternalID string
	Number     int64 // of the version it was made in
	AuthorID   AccountID
	Kind       AnnotationKind
	Body       json.RawMessage // an object
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}
