package org

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// InviteInput is who shall become what.
type InviteInput struct {
	Email string
	Role  core.OrgRole
	Once  *app.Once
}

// Invite opens an account for an address and mails it a link. It counts
// against the licence's members while it is open. It returns
// core.ErrAlreadyMember and the code limit_exceeded. Whether the address has a
// user is never told.
func (s *Service) Invite(ctx context.Context, a core.Actor, id core.OrgID, in InviteInput) (ports.Member, error) {
	f, err := s.may(ctx, a, id, core.InviteMembers)
	if err != nil {
		return ports.Member{}, err
	}
	if f.IsPersonal {
		return ports.Member{}, core.ErrPersonalOrg
	}
	if err := core.CheckOrgRole("body.role", in.Role); err != nil {
		return ports.Member{}, err
	}
	if in.Role == core.OrgOwner && !f.Role.May(core.DeleteOrg) {
		return ports.Member{}, core.ErrForbidden
	}
	email, err := core.CleanEmail("body.email", in.Email, s.text.NFC)
	if err != nil {
		return ports.Member{}, err
	}
	now := s.clock.Now()
	var m ports.Member
	err = in.Once.Do(ctx, s.store, s.secrets, now, func(tx ports.Tx) error {
		roster, err := tx.Accounts.Roster(ctx, id)
		if err != nil {
			return err
		}
		license, err := s.inForce(ctx, tx, id, now)
		if err != nil {
			return err
		}
		if err := core.CheckLimit("max_members_count", license.Limits.MaxMembers, roster.Members, 1); err != nil {
			return err
		}
		account, err := s.open(ctx, tx, f, email, in.Role)
		if err != nil {
			return err
		}
		m = ports.Member{Account: *account, Email: email}
		if err := s.mailInvitation(ctx, tx, account, f.Email); err != nil {
			return err
		}
		changes := map[string]core.Change{"email": {To: email}, "role": {To: string(in.Role)}}
		if err := s.record(ctx, tx, f, a, "account.invited", accountTarget(account), changes); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.secrets, m, now)
	})
	return m, err
}

// open returns the invited account of an address: a new one, or the one that
// was removed.
func (s *Service) open(ctx context.Context, tx ports.Tx, f core.OrgFacts, email string, role core.OrgRole) (*core.Account, error) {
	now := s.clock.Now()
	known, err := tx.Accounts.List(ctx, ports.AccountQuery{OrgID: f.OrgID, Email: email, Limit: 2})
	if err != nil {
		return nil, err
	}
	for _, m := range known {
		if m.Account.Status != core.AccountRemoved {
			return nil, core.ErrAlreadyMember
		}
	}
	if len(known) > 0 {
		account := &known[0].Account
		if err := account.Reinvite(email, role, f.AccountID, now); err != nil {
			return nil, err
		}
		return account, tx.Accounts.Save(ctx, account)
	}
	account := core.NewInvitation(core.AccountID(s.ids.NewID()), f.OrgID, email, role, f.AccountID, now)
	return account, tx.Accounts.Add(ctx, account)
}

func (s *Service) mailInvitation(ctx context.Context, tx ports.Tx, account *core.Account, from string) error {
	now := s.clock.Now()
	o, err := tx.Orgs.Get(ctx, account.OrgID)
	if err != nil {
		return err
	}
	token := s.secrets.Token()
	err = tx.Tickets.Add(ctx, &core.Ticket{
		Hash: hashToken(token), Kind: core.Invitation, AccountID: account.ID, OrgID: account.OrgID, Email: account.InvitedEmail,
		CreatedAt: now, ExpiresAt: now.Add(core.InvitationTTL),
	})
	if err != nil {
		return err
	}
	link := s.opts.LinkURL + "/accept-invitation?token=" + url.QueryEscape(token)
	return app.EnqueueMail(ctx, tx, s.secrets, ports.Mail{
		To: account.InvitedEmail, Subject: "You are invited to " + o.Name,
		Text: fmt.Sprintf("%s invites you to the organisation %q as %s.\n\nTo accept, open:\n%s\n\nThe link is good for 7 days. If you do not know the sender, ignore this mail.\n",
			from, o.Name, account.Role, link),
	})
}

// Invitations returns the open invitations of an org, by id.
func (s *Service) Invitations(ctx context.Context, a core.Actor, id core.OrgID, after core.AccountID, limit int) ([]ports.Member, error) {
	if _, err := s.may(ctx, a, id, core.InviteMembers); err != nil {
		return nil, err
	}
	return s.list(ctx, ports.AccountQuery{OrgID: id, Statuses: []core.AccountStatus{core.AccountInvited}, After: after, Limit: limit})
}

