package core

import "time"

// What can go wrong with an org.
var (
	ErrSlugTaken = &Error{Kind: KindConflict, Code: "slug_taken", Message: "this slug is in use or reserved; choose another"}
)

// OrgID identifies an org.
type OrgID = ID[Org]

// Org is a tenant: nothing of one org is visible to another.
type Org struct {
	ID         OrgID
	Name       string
	Slug       string // unique
	IsPersonal bool
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// NewPersonalOrg returns the org that belongs to one user alone.
func NewPersonalOrg(id OrgID, name, slug string, now time.Time) *Org {
	return &Org{ID: id, Name: name, Slug: slug, IsPersonal: true, Version: 1, CreatedAt: now, UpdatedAt: now}
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

// OrgUsage is what an org uses of its licence. The store keeps it exact: each
// field changes in the transaction that adds or removes what it counts.
type OrgUsage struct {
	UsedBytes   int64 // Σ size of all versions, ready or reserved, trashed too
	AssetsCount int64 // pending and trashed ones too
	Members     int64 // active accounts and open invitations
	Products    int64
}
