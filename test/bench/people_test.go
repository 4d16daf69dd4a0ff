package bench

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	publicURL = "http://coffer.test"               // issuer of the tokens
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
	key     string // API key to all of the drive
	assets  []core.AssetID
}

// crowd makes people.
type crowd struct {
	store  *bunstore.Store
	ids    *system.IDs
	tokens *jwtauth.Tokens
	now    time.Time
}

func newCrowd(tb testing.TB, store *bunstore.Store) *crowd {
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
	return &crowd{store: store, ids: system.NewIDs(clock), tokens: tokens, now: clock.Now()}
}

// add signs up people.
func (c *crowd) add(tb testing.TB, people int) []*person {
	tb.Helper()
	all := make([]*person, people)
	for i := range all {
		p, err := c.signUp(tb.Context())
		if err != nil {
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
	key := core.FormatKey([core.KeyBytes]byte(hash[:]))
	ref, err := core.ParseKey(key)
	if err != nil {
		return nil, err
	}
	err = c.store.Update(ctx, func(tx ports.Tx) error {
		return errors.Join(tx.Orgs.Add(ctx, org, drive.ID), tx.Users.Add(ctx, user), tx.Accounts.Add(ctx, account),
			tx.Drives.Add(ctx, drive), tx.Sessions.Add(ctx, session), tx.APIKeys.Add(ctx, &core.APIKey{
				KeyRef: ref, ID: core.APIKeyID(c.ids.NewID()), OrgID: org.ID, DriveID: drive.ID, Name: "bench",
				Permissions: core.PermitRead | core.PermitWrite, CreatedBy: account.ID, CreatedAt: c.now,
			}))
	})
	if err != nil {
		return nil, err
	}
	token, err := c.tokens.Issue(core.Claims{
		UserID: user.ID, SessionID: session.ID, OrgID: org.ID, IssuedAt: c.now, ExpiresAt: c.now.Add(24 * time.Hour),
	})
	return &person{user: user.ID, session: session.ID, org: org.ID, account: account.ID, drive: drive.ID, token: token, key: key}, err
}

const fileSize = 1_000 // bytes of each file

// give gives people files: the first one by upload to the API over the same
// store, all others as copies of its rows, whatever columns those have. By the
// API alone a hundred thousand would take minutes.
func (c *crowd) give(tb testing.TB, api http.Handler, people []*person, files int) {
	tb.Helper()
	original := upload(tb, api, people[0])
	db := c.store.DB()
	run := func(text string) {
		tb.Helper()
		if _, err := db.ExecContext(tb.Context(), text); err != nil {
			tb.Fatalf("%v: %.200s", err, text)
		}
	}
	run(`CREATE TABLE bench_copies AS SELECT id, org_id, drive_id, created_by, name FROM nodes LIMIT 0`)
	for i, p := range people {
		var values []string
		for n := range files {
			if i == 0 && n == 0 {
				p.assets = append(p.assets, original)
				continue
			}
			copied := core.AssetID(c.ids.NewID())
			p.assets = append(p.assets, copied)
			values = append(values, fmt.Sprintf("('%s','%s','%s','%s','holiday-%03d.jpg')", copied, p.org, p.drive, p.account, n))
		}
		if len(values) > 0 {
			run(`INSERT INTO bench_copies VALUES ` + strings.Join(values, ","))
		}
	}
	run(c.copies(tb, "nodes", "id", original, map[string]string{
		"id": "c.id", "org_id": "c.org_id", "drive_id": "c.drive_id", "parent_id": "c.drive_id", "created_by": "c.created_by",
		"name": "c.name", "name_folded": "c.name",
	}))
	run(c.copies(tb, "asset_versions", "asset_id", original, map[string]string{
		"asset_id": "c.id", "org_id": "c.org_id", "created_by": "c.created_by", "blob_key": "c.org_id || '/' || c.id || '/' || c.name",
	}))
	run(fmt.Sprintf(`UPDATE org_usage SET used_bytes = %d, assets_count = %d`, files*fileSize, files))
	run(fmt.Sprintf(`UPDATE drives SET used_bytes = %d`, files*fileSize))
	run(`DROP TABLE bench_copies`)
}

// copies is SQL that copies the original's row, with other values in some columns.
func (c *crowd) copies(tb testing.TB, table, key string, original core.AssetID, other map[string]string) string {
	tb.Helper()
	rows, err := c.store.DB().QueryContext(tb.Context(), `SELECT * FROM `+table+` LIMIT 0`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil || rows.Err() != nil {
		tb.Fatal(err, rows.Err())
	}
	values := make([]string, len(columns))
	for i, column := range columns {
		values[i] = cmp.Or(other[column], "o."+column)
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM bench_copies c, %s o WHERE o.%s = '%s'`,
		table, strings.Join(columns, ", "), strings.Join(values, ", "), table, key, original)
}

// upload sends a file as a client does, and returns the asset.
func upload(tb testing.TB, api http.Handler, p *person) core.AssetID {
	tb.Helper()
	var c created
	ask(tb, api, http.StatusCreated, request(http.MethodPost, createPath(p), createBody("original.jpg"), p.token), &c)
	put := httptest.NewRequest(http.MethodPut, c.Upload.URL, bytes.NewReader(make([]byte, fileSize)))
	for name, value := range c.Upload.Headers {
		put.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	if api.ServeHTTP(w, put); w.Code != http.StatusOK {
		tb.Fatalf("PUT: %d %s", w.Code, w.Body)
	}
	ask(tb, api, http.StatusOK, request(http.MethodPost, "/api/assets/"+c.Asset.ID.String()+"/complete",
		`{"upload_id":"`+c.Upload.ID+`"}`, p.token), nil)
	return c.Asset.ID
}
