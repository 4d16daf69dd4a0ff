package core

import "time"

// DatasetAccessID identifies a row of a dataset's access log; ids sort in order
// of time.
type DatasetAccessID = ID[DatasetAccess]

// DatasetAccessKind says what somebody looked at.
type DatasetAccessKind string

// The kinds of access to a dataset.
const (
	DatasetListed   DatasetAccessKind = "list"     // a page of its items
	DatasetViewed   DatasetAccessKind = "view"     // one item
	DatasetFile     DatasetAccessKind = "file"     // a signed URL of a file was handed out
	DatasetExported DatasetAccessKind = "export"   // its items or annotations as one file
	DatasetCompared DatasetAccessKind = "diff"     // what differs between two versions
	DatasetRead     DatasetAccessKind = "annotate" // the annotations of an item, or all of them
)

// DatasetAccess is a row of a dataset's access log.
type DatasetAccess struct {
	ID        DatasetAccessID
	OrgID     OrgID
	DatasetID DatasetID
	Number    int64 // of the version; 0: of none
	Kind      DatasetAccessKind
	ItemID    DatasetItemID // zero: of no single item
	AssetID   AssetID       // zero: of no file
	AccountID AccountID
	Address   string // as far as the operator lets it be kept
	UserAgent string
	At        time.Time
}

// Leaves reports whether what was looked at leaves the server for good: a log
// has to know of that before it does.
func (k DatasetAccessKind) Leaves() bool { return k == DatasetFile || k == DatasetExported }

// Clipped returns the access as it is stored.
func (a *DatasetAccess) Clipped() *DatasetAccess {
	c := *a
	c.UserAgent = clip(a.UserAgent, maxUserAgent)
	return &c
}
