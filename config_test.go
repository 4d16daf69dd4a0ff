package coffer

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const goodSecret = "kT3vX9qLmZ2wRb7YfH4sNc8JdP6gQa1U"

// problemsOf returns the environment names that err complains about.
func problemsOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v is not joined", err)
	}
	var out []string
	for _, e := range joined.Unwrap() {
		p, ok := errors.AsType[*SettingError](e)
		if !ok {
			t.Fatalf("%v is not a SettingError", e)
		}
		out = append(out, p.Env)
	}
	return out
}

func production() Config {
	c := DefaultConfig()
	c.Env, c.PublicURL, c.Auth.JWTSecret = Production, "https://coffer.example.com", goodSecret
	return c
}

func TestTheDefaultsStartInDevelopment(t *testing.T) {
	c := DefaultConfig()
	if err := c.Resolve(); err != nil {
		t.Fatal(err)
	}
	if c.PublicURL != "http://127.0.0.1:8080" || c.UsesPostgres() || c.UsesS3() || c.IsProduction() {
		t.Errorf("%+v", c)
	}
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %q", w)
	}
}

func TestThePublicURLFollowsTheAddress(t *testing.T) {
	for addr, want := range map[string]string{
		":8080": "http://localhost:8080", "0.0.0.0:80": "http://localhost:80", "[::]:80": "http://localhost:80",
		"[::1]:8080": "http://[::1]:8080", "coffer.local:1": "http://coffer.local:1",
	} {
		c := DefaultConfig()
		c.HTTP.Addr = addr
		if err := c.Resolve(); err != nil || c.PublicURL != want {
			t.Errorf("%s: %s, %v, want %s", addr, c.PublicURL, err, want)
		}
	}
}

func TestProductionNeedsASecretAndAnAddress(t *testing.T) {
	c := DefaultConfig()
	c.Env, c.ClockOffset, c.WebhooksPrivate = Production, time.Hour, true
	got := problemsOf(t, c.Resolve())
	if want := []string{"COFFER_CLOCK_OFFSET", "COFFER_WEBHOOKS_ALLOW_PRIVATE", "COFFER_PUBLIC_URL", "COFFER_AUTH_JWT_SECRET"}; !slices.Equal(got, want) {
		t.Errorf("problems: %q, want %q", got, want)
	}
	c = production()
	if err := c.Resolve(); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
	if w := c.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %q", w)
	}
}

func TestWeakSecretsAreRefusedInProduction(t *testing.T) {
	for _, secret := range []string{
		strings.Repeat("a", 64), "changeme-changeme-changeme-changeme", "ChangeMe!x9qLmZ2wRb7YfH4sNc8JdP6gQa1U",
		"replace-this-with-the-output-of-openssl", "12345678901234567890123456789012", "abcdefghijklmnopqrstuvwxyz123456",
		"kT3vX9qLmZkT3vX9qLmZkT3vX9qLmZkT3vX9qLmZ", "aaaabbbbccccddddaaaabbbbccccddddx", "my_secret_my_secret_my_secret_my_own",
		"your-secret-key-goes-here-please-ok", strings.Repeat("é", 32),
	} {
		c := production()
		c.Auth.JWTSecret = secret
		err := c.Resolve()
		if got := problemsOf(t, err); !slices.Equal(got, []string{"COFFER_AUTH_JWT_SECRET"}) {
			t.Errorf("%q: %q", secret, got)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the message repeats the secret: %v", err)
		}
		c = DefaultConfig()
		c.Auth.JWTSecret = secret
		if err := c.Resolve(); err != nil || len(c.Warnings()) != 1 {
			t.Errorf("%q in development: %v, %q", secret, err, c.Warnings())
		}
	}
}

func TestGoodSecretsAreAccepted(t *testing.T) {
	for _, secret := range []string{
		goodSecret, "9f86d081884c7d659a2feaa0c55ad015", "q0Zl9X2c3+8J/5mYhT7w1KfRkUe6vBnGsDaPiLxO4tE=",
		"correct horse battery staple and more words",
	} {
		c := production()
		c.Auth.JWTSecret = secret
		if err := c.Resolve(); err != nil {
			t.Errorf("%q: %v", secret, err)
		}
	}
	for _, env := range []Environment{Development, Production} {
		c := production()
		c.Env, c.Auth.JWTSecret = env, goodSecret[:31]
		if got := problemsOf(t, c.Resolve()); !slices.Equal(got, []string{"COFFER_AUTH_JWT_SECRET"}) {
			t.Errorf("31 characters in %s: %q", env, got)
		}
	}
}

