package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// What is wrong with a request about nodes is said with a code, and changes
// nothing.
func TestBadInputAboutNodesIsRefused(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		file := ana.upload(object{"name": "file"}, []byte("x")).text("id")
		folder := ana.folder(ana.drive, "/folder")
		for i := range 3 {
			ana.folder(ana.drive, fmt.Sprintf("/folder/%d", i))
		}
		ids := map[string]string{"file": file, "folder": folder, "drive": ana.drive, "missing": missingID}
		cursor := func(path string) string {
			return ana.want(http.StatusOK, "GET", request{path: path}.filled(ids).path, nil).text("next_cursor")
		}
		ids["byname"] = cursor("/api/drives/{drive}/nodes?parent_id={folder}&limit=1")
		ids["bysize"] = cursor("/api/drives/{drive}/nodes?parent_id={folder}&limit=1&sort=-size")
		ids["found"] = cursor("/api/drives/{drive}/search?kind=folder&limit=1")
		ids["changes"] = cursor("/api/drives/{drive}/changes?limit=1")
		inventory := func() string {
			return fmt.Sprint(ana.listing("name", "/api/drives/"+ana.drive+"/search?limit=9"), string(ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/changes", nil).body))
		}
		before := inventory()
		// As many levels, names and ids as there may be, and one more.
		long, deep := strings.Repeat("x", 256), strings.Repeat("/a", 65)
		many := strings.Join(slices.Repeat([]string{`"` + missingID + `"`}, 1001), ",")

		const invalid, bad = "validation_failed", http.StatusUnprocessableEntity
		for _, c := range []struct {
			method, path, body string
			status             int
			code               string
		}{
			{"GET", "/api/drives/x/nodes", "", 404, "not_found"},
			{"GET", "/api/drives/{missing}/nodes", "", 404, "not_found"},
			{"GET", "/api/drives/{drive}/nodes?limit=0", "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?limit=201", "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?limit=x", "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?sort=created_at", "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?parent_id=x", "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?parent_id={missing}", "", 404, "not_found"},
			{"GET", "/api/drives/{drive}/nodes?parent_id={file}", "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?path=/file", "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?path=/none", "", 404, "not_found"},
			{"GET", "/api/drives/{drive}/nodes?path=/folder/none&parent_id={folder}", "", 404, "not_found"},
			{"GET", "/api/drives/{drive}/nodes?path=/a/../b", "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?path=/a%00b", "", 400, "malformed_request"},
			{"GET", "/api/drives/{drive}/nodes?path=/a%FF", "", 400, "malformed_request"},
			{"GET", "/api/drives/{drive}/nodes?path=" + deep, "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?path=/" + long, "", bad, invalid},
			{"GET", "/api/drives/{drive}/nodes?cursor=x", "", bad, "cursor_invalid"},
			{"GET", "/api/drives/{drive}/nodes?parent_id={folder}&sort=-size&cursor={byname}", "", bad, "cursor_invalid"},
			{"GET", "/api/drives/{drive}/nodes?parent_id={folder}&cursor={bysize}", "", bad, "cursor_invalid"},
			{"GET", "/api/drives/{drive}/nodes?cursor={byname}", "", bad, "cursor_invalid"},
			{"GET", "/api/drives/{drive}/trash?cursor={found}", "", bad, "cursor_invalid"},
			{"GET", "/api/drives/{drive}/search?kind=asset&cursor={found}", "", bad, "cursor_invalid"},
			{"GET", "/api/drives/{drive}/search?kind=file", "", bad, invalid},
			{"GET", "/api/drives/{drive}/search?min_size=-1", "", bad, invalid},
			{"GET", "/api/drives/{drive}/search?max_size=1e9", "", bad, invalid},
			{"GET", "/api/drives/{drive}/search?from=yesterday", "", bad, invalid},
			{"GET", "/api/drives/{drive}/search?q=" + long, "", bad, invalid},
			{"GET", "/api/drives/{drive}/changes?cursor=then", "", bad, "cursor_invalid"},
			{"GET", "/api/drives/{drive}/changes?cursor={found}", "", bad, "cursor_invalid"},
			{"GET", "/api/drives/{drive}/changes?limit=999", "", bad, invalid},
			{"POST", "/api/drives/{drive}/folders", ``, 400, "malformed_json"},
			{"POST", "/api/drives/{drive}/folders", `{}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `[]`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": ""}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": null}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": 1}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a/b"}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": ".."}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": " a"}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "` + long + `"}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a", "owner": "me"}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a", "parent_id": "x"}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a", "parent_id": "{missing}"}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a", "parent_id": "{file}"}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a", "path": "/none"}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a", "path": "/file", "parents": true}`, 409, "name_taken"},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a", "path": "` + deep + `", "parents": true}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a", "path": "` + strings.Repeat("/a", 64) + `", "parents": true}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "a", "parents": "yes"}`, bad, invalid},
			{"POST", "/api/drives/{drive}/folders", `{"name": "file"}`, 409, "name_taken"},
			{"GET", "/api/nodes/x", "", 404, "not_found"},
			{"GET", "/api/nodes/{missing}", "", 404, "not_found"},
			{"GET", "/api/nodes/{missing}/path", "", 404, "not_found"},
			{"GET", "/api/nodes/{missing}/archive", "", 404, "not_found"},
			{"GET", "/api/nodes/{file}/archive", "", 409, "not_a_folder"},
			{"PATCH", "/api/nodes/{file}", `{"name": null}`, bad, invalid},
			{"PATCH", "/api/nodes/{file}", `{"name": ""}`, bad, invalid},
			{"PATCH", "/api/nodes/{file}", `{"name": "a\nb"}`, bad, invalid},
			{"PATCH", "/api/nodes/{file}", `{"name": "` + strings.Repeat("é", 128) + `"}`, bad, invalid},
			{"PATCH", "/api/nodes/{file}", `{"tags": []}`, bad, invalid},
			{"PATCH", "/api/nodes/{file}", `{"parent_id": 7}`, bad, invalid},
			{"PATCH", "/api/nodes/{file}", `{"parent_id": "{file}"}`, bad, invalid},
			{"PATCH", "/api/nodes/{folder}", `{"parent_id": "{folder}"}`, 409, "folder_into_itself"},
			{"PATCH", "/api/nodes/{file}", `{"drive_id": "x"}`, bad, invalid},
			{"PATCH", "/api/nodes/{file}", `{"drive_id": "{missing}"}`, bad, invalid},
			{"PATCH", "/api/nodes/{file}", `{"name": "folder", "on_conflict": "version"}`, bad, invalid},
			{"PATCH", "/api/nodes/{file}", `{"name": "folder"}`, 409, "name_taken"},
			{"PATCH", "/api/nodes/{drive}", `{"name": "root"}`, 409, "root_folder"},
			{"DELETE", "/api/nodes/{drive}", "", 409, "root_folder"},
			{"DELETE", "/api/nodes/{missing}", "", 404, "not_found"},
			{"DELETE", "/api/nodes/{file}?permanent=perhaps", "", bad, invalid},
			{"POST", "/api/nodes/{file}/copy", ``, 400, "malformed_json"},
			{"POST", "/api/nodes/{file}/copy", `{"name": ""}`, bad, invalid},
			{"POST", "/api/nodes/{file}/copy", `{"on_conflict": "fail"}`, 409, "name_taken"},
			{"POST", "/api/nodes/{file}/copy", `{"on_conflict": "version"}`, bad, invalid},
			{"POST", "/api/nodes/{file}/copy", `{"parent_id": "{file}"}`, bad, invalid},
			{"POST", "/api/nodes/{folder}/copy", `{"parent_id": "{folder}"}`, 409, "folder_into_itself"},
			{"POST", "/api/nodes/{drive}/copy", `{"parent_id": "{folder}"}`, 409, "root_folder"},
			{"POST", "/api/nodes/{file}/restore", "", 409, "not_trashed"},
			{"POST", "/api/nodes/{file}/restore", `{"name": 1}`, bad, invalid},
			{"POST", "/api/nodes/bulk", `{"op": "move", "ids": []}`, bad, invalid},
			{"POST", "/api/nodes/bulk", `{"op": "move", "ids": [` + many + `]}`, bad, invalid},
			{"POST", "/api/nodes/bulk", `{"op": "rename", "ids": ["{file}"]}`, bad, invalid},
			{"POST", "/api/nodes/bulk", `{"op": "trash"}`, bad, invalid},
			{"POST", "/api/nodes/bulk", `{"ids": ["{file}"]}`, bad, invalid},
			{"POST", "/api/nodes/bulk", `{"op": "trash", "ids": ["x"]}`, bad, invalid},
			{"POST", "/api/nodes/bulk", `{"op": "trash", "ids": null}`, bad, invalid},
		} {
			a := ana.request(request{c.method, c.path, c.body}.filled(ids))
			if a.status != c.status || a.text("code") != c.code {
				t.Errorf("%.200s %.100s", c.path, c.body)
			}
			a.isProblem(c.status, c.code)
		}
		if after := inventory(); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		all := strings.Replace(many, `,"`+missingID+`"`, "", 1)
		a := ana.want(http.StatusOK, "POST", "/api/nodes/bulk", raw(`{"op": "trash", "ids": [`+all+`]}`))
		if codes := a.list("error.code"); len(codes) != 1000 || slices.ContainsFunc(codes, func(c string) bool { return c != "not_found" }) {
			t.Errorf("%d answers", len(codes))
		}
	})
}
