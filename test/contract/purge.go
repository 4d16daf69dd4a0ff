package contract

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const retention = 30 * 24 * time.Hour

// closed stores a deleted org with one of everything, and returns it with all
// that is in the blob store of it.
func (s storeTest) closed(owner person, name string) (team, ports.Remains) {
	s.Helper()
	t := s.newTeam(owner, name)
	s.personal(t.owner)
	in := owner
	in.org, in.account, in.drive = t.org, t.owner, t.library
	var all ports.Remains
	var grouped core.AssetID
	for i := range 5 {
		r := s.reserve(in, fmt.Sprintf("file%d", i), 10)
		all.BlobKeys = append(all.BlobKeys, r.Upload.BlobKey)
		switch i {
		case 0: // stays pending
			all.BlobKeys = append(all.BlobKeys, r.Upload.StagingKey, r.Upload.SourceKey)
			all.Multiparts = append(all.Multiparts, ports.Multipart{Key: r.Upload.BlobKey, UploadID: r.Upload.StoreID, StartedAt: noon})
		case 1: // with a second version on its way
			s.finish(r)
			more := s.next(in, r, 2, 5)
			_, _, err := s.Hot.Reserve(s.Context(), more)
			s.must(err)
			all.BlobKeys = append(all.BlobKeys, more.Upload.BlobKey, more.Upload.StagingKey, more.Upload.SourceKey)
			all.Multiparts = append(all.Multiparts, ports.Multipart{Key: more.Upload.BlobKey, UploadID: more.Upload.StoreID, StartedAt: noon})
		default:
			grouped = s.finish(r).ID
		}
	}
	for _, kind := range []core.ProductType{core.Digital, core.Membership} {
		s.buy(owner, s.product(in, kind, s.folder(in, in.root(), string(kind)).ID))
	}
	group := s.group(in, name, core.GroupID{})
	s.must(s.permit(s.group(in, "nested", group.ID), core.GroupPermission{AccountID: t.owner.ID, Rights: core.AllGroupRights}))
	s.must(s.addToGroup(in, group, core.Unlimited, grouped))
	for range 3 {
		link := s.share(in, in.root(), nil)
		for range 3 {
			s.granted(link, core.AccessView, true)
		}
	}
	link := s.shareGroup(in, group, nil)
	for range 3 {
		s.granted(link, core.AccessView, true)
	}
	hook := s.webhook(in)
	for range 5 {
		s.deliver(hook)
	}
	report := s.report(in)
	for i := range 5 {
		s.planned(report, noon.Add(time.Duration(i)*time.Hour))
	}
	open := s.invitation(t, name+"@invited.example")
	s.must(s.addAccount(open))
	s.update(func(tx ports.Tx) error {
		for range 5 {
			s.must(tx.Audit.Add(s.Context(), &core.AuditEntry{
				ID: core.AuditID(s.id()), OrgID: t.org.ID, ActorKind: core.ActorSystem, Action: "test.done", Changes: map[string]core.Change{}, At: noon,
			}))
		}
		s.must(tx.Licenses.Assign(s.Context(), ports.LicenseAssignment{ID: s.id(), OrgID: t.org.ID, License: "pro", Now: noon}))
		return tx.Tickets.Add(s.Context(), &core.Ticket{
			Hash: []byte(name), Kind: core.Invitation, AccountID: open.ID, OrgID: t.org.ID, Email: open.InvitedEmail, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
		})
	})
	s.deleteOrg(t)
	return t, all
}

// step is one unit of work of a purge, as the application does it.
func (s storeTest) step(id core.OrgID, limit int) (left ports.Remains, done bool, err error) {
	err = s.Update(s.Context(), func(tx ports.Tx) error {
		o, err := tx.Purges.Lock(s.Context(), id)
		if err != nil {
			return err
		}
		before := o.Version
		if !o.Purge(retention, noon.Add(retention+time.Hour)) {
			done = true
			return nil
		}
		if o.Version != before {
			return tx.Orgs.Save(s.Context(), o)
		}
		left, done, err = tx.Purges.Step(s.Context(), id, limit)
		return err
	})
	return left, done, err
}

func add(all *ports.Remains, left ports.Remains) {
	all.BlobKeys = append(all.BlobKeys, left.BlobKeys...)
	all.Multiparts = append(all.Multiparts, left.Multiparts...)
}

