package httpapi

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

// sharePageSize is how many entries a page of a folder has.
const sharePageSize = 60

// open shows what the link leads to; of a download link that is a view.
func (h sharePages) open(c echo.Context) error {
	ctx := c.Request().Context()
	page := requestOf(ctx).page
	looked, err := h.shares.Look(ctx, page.visit)
	switch {
	case err != nil:
		return err
	case !looked.Open && looked.NeedsSignIn:
		return core.ErrShareSignIn
	case !looked.Open:
		return h.ask(c, page, http.StatusOK, "")
	case page.visit.Quiet:
		return h.whisper(c, page)
	case looked.Kind == core.ShareUpload:
		return h.request(c, page, &looked, http.StatusOK, "")
	case looked.OfGroup:
		return h.showGroup(c, page, core.AccessView)
	}
	sc, looked, err := h.shares.Enter(ctx, page.visit, core.NodeID{}, core.AccessView)
	if err != nil {
		return err
	}
	if looked.Target.Node.Kind == core.KindAsset {
		return h.showFile(c, page, sc, &looked, &looked.Target)
	}
	return h.showFolder(c, page, sc, &looked, looked.Target.Node.ID)
}

// whisper answers who must not be shown anything that would count.
func (h sharePages) whisper(c echo.Context, page *sharePage) error {
	page.Title = page.T.SharedTitle
	page.Notice = &noticeView{shareNotice{page.T.SharedTitle, page.T.SharedAbout}, &linkView{page.Base, page.T.ShowIt}}
	return h.render(c, http.StatusOK, page)
}

// seenFor is how long a visitor may come back to the first page of what the
// link leads to, such as in another form, without that being another view.
const seenFor = time.Hour

// folder shows a folder at or below the target. The target itself is a view,
// unless the visitor comes from a page that was one.
func (h sharePages) folder(c echo.Context) error {
	ctx := c.Request().Context()
	page := requestOf(ctx).page
	id, err := core.ParseID[core.Node](c.Param("node"))
	if err != nil {
		return core.ErrNotFound
	}
	query, kind := c.Request().URL.Query(), core.AccessView
	seen, err := h.seen.openFor(page.Base, query.Get("seen"))
	if query.Get("cursor") != "" || err == nil && h.clock.Now().Sub(time.Unix(seen, 0)) < seenFor {
		kind = ""
	}
	sc, looked, err := h.shares.Enter(ctx, page.visit, id, kind)
	if err != nil {
		return h.orAsk(c, page, err)
	}
	if page.visit.Quiet {
		return h.whisper(c, page)
	}
	return h.showFolder(c, page, sc, &looked, id)
}

// file shows a file below the target, or the target, which is a view.
func (h sharePages) file(c echo.Context) error {
	ctx := c.Request().Context()
	page := requestOf(ctx).page
	id, err := core.ParseID[core.Node](c.Param("node"))
	if err != nil {
		return core.ErrNotFound
	}
	sc, looked, err := h.shares.Enter(ctx, page.visit, core.NodeID{}, "")
	if err == nil && id == looked.Target.Node.ID && looked.Target.Node.Kind == core.KindAsset {
		sc, looked, err = h.shares.Enter(ctx, page.visit, core.NodeID{}, core.AccessView)
	}
	if err != nil {
		return h.orAsk(c, page, err)
	}
	if page.visit.Quiet {
		return h.whisper(c, page)
	}
	e, err := h.drives.Get(ctx, sc, id)
	if err != nil {
		return err
	}
	if e.Node.Kind != core.KindAsset || e.File.Status != core.AssetReady {
		return core.ErrNotFound
	}
	return h.showFile(c, page, sc, &looked, e)
}

// dress shows whose page it is.
func (h sharePages) dress(ctx context.Context, page *sharePage) error {
	face, err := h.shares.Face(ctx, page.visit)
	if err != nil {
		return err
	}
	page.OrgName, page.Logo, page.WhiteLabel = face.OrgName, face.Logo, face.WhiteLabel
	page.Brand = template.CSS(brandStyle(face.Branding)) //nolint:gosec // made of colours that have been parsed
	return nil
}

