package e2e

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestOperatorsSeeWhatTheServerDoes(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		ana.upload(object{"name": "a.txt"}, []byte("first"))
		ready := s.anybody().want(http.StatusOK, "GET", "/readyz", nil)
		for _, name := range []string{"database", "blob_store", "queue"} {
			if !strings.Contains(string(ready.body), `"`+name+`"`) {
				t.Errorf("%s is not in %s", name, ready.body)
			}
		}
		operator := &client{t: t, url: s.ops}
		eventually(t, "the metrics tell of jobs", func() bool {
			return bytes.Contains(operator.want(http.StatusOK, "GET", "/metrics", nil).body, []byte(`coffer_job_duration_seconds_count{kind="asset.reconcile_uploads",outcome="ok"}`))
		})
		metrics := string(operator.want(http.StatusOK, "GET", "/metrics", nil).body)
		for _, want := range []string{
			`coffer_http_request_duration_seconds_bucket{method="POST",route="/api/orgs/{org_id}/assets",status="2xx",le="`,
			`coffer_http_request_duration_seconds_count{method="POST",route="/api/auth/signup",status="2xx"} 1`,
			"coffer_build_info{", "coffer_blob_duration_seconds_count{", "go_goroutines ", "process_open_fds ",
		} {
			if !strings.Contains(metrics, want) {
				t.Errorf("%s is not in the metrics", want)
			}
		}
		for _, private := range []string{ana.org, ana.email, "a.txt"} {
			if strings.Contains(metrics, private) {
				t.Errorf("%s is in the metrics", private)
			}
		}
		operator.want(http.StatusOK, "GET", "/debug/pprof/", nil)
		operator.want(http.StatusOK, "GET", "/debug/pprof/goroutine?debug=1", nil)
		if dead := operator.want(http.StatusOK, "GET", "/jobs/dead", nil); dead.text("items") != "[]" {
			t.Errorf("dead jobs: %s", dead.body)
		}
		operator.want(http.StatusNotFound, "POST", "/jobs/1/retry", nil)

		// Nothing secret is in the log, whatever was asked for.
		link := ana.want(http.StatusOK, "GET", "/api/assets/"+ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/assets", nil).text("items.0.id")+"/download", nil).text("download_url")
		fetch(t, link)
		s.anybody().ask("GET", "/api/me?token="+ana.token, nil)
		var log string
		for line := range strings.Lines(s.process.read()) {
			if !strings.Contains(line, "mail ") { // which development shows on the console
				log += line
			}
		}
		signature := regexp.MustCompile(`(?:s|X-Amz-Signature)=([\w-]{20,})`).FindStringSubmatch(link)
		for what, secret := range map[string]string{
			"a password": password, "an access token": ana.token, "a refresh token": ana.refresh, "a signature": signature[1], "an address": ana.email,
		} {
			if strings.Contains(log, secret) {
				t.Errorf("%s is in the log", what)
			}
		}
	})
}
