package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

func TestSixtyRacingCreatesOf50MBAreExactlyTwenty(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, bea := s.signUp("ana"), s.signUp("bea")
		path := "/api/orgs/" + ana.org + "/assets"
		answers := race(t, 60, func(i int) (*answer, error) {
			return ana.try("POST", path, object{"name": fmt.Sprintf("%d.bin", i), "size_bytes": 50_000_000})
		})
		if n := statuses(answers); n[http.StatusCreated] != 20 || n[http.StatusForbidden] != 40 {
			t.Errorf("answers %v", n)
		}
		var granted []string
		for _, a := range answers {
			if a.status == http.StatusCreated {
				granted = append(granted, a.text("asset.id"))
				continue
			}
			namesLimit(a, "max_total_storage_mb", 1_000, 1_000, 50)
			if a.number("max_bytes") != 1_000_000_000 || a.number("used_bytes") != 1_000_000_000 || a.number("requested_bytes") != 50_000_000 {
				t.Errorf("%s", a.body)
			}
		}
		ana.usedMust(1_000_000_000, 20)
		bea.create(object{"name": "a.bin", "size_bytes": 50_000_000}) // another org's room is its own

		// What goes for good makes room, once, however often it is deleted.
		gone := path + "/" + granted[0] + "?permanent=true"
		answers = race(t, 8, func(int) (*answer, error) { return ana.try("DELETE", gone, nil) })
		if n := statuses(answers); n[http.StatusNoContent] != 1 || n[http.StatusNotFound] != 7 {
			t.Errorf("deletes %v", n)
		}
		ana.usedMust(950_000_000, 19)
		namesLimit(ana.ask("POST", path, object{"name": "new.bin", "size_bytes": 50_000_001}), "max_total_storage_mb", 1_000, 950, 51)
		ana.create(object{"name": "new.bin", "size_bytes": 50_000_000})
		ana.usedMust(1_000_000_000, 20)
		namesLimit(ana.ask("POST", path, object{"name": "one.bin", "size_bytes": 1}), "max_total_storage_mb", 1_000, 1_000, 1)
		ana.create(object{"name": "empty.bin", "size_bytes": 0})
	})
}

// namesLimit checks a refusal for a limit: it says which, how much it is, what
// is used of it, and what was asked for.
func namesLimit(a *answer, limit string, most, used, requested int64) {
	a.t.Helper()
	a.isProblem(http.StatusForbidden, "limit_exceeded")
	if a.text("limit") != limit || a.number("max") != most || a.number("used") != used || a.number("requested") != requested {
		a.t.Errorf("%s, want %s %d, used %d, requested %d", a.body, limit, most, used, requested)
	}
}

func TestAHundredFilesAreTheLimitAndTheTrashCounts(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		path := "/api/orgs/" + ana.org + "/assets"
		kept := ana.upload(object{"name": "kept.txt"}, []byte("right"))
		answers := race(t, 120, func(i int) (*answer, error) {
			return ana.try("POST", path, object{"name": fmt.Sprintf("%d.txt", i), "size_bytes": 1})
		})
		if n := statuses(answers); n[http.StatusCreated] != 99 || n[http.StatusForbidden] != 21 {
			t.Errorf("answers %v", n)
		}
		another := object{"name": "another.txt", "size_bytes": 1}
		namesLimit(ana.ask("POST", path, another), "max_assets_count", 100, 100, 1)
		ana.create(object{"name": "kept.txt", "size_bytes": 7, "on_conflict": "version"}) // no other file
		ana.usedMust(5+99+7, 100)

		ana.want(http.StatusNoContent, "DELETE", path+"/"+kept.text("id"), nil)
		ana.usedMust(5+99+7, 100)
		namesLimit(ana.ask("POST", path, another), "max_assets_count", 100, 100, 1)
		ana.want(http.StatusNoContent, "DELETE", path+"/"+kept.text("id")+"?permanent=true", nil)
		ana.usedMust(99, 99)
		ana.create(another)
		namesLimit(ana.ask("POST", path, object{"name": "huge.bin", "size_bytes": 100_000_001}), "max_upload_size_mb", 100, 0, 101)
	})
}

func TestRacingVersionsStayWithinTheStorage(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		ana.upload(object{"name": "a.bin"}, nil)
		answers := race(t, 30, func(int) (*answer, error) {
			return ana.try("POST", "/api/orgs/"+ana.org+"/assets", object{"name": "a.bin", "size_bytes": 60_000_000, "on_conflict": "version"})
		})
		bytes, assets := ana.used()
		n := statuses(answers)
		if granted := n[http.StatusCreated]; bytes != int64(granted)*60_000_000 || assets != 1 || granted > 16 {
			t.Errorf("%v, %d bytes, %d assets", n, bytes, assets)
		}
		for _, a := range answers {
			switch a.status {
			case http.StatusCreated:
			case http.StatusForbidden:
				a.isProblem(http.StatusForbidden, "limit_exceeded")
			default: // so many at once for one file: somebody else was faster each time
				a.isProblem(http.StatusConflict, "conflict")
			}
		}
	})
}
