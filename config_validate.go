package coffer

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// SettingError is one thing wrong with the configuration.
type SettingError struct {
	Env     string // the environment variable
	Key     string // the key in coffer.yaml
	Message string // what is wrong and what to do
}

func (p *SettingError) Error() string {
	return fmt.Sprintf("%s (%s in coffer.yaml): %s", p.Env, p.Key, p.Message)
}

// problems collects what is wrong.
type problems struct{ all []error }

// add reports a problem with the setting of that key unless ok.
func (p *problems) add(ok bool, key, format string, args ...any) {
	if !ok {
		p.all = append(p.all, &SettingError{Env: Setting{Key: key}.Env(), Key: key, Message: fmt.Sprintf(format, args...)})
	}
}

// Resolve fills in what follows from other settings and checks everything. The
// error joins one *SettingError for each thing that is wrong.
func (c *Config) Resolve() error {
	var p problems
	p.add(c.Env == Development || c.Env == Production, "env", "%q is neither development nor production", c.Env)
	p.add(c.DataDir != "", "data_dir", "must not be empty")
	levels := []string{"debug", "info", "warn", "error"}
	p.add(slices.Contains(levels, c.LogLevel), "log.level", "%q is none of %s", c.LogLevel, strings.Join(levels, ", "))
	p.add(c.RateLimitPerMinute >= 0, "rate_limit.per_minute", "must not be negative; 0 switches the general limit off")
	p.add(!c.IsProduction() || c.ClockOffset == 0, "clock.offset", "the clock cannot be shifted in production; remove it")
	p.add(!c.IsProduction() || !c.WebhooksPrivate, "webhooks.allow_private", "would let users reach the network of the server; remove it in production")
	c.resolveAddresses(&p)
	c.checkDatabase(&p)
	c.checkSecret(&p)
	c.checkTimes(&p)
	c.checkShare(&p)
	c.checkDerived(&p)
	c.resolveS3(&p)
	c.resolveMail(&p)
	c.checkPayment(&p)
	c.checkProviders(&p)
	return errors.Join(p.all...)
}

// resolveAddresses checks where the server listens and is reached, and derives
// the public address in development.
func (c *Config) resolveAddresses(p *problems) {
	host, port, err := splitAddr(c.HTTP.Addr)
	p.add(err == nil, "http.addr", "%q is not host:port, such as 127.0.0.1:8080", c.HTTP.Addr)
	_, _, opsErr := splitAddr(c.OpsAddr)
	p.add(opsErr == nil, "ops.addr", "%q is not host:port, such as 127.0.0.1:9090", c.OpsAddr)
	p.add(c.OpsAddr != c.HTTP.Addr || port == "0", "ops.addr", "must differ from %s, which is public", Setting{Key: "http.addr"}.Env())

	switch {
	case c.PublicURL != "":
		c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
		p.add(isOrigin(c.PublicURL), "public_url", "must be http(s)://host[:port] without a path, such as https://coffer.example.com")
	case c.IsProduction():
		p.add(false, "public_url", "is required in production: the address clients reach the server at, such as https://coffer.example.com")
	case err == nil && port == "0":
		p.add(false, "public_url", "is required when the port is chosen at start (%s ends in :0)", Setting{Key: "http.addr"}.Env())
	case err == nil:
		c.PublicURL = "http://" + net.JoinHostPort(host, port)
	}
	c.BlobsPublicURL = strings.TrimSuffix(c.BlobsPublicURL, "/")
	p.add(c.BlobsPublicURL == "" || isOrigin(c.BlobsPublicURL), "blobs.public_url", "must be http(s)://host[:port] without a path")
	for _, origin := range c.HTTP.CORSOrigins {
		p.add(origin == "*" || isOrigin(origin), "http.cors_origins", `%q is not an origin; write it as https://app.example.com, without a slash at the end, or "*"`, origin)
	}
	p.add(c.OTLPEndpoint == "" || isURL(c.OTLPEndpoint), "otel.exporter_otlp_endpoint", "must be http(s)://host[:port], such as http://127.0.0.1:4318")
}

// resolveMail checks the mail server, if there is one.
func (c *Config) resolveMail(p *problems) {
	c.AppURL = strings.TrimSuffix(c.AppURL, "/")
	p.add(c.AppURL == "" || isURL(c.AppURL), "app.url", "must be http(s)://host[:port], with a path if need be")
	if c.AppURL == "" {
		c.AppURL = c.PublicURL
	}
	const highest = 65535
	p.add(c.Mail.Port >= 0 && c.Mail.Port <= highest, "mail.smtp_port", "must be from 0 to 65535")
	p.add(slices.Contains([]string{"starttls", "tls", "none"}, c.Mail.TLS), "mail.smtp_tls", "%q is none of starttls, tls, none", c.Mail.TLS)
	p.add(!c.SendsMail() || c.Mail.From != "", "mail.from", "is required to send mail: an address, such as Coffer <noreply@example.com>")
}

