package coffer

import (
	"net"
	"strings"
)

// Warnings lists what works and is probably not what the operator wants, one
// line each. It takes a resolved Config.
func (c *Config) Warnings() []string {
	var out []string
	warn := func(when bool, key, message string) {
		if when {
			out = append(out, Setting{Key: key}.Env()+": "+message)
		}
	}
	plain := func(u string) bool { return strings.HasPrefix(u, "http://") }
	warn(c.IsProduction() && plain(c.PublicURL), "public_url", "is not https: passwords and files travel readable to everybody on the way")
	warn(c.IsProduction() && c.UsesS3() && (plain(c.S3.PublicEndpoint) || c.S3.PublicEndpoint == "" && plain(c.S3.Endpoint)),
		"s3.public_endpoint", "clients are sent to an address that is not https")
	warn(c.IsProduction() && !isLoopback(c.OpsAddr), "ops.addr", "metrics and profiles are open to whoever reaches this address; keep it private")
	warn(!c.IsProduction() && isWeak(c.Auth.JWTSecret), "auth.jwt_secret", "is easy to guess; production refuses it")
	warn(c.UsesS3() && c.BlobsPublicURL != "", "blobs.public_url", "has no effect: blobs are in S3")
	warn(!c.UsesS3() && c.S3.Endpoint+c.S3.AccessKeyID+c.S3.SecretAccessKey != "", "s3.bucket", "is absent, so blobs are on disk and the other S3 settings have no effect")
	for _, network := range c.HTTP.TrustedProxies {
		warn(network.Bits() == 0, "http.trusted_proxies", "believes everybody: any client can choose the address it is known by")
	}
	return out
}

// isLoopback reports whether only this machine reaches addr.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
