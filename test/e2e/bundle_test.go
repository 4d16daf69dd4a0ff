package e2e

import (
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// moved are the tables of a bundle, and how the rows of the org $1 are found in
// those that do not name it.
var moved = map[string]string{
	"orgs": "id = $1", "org_usage": "", "org_licenses": "", "accounts": "", "drives": "", "nodes": "status <> 'pending' AND org_id = $1",
	"drive_members": ofDrives, "node_changes": ofDrives, "asset_versions": "", "api_keys": "", "groups": "", "group_assets": "",
	"group_permissions": "group_id IN (SELECT id FROM groups WHERE org_id = $1)", "share_links": "", "share_accesses": "", "share_visits": "",
	"link_traffic": "", "group_traffic": "", "products": "", "product_links": "", "subscriptions": "", "transactions": "", "entitlements": "",
	"event_streams": "", "events": "", "webhooks": "", "webhook_deliveries": "", "reports": "", "report_runs": "", "datasets": "",
	"dataset_grants":  "dataset_id IN (SELECT id FROM datasets WHERE org_id = $1)",
	"ingest_sessions": "", "ingest_files": "", "dataset_versions": "", "dataset_items": "", "dataset_item_tags": "", "dataset_item_assets": "",
	"dataset_files": "", "annotations": "", "annotation_versions": "", "dataset_accesses": "", "audit_log": "action <> 'org.imported' AND org_id = $1",
}

const ofDrives = "drive_id IN (SELECT id FROM drives WHERE org_id = $1)"

// notMoved are columns that each server has its own values in.
var notMoved = []string{"seq of dataset_items", "words of dataset_items", "used_bytes of drives", "used_bytes of org_usage", "assets_count of org_usage", "slug of orgs", "lease of webhooks", "free_at of webhooks"}

// rowsIn returns the rows of a table that an org has, each as text that does not
// depend on the database, in order.
func rowsIn(t *testing.T, db *sql.DB, table, org string, people map[string]string) (all []string) {
	t.Helper()
	where := moved[table]
	if where == "" {
		where = "org_id = $1"
	}
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table+" WHERE "+where, org)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := make(map[string]string)
		for i, name := range names {
			if slices.Contains(notMoved, name+" of "+table) {
				continue
			}
			text := plain(values[i])
			if here, ok := people[text]; ok {
				text = here
			}
			row[name] = text
		}
		line, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(line))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// plain writes a value such that both databases write it alike.
func plain(v any) string {
	switch x := v.(type) {
	case bool:
		v = map[bool]int{true: 1}[x]
	case []byte:
		if len(x) > 0 && strings.ContainsRune("{[", rune(x[0])) || string(x) == "null" || len(x) == 36 && x[8] == '-' { // JSON, or an id
			return plain(string(x))
		}
		return hex.EncodeToString(x)
	case string:
		var doc any
		if len(x) > 0 && strings.ContainsRune("{[", rune(x[0])) && json.Unmarshal([]byte(x), &doc) == nil {
			b, _ := json.Marshal(doc) // was just read
			return string(b)
		}
	}
	return fmt.Sprint(v)
}

// tenant is an org with something of everything.
type tenant struct {
	ana, ben, cleo *user
	bot            script
	file, bought   string
	group          string
	link           *link
	dataset        string
	product        string
}

func (s *server) tenant(t *testing.T) tenant {
	t.Helper()
	ana := s.signUp("ana").found(object{"name": "Acme", "slug": "acme"})
	x := tenant{ana: ana, ben: s.hire(ana, s.signUp("ben"), "member"), cleo: s.signUp("cleo")}
	folder := ana.folder(ana.drive, "/Films/2026")
	x.file = ana.upload(object{"name": "Übersicht.txt", "parent_id": folder}, []byte("one")).text("id")
	ana.upload(object{"name": "Übersicht.txt", "parent_id": folder, "on_conflict": "version"}, []byte("two!"))
	x.bought = ana.upload(object{"name": "v2", "metadata": object{"tags": []string{"b", "a"}, "custom_fields": object{"n": 1.5}}}, []byte("sold")).text("id")
	trashed := ana.upload(object{"name": "old.txt"}, []byte("old")).text("id")
	ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+trashed, nil)
	ana.create(object{"name": "late.txt", "size_bytes": 9}) // never comes
	second := ana.want(http.StatusCreated, "POST", "/api/orgs/"+ana.org+"/drives", object{"name": "Second"}).text("id")
	ana.want(http.StatusOK, "PUT", "/api/drives/"+second+"/members/"+x.ben.account, object{"role": "editor"})
	x.bot = ana.issue(ana.drive, "read", "write")

	spring := ana.grouped(object{"name": "Spring", "organisation": object{"sections": []string{"Web"}}})
	x.group = ana.grouped(object{"name": "Nested", "parent_id": idOf(spring)})
	ana.adds(spring, x.file, object{"section": "Web", "title": "The film"})
	ana.adds(x.group, x.bought, object{})
	x.link = ana.shares(folder, object{"name": "to the press", "max_downloads": 5})
	x.link.gets(http.StatusOK, "/nodes")
	x.link.gets(http.StatusFound, "/download/"+x.file)
	ana.sharesGroup(spring, object{}).gets(http.StatusOK, "")

	x.product = ana.offers(article("The film", object{}), aFile(x.bought))
	ana.sells(x.product, x.cleo)
	ana.sells(ana.offers(membership("The club", object{}), aFolder(folder)), x.cleo)

	release := ana.begins(object{"slug": "birds", "name": "Birds"})
	release.brings(medium{"a/one.png", "image/png", coloured(1)})
	release.publishes(object{"external_id": "1", "type": "image", "title": "Grey sparrow", "tags": []string{"small"}, "data": object{"place": "Öresund"}, "assets": mainFile("a/one.png")})
	x.dataset = release.dataset
	ana.want(http.StatusCreated, "POST", "/api/orgs/"+ana.org+"/webhooks", object{"url": "https://hooks.example.com/x", "events": []string{"product.*"}})
	return x
}

