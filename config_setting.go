package coffer

import (
	"net/url"
	"strings"
)

// Setting is one value of the configuration and the names it goes by.
type Setting struct {
	Key    string // in coffer.yaml, as "http.addr"
	Help   string
	Secret bool // never shown

	field func(*Config) field
}

// Env returns the name of the environment variable: COFFER_ and the key, or
// the usual names of S3 and OpenTelemetry.
func (s Setting) Env() string {
	name := strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
	if strings.HasPrefix(s.Key, "s3.") || strings.HasPrefix(s.Key, "otel.") {
		return name
	}
	return "COFFER_" + name
}

// Set reads a value as a file or the environment has it: text, or what YAML
// makes of it. The error is a *SettingError.
func (s Setting) Set(c *Config, raw any) error {
	f := s.field(c)
	if list, ok := f.(structured); ok {
		if err := list.setRaw(raw); err != nil {
			return &SettingError{Env: s.Env(), Key: s.Key, Message: err.Error()}
		}
		return nil
	}
	text, err := plainText(raw)
	if err == nil {
		err = f.set(strings.TrimSpace(text))
	}
	if err != nil {
		return &SettingError{Env: s.Env(), Key: s.Key, Message: err.Error()}
	}
	return nil
}

// Get returns the value to be shown: text, a number, a boolean, or a list of
// texts or of objects. A secret that is set is "(hidden)", the password in a URL "xxxxx".
func (s Setting) Get(c *Config) any {
	v := s.field(c).get()
	text, ok := v.(string)
	switch {
	case !ok || text == "":
		return v
	case s.Secret:
		return "(hidden)"
	case strings.Contains(text, "://"):
		return hidePassword(text)
	}
	return v
}

// hidePassword returns a URL without the password it may have: before the host,
// or as a parameter, as PostgreSQL takes it too.
func hidePassword(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(hidden: not a URL)"
	}
	q := u.Query()
	for name := range q {
		if strings.Contains(strings.ToLower(name), "password") {
			q.Set(name, "xxxxx")
			u.RawQuery = q.Encode()
		}
	}
	return u.Redacted()
}