func TestEachBadValueIsNamed(t *testing.T) {
	for env, change := range map[string]func(*Config){
		"COFFER_ENV":                      func(c *Config) { c.Env = "staging" },
		"COFFER_DATA_DIR":                 func(c *Config) { c.DataDir = "" },
		"COFFER_LOG_LEVEL":                func(c *Config) { c.LogLevel = "loud" },
		"COFFER_HTTP_ADDR":                func(c *Config) { c.HTTP.Addr = "8080" },
		"COFFER_OPS_ADDR":                 func(c *Config) { c.OpsAddr = c.HTTP.Addr },
		"COFFER_PUBLIC_URL":               func(c *Config) { c.PublicURL = "https://coffer.example.com/base" },
		"COFFER_BLOBS_PUBLIC_URL":         func(c *Config) { c.BlobsPublicURL = "files.example.com" },
		"COFFER_HTTP_CORS_ORIGINS":        func(c *Config) { c.HTTP.CORSOrigins = []string{"https://app.example.com/"} },
		"COFFER_DATABASE_URL":             func(c *Config) { c.Database.URL = "mysql://x" },
		"COFFER_DATABASE_MAX_CONNS":       func(c *Config) { c.Database.MaxConns = 0 },
		"COFFER_DATABASE_REPLICA_URL":     func(c *Config) { c.Database.ReplicaURL = "postgres://replica/db" }, // of what?
		"COFFER_SHUTDOWN_DELAY":           func(c *Config) { c.ShutdownDelay = -time.Second },
		"COFFER_AUTH_ACCESS_TTL":          func(c *Config) { c.Auth.AccessTTL = 0 },
		"COFFER_AUTH_REFRESH_TTL":         func(c *Config) { c.Auth.RefreshTTL = time.Minute },
		"COFFER_UPLOAD_URL_TTL":           func(c *Config) { c.Upload.URLTTL = -time.Minute },
		"COFFER_UPLOAD_SINGLE_TTL":        func(c *Config) { c.Upload.SingleTTL = time.Minute },
		"COFFER_UPLOAD_MULTIPART_TTL":     func(c *Config) { c.Upload.MultipartTTL = time.Minute },
		"COFFER_DOWNLOAD_URL_TTL":         func(c *Config) { c.DownloadURLTTL = 8 * 24 * time.Hour },
		"COFFER_CHANGES_RETENTION":        func(c *Config) { c.ChangeRetention = 0 },
		"COFFER_ORG_RETENTION":            func(c *Config) { c.OrgRetention = 0 },
		"COFFER_REPORTS_RETENTION":        func(c *Config) { c.ReportsRetention = 0 },
		"COFFER_DATASETS_LOG_RETENTION":   func(c *Config) { c.DatasetLogs = 0 },
		"COFFER_SHARE_LOG_RETENTION":      func(c *Config) { c.Share.LogRetention = 0 },
		"COFFER_SHARE_LOG_ADDRESSES":      func(c *Config) { c.Share.LogAddresses = "some" },
		"COFFER_ANALYTICS_RETENTION":      func(c *Config) { c.Analytics.Retention = 0 },
		"COFFER_WATERMARK_MEMORY_MB":      func(c *Config) { c.Watermark.MemoryMB = 100 },
		"COFFER_DERIVED_WORKERS":          func(c *Config) { c.Derived.Workers = 0 },
		"COFFER_DERIVED_MEMORY_MB":        func(c *Config) { c.Derived.MemoryMB = 100 },
		"COFFER_DERIVED_TIMEOUT":          func(c *Config) { c.Derived.Timeout = 0 },
		"COFFER_WATERMARK_TIMEOUT":        func(c *Config) { c.Watermark.Timeout = 0 },
		"COFFER_TRASH_RETENTION":          func(c *Config) { c.TrashRetention = 0 },
		"COFFER_RATE_LIMIT_PER_MINUTE":    func(c *Config) { c.RateLimitPerMinute = -1 },
		"COFFER_SHUTDOWN_TIMEOUT":         func(c *Config) { c.ShutdownTimeout = time.Hour },
		"OTEL_EXPORTER_OTLP_ENDPOINT":     func(c *Config) { c.OTLPEndpoint = "127.0.0.1:4318" },
		"COFFER_DATABASE_REPLICA_MAX_LAG": func(c *Config) { c.Database.ReplicaMaxLag = 0 },
		"COFFER_PAYMENT_PROVIDER":         func(c *Config) { c.Payment.Provider = "barter" },
		"COFFER_PAYMENT_GRACE":            func(c *Config) { c.Payment.Grace = -time.Hour },
		"COFFER_STRIPE_SECRET_KEY":        func(c *Config) { c.Payment = stripeConfig(); c.Payment.StripeSecretKey = "pk_test_1" },
		"COFFER_STRIPE_WEBHOOK_SECRET":    func(c *Config) { c.Payment = stripeConfig(); c.Payment.StripeWebhookSecret = "" },
		"COFFER_STRIPE_API_URL":           func(c *Config) { c.Payment.StripeAPIURL = "stripe" },
		"S3_CONDITIONAL_WRITES":           func(c *Config) { c.S3.ConditionalWrites = "maybe" },
		"S3_REGION":                       func(c *Config) { c.S3.Bucket = "files" },
		"S3_ENDPOINT":                     func(c *Config) { c.S3 = s3Config(); c.S3.Endpoint = "minio:9000" },
		"S3_PUBLIC_ENDPOINT":              func(c *Config) { c.S3 = s3Config(); c.S3.PublicEndpoint = "files" },
		"S3_BUCKET":                       func(c *Config) { c.S3 = s3Config(); c.S3.Bucket = "a/b" },
		"S3_ACCESS_KEY_ID":                func(c *Config) { c.S3 = s3Config(); c.S3.AccessKeyID = "" },
		"S3_SECRET_ACCESS_KEY":            func(c *Config) { c.S3 = s3Config(); c.S3.SecretAccessKey = "" },
	} {
		c := DefaultConfig()
		change(&c)
		if got := problemsOf(t, c.Resolve()); !slices.Equal(got, []string{env}) {
			t.Errorf("%s: problems %q", env, got)
		}
	}
}

