package share

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Visit is somebody who has come with a link's token.
type Visit struct {
	Token   string
	Access  string     // what Unlock returned: X-Share-Access, or the page's cookie
	Actor   core.Actor // zero: nobody signed in
	From    core.Client
	Referer string
	Quiet   bool         // see core.Approach: counts and logs nothing, and is shown nothing that would count
	Resume  string       // what an earlier Download returned, from a client that goes on with it
	Group   core.GroupID // of a link of a group: the one nested in it that they look at; zero: that
}

// Looked is what may be told of a link.
type Looked struct {
	Kind          core.ShareKind
	OfGroup       bool
	OrgName       string
	Branding      core.Branding
	NeedsPassword bool
	NeedsSignIn   bool
	Open          bool // this visitor may open it; only then the rest is filled in

	Target            ports.Entry       // a file or a folder
	Group             *core.SharedGroup // of a link of a group, in place of a target
	AllowDownload     bool
	AllowPreview      bool // see Preview
	AllowViewMetadata bool
	Watermark         bool             // files carry the visitor's mark
	Request           core.FileRequest // of a file request
	ExpiresAt         time.Time        // zero: no end
}

// arrival is a visit with what decides about it.
type arrival struct {
	visit Visit
	facts core.ShareFacts
	who   core.Visitor
	now   time.Time
}

// arrive finds a visit's link, and the file of its group that the visit is for
// (zero: none). Unknown and malformed tokens are core.ErrNotFound, and nobody can
// tell them apart.
func (s *Service) arrive(ctx context.Context, v Visit, file core.AssetID) (*arrival, error) {
	hash, err := core.ParseShareToken(v.Token)
	if err != nil {
		return nil, err
	}
	if v.Actor.Kind != core.ActorAccount {
		v.Actor = core.Actor{} // a link is for people
	}
	at := &arrival{visit: v, now: s.clock.Now()}
	var account core.AccountID
	if at.facts, account, err = s.hot.ForShare(ctx, ports.ShareQuery{Hash: hash, Visitor: v.Actor, Group: v.Group, Asset: file}); err != nil {
		return nil, err
	}
	at.who = core.Visitor{Address: v.From.Address, AccountID: account, Password: s.shown(v.Access, &at.facts, at.now)}
	return at, nil
}

// Look returns what a link is and what it needs. It counts nothing. A link that
// needs its password or somebody signed in is no error, one that has ended or
// is for others is; unknown and malformed tokens are core.ErrNotFound.
func (s *Service) Look(ctx context.Context, v Visit) (Looked, error) {
	_, l, err := s.look(ctx, v)
	return l, err
}

func (s *Service) look(ctx context.Context, v Visit) (*arrival, Looked, error) {
	at, err := s.arrive(ctx, v, core.AssetID{})
	if err != nil {
		return nil, Looked{}, err
	}
	kind := core.AccessView
	if at.facts.Link.Kind == core.ShareUpload {
		kind = core.AccessUpload
	}
	err = core.CanOpen(at.facts, at.who, at.now)
	if err == nil && at.facts.Link.Exhausted(kind) {
		err = core.ErrShareExhausted
	}
	if err == nil {
		err = at.inGroup()
	}
	if err != nil && !errors.Is(err, core.ErrSharePassword) && !errors.Is(err, core.ErrShareSignIn) {
		return nil, Looked{}, s.refuse(ctx, at, kind, core.NodeID{}, err)
	}
	l := at.looked(err == nil)
	return at, l, nil
}

// inGroup refuses a group that is not that of the link, nor nested in it.
func (a *arrival) inGroup() error {
	if a.facts.Link.OfGroup() && a.facts.Group.Group.ID.IsZero() {
		return core.ErrNotFound
	}
	return nil
}

func (a *arrival) looked(open bool) Looked {
	l := &a.facts.Link
	out := Looked{
		Kind: l.Kind, OfGroup: l.OfGroup(), OrgName: a.facts.OrgName, Branding: a.facts.Branding,
		NeedsPassword: a.facts.Password().Hash != "" && a.who.Password != a.facts.Password().Version,
		NeedsSignIn:   len(l.Accounts) > 0 && a.who.AccountID.IsZero(),
		Open:          open,
	}
	if !open {
		return out
	}
	out.ExpiresAt = l.ExpiresAt
	if l.Kind == core.ShareUpload { // nothing of the folder but its name is anybody's business
		out.Target.Node.Kind, out.Target.Node.Name, out.Request = a.facts.Node.Kind, a.facts.Node.Name, l.Request
		return out
	}
	if l.OfGroup() {
		out.Group = new(a.facts.Group)
	} else {
		out.Target = ports.Entry{Node: a.facts.Node, File: a.facts.File}
	}
	out.AllowDownload, out.AllowPreview, out.AllowViewMetadata = l.AllowDownload, l.AllowsPreview(), l.AllowViewMetadata
	out.Watermark = l.Watermark
	out.Hide(&out.Target)
	if out.Group != nil && !l.AllowViewMetadata {
		out.Group.Group.Metadata = core.Metadata{}
	}
	return out
}

