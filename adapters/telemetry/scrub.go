package telemetry

import (
	"bytes"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	redacted = "[redacted]"

	// maxURL bounds what a client can make the server log, in bytes.
	maxURL = 2048
)

// secretKeys name secrets wherever they are part of a key, in whatever spelling:
// setCookie, X-API-Key, refresh_token, AWS_SECRET_ACCESS_KEY.
var secretKeys = [][]byte{
	[]byte("authorization"), []byte("cookie"), []byte("token"), []byte("secret"), []byte("password"), []byte("passwd"),
	[]byte("passphrase"), []byte("signature"), []byte("credential"), []byte("apikey"), []byte("accesskey"), []byte("privatekey"), []byte("totp"),
}

// secretParameters are further names of secrets in the query of a URL: the
// signature of our own URLs, and the code of an OIDC sign-in.
var secretParameters = []string{"s", "sig", "code", "key"}

// isSecretKey reports whether a value under that key must not be shown.
func isSecretKey(key string) bool {
	var buf [64]byte
	plain := buf[:0]
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'A' && c <= 'Z':
			plain = append(plain, c+'a'-'A')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			plain = append(plain, c)
		}
	}
	return slices.ContainsFunc(secretKeys, func(name []byte) bool { return bytes.Contains(plain, name) })
}

func isSecretParameter(name string) bool {
	return slices.Contains(secretParameters, strings.ToLower(name)) || isSecretKey(name)
}

// What a secret looks like in the middle of a text, such as an error of net/http.
var (
	assignment = regexp.MustCompile(`([?&;]?)([A-Za-z0-9_.%-]+)=("[^"]*"|'[^']*'|[^&;\s"'<>#]*)`)
	member     = regexp.MustCompile(`"([A-Za-z0-9_.-]+)"\s*:\s*"(?:[^"\\]|\\.)*"`)
	userInfo   = regexp.MustCompile(`(://[^\s/?#:@"']*):[^\s/?#"']*@`)
	header     = regexp.MustCompile(`(?i)\b((?:set-)?cookie|(?:proxy-)?authorization|x-api-key):[^\r\n]+`)
	scheme     = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}`)
	webToken   = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`)
	apiKey     = regexp.MustCompile(`\b(pk_[0-9a-fA-F]{8})[0-9a-fA-F]{8,}`)
	publicPath = regexp.MustCompile(`(/public/(?:shares|groups)/)[^/?#\s"']+`)
	sharePage  = regexp.MustCompile(`(/s/)[0-9A-Fa-f]{16,}`)
)

// scrub removes secrets from a text: values assigned to names of secrets,
// passwords in URLs, header lines, credentials after their scheme, JWTs, tokens
// in paths, API keys but for the prefix that names them. The searches for fixed texts keep the usual line free of charge.
func scrub(s string) string {
	if strings.Contains(s, "=") {
		s = assignment.ReplaceAllStringFunc(s, scrubAssignment)
	}
	if strings.Contains(s, `":`) {
		s = member.ReplaceAllStringFunc(s, func(m string) string {
			if name := member.FindStringSubmatch(m)[1]; isSecretKey(name) {
				return `"` + name + `":"` + redacted + `"`
			}
			return m
		})
	}
	if strings.Contains(s, "://") {
		s = userInfo.ReplaceAllString(s, "$1:"+redacted+"@")
	}
	s = scrubPaths(s)
	if containsFold(s, "cookie:") || containsFold(s, "authorization:") || containsFold(s, "x-api-key:") {
		s = header.ReplaceAllString(s, "$1: "+redacted)
	}
	if containsFold(s, "bearer") || containsFold(s, "basic") {
		s = scheme.ReplaceAllString(s, "$1 "+redacted)
	}
	if strings.Contains(s, "eyJ") {
		s = webToken.ReplaceAllString(s, redacted)
	}
	return scrubKeys(s)
}

// scrubPaths removes the tokens of links that paths have.
func scrubPaths(s string) string {
	if strings.Contains(s, "/public/") {
		s = publicPath.ReplaceAllString(s, "$1"+redacted)
	}
	if strings.Contains(s, "/s/") {
		s = sharePage.ReplaceAllString(s, "$1"+redacted)
	}
	return s
}

func scrubKeys(s string) string {
	if strings.Contains(s, "pk_") {
		return apiKey.ReplaceAllString(s, "$1"+redacted)
	}
	return s
}

// scrubAssignment cleans name=value. The short names count in a URL only: a
// code or a key elsewhere is what an operator looks for.
func scrubAssignment(m string) string {
	parts := assignment.FindStringSubmatch(m)
	name, err := url.QueryUnescape(parts[2])
	if err != nil || isSecretKey(name) || parts[1] != "" && isSecretParameter(name) {
		return parts[1] + parts[2] + "=" + redacted
	}
	return m
}

// containsFold reports whether s contains lower in any case (ASCII).
func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if s[i]|0x20 == lower[0] && strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

// SafeURL returns u as a request log may show it: without signatures, tokens,
// passwords and the fragment, and at most 2 KiB long. The names of the
// parameters stay.
func SafeURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	c := *u
	c.User, c.RawQuery, c.Fragment, c.RawFragment, c.ForceQuery = nil, "", "", "", false
	out := scrubKeys(scrubPaths(c.String()))
	if u.RawQuery != "" {
		out += "?" + safeQuery(u.RawQuery)
	}
	if len(out) > maxURL {
		out = strings.ToValidUTF8(out[:maxURL], "") + "…"
	}
	return out
}

// safeQuery works on the text, so that what cannot be parsed is not lost; it is
// hidden whole.
func safeQuery(raw string) string {
	var b strings.Builder
	for len(raw) > 0 {
		end := strings.IndexAny(raw, "&;")
		if end < 0 {
			end = len(raw)
		}
		name, value, assigned := strings.Cut(raw[:end], "=")
		plainName, errName := url.QueryUnescape(name)
		plain, errValue := url.QueryUnescape(value)
		switch {
		case errName != nil:
			b.WriteString(redacted)
		case assigned && (errValue != nil || isSecretParameter(plainName) || scrub(plain) != plain):
			b.WriteString(name + "=" + redacted)
		default:
			b.WriteString(raw[:end])
		}
		if end < len(raw) {
			b.WriteByte(raw[end])
			end++
		}
		raw = raw[end:]
	}
	return b.String()
}
