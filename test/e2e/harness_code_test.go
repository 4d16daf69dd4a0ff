package e2e

import (
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// codeAt returns what an authenticator app that has read the URL shows at the
// time.
func codeAt(t *testing.T, url string, at time.Time) string {
	t.Helper()
	key, err := otp.NewKeyFromURL(url)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	code, err := totp.GenerateCode(key.Secret(), at)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return code
}
