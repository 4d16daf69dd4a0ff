package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDoctorConfigAndMigrateTellTheOperator(t *testing.T) {
	for _, w := range []wiring{sqliteDisk, postgresS3} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, w, settings{"COFFER_AUTH_JWT_SECRET": goodSecret, "COFFER_HTTP_CORS_ORIGINS": "https://app.example.com"})
			code, out, errs := s.run("migrate", "status")
			if code != 0 || !strings.Contains(out, "00001_foundation.sql") || !strings.Contains(out, "pending") {
				t.Errorf("migrate status: %d %s%s", code, out, errs)
			}
			if code, _, errs := s.run("fsck"); code != 1 || !strings.Contains(errs, "migrate up") {
				t.Errorf("fsck without a schema: %d %s", code, errs)
			}
			for i, want := range []string{"applied 00001_foundation.sql", "nothing to apply"} {
				if code, out, errs := s.run("migrate", "up"); code != 0 || !strings.Contains(out, want) {
					t.Errorf("migrate up %d: %d %s%s", i, code, out, errs)
				}
			}
			if code, out, _ := s.run("migrate", "status"); code != 0 || strings.Contains(out, "pending") {
				t.Errorf("migrate status: %d %s", code, out)
			}

			s.start()
			s.signUp("ana")
			code, out, errs = s.run("doctor")
			for _, line := range []string{"ok    configuration", "ok    database connection", "ok    schema"} {
				if !strings.Contains(out, line) {
					t.Errorf("doctor does not say %q: %s%s", line, out, errs)
				}
			}
			if !w.s3 && (code != 0 || strings.Contains(out, "FAIL")) {
				t.Errorf("doctor: %d %s%s", code, out, errs)
			}
			if w.s3 && (!strings.Contains(out, "clock") || !strings.Contains(out, "CORS")) {
				t.Errorf("doctor does not examine the bucket: %s", out)
			}

			secrets := []string{goodSecret, s.env["S3_SECRET_ACCESS_KEY"]}
			if _, after, ok := strings.Cut(s.env["COFFER_DATABASE_URL"], "postgres:"); ok {
				pass, _, _ := strings.Cut(strings.TrimPrefix(after, "//postgres:"), "@")
				secrets = append(secrets, pass)
			}
			for _, args := range [][]string{{"config"}, {"config", "--json"}, {"doctor"}} {
				_, out, errs := s.run(args...)
				for _, secret := range secrets {
					if secret != "" && strings.Contains(out+errs, secret) {
						t.Errorf("%v shows a secret: %s%s", args, out, errs)
					}
				}
			}
			code, out, _ = s.run("config", "--json")
			var shown map[string]struct{ Value, Source any }
			if err := json.Unmarshal([]byte(out), &shown); code != 0 || err != nil || shown["auth.jwt_secret"].Value != "(hidden)" ||
				shown["http.addr"].Source != "environment" || shown["trash.retention"].Source != "default" {
				t.Errorf("config: %d %v %s", code, err, out)
			}
			if code, out, _ := s.run("version"); code != 0 || !strings.HasPrefix(out, "coffer ") {
				t.Errorf("version: %d %s", code, out)
			}
			if code, _, errs := s.run("health"); code != 0 {
				t.Errorf("health: %d %s", code, errs)
			}
		})
	}
}
