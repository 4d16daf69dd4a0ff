package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const ndjson = "application/x-ndjson"

// ingest is a session that a publisher is at.
type ingest struct {
	*user
	dataset, session, drive string
}

// begins opens a session in the dataset of that slug, in the user's org.
func (u *user) begins(body object) *ingest {
	u.t.Helper()
	a := u.want(http.StatusCreated, "POST", "/api/ingest/datasets?org_id="+u.org, body)
	return &ingest{u, a.text("dataset.id"), a.text("session.id"), a.text("dataset.drive_id")}
}

// medium is a file of a release.
type medium struct {
	path, kind string
	bytes      []byte
}

// brings registers files, sends the bytes of those that are asked for and
// completes them. It returns how many that were.
func (i *ingest) brings(files ...medium) (sent int) {
	i.t.Helper()
	var all []object
	for _, f := range files {
		all = append(all, object{"path": f.path, "content_type": f.kind, "size_bytes": len(f.bytes), "checksum_sha256": sha256Of(f.bytes)})
	}
	a := i.want(http.StatusOK, "POST", "/api/ingest/assets:batch", object{"session_id": i.session, "assets": all})
	var ended []object
	for n, f := range files {
		at := fmt.Sprintf("items.%d.", n)
		if a.text(at+"path") != f.path {
			i.t.Errorf("%s, want %s", a.text(at+"path"), f.path)
		}
		if a.get(at+"upload") == nil {
			continue
		}
		send(i.t, signed{a.text(at + "upload.method"), a.text(at + "upload.url"), headersOf(a, at+"upload.headers")}, f.bytes)
		ended = append(ended, object{"asset_id": a.text(at + "asset.id"), "upload_id": a.text(at + "upload.upload_id")})
	}
	if len(ended) == 0 {
		return 0
	}
	done := i.want(http.StatusOK, "POST", "/api/ingest/assets:complete", object{"session_id": i.session, "assets": ended})
	for n := range ended {
		if done.get(fmt.Sprintf("items.%d.ready", n)) != true {
			i.t.Errorf("%s", done.body)
		}
	}
	return len(ended)
}

func (i *ingest) publishPath() string {
	return "/api/ingest/datasets/" + i.dataset + "/publish?session_id=" + i.session
}

// lines writes items as NDJSON.
func lines(items ...object) raw {
	var b strings.Builder
	for _, item := range items {
		line, _ := json.Marshal(item) // objects of tests always marshal
		b.Write(line)
		b.WriteByte('\n')
	}
	return raw(b.String())
}

func (i *ingest) publishes(items ...object) *answer {
	i.t.Helper()
	return i.want(http.StatusOK, "POST", i.publishPath(), lines(items...), with{"Content-Type": ndjson})
}

func (i *ingest) now() *answer {
	i.t.Helper()
	return i.want(http.StatusOK, "GET", "/api/ingest/sessions/"+i.session, nil)
}

