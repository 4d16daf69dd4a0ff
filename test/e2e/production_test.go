package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// goodSecret is as long and as random as production wants.
const goodSecret = "kT3vX9qLmZ2wRb7YfH4sNc8JdP6gQa1U"

func TestProductionRefusesWhatIsUnsafe(t *testing.T) {
	t.Parallel()
	s := newServer(t, sqliteDisk, nil)
	refused := func(extra settings, names ...string) {
		t.Helper()
		extra["COFFER_ENV"] = "production"
		code, out, errs := s.runWith(extra, "serve")
		if code != 2 || out != "" {
			t.Errorf("%v: exit code %d, %s%s", extra, code, out, errs)
		}
		for _, name := range names {
			if !strings.Contains(errs, name) {
				t.Errorf("%v: %s is not named: %s", extra, name, errs)
			}
		}
		for _, value := range extra {
			if len(value) > 30 && strings.Contains(errs, value) {
				t.Errorf("the secret is shown: %s", errs)
			}
		}
	}
	const url = "https://coffer.example.com"
	// All problems are in one message.
	refused(settings{"COFFER_CLOCK_OFFSET": "1h", "COFFER_LOG_LEVEL": "loud", "COFFER_DATABASE_URL": "mysql://x", "S3_BUCKET": "files"},
		"COFFER_AUTH_JWT_SECRET", "COFFER_PUBLIC_URL", "COFFER_CLOCK_OFFSET", "COFFER_LOG_LEVEL", "COFFER_DATABASE_URL", "S3_REGION")
	refused(settings{"COFFER_PUBLIC_URL": url}, "COFFER_AUTH_JWT_SECRET")
	refused(settings{"COFFER_AUTH_JWT_SECRET": goodSecret}, "COFFER_PUBLIC_URL")
	for _, weak := range []string{
		"short", strings.Repeat("a", 64), strings.Repeat("0123", 16), "change-me-change-me-change-me-please", "supersecretsupersecretsupersecret", "12345678901234567890123456789012",
	} {
		refused(settings{"COFFER_PUBLIC_URL": url, "COFFER_AUTH_JWT_SECRET": weak}, "COFFER_AUTH_JWT_SECRET")
	}
	refused(settings{"COFFER_PUBLIC_URL": url + "/path", "COFFER_AUTH_JWT_SECRET": goodSecret}, "COFFER_PUBLIC_URL")
	if _, err := os.Stat(s.dataDir()); !os.IsNotExist(err) {
		t.Errorf("a server that does not start has made its data directory: %v", err)
	}

	s.env["COFFER_ENV"], s.env["COFFER_PUBLIC_URL"], s.env["COFFER_AUTH_JWT_SECRET"] = "production", s.url, goodSecret
	s.start()
	ana := s.signUp("ana")
	ana.upload(object{"name": "a.txt"}, []byte("first"))
	for line := range strings.Lines(s.process.read()) {
		if !json.Valid([]byte(line)) && !strings.HasPrefix(line, "coffer: warning: ") {
			t.Errorf("a line of the log is not JSON: %s", line)
		}
	}
}
