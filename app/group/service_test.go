package group_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/group"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// kept is how long the fixture keeps deleted groups.
const kept = 24 * time.Hour

// top is where a group is that is in no other.
var top core.GroupID

// person is somebody of the org.
type person struct {
	actor   core.Actor
	account core.AccountID
	drive   core.DriveID
	org     core.OrgID
}

// world is an org with its owner, two members and a viewer.
type world struct {
	*fixture.World
	*group.Service

	orgs               *org.Service
	drives             *drive.Service
	org                core.OrgID
	library            core.DriveID
	ana, mia, max, vic person
	logged, told       int // entries and events that a test has looked at
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: fixture.New(t, true)}
	w.Service = w.service(true)
	w.orgs = org.NewService(org.Deps{
		Store: w.Store, Access: w.Store, Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text, Zones: system.Zones{},
	}, org.Options{LinkURL: "https://coffer.example", Retention: kept})
	w.drives = drive.NewService(drive.Deps{
		Store: w.Store, Access: w.Store, Blobs: w.Blobs, Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text,
	}, drive.Options{Unlimited: true, TrashRetention: kept, ChangeRetention: kept})
	now := w.Clock.Now()
	o := core.NewOrg(core.OrgID(w.IDs.NewID()), "Acme", "acme", now)
	library := core.NewLibrary(core.DriveID(w.IDs.NewID()), o.ID, now)
	w.org, w.library = o.ID, library.ID
	w.Write(func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(w.Context(), o, library.ID), tx.Drives.Add(w.Context(), library))
	})
	w.ana, w.mia, w.max, w.vic = w.joins("ana", core.OrgOwner), w.joins("mia", core.OrgMember), w.joins("max", core.OrgMember), w.joins("vic", core.OrgViewer)
	t.Cleanup(w.sound)
	return w
}

// service is one with or without the limits of licences.
func (w *world) service(unlimited bool) *group.Service {
	return group.NewService(group.Deps{
		Store: w.Store, Access: w.Store, Groups: w.Store, Blobs: w.Blobs, Secrets: w.Secrets, Passwords: plain{}, Clock: w.Clock, IDs: w.IDs,
		Text: w.Text,
	}, group.Options{Unlimited: unlimited, TrashRetention: kept})
}

// sound checks every invariant of what is stored.
func (w *world) sound() {
	w.Helper()
	now := w.Clock.Now()
	for v, err := range w.Store.Violations(context.Background(), now, now.Add(-kept)) {
		w.Errorf("%s: %s %s, %v", v.Invariant, v.Subject, v.Detail, err)
	}
}

// joins makes a person of the org.
func (w *world) joins(name string, role core.OrgRole) person {
	w.Helper()
	now := w.Clock.Now()
	p := w.SignUp(name)
	account := core.NewOwner(core.AccountID(w.IDs.NewID()), w.org, p.User.ID, now)
	account.Role = role
	personal := core.NewPersonalDrive(core.DriveID(w.IDs.NewID()), w.org, account.ID, now)
	w.Write(func(tx ports.Tx) error {
		return errors.Join(tx.Accounts.Add(w.Context(), account), tx.Drives.Add(w.Context(), personal))
	})
	p.Actor.ActiveOrg = w.org
	return person{p.Actor, account.ID, personal.ID, w.org}
}

// stranger makes a person of another org.
func (w *world) stranger(name string) person {
	w.Helper()
	p := w.SignUp(name)
	return person{p.Actor, p.Account.ID, p.Drive.ID, p.Org.ID}
}

// makes makes a group of that name.
func (w *world) makes(p person, name string, parent core.GroupID) core.GroupID {
	w.Helper()
	g, err := w.Create(w.Context(), p.actor, group.Input{GroupChange: core.GroupChange{Name: name, ParentID: parent}})
	w.Must(err)
	return g.ID
}

// replaces replaces all of a group, which has nothing but what c says then.
func (w *world) replaces(p person, id core.GroupID, c core.GroupChange) error {
	_, err := w.Update(w.Context(), p.actor, id, c, 0)
	return err
}

func (w *world) sees(p person, id core.GroupID) error {
	_, err := w.Get(w.Context(), p.actor, id)
	return err
}

// permits sets the rows of a group.
func (w *world) permits(p person, id core.GroupID, rows ...core.GroupPermission) {
	w.Helper()
	_, err := w.SetPermissions(w.Context(), p.actor, id, rows)
	w.Must(err)
}

