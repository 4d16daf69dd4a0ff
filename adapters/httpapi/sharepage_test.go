package httpapi

import (
	"html"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

const (
	sharedFolder = sharedAt + "/folder/00000000-0000-0000-0000-00000000001e"
	sharedFile   = sharedAt + "/file/00000000-0000-0000-0000-00000000001f"
	fileBytes    = sharedAt + "/download/00000000-0000-0000-0000-00000000001f"
)

func isPage(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	_, body, _ := strings.Cut(w.Body.String(), "</style>") // which is long
	if w.Code != status || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("%d %s, want a page with %d: %s", w.Code, w.Header().Get("Content-Type"), status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("the page lacks %q: %s", text, body)
		}
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow, noarchive",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'; style-src 'sha256-", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q lacks %q", policy, part)
		}
	}
	if strings.Contains(body, "<script>") || strings.Contains(body, `" onload`) || !strings.Contains(w.Body.String(), `content="noindex`) {
		t.Errorf("names are not escaped, or robots not sent away: %s", body)
	}
}

func TestSharePagesShowWhatIsShared(t *testing.T) {
	name := "<bdi>" + html.EscapeString(hostile) + "</bdi>"
	for path, texts := range map[string][]string{
		sharedAt:                       {"<h1>" + name + "</h1>", "1.4 MB", "Below", "Download all", "Acme &amp; &lt;Sons&gt;", "/archive/"},
		sharedFolder + "?view=gallery": {"/preview/00000000-0000-0000-0000-00000000001f", `loading="lazy"`},
		sharedAt + "?view=gallery":     {`<ul class="tiles">`},
		sharedFile:                     {"<h1>" + name + "</h1>", "Image (PNG)", `aria-current="page"`, `<time datetime="2026-11-22T09:00:00Z">22 November 2026, 09:00 UTC</time>`},
		sharedFolder[:len(sharedFolder)-2] + "20": {"This folder is empty", `<a href="` + sharedFolder + `?seen=`, name},
	} {
		f := newShareFixture(t, newFakeShare())
		w := f.call(http.MethodGet, path, "", browsing)
		isPage(t, w, http.StatusOK, texts...)
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self' https://files.example.com;") || strings.Contains(policy, "script-src") {
			t.Errorf("policy %q", policy)
		}
	}
}

func TestSharePagesCountWhatAPersonSees(t *testing.T) {
	const bot = "User-Agent: Slackbot-LinkExpanding 1.0"
	for name, c := range map[string]struct {
		method, path, header string
		views, downloads     int
	}{
		"the link":            {"GET", sharedAt, browsing, 1, 0},
		"in another form":     {"GET", sharedAt + "?view=gallery", browsing, 1, 0},
		"the folder again":    {"GET", sharedFolder, browsing, 1, 0},
		"no cursor at all":    {"GET", sharedFolder + "?cursor=", browsing, 1, 0},
		"a folder in it":      {"GET", sharedFolder[:len(sharedFolder)-2] + "20", browsing, 0, 0},
		"a file in it":        {"GET", sharedFile, browsing, 0, 0},
		"a HEAD":              {"HEAD", sharedAt, browsing, 0, 0},
		"a prefetch":          {"GET", sharedAt, "Sec-Purpose: prefetch;prerender", 0, 0},
		"a preview":           {"GET", sharedAt, bot, 0, 0},
		"a download":          {"GET", fileBytes, browsing, 0, 1},
		"a HEAD of it":        {"HEAD", fileBytes, browsing, 0, 0},
		"a preview of it":     {"GET", fileBytes, bot, 0, 0},
		"a picture in place":  {"GET", strings.Replace(fileBytes, "download", "preview", 1), browsing, 0, 0},
		"an archive's HEAD":   {"HEAD", strings.Replace(sharedFolder, "folder", "archive", 1), browsing, 0, 0},
		"an archive of no id": {"GET", sharedAt + "/archive/x", browsing, 0, 0},
	} {
		f := newShareFixture(t, newFakeShare())
		w := f.call(c.method, c.path, "", c.header)
		if v, d := f.share.counted(core.AccessView), f.share.counted(core.AccessDownload); v != c.views || d != c.downloads {
			t.Errorf("%s counts %d views and %d downloads, want %d and %d: %d", name, v, d, c.views, c.downloads, w.Code)
		}
		if c.header == bot && strings.Contains(w.Body.String(), "alert") {
			t.Errorf("%s tells what it must not: %s", name, w.Body)
		}
	}
}

