package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// shareText is every word that the share page says, but for names.
type shareText struct {
	Lang, Skip, SharedBy, Footer string

	PasswordTitle, PasswordAbout, Password, Open, PasswordWrong, PasswordMissing string

	SharedTitle, SharedAbout, ShowIt string // to what only wants to know what there is

	Details, Size, Type, Changed, LinkEnds, Download, DownloadAll, DownloadsOff, ShowPDF string

	Where, Views, Grid, List, Gallery, Empty, Group, Groups, GroupEmpty, GroupViews, MoreGroups, FileName, Folder, Contents, FirstPage, NextPage, Pages string

	RequestTitle, RequestAbout, Choose, Drop, Send, Rules, Deadline, Types, EachFile, AtMost, SentTitle, SentAbout, SendMore string
	NoFile, ToStart, SignInLink                                                                                              string

	Notices map[string]shareNotice // by the code of the error
	Script  scriptText
}

// shareNotice is what a page says that has nothing else to show.
type shareNotice struct{ Title, Text string }

// scriptText is what the script says: it is handed to it with the page.
type scriptText struct {
	Waiting  string `json:"waiting"`
	Sending  string `json:"sending"`
	Checking string `json:"checking"`
	Done     string `json:"done"`
	Failed   string `json:"failed"`
	Network  string `json:"network"`
	Again    string `json:"again"`
	Summary  string `json:"summary"`
	NoFile   string `json:"no_file"`
}

const askSender = "Ask whoever sent it to you for a new one."

var english = shareText{ //nolint:gosec // words about passwords, not passwords
	Lang: "en", Skip: "Skip to the content", SharedBy: "Shared by", Footer: "Shared with Coffer",
	PasswordTitle: "This link has a password", PasswordAbout: "Whoever sent you the link can tell you its password.",
	Password: "Password", Open: "Open", PasswordWrong: "This is not the password of the link.", PasswordMissing: "Please enter the password.",
	SharedTitle: "Something has been shared with you", SharedAbout: "Open the link to see it.", ShowIt: "Open",
	Details: "Details", Size: "Size", Type: "Type", Changed: "Changed", LinkEnds: "Link works until", Download: "Download",
	DownloadAll: "Download all", DownloadsOff: "This link is for looking, not for downloading.", ShowPDF: "Open in the browser",
	Where: "Where you are", Views: "How to show the folder", Grid: "Grid", List: "List", Gallery: "Gallery", Empty: "This folder is empty.",
	Group: "Group", Groups: "Groups", GroupEmpty: "There are no files here.", GroupViews: "How to show the group", MoreGroups: "More groups", FileName: "File", Folder: "Folder",
	Contents: "Contents", FirstPage: "First page", NextPage: "Next page", Pages: "Pages",
	RequestTitle: "Send files to", RequestAbout: "Choose what you want to send. Only the people there will see it.",
	Choose: "Files", Drop: "You can also drop files here.", Send: "Send", Rules: "What can be sent", Deadline: "Until", Types: "Types", EachFile: "Each file",
	AtMost: "at most", SentTitle: "What you have sent", SentAbout: "You can close this page, or send more.", SendMore: "Send more files",
	NoFile: "Please choose a file first.", ToStart: "Go to the beginning", SignInLink: "Go to sign in",
	Notices: map[string]shareNotice{
		"share_expired":          {"This link has ended", "It worked for a certain time, which is over. " + askSender},
		"share_exhausted":        {"This link has been used up", "It may be used a certain number of times, and has been. " + askSender},
		"share_revoked":          {"This link has been withdrawn", "Whoever made it has ended it. If you still need what was here, ask them."},
		"share_unavailable":      {"This is not shared any more", "What the link led to has gone, or is not shared now. If you still need it, ask whoever sent you the link."},
		"share_sign_in_required": {"This link is for certain people", "Sign in with your account, then open the link there."},
		"share_not_for_you":      {"This link is for other people", "Your account is not among those it was made for. Ask whoever sent it to you."},
		"share_address_refused":  {"Not from here", "This link may only be opened from certain networks, such as an office. Try again from there."},
		"share_download_off":     {"Downloading is off", "This link is for looking, not for downloading."},
		"share_not_a_request":    {"Nothing can be sent here", "This link is not for sending files."},
		"share_is_a_request":     {"This link is for sending files", "What has been sent is not shown."},
		"not_found":              {"There is nothing here", "The link is not complete, or what it led to has gone. Check that you have copied all of it."},
		"node_trashed":           {"There is nothing here", "What was here has been removed."},
		"asset_trashed":          {"There is nothing here", "What was here has been removed."},
		"rate_limited":           {"Too many tries", "Wait a little, then try again."},
		"cursor_invalid":         {"This page of the list is not there", "The list has changed. Begin again from its first page."},
		"cross_origin":           {"This did not come from this page", "Open the link again and send the form from there."},
		"timeout":                {"This takes too long", "Please try again in a moment."},
		"unavailable":            {"This does not work at the moment", "Please try again in a moment."},
		"":                       {"This did not work", "Please try again. If it happens again, tell whoever sent you the link."},
	},
	Script: scriptText{
		Waiting: "Waiting", Sending: "Sending", Checking: "Checking", Done: "Sent", Failed: "Not sent",
		Network: "The connection broke.", Again: "Try again", Summary: "{done} of {all} files sent", NoFile: "Please choose a file first.",
	},
}

