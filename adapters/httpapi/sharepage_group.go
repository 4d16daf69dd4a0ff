package httpapi

import (
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

// groupView is a group with what is in it.
type groupView struct {
	Name, Description, Cover string
	NoDownload               bool
	Views                    []viewLink
	Groups                   *entriesView // the groups in it; nil: none
	Sections                 []sectionView
	FirstURL, NextURL        string
	MoreURL                  string // of more groups
}

type viewLink struct {
	URL, Text string
	Current   bool
}

type sectionView struct {
	Name string // "": files of no section
	entriesView
}

type entriesView struct {
	Layout  core.GroupLayout
	Entries []entryView
}

// group shows the group of a link, or one nested in it. The link's own is a view,
// unless the visitor comes from a page that was one.
func (h sharePages) group(c echo.Context) error {
	page := requestOf(c.Request().Context()).page
	query, kind := c.Request().URL.Query(), core.AccessView
	seen, err := h.seen.openFor(page.Base, query.Get("seen"))
	if query.Get("cursor") != "" || query.Get("groups") != "" || err == nil && h.clock.Now().Sub(time.Unix(seen, 0)) < seenFor {
		kind = ""
	}
	return h.showGroup(c, page, kind)
}

func (h sharePages) showGroup(c echo.Context, page *sharePage, kind core.AccessKind) error {
	query := c.Request().URL.Query()
	here := page.Base + "/group/" + page.visit.Group.String()
	in := share.GroupInput{Kind: kind, Files: sharePageSize + 1}
	var err error
	if in.FilesAfter, err = h.files.openFor(here, query.Get("cursor")); err != nil {
		return err
	}
	if in.GroupsAfter, err = h.nested.openFor(here, query.Get("groups")); err != nil {
		return err
	}
	if query.Get("cursor") == "" {
		in.Groups = firstGroups + 1
	}
	if query.Get("groups") != "" {
		in.Files = 0
	}
	found, err := h.shares.EnterGroup(c.Request().Context(), page.visit, in)
	if err != nil {
		return h.orAsk(c, page, err)
	}
	if page.visit.Quiet {
		return h.whisper(c, page)
	}
	if page.Crumbs, err = h.groupCrumbs(page, &found, ""); err != nil {
		return err
	}
	view := &groupView{Name: found.Itself.Name, Description: found.Itself.Description, Cover: found.Itself.CoverURL, NoDownload: !found.AllowDownload}
	page.Title, page.Group, page.Ends = view.Name, view, page.T.timeView(found.ExpiresAt)
	if err := h.fillGroup(page, view, query, &found); err != nil {
		return err
	}
	return h.render(c, http.StatusOK, page)
}

// fillGroup shows what is in a group in the layout that the visitor has chosen,
// or else the group's own, with the ways to more of it.
func (h sharePages) fillGroup(page *sharePage, view *groupView, query url.Values, found *share.GroupContents) error {
	this, err := h.again(page)
	if err != nil {
		return err
	}
	layout := core.GroupLayout(query.Get("view"))
	links := []viewLink{{Text: page.T.Grid}, {Text: page.T.List}, {Text: page.T.Gallery}}
	layouts := []core.GroupLayout{core.GroupGrid, core.GroupList, core.GroupGallery}
	if layout != core.GroupGrid && layout != core.GroupList && layout != core.GroupGallery {
		layout = found.Itself.Order.Layout
	}
	here := page.Base + "/group/" + found.Itself.ID.String()
	for i := range links {
		this.Set("view", string(layouts[i]))
		links[i].URL, links[i].Current = withQuery(here, this), layouts[i] == layout
	}
	view.Views = links
	this.Set("view", string(layout))
	if query.Get("cursor") != "" || query.Get("groups") != "" {
		view.FirstURL = withQuery(here, this)
	}
	if len(found.Groups) > firstGroups {
		found.Groups = found.Groups[:firstGroups]
		if view.MoreURL, err = h.further(h.nested.sealFor(here, found.Groups[firstGroups-1].At))("groups", here, this); err != nil {
			return err
		}
	}
	if len(found.Files) > sharePageSize {
		found.Files = found.Files[:sharePageSize]
		if view.NextURL, err = h.further(h.files.sealFor(here, found.Files[sharePageSize-1].At))("cursor", here, this); err != nil {
			return err
		}
	}
	page.fillEntries(view, layout, found)
	return nil
}

// further returns the way to more of a list.
func (sharePages) further(cursor string, err error) func(name, here string, this url.Values) (string, error) {
	return func(name, here string, this url.Values) (string, error) {
		query := url.Values{name: {cursor}}
		maps.Copy(query, this)
		return withQuery(here, query), err
	}
}

func (p *sharePage) fillEntries(view *groupView, layout core.GroupLayout, found *share.GroupContents) {
	if len(found.Groups) > 0 {
		view.Groups = &entriesView{Layout: layout}
		for i := range found.Groups {
			view.Groups.Entries = append(view.Groups.Entries, p.nestedEntry(&found.Groups[i], found.AllowViewMetadata))
		}
	}
	for i := range found.Files {
		x := &found.Files[i]
		if i == 0 || x.Section != found.Files[i-1].Section {
			view.Sections = append(view.Sections, sectionView{x.Section, entriesView{Layout: layout}})
		}
		last := &view.Sections[len(view.Sections)-1]
		last.Entries = append(last.Entries, p.groupEntry(found, x, true))
	}
}

// nestedEntry shows a group in a group.
func (p *sharePage) nestedEntry(n *share.Nested, metadata bool) entryView {
	v := entryView{Name: n.Name, URL: p.Base + "/group/" + n.ID.String(), IsFolder: true, Type: p.T.Group, Note: p.T.Group}
	if metadata {
		v.Note = p.T.files(int64(n.Assets))
	}
	if n.CoverURL != "" {
		v.Show, v.Preview = "image", n.CoverURL
	}
	return v
}

// groupEntry shows a file of a group as it is called there.
func (p *sharePage) groupEntry(found *share.GroupContents, x *share.GroupFile, thumbnail bool) entryView {
	v := p.entry(&x.Entry, &found.Looked, thumbnail)
	group := found.Itself.ID.String()
	v.URL, v.Note, v.About = p.Base+"/group/"+group+"/file/"+x.AssetID.String(), v.Size, x.Description
	if v.Download != "" {
		v.Download += "?group_id=" + group
	}
	if x.Title != "" {
		v.FileName, v.Name = v.Name, x.Title
		v.DownloadLabel = p.T.Download + " " + x.Title
	}
	return v
}

// groupFile shows a file of a group, which counts nothing.
func (h sharePages) groupFile(c echo.Context) error {
	ctx := c.Request().Context()
	page := requestOf(ctx).page
	id, err := core.ParseID[core.Node](c.Param("node"))
	if err != nil {
		return core.ErrNotFound
	}
	found, err := h.shares.EnterGroup(ctx, page.visit, share.GroupInput{Files: 1, File: id})
	switch {
	case err != nil:
		return h.orAsk(c, page, err)
	case page.visit.Quiet:
		return h.whisper(c, page)
	case len(found.Files) == 0:
		return core.ErrNotFound
	}
	view := page.groupEntry(&found, &found.Files[0], false)
	if page.Crumbs, err = h.groupCrumbs(page, &found, view.Name); err != nil {
		return err
	}
	page.Title, page.File, page.Ends = view.Name, &view, page.T.timeView(found.ExpiresAt)
	return h.render(c, http.StatusOK, page)
}

// groupCrumbs are the way from the shared group down to the one that is looked
// at, and to a file in it ("": none); none to the shared group itself.
func (h sharePages) groupCrumbs(page *sharePage, found *share.GroupContents, file string) ([]crumbView, error) {
	top, err := h.again(page)
	if err != nil {
		return nil, err
	}
	way := found.Group.Path
	if len(way) < 2 && file == "" { //nolint:mnd // the shared group and one below it
		return nil, nil
	}
	var crumbs []crumbView
	for i, step := range way {
		crumb := crumbView{Name: step.Name}
		if i < len(way)-1 || file != "" {
			crumb.URL = page.Base + "/group/" + step.ID.String()
		}
		if i == 0 {
			crumb.URL = withQuery(crumb.URL, top)
		}
		crumbs = append(crumbs, crumb)
	}
	if file != "" {
		crumbs = append(crumbs, crumbView{Name: file})
	}
	return crumbs, nil
}
