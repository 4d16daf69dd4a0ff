package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// begins begins a file by a file request.
func (l *link) begins(file object) *answer {
	l.t.Helper()
	return l.want(http.StatusCreated, "POST", l.path("/uploads"), file, l.sent()...)
}

func (l *link) ends(begun *answer) *answer {
	l.t.Helper()
	return l.ask("POST", l.path("/uploads/"+begun.text("asset_id")+"/complete"), proof(begun), l.sent()...)
}

func proof(begun *answer) object {
	return object{"upload_id": begun.text("upload.upload_id"), "upload_token": begun.text("upload_token")}
}

// put sends the bytes of a file that a visitor has begun.
func (a *answer) put(body []byte) {
	a.t.Helper()
	send(a.t, signed{a.text("upload.method"), a.text("upload.url"), headersOf(a, "upload.headers")}, body)
}

func TestAFileRequest(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		inbox := ana.folder(ana.drive, "/Inbox")
		ana.upload(object{"name": "a.txt", "parent_id": inbox}, []byte("mine"))
		other := ana.upload(object{"name": "b.txt", "parent_id": inbox}, []byte("mine")).text("id")
		l := ana.shares(inbox, object{
			"kind": "upload", "request": object{"max_files": 3, "max_bytes": 10, "content_types": []string{"text", "image/png"}},
			"notify": object{"each_upload": true, "limit_reached": true}, "expires_at": time.Now().Add(time.Hour),
		})
		if a := l.gets(http.StatusOK, ""); a.text("kind") != "upload" || a.text("folder_name") != "Inbox" || a.get("target") != nil || a.number("request.max_files") != 3 {
			t.Errorf("%s", a.body)
		}
		for _, rest := range []string{"/nodes", "/download-url", "/download/" + other, "/archive", "/nodes?parent_id=" + inbox} {
			l.refuses(http.StatusForbidden, "share_is_a_request", rest)
		}
		file := object{"name": "a.txt", "content_type": "text/plain", "size_bytes": 5}
		for _, bad := range []object{{"size_bytes": 11}, {"content_type": "video/mp4"}, {"content_type": ""}, {"name": "../a"}} {
			l.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", l.path("/uploads"), file.but(bad), l.sent()...)
		}

		// A name that is taken is nobody's business.
		begun := l.begins(file)
		if strings.Contains(string(begun.body), "(1)") {
			t.Errorf("%s", begun.body)
		}
		if a := l.ends(begun); a.status != http.StatusConflict {
			t.Errorf("%d %s", a.status, a.body)
		}
		begun.put([]byte("hello"))
		for range 2 {
			if a := l.ends(begun); a.status != http.StatusOK || strings.Contains(string(a.body), "(1)") {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		s.told(ana.email, "A file has arrived", 1)
		names := ana.want(http.StatusOK, "GET", "/api/drives/"+ana.drive+"/nodes?parent_id="+inbox, nil)
		if !slices.Equal(names.list("name"), []string{"a (1).txt", "a.txt", "b.txt"}) || names.text("items.0.created_by") != ana.account {
			t.Errorf("%s", names.body)
		}
		entry := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/audit-log?action=asset.uploaded&limit=1", nil)
		if entry.text("items.0.actor.kind") != "share_link" || entry.text("items.0.changes.share_link.to.id") != l.id {
			t.Errorf("%s", entry.body)
		}

		// Nobody ends another's upload, with another link or with another token.
		mine := ana.create(object{"name": "c.txt", "size_bytes": 1, "parent_id": inbox})
		twin := ana.shares(inbox, object{"kind": "upload"})
		second := l.begins(file)
		second.put([]byte("again"))
		for _, try := range []struct {
			l    *link
			path string
			body object
		}{
			{l, "/uploads/" + mine.text("asset.id") + "/complete", proof(second).but(object{"upload_id": mine.text("upload.upload_id")})},
			{l, "/uploads/" + other + "/complete", proof(second)},
			{twin, "/uploads/" + second.text("asset_id") + "/complete", proof(second)},
			{twin, "/uploads/" + second.text("asset_id") + "/parts", proof(second)},
			{l, "/uploads/" + second.text("asset_id") + "/complete", proof(second).but(object{"upload_token": "x"})},
		} {
			try.l.refused(http.StatusNotFound, "upload_not_found", "POST", try.l.path(try.path), try.body, try.l.sent()...)
		}
		l.want(http.StatusOK, "POST", l.path("/uploads/"+second.text("asset_id")+"/parts"), proof(second), l.sent()...)
		old := *l
		l.token = ana.want(http.StatusOK, "POST", "/api/shares/"+l.id+"/rotate", nil).text("token")
		old.ends(second).isProblem(http.StatusNotFound, "not_found")
		l.ends(second).isProblem(http.StatusNotFound, "upload_not_found")

		// The last file, of many at once.
		answers := race(t, 8, func(int) (*answer, error) { return l.try("POST", l.path("/uploads"), file, l.sent()...) })
		count(t, "files", answers, map[int]int{http.StatusCreated: 1, http.StatusGone: 7})
		ana.counts(l, 0, 0, 3)
		s.told(ana.email, "Your link is used up", 1)
		l.refuses(http.StatusGone, "share_exhausted", "")

		// Room is not there for visitors either, and they are not told how much.
		full := ana.found(object{"name": "Full"})
		small := full.want(http.StatusCreated, "POST", "/api/orgs/"+full.org+"/drives", object{"name": "Small", "quota_bytes": 10}).text("id")
		tight := full.shares(small, object{"kind": "upload"})
		refused := tight.refused(http.StatusForbidden, "limit_exceeded", "POST", tight.path("/uploads"), object{"name": "x", "size_bytes": 11}, tight.sent()...)
		if strings.Contains(string(refused.body), "quota") || strings.Contains(string(refused.body), "10") && strings.Contains(string(refused.body), "max") {
			t.Errorf("%s", refused.body)
		}
		full.counts(tight, 0, 0, 0)
		full.want(http.StatusNoContent, "DELETE", "/api/drives/"+small+"?force=true", nil)
		tight.refuses(http.StatusNotFound, "not_found", "")
		ana.want(http.StatusNoContent, "DELETE", "/api/assets/"+mine.text("asset.id")+"/upload", nil)
	})
}

