package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-755a8038/coffer/core"
)

// etag is the entity tag of a version of a resource.
func etag(version int64) string { return strconv.Quote(strconv.FormatInt(version, 10)) }

// unhashed is in the tag of a file whose SHA-256 is still being found out. It
// is no new version when it is known, and yet another representation. Likewise
// what is derived of a file.
const unhashed = "-unhashed"

func assetTag(a *core.Asset) string { return fileTag(&a.Node, &a.File) }

func fileTag(n *core.Node, f *core.File) string {
	tag := strconv.FormatInt(n.Version, 10)
	if f.Status == core.AssetReady && f.SHA256 == nil {
		tag += unhashed
	}
	if f.Preview != nil {
		tag += "-" + string(f.Preview.Status)
	}
	return strconv.Quote(tag)
}

// tags splits the value of If-Match or If-None-Match.
func tags(header string) []string {
	list := strings.Split(header, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// unchanged reports whether If-None-Match names the current tag. The
// comparison is the weak one (RFC 9110, section 13.1.2).
func unchanged(ifNoneMatch, current string) bool {
	if ifNoneMatch == "" {
		return false
	}
	for _, tag := range tags(ifNoneMatch) {
		if tag == "*" || strings.TrimPrefix(tag, "W/") == current {
			return true
		}
	}
	return false
}

// fresh is the status of a GET: 304 if the client has the current version.
func fresh(ifNoneMatch, current string) int {
	if unchanged(ifNoneMatch, current) {
		return http.StatusNotModified
	}
	return http.StatusOK
}

// freshFile is fresh for a file: one with a URL, which lives shortly, is told anew.
func freshFile(ifNoneMatch, current string, p *PreviewBody) int {
	if p != nil && p.ThumbnailURL != nil {
		return http.StatusOK
	}
	return fresh(ifNoneMatch, current)
}

// expected returns the version that If-Match names, or 0 for any. If the header
// is not the one strong tag that nearly every client sends, current is asked
// which version there is. No match is core.ErrStale.
func expected(ifMatch string, current func() (int64, error)) (int64, error) {
	if ifMatch == "" {
		return 0, nil
	}
	list := tags(ifMatch)
	if version, ok := parseTag(list[0]); ok && len(list) == 1 {
		return version, nil
	}
	version, err := current()
	if err != nil {
		return 0, err
	}
	return matched(list, version, func(tag string) bool {
		named, ok := parseTag(tag)
		return ok && named == version
	})
}

// matched returns the present version if one of the tags names it, or 0 if
// they are for any. No match is core.ErrStale. The comparison is the strong
// one: a weak tag names nothing.
func matched(list []string, version int64, names func(tag string) bool) (int64, error) {
	for _, tag := range list {
		if tag == "*" {
			return 0, nil
		}
		if names(tag) {
			return version, nil
		}
	}
	return 0, core.ErrStale
}

// parseTag reads the version of a tag that etag or fileTag has made.
func parseTag(tag string) (int64, bool) {
	text := tag
	for _, end := range []core.DerivedStatus{core.DerivedPending, core.DerivedReady, core.DerivedFailed, core.DerivedUnsupported} {
		if cut, ok := strings.CutSuffix(text, "-"+string(end)+`"`); ok {
			text = cut + `"`
			break
		}
	}
	if cut, ok := strings.CutSuffix(text, unhashed+`"`); ok {
		text = cut + `"`
	}
	version, err := strconv.ParseInt(strings.Trim(text, `"`), 10, 64)
	return version, err == nil && version > 0 && etag(version) == text
}

// contentTag is the entity tag of bytes.
func contentTag(content []byte) string {
	const enough = 16 // bytes of the hash
	sum := sha256.Sum256(content)
	return strconv.Quote(hex.EncodeToString(sum[:enough]))
}
