package telemetry

import (
	"net/url"
	"strings"
	"testing"
)

func TestSafeURLShowsNoSecret(t *testing.T) {
	for in, want := range map[string]string{
		"/api/assets?limit=5&cursor=abc": "/api/assets?limit=5&cursor=abc",
		"/blobs/a/b?e=17&s=SECRET":       "/blobs/a/b?e=17&s=[redacted]",
		"https://s3.example/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=SECRET%2F2026&X-Amz-Date=2026&X-Amz-Signature=SECRET&X-Amz-Security-Token=SECRET": "https://s3.example/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=[redacted]&X-Amz-Date=2026&X-Amz-Signature=[redacted]&X-Amz-Security-Token=[redacted]",
		"/x?x-amz-signature=SECRET":                              "/x?x-amz-signature=[redacted]",
		"/x?X%2DAmz%2dSignature=SECRET":                          "/x?X%2DAmz%2dSignature=[redacted]",
		"/x?token=SECRET&token=SECRET":                           "/x?token=[redacted]&token=[redacted]",
		"/x?refresh_token=SECRET;password=SECRET":                "/x?refresh_token=[redacted];password=[redacted]",
		"/x?code=SECRET&state=1":                                 "/x?code=[redacted]&state=1",
		"/x?apiKey=SECRET&api_key=SECRET&X-API-Key=SECRET":       "/x?apiKey=[redacted]&api_key=[redacted]&X-API-Key=[redacted]",
		"/x?next=https%3A%2F%2Fh%2Fp%3FX-Amz-Signature%3DSECRET": "/x?next=[redacted]",
		"/x?q=Bearer%20SECRET123":                                "/x?q=[redacted]",
		"/x?a=%zzSECRET":                                         "/x?a=[redacted]",
		"/x?%zz=SECRET&b=1":                                      "/x?[redacted]&b=1",
		"/x?flag&s":                                              "/x?flag&s",
		"/x?s=":                                                  "/x?s=[redacted]",
		"/x?=SECRET1":                                            "/x?=SECRET1",
		"https://user:SECRET@h/x#SECRET":                         "https://h/x",
		"/api/public/shares/SECRET/download?limit=1":             "/api/public/shares/[redacted]/download?limit=1",
		"/api/public/groups/SECRET":                              "/api/public/groups/[redacted]",
		"/s/0123456789abcdef0123456789abcdef/folder/7":           "/s/[redacted]/folder/7",
		"/s/upload.js":                                           "/s/upload.js",
		"/x?q=pk_0123456789abcdef0123456789abcdef01234567":       "/x?q=[redacted]",
		"/pk_0123456789abcdef0123456789abcdef01234567/x":         "/pk_01234567[redacted]/x",
		"/x?q=pk_01234567":                                       "/x?q=pk_01234567",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := SafeURL(u); got != want {
			t.Errorf("SafeURL(%s)\n got %s\nwant %s", in, got, want)
		}
		if u.String() != in && !strings.Contains(in, "%") && !strings.Contains(in, "?=") {
			t.Errorf("SafeURL changed its argument to %s", u)
		}
	}
	if SafeURL(nil) != "" {
		t.Error("a missing URL is not empty")
	}
}

func TestSafeURLIsBounded(t *testing.T) {
	u := &url.URL{Path: "/x", RawQuery: "q=" + strings.Repeat("a", 1<<20)}
	if got := SafeURL(u); len(got) > maxURL+len("…") || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes", len(got))
	}
}

func TestScrubRemovesSecretsFromTexts(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SECRETsig"
	for in, want := range map[string]string{
		`Get "https://h/k?X-Amz-Signature=SECRET&x=1": dial tcp`: `Get "https://h/k?X-Amz-Signature=[redacted]&x=1": dial tcp`,
		`Get "http://h/blobs/k?e=1&s=SECRET": EOF`:               `Get "http://h/blobs/k?e=1&s=[redacted]": EOF`,
		"connect to postgres://u:SECRET@h/db: refused":           "connect to postgres://u:[redacted]@h/db: refused",
		"connect to postgres://u:SEC@RET@h/db: refused":          "connect to postgres://u:[redacted]@h/db: refused",
		"host=h user=u password=SECRET dbname=d":                 "host=h user=u password=[redacted] dbname=d",
		`password="SECRET SECRET" x=1`:                           `password=[redacted] x=1`,
		"password='SECRET SECRET' x=1":                           "password=[redacted] x=1",
		"Authorization: Bearer SECRET123":                        "Authorization: [redacted]",
		"cookie: a=SECRET; b=SECRET":                             "cookie: [redacted]",
		"sent Bearer SECRET123 to h":                             "sent Bearer [redacted] to h",
		"token " + jwt + " expired":                              "token [redacted] expired",
		`body {"email":"a@b.c","password":"SEC\"RET","n":1}`:     `body {"email":"a@b.c","password":"[redacted]","n":1}`,
		"key pk_0123456789abcdef0123456789abcdef01234567 used":   "key pk_01234567[redacted] used",
		"GET /api/public/shares/SECRET 404":                      "GET /api/public/shares/[redacted] 404",
		"see http://h/s/0123456789abcdef0123456789abcdef now":    "see http://h/s/[redacted] now",
		"exit code=3 key=users_email_key s=5":                    "exit code=3 key=users_email_key s=5",
		"a basic fact; nothing secret":                           "a basic fact; nothing secret",
		"":                                                       "",
	} {
		if got := scrub(in); got != want {
			t.Errorf("scrub(%s)\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestSecretKeysInAnySpelling(t *testing.T) {
	for key, want := range map[string]bool{
		"authorization": true, "Authorization": true, "cookie": true, "Set-Cookie": true, "token": true, "refresh_token": true,
		"refreshToken": true, "secret": true, "client_secret": true, "JWTSecret": true, "password": true, "new_password": true,
		"passwd": true, "X-Amz-Signature": true, "X-Amz-Credential": true, "api_key": true, "X-API-Key": true, "APIKey": true,
		"AWS_SECRET_ACCESS_KEY": true, "private_key": true, "totp_code": true,
		"key": false, "code": false, "s": false, "status": false, "user_id": false, "request_id": false, "route": false, "": false,
		"cause": false, "error": false, strings.Repeat("x", 200) + "_token": true,
	} {
		if got := isSecretKey(key); got != want {
			t.Errorf("isSecretKey(%q) = %v", key, got)
		}
	}
}

func FuzzSafeURL(f *testing.F) {
	f.Add("a=1&s=2&%zz;token=3")
	f.Fuzz(func(t *testing.T, query string) {
		u := &url.URL{Path: "/x", RawQuery: query + "&X-Amz-Signature=WOULDLEAK"}
		if got := SafeURL(u); strings.Contains(got, "WOULDLEAK") {
			t.Errorf("%q leaks: %s", query, got)
		}
	})
}

func BenchmarkScrubUserAgent(b *testing.B) {
	const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	for b.Loop() {
		_ = scrub(agent)
	}
}
