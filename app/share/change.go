package share

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var errEnded = core.ErrShareRevoked.Say("the link has been revoked; it cannot be changed any more")

// Update changes a link: edit says how, of the link as it is. It returns
// core.ErrStale if the link is not at version ifMatch (0: any), and
// core.ErrShareRevoked.
func (s *Service) Update(
	ctx context.Context, a core.Actor, id core.ShareLinkID, ifMatch int64, edit func(core.ShareKind, *RulesInput),
) (Shared, error) {
	return s.change(ctx, a, id, ifMatch, "share.updated", func(l *core.ShareLink, now time.Time) error {
		in := rulesOf(l)
		edit(l.Kind, &in)
		if err := s.apply(ctx, l, in, now); err != nil {
			return err
		}
		return l.CheckRules(core.KindFolder) // which the target is, if it has to be
	})
}

// rulesOf is the input that would leave the link as it is.
func rulesOf(l *core.ShareLink) RulesInput {
	in := RulesInput{
		Name: l.Name, Accounts: l.Accounts, ExpiresAt: l.ExpiresAt, MaxViews: l.MaxViews, MaxDownloads: l.MaxDownloads,
		AllowDownload: l.AllowDownload, AllowViewMetadata: l.AllowViewMetadata, Watermark: l.Watermark, Request: l.Request, Notify: l.Notify,
	}
	for _, p := range l.IPAllow {
		in.IPAllow = append(in.IPAllow, p.String())
	}
	return in
}

// Rotate gives a link another token: the old one leads nowhere from then on.
// Rules, counts and the access log stay.
func (s *Service) Rotate(ctx context.Context, a core.Actor, id core.ShareLinkID, ifMatch int64) (Shared, error) {
	return s.change(ctx, a, id, ifMatch, "share.rotated", func(l *core.ShareLink, now time.Time) error {
		_, hash, sealed, err := s.newToken()
		l.Rotate(hash, sealed, now)
		return err
	})
}

// attempts is how often a change that its client did not tie to a version is
// tried again when somebody else was faster.
const attempts = 5

// change loads a link, lets edit change it, and saves it if that was anything.
func (s *Service) change(
	ctx context.Context, a core.Actor, id core.ShareLinkID, ifMatch int64, action string, edit func(*core.ShareLink, time.Time) error,
) (out Shared, err error) {
	for range attempts {
		out, err = s.changeOnce(ctx, a, id, ifMatch, action, edit)
		if ifMatch != 0 || !errors.Is(err, core.ErrStale) {
			break
		}
	}
	return out, err
}

func (s *Service) changeOnce(
	ctx context.Context, a core.Actor, id core.ShareLinkID, ifMatch int64, action string, edit func(*core.ShareLink, time.Time) error,
) (Shared, error) {
	l, f, err := s.mine(ctx, a, id)
	switch {
	case err != nil:
		return Shared{}, err
	case ifMatch != 0 && ifMatch != l.Version:
		return Shared{}, core.ErrStale
	case !l.RevokedAt.IsZero():
		return Shared{}, errEnded
	}
	before, now := *l, s.clock.Now()
	if err := edit(l, now); err != nil {
		return Shared{}, err
	}
	made := changes(&before, l)
	if len(made) == 0 && l.TokenHash == before.TokenHash {
		return s.reveal(&before)
	}
	err = s.store.Update(ctx, func(tx ports.Tx) error {
		if err := s.check(ctx, tx, l, &before, now); err != nil {
			return err
		}
		if made = changes(&before, l); len(made) == 0 && l.TokenHash == before.TokenHash { // what was asked for is the default
			*l = before
			return nil
		}
		if err := tx.ShareLinks.Save(ctx, l); err != nil {
			return err
		}
		return s.record(ctx, tx, f, a, action, l, made)
	})
	if err != nil {
		return Shared{}, err
	}
	return s.reveal(l)
}

// Revoke ends a link for good, from its next use on. Revoking twice changes
// nothing.
func (s *Service) Revoke(ctx context.Context, a core.Actor, id core.ShareLinkID, ifMatch int64) (err error) {
	for range attempts {
		err = s.revoke(ctx, a, id, ifMatch)
		if ifMatch != 0 || !errors.Is(err, core.ErrStale) {
			break
		}
	}
	return err
}

