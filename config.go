// Package coffer assembles the application: its configuration, and the adapters
// that the configuration picks.
package coffer

import (
	"net/netip"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Environment says how strict the server is with its configuration.
type Environment string

// The environments.
const (
	Development Environment = "development" // starts with nothing configured
	Production  Environment = "production"  // refuses to start with anything unsafe
)

// The values of S3Config.ConditionalWrites.
const (
	ConditionalAuto = "auto" // ask the store
	ConditionalOn   = "on"
	ConditionalOff  = "off"
)

// Config is everything that can be configured, typed. Settings lists the
// fields with their names; DefaultConfig, Setting.Set and Resolve make one.
type Config struct {
	Env                 Environment
	HTTP                HTTPConfig
	OpsAddr             string // host:port of metrics, profiles and dead jobs
	PublicURL           string // scheme://host of the API as clients see it, without a slash at the end
	DataDir             string
	Database            DatabaseConfig
	Auth                AuthConfig
	SelfHostedUnlimited bool          // every org has all limits and features
	ClockOffset         time.Duration // added to the real time; development only
	Upload              UploadConfig
	DownloadURLTTL      time.Duration
	TrashRetention      time.Duration
	ChangeRetention     time.Duration
	OrgRetention        time.Duration
	Share               ShareConfig
	DatasetLogs         time.Duration // for which the access logs of datasets are kept
	ReportsRetention    time.Duration // of the runs of reports
	Analytics           AnalyticsConfig
	Watermark           WatermarkConfig
	Derived             DerivedConfig
	LogLevel            string // debug, info, warn or error
	RateLimitPerMinute  int    // requests of one address or user; 0: no general limit
	BlobsPublicURL      string // an origin of its own for user content on disk; empty: PublicURL
	AppURL              string // what mailed links begin with; empty: PublicURL
	Mail                MailConfig
	Payment             PaymentConfig
	WebhooksPrivate     bool // webhooks may lead to this machine and its networks; development only
	S3                  S3Config
	ShutdownDelay       time.Duration // for balancers to hear of it; 0: they need not
	ShutdownTimeout     time.Duration
	OTLPEndpoint        string // base URL of an OTLP/HTTP collector; empty: no traces
}

// HTTPConfig configures the public listener.
type HTTPConfig struct {
	Addr           string         // host:port
	TrustedProxies []netip.Prefix // whose X-Forwarded-* headers are believed
	CORSOrigins    []string       // scheme://host[:port], or "*"
}

// DatabaseConfig says where the system of record is.
type DatabaseConfig struct {
	URL           string // postgres://…; empty: SQLite in DataDir
	MaxConns      int
	ReplicaURL    string        // postgres://… of a copy that follows it; empty: everything is read from URL
	ReplicaMaxLag time.Duration // behind which the copy is not read
}

// AuthConfig configures sign-in.
type AuthConfig struct {
	JWTSecret  string // every key of the server is derived from it
	AccessTTL  time.Duration
	RefreshTTL time.Duration

	Providers       []ProviderConfig       // where people can sign in
	ExternalIssuers []ExternalIssuerConfig // whose bearer tokens are taken as they are
}

// UploadConfig bounds uploads in time.
type UploadConfig struct {
	URLTTL       time.Duration // of one signed URL
	SingleTTL    time.Duration // of an upload by one PUT
	MultipartTTL time.Duration // of an upload in parts
}

// MailConfig says how mail is sent. An empty Host means not at all; in
// development, the console shows its links.
type MailConfig struct {
	Host     string
	Port     int // 0: the usual one of TLS
	Username string
	Password string
	From     string
	TLS      string // starttls, tls or none (to this machine only)
}

// The values of PaymentConfig.Provider.
const (
	PaymentManual  = "manual"  // orgs confirm what they have been paid
	PaymentStripe  = "stripe"  // Stripe Checkout
	PaymentInstant = "instant" // everything is paid at once; development only
)

// PaymentConfig says how what orgs sell is paid. Whatever the provider is, a
// Stripe that is configured still tells of what was begun with it.
type PaymentConfig struct {
	Provider            string
	Grace               time.Duration // for paying for the next period of a membership
	StripeSecretKey     string        // sk_… or rk_…; empty: no Stripe
	StripeWebhookSecret string        // whsec_…
	StripeAPIURL        string        // empty: Stripe's own
}

// ShareConfig says what is kept of who used a share link.
type ShareConfig struct {
	LogRetention time.Duration
	LogAddresses core.AddressLog
}

// AnalyticsConfig says what is known of visitors, and for how long what they did
// is counted.
type AnalyticsConfig struct {
	Retention   time.Duration // of sums
	CountryFile string        // a database in MaxMind's format; empty: countries are not known
}

// WatermarkConfig bounds what marking pictures and PDFs may take.
type WatermarkConfig struct {
	MemoryMB      int           // of all at a time
	MaxFileMB     int           // of one file
	MaxMegapixels int           // of one picture, in millions of pixels
	Timeout       time.Duration // of one marking
}

// DerivedConfig bounds what making pictures of files and reading their texts may
// take.
type DerivedConfig struct {
	Enabled       bool
	Workers       int           // files at a time, in each server
	MaxFileMB     int           // of one file that is no video
	MaxVideoMB    int           // of one video
	MaxMegapixels int           // of one picture, in millions of pixels
	MemoryMB      int           // of each process that looks into a file
	Timeout       time.Duration // of each such process
}

// S3Config says where blobs are. An empty Bucket means the disk.
type S3Config struct {
	Endpoint          string // empty: AWS
	PublicEndpoint    string // what clients are sent to; empty: Endpoint
	Region            string
	Bucket            string
	AccessKeyID       string // empty: the credentials AWS finds for itself
	SecretAccessKey   string
	UsePathStyle      bool
	ConditionalWrites string // whether the store honours If-None-Match: auto, on or off
}

// DefaultConfig returns what is in force when nothing is configured.
func DefaultConfig() Config {
	const day = 24 * time.Hour
	return Config{
		Env:                Development,
		HTTP:               HTTPConfig{Addr: "127.0.0.1:8080"},
		OpsAddr:            "127.0.0.1:9090",
		DataDir:            "./coffer-data",
		Database:           DatabaseConfig{MaxConns: 8, ReplicaMaxLag: 5 * time.Second},
		Auth:               AuthConfig{AccessTTL: time.Hour, RefreshTTL: 30 * day},
		Upload:             UploadConfig{URLTTL: 15 * time.Minute, SingleTTL: time.Hour, MultipartTTL: 7 * day},
		DownloadURLTTL:     time.Hour,
		TrashRetention:     30 * day,
		ChangeRetention:    90 * day,
		OrgRetention:       30 * day,
		ReportsRetention:   365 * day,
		DatasetLogs:        365 * day,
		Share:              ShareConfig{LogRetention: 365 * day, LogAddresses: core.AddressFull},
		Analytics:          AnalyticsConfig{Retention: 3 * 366 * day},
		Watermark:          WatermarkConfig{MemoryMB: 512, MaxFileMB: 50, MaxMegapixels: 50, Timeout: time.Minute},
		Derived:            DerivedConfig{Enabled: true, Workers: 2, MaxFileMB: 512, MaxVideoMB: 2_000, MaxMegapixels: 100, MemoryMB: 1_000, Timeout: time.Minute},
		LogLevel:           "info",
		RateLimitPerMinute: 6000,
		Mail:               MailConfig{TLS: "starttls"},
		Payment:            PaymentConfig{Provider: PaymentManual, Grace: 7 * day},
		S3:                 S3Config{ConditionalWrites: ConditionalAuto},
		ShutdownTimeout:    30 * time.Second,
	}
}

// IsProduction reports whether anything unsafe must be refused.
func (c *Config) IsProduction() bool { return c.Env == Production }

// UsesPostgres reports whether the system of record is PostgreSQL, not SQLite.
func (c *Config) UsesPostgres() bool { return c.Database.URL != "" }

// SendsMail reports whether there is a mail server.
func (c *Config) SendsMail() bool { return c.Mail.Host != "" }

// UsesS3 reports whether blobs are in S3, not on the disk.
func (c *Config) UsesS3() bool { return c.S3.Bucket != "" }
