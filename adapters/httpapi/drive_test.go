package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/core"
)

const (
	drivesURL = orgURL + "/drives"
	teamURL   = "/api/drives/00000000-0000-0000-0000-00000000000a"
	libURL    = "/api/drives/00000000-0000-0000-0000-000000000004"
	ownURL    = "/api/drives/00000000-0000-0000-0000-00000000000b"
	benInTeam = teamURL + "/members/" + account7
)

func TestDriveRoutesTakeWhatTheyDescribe(t *testing.T) {
	for name, c := range map[string]struct{ method, path, body, location string }{
		"a drive without a name":   {"POST", drivesURL, `{}`, "body.name"},
		"a drive with less room":   {"POST", drivesURL, `{"name":"x","quota_bytes":-1}`, "body.quota_bytes"},
		"a drive for kings":        {"POST", drivesURL, `{"name":"x","default_role":"king"}`, "body.default_role"},
		"a drive with a blank":     {"POST", drivesURL, `{"name":"  "}`, "body.name"},
		"a name that is taken off": {"PATCH", teamURL, `{"name":null}`, "body.name"},
		"less than no room":        {"PATCH", teamURL, `{"quota_bytes":-1}`, "body.quota_bytes"},
		"room in words":            {"PATCH", teamURL, `{"quota_bytes":"1 GB"}`, "body.quota_bytes"},
		"a strange default role":   {"PATCH", teamURL, `{"default_role":"none"}`, "body.default_role"},
		"an unknown field":         {"PATCH", teamURL, `{"used_bytes":0}`, "body.used_bytes"},
		"a member as nothing":      {"PUT", benInTeam, `{}`, "body.role"},
		"a member as null":         {"PUT", benInTeam, `{"role":null}`, "body.role"},
		"a member as owner":        {"PUT", benInTeam, `{"role":"owner"}`, "body.role"},
		"force in words":           {"DELETE", teamURL + "?force=perhaps", "", "query.force"},
		"another's place":          {"GET", drivesURL + "?cursor=AAAA", "", "query.cursor"},
		"no default drive":         {"PATCH", orgURL, `{"default_drive_id":null}`, "body.default_drive_id"},
		"a default that is no id":  {"PATCH", orgURL, `{"default_drive_id":"x"}`, "body.default_drive_id"},
		"a foreign default":        {"PATCH", orgURL, `{"default_drive_id":"00000000-0000-0000-0000-000000000077"}`, "body.default_drive_id"},
		"a personal default":       {"PATCH", orgURL, `{"default_drive_id":"00000000-0000-0000-0000-00000000000b"}`, "body.default_drive_id"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t).call(c.method, c.path, c.body, signedIn)
			if w.Code != 422 || !strings.Contains(w.Body.String(), `"location":"`+c.location+`"`) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	for _, path := range []string{"/api/drives/x", "/api/drives/00000000-0000-0000-0000-000000000077", teamURL + "7"} {
		for _, c := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"DELETE", ""}, {"GET", "/members"}, {"GET", "/usage"}} {
			body := ""
			if c[0] == "PATCH" {
				body = `{"name":"x"}`
			}
			problemIn(t, newFixture(t).call(c[0], path+c[1], body, signedIn), 404, "not_found")
		}
	}
}

