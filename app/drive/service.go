// Package drive holds the use cases of drives and their trees.
package drive

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Service runs the drive use cases. It is safe for concurrent use.
type Service struct {
	store  ports.Store
	access ports.Access
}

// NewService returns a Service on the given ports.
func NewService(store ports.Store, access ports.Access) *Service {
	return &Service{store: store, access: access}
}

// ListInput is a page of a folder. ParentID zero means the drive's root.
type ListInput struct {
	DriveID  core.DriveID
	ParentID core.NodeID
	After    string
	Limit    int
}

// List returns what is in a folder, by name.
func (s *Service) List(ctx context.Context, a core.Actor, in ListInput) ([]ports.Entry, error) {
	f, err := s.access.ForDrive(ctx, a, in.DriveID)
	if err != nil {
		return nil, err
	}
	if err := core.CanInDrive(f, core.DriveViewer); err != nil {
		return nil, err
	}
	q := ports.NodeQuery{DriveID: in.DriveID, ParentID: in.ParentID, After: in.After, Limit: in.Limit}
	if q.ParentID.IsZero() {
		q.ParentID = core.RootOf(in.DriveID)
	}
	var entries []ports.Entry
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		if entries, err = tx.Nodes.List(ctx, q); err != nil || len(entries) > 0 || q.ParentID == core.RootOf(in.DriveID) {
			return err
		}
		// An empty folder, or none: only then it matters.
		there, err := tx.Nodes.Exists(ctx, in.DriveID, q.ParentID)
		if err == nil && !there {
			return core.ErrNotFound
		}
		return err
	})
	return entries, err
}
