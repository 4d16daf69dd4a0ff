package share

import (
	"context"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// UploadInput describes a file that a visitor wants to send.
type UploadInput struct {
	Name        string
	ContentType string
	SizeBytes   int64
	SHA256      string // hex; empty: not declared
}

// Admitted is a visitor who may send one file: in the name of Actor, into that
// folder, by the use cases of files, which answer a name that is taken by
// another one. The visitor is not told which.
type Admitted struct {
	Actor    core.Actor
	OrgID    core.OrgID
	DriveID  core.DriveID
	ParentID core.NodeID
}

// errNoRoom does not tell visitors what is full, nor how full.
var errNoRoom = &core.Error{Kind: core.KindForbidden, Code: "limit_exceeded", Message: "there is no room for this file; ask whoever sent you the link"}

// BeginUpload counts a file for a file request. The handler hands what it
// returns to asset.Service.Create, and tells the visitor the UploadTicket.
func (s *Service) BeginUpload(ctx context.Context, v Visit, in UploadInput) (Admitted, error) {
	at, err := s.open(ctx, v, core.AccessUpload, core.NodeID{})
	if err != nil {
		return Admitted{}, err
	}
	if err := s.takes(at, in); err != nil {
		return Admitted{}, s.refuse(ctx, at, core.AccessUpload, core.NodeID{}, err)
	}
	out := admitted(at)
	if err := s.room(ctx, out, in.SizeBytes, at.now); err != nil {
		return Admitted{}, s.refuse(ctx, at, core.AccessUpload, core.NodeID{}, err)
	}
	return out, s.count(ctx, at, core.AccessUpload, core.NodeID{})
}

// takes refuses a file that cannot be stored or was not asked for.
func (s *Service) takes(at *arrival, in UploadInput) error {
	if _, err := core.CleanNodeName("body.name", in.Name, s.text.NFC); err != nil {
		return err
	}
	contentType, err := core.CleanContentType("body.content_type", in.ContentType)
	if err != nil {
		return err
	}
	return at.facts.Link.Request.Check(contentType, in.SizeBytes)
}

// room refuses a file that does not fit, before it is counted.
func (s *Service) room(ctx context.Context, to Admitted, size int64, now time.Time) error {
	f, err := s.hot.ForUpload(ctx, to.Actor, ports.UploadQuery{OrgID: to.OrgID, DriveID: to.DriveID, ParentID: to.ParentID, Now: now})
	if err != nil {
		return Hidden(err)
	}
	if s.opts.Unlimited {
		f.License = core.UnlimitedLicense()
	}
	return Hidden(core.CanUpload(f, size, 1))
}

func admitted(at *arrival) Admitted {
	l := &at.facts.Link
	return Admitted{
		Actor: core.Actor{Kind: core.ActorShareLink, Link: core.LinkRef{ID: l.ID, Hash: l.TokenHash}, At: at.now, From: at.visit.From},
		OrgID: l.OrgID, DriveID: l.DriveID, ParentID: l.NodeID,
	}
}

// Hidden returns an error of the use cases of files as a visitor may see it:
// who lacks which right and which limit is in the way is the org's business.
func Hidden(err error) error {
	e, ok := errors.AsType[*core.Error](err)
	switch {
	case !ok:
		return err
	case e.Code == errNoRoom.Code:
		return errNoRoom
	case e.Kind == core.KindForbidden, e.Kind == core.KindUnauthenticated, e.Kind == core.KindNotFound && !errors.Is(err, core.ErrUploadNotFound):
		return core.ErrShareUnavailable
	case errors.Is(err, core.ErrParentNotDir), errors.Is(err, core.ErrNodeTrashed), errors.Is(err, core.ErrTooDeep):
		return core.ErrShareUnavailable
	}
	return err
}

// UploadTicket proves that the upload was begun by this link and its present
// token.
func (s *Service) UploadTicket(to Admitted, u *core.Upload) string {
	const longer = 24 * time.Hour // completing twice is no error
	return s.ticket(begun(to.Actor.Link, u.AssetID, u.ID), u.ExpiresAt.Add(longer))
}

func begun(link core.LinkRef, asset core.AssetID, upload core.UploadID) statement {
	return statement{[]byte("share-upload"), link.ID[:], link.Hash[:], asset[:], upload[:]}
}

// CompleteUpload returns who completes the upload that a ticket was given for:
// the handler hands it to asset.Service.Complete, then calls Uploaded. Without
// such a ticket there is no such upload: core.ErrUploadNotFound.
func (s *Service) CompleteUpload(ctx context.Context, v Visit, asset core.AssetID, upload core.UploadID, ticket string) (Admitted, error) {
	at, err := s.open(ctx, v, core.AccessUpload, asset)
	if err != nil {
		return Admitted{}, err
	}
	out := admitted(at)
	if !s.holds(ticket, begun(out.Actor.Link, asset, upload), at.now) {
		return Admitted{}, s.refuse(ctx, at, core.AccessUpload, asset, core.ErrUploadNotFound)
	}
	return out, nil
}

// Uploaded tells the link's creator, if they wish it, of a file that has
// arrived whole. It may be called more than once.
func (s *Service) Uploaded(ctx context.Context, by Admitted, a *core.Asset) error {
	return s.enqueue(ctx, Notify{OrgID: by.OrgID, LinkID: by.Actor.Link.ID, Event: eventUpload, NodeID: a.Node.ID, Name: a.Name, At: s.clock.Now()})
}