// coloured is a PNG of its own for each seed.
func coloured(seed byte) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for x := range 40 {
		for y := range 30 {
			img.Set(x, y, color.RGBA{seed, byte(x * 6), byte(y * 8), 255})
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // to memory
	return b.Bytes()
}

func mainFile(path string) []object { return []object{{"role": "main", "path": path}} }

// release is a folder of pictures, a film and what is said in it.
func release() (files []medium, items []object) {
	for n := range 12 {
		path := fmt.Sprintf("images/%c/sign %02d.png", 'a'+n%3, n)
		files = append(files, medium{path, "image/png", coloured(byte(n))})
		items = append(items, object{
			"external_id": fmt.Sprintf("sign-%02d", n), "type": "image", "title": fmt.Sprintf("Sign %d", n), "tags": []string{"sign", "day"},
			"data": object{"lens": 35, "place": "Öresund"}, "assets": mainFile(path),
		})
	}
	files = append(files, medium{"film/walk.mp4", "video/mp4", content(9, 100_000)},
		medium{"film/walk.vtt", "text/vtt", []byte("WEBVTT\n\n00:00.000 --> 00:02.000\nWe stop at the sign.\n")})
	items = append(items,
		object{"external_id": "walk", "type": "video", "title": "A walk", "assets": []object{{"role": "main", "path": "film/walk.mp4"}, {"role": "transcript", "path": "film/walk.vtt"}}},
		object{"external_id": "walk-text", "type": "transcript", "data": object{"text": "We stop at the sign.", "start": 1.50}, "assets": []object{}})
	return files, items
}

func TestAPublishersRelease(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		ben := s.signUp("ben")
		schema := object{"type": "object", "properties": object{"data": object{"type": "object", "required": []string{"score"}, "properties": object{"score": object{"type": "number", "minimum": 0}}}}}
		first := ana.begins(object{"slug": "street-signs", "name": "Street signs", "item_schemas": object{"rating": schema}})
		files, items := release()

		// Nothing is there yet, and nobody else may know of it.
		if got := first.now(); got.text("status") != "open" || got.number("base_version") != 0 {
			t.Errorf("%s", got.body)
		}
		ben.refused(http.StatusNotFound, "not_found", "GET", "/api/ingest/sessions/"+first.session, nil)
		ben.refused(http.StatusNotFound, "not_found", "POST", first.publishPath(), lines(items...), with{"Content-Type": ndjson})

		// A file that was not sent, an item without what its schema asks for, one
		// of a type that there is not, one that comes twice.
		if n := first.brings(files[1:]...); n != len(files)-1 {
			t.Errorf("%d files were asked for", n)
		}
		broken := append(append([]object(nil), items...), object{"external_id": "r1", "type": "rating", "data": object{"score": -1}},
			object{"external_id": "x", "type": "shape"}, object{"external_id": "sign-03", "type": "text", "data": object{"text": "again"}},
			object{"external_id": "no-main", "type": "image", "assets": []object{}})
		a := first.refused(http.StatusUnprocessableEntity, "manifest_invalid", "POST", first.publishPath(), lines(broken...), with{"Content-Type": ndjson})
		var found []string
		for n := range int(a.number("failure_count")) {
			at := fmt.Sprintf("failures.%d.", n)
			found = append(found, fmt.Sprint(a.number(at+"line"), a.text(at+"pointer"), " ", a.text(at+"code")))
		}
		want := "15/data/score schema, 16/type type_unknown, 18/assets schema, 1/assets/0 asset_unknown, 17/external_id duplicate_external_id"
		if got := strings.Join(found, ", "); got != want {
			t.Errorf("%s, want %s\n%s", got, want, a.body)
		}
		if got := first.now(); got.text("status") != "open" || got.get("version") != nil {
			t.Errorf("%s", got.body)
		}

		// Mended, it is published; again, it is the same answer.
		if n := first.brings(files...); n != 1 {
			t.Errorf("%d files were asked for", n)
		}
		items = append(items, object{"external_id": "r1", "type": "rating", "data": object{"score": 4}})
		done := first.publishes(items...)
		if done.number("version.number") != 1 || done.number("version.items") != int64(len(items)) || done.get("published") != true {
			t.Errorf("%s", done.body)
		}
		if again := first.publishes(items...); !bytes.Equal(again.body, done.body) {
			t.Errorf("%s, then %s", done.body, again.body)
		}
		first.refused(http.StatusConflict, "session_closed", "POST", first.publishPath(), lines(items[1:]...), with{"Content-Type": ndjson})
		first.refused(http.StatusConflict, "session_closed", "DELETE", "/api/ingest/sessions/"+first.session, nil)

		// The same items make no other version, in whatever form they come.
		second := ana.begins(object{"slug": "street-signs"})
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_ = json.NewEncoder(z).Encode(object{"items": items})
		_ = z.Close()
		same := second.want(http.StatusOK, "POST", second.publishPath(), raw(packed.String()), with{"Content-Encoding": "gzip"})
		if same.get("published") != false || same.number("version.number") != 1 {
			t.Errorf("%s", same.body)
		}

		// A second version, of a manifest that lies in a drive, with a file that
		// lies in another, and one that has changed.
		third, late := ana.begins(object{"slug": "street-signs", "name": "Street signs"}), ana.begins(object{"slug": "street-signs"})
		logo := ana.upload(object{"name": "logo.png"}, coloured(77)).text("id")
		ref := third.want(http.StatusOK, "POST", "/api/ingest/assets:batch", object{"session_id": third.session, "assets": []object{{"asset_id": logo, "path": "brand/logo.png"}}})
		if ref.get("items.0.upload") != nil || ref.text("items.0.asset.id") != logo {
			t.Errorf("%s", ref.body)
		}
		files[0].bytes = coloured(200)
		if n := third.brings(files[0], files[1]); n != 1 {
			t.Errorf("%d files were asked for", n)
		}
		items = append(items, object{"external_id": "logo", "type": "image", "assets": mainFile("brand/logo.png")},
			object{"external_id": "logo-2", "type": "image", "assets": []object{{"role": "main", "asset_id": logo}}})
		list := ana.upload(object{"name": "manifest.ndjson"}, []byte(lines(items...))).text("id")
		if v2 := third.want(http.StatusOK, "POST", third.publishPath(), object{"manifest_asset_id": list}); v2.number("version.number") != 2 || v2.get("published") != true {
			t.Errorf("%s", v2.body)
		}
		conflict := late.refused(http.StatusConflict, "version_conflict", "POST", late.publishPath(), lines(items[2:]...), with{"Content-Type": ndjson})
		if conflict.number("current_version") != 2 {
			t.Errorf("%s", conflict.body)
		}
		if v3 := late.want(http.StatusOK, "POST", late.publishPath()+"&base_version=2", lines(items[2:]...), with{"Content-Type": ndjson}); v3.number("version.number") != 3 {
			t.Errorf("%s", v3.body)
		}

		// What versions show is not removed for good, nor the dataset's drive.
		d := s.describes()
		d.hold("deleteAsset", ana.refused(http.StatusConflict, "used_by_dataset", "DELETE", "/api/orgs/"+ana.org+"/assets/"+logo+"?permanent=true", nil))
		d.hold("deleteNode", ana.refused(http.StatusConflict, "used_by_dataset", "DELETE", "/api/nodes/"+logo+"?permanent=true", nil))
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org+"/assets/"+logo, nil)
		d.hold("deleteDrive", ana.refused(http.StatusConflict, "dataset_drive", "DELETE", "/api/drives/"+first.drive+"?force=true", nil))
		if n := s.happened("dataset.published", first.dataset); n != 3 {
			t.Errorf("%d events", n)
		}
		if n := s.number("SELECT count(*) FROM dataset_versions WHERE number IS NOT NULL"); n != 3 {
			t.Errorf("%d versions", n)
		}
		s.wantNothingDiscarded()
	})
}