func stripeConfig() PaymentConfig {
	return PaymentConfig{Provider: PaymentStripe, StripeSecretKey: "sk_test_1", StripeWebhookSecret: "whsec_1"}
}

func TestProductionGivesNothingAway(t *testing.T) {
	c := production()
	c.Payment.Provider = PaymentInstant
	if got := problemsOf(t, c.Resolve()); !slices.Equal(got, []string{"COFFER_PAYMENT_PROVIDER"}) {
		t.Errorf("problems: %q", got)
	}
	c = production()
	c.Payment = stripeConfig()
	if err := c.Resolve(); err != nil {
		t.Error(err)
	}
}

func s3Config() S3Config {
	return S3Config{Endpoint: "http://127.0.0.1:7070", Bucket: "files", AccessKeyID: "id", SecretAccessKey: "key", ConditionalWrites: ConditionalAuto}
}

func TestS3NeedsARegionOnlyOnAWS(t *testing.T) {
	c := DefaultConfig()
	c.S3 = s3Config()
	if err := c.Resolve(); err != nil || c.S3.Region != "us-east-1" || !c.UsesS3() {
		t.Errorf("with an endpoint: %v, region %q", err, c.S3.Region)
	}
	c.S3 = S3Config{Bucket: "files", Region: "eu-central-1", ConditionalWrites: ConditionalAuto}
	if err := c.Resolve(); err != nil {
		t.Errorf("on AWS, with the machine's credentials: %v", err)
	}
	c.S3 = s3Config()
	c.S3.AccessKeyID, c.S3.SecretAccessKey = "", ""
	if got := problemsOf(t, c.Resolve()); !slices.Equal(got, []string{"S3_ACCESS_KEY_ID"}) {
		t.Errorf("an endpoint without keys: %q", got)
	}
}

func TestTheDatabasePasswordIsInNoMessage(t *testing.T) {
	for _, dsn := range []string{"postgres://u:hunter2@h:port/db", "postgres://u:hunter2%@h/db", "mysql://u:hunter2@h/db", "host=h password=hunter2"} {
		c := DefaultConfig()
		c.Database.URL = dsn
		if err := c.Resolve(); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	for env, change := range map[string]func(*Config){
		"COFFER_PUBLIC_URL":           func(c *Config) { c.PublicURL = "http://coffer.example.com" },
		"COFFER_OPS_ADDR":             func(c *Config) { c.OpsAddr = "0.0.0.0:9090" },
		"COFFER_HTTP_TRUSTED_PROXIES": func(c *Config) { c.HTTP.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} },
		"COFFER_BLOBS_PUBLIC_URL": func(c *Config) {
			c.BlobsPublicURL = "https://files.example.com"
			c.S3 = s3Config()
			c.S3.PublicEndpoint = "https://s3.example.com"
		},
		"S3_PUBLIC_ENDPOINT": func(c *Config) { c.S3 = s3Config() },
		"S3_BUCKET":          func(c *Config) { c.S3 = s3Config(); c.S3.Bucket = "" },
	} {
		c := production()
		change(&c)
		if err := c.Resolve(); err != nil {
			t.Errorf("%s: %v", env, err)
		}
		if w := c.Warnings(); len(w) != 1 || !strings.HasPrefix(w[0], env+": ") {
			t.Errorf("%s: warnings %q", env, w)
		}
	}
}

