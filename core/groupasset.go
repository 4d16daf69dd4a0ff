package core

import "time"

// GroupAsset is a file as a part of a group.
type GroupAsset struct {
	GroupID     GroupID
	OrgID       OrgID
	AssetID     AssetID
	Section     string // one of the group's, or empty
	Title       string // in place of the file's name; empty: that
	Description string
	AddedBy     AccountID
	AddedAt     time.Time
}

// GroupAssetChange is what an update leaves alone (nil) or sets, clean.
type GroupAssetChange struct {
	Section     *string
	Title       *string
	Description *string
	Position    *int // among all files of the group, from 0
}

// Change applies c, but for the position, which the store keeps.
func (x *GroupAsset) Change(c GroupAssetChange) {
	set(&x.Section, c.Section)
	set(&x.Title, c.Title)
	set(&x.Description, c.Description)
}

// CleanGroupAsset brings a change into the form in which it is stored.
func CleanGroupAsset(c GroupAssetChange, nfc NFC) (GroupAssetChange, error) {
	if c.Title != nil && *c.Title != "" {
		title, err := CleanTitle("body.title", *c.Title, nfc)
		if err != nil {
			return c, err
		}
		c.Title = &title
	}
	if c.Description != nil {
		text, err := CleanProse("body.description", *c.Description, MaxDescriptionBytes, nfc)
		if err != nil {
			return c, err
		}
		c.Description = &text
	}
	if c.Section != nil {
		section := nfc(*c.Section)
		c.Section = &section
	}
	return c, nil
}

// GroupCandidate is a node of an org with what decides whether an account may
// add it to a group.
type GroupCandidate struct {
	DriveStanding

	NodeID NodeID
	Kind   NodeKind
	Status AssetStatus
	Live   bool // neither it nor a folder above it is in the trash
}

// CheckGroupAsset refuses to add what the account may not share: see CanShare.
// What it may not even read is not there, which missing says.
func CheckGroupAsset(c GroupCandidate, missing error) error {
	err := CanShare(DriveFacts{DriveStanding: c.DriveStanding})
	switch {
	case KindOf(err) == KindNotFound, c.Kind != KindAsset:
		return missing
	case err != nil:
		return err
	case !c.Live:
		return ErrAssetTrashed
	case c.Status != AssetReady:
		return ErrAssetNotReady
	}
	return nil
}