// wantNothingDiscarded waits until jobs have removed what was not published.
func (s *server) wantNothingDiscarded() {
	s.t.Helper()
	patiently(s.t, "what was not published goes", func() bool {
		return s.number("SELECT count(*) FROM dataset_versions WHERE number IS NULL") == 0 &&
			s.number("SELECT count(*) FROM dataset_items i LEFT JOIN dataset_versions v ON v.id = i.version_id WHERE v.id IS NULL") == 0
	})
}

func TestAnAbortedReleaseLeavesNothing(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		files, items := release()
		first := ana.begins(object{"slug": "signs", "visibility": "restricted"})
		ana.refused(http.StatusConflict, "slug_taken", "POST", "/api/ingest/datasets?org_id="+ana.org, object{"slug": "signs", "visibility": "org"})
		first.brings(files...)
		first.publishes(items...)
		used := s.number("SELECT used_bytes FROM org_usage WHERE org_id = '" + ana.org + "'")
		second := ana.begins(object{"slug": "signs"})
		second.brings(medium{"new/one.png", "image/png", coloured(50)}, files[3])
		pending := second.want(http.StatusOK, "POST", "/api/ingest/assets:batch", object{"session_id": second.session, "assets": []object{
			{"path": "new/two.bin", "size_bytes": 70_000_000}, {"path": "new/three.bin", "size_bytes": 1},
		}})
		again := second.want(http.StatusOK, "POST", "/api/ingest/assets:batch", object{"session_id": second.session, "assets": []object{{"path": "new/two.bin", "size_bytes": 70_000_000}}})
		if again.text("items.0.upload.upload_id") != pending.text("items.0.upload.upload_id") || pending.text("items.0.upload.strategy") != "multipart" {
			t.Errorf("%s\n%s", pending.body, again.body)
		}
		not := second.want(http.StatusOK, "POST", "/api/ingest/assets:complete", object{"session_id": second.session, "assets": []object{
			{"asset_id": pending.text("items.1.asset.id"), "upload_id": pending.text("items.1.upload.upload_id")},
		}})
		if not.text("items.0.error.code") != "upload_incomplete" {
			t.Errorf("%s", not.body)
		}
		second.refused(http.StatusUnprocessableEntity, "manifest_invalid", "POST", second.publishPath(), object{"items": []object{{"external_id": "a", "type": "image", "assets": mainFile("new/three.bin")}}})
		second.want(http.StatusNoContent, "DELETE", "/api/ingest/sessions/"+second.session, nil)
		second.refused(http.StatusConflict, "session_closed", "POST", "/api/ingest/assets:batch", object{"session_id": second.session, "assets": []object{{"path": "x", "size_bytes": 1}}})
		patiently(t, "what the session has brought goes", func() bool {
			return s.number("SELECT used_bytes FROM org_usage WHERE org_id = '"+ana.org+"'") == used &&
				s.number("SELECT count(*) FROM ingest_files WHERE session_id = '"+second.session+"'") == 0
		})
	})
}

