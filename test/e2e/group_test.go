package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const groupsPath = "/api/groups"

// grouped makes a group in the user's org and returns its path.
func (u *user) grouped(body object) string {
	u.t.Helper()
	return groupsPath + "/" + u.want(http.StatusCreated, "POST", groupsPath+"?org_id="+u.org, body).text("id")
}

func idOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// ready uploads a file into the user's drive and returns its id.
func (u *user) ready(name string) string {
	u.t.Helper()
	return u.upload(object{"name": name, "drive_id": u.drive}, []byte(name)).text("id")
}

// twigs writes a tree of groups as "name asset_count/total_asset_count(children)".
func twigs(nodes any) string {
	var all []string
	for _, n := range nodes.([]any) { //nolint:forcetypeassert // the API's form
		m := n.(map[string]any) //nolint:forcetypeassert // as above
		text := fmt.Sprintf("%v %v/%v", m["name"], m["asset_count"], m["total_asset_count"])
		if below := twigs(m["children"]); below != "" {
			text += "(" + below + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func (u *user) treeMust(want string) {
	u.t.Helper()
	if got := twigs(u.want(http.StatusOK, "GET", groupsPath+"/tree?org_id="+u.org, nil).get("items")); got != want {
		u.t.Errorf("tree %q, want %q", got, want)
	}
}

// rightsOn returns the rights that a group says an account has, with the rules.
func (u *user) rightsOn(group, account string) string {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", group+"/permissions/effective?account_id="+account, nil)
	var all []string
	for i := range 5 {
		at := fmt.Sprintf("rights.%d.", i)
		if a.get(at+"granted") == true {
			all = append(all, a.text(at+"right")+" by "+a.text(at+"rule"))
		}
	}
	return strings.Join(all, ", ")
}

func TestGroupsSelectFilesForOthers(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben, cat := s.signUp("ana"), s.signUp("ben"), s.signUp("cat")
		acme := ana.found(object{"name": "Acme"})
		s.must("license", "assign", acme.org, "pro")
		joe, eva := s.hire(acme, ben, "member"), s.hire(acme, cat, "viewer")
		one, two, three := acme.ready("one.txt"), acme.ready("two.txt"), acme.ready("three.txt")

		// A member makes a group, and has all rights on it; others see nothing of it.
		order := object{"sections": []string{"Web", "Print"}, "default_sort": "custom", "layout": "gallery"}
		body := object{"name": " Spring ", "description": "All of it", "metadata": object{"tags": []string{"b", "a"}}, "organisation": order}
		spring := joe.grouped(body)
		got := joe.want(http.StatusOK, "GET", spring, nil)
		if got.text("name") != "Spring" || got.text("metadata.tags.0") != "a" || got.text("organisation.sections.1") != "Print" || got.header.Get("ETag") != `"1"` {
			t.Errorf("%s", got.body)
		}
		eva.refused(http.StatusNotFound, "not_found", "GET", spring, nil)
		eva.refused(http.StatusForbidden, "forbidden", "POST", groupsPath+"?org_id="+eva.org, object{"name": "x"})
		if r := joe.rightsOn(spring, joe.account); r != "view by creator, edit by creator, delete by creator, share by creator, manage_assets by creator" {
			t.Errorf("joe: %s", r)
		}

		// Files come in, in an order, with what is said of them here.
		add := func(u *user, file string, more object) *answer {
			return u.ask("POST", spring+"/assets", object{"asset_id": file}.but(more))
		}
		if a := add(joe, one, object{"section": "Print", "title": "First"}); a.status != http.StatusCreated || a.text("title") != "First" || a.text("name") != "one.txt" {
			t.Errorf("%s", a.body)
		}
		add(joe, two, object{"section": "Nowhere"}).isProblem(http.StatusUnprocessableEntity, "validation_failed")
		add(joe, one, nil).isProblem(http.StatusConflict, "already_in_group")
		add(joe, cat.ready("foreign.txt"), nil).isProblem(http.StatusUnprocessableEntity, "validation_failed")
		add(joe, acme.folder(acme.drive, "/folder"), nil).isProblem(http.StatusUnprocessableEntity, "validation_failed")
		joe.want(http.StatusNoContent, "POST", spring+"/assets/bulk", object{"add": []string{two, three}, "order": []string{three}})
		joe.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", spring+"/assets/bulk", object{"remove": []string{one, missingID}})
		joe.want(http.StatusOK, "PATCH", spring+"/assets/"+two, object{"section": "Web", "position": 0})
		if got := joe.want(http.StatusOK, "GET", spring+"/assets", nil).list("asset_id"); !slices.Equal(got, []string{three, two, one}) {
			t.Errorf("order %v of %v", got, []string{one, two, three})
		}
		if got := joe.listing("name", spring+"/assets?limit=1"); !slices.Equal(got, []string{"three.txt", "two.txt", "one.txt"}) {
			t.Errorf("page by page: %v", got)
		}

		// A row for a role lets others look; it takes nothing from whoever sets it.
		view := object{"role": "viewer", "can_view": true}
		joe.refused(http.StatusConflict, "group_lockout", "PUT", spring+"/permissions", object{"permissions": []object{{"role": "member", "can_view": true}}})
		joe.refused(http.StatusUnprocessableEntity, "validation_failed", "PUT", spring+"/permissions", object{"permissions": []object{{"role": "viewer", "can_edit": true}}})
		joe.want(http.StatusOK, "PUT", spring+"/permissions", object{"permissions": []object{view}})
		eva.want(http.StatusOK, "GET", spring, nil)
		eva.refused(http.StatusForbidden, "forbidden", "GET", spring+"/permissions", nil)
		eva.refused(http.StatusForbidden, "forbidden", "POST", spring+"/assets/bulk", object{"remove": []string{one}})
		eva.refused(http.StatusForbidden, "forbidden", "DELETE", spring, nil)
		if r := eva.rightsOn(spring, eva.account); r != "view by role_row" {
			t.Errorf("eva: %s", r)
		}

		// What goes to the trash is hidden from her, and with it goes for good.
		node := func(id string) string { return "/api/nodes/" + id }
		acme.want(http.StatusNoContent, "DELETE", node(three), nil)
		if a := eva.want(http.StatusOK, "GET", spring+"/assets", nil); len(a.list("name")) != 2 {
			t.Errorf("%s", a.body)
		}
		if a := joe.want(http.StatusOK, "GET", spring+"/assets", nil); !slices.Equal(a.list("hidden"), []string{"true", "false", "false"}) {
			t.Errorf("%s", a.body)
		}
		acme.want(http.StatusNoContent, "DELETE", node(three)+"?permanent=true", nil)
		if a := joe.want(http.StatusOK, "GET", spring+"/assets", nil); len(a.list("name")) != 2 {
			t.Errorf("%s", a.body)
		}

		// Nested groups inherit; a tree counts each file once.
		inner := joe.grouped(object{"name": "Print", "parent_id": idOf(spring)})
		joe.want(http.StatusCreated, "POST", inner+"/assets", object{"asset_id": one})
		joe.treeMust("Spring 2/2(Print 1/1)")
		eva.treeMust("Spring 2/2(Print 1/1)")
		why := eva.want(http.StatusOK, "GET", inner+"/permissions/effective", nil)
		if why.text("rights.0.group_name") != "Spring" || why.get("rights.0.inherited") != true || why.text("rights.1.rule") != "role_row" {
			t.Errorf("%s", why.body)
		}
		joe.want(http.StatusOK, "PUT", spring+"/permissions", object{"permissions": []object{}})
		joe.want(http.StatusOK, "PUT", inner, object{"name": "Print", "parent_id": idOf(spring), "is_public": true})
		eva.treeMust("Print 1/1")
		joe.refused(http.StatusConflict, "group_into_itself", "PUT", spring, object{"name": "Spring", "parent_id": idOf(inner)})
		if got := eva.want(http.StatusOK, "GET", groupsPath+"?org_id="+eva.org, nil).list("name"); !slices.Equal(got, []string{"Print"}) {
			t.Errorf("eva lists %v", got)
		}
		for query, want := range map[string]int{"q=SPR": 1, "tag=b": 1, "tag=c": 0, "parent_id=" + idOf(spring): 1, "deleted=true": 0, "limit=1": 1} {
			if got := acme.want(http.StatusOK, "GET", groupsPath+"?org_id="+acme.org+"&"+query, nil).list("id"); len(got) != want {
				t.Errorf("%s: %v", query, got)
			}
		}

		// A stale change is refused; a section that goes leaves its files.
		joe.refused(http.StatusPreconditionFailed, "precondition_failed", "PUT", spring, body, with{"If-Match": `"1"`})
		tag := joe.want(http.StatusOK, "GET", spring, nil).header.Get("ETag")
		joe.want(http.StatusOK, "PUT", spring, object{"name": "Spring"}, with{"If-Match": tag})
		if a := joe.want(http.StatusOK, "GET", spring+"/assets", nil); !slices.Equal(a.list("section"), []string{"<nil>", "<nil>"}) || a.text("items.0.title") != "First" {
			t.Errorf("%s", a.body)
		}

		// Deleted with what is in it, and back.
		joe.want(http.StatusNoContent, "DELETE", spring, nil)
		acme.treeMust("")
		eva.refused(http.StatusNotFound, "not_found", "GET", inner, nil)
		joe.refused(http.StatusConflict, "group_not_deleted", "POST", inner+"/restore", nil)
		joe.refused(http.StatusConflict, "group_deleted", "GET", spring+"/assets", nil)
		if got := joe.want(http.StatusOK, "GET", groupsPath+"?deleted=true&org_id="+joe.org, nil).list("name"); !slices.Equal(got, []string{"Spring"}) {
			t.Errorf("deleted: %v", got)
		}
		joe.want(http.StatusOK, "POST", spring+"/restore", nil)
		acme.treeMust("Spring 2/2(Print 1/1)")

		// Whoever leaves and comes back has nothing of what they had.
		acme.want(http.StatusNoContent, "DELETE", acme.member(joe.account), nil)
		joe.refused(http.StatusNotFound, "not_found", "GET", spring, nil)
		if r := acme.rightsOn(spring, acme.account); !strings.HasPrefix(r, "view by org_owner, edit by org_owner") {
			t.Errorf("ana: %s", r)
		}
		for _, event := range []string{"group.created", "group.updated", "group.deleted", "group.restored", "group.assets_changed"} {
			var n int
			if err := s.database().QueryRowContext(t.Context(), "SELECT count(*) FROM events WHERE type = $1 AND org_id = $2", event, acme.org).Scan(&n); err != nil || n == 0 {
				t.Errorf("%d events %s, %v", n, event, err)
			}
		}
		s.fsck()
	})
}

func TestGroupsAreWithinTheLicence(t *testing.T) {
	tell(t, settings{"COFFER_TRASH_RETENTION": "2s"}, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		path := groupsPath // of the org that the user has switched to, the personal one
		answers := race(t, 12, func(i int) (*answer, error) { return ana.try("POST", path, object{"name": fmt.Sprint(i)}) })
		count(t, "new groups", answers, map[int]int{http.StatusCreated: 10, http.StatusForbidden: 2})
		if n := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/license", nil).number("usage.groups_count"); n != 10 {
			t.Errorf("%d groups", n)
		}
		all := ana.want(http.StatusOK, "GET", path, nil).list("id")
		nested := object{"name": "x", "parent_id": all[1]}
		ana.refused(http.StatusForbidden, "feature_unavailable", "PUT", path+"/"+all[0], nested)
		s.must("license", "assign", ana.org, "pro")
		ana.want(http.StatusOK, "PUT", path+"/"+all[0], nested)
		s.must("license", "assign", ana.org, "free") // takes nothing away
		ana.want(http.StatusOK, "PUT", path+"/"+all[0], nested.but(object{"name": "y"}))
		ana.refused(http.StatusForbidden, "limit_exceeded", "POST", path, object{"name": "z"})
		ana.want(http.StatusNoContent, "DELETE", path+"/"+all[1], nil)
		ana.refused(http.StatusForbidden, "limit_exceeded", "POST", path, object{"name": "z"}) // counts until it is purged

		s.stop()
		time.Sleep(2 * time.Second)
		s.start() // the job runs at the start
		eventually(t, "the deleted groups are purged", func() bool {
			return ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/license", nil).number("usage.groups_count") == 8
		})
		ana.refused(http.StatusNotFound, "not_found", "GET", path+"/"+all[0], nil)
		answers = race(t, 4, func(int) (*answer, error) {
			return ana.try("POST", path, object{"name": "once"}, with{"Idempotency-Key": "k"})
		})
		count(t, "one group, asked for four times", answers, map[int]int{http.StatusCreated: 4})
		if got := ana.want(http.StatusOK, "GET", path, nil).list("id"); len(got) != 9 {
			t.Errorf("%d groups", len(got))
		}
		s.fsck()
	})
}
