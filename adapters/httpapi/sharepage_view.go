package httpapi

import (
	"context"
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

// sharePage is what the template shows. Of Password, Notice, File, Folder, Group
// and Request one is set.
type sharePage struct {
	T          *shareText
	Base       string // the path of the link
	Title      string
	OrgName    string
	Logo       bool
	WhiteLabel bool
	Style      template.CSS
	Brand      template.CSS
	Script     scriptView
	Ends       *timeView
	Crumbs     []crumbView

	Password *passwordView
	Notice   *noticeView
	File     *entryView
	Folder   *folderView
	Group    *groupView
	Request  *requestView

	visit  share.Visit
	thumbs func(*core.Preview) string // the URL of a thumbnail; "": none
}

type scriptView struct{ Path, Integrity string }

type passwordView struct{ Error string }

type noticeView struct {
	shareNotice

	Link *linkView
}

type linkView struct{ URL, Text string }

type timeView struct{ Machine, Text string }

type crumbView struct{ Name, URL string }

// entryView is a file or a folder.
type entryView struct {
	Name, URL, Size, Type, Family string
	Show                          string // image, video, audio or pdf: how it can be shown in place
	Preview                       string
	Download                      string // "": may not be had
	DownloadLabel                 string
	IsFolder                      bool
	Changed                       *timeView

	Note, About, FileName string // of what is in a group: a few words, what is said of it, and its name if it has a title
}

type folderView struct {
	Name, Archive                          string
	ListURL, GalleryURL, FirstURL, NextURL string
	IsGallery                              bool
	Entries                                []entryView
}

type requestView struct {
	Rules  []ruleView
	Accept string
	Words  string // the script's, as JSON
	Error  string
	Sent   []sentView
}

type ruleView struct {
	Name, Text string
	Time       *timeView
}

type sentView struct{ Name, Error string }

func (h sharePages) newPage(ctx context.Context, base string) *sharePage {
	thumbs := func(p *core.Preview) string {
		address, err := h.thumbs.URL(ctx, p)
		if err != nil {
			return "" // the page is as good without
		}
		return address
	}
	return &sharePage{thumbs: thumbs, T: &english, Base: base, Style: template.CSS(sharePageStyle), Script: sharePageScripts} //nolint:gosec // our own file
}

func (t *shareText) timeView(at time.Time) *timeView {
	if at.IsZero() {
		return nil
	}
	return &timeView{at.UTC().Format(time.RFC3339), t.time(at)}
}

// entry shows a file or a folder of a link that allows so much.
func (p *sharePage) entry(e *drive.Entry, looked *share.Looked, thumbnail bool) entryView {
	id := e.Node.ID.String()
	v := entryView{Name: e.Node.Name, IsFolder: e.Node.Kind == core.KindFolder}
	if looked.AllowViewMetadata {
		v.Changed = p.T.timeView(e.Node.UpdatedAt)
	}
	v.DownloadLabel = p.T.Download + " " + v.Name
	if v.IsFolder {
		v.URL, v.Type = p.Base+"/folder/"+id, p.T.Folder
		if looked.AllowDownload {
			v.Download = p.Base + "/archive/" + id
		}
		return v
	}
	v.URL, v.Size, v.Type = p.Base+"/file/"+id, p.T.bytes(e.File.SizeBytes), p.T.media(e.File.ContentType)
	v.Family, _, _ = strings.Cut(e.File.ContentType, "/")
	if looked.AllowDownload {
		v.Download = p.Base + "/download/" + id
	}
	const largeThumbnail = 10 << 20
	shown := looked.AllowPreview && core.InlineSafe(e.File.ContentType) && (!thumbnail || e.File.SizeBytes <= largeThumbnail)
	if looked.Watermark { // a page full of copies would have to be made
		shown = shown && !thumbnail && core.CanCarryWatermark(e.File.ContentType)
	}
	if shown {
		v.Preview = p.Base + "/preview/" + id
		switch {
		case v.Family == "image", v.Family == "video", v.Family == "audio":
			v.Show = v.Family
		case strings.HasPrefix(e.File.ContentType, "application/pdf"):
			v.Show = "pdf"
		}
	}
	if small := p.thumbs(e.File.Preview); thumbnail && small != "" && looked.AllowPreview && !looked.Watermark {
		v.Show, v.Preview = "image", small
	}
	return v
}

// request shows what may be sent.
func (p *sharePage) request(looked *share.Looked) (*requestView, error) {
	t, r := p.T, &looked.Request
	v := &requestView{}
	if end := t.timeView(looked.ExpiresAt); end != nil {
		v.Rules = append(v.Rules, ruleView{Name: t.Deadline, Time: end})
	}
	if r.MaxFiles != core.Unlimited {
		v.Rules = append(v.Rules, ruleView{Name: t.Choose, Text: t.AtMost + " " + t.files(r.MaxFiles)})
	}
	if r.MaxBytes != core.Unlimited {
		v.Rules = append(v.Rules, ruleView{Name: t.EachFile, Text: t.AtMost + " " + t.bytes(r.MaxBytes)})
	}
	if len(r.ContentTypes) > 0 {
		var names, accept []string
		for _, contentType := range r.ContentTypes {
			names = append(names, t.media(contentType))
			if !strings.Contains(contentType, "/") {
				contentType += "/*"
			}
			accept = append(accept, contentType)
		}
		v.Rules = append(v.Rules, ruleView{Name: t.Types, Text: strings.Join(names, ", ")})
		v.Accept = strings.Join(accept, ",")
	}
	var words strings.Builder
	err := encode(&words, t.Script)
	v.Words = words.String()
	return v, err
}

// originOf returns the scheme, host and port of a URL.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
