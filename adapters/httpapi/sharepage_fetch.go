package httpapi

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

// leadToFile leads to the bytes of a file, which counts as a download.
func (h sharePages) leadToFile(c echo.Context) error {
	r := c.Request()
	page := requestOf(r.Context()).page
	id, err := core.ParseID[core.Node](c.Param("node"))
	if err != nil {
		return core.ErrNotFound
	}
	v := page.visit
	if cookie, err := r.Cookie(resumeCookie); err == nil && core.Continues(r.Header.Get("Range")) {
		v.Resume = cookie.Value
	}
	d, err := h.shares.Download(r.Context(), v, id, false)
	if err != nil {
		return h.orAsk(c, page, err)
	}
	if d.URL != "" && d.Resume != "" {
		http.SetCookie(c.Response(), &http.Cookie{ //nolint:gosec // without TLS, a Secure cookie would not come back
			Name: resumeCookie, Value: d.Resume, Path: r.URL.Path, MaxAge: int(share.ResumeTTL.Seconds()), HttpOnly: true,
			Secure: h.secure, SameSite: http.SameSiteLaxMode,
		})
	}
	return h.lead(c, d)
}

// leadToPreview leads to the bytes of a file that the page shows in place.
func (h sharePages) leadToPreview(c echo.Context) error {
	ctx := c.Request().Context()
	id, err := core.ParseID[core.Node](c.Param("node"))
	if err != nil {
		return core.ErrNotFound
	}
	d, err := h.shares.Preview(ctx, requestOf(ctx).page.visit, id)
	if err != nil {
		return err
	}
	return h.lead(c, d)
}

// leadToLogo leads to the org's logo.
func (h sharePages) leadToLogo(c echo.Context) error {
	ctx := c.Request().Context()
	d, err := h.shares.Logo(ctx, requestOf(ctx).page.visit)
	if err != nil {
		return err
	}
	return h.lead(c, d)
}

// lead answers with the way to bytes; a quiet visit with nothing.
func (h sharePages) lead(c echo.Context, d share.Download) error {
	if d.URL == "" {
		return c.NoContent(http.StatusNoContent)
	}
	return c.Redirect(http.StatusFound, d.URL)
}

// sendFolder sends a folder as a zip file, which counts as a download.
func (h sharePages) sendFolder(c echo.Context) error {
	ctx := c.Request().Context()
	page := requestOf(ctx).page
	id, err := core.ParseID[core.Node](c.Param("node"))
	if err != nil {
		return core.ErrNotFound
	}
	a, err := h.openArchive(ctx, page.visit, id)
	if r, ok := errors.AsType[*ready](err); ok { // of a quiet visit
		return c.NoContent(r.status)
	}
	if err != nil {
		return h.orAsk(c, page, err)
	}
	sendArchive(ctx, c.Response(), a, h.timeout)
	return nil
}