// Hide removes what the link does not show of a node: metadata, where it is
// hidden, and the checksum of a file of which only marked copies are handed out;
// and what shows what is in a file, where that may not be seen.
func (l *Looked) Hide(e *ports.Entry) {
	if !l.AllowViewMetadata {
		e.Node.CreatedBy, e.Node.CreatedAt, e.Node.UpdatedAt = core.AccountID{}, time.Time{}, time.Time{}
		e.File.SHA256, e.File.Metadata = nil, core.Metadata{}
	}
	if l.Watermark {
		e.File.SHA256 = nil
	}
	switch p := e.File.Preview; {
	case p == nil:
	case l.Watermark, !l.AllowPreview: // a picture of a file shows what is in it
		e.File.Preview = nil
	default: // what it measures, and what went wrong, is not part of the picture
		e.File.Preview = &core.Preview{Status: p.Status, Thumbnail: p.Thumbnail, Placeholder: p.Placeholder}
	}
}

// Enter lets a visitor into a download link: to what is below its target.
// folder is the one they want to see (zero: the target). With kind
// core.AccessView it counts a view if that is the target, or if the target is a
// file; empty counts nothing, for further pages. Folders below the target count
// nothing either way. Of a quiet visit the scope allows nothing.
func (s *Service) Enter(ctx context.Context, v Visit, folder core.NodeID, kind core.AccessKind) (core.Scope, Looked, error) {
	at, err := s.openDrive(ctx, v, core.AccessView, folder)
	if err != nil {
		return core.Scope{}, Looked{}, err
	}
	target := &at.facts.Node
	top := folder.IsZero() || folder == target.ID
	sc := at.facts.ScopeOf()
	if !top {
		if err := s.within(ctx, sc, folder); err != nil {
			return core.Scope{}, Looked{}, s.refuse(ctx, at, core.AccessView, folder, err)
		}
	}
	if kind == core.AccessView && top {
		if err := s.count(ctx, at, core.AccessView, core.NodeID{}); err != nil {
			return core.Scope{}, Looked{}, err
		}
	}
	if v.Quiet {
		sc.Rights = core.Rights{}
	}
	return sc, at.looked(true), nil
}

// openDrive is open for what only a link into a drive leads to.
func (s *Service) openDrive(ctx context.Context, v Visit, kind core.AccessKind, node core.NodeID) (*arrival, error) {
	at, err := s.open(ctx, v, kind, node)
	if err == nil && at.facts.Link.OfGroup() {
		err = s.refuse(ctx, at, kind, node, core.ErrNotFound)
	}
	return at, err
}

// open refuses, and logs, a visit that may not use the link so.
func (s *Service) open(ctx context.Context, v Visit, kind core.AccessKind, node core.NodeID) (*arrival, error) {
	at, err := s.arrive(ctx, v, node)
	if err != nil {
		return nil, err
	}
	err = core.CanOpen(at.facts, at.who, at.now)
	if err == nil {
		err = core.CanUse(&at.facts.Link, kind)
	}
	if err == nil {
		err = at.inGroup()
	}
	if err != nil {
		return nil, s.refuse(ctx, at, kind, node, err)
	}
	return at, nil
}

// count counts and logs a use of the link, and tells its creator as they wish.
// A quiet visit is only told whether there is anything left.
func (s *Service) count(ctx context.Context, at *arrival, kind core.AccessKind, node core.NodeID) error {
	if at.visit.Quiet {
		if at.facts.Link.Exhausted(kind) {
			return core.ErrShareExhausted
		}
		return nil
	}
	a := s.access(at, kind, node)
	if err := s.recognise(ctx, at, a); err != nil {
		return err
	}
	granted, before, err := s.hot.Visit(ctx, a)
	switch {
	case err != nil:
		return err
	case !granted:
		return core.ErrShareExhausted
	}
	return s.tell(ctx, at, a, before)
}

// refuse logs a refusal and returns it. What is no refusal is not logged.
func (s *Service) refuse(ctx context.Context, at *arrival, kind core.AccessKind, node core.NodeID, why error) error {
	e, ok := errors.AsType[*core.Error](why)
	if !ok || e.Kind == core.KindInternal || e.Kind == core.KindUnavailable || at.visit.Quiet {
		return why
	}
	a := s.access(at, kind, node)
	a.Refused = e.Code
	if _, _, err := s.hot.Visit(ctx, a); err != nil {
		return err
	}
	return why
}

func (s *Service) access(at *arrival, kind core.AccessKind, node core.NodeID) *core.ShareAccess {
	l := &at.facts.Link
	a := core.ShareAccess{
		ID: core.AccessID(s.ids.NewID()), LinkID: l.ID, OrgID: l.OrgID, Kind: kind, NodeID: node, AccountID: at.who.AccountID,
		Address: s.opts.LogAddresses.Of(at.visit.From.Address), UserAgent: at.visit.From.UserAgent, Referer: at.visit.Referer, At: at.now,
	}
	if l.OfGroup() {
		if a.GroupID = at.visit.Group; a.GroupID.IsZero() {
			a.GroupID = l.GroupID
		}
	}
	return a.Clipped()
}