func TestSettingsHaveTheNamesPeopleKnow(t *testing.T) {
	var names []string
	for _, s := range Settings() {
		names = append(names, s.Env())
		if s.Help == "" {
			t.Errorf("%s has no help", s.Key)
		}
	}
	for want := range strings.FieldsSeq(`COFFER_ENV COFFER_HTTP_ADDR COFFER_OPS_ADDR COFFER_PUBLIC_URL COFFER_DATA_DIR COFFER_DATABASE_URL
		COFFER_DATABASE_MAX_CONNS COFFER_AUTH_JWT_SECRET COFFER_SELF_HOSTED_UNLIMITED COFFER_CLOCK_OFFSET COFFER_HTTP_TRUSTED_PROXIES
		COFFER_HTTP_CORS_ORIGINS COFFER_AUTH_ACCESS_TTL COFFER_AUTH_REFRESH_TTL COFFER_UPLOAD_URL_TTL COFFER_UPLOAD_SINGLE_TTL
		COFFER_UPLOAD_MULTIPART_TTL COFFER_DOWNLOAD_URL_TTL COFFER_TRASH_RETENTION COFFER_ORG_RETENTION COFFER_LOG_LEVEL COFFER_RATE_LIMIT_PER_MINUTE
		COFFER_BLOBS_PUBLIC_URL COFFER_SHUTDOWN_TIMEOUT S3_ENDPOINT S3_PUBLIC_ENDPOINT S3_REGION S3_BUCKET S3_ACCESS_KEY_ID
		S3_SECRET_ACCESS_KEY S3_USE_PATH_STYLE S3_CONDITIONAL_WRITES OTEL_EXPORTER_OTLP_ENDPOINT`) {
		if !slices.Contains(names, want) {
			t.Errorf("no setting is called %s", want)
		}
	}
	slices.Sort(names)
	if n := len(slices.Compact(names)); n != len(Settings()) {
		t.Errorf("%d names for %d settings", n, len(Settings()))
	}
}

func setting(t *testing.T, key string) Setting {
	t.Helper()
	all := Settings()
	i := slices.IndexFunc(all, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		t.Fatalf("no setting %s", key)
	}
	return all[i]
}

func TestValuesAreReadFromTextAndYAML(t *testing.T) {
	for _, tc := range []struct {
		key  string
		raw  any
		want string // as fmt.Sprint shows it, or an error
	}{
		{"http.addr", " :80 ", ":80"},
		{"database.max_conns", "12", "12"},
		{"database.max_conns", 12, "12"},
		{"database.max_conns", "many", "error"},
		{"database.max_conns", 1.5, "error"},
		{"self_hosted.unlimited", "TRUE", "true"},
		{"self_hosted.unlimited", true, "true"},
		{"self_hosted.unlimited", "1", "true"},
		{"self_hosted.unlimited", "yes please", "error"},
		{"auth.access_ttl", "90m", "1h30m"},
		{"auth.access_ttl", "720h", "720h"},
		{"auth.access_ttl", "90s", "1m30s"},
		{"auth.access_ttl", 60, "error"},
		{"auth.access_ttl", "30d", "error"},
		{"clock.offset", "-48h", "-48h"},
		{"http.cors_origins", "https://a.example, https://b.example,", "[https://a.example https://b.example]"},
		{"http.cors_origins", []any{"https://a.example"}, "[https://a.example]"},
		{"http.cors_origins", []any{[]any{"https://a.example"}}, "error"},
		{"http.trusted_proxies", "10.0.0.7/8, 127.0.0.1,2001:db8::1", "[10.0.0.0/8 127.0.0.1/32 2001:db8::1/128]"},
		{"http.trusted_proxies", "10.0.0.0/33", "error"},
		{"http.trusted_proxies", "proxy", "error"},
		{"auth.jwt_secret", goodSecret, "(hidden)"},
		{"auth.jwt_secret", "", ""},
		{"auth.jwt_secret", 1e31, "error"},
		{"auth.jwt_secret", map[string]any{"x": 1}, "error"},
		{"s3.secret_access_key", "x", "(hidden)"},
		{"database.url", "postgres://u:hunter2@h/db?sslmode=disable", "postgres://u:xxxxx@h/db?sslmode=disable"},
		{"database.url", "postgres://u:hunter2@h1:5432,h2:5433/db?target_session_attrs=read-write", "postgres://u:xxxxx@h1:5432,h2:5433/db?target_session_attrs=read-write"},
		{"database.replica_url", "postgres://u:hunter2@h/db", "postgres://u:xxxxx@h/db"},
		{"database.url", "postgres://h/db?password=hunter2", "postgres://h/db?password=xxxxx"},
		{"database.url", "postgres://u:hunter2%@h/db", "(hidden: not a URL)"},
	} {
		c := DefaultConfig()
		s := setting(t, tc.key)
		err := s.Set(&c, tc.raw)
		if (err != nil) != (tc.want == "error") {
			t.Errorf("%s = %v: %v", tc.key, tc.raw, err)
		} else if got := fmt.Sprint(s.Get(&c)); err == nil && got != tc.want {
			t.Errorf("%s = %v is shown as %s, want %s", tc.key, tc.raw, got, tc.want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), s.Env()+" ("+tc.key+" in coffer.yaml): ") {
			t.Errorf("the error does not name the setting: %v", err)
		}
	}
}