// Settings lists every setting in the order to show them.
func Settings() []Setting {
	return []Setting{
		{Key: "env", Help: "development or production", field: func(c *Config) field { return text(&c.Env) }},
		{Key: "public_url", Help: "the address clients reach the server at; required in production", field: func(c *Config) field { return text(&c.PublicURL) }},
		{Key: "data_dir", Help: "the directory of the SQLite database, the blobs on disk and the generated secret", field: func(c *Config) field { return text(&c.DataDir) }},
		{Key: "http.addr", Help: "where the API listens", field: func(c *Config) field { return text(&c.HTTP.Addr) }},
		{Key: "http.trusted_proxies", Help: "networks (CIDR) whose X-Forwarded-For headers are believed", field: func(c *Config) field { return (*networks)(&c.HTTP.TrustedProxies) }},
		{Key: "http.cors_origins", Help: "origins whose pages may call the API", field: func(c *Config) field { return (*list)(&c.HTTP.CORSOrigins) }},
		{Key: "ops.addr", Help: "where metrics, profiles and dead jobs are; keep it private", field: func(c *Config) field { return text(&c.OpsAddr) }},
		{Key: "database.url", Help: "postgres://…; absent: SQLite in the data directory", field: func(c *Config) field { return text(&c.Database.URL) }},
		{Key: "database.max_conns", Help: "the most connections to the database", field: func(c *Config) field { return (*number)(&c.Database.MaxConns) }},
		{Key: "database.replica_url", Help: "postgres://… of a streaming replica, for reading logs, sums and what a search finds; absent: none", field: func(c *Config) field { return text(&c.Database.ReplicaURL) }},
		{Key: "database.replica_max_lag", Help: "how far the replica may be behind; further, the database is read instead", field: func(c *Config) field { return (*duration)(&c.Database.ReplicaMaxLag) }},
		{Key: "auth.jwt_secret", Help: "at least 32 random characters; generated in development", Secret: true, field: func(c *Config) field { return text(&c.Auth.JWTSecret) }},
		{Key: "auth.access_ttl", Help: "life of an access token", field: func(c *Config) field { return (*duration)(&c.Auth.AccessTTL) }},
		{Key: "auth.refresh_ttl", Help: "life of a refresh token", field: func(c *Config) field { return (*duration)(&c.Auth.RefreshTTL) }},
		{Key: "auth.providers", Help: "OpenID Connect providers to sign in at: a list of {name, label, issuer, client_id, client_secret, scopes, claims}", field: func(c *Config) field { return (*providers)(&c.Auth.Providers) }},
		{Key: "auth.external_issuers", Help: "whose bearer tokens are taken as they are: a list of {issuer, audience, authorized_parties, jwks_url, claims}", field: func(c *Config) field { return (*issuers)(&c.Auth.ExternalIssuers) }},
		{Key: "self_hosted.unlimited", Help: "every org has all limits and features", field: func(c *Config) field { return (*toggle)(&c.SelfHostedUnlimited) }},
		{Key: "clock.offset", Help: "shifts the clock, to see expiry; development only", field: func(c *Config) field { return (*duration)(&c.ClockOffset) }},
		{Key: "upload.url_ttl", Help: "life of one signed upload URL", field: func(c *Config) field { return (*duration)(&c.Upload.URLTTL) }},
		{Key: "upload.single_ttl", Help: "time to complete an upload by one PUT", field: func(c *Config) field { return (*duration)(&c.Upload.SingleTTL) }},
		{Key: "upload.multipart_ttl", Help: "time to complete an upload in parts", field: func(c *Config) field { return (*duration)(&c.Upload.MultipartTTL) }},
		{Key: "download.url_ttl", Help: "life of a signed download URL", field: func(c *Config) field { return (*duration)(&c.DownloadURLTTL) }},
		{Key: "org.retention", Help: "time until a deleted organisation is purged; before, it can be restored", field: func(c *Config) field { return (*duration)(&c.OrgRetention) }},
		{Key: "trash.retention", Help: "time until what is in the trash is purged", field: func(c *Config) field { return (*duration)(&c.TrashRetention) }},
		{Key: "changes.retention", Help: "time for which the changes of a drive can be followed", field: func(c *Config) field { return (*duration)(&c.ChangeRetention) }},
		{Key: "share.log_retention", Help: "time for which the access logs of share links are kept", field: func(c *Config) field { return (*duration)(&c.Share.LogRetention) }},
		{Key: "datasets.log_retention", Help: "time for which the access logs of datasets are kept", field: func(c *Config) field { return (*duration)(&c.DatasetLogs) }},
		{Key: "reports.retention", Help: "time for which it is kept what has become of reports by mail", field: func(c *Config) field { return (*duration)(&c.ReportsRetention) }},
		{Key: "share.log_addresses", Help: "how much of visitors' addresses access logs keep: full, network (the first 24 bits, of IPv6 48) or none", field: func(c *Config) field { return text(&c.Share.LogAddresses) }},
		{Key: "analytics.retention", Help: "time for which analytics are kept; never shorter than that of the access logs", field: func(c *Config) field { return (*duration)(&c.Analytics.Retention) }},
		{Key: "analytics.country_file", Help: "a database (.mmdb) of the countries of addresses; absent: none is known", field: func(c *Config) field { return text(&c.Analytics.CountryFile) }},
		{Key: "watermark.memory_mb", Help: "memory for making copies with watermarks, all at a time, in MB (1,000,000 bytes)", field: func(c *Config) field { return (*number)(&c.Watermark.MemoryMB) }},
		{Key: "watermark.max_file_mb", Help: "the largest file that gets a watermark, in MB", field: func(c *Config) field { return (*number)(&c.Watermark.MaxFileMB) }},
		{Key: "watermark.max_megapixels", Help: "the largest picture that gets a watermark, in millions of pixels", field: func(c *Config) field { return (*number)(&c.Watermark.MaxMegapixels) }},
		{Key: "watermark.timeout", Help: "time to put a watermark on one file", field: func(c *Config) field { return (*duration)(&c.Watermark.Timeout) }},
		{Key: "derived.enabled", Help: "make pictures of files that become ready, and read their texts", field: func(c *Config) field { return (*toggle)(&c.Derived.Enabled) }},
		{Key: "derived.workers", Help: "files of which something is derived at a time, in each server", field: func(c *Config) field { return (*number)(&c.Derived.Workers) }},
		{Key: "derived.max_file_mb", Help: "the largest file, if it is no video, of which something is derived, in MB", field: func(c *Config) field { return (*number)(&c.Derived.MaxFileMB) }},
		{Key: "derived.max_video_mb", Help: "the largest video of which something is derived, in MB; it lies in the temporary directory meanwhile", field: func(c *Config) field { return (*number)(&c.Derived.MaxVideoMB) }},
		{Key: "derived.max_megapixels", Help: "the largest picture of which something is derived, in millions of pixels", field: func(c *Config) field { return (*number)(&c.Derived.MaxMegapixels) }},
		{Key: "derived.memory_mb", Help: "memory of each process that looks into a file, in MB", field: func(c *Config) field { return (*number)(&c.Derived.MemoryMB) }},
		{Key: "derived.timeout", Help: "time of each process that looks into a file; a video needs up to four", field: func(c *Config) field { return (*duration)(&c.Derived.Timeout) }},
		{Key: "rate_limit.per_minute", Help: "requests of one address or user; 0: no general limit", field: func(c *Config) field { return (*number)(&c.RateLimitPerMinute) }},
		{Key: "blobs.public_url", Help: "another origin for user content on disk", field: func(c *Config) field { return text(&c.BlobsPublicURL) }},
		{Key: "app.url", Help: "what links in mail begin with; absent: the public URL", field: func(c *Config) field { return text(&c.AppURL) }},
		{Key: "mail.smtp_host", Help: "the server that mail is handed to; absent: no mail is sent", field: func(c *Config) field { return text(&c.Mail.Host) }},
		{Key: "mail.smtp_port", Help: "0: 587, or 465 for tls", field: func(c *Config) field { return (*number)(&c.Mail.Port) }},
		{Key: "mail.smtp_username", Help: "absent: no authentication", field: func(c *Config) field { return text(&c.Mail.Username) }},
		{Key: "mail.smtp_password", Help: "belongs to the user name", Secret: true, field: func(c *Config) field { return text(&c.Mail.Password) }},
		{Key: "mail.smtp_tls", Help: "starttls, tls, or none (to this machine only)", field: func(c *Config) field { return text(&c.Mail.TLS) }},
		{Key: "mail.from", Help: "the sender of all mail, such as Coffer <noreply@example.com>", field: func(c *Config) field { return text(&c.Mail.From) }},
		{Key: "payment.provider", Help: "how what organisations sell is paid: manual, stripe, or instant (development)", field: func(c *Config) field { return text(&c.Payment.Provider) }},
		{Key: "payment.grace", Help: "time for paying for the next period of a membership", field: func(c *Config) field { return (*duration)(&c.Payment.Grace) }},
		{Key: "stripe.secret_key", Help: "sk_… or rk_…; absent: no Stripe", Secret: true, field: func(c *Config) field { return text(&c.Payment.StripeSecretKey) }},
		{Key: "stripe.webhook_secret", Help: "whsec_… of the endpoint /api/payments/stripe/webhook", Secret: true, field: func(c *Config) field { return text(&c.Payment.StripeWebhookSecret) }},
		{Key: "stripe.api_url", Help: "another address of its API, for tests", field: func(c *Config) field { return text(&c.Payment.StripeAPIURL) }},
		{Key: "webhooks.allow_private", Help: "webhooks may lead to this machine and private networks; development only", field: func(c *Config) field { return (*toggle)(&c.WebhooksPrivate) }},
		{Key: "s3.endpoint", Help: "the store's address; absent: AWS", field: func(c *Config) field { return text(&c.S3.Endpoint) }},
		{Key: "s3.public_endpoint", Help: "the store's address as clients reach it", field: func(c *Config) field { return text(&c.S3.PublicEndpoint) }},
		{Key: "s3.region", Help: "the bucket's region", field: func(c *Config) field { return text(&c.S3.Region) }},
		{Key: "s3.bucket", Help: "keeps blobs in this bucket; absent: on disk", field: func(c *Config) field { return text(&c.S3.Bucket) }},
		{Key: "s3.access_key_id", Help: "absent on AWS: the credentials of the machine", field: func(c *Config) field { return text(&c.S3.AccessKeyID) }},
		{Key: "s3.secret_access_key", Help: "belongs to the access key", Secret: true, field: func(c *Config) field { return text(&c.S3.SecretAccessKey) }},
		{Key: "s3.use_path_style", Help: "bucket in the path, not in the host name", field: func(c *Config) field { return (*toggle)(&c.S3.UsePathStyle) }},
		{Key: "s3.conditional_writes", Help: "whether the store honours If-None-Match: auto, on or off", field: func(c *Config) field { return text(&c.S3.ConditionalWrites) }},
		{Key: "log.level", Help: "debug, info, warn or error", field: func(c *Config) field { return text(&c.LogLevel) }},
		{Key: "shutdown.delay", Help: "time after SIGTERM in which /readyz says 503 and everything else is still served, for a balancer to turn away", field: func(c *Config) field { return (*duration)(&c.ShutdownDelay) }},
		{Key: "shutdown.timeout", Help: "time to finish what runs after SIGTERM", field: func(c *Config) field { return (*duration)(&c.ShutdownTimeout) }},
		{Key: "otel.exporter_otlp_endpoint", Help: "collector of traces (OTLP/HTTP); absent: none", field: func(c *Config) field { return text(&c.OTLPEndpoint) }},
	}
}
