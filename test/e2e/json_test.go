package e2e

import (
	"net/http"
	"strings"
	"testing"
)

func TestOnlyStrictJSONIsTaken(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		path := "/api/orgs/" + ana.org + "/assets"
		deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
		for _, c := range []struct {
			body, code string
			status     int
		}{
			{``, "malformed_json", 400},
			{`{`, "malformed_json", 400},
			{`nonsense`, "malformed_json", 400},
			{`{"name": "a", "size_bytes": 1} {}`, "malformed_json", 400},
			{`{"name": "a", "size_bytes": 1,}`, "malformed_json", 400},
			{`{"name": "a", "name": "b", "size_bytes": 1}`, "malformed_json", 400},
			{`{"name": "a", "Name": "b", "size_bytes": 1}`, "malformed_json", 400},
			{`{"name": "a", "size_bytes": 1, "metadata": {"custom_fields": {"x": 1, "X": 2}}}`, "malformed_json", 400},
			{`{"name": "a\u0000", "size_bytes": 1}`, "malformed_json", 400},
			{"{\"name\": \"a\x00\", \"size_bytes\": 1}", "malformed_json", 400},
			{"{\"name\": \"\xff\", \"size_bytes\": 1}", "malformed_json", 400},
			{`{"name": "\ud800", "size_bytes": 1}`, "malformed_json", 400},
			{"\ufeff" + `{"name": "a", "size_bytes": 1}`, "malformed_json", 400},
			{deep(100), "malformed_json", 400},
			{`{"name": "a", "size_bytes": 1, "metadata": ` + deep(63) + `}`, "validation_failed", 422},
			{strings.Repeat("[", 100_000), "malformed_json", 400},
			{`{"name": "` + strings.Repeat("a", 2<<20) + `"}`, "body_too_large", 413},
			{`null`, "validation_failed", 422},
			{`[]`, "validation_failed", 422},
			{`"text"`, "validation_failed", 422},
			{`{}`, "validation_failed", 422},
			{`{"Name": "a", "size_bytes": 1}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "status": "ready"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"x": 1}}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": "1"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1.5}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": -1}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1e400}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 9223372036854775808}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 5000000000001}`, "validation_failed", 422},
			{`{"name": 1, "size_bytes": 1}`, "validation_failed", 422},
			{`{"name": null, "size_bytes": 1}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "drive_id": "x"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "drive_id": 7}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "checksum_sha256": "abc"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "on_conflict": "overwrite"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "content_type": "a\r\nX-Evil: 1"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "content_type": "html"}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"custom_fields": {"x": {}}}}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"custom_fields": {"x": [1]}}}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"tags": "x"}}`, "validation_failed", 422},
			{`{"name": "a", "size_bytes": 1, "metadata": {"tags": [""]}}`, "validation_failed", 422},
		} {
			t.Run("", func(t *testing.T) {
				me := *ana.client
				me.t = t
				a := me.ask("POST", path, raw(c.body))
				a.isProblem(c.status, c.code)
				if a.status != c.status {
					t.Errorf("for %.100q", c.body)
				}
			})
		}
		good := raw(`{"name": "a", "size_bytes": 1}`)
		for _, contentType := range []string{"text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=latin1", "multipart/form-data; boundary=x"} {
			ana.refused(http.StatusUnsupportedMediaType, "unsupported_media_type", "POST", path, good, with{"Content-Type": contentType})
		}
		ana.usedMust(0, 0)
		ana.want(http.StatusCreated, "POST", path, good, with{"Content-Type": "application/json; charset=UTF-8"})
	})
}