func TestSharePagesLeadToBytes(t *testing.T) {
	f := newShareFixture(t, newFakeShare())
	w := f.call(http.MethodGet, fileBytes, "", browsing)
	if w.Code != http.StatusFound || w.Header().Get("Location") != "https://files.example.com/k?signature=1" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	// Who goes on with it spends no other download.
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	f.call(http.MethodGet, fileBytes, "", browsing, "Cookie: "+cookie, "Range: bytes=5-")
	f.call(http.MethodGet, fileBytes, "", browsing, "Cookie: "+cookie)
	if n := f.share.counted(core.AccessDownload); n != 2 {
		t.Errorf("%d downloads, want 2", n)
	}

	f.share.facts.Link.MaxDownloads = 5
	preview := strings.Replace(fileBytes, "download", "preview", 1)
	isPage(t, f.call(http.MethodGet, preview, "", browsing), http.StatusForbidden)
	if body := f.call(http.MethodGet, sharedFile, "", browsing).Body.String(); strings.Contains(body, "<figure") {
		t.Errorf("a link whose downloads are counted shows the bytes: %s", body)
	}
	f.share.facts.Link.AllowDownload = false
	isPage(t, f.call(http.MethodGet, fileBytes, "", browsing), http.StatusForbidden, "Downloading is off")
	isPage(t, f.call(http.MethodGet, sharedFile, "", browsing), http.StatusOK, "not for downloading")
}

func TestSharePagesAskForThePassword(t *testing.T) {
	f := newShareFixture(t, newFakeShare().locked())
	for _, path := range []string{sharedAt, sharedFolder, sharedFile, fileBytes, strings.Replace(sharedFolder, "folder", "archive", 1)} {
		w := f.call(http.MethodGet, path, "", browsing)
		isPage(t, w, http.StatusOK, `type="password"`, "Acme &amp; &lt;Sons&gt;")
		for _, secret := range []string{"alert", "Below", "image", "1.4 MB"} {
			if strings.Contains(w.Body.String(), secret) {
				t.Errorf("%s tells %q before the password: %s", path, secret, w.Body)
			}
		}
	}
	w, cookie := f.unlock("wrong")
	isPage(t, w, http.StatusForbidden, "not the password", `aria-invalid="true"`)
	if cookie != "" {
		t.Errorf("a wrong password gives the cookie %s", cookie)
	}
	w, _ = f.unlock("")
	isPage(t, w, http.StatusUnprocessableEntity, "enter the password")
	w, cookie = f.unlock("sesame")
	set := w.Header().Get("Set-Cookie")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != sharedAt || f.share.counted(core.AccessView) != 0 {
		t.Errorf("%d %v, %d views", w.Code, w.Header(), f.share.counted(core.AccessView))
	}
	for _, part := range []string{"coffer_share_", "; Path=" + sharedAt, "; Max-Age=3600", "; HttpOnly", "; SameSite=Lax"} {
		if !strings.Contains(set, part) || strings.Contains(set, shareToken[:20]+"=") {
			t.Errorf("cookie %s lacks %s", set, part)
		}
	}
	isPage(t, f.call(http.MethodGet, sharedAt, "", browsing, "Cookie: "+cookie), http.StatusOK, "Below")
	f.share.facts.Link.PasswordVersion++ // another password
	isPage(t, f.call(http.MethodGet, sharedAt, "", browsing, "Cookie: "+cookie), http.StatusOK, `type="password"`)
	f.share.tries = 100
	w, _ = f.unlock("sesame")
	isPage(t, w, http.StatusTooManyRequests, "Wait 12 seconds")
	if w.Header().Get("Retry-After") != "12" {
		t.Errorf("%v", w.Header())
	}
}

