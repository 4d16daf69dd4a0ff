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
	f := newFixture(t)
	ana := f.signUp("ana", true)
	c := f.create(ana, "Acme")
	ben, _ := f.join(ana, c.Org.ID, "ben", core.OrgAdmin)
	eve, root := f.signUp("eve", true), f.signUp("root", true)
	f.must(f.store.Update(t.Context(), func(tx ports.Tx) error {
		u, err := tx.Users.Lock(t.Context(), root.UserID)
		f.must(err)
		u.Promote(true, f.clock.Now())
		return tx.Users.Save(t.Context(), u)
	}))
	restore := func(a core.Actor, id core.OrgID) error { return f.Restore(t.Context(), a, id) }
	f.want(restore(ana, c.Org.ID), core.ErrOrgLive)
	f.want(restore(ana, ana.ActiveOrg), core.ErrOrgLive)
	for _, again := range []core.Actor{ana, root} {
		f.must(f.Delete(t.Context(), ana, c.Org.ID, 0))
		f.want(f.sees(ana, c.Org.ID), core.ErrNotFound)
		for _, a := range []core.Actor{ben, eve} {
			f.want(restore(a, c.Org.ID), core.ErrNotFound)
			list, err := f.List(t.Context(), a, ports.OrgPage{Limit: 10, Deleted: true})
			if f.must(err); len(list) != 0 {
				t.Errorf("deleted orgs of a stranger: %+v", list)
			}
		}
		list, err := f.List(t.Context(), ana, ports.OrgPage{Limit: 10, Deleted: true})
		if f.must(err); len(list) != 1 || list[0].Org.ID != c.Org.ID {
			t.Errorf("deleted orgs: %+v", list)
		}
		f.must(restore(again, c.Org.ID))
		f.must(f.sees(ana, c.Org.ID))
		f.must(f.sees(ben, c.Org.ID))
	}
	entries, err := f.AuditLog(t.Context(), ana, ports.AuditQuery{OrgID: c.Org.ID, Action: "org.restored", Limit: 10})
	f.must(err)
	if len(entries) != 2 || entries[1].ActorEmail != "ana@example.com" || entries[0].ActorKind != core.ActorSystem || entries[0].ActorEmail != "" {
		t.Errorf("%+v", entries)
	}
	f.want(restore(ana, core.OrgID(f.ids.NewID())), core.ErrNotFound)
	f.must(f.Delete(t.Context(), ana, c.Org.ID, 0))
	f.clock.shift(retention)
	f.want(restore(ana, c.Org.ID), core.ErrOrgDeleted)
	f.want(restore(root, c.Org.ID), core.ErrOrgDeleted)
}

func TestPurge(t *testing.T) {
	f := newFixture(t)
	ana := f.signUp("ana", true)
	kept, gone, later := f.create(ana, "Kept"), f.create(ana, "Gone"), f.create(ana, "Later")
	f.join(ana, gone.Org.ID, "ben", core.OrgMember)
	f.must(f.Delete(t.Context(), ana, gone.Org.ID, 0))
	f.clock.shift(time.Hour)
	f.must(f.Delete(t.Context(), ana, later.Org.ID, 0))
	id := core.AssetID(f.ids.NewID())
	f.must(f.store.Update(t.Context(), func(tx ports.Tx) error { // what was on its way when it was deleted
		o, err := tx.Orgs.Get(t.Context(), gone.Org.ID)
		f.must(err)
		o.DeletedAt = time.Time{}
		o.Version++
		f.must(tx.Orgs.Save(t.Context(), o))
		now := f.clock.Now()
		_, ok, err := tx.Quota.Reserve(t.Context(), ports.Reservation{
			Actor: ana, Now: now, Upload: &core.Upload{
				ID: core.UploadID(f.ids.NewID()), OrgID: gone.Org.ID, AssetID: id, Number: 1, BlobKey: "key", SizeBytes: 3,
				Strategy: core.UploadMultipart, StoreID: "multipart", CreatedAt: now, CheckAt: now, ExpiresAt: now,
			},
			NewAsset: &core.Asset{Node: core.Node{ID: id, OrgID: gone.Org.ID, Name: "a", Kind: core.KindAsset}, File: core.File{SizeBytes: 3}},
		})
		if f.must(err); !ok {
			t.Error("not reserved")
		}
		o.DeletedAt = now.Add(-time.Hour)
		o.Version++
		return tx.Orgs.Save(t.Context(), o)
	}))
	f.post.jobs = nil
	f.clock.shift(retention - time.Hour - 1)
	f.must(f.Purge(t.Context(), org.Purge{}))
	f.must(f.Restore(t.Context(), ana, gone.Org.ID))
	f.must(f.Delete(t.Context(), ana, gone.Org.ID, 0))
	f.clock.shift(retention)
	for range 2 { // the second finds nothing
		f.must(f.Purge(t.Context(), org.Purge{}))
	}
	f.must(f.sees(ana, kept.Org.ID))
	f.must(f.store.View(t.Context(), func(tx ports.Tx) error {
		for _, id := range []core.OrgID{gone.Org.ID, later.Org.ID} {
			_, err := tx.Orgs.Get(t.Context(), id)
			f.want(err, core.ErrNotFound)
		}
		return nil
	}))
	var keys []string
	var parts []ports.Multipart
	for _, j := range f.post.jobs {
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
	f.want(err, core.ErrSlugTaken)
}