// file stores a file that is ready.
func (w *world) file(p person, in core.DriveID, name, kind string) core.AssetID {
	w.Helper()
	now, id := w.Clock.Now(), core.AssetID(w.IDs.NewID())
	a := &core.Asset{
		Node: core.Node{
			ID: id, OrgID: p.org, DriveID: in, ParentID: core.RootOf(in), Kind: core.KindAsset, Name: name, CreatedBy: p.account, Version: 1,
			CreatedAt: now, UpdatedAt: now,
		},
		File: core.File{Status: core.AssetPending, ContentType: kind, SizeBytes: 1, Newest: 1},
	}
	u := &core.Upload{
		ID: core.UploadID(w.IDs.NewID()), OrgID: p.org, DriveID: in, AssetID: id, Number: 1, BlobKey: core.BlobKey(p.org, id, 1, name),
		ContentType: kind, SizeBytes: 1, Strategy: core.UploadSingle, CreatedBy: p.account, CreatedAt: now, CheckAt: now, ExpiresAt: now.Add(time.Hour),
	}
	w.Write(func(tx ports.Tx) error {
		_, _, err := tx.Quota.Reserve(w.Context(), ports.Reservation{Actor: p.actor, Upload: u, NewAsset: a, Unlimited: true, Now: now})
		return err
	})
	w.Write(func(tx ports.Tx) error {
		ctx := w.Context()
		a, err := tx.Assets.Get(ctx, p.org, id)
		if err != nil {
			return err
		}
		v := &core.Version{AssetID: id, OrgID: p.org, Number: 1, BlobKey: u.BlobKey, ContentType: kind, SizeBytes: 1, UploadID: u.ID, CreatedBy: p.account, CreatedAt: now}
		a.Finish(v, now)
		_, _, err = tx.Uploads.Finish(ctx, p.org, time.Time{}, u.ID)
		return errors.Join(tx.Versions.Add(ctx, v), tx.Assets.Save(ctx, a), err)
	})
	return id
}

// files stores texts in the library.
func (w *world) files(names ...string) (ids []core.AssetID) {
	w.Helper()
	for _, name := range names {
		ids = append(ids, w.file(w.ana, w.library, name, "text/plain"))
	}
	return ids
}

// trashes puts a node of a drive into the trash, or removes it for good.
func (w *world) trashes(p person, in core.DriveID, id core.NodeID, permanent bool) {
	w.Helper()
	scope, err := w.drives.Enter(w.Context(), p.actor, in)
	w.Must(err)
	w.Must(w.drives.Delete(w.Context(), scope, id, permanent, 0))
}

// all is what the log and the events have of groups, oldest first.
func (w *world) all() (log []*core.AuditEntry, events []*core.Event) {
	w.Helper()
	w.Read(func(tx ports.Tx) (err error) {
		if log, err = tx.Audit.List(w.Context(), ports.AuditQuery{OrgID: w.org, Action: "group.", Limit: 1_000}); err != nil {
			return err
		}
		events, err = tx.Events.List(w.Context(), w.org, core.EventID{}, 1_000)
		return err
	})
	slices.Reverse(log)
	return log, events
}

// did compares what was logged and told since the last call with what is wanted,
// by their names, and returns it.
func (w *world) did(actions, types string) ([]*core.AuditEntry, []*core.Event) {
	w.Helper()
	log, events := w.all()
	log, events, w.logged, w.told = log[w.logged:], events[w.told:], len(log), len(events)
	var a, t []string
	for _, e := range log {
		a = append(a, e.Action)
	}
	for _, e := range events {
		t = append(t, e.Type)
	}
	if strings.Join(a, " ") != actions || strings.Join(t, " ") != types {
		w.Fatalf("logged %v, told %v; want %s and %s", a, t, actions, types)
	}
	return log, events
}

