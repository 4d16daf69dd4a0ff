package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// rowsOf counts what the database has of an org, beside the slugs it had.
func (s *server) rowsOf(db *sql.DB, org string) (total int) {
	s.t.Helper()
	for _, table := range []string{"org_usage", "org_licenses", "accounts", "drives", "nodes", "asset_versions", "uploads", "tickets", "audit_log"} {
		var n int
		if err := db.QueryRowContext(s.t.Context(), "SELECT count(*) FROM "+table+" WHERE org_id = $1", org).Scan(&n); err != nil {
			s.t.Fatal(err)
		}
		total += n
	}
	var n int
	if err := db.QueryRowContext(s.t.Context(), "SELECT count(*) FROM orgs WHERE id = $1", org).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return total + n
}

// goneFor waits until nothing is left of an org.
func (s *server) goneFor(org string) {
	s.t.Helper()
	db := s.database()
	eventually(s.t, "org "+org+" is purged", func() bool { return s.rowsOf(db, org) == 0 })
}

// folders stores n folders, each in the one before it for ten levels, below the
// root of a drive.
func (s *server) folders(org, drive string, n int) {
	s.t.Helper()
	db := s.database()
	tx, err := db.BeginTx(s.t.Context(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	parent := drive
	const deep = 10
	if _, err := tx.ExecContext(s.t.Context(), `UPDATE nodes SET height = $1 WHERE id = $2`, deep, drive); err != nil {
		s.t.Fatal(err)
	}
	for i := range n {
		if i%deep == 0 {
			parent = drive
		}
		id := fmt.Sprintf("0199f2b4-0000-7000-8000-%012d", i)
		_, err := tx.ExecContext(s.t.Context(), `INSERT INTO nodes (id, org_id, drive_id, parent_id, kind, name, name_folded, height, version, created_at, updated_at,
			status, content_type, size_bytes, current_version, newest_version, metadata) VALUES ($1, $2, $3, $4, 'folder', $5, $5, $6, 1, 1, 1, '', '', 0, 0, 0, '{}')`,
			id, org, drive, parent, id, deep-1-i%deep)
		if err != nil {
			s.t.Fatal(err)
		}
		parent = id
	}
	if err := tx.Commit(); err != nil {
		s.t.Fatal(err)
	}
}

func TestADeletedCompanyComesBackOrIsPurged(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		acme := ana.found(object{"name": "Acme", "slug": "acme"})
		ben := s.hire(acme, s.signUp("ben"), "admin")
		org := "/api/orgs/" + acme.org
		file := acme.upload(object{"name": "a.txt"}, []byte("kept")).text("id")
		own := ana.upload(object{"name": "own.txt"}, []byte("own")).text("id")
		pending := acme.create(object{"name": "b.txt", "size_bytes": 4})
		large := acme.create(object{"name": "c.bin", "size_bytes": 64_000_000})
		first := large.parts("upload.parts")[0]
		put(t, first.signed, partOf(first))
		send(t, pending.single(), []byte("late"))
		acme.refused(http.StatusConflict, "org_not_deleted", "POST", org+"/restore", nil)
		ben.refused(http.StatusForbidden, "forbidden", "POST", org+"/restore", nil)

		acme.want(http.StatusNoContent, "DELETE", org, nil)
		for _, u := range []*user{acme, ben} {
			for _, r := range []request{
				{"GET", org, ""},
				{"GET", org + "/assets", ""},
				{"GET", "/api/drives/" + acme.drive + "/nodes", ""},
				{"GET", "/api/assets/" + file + "/download", ""},
				{"POST", "/api/assets/" + file + "/signed-url", "{}"},
				{"POST", org + "/assets", `{"name": "new.txt", "size_bytes": 1}`},
				{"POST", "/api/assets/" + pending.text("asset.id") + "/complete", `{"upload_id": "` + pending.text("upload.upload_id") + `"}`},
				{"POST", "/api/assets/" + large.text("asset.id") + "/upload/parts", `{"from": 1}`},
				{"DELETE", org, ""},
			} {
				u.request(r).isProblem(http.StatusNotFound, "not_found")
			}
			if a := u.want(http.StatusOK, "GET", "/api/orgs", nil); slices.Contains(a.list("id"), acme.org) {
				t.Errorf("live: %s", a.body)
			}
		}
		ben.refused(http.StatusNotFound, "not_found", "POST", org+"/restore", nil)
		if a := ben.want(http.StatusOK, "GET", "/api/orgs?deleted=true", nil); len(a.list("id")) != 0 {
			t.Errorf("deleted, to an admin: %s", a.body)
		}
		if a := ana.want(http.StatusOK, "GET", "/api/orgs?deleted=true", nil); !slices.Equal(a.list("id"), []string{acme.org}) || a.get("items.0.purge_at") == nil {
			t.Errorf("deleted: %s", a.body)
		}
		s.fsck()
		// What had arrived is completed all the same, so that nothing is missing later.
		s.restart(settings{"COFFER_CLOCK_OFFSET": "20m"})
		db := s.database()
		eventually(t, "the upload is completed", func() bool {
			var status string
			if err := db.QueryRowContext(t.Context(), "SELECT status FROM nodes WHERE id = $1", pending.text("asset.id")).Scan(&status); err != nil {
				t.Fatal(err)
			}
			return status == "ready"
		})
		acme.want(http.StatusNoContent, "POST", org+"/restore", nil)
		if got := ben.download(file); string(got) != "kept" {
			t.Errorf("%q came down", got)
		}
		if got := ben.download(pending.text("asset.id")); string(got) != "late" {
			t.Errorf("%q came down", got)
		}
		acme.want(http.StatusNoContent, "DELETE", org, nil)
		s.folders(acme.org, acme.drive, 100)

		s.restart(settings{"COFFER_CLOCK_OFFSET": "721h"})
		s.goneFor(acme.org)
		ana.logIn()
		ana.refused(http.StatusNotFound, "not_found", "POST", org+"/restore", nil)
		if a := ana.want(http.StatusOK, "GET", "/api/orgs?deleted=true", nil); len(a.list("id")) != 0 {
			t.Errorf("deleted: %s", a.body)
		}
		s.settle() // with this clock no blob is too young to be missed
		s.fsck()
		ana.refused(http.StatusConflict, "slug_taken", "POST", "/api/orgs", object{"name": "Acme", "slug": "acme"})
		if got := ana.download(own); string(got) != "own" {
			t.Errorf("%q came down", got)
		}
	})
}

