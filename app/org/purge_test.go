package org_test

import (
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func TestRestore(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	ben, _ := f.join(ana, c.Org.ID, "ben", core.OrgAdmin)
	eve, root := f.signUp("eve", true), f.signUp("root", true)
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error {
		u, err := tx.Users.Lock(t.Context(), root.UserID)
		f.Must(err)
		u.Promote(true, f.Clock.Now())
		return tx.Users.Save(t.Context(), u)
	}))
	restore := func(a core.Actor, id core.OrgID) error { return f.Restore(t.Context(), a, id) }
	f.Fails(restore(ana, c.Org.ID), core.ErrOrgLive)
	f.Fails(restore(ana, ana.ActiveOrg), core.ErrOrgLive)
	for _, again := range []core.Actor{ana, root} {
		f.Must(f.Delete(t.Context(), ana, c.Org.ID, 0))
		f.Fails(f.sees(ana, c.Org.ID), core.ErrNotFound)
		for _, a := range []core.Actor{ben, eve} {
			f.Fails(restore(a, c.Org.ID), core.ErrNotFound)
			list, err := f.List(t.Context(), a, ports.OrgPage{Limit: 10, Deleted: true})
			if f.Must(err); len(list) != 0 {
				t.Errorf("deleted orgs of a stranger: %+v", list)
			}
		}
		list, err := f.List(t.Context(), ana, ports.OrgPage{Limit: 10, Deleted: true})
		if f.Must(err); len(list) != 1 || list[0].Org.ID != c.Org.ID {
			t.Errorf("deleted orgs: %+v", list)
		}
		f.Must(restore(again, c.Org.ID))
		f.Must(f.sees(ana, c.Org.ID))
		f.Must(f.sees(ben, c.Org.ID))
	}
	entries, err := f.AuditLog(t.Context(), ana, ports.AuditQuery{OrgID: c.Org.ID, Action: "org.restored", Limit: 10})
	f.Must(err)
	if len(entries) != 2 || entries[1].ActorEmail != "ana@example.com" || entries[0].ActorKind != core.ActorSystem || entries[0].ActorEmail != "" {
		t.Errorf("%+v", entries)
	}
	f.Fails(restore(ana, core.OrgID(f.IDs.NewID())), core.ErrNotFound)
	f.Must(f.Delete(t.Context(), ana, c.Org.ID, 0))
	f.Clock.Shift(retention)
	f.Fails(restore(ana, c.Org.ID), core.ErrOrgDeleted)
	f.Fails(restore(root, c.Org.ID), core.ErrOrgDeleted)
}

func TestPurge(t *testing.T) {
	f := newWorld(t)
	ana := f.signUp("ana", true)
	kept, gone, later := f.create(ana, "Kept"), f.create(ana, "Gone"), f.create(ana, "Later")
	f.join(ana, gone.Org.ID, "ben", core.OrgMember)
	f.Must(f.Delete(t.Context(), ana, gone.Org.ID, 0))
	f.Clock.Shift(time.Hour)
	f.Must(f.Delete(t.Context(), ana, later.Org.ID, 0))
	id := core.AssetID(f.IDs.NewID())
	f.Must(f.Store.Update(t.Context(), func(tx ports.Tx) error { // what was on its way when it was deleted
		o, err := tx.Orgs.Get(t.Context(), gone.Org.ID)
		f.Must(err)
		o.DeletedAt = time.Time{}
		o.Version++
		f.Must(tx.Orgs.Save(t.Context(), o))
		now := f.Clock.Now()
		_, ok, err := tx.Quota.Reserve(t.Context(), ports.Reservation{
			Actor: ana, Now: now, Upload: &core.Upload{
				ID: core.UploadID(f.IDs.NewID()), OrgID: gone.Org.ID, AssetID: id, Number: 1, BlobKey: "key", SizeBytes: 3,
				Strategy: core.UploadMultipart, StoreID: "multipart", CreatedAt: now, CheckAt: now, ExpiresAt: now,
			},
			NewAsset: &core.Asset{Node: core.Node{ID: id, OrgID: gone.Org.ID, Name: "a", Kind: core.KindAsset}, File: core.File{SizeBytes: 3}},
		})
		if f.Must(err); !ok {
			t.Error("not reserved")
		}
		o.DeletedAt = now.Add(-time.Hour)
		o.Version++
		return tx.Orgs.Save(t.Context(), o)
	}))
	f.Queue.Take()
	f.Clock.Shift(retention - time.Hour - 1)
	f.Must(f.Purge(t.Context(), org.Purge{}))
	f.Must(f.Restore(t.Context(), ana, gone.Org.ID))
	f.Must(f.Delete(t.Context(), ana, gone.Org.ID, 0))
	f.Clock.Shift(retention)
	for range 2 { // the second finds nothing
		f.Must(f.Purge(t.Context(), org.Purge{}))
	}
	f.Must(f.sees(ana, kept.Org.ID))
	f.Must(f.Store.View(t.Context(), func(tx ports.Tx) error {
		for _, id := range []core.OrgID{gone.Org.ID, later.Org.ID} {
			_, err := tx.Orgs.Get(t.Context(), id)
			f.Fails(err, core.ErrNotFound)
		}
		return nil
	}))
	var keys []string
	var parts []ports.Multipart
	for _, j := range f.Queue.Take() {
		if _, ok := j.(app.EndSubscriptions); ok {
			continue
		}
		job, ok := j.(app.RemoveBlobs)
		if !ok {
			t.Fatalf("job %T", j)
		}
		keys, parts = append(keys, job.Keys...), append(parts, job.Multiparts...)
	}
	if len(keys) != 1 || keys[0] != "key" || len(parts) != 1 || parts[0].UploadID != "multipart" {
		t.Errorf("to remove: %v, %v", keys, parts)
	}
	_, err := f.Create(t.Context(), ana, org.CreateInput{Name: "x", Slug: gone.Org.Slug})
	f.Fails(err, core.ErrSlugTaken)
}