// notice returns what to say of a failure.
func (t *shareText) notice(p *problem) shareNotice {
	if n, ok := t.Notices[p.Code]; ok {
		return n
	}
	n := t.Notices[""]
	if p.Status < http.StatusInternalServerError {
		n.Text = sentence(p.Detail)
	}
	return n
}

// refusal says why a file was not taken.
func (t *shareText) refusal(e *core.Error) string {
	if n, ok := t.Notices[e.Code]; ok {
		return n.Title + ". " + n.Text
	}
	if len(e.Fields) > 0 && !strings.Contains(e.Message, e.Fields[0].Message) {
		return sentence(e.Message + ": " + e.Fields[0].Message)
	}
	return sentence(e.Message)
}

func (*shareText) wait(seconds string) string {
	if seconds == "1" {
		return "Wait a second, then try again."
	}
	return "Wait " + seconds + " seconds, then try again."
}

// sentence makes one of the message of an error.
func sentence(message string) string {
	if message == "" {
		return ""
	}
	return strings.ToUpper(message[:1]) + message[1:] + "."
}

// bytes returns a number of bytes as people read it: 1.4 MB.
func (*shareText) bytes(n int64) string {
	const step = 1000
	if n == 1 {
		return "1 byte"
	}
	if n < step {
		return fmt.Sprintf("%d bytes", n)
	}
	size, unit := float64(n), ""
	for _, u := range []string{"kB", "MB", "GB", "TB", "PB"} {
		if size, unit = size/step, u; size < step-0.5 {
			break
		}
	}
	if size < 10 { //nolint:mnd // one digit before the point: one after it
		return strings.TrimSuffix(fmt.Sprintf("%.1f", size), ".0") + " " + unit
	}
	return fmt.Sprintf("%.0f %s", size, unit)
}

func (*shareText) time(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04") + " UTC" }

// media names a media type in words.
func (*shareText) media(contentType string) string {
	contentType, _, _ = strings.Cut(contentType, ";")
	kinds := map[string]string{
		"image": "Image", "video": "Video", "audio": "Sound", "font": "Font", "text": "Text",
		"text/plain": "Text", "application/pdf": "PDF document", "application/zip": "Zip archive", "application/octet-stream": "File", "": "File",
	}
	if name, ok := kinds[contentType]; ok {
		return name
	}
	family, rest, _ := strings.Cut(contentType, "/")
	if name, ok := kinds[family]; ok {
		if rest == "" {
			return name
		}
		return fmt.Sprintf("%s (%s)", name, strings.ToUpper(strings.TrimPrefix(rest, "x-")))
	}
	return contentType
}

func (*shareText) files(n int64) string {
	if n >= core.MaxGroupCount {
		return "many files"
	}
	if n == 1 {
		return "one file"
	}
	return fmt.Sprintf("%d files", n)
}
