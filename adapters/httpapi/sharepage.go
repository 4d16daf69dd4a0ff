package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

const (
	pagePath    = "/s/"
	shareRoute  = pagePath + "{token}"
	scriptPath  = pagePath + "upload.js"
	sharePageOf = pagePath + ":token"
)

var (
	//go:embed sharepage.html
	sharePageSource string
	//go:embed sharepage.css
	sharePageStyle string
	//go:embed sharepage.js
	sharePageScript []byte

	sharePageTemplate = template.Must(template.New("share").Parse(sharePageSource))
	sharePageScripts  = scriptView{scriptPath, "sha384-" + sha384(sharePageScript)}
)

func sha384(b []byte) string {
	sum := sha512.Sum384(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// styleSource lets a page have this one style.
func styleSource(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// sharePages are what a browser is shown of a share link: pages that need no
// script, made here. They use what the public API uses, so that a link has one
// set of rules.
type sharePages struct {
	publicShareRoutes

	seen   codec[int64]                          // when a view was counted, in Unix seconds
	origin func(context.Context) (string, error) // of the blob store; nil: the server itself
	public string                                // the public URL
	app    string                                // where people sign in; "" and the public URL: nowhere
	clock  Clock
	guard  *http.CrossOriginProtection
}

func (s *server) newSharePages() (sharePages, error) {
	guard := http.NewCrossOriginProtection()
	err := guard.AddTrustedOrigin(originOf(s.PublicURL))
	return sharePages{s.public(), codec[int64]{s.CursorKey, "share-seen"}, s.BlobOrigin, s.PublicURL, s.AppURL, s.Clock, guard}, err
}

// mount registers the pages, which are not part of the API and its description.
func (h sharePages) mount(e *echo.Echo) {
	look := []string{http.MethodGet, http.MethodHead}
	for path, handler := range map[string]echo.HandlerFunc{
		"": h.open, "/folder/:node": h.folder, "/file/:node": h.file, "/download/:node": h.leadToFile, "/preview/:node": h.leadToPreview,
		"/archive/:node": h.sendFolder, "/logo": h.leadToLogo, "/group/:group": h.group, "/group/:group/file/:node": h.groupFile,
	} {
		e.Match(look, sharePageOf+path, h.page(path, handler))
	}
	for path, handler := range map[string]echo.HandlerFunc{"": h.takePassword, "/upload": h.takeForm} {
		e.POST(sharePageOf+path, h.page(path, h.fromHere(handler)))
	}
	for path, handler := range map[string]func(echo.Context, share.Visit) error{
		"/uploads": h.beginScript, "/uploads/:node/parts": h.partsScript, "/uploads/:node/complete": h.completeScript,
	} {
		e.POST(sharePageOf+path, h.fromHere(h.script(path, handler)))
	}
}

// page prepares what all pages have in common.
func (h sharePages) page(path string, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		req := requestOf(c.Request().Context())
		req.route = shareRoute + strings.NewReplacer(":node", "{node_id}", ":group", "{group_id}").Replace(path)
		req.page = h.newPage(c.Request().Context(), pagePath+c.Param("token"))
		visit, err := h.visitOf(c)
		if err != nil {
			return err
		}
		req.page.visit = visit
		return next(c)
	}
}

// fromHere refuses what a page of another origin makes a browser send.
func (h sharePages) fromHere(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if h.guard.Check(c.Request()) != nil {
			return errCrossOrigin
		}
		return next(c)
	}
}

var errCrossOrigin = &core.Error{Kind: core.KindForbidden, Code: "cross_origin", Message: "the form was sent from a page of another origin"}

// script prepares what the script of a page asks for, which is answered as the
// API answers.
func (h sharePages) script(path string, next func(echo.Context, share.Visit) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		requestOf(c.Request().Context()).route = shareRoute + strings.ReplaceAll(path, ":node", "{node_id}")
		visit, err := h.visitOf(c)
		if err != nil {
			return err
		}
		return next(c, visit)
	}
}

// visitOf is the visit that a request for a page is.
func (h sharePages) visitOf(c echo.Context) (share.Visit, error) {
	r := c.Request()
	in := VisitInput{Token: c.Param("token"), Referer: r.Referer()}
	if cookie, err := r.Cookie(accessCookie(in.Token)); err == nil {
		in.Access = cookie.Value
	}
	v, err := h.visit(r.Context(), in)
	if err != nil {
		return v, err
	}
	group := c.Param("group")
	if group == "" {
		group = r.URL.Query().Get("group_id")
	}
	if group != "" {
		if v.Group, err = core.ParseID[core.Group](group); err != nil {
			return v, core.ErrNotFound
		}
	}
	return v, nil
}

// accessCookie names the cookie that holds what the password has given.
func accessCookie(token string) string {
	const enough = 6
	sum := sha256.Sum256([]byte(token))
	return "coffer_share_" + hex.EncodeToString(sum[:enough])
}

