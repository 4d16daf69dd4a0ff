package contract

import (
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func ticketFor(u *core.User, kind core.TicketKind, secret string) *core.Ticket {
	return &core.Ticket{
		Hash: []byte(secret), Kind: kind, UserID: u.ID, Email: u.Email, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}

func (s storeTest) addTicket(t *core.Ticket) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Tickets.Add(s.Context(), t) })
}

func (s storeTest) take(kind core.TicketKind, secret string, at time.Time) (t *core.Ticket, err error) {
	err = s.Update(s.Context(), func(tx ports.Tx) (err error) {
		t, err = tx.Tickets.Take(s.Context(), kind, []byte(secret), at)
		return err
	})
	return t, err
}

func ticketEqual(s storeTest) {
	ana := s.signUp("ana")
	team := s.newTeam(ana, "team")
	open := s.invitation(team, "new@example.com")
	s.must(s.addAccount(open))
	want := &core.Ticket{
		Hash: []byte{0, 1, 255}, Kind: core.Invitation, AccountID: open.ID, OrgID: team.org.ID, Email: "new@example.com",
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
	s.must(s.addTicket(want))
	reset := ticketFor(ana.user, core.ResetPassword, "reset")
	s.must(s.addTicket(reset))
	_, err := s.take(core.VerifyEmail, "reset", noon) // of another kind
	s.wantErr(err, core.ErrTicketInvalid)
	_, err = s.take(core.ResetPassword, "reset?", noon)
	s.wantErr(err, core.ErrTicketInvalid)
	got, err := s.take(core.ResetPassword, "reset", noon)
	s.must(err)
	s.equal(got, reset)
	got, err = s.take(core.Invitation, string(want.Hash), noon)
	s.must(err)
	s.equal(got, want)
	_, err = s.take(core.Invitation, string(want.Hash), noon)
	s.wantErr(err, core.ErrTicketInvalid)
}

func ticketRace(s storeTest) {
	ana := s.signUp("ana")
	s.must(s.addTicket(ticketFor(ana.user, core.ResetPassword, "once")))
	ok := s.race(core.ErrTicketInvalid, func(int) error {
		_, err := s.take(core.ResetPassword, "once", noon)
		return err
	})
	s.equal(ok, 1)
}

// ticketLatest: only the latest mail of a kind counts, for each user or account.
func ticketLatest(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	team := s.newTeam(ana, "team")
	open := []*core.Account{s.invitation(team, "a@example.com"), s.invitation(team, "b@example.com")}
	for _, a := range open {
		s.must(s.addAccount(a))
	}
	invite := func(a *core.Account, secret string) *core.Ticket {
		return &core.Ticket{
			Hash: []byte(secret), Kind: core.Invitation, AccountID: a.ID, OrgID: a.OrgID, Email: a.InvitedEmail, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
		}
	}
	for _, t := range []*core.Ticket{
		ticketFor(ana.user, core.ResetPassword, "1"), ticketFor(ana.user, core.VerifyEmail, "2"), ticketFor(ben.user, core.ResetPassword, "3"),
		ticketFor(ana.user, core.ResetPassword, "4"), invite(open[0], "5"), invite(open[1], "6"), invite(open[0], "7"),
	} {
		s.must(s.addTicket(t))
	}
	for _, t := range []struct {
		kind   core.TicketKind
		secret string
		want   error
	}{
		{core.ResetPassword, "1", core.ErrTicketInvalid},
		{core.VerifyEmail, "2", nil},
		{core.ResetPassword, "3", nil},
		{core.ResetPassword, "4", nil},
		{core.Invitation, "5", core.ErrTicketInvalid},
		{core.Invitation, "6", nil},
		{core.Invitation, "7", nil},
	} {
		_, err := s.take(t.kind, t.secret, noon)
		s.wantErr(err, t.want)
	}
}

// ticketLatestRace: also of mails sent at the same moment one counts.
func ticketLatestRace(s storeTest) {
	ana := s.signUp("ana")
	for round := range 5 {
		secret := func(i int) string { return fmt.Sprintf("%d/%d", round, i) }
		ok := s.race(nil, func(i int) error { return s.addTicket(ticketFor(ana.user, core.ResetPassword, secret(i))) })
		s.equal(ok, racers)
		good := 0
		for i := range racers {
			if _, err := s.take(core.ResetPassword, secret(i), noon); err == nil {
				good++
			}
		}
		s.equal(good, 1)
	}
}

func ticketEnds(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	hour := noon.Add(time.Hour)
	s.must(s.addTicket(ticketFor(ana.user, core.ResetPassword, "a")))
	s.must(s.addTicket(ticketFor(ana.user, core.VerifyEmail, "b")))
	s.must(s.addTicket(ticketFor(ben.user, core.ResetPassword, "c")))
	_, err := s.take(core.ResetPassword, "a", hour)
	s.wantErr(err, core.ErrTicketInvalid)
	s.update(func(tx ports.Tx) error { return tx.Tickets.DropOf(s.Context(), core.ResetPassword, ana.user.ID) })
	_, err = s.take(core.ResetPassword, "a", noon)
	s.wantErr(err, core.ErrTicketInvalid)
	for _, want := range []struct {
		at    time.Time
		limit int
		n     int
	}{{hour.Add(-time.Microsecond), 9, 0}, {hour, 1, 1}, {hour, 9, 1}, {hour, 9, 0}} {
		s.update(func(tx ports.Tx) error {
			n, err := tx.Tickets.Prune(s.Context(), want.at, want.limit)
			s.equal(n, want.n)
			return err
		})
	}
}

// sessionsOfUser: a user's live sessions are listed, and ended but for one.
func sessionsOfUser(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	later := noon.Add(time.Minute)
	from := core.Client{Address: "2001:db8::1", UserAgent: "é"}
	own := []*core.Session{ana.session}
	for i, ttl := range []time.Duration{time.Hour, time.Hour, time.Minute, time.Hour} {
		session := core.NewSession(core.SessionID(s.id()), ana.user.ID, fmt.Append(nil, "more ", i), from, noon, ttl)
		s.update(func(tx ports.Tx) error { return tx.Sessions.Add(s.Context(), session) })
		if ttl == time.Hour {
			own = append(own, session)
		}
	}
	s.update(func(tx ports.Tx) error { return tx.Sessions.Revoke(s.Context(), own[3].ID, noon) })
	list := func(u *core.User, want ...*core.Session) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, err := tx.Sessions.ListOf(s.Context(), u.ID, later)
			s.must(err)
			s.equal(len(got), len(want))
			if len(want) > 0 {
				s.equal(got, want)
			}
			return nil
		})
	}
	revoke := func(keep core.SessionID) {
		s.update(func(tx ports.Tx) error { return tx.Sessions.RevokeOf(s.Context(), ana.user.ID, keep, later) })
	}
	list(ana.user, own[:3]...)
	revoke(own[1].ID)
	list(ana.user, own[1])
	revoke(ben.session.ID) // not ana's: nothing is kept
	list(ana.user)
	list(ben.user, ben.session)
	revoke(core.SessionID{})
	s.update(func(tx ports.Tx) error {
		return tx.Sessions.RevokeOf(s.Context(), ben.user.ID, core.SessionID{}, later)
	})
	list(ben.user)
	c, err := s.Hot.ForUser(s.Context(), ana.actor())
	s.must(err)
	s.equal(c.SessionRevoked, true)
}