// same compares what two purges leave, in any order.
func (s storeTest) same(got, want ports.Remains) {
	s.Helper()
	for _, r := range []ports.Remains{got, want} {
		slices.Sort(r.BlobKeys)
		slices.SortFunc(r.Multiparts, func(a, b ports.Multipart) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	}
	s.equal(got, want)
}

// purgedPieceByPiece: whatever piece is the last before a crash, what is left is
// in order; in the end nothing is left but the slug, and nobody else has lost
// anything.
func purgedPieceByPiece(s storeTest) {
	ana := s.signUp("ana")
	kept, _ := s.closed(ana, "kept")
	t, want := s.closed(ana, "team")
	var got ports.Remains
	steps := 0
	for done := false; !done && !s.Failed(); steps++ {
		left, gone, err := s.step(t.org.ID, 2)
		s.must(err)
		add(&got, left)
		done = gone
		s.sound()
	}
	s.Logf("%d steps", steps)
	s.same(got, want)
	_, _, err := s.step(t.org.ID, 2)
	s.wantErr(err, core.ErrNotFound)
	s.view(func(tx ports.Tx) error {
		_, err := tx.Orgs.Get(s.Context(), t.org.ID)
		s.wantErr(err, core.ErrNotFound)
		log, err := tx.Audit.List(s.Context(), ports.AuditQuery{OrgID: t.org.ID, Limit: 10})
		s.must(err)
		s.equal(len(log), 0)
		unknown, err := tx.Versions.Unknown(s.Context(), slices.Clone(want.BlobKeys))
		s.must(err)
		s.equal(len(unknown), len(want.BlobKeys))
		usage, err := tx.Orgs.Usage(s.Context(), kept.org.ID)
		s.equal(usage, core.OrgUsage{UsedBytes: 55, AssetsCount: 5, Members: 2, Products: 2, Groups: 2})
		return err
	})
	err = s.Update(s.Context(), func(tx ports.Tx) error {
		return tx.Orgs.Add(s.Context(), core.NewOrg(core.OrgID(s.id()), "New", t.org.Slug, noon), core.DriveID(s.id()))
	})
	s.wantErr(err, core.ErrSlugTaken)
}

// purgesRace: servers that purge one org at once hand out each blob once.
func purgesRace(s storeTest) {
	t, want := s.closed(s.signUp("ana"), "team")
	var mu sync.Mutex
	var got ports.Remains
	s.raceOf(racers, core.ErrNotFound, func(int) error {
		for {
			left, done, err := s.step(t.org.ID, 2)
			if err != nil {
				return err
			}
			mu.Lock()
			add(&got, left)
			mu.Unlock()
			if done {
				return nil
			}
		}
	})
	s.same(got, want)
	s.sound()
}

// restoreRacesPurge: either the org is back with all it had, or it goes.
func restoreRacesPurge(s storeTest) {
	ana := s.signUp("ana")
	for i := range 10 {
		t, want := s.closed(ana, fmt.Sprintf("team%d", i))
		var got ports.Remains
		s.raceOf(2, core.ErrOrgDeleted, func(n int) error {
			if n == 0 {
				for {
					left, done, err := s.step(t.org.ID, 100)
					add(&got, left)
					if done || err != nil {
						return err
					}
				}
			}
			return s.Update(s.Context(), func(tx ports.Tx) error {
				roster, err := tx.Accounts.Roster(s.Context(), t.org.ID)
				if errors.Is(err, core.ErrNotFound) {
					return core.ErrOrgDeleted
				}
				s.must(err)
				o, err := tx.Orgs.Get(s.Context(), t.org.ID)
				s.must(err)
				return errors.Join(o.Restore(roster, 2*retention, noon.Add(retention)), tx.Orgs.Save(s.Context(), o))
			})
		})
		s.view(func(tx ports.Tx) error {
			o, err := tx.Orgs.Get(s.Context(), t.org.ID)
			if err != nil {
				s.wantErr(err, core.ErrNotFound)
				s.same(got, want)
				return nil
			}
			s.equal(o.Deleted(), false)
			s.equal(got, ports.Remains{})
			return nil
		})
		s.sound()
		if s.Failed() {
			return
		}
	}
}

// purgesDue: orgs are due from their time on, or once their purge has begun;
// their owners find those that can be restored.
func purgesDue(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	live := s.newTeam(ana, "live")
	first, begun := s.newTeam(ana, "first"), s.newTeam(ana, "begun")
	s.joined(first, ben, core.OrgAdmin, core.AccountActive)
	first.org = s.deleteOrg(first)
	s.deleteOrg(begun)
	_, _, err := s.step(begun.org.ID, 1)
	s.must(err)
	deleted := first.org.DeletedAt
	s.view(func(tx ports.Tx) error {
		for _, c := range []struct {
			at    time.Time
			after core.OrgID
			limit int
			want  []core.OrgID
		}{
			{deleted, core.OrgID{}, 10, []core.OrgID{first.org.ID, begun.org.ID}},
			{deleted, core.OrgID{}, 1, []core.OrgID{first.org.ID}},
			{deleted, first.org.ID, 10, []core.OrgID{begun.org.ID}},
			{deleted.Add(-time.Microsecond), core.OrgID{}, 10, []core.OrgID{begun.org.ID}},
		} {
			got, err := tx.Purges.Due(s.Context(), c.at, c.after, c.limit)
			s.must(err)
			s.equal(got, c.want)
		}
		for who, want := range map[core.UserID][]ports.OrgEntry{
			ana.user.ID: {{Org: *first.org, AccountID: first.owner.ID, Role: core.OrgOwner}},
			ben.user.ID: {},
		} {
			got, err := tx.Orgs.ListOf(s.Context(), who, ports.OrgPage{Limit: 10, Deleted: true})
			s.must(err)
			s.equal(got, want)
		}
		got, err := tx.Orgs.ListOf(s.Context(), ana.user.ID, ports.OrgPage{Limit: 10, After: ana.org.ID})
		s.equal(got, []ports.OrgEntry{{Org: *live.org, AccountID: live.owner.ID, Role: core.OrgOwner}})
		return err
	})
}