// takePassword takes the password form.
func (h sharePages) takePassword(c echo.Context) error {
	const most = 16 << 10
	r := c.Request()
	page := requestOf(r.Context()).page
	if err := bounded(c, most); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return errMalformed
	}
	password := r.PostForm.Get("password")
	if password == "" {
		return h.ask(c, page, http.StatusUnprocessableEntity, page.T.PasswordMissing)
	}
	access, ttl, err := h.shares.Unlock(r.Context(), page.visit, password)
	if err != nil {
		return h.askAgain(c, page, err)
	}
	http.SetCookie(c.Response(), &http.Cookie{ //nolint:gosec // without TLS, a Secure cookie would not come back
		Name: accessCookie(page.visit.Token), Value: access, Path: page.Base, MaxAge: int(ttl.Seconds()), HttpOnly: true,
		Secure:   h.secure,
		SameSite: http.SameSiteLaxMode, // Strict would ask again whoever comes from a mail
	})
	return c.Redirect(http.StatusSeeOther, page.Base)
}

// bounded limits how long a body may be, and how long it may take to come.
func bounded(c echo.Context, most int64) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, most)
	deadline, ok := r.Context().Deadline()
	if !ok {
		return nil
	}
	err := http.NewResponseController(c.Response().Writer).SetReadDeadline(deadline)
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// orAsk shows the password form to who has to show it first, else returns why.
func (h sharePages) orAsk(c echo.Context, page *sharePage, why error) error {
	if errors.Is(why, core.ErrSharePassword) {
		return h.ask(c, page, http.StatusOK, "")
	}
	return why
}

// askAgain asks for the password once more, saying why.
func (h sharePages) askAgain(c echo.Context, page *sharePage, err error) error {
	ctx := c.Request().Context()
	e := named(ctx, err)
	switch {
	case errors.Is(err, core.ErrShareWrong):
		requestOf(ctx).failed = err
		return h.ask(c, page, statusOf(e), page.T.PasswordWrong)
	case e.Kind == core.KindRateLimited:
		p := explain(ctx, err)
		maps.Copy(c.Response().Header(), p.headers)
		return h.ask(c, page, p.Status, page.T.Notices[e.Code].Title+". "+page.T.wait(p.headers.Get("Retry-After")))
	}
	return err
}

// ask shows the password form.
func (h sharePages) ask(c echo.Context, page *sharePage, status int, why string) error {
	page.Title, page.Password = page.T.PasswordTitle, &passwordView{why}
	return h.render(c, status, page)
}

// render writes a page.
func (h sharePages) render(c echo.Context, status int, page *sharePage) error {
	if err := h.dress(c.Request().Context(), page); err != nil && page.Notice == nil {
		return err
	}
	var out bytes.Buffer
	if err := sharePageTemplate.ExecuteTemplate(&out, "page", page); err != nil {
		return err
	}
	blobs := originOf(h.public)
	if h.origin != nil {
		var err error
		if blobs, err = h.origin(c.Request().Context()); err != nil {
			return err
		}
	}
	header := c.Response().Header()
	header.Set("Content-Security-Policy", page.policy(h.public, blobs))
	header.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	return c.HTMLBlob(status, out.Bytes())
}

// policy lets a page have its own style, show what is in the blob store, and
// nothing else; a page for sending files, its script, too.
func (p *sharePage) policy(public, blobs string) string {
	from := "'self'"
	if blobs != originOf(public) {
		from += " " + blobs
	}
	styles := styleSource(sharePageStyle)
	if p.Brand != "" {
		styles += " " + styleSource(string(p.Brand))
	}
	policy := "default-src 'none'; style-src " + styles + "; img-src " + from + "; media-src " + from +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	if p.Request != nil { // this one file: what else is on this origin may be a stranger's
		policy += "; script-src " + public + scriptPath + "; connect-src " + from
	}
	return policy
}

// pageOf returns the page that the request is for; nil if no browser asks for one.
func (s *server) pageOf(r *http.Request) *sharePage {
	if page := requestOf(r.Context()).page; page != nil {
		return page
	}
	if strings.HasPrefix(r.URL.Path, pagePath) && strings.Contains(r.Header.Get("Accept"), "text/html") {
		return s.pages.newPage(r.Context(), strings.TrimSuffix(pagePath, "/"))
	}
	return nil
}

// fail shows a problem in words for visitors, and reports whether it could.
func (h sharePages) fail(c echo.Context, page *sharePage, p *problem) bool {
	notice := page.T.notice(p)
	page.Title, page.Notice = notice.Title, &noticeView{shareNotice: notice}
	switch p.Code {
	case core.ErrShareSignIn.Code:
		if h.app != "" && h.app != h.public {
			page.Notice.Link = &linkView{h.app, page.T.SignInLink}
		}
	case errCursor.Code, core.ErrShareNoDownload.Code, errCrossOrigin.Code:
		page.Notice.Link = &linkView{page.Base, page.T.ToStart}
	}
	return h.render(c, p.Status, page) == nil
}
