package core

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWhatCountsNothing(t *testing.T) {
	browser := "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	for _, c := range []struct {
		name  string
		a     Approach
		quiet bool
	}{
		{"a browser", Approach{Method: "GET", UserAgent: browser}, false},
		{"no User-Agent", Approach{Method: "GET"}, false},
		{"curl", Approach{Method: "GET", UserAgent: "curl/8.5.0"}, false},
		{"a script that posts", Approach{Method: "POST", UserAgent: "python-requests/2.32"}, false},
		{"HEAD", Approach{Method: "HEAD", UserAgent: browser}, true},
		{"a prefetch", Approach{Method: "GET", UserAgent: browser, Purposes: []string{"prefetch"}}, true},
		{"a prerender", Approach{Method: "GET", UserAgent: browser, Purposes: []string{"Prefetch;prerender"}}, true},
		{"Safari's preview", Approach{Method: "GET", UserAgent: browser, Purposes: []string{"preview"}}, true},
		{"another purpose", Approach{Method: "GET", UserAgent: browser, Purposes: []string{"navigate"}}, false},
		{"Slack", Approach{Method: "GET", UserAgent: "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}, true},
		{"Facebook", Approach{Method: "GET", UserAgent: "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"}, true},
		{"X", Approach{Method: "GET", UserAgent: "Twitterbot/1.0"}, true},
		{"WhatsApp", Approach{Method: "GET", UserAgent: "WhatsApp/2.23.20.0 A"}, true},
		{"Telegram", Approach{Method: "GET", UserAgent: "TelegramBot (like TwitterBot)"}, true},
		{"LinkedIn", Approach{Method: "GET", UserAgent: "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)"}, true},
		{"Discord", Approach{Method: "GET", UserAgent: "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"}, true},
		{"Skype", Approach{Method: "GET", UserAgent: "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com"}, true},
		{"Teams", Approach{Method: "GET", UserAgent: "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5"}, true},
		{"Office", Approach{Method: "GET", UserAgent: "Microsoft Office Existence Discovery"}, true},
		{"Google", Approach{Method: "GET", UserAgent: "Mozilla/5.0 (compatible; Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/))"}, true},
		{"Apple", Approach{Method: "GET", UserAgent: "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15 (Applebot/0.1)"}, true},
		{"Bing", Approach{Method: "GET", UserAgent: "Mozilla/5.0 AppleWebKit/537.36 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) BingPreview/1.0b"}, true},
	} {
		if got := c.a.Quiet(); got != c.quiet {
			t.Errorf("%s: %v, want %v", c.name, got, c.quiet)
		}
	}
}

func TestWhatGoesOnWithADownload(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "bytes=0-": false, "bytes=00-": false, "bytes=0-99": false, "bytes=1-": true, "bytes=100-200": true, "bytes= 5-": true,
		"bytes=-5": false, "items=1-": false, "bytes": false,
	} {
		if got := Continues(header); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestWhatIsKeptOfAnAddress(t *testing.T) {
	for _, c := range []struct{ address, full, network, none string }{
		{"192.0.2.77", "192.0.2.77", "192.0.2.0/24", ""},
		{"::ffff:192.0.2.77", "::ffff:192.0.2.77", "192.0.2.0/24", ""},
		{"2001:db8:1:2::3", "2001:db8:1:2::3", "2001:db8:1::/48", ""},
		{"a pipe", "a pipe", "", ""},
	} {
		got := []string{AddressFull.Of(c.address), AddressNetwork.Of(c.address), AddressNone.Of(c.address)}
		if want := []string{c.full, c.network, c.none}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", c.address, got, want)
		}
	}
}

func TestNetworksAndTypesAreClean(t *testing.T) {
	networks, err := CleanAddresses("n", []string{"192.0.2.7/24", "::ffff:198.51.100.1", " 192.0.2.0/24", "2001:db8::1/32", "::ffff:10.0.0.0/104"})
	var texts []string
	for _, p := range networks {
		texts = append(texts, p.String())
	}
	if want := []string{"10.0.0.0/8", "192.0.2.0/24", "198.51.100.1/32", "2001:db8::/32"}; err != nil || !reflect.DeepEqual(texts, want) {
		t.Errorf("%v %v", texts, err)
	}
	types, err := CleanShareTypes("t", []string{"Image/PNG", "video/*", "text", "text "})
	if want := []string{"image/png", "text", "video"}; err != nil || !reflect.DeepEqual(types, want) {
		t.Errorf("%v %v", types, err)
	}
	for _, bad := range []string{"", "a/b/c", "*", "*/*", "text/plain; charset=x", "/png", "a b"} {
		if _, err := CleanShareTypes("t", []string{bad}); err == nil {
			t.Errorf("the type %q is taken", bad)
		}
	}
	for _, bad := range []string{"", "192.0.2", "192.0.2.0/33", "fe80::1%eth0/64"} {
		if _, err := CleanAddresses("n", []string{bad}); err == nil {
			t.Errorf("the network %q is taken", bad)
		}
	}
	if _, err := CleanAddresses("n", strings.Split(strings.Repeat("192.0.2.1,", 50)+"192.0.2.1", ",")); err == nil {
		t.Error("51 networks are taken")
	}
}

func TestWhatAFileRequestTakes(t *testing.T) {
	r := FileRequest{MaxFiles: 3, MaxBytes: 10, ContentTypes: []string{"image/png", "text"}}
	for contentType, ok := range map[string]bool{"image/png": true, "image/jpeg": false, "text/plain; charset=utf-8": true, "application/octet-stream": false} {
		if err := r.Check(contentType, 10); (err == nil) != ok {
			t.Errorf("%s: %v", contentType, err)
		}
	}
	if r.Check("image/png", 11) == nil || (FileRequest{MaxBytes: Unlimited}).Check("x/y", 1<<40) != nil {
		t.Error("sizes are not told apart")
	}
}

func TestLimitsAndStatesOfALink(t *testing.T) {
	l := openShare().Link
	l.MaxViews, l.Views, l.MaxDownloads, l.Downloads = 3, 2, 1, 1
	if l.Exhausted(AccessView) || !l.Exhausted(AccessDownload) || l.Exhausted(AccessUpload) || l.Exhausted(AccessPassword) {
		t.Error("exhausted")
	}
	if !l.Last(AccessView, 2) || l.Last(AccessView, 1) || l.Last(AccessUpload, 0) {
		t.Error("the last")
	}
	if got := l.State(noonOfShares); got != ShareExhausted {
		t.Error(got)
	}
	l.MaxDownloads, l.Notify.ExpiringSoon, l.CreatedAt = Unlimited, true, noonOfShares.AddDate(0, 0, -3)
	for left, want := range map[time.Duration]bool{0: false, time.Hour: true, 24 * time.Hour: true, 25 * time.Hour: false} {
		l.ExpiresAt = noonOfShares.Add(left)
		if got := l.WarnsAt(noonOfShares); got != want {
			t.Errorf("%v: %v", left, got)
		}
	}
	l.ExpiresAt, l.CreatedAt = noonOfShares.Add(time.Hour), noonOfShares
	if l.WarnsAt(noonOfShares) {
		t.Error("a link for an hour warns")
	}
	if l.Revoke(AccountID{1}, noonOfShares); l.State(noonOfShares) != ShareRevoked {
		t.Error(l.State(noonOfShares))
	}
}