func TestNobodyEscapesFromALink(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana, eve := s.signUp("ana"), s.signUp("eve")
		outer := ana.folder(ana.drive, "/Outer")
		shared, sibling := ana.folder(ana.drive, "/Outer/Shared"), ana.folder(ana.drive, "/Outer/Sibling")
		inside := ana.upload(object{"name": "in.txt", "parent_id": shared}, []byte("in")).text("id")
		beside := ana.upload(object{"name": "beside.txt", "parent_id": sibling}, []byte("beside")).text("id")
		above := ana.upload(object{"name": "above.txt", "parent_id": outer}, []byte("above")).text("id")
		pending := ana.create(object{"name": "late.txt", "size_bytes": 1, "parent_id": shared})
		foreign := eve.upload(object{"name": "eve.txt"}, []byte("eve")).text("id")
		acme := ana.found(object{"name": "Acme"})
		elsewhere := acme.upload(object{"name": "acme.txt"}, []byte("acme")).text("id")
		folder, file := ana.shares(shared, object{}), ana.shares(inside, object{})
		files := []string{beside, above, foreign, elsewhere, missingID, sibling, outer, ana.drive, pending.text("asset.id")}
		for _, l := range []*link{folder, file} {
			for _, id := range files {
				l.refuses(http.StatusNotFound, "not_found", "/download/"+id)
				l.refuses(http.StatusNotFound, "not_found", "/download-url?asset_id="+id)
				l.refuses(http.StatusNotFound, "not_found", "/nodes?parent_id="+id)
				l.refuses(http.StatusNotFound, "not_found", "/archive?folder_id="+id)
				l.refused(http.StatusForbidden, "share_not_a_request", "POST", l.path("/uploads/"+id+"/complete"),
					object{"upload_id": missingID, "upload_token": "x"}, l.sent()...)
			}
		}
		file.refuses(http.StatusNotFound, "not_found", "/nodes?parent_id="+shared)
		file.refuses(http.StatusConflict, "not_a_folder", "/archive")
		folder.refuses(http.StatusNotFound, "not_found", "/download-url") // the folder itself is no file
		if a := folder.gets(http.StatusOK, "/nodes"); !slices.Equal(a.list("name"), []string{"in.txt"}) || strings.Contains(string(a.body), ana.account) {
			t.Errorf("%s", a.body)
		}
		ana.counts(folder, 1, 0, 0)
		ana.counts(file, 0, 0, 0)
		for _, token := range []string{"x", strings.Repeat("0", 64), strings.ToUpper(folder.token), folder.token + "0", "%00", "..%2f"} {
			bad := link{client: s.anybody(), token: token}
			for _, rest := range []string{"", "/nodes", "/download-url", "/archive", "/download/" + inside} {
				bad.refuses(http.StatusNotFound, "not_found", rest)
			}
		}
		cursor := folder.gets(http.StatusOK, "/nodes?limit=1").get("next_cursor")
		if cursor != nil {
			file.refuses(http.StatusUnprocessableEntity, "cursor_invalid", fmt.Sprintf("/nodes?limit=1&cursor=%v", cursor))
		}

		// What is moved out of the folder is gone with it; what comes in is there.
		folder.gets(http.StatusFound, "/download/"+inside)
		ana.want(http.StatusOK, "PATCH", "/api/nodes/"+inside, object{"parent_id": sibling})
		ana.want(http.StatusOK, "PATCH", "/api/nodes/"+beside, object{"parent_id": shared})
		folder.refuses(http.StatusNotFound, "not_found", "/download/"+inside)
		folder.gets(http.StatusFound, "/download/"+beside)
		file.gets(http.StatusFound, "/download/"+inside)
		ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+beside, nil)
		folder.refuses(http.StatusNotFound, "not_found", "/download/"+beside)
		ana.want(http.StatusNoContent, "DELETE", "/api/assets/"+pending.text("asset.id")+"/upload", nil)

		// Links are for those who may write there to see, and scripts make none.
		ben := s.hire(acme, s.signUp("ben"), "viewer")
		made := acme.shares(elsewhere, object{})
		ben.refused(http.StatusForbidden, "forbidden", "GET", "/api/shares/"+made.id, nil)
		ben.refused(http.StatusForbidden, "forbidden", "POST", "/api/nodes/"+elsewhere+"/shares", object{})
		eve.refused(http.StatusNotFound, "not_found", "GET", "/api/shares/"+made.id, nil)
		eve.refused(http.StatusNotFound, "not_found", "GET", "/api/shares/"+made.id+"/access-log", nil)
		bot := acme.issue(acme.drive, "read", "write", "delete")
		bot.refused(http.StatusForbidden, "key_not_allowed", "POST", "/api/nodes/"+elsewhere+"/shares", object{})
		if a := ben.want(http.StatusOK, "GET", "/api/orgs/"+acme.org+"/shares", nil); len(a.list("id")) != 0 {
			t.Errorf("%s", a.body)
		}
	})
}

