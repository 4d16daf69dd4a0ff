package e2e

import (
	"bytes"
	"net/http"
	"testing"
)

func TestAClientThatNeverCallsCompleteIsReconciled(t *testing.T) {
	tellOn(t, []wiring{sqliteDisk, postgresS3, stagedS3}, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		right := content(1, 1_000_000)
		sent := ana.create(object{"name": "sent.bin", "size_bytes": len(right), "checksum_sha256": sha256Of(right)})
		send(t, sent.single(), right)
		inParts := ana.create(object{"name": "parts.bin", "size_bytes": 64_000_000})
		for _, p := range inParts.parts("upload.parts") {
			send(t, p.signed, partOf(p))
		}
		half := ana.create(object{"name": "half.bin", "size_bytes": 64_000_000})
		first := half.parts("upload.parts")[0]
		send(t, first.signed, partOf(first))
		nothing := ana.create(object{"name": "nothing.bin", "size_bytes": 500})
		kept := ana.upload(object{"name": "kept.txt"}, []byte("first"))
		ana.create(object{"name": "kept.txt", "size_bytes": 700, "on_conflict": "version"})
		ana.usedMust(1_000_000+2*64_000_000+500+5+700, 5)
		is := func(a *answer, status string) func() bool {
			return func() bool {
				got := ana.ask("GET", "/api/orgs/"+ana.org+"/assets/"+a.text("asset.id"), nil)
				return got.status == http.StatusNotFound && status == "gone" || got.status == http.StatusOK && got.text("status") == status
			}
		}

		// When the URLs have expired, what has arrived becomes a file.
		s.restart(settings{"COFFER_CLOCK_OFFSET": "20m"})
		ana.logIn()
		eventually(t, "what was sent is ready", is(sent, "ready"))
		eventually(t, "what was sent in parts is ready", is(inParts, "ready"))
		if !bytes.Equal(ana.download(sent.text("asset.id")), right) {
			t.Error("other bytes came down")
		}
		for _, a := range []*answer{half, nothing} {
			if !is(a, "pending")() {
				t.Errorf("given up too early: %s", a.body)
			}
		}
		done := ana.complete(sent) // a client that comes late
		if done.text("status") != "ready" {
			t.Errorf("completed %s", done.body)
		}

		// A single upload lives for an hour, one in parts for a week.
		s.restart(settings{"COFFER_CLOCK_OFFSET": "2h"})
		ana.logIn()
		eventually(t, "what never came is gone", is(nothing, "gone"))
		eventually(t, "the version that never came is gone", func() bool {
			return ana.ask("GET", "/api/assets/"+kept.text("id")+"/upload", nil).status == http.StatusNotFound
		})
		if !is(half, "pending")() {
			t.Errorf("given up too early: %s", half.body)
		}
		ana.usedMust(1_000_000+2*64_000_000+5, 4)
		if got := ana.download(kept.text("id")); string(got) != "first" {
			t.Errorf("%q came down", got)
		}
		ana.refused(http.StatusNotFound, "not_found", "POST", "/api/assets/"+nothing.text("asset.id")+"/complete",
			object{"upload_id": nothing.text("upload.upload_id")})

		s.restart(settings{"COFFER_CLOCK_OFFSET": "200h"})
		ana.logIn()
		eventually(t, "what came in part is gone", is(half, "gone"))
		ana.usedMust(1_000_000+64_000_000+5, 3)
		s.settle()
	})
}

func TestTheTrashIsEmptiedWhenItsTimeHasCome(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		trashed := ana.upload(object{"name": "trashed.txt"}, []byte("first"))
		kept := ana.upload(object{"name": "kept.txt"}, []byte("second"))
		path := "/api/orgs/" + ana.org + "/assets/"
		ana.want(http.StatusNoContent, "DELETE", path+trashed.text("id"), nil)
		s.restart(settings{"COFFER_CLOCK_OFFSET": "696h"}) // 29 days
		ana.logIn()
		if a := ana.want(http.StatusOK, "GET", path+trashed.text("id"), nil); a.get("trashed_at") == nil {
			t.Errorf("not in the trash: %s", a.body)
		}
		s.restart(settings{"COFFER_CLOCK_OFFSET": "721h"})
		ana.logIn()
		eventually(t, "the trash is empty", func() bool { return ana.ask("GET", path+trashed.text("id"), nil).status == http.StatusNotFound })
		ana.usedMust(6, 1)
		s.settle()
		if got := ana.download(kept.text("id")); string(got) != "second" {
			t.Errorf("%q came down", got)
		}
	})
}
