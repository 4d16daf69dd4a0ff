package core

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// What can go wrong with an API key.
var (
	// ErrKeyInvalid is the same for every key that does not work, so that
	// nobody learns which of them there are.
	ErrKeyInvalid    = ErrUnauthenticated.Say("the API key is not valid: it is unknown, expired or revoked, or whoever made it has no right to the drive any more")
	ErrKeyNotAllowed = &Error{Kind: KindForbidden, Code: "key_not_allowed", Message: "an API key may not do this: either its permissions do not include it, or only people may"}
)

// APIKeyID identifies an API key.
type APIKeyID = ID[APIKey]

// Permissions are a set of what an API key may do.
type Permissions uint8

// What an API key may do, each on its own.
const (
	PermitRead   Permissions = 1 << iota // list, look at, download
	PermitWrite                          // upload and change
	PermitDelete                         // trash, restore, purge

	permitAll = PermitRead | PermitWrite | PermitDelete
)

var permissionNames = []string{"read", "write", "delete"}

// ParsePermissions returns the set of permissions with these names, or a
// validation error. location names the field.
func ParsePermissions(location string, names []string) (Permissions, error) {
	var p Permissions
	for _, name := range names {
		i := slices.Index(permissionNames, name)
		if i < 0 {
			return 0, Invalid(location, "must be some of read, write and delete")
		}
		p |= 1 << i
	}
	if p == 0 {
		return 0, Invalid(location, "must be at least one of read, write and delete")
	}
	return p, nil
}

// Has reports whether p includes all of want.
func (p Permissions) Has(want Permissions) bool { return p&want == want }

// Names returns the names of the permissions, in their order.
func (p Permissions) Names() []string {
	names := make([]string, 0, len(permissionNames))
	for i, name := range permissionNames {
		if p.Has(1 << i) {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names with commas between them.
func (p Permissions) String() string { return strings.Join(p.Names(), ",") }

// PermissionsWith returns all sets that include want. Like StandingsAtLeast, it
// lets a database ask what is decided here.
func PermissionsWith(want Permissions) []string {
	var sets []string
	for p := Permissions(1); p <= permitAll; p++ {
		if p.Has(want) {
			sets = append(sets, p.String())
		}
	}
	return sets
}

// The form of a key: pk_ and 20 random bytes in hexadecimal.
const (
	keyMark        = "pk_"
	KeyBytes       = 20
	keyPrefixBytes = 11
)

// KeyRef is what a key leads to its row by. The key itself is kept nowhere.
type KeyRef struct {
	Prefix string   // the first 11 characters, which people tell keys apart by
	Hash   [32]byte // SHA-256 of the key: 160 random bits need no salt
}

// FormatKey returns the key made of these random bytes.
func FormatKey(random [KeyBytes]byte) string { return keyMark + hex.EncodeToString(random[:]) }

// ParseKey returns what the key leads to its row by, or ErrKeyInvalid if the
// text has not the form of a key.
func ParseKey(text string) (KeyRef, error) {
	digits, ok := strings.CutPrefix(text, keyMark)
	if !ok || len(digits) != hex.EncodedLen(KeyBytes) || strings.Trim(digits, "0123456789abcdef") != "" {
		return KeyRef{}, ErrKeyInvalid
	}
	return KeyRef{Prefix: strings.Clone(text[:keyPrefixBytes]), Hash: sha256.Sum256([]byte(text))}, nil
}

// ActorByKey returns who a key names at now, or ErrKeyInvalid. Whether there is
// such a key is a fact the store knows.
func ActorByKey(text string, now time.Time) (Actor, error) {
	ref, err := ParseKey(text)
	if err != nil {
		return Actor{}, err
	}
	return Actor{Kind: ActorAPIKey, Key: ref, At: now}, nil
}

// APIKey is the credential of a script, for the files and folders of one drive.
// At any moment it allows what both its permissions and the present standing of
// the account that made it allow.
type APIKey struct {
	KeyRef

	ID          APIKeyID
	OrgID       OrgID
	DriveID     DriveID
	Name        string
	Permissions Permissions
	CreatedBy   AccountID
	CreatedAt   time.Time
	ExpiresAt   time.Time // zero: never
	RevokedAt   time.Time
	RevokedBy   AccountID // zero with RevokedAt: the account that made it has left
	LastUsedAt  time.Time // to about a second
}

// CheckKeyExpiry refuses an end that is over at now. location names the field.
func CheckKeyExpiry(location string, expires, now time.Time) error {
	if !expires.IsZero() && !expires.After(now) {
		return Invalid(location, "must be in the future")
	}
	return nil
}

// KeyStatus says whether a key still works, as far as the key itself tells.
type KeyStatus string

// The states of a key. One that is revoked is never anything else.
const (
	KeyActive  KeyStatus = "active"
	KeyExpired KeyStatus = "expired"
	KeyRevoked KeyStatus = "revoked"
)

// StatusOfKey returns the state at now of a key with these times.
func StatusOfKey(revoked, expires, now time.Time) KeyStatus {
	switch {
	case !revoked.IsZero():
		return KeyRevoked
	case !expires.IsZero() && !expires.After(now):
		return KeyExpired
	}
	return KeyActive
}

// CanManageKeys refuses those who may have no keys in a drive: viewers, and
// keys themselves.
func CanManageKeys(f DriveFacts) error {
	if f.ByKey() {
		return f.refuseKey()
	}
	return CanInDrive(f, DriveEditor)
}

// CanIssueKey refuses a key that is stronger than who makes it.
func CanIssueKey(f DriveFacts, p Permissions) error {
	if err := CanManageKeys(f); err != nil {
		return err
	}
	if p.Has(PermitDelete) {
		return CanDelete(f, f.AccountID)
	}
	return nil
}

// CanSeeKeys lets everybody who may read a drive know which keys there are, and
// what each may do: never a key itself.
func CanSeeKeys(f DriveFacts) error {
	if f.ByKey() {
		return f.refuseKey()
	}
	return CanInDrive(f, DriveViewer)
}

// CanRevokeKey refuses a key that somebody else has made to all but the drive's
// admins.
func CanRevokeKey(f DriveFacts, k *APIKey) error {
	if err := CanManageKeys(f); err != nil {
		return err
	}
	switch {
	case k.DriveID != f.DriveID:
		return ErrNotFound
	case f.Role().AtLeast(DriveAdmin):
		return nil
	}
	return allowed(k.CreatedBy == f.AccountID)
}

// KeyFacts is what the store knows about the API key of a request. The zero
// value: the request has none.
type KeyFacts struct {
	ID          APIKeyID
	Permissions Permissions
	Status      KeyStatus
}
