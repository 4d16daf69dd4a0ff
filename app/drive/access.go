package drive

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Usage is what a drive holds and may hold.
type Usage struct {
	core.DriveContents
	UsedBytes  int64 // kept exact; all versions, reservations and the trash
	QuotaBytes int64 // core.Unlimited: only the licence limits it
}

// VersionBytes is what is used beside the current versions: older ones, and
// uploads that become newer ones.
func (u Usage) VersionBytes() int64 {
	return max(0, u.UsedBytes-u.FileBytes-u.TrashBytes-u.PurgingBytes)
}

// Usage counts what is in a drive.
func (s *Service) Usage(ctx context.Context, a core.Actor, id core.DriveID) (u Usage, err error) {
	f, err := s.access.ForDrive(ctx, a, id)
	if err != nil {
		return u, err
	}
	if err := core.CanInDrive(f, core.DriveViewer); err != nil {
		return u, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) error {
		d, err := tx.Drives.Get(ctx, f.OrgID, id)
		if err != nil {
			return err
		}
		u.UsedBytes, u.QuotaBytes = d.UsedBytes, d.QuotaBytes
		u.DriveContents, err = tx.Drives.Contents(ctx, f.OrgID, id)
		return err
	})
	return u, err
}

// Access is who may do what with a node.
type Access struct {
	You core.DriveFacts
	All []ports.DriveAccount // by id; none unless you manage the drive
}

// Access explains who may do what with a node: to those who manage its drive
// of all who may read it, to others of themselves.
func (s *Service) Access(ctx context.Context, a core.Actor, id core.NodeID, after core.AccountID, limit int) (out Access, err error) {
	f, err := s.access.ForNode(ctx, a, id)
	if err != nil {
		return out, err
	}
	if err := core.CanInDrive(f.DriveFacts, core.DriveViewer); err != nil {
		return out, err
	}
	out.You = f.DriveFacts
	if f.Manages() {
		out.All, err = s.accounts(ctx, ports.DriveAccountQuery{OrgID: f.OrgID, DriveID: f.DriveID, After: after, Limit: limit})
	}
	return out, err
}