func TestAPurgeGoesOnAfterACrash(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		acme := s.signUp("ana").found(object{"name": "Acme"})
		for i := range 20 {
			acme.upload(object{"name": fmt.Sprintf("%d.txt", i)}, []byte("kept"))
		}
		const folders = 20_000
		acme.want(http.StatusNoContent, "DELETE", "/api/orgs/"+acme.org, nil)
		s.folders(acme.org, acme.drive, folders)
		s.stop()
		s.env["COFFER_CLOCK_OFFSET"] = "721h"
		db := s.database()
		s.process = s.spawn()
		for end := time.Now().Add(30 * time.Second); s.rowsOf(db, acme.org) > folders-1000; {
			if time.Now().After(end) {
				t.Fatal("nothing is purged")
			}
		}
		s.kill()
		left := s.rowsOf(db, acme.org)
		if t.Logf("%d rows are left", left); left == 0 {
			t.Fatal("the purge was faster than the crash")
		}
		eventually(t, "the rows are in order", func() bool { // bytes whose jobs were not run are no one's yet
			_, problems := s.findings()
			return !slices.ContainsFunc(problems, func(p finding) bool { return p.Check != "a blob has a row" })
		})
		// The queue takes a dead process's job back after some minutes.
		if _, err := db.ExecContext(t.Context(), "DELETE FROM river_job WHERE kind = 'org.purge'"); err != nil {
			t.Fatal(err)
		}
		s.start()
		s.goneFor(acme.org)
		s.settle()
		s.fsck()
	})
}
