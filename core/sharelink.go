package core

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// What can go wrong with a share link. Who has a link that does not work any
// more is told so; what it led to, only who may open it.
var (
	ErrShareExpired     = &Error{Kind: KindGone, Code: "share_expired", Message: "the link has expired; ask whoever sent it for a new one"}
	ErrShareExhausted   = &Error{Kind: KindGone, Code: "share_exhausted", Message: "the link has been used as often as it may be; ask whoever sent it for a new one"}
	ErrShareRevoked     = &Error{Kind: KindGone, Code: "share_revoked", Message: "the link has been revoked; ask whoever sent it for a new one"}
	ErrShareUnavailable = &Error{Kind: KindGone, Code: "share_unavailable", Message: "what the link led to is not shared any more; ask whoever sent it"}
	ErrSharePassword    = &Error{Kind: KindUnauthenticated, Code: "share_password_required", Message: "the link needs its password; send it to …/auth, then what that answers as X-Share-Access"}
	ErrShareWrong       = &Error{Kind: KindForbidden, Code: "share_password_wrong", Message: "this is not the password of the link"}
	ErrShareSignIn      = &Error{Kind: KindUnauthenticated, Code: "share_sign_in_required", Message: "the link is for certain people; sign in as one of them"}
	ErrShareNotForYou   = &Error{Kind: KindForbidden, Code: "share_not_for_you", Message: "the link is for other people; ask whoever sent it"}
	ErrShareAddress     = &Error{Kind: KindForbidden, Code: "share_address_refused", Message: "the link may not be opened from this address"}
	ErrShareNoDownload  = &Error{Kind: KindForbidden, Code: "share_download_off", Message: "the link is for looking, not for downloading"}
	ErrShareNotRequest  = &Error{Kind: KindForbidden, Code: "share_not_a_request", Message: "the link is not for sending files"}
	ErrShareRequest     = &Error{Kind: KindForbidden, Code: "share_is_a_request", Message: "the link is for sending files; what has been sent is not shown"}
	ErrSharePolicy      = &Error{Kind: KindForbidden, Code: "share_policy", Message: "the organisation's rules for links do not allow this"}
)

// LinkRef names a share link together with the token that somebody has come
// with: another one, since the link was rotated, names nothing.
type LinkRef struct {
	ID   ShareLinkID
	Hash [32]byte // SHA-256 of the token
}

// ShareLinkID identifies a share link.
type ShareLinkID = ID[ShareLink]

// ShareKind says what visitors of a link do.
type ShareKind string

// The kinds of share link.
const (
	ShareDownload ShareKind = "download" // look at and download what is there
	ShareUpload   ShareKind = "upload"   // put files into a folder: a file request
)

