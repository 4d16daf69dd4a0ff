package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Access answers what decides a request, in one round trip and without a
// transaction, for core's policies to judge. Each method that takes an actor
// returns core.ErrUnauthenticated if the actor's user or session is gone, and
// core.ErrNotFound if the thing asked about is. Only an external actor needs no
// session.
//
// Of an API key, the standing is that of the account that made it, and nothing
// is there but its drive. ForUser and ForOrg refuse keys.
type Access interface {
	// ForUser returns whether the actor's credential stands.
	ForUser(ctx context.Context, a core.Actor) (core.Credential, error)

	// ForIdentity returns the user whom an external issuer knows so, as an
	// actor without a session whose active org is the personal one. It
	// returns core.ErrNotFound if the identity is unknown.
	ForIdentity(ctx context.Context, issuer, subject string) (core.Actor, error)

	// ForOrg returns the actor's standing in an org.
	ForOrg(ctx context.Context, a core.Actor, org core.OrgID) (core.OrgFacts, error)

	// ForDrive returns the actor's standing in a drive of any org. drive zero
	// is the drive of an API key.
	ForDrive(ctx context.Context, a core.Actor, drive core.DriveID) (core.DriveFacts, error)

	// ForNode returns a node of any org, in the trash or not, and the actor's
	// standing in its drive. Below a node that is being purged there is nothing.
	// Where folders of the drive are in the trash it takes two round trips, as do
	// ForAsset and ForDownload.
	ForNode(ctx context.Context, a core.Actor, id core.NodeID) (core.NodeFacts, error)

	// ForPage returns what decides who may look into a folder (q.ParentID zero:
	// the drive's root), and a page of it by name, which is for those only who
	// may; one round trip.
	ForPage(ctx context.Context, a core.Actor, q NodeQuery) (core.FolderFacts, []Entry, error)

	// ForAsset returns an asset of any org, its current version, and the
	// actor's standing in its drive.
	ForAsset(ctx context.Context, a core.Actor, id core.AssetID) (core.AssetFacts, error)

	// ForDownload is ForAsset with no more of the asset and its version than
	// core.CanDownload and a signed URL need: name, status, trash, and where
	// the bytes are.
	ForDownload(ctx context.Context, a core.Actor, id core.AssetID) (core.AssetFacts, error)

	// ForUpload returns what decides an upload into a folder; two round trips,
	// since the folder may be deep.
	ForUpload(ctx context.Context, a core.Actor, q UploadQuery) (core.UploadFacts, error)
}

// UploadQuery names where an upload should go. Drive zero means the org's
// default drive, or the one of an API key, Parent zero the drive's root.
type UploadQuery struct {
	OrgID    core.OrgID
	DriveID  core.DriveID
	ParentID core.NodeID
	Now      time.Time
}

// Hot is a store's way around the unit of work for the few operations that
// have to take one round trip.
type Hot interface {
	Access
	GroupAccess
	DatasetAccess
	ItemReads
	Quota
	Visits
}
