package core_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/core"
)

func TestAddressesThatAnIssuerVouchesFor(t *testing.T) {
	nfc := func(s string) string { return strings.ReplaceAll(s, "\u212a", "K") } // as NFC does with the Kelvin sign
	for raw, want := range map[string]string{
		"ana@example.com": "ana@example.com", "Ana@Example.COM": "ana@example.com", "ána@example.com": "ána@example.com",
		"": "", "ana": "", "ana@example.com\n": "", "a@b@c.example": "",
		"\u212aim@example.com": "", "kim@example.\u212a": "", "I\u0307da@example.com": "i\u0307da@example.com", "ÁNA@example.com": "",
		"\tana@example.com": "",
	} {
		got, err := core.VouchedEmail(raw, true, nfc)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", raw, got, err, want)
		}
		if _, err := core.VouchedEmail(raw, false, nfc); !errors.Is(err, core.ErrEmailUnverified) {
			t.Errorf("%q, not verified: %v", raw, err)
		}
	}
}

func TestWhereABrowserMayBeLedBackTo(t *testing.T) {
	const app = "https://app.example.com/coffer"
	for raw, want := range map[string]bool{
		"https://app.example.com": true, "https://app.example.com/": true, "https://APP.example.com/x?y=z": true, "HTTPS://app.example.com": true,
		"http://127.0.0.1:7777/done": true, "http://127.0.0.1": true, "http://[::1]:1/": true, "http://localhost:65535/a?b=c": true,
		"": false, "/": false, "//app.example.com": false, "app.example.com": false, "javascript:alert(1)": false, "data:text/html,x": false,
		"http://app.example.com": false, "https://app.example.com:444/": false, "https://app.example.com.evil.example/": false,
		"https://evil.example/app.example.com": false, "https://app.example.com@evil.example/": false, "https://evil@app.example.com/": false,
		"https://evil.example\\@app.example.com": false, "https://app.example.com\\.evil.example": false, "https:/app.example.com": false,
		"https:app.example.com": false, "https:///app.example.com": false, "https://127.0.0.1:1/": false, "http://127.0.0.1.evil.example/": false,
		"http://127.0.0.1:80@evil.example/": false, "http://127.0.0.2/": false, "http://2130706433/": false, "http://0x7f.1/": false,
		"http://localhost.evil.example/": false, "http://evil.example/localhost": false, "http://[::1%25lo]/": false, "http://[::ffff:127.0.0.1]/": false,
		"http://localhost/#x": false, "http://localhost/#": false, "http://localhost/\r\nX: y": false, "http://localhost/ x": false,
		"http://local\u017fhost/": false, "https://app.example.com\u3002evil.example": false, "myapp://done": false, "http://localhost:port/": false,
		"http://localhost/" + strings.Repeat("x", 1024): false,
	} {
		if err := core.CheckReturnTo(raw, app); (err == nil) != want {
			t.Errorf("%q: %v", raw, err)
		}
	}
	for _, none := range []string{"", "app", "://"} {
		if core.CheckReturnTo("//", none) == nil || core.CheckReturnTo("https://evil.example", none) == nil {
			t.Errorf("app %q lets a browser go elsewhere", none)
		}
	}
}

func TestChallenges(t *testing.T) {
	for challenge, want := range map[string]bool{
		"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM": true, "": false, "plain": false, strings.Repeat("a", 42): false, strings.Repeat("a", 44): false,
		strings.Repeat("a", 42) + "=": false, strings.Repeat("a", 42) + "+": false, strings.Repeat("a", 42) + ".": false,
	} {
		if err := core.CheckChallenge(challenge); (err == nil) != want {
			t.Errorf("%q: %v", challenge, err)
		}
	}
}
