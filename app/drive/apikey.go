package drive

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// CreateKeyInput describes a new API key. ExpiresAt zero means never.
type CreateKeyInput struct {
	DriveID     core.DriveID
	Name        string
	Permissions []string
	ExpiresAt   time.Time
	Once        *app.Once
}

// IssuedKey is a new API key with its secret, which is shown once.
type IssuedKey struct {
	APIKey *core.APIKey
	Secret string
}

// CreateKey makes an API key of a drive. It is never stronger than the actor,
// now or later.
func (s *Service) CreateKey(ctx context.Context, a core.Actor, in CreateKeyInput) (IssuedKey, error) {
	f, err := s.access.ForDrive(ctx, a, in.DriveID)
	if err != nil {
		return IssuedKey{}, err
	}
	if err := core.CanManageKeys(f); err != nil {
		return IssuedKey{}, err
	}
	// What was answered before is answered again, also when its end is past.
	now := s.clock.Now()
	if err := in.Once.Find(ctx, s.store, s.secrets, now); err != nil {
		return IssuedKey{}, err
	}
	out, err := s.draftKey(f, in, now)
	if err != nil {
		return IssuedKey{}, err
	}
	err = in.Once.Do(ctx, s.store, s.secrets, now, func(tx ports.Tx) error {
		if err := tx.APIKeys.Add(ctx, out.APIKey); err != nil {
			return err
		}
		changes := map[string]core.Change{
			"name": {To: out.APIKey.Name}, "prefix": {To: out.APIKey.Prefix}, "permissions": {To: out.APIKey.Permissions.Names()},
		}
		if !out.APIKey.ExpiresAt.IsZero() {
			changes["expires_at"] = core.Change{To: out.APIKey.ExpiresAt}
		}
		if err := s.recordKey(ctx, tx, f, a, "api_key.created", out.APIKey, changes); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.secrets, out, now)
	})
	return out, err
}

// draftKey makes the key of what the client sent.
func (s *Service) draftKey(f core.DriveFacts, in CreateKeyInput, now time.Time) (IssuedKey, error) {
	name, err := core.CleanTitle("body.name", in.Name, s.text.NFC)
	if err != nil {
		return IssuedKey{}, err
	}
	permissions, err := core.ParsePermissions("body.permissions", in.Permissions)
	if err != nil {
		return IssuedKey{}, err
	}
	expires := in.ExpiresAt.UTC().Truncate(time.Microsecond)
	if err := core.CheckKeyExpiry("body.expires_at", expires, now); err != nil {
		return IssuedKey{}, err
	}
	if err := core.CanIssueKey(f, permissions); err != nil {
		return IssuedKey{}, err
	}
	var random [core.KeyBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	secret := core.FormatKey(random)
	ref, err := core.ParseKey(secret)
	if err != nil {
		return IssuedKey{}, err
	}
	return IssuedKey{Secret: secret, APIKey: &core.APIKey{
		KeyRef: ref, ID: core.APIKeyID(s.ids.NewID()), OrgID: f.OrgID, DriveID: f.DriveID, Name: name, Permissions: permissions,
		CreatedBy: f.AccountID, CreatedAt: now, ExpiresAt: expires,
	}}, nil
}

// KeysInput is a page of a drive's API keys. Status empty means any.
type KeysInput struct {
	DriveID core.DriveID
	Status  core.KeyStatus
	Before  core.APIKeyID
	Limit   int
}

// Keys returns the API keys of a drive, newest first, those that are over as
// well.
func (s *Service) Keys(ctx context.Context, a core.Actor, in KeysInput) (keys []*core.APIKey, err error) {
	f, err := s.access.ForDrive(ctx, a, in.DriveID)
	if err != nil {
		return nil, err
	}
	if err := core.CanSeeKeys(f); err != nil {
		return nil, err
	}
	q := ports.APIKeyQuery{DriveID: in.DriveID, Status: in.Status, Now: s.clock.Now(), Before: in.Before, Limit: in.Limit}
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		keys, err = tx.APIKeys.List(ctx, q)
		return err
	})
	return keys, err
}

// OwnKey is the API key of a request, and what its drive is called.
type OwnKey struct {
	APIKey *core.APIKey
	Drive  string
}

// OwnKey returns the API key that asks. It returns core.ErrKeyInvalid if that is
// good for nothing, and core.ErrUnauthenticated to people.
func (s *Service) OwnKey(ctx context.Context, a core.Actor) (own OwnKey, err error) {
	if !a.ByKey() {
		return own, core.ErrUnauthenticated
	}
	f, err := s.access.ForDrive(ctx, a, core.DriveID{})
	if err != nil {
		return own, err
	}
	if err := core.CanInDrive(f, core.DriveNone); err != nil {
		return own, err
	}
	err = s.store.View(ctx, func(tx ports.Tx) error {
		if own.APIKey, err = tx.APIKeys.Get(ctx, f.DriveID, f.APIKey.ID); err != nil {
			return err
		}
		d, err := tx.Drives.Get(ctx, f.OrgID, f.DriveID)
		if err == nil {
			own.Drive = d.Name
		}
		return err
	})
	if errors.Is(err, core.ErrNotFound) { // it has just gone
		err = core.ErrKeyInvalid
	}
	return own, err
}

// RevokeKey ends an API key for good, from its next request on. Revoking twice
// changes nothing.
func (s *Service) RevokeKey(ctx context.Context, a core.Actor, drive core.DriveID, id core.APIKeyID) error {
	f, err := s.access.ForDrive(ctx, a, drive)
	if err != nil {
		return err
	}
	if err := core.CanManageKeys(f); err != nil {
		return err
	}
	now := s.clock.Now()
	return s.store.Update(ctx, func(tx ports.Tx) error {
		k, err := tx.APIKeys.Get(ctx, drive, id)
		if err != nil {
			return err
		}
		if err := core.CanRevokeKey(f, k); err != nil {
			return err
		}
		done, err := tx.APIKeys.Revoke(ctx, drive, id, f.AccountID, now)
		if err != nil || !done {
			return err
		}
		changes := map[string]core.Change{"name": {From: k.Name}, "prefix": {From: k.Prefix}}
		return s.recordKey(ctx, tx, f, a, "api_key.revoked", k, changes)
	})
}

func (s *Service) recordKey(
	ctx context.Context, tx ports.Tx, f core.DriveFacts, a core.Actor, action string, k *core.APIKey, changes map[string]core.Change,
) error {
	u, err := tx.Users.Get(ctx, a.UserID)
	if err != nil {
		return err
	}
	by := core.OrgFacts{Credential: f.Credential, OrgID: f.OrgID, AccountID: f.AccountID, Status: f.Status, Role: f.OrgRole, Email: u.Email}
	target := app.Target{Kind: "api_key", ID: k.ID.String()}
	return tx.Audit.Add(ctx, app.Audited(s.ids.NewID(), by, a, action, target, changes, s.clock.Now()))
}