// export writes the bundle of an org and returns its path.
func (s *server) export(which string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "acme.tar")
	s.must("export", which, path)
	return path
}

// accept imports a bundle, and checks that it is complete.
func (s *server) accept(path string, args ...string) string {
	s.t.Helper()
	code, stdout, stderr := s.run(append([]string{"import", path}, args...)...)
	if code != 0 {
		s.t.Fatalf("import: exit code %d, %s%s", code, stdout, stderr)
	}
	return stdout
}

// refusesBundle checks that a bundle is not taken, and why.
func (s *server) refusesBundle(says, path string, args ...string) {
	s.t.Helper()
	if code, stdout, stderr := s.run(append([]string{"import", path}, args...)...); code == 0 || !strings.Contains(stderr, says) {
		s.t.Errorf("import: exit code %d, %s%s", code, stdout, stderr)
	}
}

// sameRows compares all that an org has on two servers. people are the users who
// have other ids on the second.
func sameRows(t *testing.T, from, to *server, org string, people map[string]string) {
	t.Helper()
	a, b := from.database(), to.database()
	for table := range moved {
		want, got := rowsIn(t, a, table, org, people), rowsIn(t, b, table, org, nil)
		if !slices.Equal(want, got) {
			t.Errorf("%s:\n%s\nbecame\n%s", table, strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	}
}

const oneSecret = "one-secret-for-two-servers-0123456789abcdef"

func TestAnOrganisationMovesToAnotherServer(t *testing.T) {
	t.Parallel()
	for name, way := range map[string][2]wiring{"from small to large": {sqliteDisk, postgresS3}, "from large to small": {postgresS3, sqliteDisk}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same := settings{"COFFER_AUTH_JWT_SECRET": oneSecret}
			from, to := newServer(t, way[0], everything), newServer(t, way[1], everything)
			from.env["COFFER_AUTH_JWT_SECRET"], to.env["COFFER_AUTH_JWT_SECRET"] = same["COFFER_AUTH_JWT_SECRET"], same["COFFER_AUTH_JWT_SECRET"]
			from.start()
			x := from.tenant(t)
			from.stop()
			path := from.export("acme")
			if code, stdout, stderr := to.run("import", path, "--verify-only"); code != 0 || !strings.Contains(stdout, "complete acme") {
				t.Errorf("verify: %d %s%s", code, stdout, stderr)
			}
			to.must("migrate", "up")
			to.start()
			cleo := to.signUp("cleo") // has been here before, with another id
			to.anybody().want(http.StatusNoContent, "POST", "/api/auth/verify-email", object{"token": to.mailed(cleo.email, "verify-email", 1)})
			to.stop()
			out := to.accept(path)
			if !strings.Contains(out, "imported acme") || !strings.Contains(out, "2 users without a password") {
				t.Errorf("%s", out)
			}
			to.fsck()
			people := map[string]string{userID(t, from, x.cleo.email): userID(t, to, cleo.email)}
			sameRows(t, from, to, x.ana.org, people)
			to.refusesBundle("on this server already", path)

			to.start()
			moved := *x.link
			moved.client = to.anybody()
			moved.gets(http.StatusOK, "")
			bot := script{&user{client: &client{t: t, url: to.url, key: x.bot.key}, org: x.ana.org, drive: x.ana.drive}, x.bot.id}
			if got := bot.download(x.file); string(got) != "two!" {
				t.Errorf("%q came down", got)
			}
			cleo.logIn()
			cleo.has(x.bought, "sold")
			// Who was not known here sets a password by mail.
			ana := *x.ana
			ana.client = &client{t: t, url: to.url}
			to.anybody().want(http.StatusAccepted, "POST", "/api/auth/password/forgot", object{"email": ana.email})
			to.anybody().want(http.StatusNoContent, "POST", "/api/auth/password/reset", object{"token": to.mailed(ana.email, "reset-password", 1), "password": password})
			ana.logIn()
			ana.counts(x.link, 1, 1, 0)
			if a := ana.want(http.StatusOK, "GET", "/api/datasets/"+x.dataset+"/items?q=sparrow", nil); len(a.list("id")) != 1 {
				t.Errorf("%s", a.body)
			}
			if a := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/shares", nil); !strings.Contains(string(a.body), x.link.token) {
				t.Errorf("a link cannot be shown again: %s", a.body)
			}
			ana.upload(object{"name": "new.txt"}, []byte("new"))
		})
	}
}