func TestSharePagesRefuseInWords(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		change func(*core.ShareFacts)
		status int
		text   string
	}{
		"expired":       {sharedAt, func(f *core.ShareFacts) { f.Link.ExpiresAt = now }, 410, "has ended"},
		"revoked":       {sharedAt, func(f *core.ShareFacts) { f.Link.RevokedAt = now }, 410, "withdrawn"},
		"used up":       {sharedAt, func(f *core.ShareFacts) { f.Link.MaxViews, f.Link.Views = 1, 1 }, 410, "used up"},
		"in the trash":  {sharedAt, func(f *core.ShareFacts) { f.InTrash = true }, 410, "not shared any more"},
		"not made by":   {sharedAt, func(f *core.ShareFacts) { f.Creator.Status = core.AccountRemoved }, 410, "not shared any more"},
		"for some":      {sharedAt, func(f *core.ShareFacts) { f.Link.Accounts = []core.AccountID{id[core.Account](6)} }, 401, "https://app.example.com"},
		"a cursor":      {sharedFolder + "?cursor=AAAA", nil, 422, "first page"},
		"unknown":       {"/s/" + strings.Repeat("0", 64), nil, 404, "nothing here"},
		"malformed":     {"/s/x", nil, 404, "nothing here"},
		"no page":       {sharedAt + "/what", nil, 404, "nothing here"},
		"a stranger":    {sharedAt + "/file/00000000-0000-0000-0000-000000000005", nil, 404, "nothing here"},
		"no id":         {sharedAt + "/folder/5", nil, 404, "nothing here"},
		"a folder":      {strings.Replace(sharedFolder, "folder", "file", 1), nil, 404, "nothing here"},
		"a broken link": {sharedAt + "?a=%zz", nil, 400, "did not work"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeShare()
			if c.change != nil {
				c.change(&s.facts)
			}
			isPage(t, newShareFixture(t, s).call(http.MethodGet, c.path, "", browsing), c.status, c.text)
		})
	}
	// A program is told as programs are.
	problemIn(t, newShareFixture(t, newFakeShare()).call(http.MethodGet, sharedAt+"/what", ""), 404, "not_found")
}

func TestShareFormsMustComeFromThePage(t *testing.T) {
	f := newShareFixture(t, newFakeShare().locked())
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example", "Origin: null"} {
		w := f.call(http.MethodPost, sharedAt, "password=sesame", "Content-Type: application/x-www-form-urlencoded", header)
		isPage(t, w, http.StatusForbidden, "did not come from this page")
		problemIn(t, f.call(http.MethodPost, sharedAt+"/uploads", `{}`, "Content-Type: application/json", header), 403, "cross_origin")
	}
	if f.share.tries != 0 {
		t.Errorf("%d passwords were tried", f.share.tries)
	}
}

func TestSharePagesHavePages(t *testing.T) {
	s := newFakeShare()
	for i := range 130 {
		e := s.list[1]
		e.Node.ID[0], e.Node.Name = byte(i+1), "f"+strconv.Itoa(1000+i)
		s.list = append(s.list, e)
	}
	s.list = append(s.list[2:], ports.Entry{})
	f := newShareFixture(t, s)
	seen, path := 0, sharedAt
	for page := range 3 {
		body := f.call(http.MethodGet, path, "", browsing).Body.String()
		seen += strings.Count(body, `class="row"`)
		if _, next, more := strings.Cut(html.UnescapeString(body), `<a href="`+sharedFolder+`?cursor=`); more != (page < 2) {
			t.Fatalf("page %d: another one: %t", page, more)
		} else if cursor, _, _ := strings.Cut(next, `"`); more {
			path = sharedFolder + "?cursor=" + cursor
		}
	}
	// Its other form is the same view, for a while.
	_, way, _ := strings.Cut(html.UnescapeString(f.call(http.MethodGet, path, "", browsing).Body.String()), `href="`+sharedFolder+`?seen=`)
	way, _, _ = strings.Cut(way, `"`)
	isPage(t, f.call(http.MethodGet, sharedFolder+"?view=gallery&seen="+way, "", browsing), http.StatusOK)
	if seen != 130 || f.share.counted(core.AccessView) != 1 {
		t.Errorf("saw %d files in %d views", seen, f.share.counted(core.AccessView))
	}
}

func TestBuyersComeBackToAPageThatTellsNothing(t *testing.T) {
	f := newFixture(t)
	for query, title := range map[string]string{"": "Thank you", "?payment=paid": "Thank you", "?payment=canceled": "Not paid yet", "?payment=<b>": "Thank you"} {
		isPage(t, f.call(http.MethodGet, "/purchases/00000000-0000-0000-0000-00000000002a"+query, "", browsing), http.StatusOK, "<h1>"+title+"</h1>")
	}
}