func (s *Service) revoke(ctx context.Context, a core.Actor, id core.ShareLinkID, ifMatch int64) error {
	l, f, err := s.mine(ctx, a, id)
	switch {
	case err != nil:
		return err
	case ifMatch != 0 && ifMatch != l.Version:
		return core.ErrStale
	case !l.RevokedAt.IsZero():
		return nil
	}
	now := s.clock.Now()
	l.Revoke(f.AccountID, now)
	return s.store.Update(ctx, func(tx ports.Tx) error {
		if err := tx.ShareLinks.Save(ctx, l); err != nil {
			return err
		}
		return s.record(ctx, tx, f, a, "share.revoked", l, nil)
	})
}

func (s *Service) record(
	ctx context.Context, tx ports.Tx, by core.OrgFacts, a core.Actor, action string, l *core.ShareLink, made map[string]core.Change,
) error {
	u, err := tx.Users.Get(ctx, a.UserID)
	if err != nil {
		return err
	}
	by.Email = u.Email
	target := app.Target{Kind: "share_link", ID: l.ID.String()}
	entry := app.Audited(s.ids.NewID(), by, a, action, target, made, l.UpdatedAt)
	if err := tx.Audit.Add(ctx, entry); err != nil {
		return err
	}
	return app.Announce(ctx, tx, s.ids.NewID(), entry, map[string]any{
		"share_id": l.ID.String(), "drive_id": idOrNil(l.DriveID), "node_id": idOrNil(l.NodeID), "group_id": idOrNil(l.GroupID),
		"kind": string(l.Kind), "name": l.Name,
	})
}

// changes is what the audit log says of a change. A password is told of, and
// never shown.
func changes(before, after *core.ShareLink) map[string]core.Change {
	was, is := audited(before), audited(after)
	made := make(map[string]core.Change)
	for name, to := range is {
		if from := was[name]; !equal(from, to) {
			made[name] = core.Change{From: from, To: to}
		}
	}
	if before.PasswordHash != after.PasswordHash {
		made["password"] = core.Change{From: orNil(before.PasswordHash != "", "set"), To: orNil(after.PasswordHash != "", "set")}
	}
	return made
}

// audited is a link as the audit log shows it: plain values, lists of text, and
// null for what is not set.
func audited(l *core.ShareLink) map[string]any {
	shows := l.Kind == core.ShareDownload
	return map[string]any{
		"node_id": idOrNil(l.NodeID), "group_id": idOrNil(l.GroupID), "kind": orNil(l.Kind != "", string(l.Kind)), "name": orNil(l.Name != "", l.Name),
		"account_ids": each(l.Accounts, core.AccountID.String), "allow_download": orNil(shows, l.AllowDownload),
		"allow_view_metadata": orNil(shows, l.AllowViewMetadata), "expires_at": orNil(!l.ExpiresAt.IsZero(), l.ExpiresAt),
		"max_views": number(l.MaxViews), "max_downloads": number(l.MaxDownloads),
		"ip_allow": each(rulesOf(l).IPAllow, func(text string) string { return text }), "max_files": number(l.Request.MaxFiles),
		"max_bytes": number(l.Request.MaxBytes), "content_types": each(l.Request.ContentTypes, func(text string) string { return text }),
		"notify": each(wishes(l.Notify), func(e event) string { return string(e) }),
	}
}

func wishes(n core.ShareNotify) (out []event) {
	for _, e := range []event{eventFirstView, eventDownload, eventUpload, eventLimit, eventExpiring} {
		if e.wanted(n) {
			out = append(out, e)
		}
	}
	return out
}

func equal(a, b any) bool {
	x, isList := a.([]string)
	y, bothLists := b.([]string)
	if isList && bothLists {
		return slices.Equal(x, y)
	}
	return !isList && !bothLists && a == b
}

// each is a list as the audit log shows it; null if it is empty.
func each[T any](list []T, show func(T) string) any {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = show(v)
	}
	return out
}

func orNil[T any](set bool, v T) any {
	if !set {
		return nil
	}
	return v
}

func idOrNil[T any](id core.ID[T]) any { return orNil(!id.IsZero(), id.String()) }

// number is a limit; null for none, and for a link that is not there.
func number(limit int64) any { return orNil(limit > 0, limit) }
