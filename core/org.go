package core

import (
	"regexp"
	"time"
)

// What can go wrong with an org.
var (
	ErrSlugTaken  = &Error{Kind: KindConflict, Code: "slug_taken", Message: "this slug is in use or reserved; choose another"}
	ErrOrgDeleted = &Error{Kind: KindGone, Code: "org_deleted", Message: "the organisation has been deleted"}
	ErrOrgLive    = &Error{Kind: KindConflict, Code: "org_not_deleted", Message: "the organisation is not deleted"}
	ErrOrgOrphan  = &Error{Kind: KindConflict, Code: "org_without_owner", Message: "nobody is left who owns the organisation"}
)

// OrgID identifies an org.
type OrgID = ID[Org]

// Org is a tenant: nothing of one org is visible to another.
type Org struct {
	ID         OrgID
	Name       string
	Slug       string // unique for ever: a slug given up stays reserved
	IsPersonal bool
	// DefaultDriveID is where files go that name no drive.
	DefaultDriveID DriveID
	Settings       OrgSettings
	Branding       Branding
	DeletedAt      time.Time
	PurgingAt      time.Time // since when it is removed piece by piece: there is no way back
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// OrgSettings are an org's own choices.
type OrgSettings struct {
	TimeZone string // IANA name; empty: UTC
	Sharing  SharePolicy
}

// Branding is how an org shows itself to visitors.
type Branding struct {
	LogoAssetID  AssetID
	PrimaryColor string // #rrggbb, or empty
	AccentColor  string // likewise
}

// NewPersonalOrg returns the org that belongs to one user alone.
func NewPersonalOrg(id OrgID, name, slug string, now time.Time) *Org {
	o := NewOrg(id, name, slug, now)
	o.IsPersonal = true
	return o
}

// NewOrg returns an org for several people.
func NewOrg(id OrgID, name, slug string, now time.Time) *Org {
	return &Org{ID: id, Name: name, Slug: slug, Version: 1, CreatedAt: now, UpdatedAt: now}
}

// OrgChange is what an update leaves alone (nil) or sets, all of it clean.
type OrgChange struct {
	Name     *string
	Slug     *string
	TimeZone *string
	Sharing  *SharePolicy
	Branding *Branding
	// DefaultDriveID names a drive that CheckDefaultDrive accepts.
	DefaultDriveID *DriveID
}

// CheckDefaultDrive refuses a drive that cannot be the org's default drive.
func (o *Org) CheckDefaultDrive(d *Drive) error {
	switch {
	case o.IsPersonal:
		return ErrPersonalOrg.Say("the default drive of a personal organisation is its user's personal drive")
	case d.OrgID != o.ID || d.IsPersonal() || !d.DeletedAt.IsZero():
		return Invalid("body.default_drive_id", "is not a shared drive of this organisation")
	}
	return nil
}

// Change applies c.
func (o *Org) Change(c OrgChange, now time.Time) {
	if c.Name != nil {
		o.Name = *c.Name
	}
	if c.Slug != nil {
		o.Slug = *c.Slug
	}
	if c.TimeZone != nil {
		o.Settings.TimeZone = *c.TimeZone
	}
	if c.Sharing != nil {
		o.Settings.Sharing = *c.Sharing
	}
	if c.Branding != nil {
		o.Branding = *c.Branding
	}
	if c.DefaultDriveID != nil {
		o.DefaultDriveID = *c.DefaultDriveID
	}
	o.touch(now)
}

// Deleted reports whether the org waits to be purged.
func (o *Org) Deleted() bool { return !o.DeletedAt.IsZero() }

// Delete closes an org to everybody. Its data stays until it is purged.
func (o *Org) Delete(now time.Time) error {
	if o.IsPersonal {
		return ErrPersonalOrg
	}
	return o.close(now)
}

// DeleteWith closes the personal org of a user who goes.
func (o *Org) DeleteWith(u *User, now time.Time) error {
	if !o.IsPersonal || o.ID != u.PersonalOrgID {
		return ErrPersonalOrg
	}
	return o.close(now)
}

func (o *Org) close(now time.Time) error {
	if o.Deleted() {
		return ErrOrgDeleted
	}
	o.DeletedAt = now
	o.touch(now)
	return nil
}

// PurgeAt returns when an org that is deleted is gone for good, if it is kept
// for so long; the zero time if it is not deleted.
func (o *Org) PurgeAt(retention time.Duration) time.Time {
	if !o.Deleted() {
		return time.Time{}
	}
	return o.DeletedAt.Add(retention)
}

// Restore opens an org that was deleted again, if somebody of r owns it. A
// personal org went with its user. Once purging is due there is nothing to
// restore: ErrOrgDeleted.
func (o *Org) Restore(r Roster, retention time.Duration, now time.Time) error {
	switch {
	case !o.Deleted():
		return ErrOrgLive
	case o.IsPersonal:
		return ErrPersonalOrg
	case !o.PurgingAt.IsZero() || !now.Before(o.PurgeAt(retention)):
		return ErrOrgDeleted
	case r.Owners == 0:
		return ErrOrgOrphan
	}
	o.DeletedAt = time.Time{}
	o.touch(now)
	return nil
}

// Purge begins to remove an org that was kept for so long. It reports whether
// it is to be removed at all; the org changes the first time only.
func (o *Org) Purge(retention time.Duration, now time.Time) (due bool) {
	switch {
	case !o.PurgingAt.IsZero():
		return true
	case !o.Deleted() || now.Before(o.PurgeAt(retention)):
		return false
	}
	o.PurgingAt = now
	o.touch(now)
	return true
}

func (o *Org) touch(now time.Time) {
	o.Version++
	o.UpdatedAt = now
}

// PersonalSlug returns a slug for a personal org that nobody else has, as long
// as id is unique: what people recognise, then the random end of the id.
func PersonalSlug(name string, id OrgID) string {
	const idTail = 12 // hex digits: 48 random bits of a UUIDv7
	text := id.String()
	tail := text[len(text)-idTail:]
	if head := Slugify(name, MaxSlugBytes-idTail-1); head != "" {
		return head + "-" + tail
	}
	return "personal-" + tail
}

const minSlugBytes = 3

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// reservedSlugs would be mistaken for the server itself.
var reservedSlugs = map[string]bool{
	"admin": true, "api": true, "app": true, "assets": true, "auth": true, "blobs": true, "coffer": true, "docs": true,
	"help": true, "login": true, "me": true, "public": true, "root": true, "static": true, "support": true, "system": true, "www": true,
}

// CleanSlug returns a slug in the form under which it is unique: lower case.
func CleanSlug(location, raw string) (string, error) {
	slug := Fold(raw)
	switch {
	case len(slug) < minSlugBytes || len(slug) > MaxSlugBytes || !slugForm.MatchString(slug):
		return "", Invalid(location, "must have 3 to 63 lower-case letters, digits and single hyphens between them")
	case reservedSlugs[slug]:
		return "", ErrSlugTaken
	}
	return slug, nil
}

var colorForm = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// CleanColor returns a colour in its stored form; empty stays empty.
func CleanColor(location, raw string) (string, error) {
	color := Fold(raw)
	if color != "" && !colorForm.MatchString(color) {
		return "", Invalid(location, "must be a colour such as #1a2b3c")
	}
	return color, nil
}

// CleanTimeZone returns the name of a time zone that is known; empty is UTC.
// known says which are, since the rules of time zones are data of a machine.
func CleanTimeZone(location, name string, known func(name string) bool) (string, error) {
	const maxName = 64
	if name == "" {
		return "", nil
	}
	if len(name) > maxName || name == "Local" || !known(name) {
		return "", Invalid(location, "must be the IANA name of a time zone, such as Europe/Berlin")
	}
	return name, nil
}

// OrgUsage is what an org uses of its licence. The store keeps it exact: each
// field changes in the transaction that adds or removes what it counts.
type OrgUsage struct {
	UsedBytes   int64 // Σ size of all versions, ready or reserved, trashed too
	AssetsCount int64 // pending and trashed ones too
	Members     int64 // as in Roster
	Products    int64
	Groups      int64 // deleted ones too, until they are purged
}