// TestAServerThatDiesPublishesAllOrNothing: the server is killed while it
// publishes, twenty times.
func TestAServerThatDiesPublishesAllOrNothing(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana").found(object{"name": "Acme"})
		files, items := release()
		old := ana.begins(object{"slug": "signs"})
		old.brings(files...)
		old.publishes(items...)
		next := ana.begins(object{"slug": "signs"})
		next.brings(files...)
		const many = 20_000
		var b strings.Builder
		for n := range many {
			fmt.Fprintf(&b, `{"external_id":"item-%d","type":"text","title":"Item %d","tags":["t%d"],"data":{"text":"some words of item %d","n":%d}}`+"\n", n, n, n%10, n, n)
		}
		manifest := raw(b.String())
		s.kill()
		s.start()
		begun := 0
		for round := range 20 {
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = next.try("POST", next.publishPath(), manifest, with{"Content-Type": ndjson}) }) // it may be cut off
			time.Sleep(time.Duration(20+round*23) * time.Millisecond)
			s.kill()
			wg.Wait()
			s.start()
			got := next.now()
			if got.text("status") == "published" { // it was as fast as that
				break
			}
			if got.text("status") == "publishing" {
				begun++
				// Nobody knows that the publisher is dead until its lease ends.
				s.exec("UPDATE ingest_sessions SET leased = 1 WHERE id = '" + next.session + "'")
			}
			if v := s.number("SELECT current_version FROM datasets WHERE id = '" + old.dataset + "'"); v != 1 {
				t.Fatalf("version %d is shown", v)
			}
			if n := s.number("SELECT count(*) FROM dataset_items i JOIN dataset_versions v ON v.id = i.version_id WHERE v.number = 1"); n != len(items) {
				t.Fatalf("version 1 has %d items", n)
			}
			if round%5 == 4 {
				s.fsck()
			}
		}
		if begun < 5 {
			t.Errorf("only %d attempts were cut off in the middle", begun)
		}
		// A job that has died with the server waits for its timeout: the story does not.
		s.kill()
		s.exec("DELETE FROM river_job WHERE kind IN ('dataset.purge', 'dataset.tidy')")
		s.start()
		done := next.want(http.StatusOK, "POST", next.publishPath(), manifest, with{"Content-Type": ndjson})
		if done.number("version.number") != 2 || done.number("version.items") != many {
			t.Errorf("%s", done.body)
		}
		s.wantNothingDiscarded()
	})
}

// exec changes the database behind the server's back.
func (s *server) exec(query string) {
	s.t.Helper()
	db := s.database()
	defer db.Close()
	if _, err := db.ExecContext(s.t.Context(), query); err != nil {
		s.t.Fatal(err)
	}
}