func (h sharePages) showFile(c echo.Context, page *sharePage, sc core.Scope, looked *share.Looked, e *drive.Entry) error {
	crumbs, err := h.crumbs(c.Request().Context(), page, sc, e.Node.ID)
	if err != nil {
		return err
	}
	view := page.entry(e, looked, false)
	page.Title, page.File, page.Crumbs, page.Ends = view.Name, &view, crumbs, page.T.timeView(looked.ExpiresAt)
	return h.render(c, http.StatusOK, page)
}

// crumbs are the way from the target to a node below it, all of it live; none
// to the target itself.
func (h sharePages) crumbs(ctx context.Context, page *sharePage, sc core.Scope, id core.NodeID) ([]crumbView, error) {
	way, err := h.drives.Path(ctx, sc, id)
	if err != nil {
		return nil, err
	}
	top, err := h.again(page)
	if err != nil {
		return nil, err
	}
	var crumbs []crumbView
	for i := range way {
		if way[i].Trashed() {
			return nil, core.ErrNotFound
		}
		crumb := crumbView{Name: way[i].Name}
		if i < len(way)-1 {
			crumb.URL = page.Base + "/folder/" + way[i].ID.String()
		}
		if i == 0 && crumb.URL != "" {
			crumb.URL = withQuery(crumb.URL, top)
		}
		crumbs = append(crumbs, crumb)
	}
	if len(crumbs) < 2 { //nolint:mnd // the target and one below it
		return nil, nil
	}
	return crumbs, nil
}

func (h sharePages) showFolder(c echo.Context, page *sharePage, sc core.Scope, looked *share.Looked, id core.NodeID) error {
	ctx := c.Request().Context()
	here := page.Base + "/folder/" + id.String()
	query := c.Request().URL.Query()
	after, err := h.pages.openFor(here, query.Get("cursor"))
	if err != nil {
		return err
	}
	const sort = "kind"
	rows, err := h.drives.List(ctx, sc, drive.ListInput{ParentID: id, Sort: sort, After: after, Limit: sharePageSize + 1})
	if err != nil {
		return err
	}
	folder := &looked.Target
	if id != folder.Node.ID {
		if folder, err = h.drives.Get(ctx, sc, id); err != nil {
			return err
		}
	}
	if page.Crumbs, err = h.crumbs(ctx, page, sc, id); err != nil {
		return err
	}
	view := &folderView{Name: folder.Node.Name, IsGallery: query.Get("view") == viewGallery}
	this := url.Values{}
	if id == looked.Target.Node.ID {
		if this, err = h.again(page); err != nil {
			return err
		}
	}
	view.ListURL = withQuery(here, this)
	this.Set("view", viewGallery)
	view.GalleryURL = withQuery(here, this)
	if !view.IsGallery {
		this.Del("view")
	}
	if query.Get("cursor") != "" {
		view.FirstURL = withQuery(here, this)
	}
	if len(rows) > sharePageSize {
		rows = rows[:sharePageSize]
		cursor, err := h.pages.sealFor(here, drive.PositionOf(sort, &rows[len(rows)-1]))
		if err != nil {
			return err
		}
		this.Set("cursor", cursor)
		view.NextURL = withQuery(here, this)
	}
	page.fill(view, id, rows, looked)
	page.Title, page.Folder, page.Ends = view.Name, view, page.T.timeView(looked.ExpiresAt)
	return h.render(c, http.StatusOK, page)
}

// fill shows what is in a folder, without files whose bytes have not arrived.
func (p *sharePage) fill(view *folderView, id core.NodeID, rows []drive.Entry, looked *share.Looked) {
	if looked.AllowDownload {
		view.Archive = p.Base + "/archive/" + id.String()
	}
	for i := range rows {
		if rows[i].Node.Kind == core.KindFolder || rows[i].File.Status == core.AssetReady {
			view.Entries = append(view.Entries, p.entry(&rows[i], looked, true))
		}
	}
}

const viewGallery = "gallery"

func withQuery(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// again returns what a way back to the target has to have, so that it is not
// another view.
func (h sharePages) again(page *sharePage) (url.Values, error) {
	seen, err := h.seen.sealFor(page.Base, h.clock.Now().Unix())
	return url.Values{"seen": {seen}}, err
}