func TestDevelopmentGeneratesItsSecretOnce(t *testing.T) {
	c := DefaultConfig()
	c.DataDir = filepath.Join(t.TempDir(), "a", "data")
	if err := c.LoadSecret(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(c.SecretFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if len(c.Auth.JWTSecret) < 64 || isWeak(c.Auth.JWTSecret) || c.Resolve() != nil {
		t.Errorf("generated %q", c.Auth.JWTSecret)
	}
	again := DefaultConfig()
	again.DataDir = c.DataDir
	if err := again.LoadSecret(); err != nil || again.Auth.JWTSecret != c.Auth.JWTSecret {
		t.Errorf("the second start: %q, %v, want %q", again.Auth.JWTSecret, err, c.Auth.JWTSecret)
	}
	entries, _ := os.ReadDir(c.DataDir)
	if len(entries) != 1 {
		t.Errorf("files left behind: %v", entries)
	}
}

func TestAGivenSecretIsNotReplaced(t *testing.T) {
	for _, env := range []Environment{Development, Production} {
		c := production()
		c.Env, c.DataDir = env, filepath.Join(t.TempDir(), "data")
		if err := c.LoadSecret(); err != nil || c.Auth.JWTSecret != goodSecret {
			t.Errorf("%s: %q, %v", env, c.Auth.JWTSecret, err)
		}
		if _, err := os.Stat(c.DataDir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a file was made: %v", env, err)
		}
	}
}

func TestStartsAtOnceGetOneSecret(t *testing.T) {
	dir := t.TempDir()
	secrets := make([]string, 16)
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() {
			c := DefaultConfig()
			c.DataDir = dir
			if err := c.LoadSecret(); err != nil {
				t.Error(err)
			}
			secrets[i] = c.Auth.JWTSecret
		})
	}
	wg.Wait()
	if len(slices.Compact(secrets)) != 1 || secrets[0] == "" {
		t.Errorf("different secrets: %q", secrets)
	}
}

func TestASecretThatOthersCouldReadIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"group may read":  func(path string) error { return os.Chmod(path, 0o640) },
		"others may read": func(path string) error { return os.Chmod(path, 0o604) },
		"empty":           func(path string) error { return os.Truncate(path, 0) },
		"cut":             func(path string) error { return os.Truncate(path, 20) },
		"a link": func(path string) error {
			return errors.Join(os.Rename(path, path+"2"), os.Symlink(path+"2", path))
		},
		"a directory": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		c := DefaultConfig()
		c.DataDir = t.TempDir()
		if err := c.LoadSecret(); err != nil {
			t.Fatal(err)
		}
		secret := c.Auth.JWTSecret
		if err := spoil(c.SecretFile()); err != nil {
			t.Fatal(err)
		}
		c.Auth.JWTSecret = ""
		err := c.LoadSecret()
		if err == nil || c.Auth.JWTSecret != "" || strings.Contains(err.Error(), secret[:10]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
