package core

// Scope is how far an operation on a drive's tree reaches, and who acts there.
// Every face makes one of what it knows of its caller, and all of them then use
// the same operations. A node outside the scope does not exist for it.
type Scope struct {
	OrgID   OrgID
	DriveID DriveID   // every read and every write is bound to it
	Root    NodeID    // only it and what is below it; RootOf(DriveID): the whole drive
	By      AccountID // who acts, or on whose behalf; zero: nobody in the org
	Email   string    // theirs, for the audit log
	Actor   Actor
	Rights  Rights

	Credential Credential // by which it was entered
}

// Rights are what may be done within a scope.
type Rights struct {
	Read      bool
	Write     bool
	Delete    bool // what the account has created itself
	DeleteAny bool
}

// ScopeOf returns the whole drive as the scope of an actor, or the refusal of
// somebody for whom the drive does not exist.
func ScopeOf(f DriveFacts, a Actor) (Scope, error) {
	s := Scope{OrgID: f.OrgID, DriveID: f.DriveID, Root: RootOf(f.DriveID), By: f.AccountID, Email: f.Email, Actor: a, Credential: f.Credential}
	if err := CanInDrive(f, DriveNone); err != nil {
		return s, err
	}
	s.Rights = f.Rights()
	return s, nil
}

// Narrow returns the scope of the part of the tree below root.
func (s Scope) Narrow(root NodeID) Scope {
	s.Root = root
	return s
}

// Whole reports whether the scope reaches all of its drive, as what concerns
// the drive as such needs: its trash and its changes.
func (s Scope) Whole() bool { return s.Root == RootOf(s.DriveID) }

// Find returns the node that a trail begins at, or ErrNotFound if it is out of
// the scope's reach.
func (s Scope) Find(t Trail) (*Node, error) {
	n, err := t.Node()
	if err != nil || n.DriveID != s.DriveID || !t.Within(s.Root) {
		return nil, ErrNotFound
	}
	return n, nil
}

// Itself is the scope of what the server does by itself in a drive.
func Itself(org OrgID, drive DriveID) Scope {
	return Scope{
		OrgID: org, DriveID: drive, Root: RootOf(drive), Actor: Actor{Kind: ActorSystem},
		Rights: Rights{Read: true, Write: true, Delete: true, DeleteAny: true},
	}
}

// CanRead refuses those who may only write.
func (s Scope) CanRead() error { return s.allowed(s.Rights.Read, PermitRead) }

// CanWrite refuses creating and changing.
func (s Scope) CanWrite() error { return s.allowed(s.Rights.Write, PermitWrite) }

// CanReadWhole refuses what concerns the drive as such to a scope of a part.
func (s Scope) CanReadWhole() error { return s.allowed(s.Rights.Read && s.Whole(), PermitRead) }

// CanDelete refuses trashing and purging a node, and taking it to another
// drive; whoever may write may restore it. mixed says that a
// folder holds what others have created.
func (s Scope) CanDelete(n *Node, mixed bool) error {
	return s.allowed(s.Rights.DeleteAny || s.Rights.Delete && n.CreatedBy == s.By && !mixed, PermitDelete)
}

// CanDeleteAny refuses deleting whatever there is, whoever created it.
func (s Scope) CanDeleteAny() error { return s.allowed(s.Rights.DeleteAny, PermitDelete) }

// allowed tells a script whether it is its key that does not allow something, or
// the role of who made the key.
func (s Scope) allowed(ok bool, permitted Permissions) error {
	if !ok && s.Credential.ByKey() && !s.Credential.APIKey.Permissions.Has(permitted) {
		return ErrKeyNotAllowed
	}
	return allowed(ok)
}

func allowed(ok bool) error {
	if ok {
		return nil
	}
	return ErrForbidden
}
