package core

import "encoding/json"

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

// ItemFile is a file of an item with what is told of it.
type ItemFile struct {
	ItemAsset

	Name        string // to save it as
	ContentType string
	SizeBytes   int64
	SHA256      []byte // nil: not known yet
}

// ItemFacts is what decides about an item of a published version, and the item.
type ItemFacts struct {
	DatasetFacts

	Number int64 // of the version
	Item   DatasetItem
	Files  []ItemFile // the item's assets
}

// ItemFileFacts is what decides about a file of an item, and the file.
type ItemFileFacts struct {
	DatasetFacts

	Number int64 // of the version of the dataset
	ItemID DatasetItemID
	File   ItemFile
	Key    string // of its bytes; empty: there are none
}

// CanFetch refuses the bytes of an item's file. Whoever may view the dataset gets
// them, also of a file that is in the trash of its drive.
func CanFetch(f ItemFileFacts) error {
	if err := CanInDataset(f.DatasetFacts, DatasetView); err != nil {
		return err
	}
	if f.Key == "" {
		return ErrNotFound
	}
	return nil
}
