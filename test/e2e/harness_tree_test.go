package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// folder makes what is missing of a path in the drive, as "/a/b", and returns
// the id of its end.
func (u *user) folder(drive, path string) string {
	u.t.Helper()
	i := strings.LastIndexByte(path, '/')
	body := object{"name": path[i+1:], "path": path[:i], "parents": true}
	a := u.ask("POST", "/api/drives/"+drive+"/folders", body)
	if a.status != http.StatusCreated && a.status != http.StatusOK {
		u.t.Fatalf("%s: %d %s", a.what, a.status, a.body)
	}
	return a.text("id")
}

// listing returns a member of each node in a folder, page by page.
func (u *user) listing(member, path string) (all []string) {
	u.t.Helper()
	for cursor := ""; ; {
		page := u.want(http.StatusOK, "GET", path+cursor, nil)
		all = append(all, page.list(member)...)
		if page.get("next_cursor") == nil {
			return all
		}
		cursor = "&cursor=" + url.QueryEscape(page.text("next_cursor"))
	}
}

// patch changes a node, which must succeed.
func (u *user) patch(node string, to object) *answer {
	u.t.Helper()
	return u.want(http.StatusOK, "PATCH", "/api/nodes/"+node, to)
}

// unzipped downloads a folder and returns what is in the archive, by name.
func (u *user) unzipped(node string) map[string]string {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", "/api/nodes/"+node+"/archive", nil)
	if a.header.Get("Content-Type") != "application/zip" || !strings.Contains(a.header.Get("Content-Disposition"), ".zip") {
		u.t.Errorf("%s: %v", a.what, a.header)
	}
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		u.t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			u.t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			u.t.Fatal(err)
		}
		out[f.Name] = string(data)
	}
	return out
}

// follower mirrors a drive by its changes, as a script would.
type follower struct {
	*user

	path, cursor string
	nodes        map[string]replica
}

// replica is what a follower knows of a node.
type replica struct {
	parent, name string
	folder       bool
	version      int64
}

func (u *user) followerOf(drive string) *follower {
	return &follower{user: u, path: "/api/drives/" + drive, nodes: map[string]replica{}}
}

// catchUp applies all changes since the last time.
func (f *follower) catchUp() {
	f.t.Helper()
	for more := true; more; {
		a := f.want(http.StatusOK, "GET", f.path+"/changes?limit=7&cursor="+f.cursor, nil)
		for i, kind := range a.list("kind") {
			at := func(member string) string { return a.text(fmt.Sprintf("items.%d.%s", i, member)) }
			n := replica{at("parent_id"), at("name"), at("node_kind") == "folder", a.number(fmt.Sprintf("items.%d.node_version", i))}
			f.apply(kind, at("node_id"), n)
		}
		f.cursor, more = a.text("next_cursor"), a.get("has_more") == true
	}
}

func (f *follower) apply(kind, id string, n replica) {
	f.t.Helper()
	_, here := f.nodes[id]
	_, parent := f.nodes[n.parent]
	switch root := n.parent == "<nil>"; kind {
	case "trashed", "purged", "moved_out":
		f.forget(id)
		return
	default:
		if !parent && !root {
			f.forget(id)
			return
		}
	}
	f.nodes[id] = n
	if brings := kind == "created" || kind == "moved_in" || kind == "restored"; n.folder && (brings || !here) {
		f.list(id, "?parent_id="+id)
	}
}

func (f *follower) list(id, query string) {
	f.t.Helper()
	a := f.ask("GET", f.path+"/nodes"+query+"&limit=200", nil)
	if a.status != http.StatusOK {
		return // it has gone since: a change says so
	}
	for i, node := range a.list("id") {
		at := func(member string) any { return a.get(fmt.Sprintf("items.%d.%s", i, member)) }
		folder := at("kind") == "folder"
		if !folder && at("status") != "ready" {
			continue
		}
		f.nodes[node] = replica{id, fmt.Sprint(at("name")), folder, a.number(fmt.Sprintf("items.%d.version", i))}
		if folder {
			f.list(node, "?parent_id="+node)
		}
	}
}

func (f *follower) forget(id string) {
	delete(f.nodes, id)
	for child, n := range maps.Clone(f.nodes) {
		if n.parent == id {
			f.forget(child)
		}
	}
}

// isTheDrive checks that the mirror equals the drive.
func (f *follower) isTheDrive() {
	f.t.Helper()
	f.catchUp()
	whole := &follower{user: f.user, path: f.path, nodes: map[string]replica{}}
	whole.list("<nil>", "?")
	if !maps.Equal(whole.nodes, f.nodes) {
		f.t.Errorf("the mirror has %v,\nthe drive %v", f.nodes, whole.nodes)
	}
}