func (c *Config) checkDatabase(p *problems) {
	p.add(c.Database.MaxConns >= 1 && c.Database.MaxConns <= 1000, "database.max_conns", "must be from 1 to 1000")
	p.add(c.Database.URL == "" || isPostgres(c.Database.URL), "database.url", databaseForm+", or absent for SQLite in the data directory")
	p.add(c.Database.ReplicaURL == "" || isPostgres(c.Database.ReplicaURL), "database.replica_url", databaseForm)
	p.add(c.Database.ReplicaURL == "" || c.Database.URL != "", "database.replica_url", "there is nothing that it could be a replica of: set %s", Setting{Key: "database.url"}.Env())
}

// databaseForm does not repeat the text that is wrong: a password may be in it.
const databaseForm = "must be postgres://user:password@host:port/database (special characters %%-encoded)"

// isPostgres reports a URL of PostgreSQL; there may be several hosts, separated by commas.
func isPostgres(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql")
}

// longest is the longest life of a URL that every S3 server signs.
const longest = 7 * 24 * time.Hour

func (c *Config) checkTimes(p *problems) {
	between := func(key string, d, low, high time.Duration) {
		p.add(d >= low && d <= high, key, "%v is not between %v and %v", d, low, high)
	}
	const year = 365 * 24 * time.Hour
	between("auth.access_ttl", c.Auth.AccessTTL, time.Second, 24*time.Hour)
	between("auth.refresh_ttl", c.Auth.RefreshTTL, max(time.Second, c.Auth.AccessTTL), year)
	between("upload.url_ttl", c.Upload.URLTTL, time.Second, longest)
	between("upload.single_ttl", c.Upload.SingleTTL, max(time.Second, c.Upload.URLTTL), longest)
	between("upload.multipart_ttl", c.Upload.MultipartTTL, max(time.Second, c.Upload.URLTTL), 90*24*time.Hour)
	between("download.url_ttl", c.DownloadURLTTL, time.Second, longest)
	between("org.retention", c.OrgRetention, time.Second, 10*year)
	between("trash.retention", c.TrashRetention, time.Second, 10*year)
	between("changes.retention", c.ChangeRetention, time.Second, 10*year)
	between("share.log_retention", c.Share.LogRetention, time.Second, 10*year)
	between("datasets.log_retention", c.DatasetLogs, time.Second, 10*year)
	between("reports.retention", c.ReportsRetention, time.Second, 10*year)
	between("analytics.retention", c.Analytics.Retention, time.Second, 20*year)
	between("watermark.timeout", c.Watermark.Timeout, time.Second, 10*time.Minute)
	between("derived.timeout", c.Derived.Timeout, time.Second, 10*time.Minute)
	between("payment.grace", c.Payment.Grace, 0, year/4)
	between("database.replica_max_lag", c.Database.ReplicaMaxLag, 100*time.Millisecond, time.Hour)
	between("shutdown.delay", c.ShutdownDelay, 0, 10*time.Minute)
	between("shutdown.timeout", c.ShutdownTimeout, time.Second, 10*time.Minute)
}

func (c *Config) checkShare(p *problems) {
	ways := []core.AddressLog{core.AddressFull, core.AddressNetwork, core.AddressNone}
	p.add(slices.Contains(ways, c.Share.LogAddresses), "share.log_addresses", "%q is none of full, network, none", c.Share.LogAddresses)
	const least, most = 128, 1 << 20
	w := &c.Watermark
	p.add(w.MemoryMB >= least && w.MemoryMB <= most, "watermark.memory_mb", "must be from %d to %d", least, most)
	p.add(w.MaxFileMB >= 1 && w.MaxFileMB <= w.MemoryMB, "watermark.max_file_mb", "must be from 1 to watermark.memory_mb")
	p.add(w.MaxMegapixels >= 1 && w.MaxMegapixels <= w.MemoryMB, "watermark.max_megapixels", "must be from 1 to watermark.memory_mb")
}