// state writes down all that is stored of groups, and was said of them.
func (w *world) state() string {
	w.Helper()
	log, events := w.all()
	text := fmt.Sprintln(len(log), len(events))
	w.Read(func(tx ports.Tx) error {
		ctx := w.Context()
		entries, err := tx.GroupTrees.Entries(ctx, w.org, w.ana.account, core.OrgOwner, true)
		if err != nil {
			return err
		}
		for _, e := range entries {
			g, failed := tx.Groups.Get(ctx, w.org, e.ID)
			rows, rowsFailed := tx.GroupPermissions.List(ctx, e.ID)
			q := ports.GroupAssetQuery{GroupID: e.ID, Order: core.GroupOrder{Sort: core.GroupByCustom}, Hidden: true, Limit: 2_000}
			files, filesFailed := tx.GroupAssets.List(ctx, q)
			if err := errors.Join(failed, rowsFailed, filesFailed); err != nil {
				return err
			}
			text += fmt.Sprintf("%+v %+v\n", *g, rows)
			for i := range files {
				text += fmt.Sprintf("%+v %+v\n", files[i].GroupAsset, files[i].At)
			}
		}
		usage, err := tx.Orgs.Usage(ctx, w.org)
		text += fmt.Sprint(usage.Groups)
		return err
	})
	return text
}

// refused reports what fails otherwise than wanted, or leaves a trace.
func (w *world) refused(want error, do func() error) {
	w.Helper()
	before := w.state()
	w.Fails(do(), want)
	if after := w.state(); after != before {
		w.Errorf("refused, and yet\n%s\nbecame\n%s", before, after)
	}
}

// invalid is refused, for one field.
func (w *world) invalid(location string, do func() error) {
	w.Helper()
	var err error
	w.refused(&core.Error{Code: "validation_failed"}, func() error { err = do(); return err })
	if e, ok := errors.AsType[*core.Error](err); !ok || len(e.Fields) != 1 || e.Fields[0].Location != location {
		w.Errorf("%+v, want one of %s", err, location)
	}
}

// licensed gives the org a licence of its own.
func (w *world) licensed(name string, groups, files int64, features ...core.Feature) {
	w.Helper()
	l := &core.License{Name: name, Version: 1, Features: features, Limits: core.UnlimitedLicense().Limits}
	l.Limits.MaxGroups, l.Limits.MaxAssetsPerGroup = groups, files
	w.Write(func(tx ports.Tx) error {
		if err := tx.Licenses.Add(w.Context(), l); err != nil {
			return err
		}
		return tx.Licenses.Assign(w.Context(), ports.LicenseAssignment{ID: w.IDs.NewID(), OrgID: w.org, License: name, Now: w.Clock.Now()})
	})
}

func TestAGroupIsMadeWithAllThatItHas(t *testing.T) {
	w := newWorld(t)
	picture := w.file(w.mia, w.mia.drive, "harbour.png", "image/png")
	made, err := w.Create(t.Context(), w.mia.actor, group.Input{OrgID: w.org, GroupChange: core.GroupChange{
		Name: " Summer ", Description: "two\nlines", CoverAssetID: picture, IsPublic: true,
		Metadata: core.Metadata{Tags: []string{"sea"}, CustomFields: map[string]any{"year": 2026.0}},
		Order:    core.GroupOrder{Sections: []string{"first", " second "}},
	}})
	w.Must(err)
	if made.Name != "Summer" || made.Version != 1 || made.OwnerID != w.mia.account || made.CreatedBy != w.mia.account || made.CoverURL == "" {
		t.Errorf("%+v", made)
	}
	if want := (core.GroupOrder{Sections: []string{"first", "second"}, Sort: core.GroupByName, Layout: core.GroupGrid}); !reflect.DeepEqual(made.Order, want) {
		t.Errorf("order %+v", made.Order)
	}
	// Whoever views the group sees its cover, though mia's drive is hers alone.
	seen, err := w.Get(t.Context(), w.vic.actor, made.ID)
	w.Must(err)
	if !reflect.DeepEqual(seen.Group, made.Group) || seen.CoverURL == "" {
		t.Errorf("%+v, want %+v", seen, made)
	}
	log, events := w.did("group.created", "group.created")
	if e := log[0]; e.ActorID != w.mia.account || e.TargetKind != "group" || e.TargetID != made.ID.String() {
		t.Errorf("%+v", e)
	}
	if d := events[0].Data; d["group_id"] != made.ID.String() || d["name"] != "Summer" || d["parent_id"] != nil || d["is_public"] != true {
		t.Errorf("%v", d)
	}
	w.trashes(w.mia, w.mia.drive, picture, false)
	seen, err = w.Get(t.Context(), w.vic.actor, made.ID)
	if w.Must(err); seen.CoverURL != "" || seen.CoverAssetID != picture { // it comes back with the picture
		t.Errorf("a cover in the trash: %+v", seen)
	}
}