// Withdraw ends an open invitation. An account that was accepted is not found:
// it is a member, whom only RemoveMember removes.
func (s *Service) Withdraw(ctx context.Context, a core.Actor, id core.OrgID, account core.AccountID, ifMatch int64) error {
	return s.manage(ctx, a, id, account, "", func(tx ports.Tx, m *managed) error {
		if m.account.Status != core.AccountInvited {
			return core.ErrNotFound
		}
		if ifMatch != 0 && ifMatch != m.account.Version {
			return core.ErrStale
		}
		return s.remove(ctx, tx, m, a, "account.removed")
	})
}

// MyInvitations returns the open invitations to the actor's address, if the
// actor has shown to own it.
func (s *Service) MyInvitations(ctx context.Context, a core.Actor) ([]ports.Membership, error) {
	u, err := s.user(ctx, a)
	if err != nil || !u.Verified() {
		return nil, err
	}
	var open []ports.Membership
	err = s.store.View(ctx, func(tx ports.Tx) error {
		all, err := tx.Accounts.OfUser(ctx, u.ID, u.Email)
		for _, m := range all {
			if m.Account.Status == core.AccountInvited {
				open = append(open, m)
			}
		}
		return err
	})
	return open, err
}

// Accept makes an invitation the actor's account, with a personal drive. Who
// brings the mailed token has read the mail; who has a verified address needs
// only the account's id. It returns core.ErrNotInvited if the invitation is for
// another address, core.ErrTicketInvalid for a token that is over.
func (s *Service) Accept(ctx context.Context, a core.Actor, token string, id core.AccountID) (ports.Membership, error) {
	u, err := s.user(ctx, a)
	if err != nil {
		return ports.Membership{}, err
	}
	var m ports.Membership
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.Lock(ctx, u.ID) // who goes at this moment joins nothing
		if err != nil {
			return gone(err)
		}
		account, err := s.invited(ctx, tx, u, token, id)
		if err != nil {
			return err
		}
		drive, err := s.join(ctx, tx, u, account)
		if err != nil {
			return err
		}
		o, err := tx.Orgs.Get(ctx, account.OrgID)
		if err != nil {
			return err
		}
		if o.Deleted() {
			return core.ErrNotFound
		}
		m = ports.Membership{Account: *account, Org: *o, DriveID: drive}
		f := core.OrgFacts{OrgID: account.OrgID, AccountID: account.ID, Email: u.Email}
		return s.record(ctx, tx, f, a, "account.joined", accountTarget(account), nil)
	})
	return m, err
}

// invited finds the invitation that the token or the address proves.
func (s *Service) invited(ctx context.Context, tx ports.Tx, u *core.User, token string, id core.AccountID) (*core.Account, error) {
	if token != "" {
		t, err := tx.Tickets.Take(ctx, core.Invitation, hashToken(token), s.clock.Now())
		if err != nil {
			return nil, err
		}
		return tx.Accounts.Get(ctx, t.OrgID, t.AccountID)
	}
	if !u.Verified() {
		return nil, core.ErrNotFound
	}
	all, err := tx.Accounts.OfUser(ctx, u.ID, u.Email)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.Account.ID == id && m.Account.Status == core.AccountInvited {
			return &m.Account, nil
		}
	}
	return nil, core.ErrNotFound
}

// join turns the invitation into an account with a drive of its own, which it
// returns.
func (s *Service) join(ctx context.Context, tx ports.Tx, u *core.User, account *core.Account) (core.DriveID, error) {
	now := s.clock.Now()
	if _, err := tx.Accounts.Roster(ctx, account.OrgID); err != nil {
		return core.DriveID{}, err
	}
	if err := account.Accept(u, now); err != nil {
		return core.DriveID{}, err
	}
	if err := tx.Accounts.Save(ctx, account); err != nil {
		return core.DriveID{}, err
	}
	d, err := tx.Drives.PersonalOf(ctx, account.OrgID, account.ID)
	if errors.Is(err, core.ErrNotFound) {
		d = core.NewPersonalDrive(core.DriveID(s.ids.NewID()), account.OrgID, account.ID, now)
		err = tx.Drives.Add(ctx, d)
	}
	if err != nil {
		return core.DriveID{}, err
	}
	return d.ID, nil
}

// hashToken is what is stored of a mailed secret: 256 random bits need no salt.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
