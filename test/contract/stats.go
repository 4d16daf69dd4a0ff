package contract

import (
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (s storeTest) counts(now time.Time) ports.Counts {
	s.Helper()
	c, err := s.Statistics.Count(s.Context(), now)
	s.must(err)
	return c
}

func counted(s storeTest) {
	s.equal(s.counts(noon), ports.Counts{})
	ana, ben := s.signUp("ana"), s.signUp("ben")
	s.newTeam(ana, "open")
	s.deleteOrg(s.newTeam(ana, "closed"))
	s.reserve(ana, "a", 40)
	s.reserve(ben, "b", 2)
	s.update(func(tx ports.Tx) error {
		u, err := tx.Users.Lock(s.Context(), ben.user.ID)
		s.must(err)
		u.Disable(true, noon)
		u.PlatformAdmin = true
		s.must(tx.Users.Save(s.Context(), u))
		return tx.Sessions.RevokeOf(s.Context(), ben.user.ID, core.SessionID{}, noon)
	})
	want := ports.Counts{
		Orgs: 1, PersonalOrgs: 2, DeletedOrgs: 1, Users: 2, DisabledUsers: 1, Admins: 1, Drives: s.counts(noon).Drives,
		Assets: 2, UsedBytes: 42, Uploads: 2, UploadBytes: 42, Sessions: 1,
	}
	s.equal(s.counts(noon), want)
	want.Sessions = 0
	s.equal(s.counts(noon.Add(1000*time.Hour)), want)
	before := want.Drives
	s.signUp("cat")
	s.equal(s.counts(noon).Drives, before+1)
}