func (c *Config) checkDerived(p *problems) {
	const leastMemory, most, mostWorkers = 128, 1 << 20, 64
	d := &c.Derived
	p.add(d.Workers >= 1 && d.Workers <= mostWorkers, "derived.workers", "must be from 1 to %d", mostWorkers)
	p.add(d.MemoryMB >= leastMemory && d.MemoryMB <= most, "derived.memory_mb", "must be from %d to %d", leastMemory, most)
	p.add(d.MaxFileMB >= 1 && d.MaxFileMB <= most, "derived.max_file_mb", "must be from 1 to %d", most)
	p.add(d.MaxVideoMB >= 1 && d.MaxVideoMB <= most, "derived.max_video_mb", "must be from 1 to %d", most)
	p.add(d.MaxMegapixels >= 1 && d.MaxMegapixels <= d.MemoryMB, "derived.max_megapixels", "must be from 1 to derived.memory_mb")
}

// checkPayment refuses to give everything away, and to take money without
// hearing of it.
func (c *Config) checkPayment(p *problems) {
	pay := &c.Payment
	ways := []string{PaymentManual, PaymentStripe, PaymentInstant}
	p.add(slices.Contains(ways, pay.Provider), "payment.provider", "%q is none of %s", pay.Provider, strings.Join(ways, ", "))
	p.add(!c.IsProduction() || pay.Provider != PaymentInstant, "payment.provider", "instant gives everything away; in production, choose manual or stripe")
	uses := pay.Provider == PaymentStripe || pay.StripeSecretKey != "" || pay.StripeWebhookSecret != ""
	p.add(!uses || pay.StripeSecretKey != "", "stripe.secret_key", "is required for Stripe: sk_… or rk_…, as the Dashboard shows it")
	p.add(!uses || pay.StripeWebhookSecret != "", "stripe.webhook_secret", "is required for Stripe: the whsec_… of the endpoint %s/api/payments/stripe/webhook", c.PublicURL)
	p.add(pay.StripeAPIURL == "" || isURL(pay.StripeAPIURL), "stripe.api_url", "must be http(s)://host[:port]")
	if pay.StripeSecretKey != "" {
		_, err := newStripe(*c)
		p.add(err == nil, "stripe.secret_key", "%v", err)
	}
}

// resolveS3 checks the bucket's settings, and fills in the region that stores
// with an endpoint of their own mostly expect.
func (c *Config) resolveS3(p *problems) {
	s := &c.S3
	modes := []string{ConditionalAuto, ConditionalOn, ConditionalOff}
	p.add(slices.Contains(modes, s.ConditionalWrites), "s3.conditional_writes", "%q is none of %s", s.ConditionalWrites, strings.Join(modes, ", "))
	if !c.UsesS3() {
		return
	}
	if s.Region == "" && s.Endpoint != "" {
		s.Region = "us-east-1"
	}
	p.add(s.Region != "", "s3.region", "is required on AWS (%s absent): the bucket's region, such as eu-central-1", Setting{Key: "s3.endpoint"}.Env())
	p.add(s.Endpoint == "" || isURL(s.Endpoint), "s3.endpoint", "must be http(s)://host[:port]")
	p.add(s.PublicEndpoint == "" || isURL(s.PublicEndpoint), "s3.public_endpoint", "must be http(s)://host[:port]")
	p.add(!strings.ContainsAny(s.Bucket, "/ ") && len(s.Bucket) >= 3 && len(s.Bucket) <= 63, "s3.bucket", "%q is not the name of a bucket", s.Bucket)
	hint := "is required with %s"
	p.add(s.AccessKeyID != "" || s.SecretAccessKey == "", "s3.access_key_id", hint, Setting{Key: "s3.secret_access_key"}.Env())
	p.add(s.SecretAccessKey != "" || s.AccessKeyID == "", "s3.secret_access_key", hint, Setting{Key: "s3.access_key_id"}.Env())
	p.add(s.AccessKeyID != "" || s.SecretAccessKey != "" || s.Endpoint == "", "s3.access_key_id", hint, Setting{Key: "s3.endpoint"}.Env())
}

// splitAddr returns the host that a client on this machine reaches addr by, and
// the port.
func splitAddr(addr string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(addr)
	if err != nil {
		return "", "", fmt.Errorf("split the address: %w", err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", fmt.Errorf("read the port: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return host, port, nil
}

// LocalURL returns the address at which this machine reaches the API itself.
func (c *Config) LocalURL() (string, error) {
	host, port, err := splitAddr(c.HTTP.Addr)
	if err != nil {
		return "", err
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// isURL reports http(s)://host[:port], possibly with a path.
func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}

// isOrigin reports http(s)://host[:port] and nothing after it.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isURL(s) && u.Path == "" && !strings.HasSuffix(s, "#")
}
