package contract

import (
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (s storeTest) saveOrg(o *core.Org) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Orgs.Save(s.Context(), o) })
}

func (s storeTest) deleteOrg(t team) *core.Org {
	s.Helper()
	o := *t.org
	s.must(o.Delete(noon))
	s.must(s.saveOrg(&o))
	return &o
}

// moved returns the org as it is after it took another slug.
func moved(o *core.Org, slug string) *core.Org {
	next := *o
	next.Change(core.OrgChange{Slug: &slug}, noon.Add(time.Second))
	return &next
}

func orgEqual(s storeTest) {
	t := s.newTeam(s.signUp("ana"), "team")
	other := s.newTeam(s.signUp("ben"), "other")
	want := *t.org
	want.Name, want.Slug, want.Settings.TimeZone = "É & Co", "e-co", "Europe/Berlin"
	want.Branding = core.Branding{LogoAssetID: core.AssetID(s.id()), PrimaryColor: "#1a2b3c", AccentColor: "#ffffff"}
	want.DeletedAt, want.UpdatedAt, want.Version = noon.Add(time.Hour), noon.Add(time.Minute), 2
	s.must(s.saveOrg(&want))
	s.view(func(tx ports.Tx) error {
		got, err := tx.Orgs.Get(s.Context(), t.org.ID)
		s.must(err)
		s.equal(got, &want)
		got, err = tx.Orgs.Get(s.Context(), other.org.ID)
		s.must(err)
		s.equal(got, other.org)
		_, err = tx.Orgs.Get(s.Context(), core.OrgID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Orgs.Usage(s.Context(), core.OrgID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
}

func orgStale(s storeTest) {
	t := s.newTeam(s.signUp("ana"), "team")
	ok := s.race(core.ErrStale, func(i int) error { return s.saveOrg(moved(t.org, fmt.Sprintf("slug-%d", i))) })
	s.equal(ok, 1)
}

// slugForEver: a slug that an org gave up is nobody else's, and its own again
// when it wants it back. What was undone reserves nothing.
func slugForEver(s storeTest) {
	ana := s.signUp("ana")
	one, two := s.newTeam(ana, "one"), s.newTeam(ana, "two")
	s.wantErr(s.saveOrg(moved(one.org, "two")), core.ErrSlugTaken)
	next := moved(one.org, "first")
	s.must(s.saveOrg(next))
	s.wantErr(s.saveOrg(moved(two.org, "one")), core.ErrSlugTaken)
	newcomer := core.NewOrg(core.OrgID(s.id()), "one", "one", noon)
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error {
		return tx.Orgs.Add(s.Context(), newcomer, core.DriveID(s.id()))
	}), core.ErrSlugTaken)
	s.must(s.saveOrg(moved(next, "one")))
	s.wantErr(s.saveOrg(moved(one.org, "undone")), core.ErrStale)
	s.must(s.saveOrg(moved(two.org, "undone")))
}

// slugRace lets new orgs and renamed ones race for one slug, over and over.
func slugRace(s storeTest) {
	ana := s.signUp("ana")
	for round := range 10 {
		slug := fmt.Sprintf("wanted-%d", round)
		orgs := make([]*core.Org, racers)
		for i := range orgs {
			if i%2 == 0 {
				orgs[i] = moved(s.newTeam(ana, fmt.Sprintf("old-%d-%d", round, i)).org, slug)
			} else {
				orgs[i] = core.NewOrg(core.OrgID(s.id()), slug, slug, noon)
			}
		}
		drive := core.DriveID(s.id())
		ok := s.race(core.ErrSlugTaken, func(i int) error {
			if i%2 == 0 {
				return s.saveOrg(orgs[i])
			}
			return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Orgs.Add(s.Context(), orgs[i], drive) })
		})
		s.equal(ok, 1)
	}
}

