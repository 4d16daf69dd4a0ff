package bunstore

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
)

// form is how a hot statement finds who asks: a user ($1) by a session ($2), or
// by the token of another issuer, which has none; a script by an API key ($1
// its hash, $2 its prefix); or a visitor by a share link of kind upload ($1 its
// id, $2 the hash of its token). The rest of the statement is the same for all.
type form struct {
	state    string // columns: whether the credential stands
	key      string // columns about the key, after all others
	from     string // the caller, as user u
	where    string
	standing string // joins the caller's account ac and member row m in drive d
	within   string // a condition: drive d is in the credential's reach
	drive    string // which drive is meant if none is named; o is the org
	named    string // drive $3, or that one
	entitled string // a column: until when the caller has bought node n, as entitledUntil
}

// entitledUntil is when the last entitlement of user u to node n ends, or to a
// folder above it; 0: there is none, or the drive lets the user have it. What was
// in the trash, below a folder, when that was bought, was not bought with it.
var entitledUntil = `CASE WHEN ` + standing + ` IN (` + readable + `) AND n.trashed_at IS NULL AND NOT ` + trashedFolders + ` THEN 0
	ELSE coalesce((WITH RECURSIVE way (id, parent_id, trashed_at, below, step) AS (
			SELECT n.id, n.parent_id, n.trashed_at, CAST(NULL AS bigint), 0 UNION ALL
			SELECT p.id, p.parent_id, p.trashed_at,
				CASE WHEN way.below IS NULL OR way.trashed_at < way.below THEN coalesce(way.trashed_at, way.below) ELSE way.below END, way.step + 1
			FROM way JOIN nodes AS p ON p.id = way.parent_id WHERE way.step < 200)
		SELECT max(coalesce(e.access_until, 9223372036854775807)) FROM way JOIN entitlements AS e ON e.user_id = u.id AND e.node_id = way.id
			AND e.revoked_at IS NULL AND e.suspended_at IS NULL AND (way.below IS NULL OR way.below > e.created_at)), 0) END`

var bySession = form{
	state: `u.disabled_at IS NOT NULL, s.revoked_at IS NOT NULL`,
	from:  ` FROM users u JOIN sessions s ON s.id = $2 AND s.user_id = u.id `,
	where: `WHERE u.id = $1`,
	standing: `
		LEFT JOIN accounts ac ON ac.org_id = d.org_id AND ac.user_id = u.id
		LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id `,
	drive:    `o.default_drive_id`,
	named:    `$3`,
	entitled: entitledUntil,
}

// byIssuer is bySession for actors, and no others, who need no session.
var byIssuer = func() form {
	f := bySession
	f.from = ` FROM users u LEFT JOIN sessions s ON s.id = $2 AND s.user_id = u.id `
	return f
}()

// byKey: of a key, the caller is the account that made it.
var byKey = form{
	state: `u.disabled_at IS NOT NULL, false`,
	key:   `, k.id, k.permissions, k.revoked_at, k.expires_at`,
	from: ` FROM api_keys k
		JOIN orgs ko ON ko.id = k.org_id AND ko.deleted_at IS NULL
		JOIN accounts ac ON ac.id = k.created_by
		JOIN users u ON u.id = ac.user_id `,
	where: `WHERE k.hash = $1 AND k.prefix = $2`,
	standing: `
		LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id `,
	within:   ` AND d.id = k.drive_id`,
	drive:    `k.drive_id`,
	named:    `coalesce($3, k.drive_id)`,
	entitled: `0`, // scripts have what is in their drive
}

// byLink: of a link, too. Whether it may be opened has been judged before; here
// counts that it is not revoked or rotated since.
var byLink = form{
	state: `u.disabled_at IS NOT NULL, false`,
	from: ` FROM share_links sl
		JOIN orgs lo ON lo.id = sl.org_id AND lo.deleted_at IS NULL
		JOIN accounts ac ON ac.id = sl.created_by
		JOIN users u ON u.id = ac.user_id `,
	where:    `WHERE sl.id = $1 AND sl.token_hash = $2 AND sl.kind = '` + string(core.ShareUpload) + `' AND sl.revoked_at IS NULL`,
	standing: byKey.standing,
	within:   ` AND d.id = sl.drive_id`,
	drive:    `sl.drive_id`,
	named:    `coalesce($3, sl.drive_id)`,
	entitled: `0`,
}

// statement is a hot statement in each form.
type statement struct{ session, issuer, key, link string }

func inEachForm(text func(f form) string) statement {
	return statement{text(bySession), text(byIssuer), text(byKey), text(byLink)}
}

func (t statement) texts() []string { return []string{t.session, t.issuer, t.key, t.link} }

// of returns the statement in the form of the actor's credential, which it puts
// into the first two arguments. They come with the user and the session.
func (t statement) of(a core.Actor, args []any) string {
	switch {
	case a.External && a.SessionID.IsZero():
		return t.issuer
	case a.ByKey():
		args[0], args[1] = a.Key.Hash[:], a.Key.Prefix
		return t.key
	case a.ByLink():
		args[0], args[1] = a.Link.ID, a.Link.Hash[:]
		return t.link
	}
	return t.session
}

// ask runs a hot statement. into takes its columns but those about the key,
// which c takes.
func (s *Store) ask(ctx context.Context, a core.Actor, t statement, args []any, c *core.Credential, into ...any) error {
	text := t.of(a, args)
	return s.answered(a, c, func(into ...any) error { return s.row(ctx, text, args, into...) }, into...)
}

// answered lets scan fill into, and what is about the key of a script.
func (s *Store) answered(a core.Actor, c *core.Credential, scan func(into ...any) error, into ...any) error {
	if !a.ByKey() {
		return scan(into...)
	}
	var revoked, expires stamp
	into = append(into, &c.APIKey.ID, (*permissions)(&c.APIKey.Permissions), &revoked, &expires)
	if err := scan(into...); err != nil {
		return err
	}
	c.APIKey.Status = core.StatusOfKey(revoked.Time, expires.Time, a.At)
	if c.Check() == nil {
		s.uses.note(a.Key.Hash, a.At)
	}
	return nil
}