func TestAGroupIsNotMadeByJustAnybody(t *testing.T) {
	w := newWorld(t)
	zoe := w.stranger("zoe")
	makes := func(a core.Actor) func() error {
		return func() error {
			_, err := w.Create(t.Context(), a, group.Input{OrgID: w.org, GroupChange: core.GroupChange{Name: "g"}})
			return err
		}
	}
	w.refused(core.ErrForbidden, makes(w.vic.actor))
	w.refused(core.ErrNotFound, makes(zoe.actor))
	w.refused(core.ErrUnauthenticated, makes(core.Actor{Kind: core.ActorAccount, UserID: w.ana.actor.UserID}))
	w.refused(core.ErrKeyNotAllowed, makes(core.Actor{Kind: core.ActorAPIKey}))
	w.Fails(w.sees(person{actor: core.Actor{Kind: core.ActorAPIKey}}, w.makes(w.ana, "g", top)), core.ErrKeyNotAllowed)
}

func TestWhatAGroupCannotHave(t *testing.T) {
	w := newWorld(t)
	id := w.makes(w.mia, "g", top)
	zoe := w.stranger("zoe")
	foreign := w.makes(zoe, "foreign", top)
	text, trashed := w.files("a")[0], w.file(w.mia, w.library, "b.png", "image/png")
	w.trashes(w.mia, w.library, trashed, false)
	unseen := w.makes(w.ana, "unseen", top)
	for _, c := range []struct {
		location string
		of       core.GroupChange
	}{
		{"body.name", core.GroupChange{}},
		{"body.description", core.GroupChange{Name: "g", Description: "\x00"}},
		{"body.organisation.sections[1]", core.GroupChange{Name: "g", Order: core.GroupOrder{Sections: []string{"a", "a "}}}},
		{"body.cover_asset_id", core.GroupChange{Name: "g", CoverAssetID: text}},
		{"body.cover_asset_id", core.GroupChange{Name: "g", CoverAssetID: trashed}},
		{"body.cover_asset_id", core.GroupChange{Name: "g", CoverAssetID: w.file(w.ana, w.ana.drive, "c.png", "image/png")}},
		{"body.cover_asset_id", core.GroupChange{Name: "g", CoverAssetID: w.file(zoe, zoe.drive, "d.png", "image/png")}},
		{"body.cover_asset_id", core.GroupChange{Name: "g", CoverAssetID: core.AssetID(w.IDs.NewID())}},
		{"body.parent_id", core.GroupChange{Name: "g", ParentID: foreign}},
		{"body.parent_id", core.GroupChange{Name: "g", ParentID: unseen}},
		{"body.parent_id", core.GroupChange{Name: "g", ParentID: core.GroupID(w.IDs.NewID())}},
	} {
		w.invalid(c.location, func() error {
			_, err := w.Create(t.Context(), w.mia.actor, group.Input{GroupChange: c.of})
			return err
		})
		w.invalid(c.location, func() error { return w.replaces(w.mia, id, c.of) })
	}
}

func TestARequestWithAKeyIsCarriedOutOnce(t *testing.T) {
	w := newWorld(t)
	once := func(key, request string) *app.Once {
		return &app.Once{Scope: "mia", Key: key, Request: []byte(request), Status: 201, Encode: json.Marshal}
	}
	makes := func(o *app.Once) (group.Group, error) {
		return w.Create(t.Context(), w.mia.actor, group.Input{GroupChange: core.GroupChange{Name: "g"}, Once: o})
	}
	made, err := makes(once("1", "r"))
	w.Must(err)
	again := func(do func() error) (answer string) {
		before := w.state()
		replay, ok := errors.AsType[*app.Replay](do())
		if !ok || replay.Status != 201 || w.state() != before {
			t.Fatalf("not answered as before: %+v", replay)
		}
		return string(replay.Answer)
	}
	if got := again(func() error { _, err := makes(once("1", "r")); return err }); !strings.Contains(got, made.ID.String()) {
		t.Error(got)
	}
	w.refused(core.ErrIdempotencyConflict, func() error { _, err := makes(once("1", "other")); return err })
	file := w.files("a")[0]
	adds := func() error {
		in := group.AssetInput{GroupID: made.ID, AssetID: file, Once: once("2", "r")}
		_, err := w.AddAsset(t.Context(), w.mia.actor, in)
		return err
	}
	w.Must(adds())
	again(adds)
}
