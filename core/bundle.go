package core

import (
	"strings"
	"unicode/utf8"
)

// What can go wrong with a bundle: a file with everything that an org has.
var (
	ErrBundleInvalid    = &Error{Kind: KindInvalid, Code: "bundle_invalid", Message: "this is not a bundle, or it was damaged or changed"}
	ErrBundleSchema     = &Error{Kind: KindConflict, Code: "bundle_schema", Message: "the bundle was made by another release: import it with that one, then upgrade"}
	ErrBundleIncomplete = &Error{Kind: KindConflict, Code: "bundle_incomplete", Message: "the bundle lacks bytes that were missing when it was made"}
	ErrBundleOrg        = &Error{Kind: KindConflict, Code: "bundle_org_exists", Message: "the organisation of the bundle is on this server already"}
	ErrBundleUser       = &Error{Kind: KindConflict, Code: "bundle_user", Message: "a user of the bundle cannot be one of this server"}
	ErrBundleLicense    = &Error{Kind: KindConflict, Code: "bundle_license", Message: "the organisation has a licence that this server does not know: define it first"}
)

// BadBundle says what is wrong with a bundle.
func BadBundle(message string) *Error { return ErrBundleInvalid.Say("bundle: " + message) }

const maxBlobKeyBytes = 1024

// IsVersionKey reports whether a key is one that BlobKey can return for a version
// of that org, and so can never name anything else in a blob store.
func IsVersionKey(org OrgID, key string) bool {
	own, ok := strings.CutPrefix(key, org.String()+"/")
	if !ok || len(key) > maxBlobKeyBytes || !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
		return false
	}
	parts := strings.Split(own, "/")
	if _, err := ParseID[Node](parts[0]); err != nil || len(parts) < 2 || len(parts) > 3 {
		return false
	}
	for _, part := range parts {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return len(parts) == 2 || isVersionDir(parts[1])
}