// ShareLink gives whoever has its token a part of a drive, or a group. It grants
// nothing that the account that made it could not share now.
type ShareLink struct {
	ID        ShareLinkID
	OrgID     OrgID
	DriveID   DriveID // zero: of a group
	NodeID    NodeID  // the target: a file, or a folder with all below it
	GroupID   GroupID // or this group, with those nested in it
	Kind      ShareKind
	Name      string // for its owner; may be empty
	CreatedBy AccountID

	TokenHash   [32]byte // SHA-256 of the token
	TokenSealed []byte   // for showing the link again

	ShareRules

	Notify         ShareNotify
	Views          int64
	Downloads      int64
	Uploads        int64
	LastAccessedAt time.Time
	RevokedAt      time.Time
	RevokedBy      AccountID
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// ShareRules are what a link allows whom.
type ShareRules struct {
	Accounts          []AccountID // of the org, who alone may open it; empty: everybody
	PasswordHash      string      // empty: none
	PasswordVersion   int64       // counts the passwords it has had
	AllowDownload     bool
	AllowViewMetadata bool           // names of people, tags, times, checksums
	ExpiresAt         time.Time      // zero: no end
	MaxViews          int64          // or Unlimited
	MaxDownloads      int64          // or Unlimited
	IPAllow           []netip.Prefix // masked; empty: from anywhere
	Watermark         bool
	Request           FileRequest // of a ShareUpload
}

// FileRequest is what visitors may put into a folder.
type FileRequest struct {
	MaxFiles     int64    // or Unlimited
	MaxBytes     int64    // of each file, or Unlimited
	ContentTypes []string // media types, or their parts before the slash; empty: any
}

// ShareNotify says of what the link's creator gets mail.
type ShareNotify struct {
	FirstView, EachDownload, EachUpload, LimitReached, ExpiringSoon bool
}

// SharePolicy are an org's own rules for all its links. They hold when a link
// is made and when it is used.
type SharePolicy struct {
	MaxDays          int // a link's life; 0: no limit
	PasswordRequired bool
}

// ShareTokenBytes is how many random bytes a token has, in hexadecimal.
const ShareTokenBytes = 32

// FormatShareToken returns the token made of these random bytes.
func FormatShareToken(random [ShareTokenBytes]byte) string { return hex.EncodeToString(random[:]) }

// ParseShareToken returns what a token leads to its link by, or ErrNotFound if
// the text has not the form of one.
func ParseShareToken(text string) ([32]byte, error) {
	if len(text) != hex.EncodedLen(ShareTokenBytes) || strings.Trim(text, "0123456789abcdef") != "" {
		return [32]byte{}, ErrNotFound
	}
	return sha256.Sum256([]byte(text)), nil
}

// Revoke ends the link for good. Revoking twice changes nothing.
func (l *ShareLink) Revoke(by AccountID, now time.Time) {
	if !l.RevokedAt.IsZero() {
		return
	}
	l.RevokedAt, l.RevokedBy = now, by
	l.touch(now)
}

// Rotate gives the link another token; the old one leads nowhere.
func (l *ShareLink) Rotate(hash [32]byte, sealed []byte, now time.Time) {
	l.TokenHash, l.TokenSealed = hash, sealed
	l.touch(now)
}

// Change gives the link other rules. Another password ends what was opened
// with the one before.
func (l *ShareLink) Change(name string, rules ShareRules, notify ShareNotify, now time.Time) {
	if rules.PasswordHash != l.PasswordHash {
		rules.PasswordVersion = l.PasswordVersion + 1
	}
	l.Name, l.ShareRules, l.Notify = name, rules, notify
	l.touch(now)
}

// OfGroup reports whether the link leads to a group.
func (l *ShareLink) OfGroup() bool { return !l.GroupID.IsZero() }

// IsFor reports whether the link is for that account by name.
func (l *ShareLink) IsFor(id AccountID) bool { return slices.Contains(l.Accounts, id) }

func (l *ShareLink) touch(now time.Time) {
	l.Version++
	l.UpdatedAt = now
}

// CanShare refuses making and changing links of a drive to those who may not
// write there. A script makes none.
func CanShare(f DriveFacts) error {
	if err := CanInDrive(f, DriveEditor); err != nil {
		return err
	}
	if f.ByKey() {
		return ErrKeyNotAllowed
	}
	return nil
}

// ShareFacts is a link with what decides who may do what with it.
type ShareFacts struct {
	Link    ShareLink
	Creator DriveFacts // the standing of the account that made it
	Policy  SharePolicy
	Node    Node    // the target; of a link of a group, the file in it that was asked for
	File    File    // of a node that is a file
	Version Version // likewise, its current one
	InTrash bool    // the node, or a folder above it
	OrgName string
	Branding

	Group SharedGroup // of a link of a group
}

// Visitor is who has come with a link's token.
type Visitor struct {
	Address   string    // of the client
	AccountID AccountID // in the link's org; zero: not signed in, or no active account there
	Password  int64     // the version of the link's Password that was shown; 0: none
}

// CanOpen refuses a link to who may not open it, and to everybody once it has
// ended. Limits on numbers are the store's to hold.
func CanOpen(f ShareFacts, v Visitor, now time.Time) error {
	l := &f.Link
	switch {
	case !l.RevokedAt.IsZero():
		return ErrShareRevoked
	case f.expired(now):
		return ErrShareExpired
	case f.creatorMayNot(), f.Policy.PasswordRequired && f.Password().Hash == "":
		return ErrShareUnavailable
	case !l.allowsAddress(v.Address):
		return ErrShareAddress
	case len(l.Accounts) > 0 && v.AccountID.IsZero():
		return ErrShareSignIn
	case len(l.Accounts) > 0 && !slices.Contains(l.Accounts, v.AccountID):
		return ErrShareNotForYou
	case f.Password().Hash != "" && v.Password != f.Password().Version:
		return ErrSharePassword
	case f.targetGone():
		return ErrShareUnavailable
	}
	return nil
}

func (f ShareFacts) creatorMayNot() bool {
	if f.Link.OfGroup() {
		return CanShareGroup(f.Group.Creator) != nil
	}
	return CanShare(f.Creator) != nil
}

func (f ShareFacts) targetGone() bool {
	if f.Link.OfGroup() {
		return f.Group.Gone()
	}
	return f.InTrash || f.Node.ID.IsZero()
}

func (f ShareFacts) expired(now time.Time) bool {
	end := f.Link.ExpiresAt
	if f.Policy.MaxDays > 0 {
		if most := f.Link.CreatedAt.AddDate(0, 0, f.Policy.MaxDays); end.IsZero() || end.After(most) {
			end = most
		}
	}
	return !end.IsZero() && !end.After(now)
}

func (l *ShareLink) allowsAddress(text string) bool {
	if len(l.IPAllow) == 0 {
		return true
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(l.IPAllow, func(p netip.Prefix) bool { return p.Contains(address) })
}

// ScopeOf returns the part of the drive that visitors of a link to one reach.
func (f ShareFacts) ScopeOf() Scope {
	return Scope{
		OrgID: f.Link.OrgID, DriveID: f.Link.DriveID, Root: f.Link.NodeID, By: f.Link.CreatedBy,
		Actor:  Actor{Kind: ActorShareLink},
		Rights: Rights{Read: f.Link.Kind == ShareDownload},
	}
}
