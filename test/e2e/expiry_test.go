package e2e

import (
	"net/http"
	"testing"
	"time"
)

func TestAnUploadURLExpiresAndCanBeHadAgain(t *testing.T) {
	t.Parallel()
	const life = 5 * time.Second
	check := func(t *testing.T, s *server, expire func()) {
		ana := s.signUp("ana")
		small := ana.create(object{"name": "a.txt", "size_bytes": 5})
		large := ana.create(object{"name": "b.bin", "size_bytes": 4*partSize + 1})
		done := ana.upload(object{"name": "c.txt"}, []byte("right"))
		link := ana.want(http.StatusOK, "GET", "/api/assets/"+done.text("id")+"/download", nil).text("download_url")
		expire()
		ana.logIn()
		last := large.parts("upload.parts")[4] // a single byte: a store may refuse without reading
		for what, a := range map[string]*answer{
			"PUT": put(t, small.single(), []byte("right")), "PUT of a part": put(t, last.signed, partOf(last)), "GET": fetch(t, link),
		} {
			if a.status != http.StatusForbidden {
				t.Errorf("expired %s: %d %s", what, a.status, a.body)
			}
		}
		path := "/api/assets/" + small.text("asset.id")
		again := ana.want(http.StatusOK, "POST", path+"/upload/parts", nil)
		send(t, signed{again.text("method"), again.text("url"), headersOf(again, "headers")}, []byte("right"))
		ana.complete(small)
		if got := ana.download(small.text("asset.id")); string(got) != "right" {
			t.Errorf("%q came down", got)
		}
	}
	t.Run("SQLite and disk, by the shifted clock", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, sqliteDisk, settings{"COFFER_DOWNLOAD_URL_TTL": "15m"})
		s.start()
		check(t, s, func() { s.restart(settings{"COFFER_CLOCK_OFFSET": "16m"}) })
	})
	t.Run("PostgreSQL and S3, whose clock is the real one", func(t *testing.T) {
		t.Parallel()
		s := newServer(t, postgresS3, settings{"COFFER_UPLOAD_URL_TTL": life.String(), "COFFER_DOWNLOAD_URL_TTL": life.String()})
		s.start()
		check(t, s, func() { time.Sleep(life + time.Second) })
	})
}