func TestDrivesAreListedAndMade(t *testing.T) {
	f := newFixture(t)
	const team = `{"id":"00000000-0000-0000-0000-00000000000a","org_id":"00000000-0000-0000-0000-000000000003","owner_account_id":null,"name":"Team",` +
		`"default_role":null,"quota_bytes":null,"used_bytes":0,"created_at":"2026-11-22T09:00:00Z","updated_at":"2026-11-22T09:00:00Z",` +
		`"role":"admin","is_default":false,"version":1}`
	var first page[driveEntryBody]
	if err := decode(f.call("GET", drivesURL+"?limit=1", "", signedIn).Body.Bytes(), &first); err != nil || len(first.Items) != 1 || !first.Items[0].IsDefault || first.NextCursor == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	if got := f.call("GET", drivesURL+"?limit=1&cursor="+*first.NextCursor, "", signedIn).Body.String(); !strings.HasPrefix(got, `{"items":[`+team+`],"next_cursor":"`) {
		t.Errorf("got  %s\nwant %s", got, team)
	}
	if got := f.call("GET", teamURL, "", signedIn); got.Body.String() != team || got.Header().Get("ETag") != `"1-admin-0"` {
		t.Errorf("%s %v", got.Body, got.Header())
	}
	w := f.call("POST", drivesURL, `{"name":" Marketing ","quota_bytes":5,"default_role":"viewer"}`, signedIn)
	if w.Code != 201 || w.Header().Get("Location") != "/api/drives/00000000-0000-0000-0000-0000000000c8" || w.Header().Get("ETag") != `"1-admin-0"` ||
		!strings.Contains(w.Body.String(), `"name":"Marketing","default_role":"viewer","quota_bytes":5,`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if got := fmt.Sprint(f.store.people.log[0].Action, f.store.people.log[0].Changes); got != "drive.createdmap[default_role:{<nil> viewer} name:{<nil> Marketing} quota_bytes:{<nil> 5}]" {
		t.Errorf("audit: %s", got)
	}
	problemIn(t, f.call("POST", drivesURL, `{"name":"Team"}`, signedIn), 409, "drive_name_taken")
}

func TestADriveIsChanged(t *testing.T) {
	f := newFixture(t)
	w := f.call("PATCH", teamURL, `{"name":"Crew","quota_bytes":7,"default_role":"editor"}`, signedIn, `If-Match: "1-viewer-99"`) // what else it shows may change
	if w.Code != 200 || w.Header().Get("ETag") != `"2-admin-0"` || !strings.Contains(w.Body.String(), `"name":"Crew","default_role":"editor","quota_bytes":7,`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	w = f.call("PATCH", teamURL, `{"quota_bytes":null,"default_role":null}`, signedIn, `If-Match: "2"`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"name":"Crew","default_role":null,"quota_bytes":null,`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := fmt.Sprint(f.store.people.log[0].Changes); got != "map[default_role:{editor <nil>} quota_bytes:{7 <nil>}]" {
		t.Errorf("audit: %s", got)
	}
	for _, tag := range []string{`"1-admin-0"`, `W/"3-admin-0"`, `"30-admin-0"`, `"3`, `3`} {
		problemIn(t, f.call("PATCH", teamURL, `{"name":"x"}`, signedIn, "If-Match: "+tag), 412, "precondition_failed")
		problemIn(t, f.call("DELETE", teamURL, "", signedIn, "If-Match: "+tag), 412, "precondition_failed")
	}
	if w := f.call("GET", teamURL, "", signedIn, `If-None-Match: "3-admin-0"`); w.Code != 304 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.call("GET", libURL, "", signedIn, `If-None-Match: "1-admin-0"`); w.Code != 200 || w.Header().Get("ETag") != `"1-admin-0-default"` {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for _, body := range []string{`{"quota_bytes":1}`, `{"default_role":"viewer"}`, `{"name":"x","quota_bytes":null}`} {
		problemIn(t, f.call("PATCH", ownURL, body, signedIn), 409, "personal_drive")
	}
	if w := f.call("PATCH", ownURL, `{"name":"Mine"}`, signedIn); w.Code != 200 || !strings.Contains(w.Body.String(), `"name":"Mine"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestADriveIsDeleted(t *testing.T) {
	f := newFixture(t)
	problemIn(t, f.call("DELETE", ownURL, "", signedIn), 409, "personal_drive")
	problemIn(t, f.call("DELETE", libURL+"?force=true", "", signedIn), 409, "default_drive")
	f.store.drives.contents = core.DriveContents{Files: 3, TrashFolders: 1}
	p := problemIn(t, f.call("DELETE", teamURL, "", signedIn), 409, "drive_not_empty")
	if p["files"] != 3.0 || p["folders"] != 0.0 || p["trash_files"] != 0.0 || p["trash_folders"] != 1.0 {
		t.Errorf("%v", p)
	}
	if w := f.call("DELETE", teamURL+"?force=true", "", signedIn, `If-Match: "1-admin-0"`); w.Code != 204 || len(f.store.drives.jobs) != 1 {
		t.Errorf("%d %s, %v", w.Code, w.Body, f.store.drives.jobs)
	}
	for _, path := range []string{"", "/members", "/usage"} {
		problemIn(t, f.call("GET", teamURL+path, "", signedIn), 404, "not_found")
	}
	problemIn(t, f.call("PATCH", orgURL, `{"default_drive_id":"00000000-0000-0000-0000-00000000000a"}`, signedIn), 422, "validation_failed")
}

func TestTheDefaultDriveIsSwitched(t *testing.T) {
	f := newFixture(t)
	w := f.call("PATCH", orgURL, `{"default_drive_id":"00000000-0000-0000-0000-00000000000a"}`, signedIn)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"default_drive_id":"00000000-0000-0000-0000-00000000000a"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	problemIn(t, f.call("DELETE", teamURL, "", signedIn), 409, "default_drive")
	if w := f.call("DELETE", libURL, "", signedIn); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMembersOfADrive(t *testing.T) {
	f := newFixture(t)
	const ben = `{"account_id":"` + account7 + `","email":"ben@example.com","name":"","role":"editor","org_role":"member","status":"active","created_at":"2026-11-22T09:00:00Z"}`
	for range 2 {
		if w := f.call("PUT", benInTeam, `{"role":"editor"}`, signedIn); w.Code != 200 || w.Body.String() != ben {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if len(f.store.people.log) != 1 || fmt.Sprint(f.store.people.log[0].Changes["role"]) != "{<nil> editor}" { // the second changes nothing
		t.Errorf("audit: %v", f.store.people.log)
	}
	if got := f.call("GET", teamURL+"/members", "", signedIn).Body.String(); got != `{"items":[`+ben+`],"next_cursor":null}` {
		t.Errorf("got  %s\nwant %s", got, ben)
	}
	problemIn(t, f.call("PUT", strings.Replace(benInTeam, "007", "006", 1), `{"role":"editor"}`, signedIn), 422, "validation_failed")
	problemIn(t, f.call("PUT", strings.Replace(benInTeam, "007", "008", 1), `{"role":"viewer"}`, signedIn), 409, "account_state")
	problemIn(t, f.call("PUT", strings.Replace(benInTeam, "007", "077", 1), `{"role":"viewer"}`, signedIn), 404, "not_found")
	if w := f.call("DELETE", benInTeam, "", signedIn); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	problemIn(t, f.call("DELETE", benInTeam, "", signedIn), 404, "not_found")
	if got := fmt.Sprint(f.store.people.log[0].Action, f.store.people.log[0].Changes["role"]); got != "drive.member_removed{editor <nil>}" {
		t.Errorf("audit: %s", got)
	}
	for _, c := range [][3]string{{"GET", "", ""}, {"PUT", "/" + account7, `{"role":"editor"}`}, {"DELETE", "/" + account7, ""}} {
		problemIn(t, f.call(c[0], ownURL+"/members"+c[1], c[2], signedIn), 409, "personal_drive")
	}
}

func TestUsageOfADrive(t *testing.T) {
	f := newFixture(t)
	f.store.drives.contents = core.DriveContents{Files: 3, Folders: 2, FileBytes: 30, TrashFiles: 1, TrashFolders: 4, TrashBytes: 10, PurgingBytes: 5}
	f.store.drives.drives[id[core.Drive](10)].UsedBytes = 52
	const want = `{"used_bytes":52,"quota_bytes":null,"files":3,"folders":2,"files_bytes":30,"versions_bytes":7,"trash_files":1,"trash_folders":4,"trash_bytes":10,"purging_bytes":5}`
	if got := f.call("GET", teamURL+"/usage", "", signedIn).Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAccessIsExplained(t *testing.T) {
	f := newFixture(t)
	f.store.drives.members[id[core.Account](7)] = core.DriveEditor
	const path = "/api/nodes/00000000-0000-0000-0000-000000000005/access"
	const all = `{"read":true,"write":true,"delete":true,"delete_any":true,"manage":true}`
	const owner = `"role":"admin","rights":` + all + `,"rule":"org_owner"`
	const ben = `{"account_id":"` + account7 + `","email":"ben@example.com","name":"","org_role":"member","status":"active",` +
		`"role":"editor","rights":{"read":true,"write":true,"delete":true,"delete_any":true,"manage":false},"rule":"drive_member"}`
	w := f.call("GET", path, "", signedIn)
	if got := w.Body.String(); w.Code != 200 || !strings.HasPrefix(got, `{"you":{`+owner+`},"items":[{"account_id":"00000000-0000-0000-0000-000000000006",`) ||
		!strings.HasSuffix(got, owner+`},`+ben+`],"next_cursor":null}`) {
		t.Errorf("%d %s", w.Code, got)
	}
	f.store.drives.role, f.store.drives.drives[id[core.Drive](4)].DefaultRole = core.OrgViewer, core.DriveEditor
	const you = `{"you":{"role":"viewer","rights":{"read":true,"write":false,"delete":false,"delete_any":false,"manage":false},"rule":"org_viewer_limit"},"items":[],"next_cursor":null}`
	if got := f.call("GET", path, "", signedIn).Body.String(); got != you {
		t.Errorf("got  %s\nwant %s", got, you)
	}
	problemIn(t, f.call("GET", strings.Replace(path, "05/", "77/", 1), "", signedIn), 404, "not_found")
}