func userID(t *testing.T, s *server, email string) (id string) {
	t.Helper()
	if err := s.database().QueryRowContext(t.Context(), "SELECT id FROM users WHERE email = $1", email).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestABundleThatIsCutOffIsTakenTheNextTime(t *testing.T) {
	t.Parallel()
	from, to := newServer(t, sqliteDisk, everything), newServer(t, sqliteDisk, everything)
	from.start()
	ana := from.signUp("ana").found(object{"name": "Acme", "slug": "acme"})
	l := ana.shares(ana.upload(object{"name": "a.txt"}, []byte("bytes")).text("id"), object{})
	const files = 6
	for i := range files - 1 {
		ana.upload(object{"name": fmt.Sprintf("%d.bin", i)}, content(byte(i), 8_000_000))
	}
	ana.want(http.StatusCreated, "POST", "/api/orgs/"+ana.org+"/webhooks", object{"url": "https://hooks.example.com/x", "events": []string{"product.*"}})
	path := from.export(ana.org) // beside the running server
	to.start()
	to.signUp("eve").found(object{"name": "Acme", "slug": "acme"})
	to.refusesBundle("slug", path)

	// The rows wait for somebody else who writes, and the process dies.
	cmd := exec.CommandContext(t.Context(), program(t), "import", path, "--as", "acme-2")
	cmd.Dir, cmd.Env, cmd.SysProcAttr = to.dir, to.environ(), dieWithParent()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stored := func() int {
		dirs, _ := filepath.Glob(filepath.Join(to.dataDir(), "blobs", "objects", "*", ana.org, "*")) // the pattern is right
		return len(dirs)
	}
	for end := time.Now().Add(time.Minute); stored() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no bytes are stored")
		}
	}
	db := to.database()
	lock, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if _, err := lock.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all bytes are there", func() bool { return stored() == files })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if _, err := lock.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if n := to.rowsOf(db, ana.org); n != 0 {
		t.Errorf("%d rows can be seen", n)
	}
	to.fsck() // the bytes are too young to be missed

	if out := to.accept(path, "--as", "acme-2"); !strings.Contains(out, "sealed:") {
		t.Errorf("%s", out)
	}
	l.client = to.anybody()
	l.gets(http.StatusOK, "") // works, though it cannot be shown again
	var off int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM webhooks WHERE org_id = $1 AND active = 0", ana.org).Scan(&off); err != nil || off != 1 {
		t.Errorf("%d webhooks are off, %v", off, err)
	}
}

func TestAHalfDoneBundleIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteDisk, everything)
	s.start()
	ana := s.signUp("ana").found(object{"name": "Acme", "slug": "acme"})
	ana.upload(object{"name": "a.txt"}, []byte("bytes"))
	whole := s.export("acme")
	body, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(t.TempDir(), "half.tar")
	if err := os.WriteFile(half, body[:len(body)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	s.refusesBundle("bundle:", half)
	s.refusesBundle("bundle:", half, "--verify-only")
	for _, args := range [][]string{{"export", "nobody", filepath.Join(t.TempDir(), "x.tar")}, {"export", "acme", whole}, {"import", filepath.Join(t.TempDir(), "none.tar")}} {
		if code, _, stderr := s.run(args...); code != 1 || stderr == "" {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
		}
	}

	// Bytes that are gone are told of.
	blob := s.blobFile("a.txt")
	kept, err := os.ReadFile(blob)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	lacking := filepath.Join(t.TempDir(), "lacking.tar")
	if code, stdout, stderr := s.run("export", "acme", lacking); code != 1 || !strings.Contains(stdout, "missing: ") || !strings.Contains(stderr, "1 version") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	s.refusesBundle("lacks bytes", lacking)
	if err := os.WriteFile(blob, kept, 0o600); err != nil {
		t.Fatal(err)
	}
}
