package core

import (
	"fmt"
	"strings"
	"time"
)

// What can go wrong with a link whose files carry a watermark.
var (
	ErrCannotWatermark = &Error{
		Kind: KindForbidden, Code: "cannot_watermark",
		Message: "the link shows files with a watermark only, and this file cannot carry one; ask whoever sent the link for it",
	}
	ErrWatermarkBusy = (&Error{
		Kind: KindUnavailable, Code: "watermark_busy", Message: "the file is being prepared for you; ask for it again in a few seconds",
	}).With("retry_after", watermarkRetry)
)

// watermarkRetry is after how many seconds a client should come again.
const watermarkRetry = 5

// Unmarkable says why a file cannot carry a watermark. It is part of the API.
type Unmarkable string

// The reasons.
const (
	UnmarkableType        Unmarkable = "type"        // neither a picture nor a PDF of a kind that is known
	UnmarkableDamaged     Unmarkable = "damaged"     // it cannot be read
	UnmarkableTooLarge    Unmarkable = "too_large"   // more bytes, pixels or parts than are read
	UnmarkableTooSmall    Unmarkable = "too_small"   // a picture on which nothing could be read
	UnmarkableEncrypted   Unmarkable = "encrypted"   // a PDF that needs, or has, a password
	UnmarkableAttachments Unmarkable = "attachments" // a PDF with files in it, which would come without a mark
)

// CannotWatermark returns ErrCannotWatermark with its reason.
func CannotWatermark(why Unmarkable) *Error {
	return ErrCannotWatermark.With("reason", string(why))
}

// WatermarkText is what a watermark says: who looks, and in which hour. viewer
// is an e-mail address or, of somebody who has not signed in, the address of
// their machine. Every font has the characters of it: others are spelled out.
func WatermarkText(viewer string, at time.Time) string {
	const known = ' ' // of ASCII, what is before it are control characters
	var who strings.Builder
	for _, r := range viewer {
		if r < known || r > '~' {
			fmt.Fprintf(&who, "{U+%04X}", r)
			continue
		}
		who.WriteRune(r)
	}
	if who.Len() == 0 {
		who.WriteString("unknown viewer")
	}
	return who.String() + "  " + at.UTC().Truncate(time.Hour).Format("2006-01-02 15:04 UTC")
}

// MarkedCopy is a version of an asset as one recipient is shown it.
type MarkedCopy struct {
	OrgID       OrgID
	AssetID     AssetID
	Number      int    // of the version
	Recipient   []byte // 32 bytes that stand for who, by which link, and in which hour
	BlobKey     string
	ContentType string // can be another than the version's
	SizeBytes   int64
	CreatedAt   time.Time
	ExpiresAt   time.Time // from then on nobody is led to it
}

// MarkedKey returns where the bytes of a copy lie, which is made only once.
func MarkedKey(org OrgID, asset AssetID, id [16]byte) string {
	return markedPrefix + org.String() + "/" + asset.String() + "/" + ID[MarkedCopy](id).String()
}

const markedPrefix = "marked/"

// isCopyKey reports whether a key has the form of those that MarkedKey, or
// DerivedKey, returns.
func isCopyKey(key, prefix string) bool {
	rest, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "/")
	const ids = 3
	if len(parts) != ids {
		return false
	}
	for _, id := range parts {
		if _, err := ParseID[MarkedCopy](id); err != nil {
			return false
		}
	}
	return true
}

// Of returns the version as the recipient of the copy gets it, and what to call
// the file: a copy of another type needs another ending.
func (c *MarkedCopy) Of(name string, v Version) (string, Version) {
	if v.BlobKey, v.SizeBytes, v.SHA256 = c.BlobKey, c.SizeBytes, nil; v.ContentType != c.ContentType {
		stem, ext := SplitName(KindAsset, name)
		if Fold(ext) == ".webp" { // for which there is no encoder
			name = stem + "." + strings.TrimPrefix(strings.Replace(c.ContentType, "jpeg", "jpg", 1), "image/")
		}
		v.ContentType = c.ContentType
	}
	return name, v
}

// CanCarryWatermark reports whether files of the type can, by their type.
func CanCarryWatermark(contentType string) bool {
	mediaType, _, _ := strings.Cut(Fold(contentType), ";")
	switch strings.TrimSpace(mediaType) {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf":
		return true
	}
	return false
}