func orgListAll(s storeTest) {
	ana := s.signUp("ana")
	names := []string{"100% café", "100x cafe", "a_b", "axb", "ÉCOLE"}
	ids := []core.OrgID{ana.org.ID}
	for i, name := range names {
		t := s.newTeam(ana, fmt.Sprintf("slug-%d", i))
		o := *t.org
		o.Change(core.OrgChange{Name: &name}, noon)
		s.must(s.saveOrg(&o))
		ids = append(ids, o.ID)
	}
	find := func(text string, limit int) (found []core.OrgID) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			page := ports.OrgPage{Limit: limit}
			for {
				orgs, err := tx.Orgs.ListAll(s.Context(), text, noon, page)
				s.must(err)
				for _, o := range orgs {
					found = append(found, o.Org.ID)
					page.After = o.Org.ID
				}
				if len(orgs) < limit {
					return nil
				}
			}
		})
		return found
	}
	s.equal(find("", 2), ids)
	s.equal(find("0%", 2), ids[1:2])
	s.equal(find("A_B", 2), ids[3:4])
	s.equal(find("SLUG-1", 2), ids[2:3])
	s.equal(find("école", 2), ids[5:])
	s.equal(find("ÉCOLE", 2), ids[5:])
	s.equal(find(`\`, 2), []core.OrgID(nil))
}

// orgState: an operator sees what an org uses, also of a deleted one.
func orgState(s storeTest) {
	ana := s.signUp("ana")
	s.reserve(ana, "a", 42)
	t := s.newTeam(ana, "team")
	s.must(s.addAccount(s.invitation(t, "new@example.com")))
	s.joined(t, s.signUp("ben"), core.OrgMember, core.AccountRemoved)
	s.update(func(tx ports.Tx) error {
		for license, expires := range map[string]time.Time{"pro": noon.Add(time.Hour), "enterprise": noon} { // the latter over already
			a := ports.LicenseAssignment{ID: s.id(), OrgID: t.org.ID, License: license, ExpiresAt: expires, Now: noon.Add(-time.Hour)}
			if err := tx.Licenses.Assign(s.Context(), a); err != nil {
				return err
			}
		}
		return nil
	})
	s.deleteOrg(t)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Orgs.ListAll(s.Context(), "", noon, ports.OrgPage{Limit: 2})
		s.must(err)
		deleted := *t.org
		s.must(deleted.Delete(noon))
		s.equal(got, []ports.OrgState{
			{Org: *ana.org, Usage: core.OrgUsage{UsedBytes: 42, AssetsCount: 1, Members: 1}, License: "free"},
			{Org: deleted, Usage: core.OrgUsage{Members: 2}, License: "pro"},
		})
		return nil
	})
}

// deletedInvisible: nothing of a deleted org is there for its members.
func deletedInvisible(s storeTest) {
	ana := s.signUp("ana")
	t := s.newTeam(ana, "team")
	in := ana // ana, at work in the team
	in.org, in.account, in.drive = t.org, t.owner, t.library
	kept := s.reserve(in, "kept", 1)
	s.finish(kept)
	s.deleteOrg(t)
	_, err := s.Hot.ForOrg(s.Context(), ana.actor(), t.org.ID)
	s.wantErr(err, core.ErrNotFound)
	_, err = s.Hot.ForDrive(s.Context(), ana.actor(), t.library.ID)
	s.wantErr(err, core.ErrNotFound)
	_, err = s.Hot.ForAsset(s.Context(), ana.actor(), kept.NewAsset.ID)
	s.wantErr(err, core.ErrNotFound)
	_, err = s.Hot.ForDownload(s.Context(), ana.actor(), kept.NewAsset.ID)
	s.wantErr(err, core.ErrNotFound)
	for _, drive := range []core.DriveID{{}, t.library.ID} {
		_, err = s.Hot.ForUpload(s.Context(), ana.actor(), ports.UploadQuery{OrgID: t.org.ID, DriveID: drive, Now: noon})
		s.wantErr(err, core.ErrNotFound)
	}
	_, ok, err := s.Hot.Reserve(s.Context(), s.reservation(in, "new", 1))
	s.must(err)
	s.equal(ok, false)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Orgs.ListOf(s.Context(), ana.user.ID, ports.OrgPage{Limit: 10})
		s.must(err)
		s.equal(got, []ports.OrgEntry{{Org: *ana.org, AccountID: ana.account.ID, Role: core.OrgOwner}})
		usage, err := tx.Orgs.Usage(s.Context(), t.org.ID)
		s.equal(usage, core.OrgUsage{UsedBytes: 1, AssetsCount: 1, Members: 1}) // it counts until it is purged
		return err
	})
}

func (s storeTest) saveDrive(d *core.Drive) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Drives.Save(s.Context(), d) })
}

func driveSaved(s storeTest) {
	ana := s.signUp("ana")
	t := s.newTeam(ana, "team")
	in := ana
	in.org, in.account, in.drive = t.org, t.owner, t.library
	s.reserve(in, "a", 42)
	want := *t.library
	want.Name, want.DefaultRole, want.QuotaBytes, want.UsedBytes = "Éa", core.DriveViewer, 1000, 7
	want.Version, want.UpdatedAt = 2, noon.Add(time.Minute)
	s.must(s.saveDrive(&want))
	want.UsedBytes = 42 // not the drive's to say
	s.view(func(tx ports.Tx) error {
		got, err := tx.Drives.Get(s.Context(), t.org.ID, want.ID)
		s.must(err)
		s.equal(got, &want)
		_, err = tx.Drives.Get(s.Context(), ana.org.ID, want.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	ok := s.race(core.ErrStale, func(int) error {
		d := want
		d.Version = 3
		return s.saveDrive(&d)
	})
	s.equal(ok, 1)
	foreign := want
	foreign.OrgID, foreign.Version = ana.org.ID, 4
	s.wantErr(s.saveDrive(&foreign), core.ErrStale)
}

// driveHandedOver: a personal drive in custody is a shared one that org admins
// reach and members do not; its account may then have another.
func driveHandedOver(s storeTest) {
	ana, ben, cy := s.signUp("ana"), s.signUp("ben"), s.signUp("cy")
	t := s.newTeam(ana, "team")
	account := s.joined(t, ben, core.OrgMember, core.AccountActive)
	s.joined(t, cy, core.OrgMember, core.AccountActive)
	d := core.NewPersonalDrive(core.DriveID(s.id()), t.org.ID, account.ID, noon)
	another := core.NewPersonalDrive(core.DriveID(s.id()), t.org.ID, account.ID, noon)
	add := func(d *core.Drive) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Drives.Add(s.Context(), d) })
	}
	s.must(add(d))
	s.wantErr(add(another), core.ErrConflict)
	may := func(p person) error {
		f, err := s.Hot.ForDrive(s.Context(), p.actor(), d.ID)
		s.must(err)
		return core.CanInDrive(f, core.DriveAdmin)
	}
	s.must(may(ben))
	s.wantErr(may(ana), core.ErrNotFound)
	d.HandOver(ben.user.Email, noon.Add(time.Minute))
	s.must(s.saveDrive(d))
	s.must(may(ana))
	s.wantErr(may(ben), core.ErrNotFound)
	s.wantErr(may(cy), core.ErrNotFound)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Drives.Get(s.Context(), t.org.ID, d.ID)
		s.must(err)
		s.equal(got, d)
		_, err = tx.Drives.PersonalOf(s.Context(), t.org.ID, account.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
	s.must(add(another))
}
