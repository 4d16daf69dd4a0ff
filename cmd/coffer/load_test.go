package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer"
)

// clean gives a test an empty directory and an environment without settings.
func clean(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, s := range coffer.Settings() {
		t.Setenv(s.Env(), "")
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func load(t *testing.T, file string) *loaded {
	t.Helper()
	cfg, err := (&loader{file: file}).load()
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// sample has a value other than the default for every setting.
var sample = map[string]string{
	"env": "production", "public_url": "https://coffer.example.com", "data_dir": "/srv/coffer", "http.addr": "0.0.0.0:80",
	"http.trusted_proxies": "10.0.0.0/8", "http.cors_origins": "https://app.example.com", "ops.addr": "127.0.0.1:9999",
	"database.url": "postgres://u@h/db", "database.max_conns": "9", "database.replica_url": "postgres://u@replica/db", "database.replica_max_lag": "2s", "auth.jwt_secret": "kT3vX9qLmZ2wRb7YfH4sNc8JdP6gQa1U",
	"auth.access_ttl": "30m", "auth.refresh_ttl": "48h", "self_hosted.unlimited": "true", "clock.offset": "1h", "webhooks.allow_private": "true",
	"upload.url_ttl": "10m", "upload.single_ttl": "2h", "upload.multipart_ttl": "24h", "download.url_ttl": "30m",
	"trash.retention": "24h", "org.retention": "48h", "changes.retention": "48h", "share.log_retention": "72h", "share.log_addresses": "none",
	"reports.retention": "96h", "datasets.log_retention": "96h", "analytics.retention": "9000h", "analytics.country_file": "/srv/countries.mmdb",
	"watermark.memory_mb": "256", "watermark.max_file_mb": "20", "watermark.max_megapixels": "30", "watermark.timeout": "30s",
	"derived.enabled": "false", "derived.workers": "3", "derived.max_file_mb": "20", "derived.max_video_mb": "40", "derived.max_megapixels": "30",
	"derived.memory_mb": "256", "derived.timeout": "30s", "rate_limit.per_minute": "7", "blobs.public_url": "https://files.example.com",
	"app.url": "https://app.example.com", "mail.smtp_host": "mail.example.com", "mail.smtp_port": "2525", "mail.smtp_username": "coffer",
	"mail.smtp_password": "key-of-the-mail-server", "mail.smtp_tls": "tls", "mail.from": "noreply@example.com",
	"payment.provider": "instant", "payment.grace": "24h", "stripe.secret_key": "sk_test_key-of-stripe", "stripe.webhook_secret": "whsec_key-of-the-endpoint",
	"stripe.api_url": "https://stripe.example.com",
	"s3.endpoint":    "https://s3.example.com", "s3.public_endpoint": "https://files.s3.example.com", "s3.region": "eu-west-1",
	"s3.bucket": "files", "s3.access_key_id": "id", "s3.secret_access_key": "key-of-the-bucket", "s3.use_path_style": "true",
	"s3.conditional_writes": "off", "log.level": "debug", "shutdown.delay": "1s", "shutdown.timeout": "5s",
	"otel.exporter_otlp_endpoint": "http://127.0.0.1:4318",
	"auth.providers":              `[{"name": "work", "issuer": "https://login.example.com", "client_id": "coffer", "client_secret": "key-of-the-client", "claims": {"email_verified": "xms_edov"}}]`,
	"auth.external_issuers":       `[{"issuer": "https://tenant.example.com/", "audience": "coffer", "authorized_parties": ["app"]}]`,
}

// productionFor makes the rest of a configuration good for one setting.
func productionFor(key string) map[string]string {
	with := map[string]string{key: sample[key]}
	switch key {
	case "env":
		with["public_url"], with["auth.jwt_secret"] = sample["public_url"], sample["auth.jwt_secret"]
	case "s3.access_key_id":
		with["s3.secret_access_key"] = sample["s3.secret_access_key"]
	case "s3.secret_access_key":
		with["s3.access_key_id"] = sample["s3.access_key_id"]
	case "database.replica_url":
		with["database.url"] = sample["database.url"]
	case "mail.smtp_host":
		with["mail.from"] = sample["mail.from"]
	case "stripe.secret_key":
		with["stripe.webhook_secret"] = sample["stripe.webhook_secret"]
	case "stripe.webhook_secret":
		with["stripe.secret_key"] = sample["stripe.secret_key"]
	case "s3.bucket":
		with["s3.region"] = sample["s3.region"]
	}
	return with
}

func shown(t *testing.T, cfg *loaded, key string) string {
	t.Helper()
	for _, s := range coffer.Settings() {
		if s.Key == key {
			return fmt.Sprint(s.Get(&cfg.Config))
		}
	}
	t.Fatalf("no setting %s", key)
	return ""
}

func TestEverySettingIsReadFromTheEnvironmentAlone(t *testing.T) {
	for _, s := range coffer.Settings() {
		t.Run(s.Env(), func(t *testing.T) {
			clean(t)
			before := shown(t, load(t, ""), s.Key)
			for key, value := range productionFor(s.Key) {
				t.Setenv(envOf(key), value)
			}
			cfg := load(t, "")
			if cfg.sources[s.Key] != fromEnvironment || shown(t, cfg, s.Key) == before {
				t.Errorf("%s from %s, was %s", shown(t, cfg, s.Key), cfg.sources[s.Key], before)
			}
		})
	}
}

func TestEverySettingIsReadFromTheFile(t *testing.T) {
	for _, s := range coffer.Settings() {
		t.Run(s.Key, func(t *testing.T) {
			clean(t)
			before := shown(t, load(t, ""), s.Key)
			var text strings.Builder
			sections := map[string]string{}
			for key, value := range productionFor(s.Key) {
				if section, name, ok := strings.Cut(key, "."); ok {
					sections[section] += fmt.Sprintf("  %s: %s\n", name, value)
				} else {
					fmt.Fprintf(&text, "%s: %s\n", key, value)
				}
			}
			for section, lines := range sections {
				fmt.Fprintf(&text, "%s:\n%s", section, lines)
			}
			writeFile(t, "coffer.yaml", text.String())
			cfg := load(t, "")
			if cfg.sources[s.Key] != fromFile || shown(t, cfg, s.Key) == before || cfg.file != "./coffer.yaml" {
				t.Errorf("%s from %s, was %s, file %s", shown(t, cfg, s.Key), cfg.sources[s.Key], before, cfg.file)
			}
		})
	}
}

func envOf(key string) string { return coffer.Setting{Key: key}.Env() }

func TestTheEnvironmentGoesBeforeTheFile(t *testing.T) {
	clean(t)
	writeFile(t, "coffer.yaml", "http:\n  addr: 127.0.0.1:1\n  cors_origins: [https://a.example, https://b.example]\ntrash:\n  retention: 24h\n")
	t.Setenv("COFFER_HTTP_ADDR", "127.0.0.1:2")
	t.Setenv("COFFER_TRASH_RETENTION", "") // as compose passes what is not set
	cfg := load(t, "")
	if cfg.HTTP.Addr != "127.0.0.1:2" || cfg.TrashRetention != 24*time.Hour || cfg.PublicURL != "http://127.0.0.1:2" ||
		!slices.Equal(cfg.HTTP.CORSOrigins, []string{"https://a.example", "https://b.example"}) {
		t.Errorf("%+v", cfg.Config)
	}
	for key, want := range map[string]string{"http.addr": fromEnvironment, "trash.retention": fromFile, "log.level": fromDefault} {
		if cfg.sources[key] != want {
			t.Errorf("%s comes from %s", key, cfg.sources[key])
		}
	}
}

func TestAFileThatWasAskedForMustBeThere(t *testing.T) {
	clean(t)
	if cfg := load(t, ""); cfg.file != "" {
		t.Errorf("file %s", cfg.file)
	}
	missing := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := (&loader{file: missing}).load(); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("error %v", err)
	}
	other := writeFile(t, "settings", "log: {level: warn}\n") // no extension
	writeFile(t, "coffer.yaml", "log: {level: error}\n")
	if cfg := load(t, other); cfg.LogLevel != "warn" || cfg.file != other {
		t.Errorf("level %s from %s", cfg.LogLevel, cfg.file)
	}
}

func TestTheBinaryItselfIsNotTakenForAFile(t *testing.T) {
	clean(t)
	writeFile(t, "coffer", "\x7fELF")
	if cfg := load(t, ""); cfg.file != "" {
		t.Errorf("file %s", cfg.file)
	}
}

func TestUnknownKeysAreNamed(t *testing.T) {
	clean(t)
	for text, want := range map[string][]string{
		"http: {adr: x}\nlogs: {level: info}\ntypo: 1\n": {"http.adr", "logs.level", "typo"},
		"http: 5\n":          {"unknown: http "},
		"public_url: {a: b}": {"public_url.a"},
	} {
		writeFile(t, "coffer.yaml", text)
		_, err := (&loader{}).load()
		for _, name := range want {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
	for _, text := range []string{"http:\n", "http: {}\n", "", "# nothing\n", "http:\n  addr:\n", "HTTP:\n  Addr: 127.0.0.1:1\n"} {
		writeFile(t, "coffer.yaml", text)
		load(t, "")
	}
}

func TestAFileThatIsNotYAMLIsAnError(t *testing.T) {
	clean(t)
	for _, text := range []string{"http: [", "- a\n- b\n", "\tx: 1", "a: 1\na: 2\n"} {
		writeFile(t, "coffer.yaml", text)
		if _, err := (&loader{}).load(); err == nil || !strings.Contains(err.Error(), "coffer.yaml") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEveryProblemIsInOneMessage(t *testing.T) {
	clean(t)
	writeFile(t, "coffer.yaml", "typo: 1\nauth:\n  access_ttl: 60\n  jwt_secret: 12345678901234567890123456789012\n")
	t.Setenv("COFFER_ENV", "production")
	t.Setenv("COFFER_DATABASE_MAX_CONNS", "many")
	t.Setenv("S3_BUCKET", "files")
	_, err := (&loader{}).load()
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"typo", "COFFER_AUTH_ACCESS_TTL", "COFFER_AUTH_JWT_SECRET", "COFFER_PUBLIC_URL", "COFFER_DATABASE_MAX_CONNS", "S3_REGION"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not in: %v", name, err)
		}
	}
	if strings.Contains(err.Error(), "1234567890") {
		t.Errorf("the secret is in: %v", err)
	}
}

func TestVariablesThatAreNoSettingsAreWarnedOf(t *testing.T) {
	clean(t)
	t.Setenv("COFFER_HTTP_ADR", "127.0.0.1:1")
	if w := load(t, "").warnings; len(w) != 1 || !strings.HasPrefix(w[0], "COFFER_HTTP_ADR: ") {
		t.Errorf("warnings %q", w)
	}
}