func TestDownloadsAreExactInARace(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		l := ana.shares(file, object{"max_downloads": 7})
		answers := race(t, 200, func(int) (*answer, error) { return l.try("GET", l.path("/download/"+file), nil, l.sent()...) })
		count(t, "downloads", answers, map[int]int{http.StatusFound: 7, http.StatusGone: 193})
		ana.counts(l, 0, 7, 0)
		granted := ana.want(http.StatusOK, "GET", "/api/shares/"+l.id+"/access-log?granted=true&limit=200", nil)
		if rows := granted.list("kind"); len(rows) != 7 {
			t.Errorf("%d rows of what was granted", len(rows))
		}
	})
}

func TestWrongPasswordsOfALinkSlowDown(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		l := ana.shares(file, object{"password": "harbour"})
		const attacker, visitor = "198.51.100.1", "203.0.113.7"
		for range 5 {
			l.unlocks("wrong", attacker).isProblem(http.StatusForbidden, "share_password_wrong")
		}
		slow := l.unlocks("harbour", attacker)
		if slow.isProblem(http.StatusTooManyRequests, "rate_limited"); slow.header.Get("Retry-After") == "" {
			t.Errorf("%v", slow.header)
		}
		if a := l.unlocks("harbour", visitor); a.status != http.StatusOK || a.number("expires_in") != 3600 {
			t.Errorf("%d %s", a.status, a.body)
		}
		s.restart(nil)
		l.unlocks("harbour", attacker).isProblem(http.StatusTooManyRequests, "rate_limited")
		log := ana.want(http.StatusOK, "GET", "/api/shares/"+l.id+"/access-log?kind=password", nil)
		if codes := log.list("refused"); len(codes) != 8 || codes[0] != "rate_limited" || codes[7] != "share_password_wrong" {
			t.Errorf("%v", codes)
		}

		// Not for ever: with the clock of an hour later, the right one opens.
		s.restart(settings{"COFFER_CLOCK_OFFSET": "1h"})
		if a := l.unlocks("harbour", attacker); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestALinkThatExpiresSoonIsToldOfOnce(t *testing.T) {
	tell(t, everything, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		ana.shares(file, object{"notify": object{"expiring_soon": true}, "expires_at": time.Now().Add(30 * time.Hour)})
		ana.shares(file, object{"notify": object{"expiring_soon": true}, "expires_at": time.Now().Add(60 * time.Hour)})
		s.restart(settings{"COFFER_CLOCK_OFFSET": "12h"})
		s.told(ana.email, "Your link expires soon", 1)
		s.restart(nil)
		time.Sleep(2 * time.Second) // the job runs at the start
		if strings.Contains(s.process.read(), "Your link expires soon") {
			t.Error("told twice")
		}
	})
}
