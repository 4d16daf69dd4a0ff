// Package drive holds the use cases of drives and their trees. Those of the
// tree take a core.Scope, so that every face can use them; Enter makes the
// scope of somebody with an account or an API key.
package drive

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	Unlimited       bool          // no licence limits
	TrashRetention  time.Duration // how long the trash is kept
	ChangeRetention time.Duration // how long changes are kept for those who follow them
	Uploads         core.UploadTimes
}

// Deps are the ports the service works on.
type Deps struct {
	Store   ports.Store
	Access  ports.Access
	Blobs   ports.Blobs
	Secrets ports.Secrets
	Clock   ports.Clock
	IDs     ports.IDs
	Text    ports.Text
}

// Service runs the drive use cases. It is safe for concurrent use.
type Service struct {
	store   ports.Store
	access  ports.Access
	blobs   ports.Blobs
	secrets ports.Secrets
	clock   ports.Clock
	ids     ports.IDs
	text    ports.Text
	opts    Options
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service {
	return &Service{
		store: d.Store, access: d.Access, blobs: d.Blobs, secrets: d.Secrets, clock: d.Clock, ids: d.IDs, text: d.Text, opts: opts,
	}
}

// Enter returns a drive as the actor's scope. It returns core.ErrNotFound if
// the drive does not exist for the actor.
func (s *Service) Enter(ctx context.Context, a core.Actor, drive core.DriveID) (core.Scope, error) {
	f, err := s.access.ForDrive(ctx, a, drive)
	if err != nil {
		return core.Scope{}, err
	}
	return core.ScopeOf(f, a)
}

// EnterAt returns the drive that a node is in as the actor's scope. It returns
// core.ErrNotFound if the node does not exist for the actor.
func (s *Service) EnterAt(ctx context.Context, a core.Actor, node core.NodeID) (core.Scope, error) {
	f, err := s.access.ForNode(ctx, a, node)
	if err != nil {
		return core.Scope{}, err
	}
	return core.ScopeOf(f.DriveFacts, a)
}

// EnterAtFile is EnterAt for a file of that org; anything else is not there.
func (s *Service) EnterAtFile(ctx context.Context, a core.Actor, org core.OrgID, id core.AssetID) (core.Scope, error) {
	f, err := s.access.ForNode(ctx, a, id)
	if err != nil {
		return core.Scope{}, err
	}
	sc, err := core.ScopeOf(f.DriveFacts, a)
	if err == nil && (f.OrgID != org || f.Node.Kind != core.KindAsset) {
		err = core.ErrNotFound
	}
	return sc, err
}

// find returns a node of the scope with the way to its root.
func (s *Service) find(ctx context.Context, tx ports.Tx, sc core.Scope, id core.NodeID) (*core.Node, core.Trail, error) {
	t, err := tx.Nodes.Trail(ctx, sc.DriveID, id)
	if err != nil {
		return nil, nil, err
	}
	n, err := sc.Find(t)
	return n, t, err
}

// change is find for a node that is to be changed: not the root, and at the
// version the client has seen (0: any).
func (s *Service) change(ctx context.Context, tx ports.Tx, sc core.Scope, id core.NodeID, ifMatch int64) (*core.Node, core.Trail, error) {
	n, t, err := s.find(ctx, tx, sc, id)
	switch {
	case err != nil:
		return nil, nil, err
	case n.IsRoot():
		return nil, nil, core.ErrIsRoot
	case ifMatch != 0 && ifMatch != n.Version:
		return nil, nil, core.ErrStale
	}
	return n, t, nil
}

// folder returns the way to a live folder of the scope: the one named, zero
// meaning the scope's top, or the one a path leads to from there.
func (s *Service) folder(ctx context.Context, tx ports.Tx, sc core.Scope, id core.NodeID, path []string) (core.Trail, error) {
	if id.IsZero() {
		id = sc.Root
	}
	if len(path) > 0 {
		e, err := tx.Nodes.ByPath(ctx, sc.DriveID, id, path)
		if err != nil {
			return nil, err
		}
		id = e.Node.ID
	}
	n, t, err := s.find(ctx, tx, sc, id)
	switch {
	case err != nil:
		return nil, err
	case n.Kind != core.KindFolder:
		return nil, core.ErrParentNotDir
	case !t.Live():
		return nil, core.ErrNodeTrashed
	}
	return t, nil
}

// did writes down what was done to a node: for those who follow the drive, for
// those outside as, say, "node.moved", and in the audit log as "folder.moved".
func (s *Service) did(
	ctx context.Context, tx ports.Tx, sc core.Scope, kind core.ChangeKind, n *core.Node, details map[string]core.Change, now time.Time,
) error {
	told, err := tell(ctx, tx, n, core.Changed(kind, n, now))
	if err != nil {
		return err
	}
	if told {
		if err := s.announce(ctx, tx, sc, kind, n, details, now); err != nil {
			return err
		}
	}
	return s.record(ctx, tx, sc, string(n.Kind)+"."+string(kind), n, details, now)
}

// tell tells those who follow the drive of a change of n, which is stored. They
// hear of a file once it has bytes; before, told is false.
func tell(ctx context.Context, tx ports.Tx, n *core.Node, change core.NodeChange) (told bool, err error) {
	if n.Kind == core.KindAsset {
		e, err := tx.Nodes.Get(ctx, n.DriveID, n.ID)
		if err != nil || e.File.Status != core.AssetReady {
			return false, err
		}
	}
	return true, tx.Changes.Add(ctx, change)
}

// announce tells those outside what was done to a node.
func (s *Service) announce(
	ctx context.Context, tx ports.Tx, sc core.Scope, kind core.ChangeKind, n *core.Node, details map[string]core.Change, now time.Time,
) error {
	if kind == core.ChangeMovedIn || kind == core.ChangeMovedOut { // from where and where to, its details say
		kind = core.ChangeMoved
	}
	target := app.Target{Kind: string(n.Kind), ID: n.ID.String()}
	return app.Announce(ctx, tx, s.ids.NewID(), s.audited(sc, "node."+string(kind), target, details, now), app.NodeData(n))
}

func (s *Service) record(
	ctx context.Context, tx ports.Tx, sc core.Scope, action string, n *core.Node, details map[string]core.Change, now time.Time,
) error {
	return tx.Audit.Add(ctx, s.audited(sc, action, app.Target{Kind: string(n.Kind), ID: n.ID.String()}, details, now))
}

func (s *Service) audited(
	sc core.Scope, action string, target app.Target, details map[string]core.Change, now time.Time,
) *core.AuditEntry {
	by := core.OrgFacts{Credential: sc.Credential, OrgID: sc.OrgID, AccountID: sc.By, Email: sc.Email}
	return app.Audited(s.ids.NewID(), by, sc.Actor, action, target, details, now)
}