func identityOnce(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	add := func(i core.Identity) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Identities.Add(s.Context(), &i) })
	}
	get := func(issuer, subject string) (i *core.Identity, err error) {
		s.view(func(tx ports.Tx) error {
			i, err = tx.Identities.Get(s.Context(), issuer, subject)
			return nil
		})
		return i, err
	}
	want := core.Identity{Issuer: "https://a.example", Subject: "Sub", UserID: ana.user.ID, CreatedAt: noon}
	s.must(add(want))
	got, err := get(want.Issuer, want.Subject)
	s.must(err)
	s.equal(got, &want)
	twin := want
	twin.UserID = ben.user.ID
	s.wantErr(add(twin), core.ErrConflict)
	for _, other := range [][2]string{{"https://b.example", "Sub"}, {"https://a.example", "sub"}} {
		_, err = get(other[0], other[1])
		s.wantErr(err, core.ErrNotFound)
		twin.Issuer, twin.Subject = other[0], other[1]
		s.must(add(twin))
	}
	twin.Subject = "raced"
	s.equal(s.race(core.ErrConflict, func(int) error { return add(twin) }), 1)
	s.update(func(tx ports.Tx) error { return tx.Identities.RemoveOf(s.Context(), ben.user.ID) })
	_, err = get(twin.Issuer, twin.Subject)
	s.wantErr(err, core.ErrNotFound)
	_, err = get(want.Issuer, want.Subject)
	s.must(err)
}

// userChanged: every field of a user comes back, also the second factor.
func userChanged(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	want := *ana.user
	want.Email, want.Name, want.PasswordHash, want.PlatformAdmin = "new@example.com", "Ána", "", true
	want.EmailVerifiedAt, want.DisabledAt = noon.Add(time.Second), noon.Add(2*time.Second)
	want.TOTP = core.TOTP{Secret: []byte{0, 255, 1}, ConfirmedAt: noon, LastStep: 1 << 40, Recovery: [][]byte{{0, 1}, {255}}}
	want.UpdatedAt, want.Version = noon.Add(time.Minute), 2
	save := func(u *core.User) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Users.Save(s.Context(), u) })
	}
	equal := func() {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, err := tx.Users.Get(s.Context(), want.ID)
			s.equal(got, &want)
			return err
		})
	}
	s.must(save(&want))
	equal()
	twin := *ben.user
	twin.Email, twin.Version = want.Email, 2
	s.wantErr(save(&twin), core.ErrEmailTaken)
	want.Delete(noon.Add(time.Hour))
	s.must(save(&want))
	equal()
	s.must(save(&twin)) // the address is free
}

func userList(s storeTest) {
	names := []string{"100% Ana", "100x Ben", "c_d", "cxd", "ÉMILE"}
	people := make([]person, len(names))
	for i, name := range names {
		people[i] = s.newPerson(fmt.Sprintf("mail%d", i))
		people[i].user.Name = name
		s.update(func(tx ports.Tx) error { return people[i].add(s.Context(), tx) })
	}
	gone := s.signUp("mail9")
	gone.user.Delete(noon)
	s.update(func(tx ports.Tx) error { return tx.Users.Save(s.Context(), gone.user) })
	find := func(text string) (found []string) {
		s.view(func(tx ports.Tx) error {
			q := ports.UserQuery{Text: text, Limit: 2}
			for {
				users, err := tx.Users.List(s.Context(), q)
				s.must(err)
				for _, u := range users {
					found = append(found, u.Name)
					q.After = u.ID
				}
				if len(users) < q.Limit {
					return nil
				}
			}
		})
		return found
	}
	for text, want := range map[string][]string{
		"": names, "MAIL": names, "mail3@": names[3:4], "0%": names[:1], "_": names[2:3], "C_D": names[2:3], "ana": names[:1], "BEN": names[1:2],
		"émile": names[4:], "ÉMILE": names[4:], `\`: nil, "deleted": nil,
	} {
		if got := find(text); fmt.Sprint(got) != fmt.Sprint(want) {
			s.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
}
