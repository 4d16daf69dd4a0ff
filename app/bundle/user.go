package bundle

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// people finds out who the users of the bundle are here, and adds those who are
// nobody yet.
func (in *intake) people(ctx context.Context, tx ports.Tx, chunk []byte) error {
	for line, err := range eachLine(chunk) {
		if err != nil {
			return err
		}
		u, err := userOf(line)
		if err != nil {
			return err
		}
		if in.users[u.ID], err = in.person(ctx, tx, u); err != nil {
			return err
		}
	}
	return nil
}

func (in *intake) person(ctx context.Context, tx ports.Tx, u bundleUser) (core.UserID, error) {
	email, err := core.CleanEmail("email", u.Email, in.Text.NFC)
	if u.Deleted {
		return in.gone(ctx, tx, u)
	}
	if err != nil {
		return core.UserID{}, core.BadBundle(fmt.Sprintf("%q is no e-mail address", u.Email))
	}
	known, err := in.known(ctx, tx, u, email)
	if errors.Is(err, core.ErrNotFound) {
		return in.newcomer(ctx, tx, u, email)
	}
	if err != nil {
		return core.UserID{}, err
	}
	if in.owns(u) {
		return core.UserID{}, core.ErrBundleUser.Say(u.Email + " has a personal organisation on this server, and nobody can have two: download the files and upload them there")
	}
	return known.ID, nil
}

// owns reports whether the bundle is of the user's personal org.
func (in *intake) owns(u bundleUser) bool { return in.out.Manifest.Owner == u.ID.String() }

// known returns the user of this server whom an issuer knows by the same name, or
// who has the same address. Who signed up with it without showing to own it had no
// right to: the user is taken from them.
func (in *intake) known(ctx context.Context, tx ports.Tx, u bundleUser, email string) (*core.User, error) {
	for _, i := range u.Identities {
		known, err := tx.Identities.Get(ctx, i.Issuer, i.Subject)
		if err == nil {
			return tx.Users.Get(ctx, known.UserID)
		}
		if !errors.Is(err, core.ErrNotFound) {
			return nil, err
		}
	}
	known, err := tx.Users.ByEmail(ctx, email)
	if err != nil {
		return nil, err
	}
	if known, err = tx.Users.Lock(ctx, known.ID); err != nil {
		return nil, err
	}
	if !known.Verified() {
		err = app.Claim(ctx, tx, known, in.Clock.Now())
	}
	return known, err
}

// newcomer adds a user without a password: who gets mail at the address can set one.
func (in *intake) newcomer(ctx context.Context, tx ports.Tx, u bundleUser, email string) (core.UserID, error) {
	name, err := core.CleanTitle("name", u.Name, in.Text.NFC)
	if err != nil {
		name = email
	}
	n := app.NewNewcomer(in.IDs, email, name, "", in.Clock.Now())
	switch _, err := tx.Users.Get(ctx, u.ID); {
	case errors.Is(err, core.ErrNotFound):
		n.User.ID, n.Account.UserID = u.ID, u.ID
	case err != nil:
		return core.UserID{}, err
	}
	in.out.Created++
	if in.owns(u) {
		n.User.PersonalOrgID = in.org
		return n.User.ID, tx.Users.Add(ctx, n.User)
	}
	return n.User.ID, n.Add(ctx, tx)
}

// gone keeps the id of a user who was deleted, for the rows that refer to it.
func (in *intake) gone(ctx context.Context, tx ports.Tx, u bundleUser) (core.UserID, error) {
	if _, err := tx.Users.Get(ctx, u.ID); !errors.Is(err, core.ErrNotFound) {
		return u.ID, err
	}
	now := in.Clock.Now()
	gone := core.NewUser(u.ID, "", "", "", core.OrgID(in.IDs.NewID()), now)
	gone.Delete(now)
	return gone.ID, tx.Users.Add(ctx, gone)
}
