package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/adapters/jwtauth"
	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	publicURL = "http://coffer.test" // issuer of the tokens
	secret    = "q7Jx0pXvN3mWc8RkT5hYd2LzB9sFgA4e" // of the server, for an hour
)

// person is somebody who has signed up, and has files.
type person struct {
	user    core.UserID
	session core.SessionID
	org     core.OrgID
	account core.AccountID
	drive   core.DriveID
	token   string // access token
	assets  []core.AssetID
}

// crowd makes people.
type crowd struct {
	store  *bunstore.Store
	ids    *system.IDs
	tokens *jwtauth.Tokens
	now    time.Time
	bytes  string // format of bytes in SQL
}

// How the databases write bytes.
const (
	postgresBytes = `'\x%x'`
	sqliteBytes   = `x'%x'`
)

func newCrowd(tb testing.TB, store *bunstore.Store, bytes string) *crowd {
	tb.Helper()
	secrets, err := sealing.New([]byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	tokens, err := jwtauth.New(secrets.Key("access-token"), publicURL)
	if err != nil {
		tb.Fatal(err)
	}
	clock := system.Clock{}
	return &crowd{store: store, ids: system.NewIDs(clock), tokens: tokens, now: clock.Now(), bytes: bytes}
}

// add signs up people with that many ready files each.
func (c *crowd) add(tb testing.TB, people, files int) []*person {
	tb.Helper()
	all := make([]*person, people)
	for i := range all {
		p, err := c.signUp(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		if err := c.fill(tb.Context(), p, files); err != nil {
			tb.Fatal(err)
		}
		all[i] = p
	}
	return all
}

func (c *crowd) signUp(ctx context.Context) (*person, error) {
	org := core.NewPersonalOrg(core.OrgID(c.ids.NewID()), "Somebody", "", c.now)
	org.Slug = core.PersonalSlug(org.Name, org.ID)
	user := core.NewUser(core.UserID(c.ids.NewID()), org.ID.String()+"@example.com", "Somebody", "$argon2id$none", org.ID, c.now)
	account := core.NewOwner(core.AccountID(c.ids.NewID()), org.ID, user.ID, c.now)
	drive := core.NewPersonalDrive(core.DriveID(c.ids.NewID()), org.ID, account.ID, c.now)
	hash := sha256.Sum256([]byte(user.Email))
	session := core.NewSession(core.SessionID(c.ids.NewID()), user.ID, hash[:], core.Client{Address: "127.0.0.1"}, c.now, 24*time.Hour)
	err := c.store.Update(ctx, func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(ctx, org, drive.ID), tx.Users.Add(ctx, user), tx.Accounts.Add(ctx, account),
			tx.Drives.Add(ctx, drive), tx.Sessions.Add(ctx, session))
	})
	if err != nil {
		return nil, err
	}
	token, err := c.tokens.Issue(core.Claims{
		UserID: user.ID, SessionID: session.ID, OrgID: org.ID, IssuedAt: c.now, ExpiresAt: c.now.Add(24 * time.Hour),
	})
	return &person{user: user.ID, session: session.ID, org: org.ID, account: account.ID, drive: drive.ID, token: token}, err
}

const fileSize = 1_000_000 // bytes that each file claims to have

// fill gives a person files, by SQL that both databases take: through the ports
// a hundred thousand would take minutes.
func (c *crowd) fill(ctx context.Context, p *person, files int) error {
	if files == 0 {
		return nil
	}
	var nodes, versions []string
	at := c.now.UnixMicro()
	for i := range files {
		id := core.AssetID(c.ids.NewID())
		p.assets = append(p.assets, id)
		name := fmt.Sprintf("holiday-%03d.jpg", i)
		sum := sha256.Sum256(id[:])
		nodes = append(nodes, fmt.Sprintf("('%s','%s','%s','%s','asset','%s','%s','%s',NULL,2,%d,%d,'ready','image/jpeg',%d,%s,1,1,'{}')",
			id, p.org, p.drive, p.drive, name, name, p.account, at, at, fileSize, fmt.Sprintf(c.bytes, sum)))
		versions = append(versions, fmt.Sprintf("('%s',1,'%s','%s','image/jpeg',%d,%s,'%s','%s',%d)",
			id, p.org, core.BlobKey(p.org, id, 1, name), fileSize, fmt.Sprintf(c.bytes, sum), core.UploadID(c.ids.NewID()), p.account, at))
	}
	db := c.store.DB()
	for _, text := range []string{
		`INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, created_by, trashed_at, version, created_at, updated_at,
			status, content_type, size_bytes, sha256, current_version, newest_version, metadata) VALUES ` + strings.Join(nodes, ","),
		`INSERT INTO asset_versions (asset_id, number, org_id, blob_key, content_type, size_bytes, sha256, upload_id, created_by, created_at) VALUES ` +
			strings.Join(versions, ","),
		fmt.Sprintf(`UPDATE org_usage SET used_bytes = %d, assets_count = %d WHERE org_id = '%s'`, files*fileSize, files, p.org),
		fmt.Sprintf(`UPDATE drives SET used_bytes = %d WHERE id = '%s'`, files*fileSize, p.drive),
	} {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}
