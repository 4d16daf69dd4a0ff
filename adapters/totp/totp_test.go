package totp_test

import (
	"bytes"
	"encoding/base32"
	"net/url"
	"testing"
	"time"

	"github.com/pquerna/otp"
	standard "github.com/pquerna/otp/totp"
	"pgregory.net/rapid"

	"github.com/seed-755a8038/coffer/adapters/totp"
	"github.com/seed-755a8038/coffer/ports"
)

var (
	_ ports.OneTimePasswords = (*totp.Passwords)(nil)

	// rfcSecret is that of the test vectors of RFC 6238, appendix B.
	rfcSecret = []byte("12345678901234567890")
)

// The last six of the eight digits in RFC 6238, appendix B, for SHA-1.
func TestTheVectorsOfTheRFC(t *testing.T) {
	for at, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471",
		1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		step, ok := totp.New("Coffer").Check(rfcSecret, code, time.Unix(at, 0), -1)
		if !ok || step != at/30 {
			t.Errorf("at %d: Check = %d, %v, want %d", at, step, ok, at/30)
		}
	}
}

// The first ten values of RFC 4226, appendix D, which are those of the first ten steps.
func TestACodeIsGoodOneStepEarlyAndOneStepLateAndNoMore(t *testing.T) {
	codes := []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"}
	for now := range int64(12) {
		for of, code := range codes {
			for _, second := range []int64{0, 29} {
				step, ok := totp.New("Coffer").Check(rfcSecret, code, time.Unix(now*30+second, 0), -1)
				if want := now-1 <= int64(of) && int64(of) <= now+1; ok != want || ok && step != int64(of) {
					t.Errorf("code of step %d at step %d: %d, %v", of, now, step, ok)
				}
			}
		}
	}
}

func TestNoStepIsUsedTwice(t *testing.T) {
	p, now := totp.New("Coffer"), time.Unix(59, 0) // step 1
	for after, want := range map[int64]bool{-1: true, 0: true, 1: false, 2: false, 1 << 62: false} {
		if step, ok := p.Check(rfcSecret, "287082", now, after); ok != want || ok && step != 1 {
			t.Errorf("after %d: Check = %d, %v", after, step, ok)
		}
	}
}

func TestWhatIsNotACodeIsRefused(t *testing.T) {
	p, now := totp.New("Coffer"), time.Unix(59, 0)
	for _, code := range []string{
		"", "28708", "2870822", "287083", " 287082", "287082 ", "287 082", "-87082", "287082\x00", "２８７０８２", "94287082", "\xff\xff\xff\xff\xff\xff",
	} {
		if step, ok := p.Check(rfcSecret, code, now, -1); ok {
			t.Errorf("Check(%q) = %d", code, step)
		}
	}
}

func TestNoSecretHasNoCodes(t *testing.T) {
	code, err := standard.GenerateCode("", time.Unix(59, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{nil, {}} {
		if _, ok := totp.New("Coffer").Check(secret, code, time.Unix(59, 0), -1); ok {
			t.Errorf("the code of an empty secret is taken")
		}
	}
}

func TestBeforeTheEpochThereAreNoSteps(t *testing.T) {
	// 755224 is the code of step 0, which is not a step before the epoch's.
	if step, ok := totp.New("Coffer").Check(rfcSecret, "755224", time.Unix(-120, 0), -1<<62); ok {
		t.Errorf("Check = %d", step)
	}
}

func TestANewSecretIsWhatTheURLSays(t *testing.T) {
	p := totp.New("Coffer")
	secret, link, err := p.NewSecret("ann+é@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if len(secret) != 20 {
		t.Errorf("the secret has %d bytes", len(secret))
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Coffer:ann+é@example.com" {
		t.Errorf("url is %s", link)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"secret": base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret),
		"issuer": "Coffer", "period": "30", "algorithm": "SHA1", "digits": "6",
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	other, _, _ := p.NewSecret("ann@example.com")
	if bytes.Equal(other, secret) {
		t.Error("two secrets are equal")
	}
	if _, _, err := p.NewSecret(""); err == nil {
		t.Error("a secret for nobody")
	}
}

// An authenticator app knows nothing but the URL.
func TestWhatAnAppShowsIsTaken(t *testing.T) {
	p := totp.New("Coffer")
	secret, link, err := p.NewSecret("ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	key, err := otp.NewKeyFromURL(link)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(60, 1<<33).Draw(t, "now"), 0)
		shift := rapid.Int64Range(-1, 1).Draw(t, "shift")
		code, err := standard.GenerateCode(key.Secret(), now.Add(time.Duration(shift)*30*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		step, ok := p.Check(secret, code, now, -1)
		if current := now.Unix() / 30; !ok || step < current+shift || step > current+1 { // a later step may have the same code
			t.Fatalf("Check = %d, %v at step %d, code of %d", step, ok, current, current+shift)
		}
		if again, ok := p.Check(secret, code, now, step); ok {
			t.Fatalf("taken again as that of step %d", again)
		}
	})
}
