package core

import (
	"errors"
	"strings"
	"time"
)

// DerivedStatus says how far what is derived of a version has come.
type DerivedStatus string

// The states. What has failed, or is unsupported, can be tried again.
const (
	DerivedPending     DerivedStatus = "pending" // a job will do it
	DerivedReady       DerivedStatus = "ready"
	DerivedFailed      DerivedStatus = "failed"
	DerivedUnsupported DerivedStatus = "unsupported" // this server cannot
)

// Underivable says why nothing was derived. It is part of the API.
type Underivable string

// The reasons.
const (
	UnderivableType      Underivable = "type"         // it is not what it is said to be
	UnderivableDamaged   Underivable = "damaged"      // it cannot be read
	UnderivableTooLarge  Underivable = "too_large"    // more bytes, pixels or memory than are given to one file
	UnderivableEncrypted Underivable = "encrypted"    // a PDF that needs a password
	UnderivableTimeout   Underivable = "timed_out"    // it took longer than is given to one file
	UnderivableCrashed   Underivable = "crashed"      // the program that read it did not survive
	UnderivableTool      Underivable = "tool_missing" // the program that reads it is not installed
)

// What can go wrong with what is derived.
var (
	ErrCannotDerive = &Error{Kind: KindInvalid, Code: "cannot_derive", Message: "nothing can be derived of the file"}
	ErrNoRendition  = &Error{Kind: KindNotFound, Code: "no_rendition", Message: "the file has no picture of that kind, or not yet; ask for its preview to see why"}
	ErrNotDerivable = &Error{Kind: KindConflict, Code: "not_derivable", Message: "nothing is derived of files of this type"}
	ErrDerived      = &Error{Kind: KindConflict, Code: "already_derived", Message: "what is derived of the file is there; there is nothing to try again"}
	ErrDerivesNot   = &Error{Kind: KindConflict, Code: "derived_off", Message: "this server derives nothing of files; ask its operator"}
)

// CannotDerive returns ErrCannotDerive with its reason.
func CannotDerive(why Underivable) *Error { return ErrCannotDerive.With("reason", string(why)) }

// WhyUnderivable returns the reason that CannotDerive gave an error.
func WhyUnderivable(err error) (Underivable, bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.Is(ErrCannotDerive) {
		return "", false
	}
	why, ok := e.Details["reason"].(string)
	return Underivable(why), ok
}

// DerivableKind is what kind of file something is derived from.
type DerivableKind string

// The kinds.
const (
	DerivableImage DerivableKind = "image"
	DerivablePDF   DerivableKind = "pdf"
	DerivableVideo DerivableKind = "video"
	DerivableCues  DerivableKind = "cues" // a text with times: WebVTT, SubRip
	DerivableText  DerivableKind = "text"
	DerivableJSON  DerivableKind = "json"
)

// DerivableFrom returns what kind of file a content type is of, if something is
// derived from it.
func DerivableFrom(contentType string) (DerivableKind, bool) {
	mediaType, _, _ := strings.Cut(Fold(contentType), ";")
	switch mediaType = strings.TrimSpace(mediaType); mediaType {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return DerivableImage, true
	case "application/pdf":
		return DerivablePDF, true
	case "text/vtt", "application/x-subrip", "text/srt", "application/srt":
		return DerivableCues, true
	case "text/plain":
		return DerivableText, true
	case "application/json":
		return DerivableJSON, true
	}
	if strings.HasPrefix(mediaType, "video/") {
		return DerivableVideo, true
	}
	return "", false
}

// Rendition is a picture of a file.
type Rendition string

// The renditions.
const (
	Thumbnail Rendition = "thumbnail" // at most ThumbnailSide wide and high
	Poster    Rendition = "poster"    // of a video: one frame, at most PosterSide wide and high
)

// Sides of renditions, in pixels.
const (
	ThumbnailSide = 512
	PosterSide    = 1_280
)

// Limits of the words of a text that are kept for searching.
const (
	MaxTextWords = 20_000  // different ones
	MaxTextBytes = 500_000 // of all of them
)

// Picture is one rendition and where its bytes lie.
type Picture struct {
	BlobKey     string // empty: there is none
	ContentType string
	SizeBytes   int64
}

// Preview is what is derived of the content of a file.
type Preview struct {
	Status      DerivedStatus
	Failure     Underivable // empty unless failed or unsupported
	Attempts    int
	Thumbnail   Picture
	Poster      Picture // of a video
	Width       int     // pixels, of the original as it is seen; 0: it has none
	Height      int
	Duration    time.Duration // of a video, to the millisecond
	Placeholder []byte        // a thumbhash, to be seen until the thumbnail is there
}

// Derived is the preview of one version.
type Derived struct {
	OrgID   OrgID
	AssetID AssetID
	Number  int // of the version
	Preview
	UpdatedAt time.Time
}

// Fail records why nothing was derived.
func (d *Derived) Fail(why Underivable, now time.Time) {
	d.Preview = Preview{Status: DerivedFailed, Failure: why, Attempts: d.Attempts + 1}
	if why == UnderivableTool {
		d.Status = DerivedUnsupported
	}
	d.UpdatedAt = now
}

// Finish records what was derived.
func (d *Derived) Finish(p Preview, now time.Time) {
	attempts := d.Attempts + 1
	d.Preview = p
	d.Status, d.Failure, d.Attempts, d.UpdatedAt = DerivedReady, "", attempts, now
}

// Picture returns a rendition, or ErrNoRendition.
func (p *Preview) Picture(r Rendition) (Picture, error) {
	if p == nil {
		return Picture{}, ErrNoRendition.With("rendition", string(r))
	}
	pic := p.Thumbnail
	if r == Poster {
		pic = p.Poster
	}
	if pic.BlobKey == "" {
		return Picture{}, ErrNoRendition.With("rendition", string(r)).With("status", string(p.Status))
	}
	return pic, nil
}

// Keys returns the keys of all blobs of the preview.
func (p *Preview) Keys() (keys []string) {
	for _, pic := range []Picture{p.Thumbnail, p.Poster} {
		if pic.BlobKey != "" {
			keys = append(keys, pic.BlobKey)
		}
	}
	return keys
}

// DerivedKey returns where the bytes of a rendition lie, which are made only once.
func DerivedKey(org OrgID, asset AssetID, id [16]byte) string {
	return derivedPrefix + org.String() + "/" + asset.String() + "/" + ID[Derived](id).String()
}

const derivedPrefix = "derived/"
