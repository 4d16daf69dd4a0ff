package httpapi

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

// maxFormBytes bounds what a form sends without the script; the script has no
// need of a bound, since it sends to the store.
const maxFormBytes = 2 << 30

// request shows the form of a file request.
func (h sharePages) request(c echo.Context, page *sharePage, looked *share.Looked, status int, why string, sent ...sentView) error {
	view, err := page.request(looked)
	if err != nil {
		return err
	}
	view.Error, view.Sent = why, sent
	page.Title, page.Request = page.T.RequestTitle, view
	return h.render(c, status, page)
}

// takeForm takes the files of the form, one after the other, each as it comes.
func (h sharePages) takeForm(c echo.Context) error {
	r := c.Request()
	page := requestOf(r.Context()).page
	looked, err := h.shares.Look(r.Context(), page.visit)
	switch {
	case err != nil:
		return err
	case !looked.Open && looked.NeedsSignIn:
		return core.ErrShareSignIn
	case !looked.Open:
		return h.ask(c, page, http.StatusOK, "")
	case looked.Kind != core.ShareUpload:
		return core.ErrShareNotRequest
	}
	ctx := connOf(r.Context()) // as long as bytes come
	deadlines := http.NewResponseController(c.Response().Writer)
	r.Body = http.MaxBytesReader(c.Response().Writer, &patientReader{ReadCloser: r.Body, patience: h.timeout, deadlines: deadlines}, maxFormBytes)
	parts, err := r.MultipartReader()
	if err != nil {
		return errMediaType.Say("send the form as multipart/form-data")
	}
	sent, err := h.receiveAll(ctx, page, &looked, parts)
	if err != nil {
		return err
	}
	status, why := http.StatusOK, ""
	if len(sent) == 0 {
		status, why = http.StatusUnprocessableEntity, page.T.NoFile
	}
	if slices.ContainsFunc(sent, func(s sentView) bool { return s.Error != "" }) {
		status = http.StatusUnprocessableEntity
	}
	return h.request(c, page, &looked, status, why, sent...)
}

func (h sharePages) receiveAll(ctx context.Context, page *sharePage, looked *share.Looked, parts *multipart.Reader) (sent []sentView, err error) {
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return sent, nil
		}
		if err != nil {
			return sent, formError(err)
		}
		name := part.FileName()
		if part.FormName() != "file" || name == "" {
			continue
		}
		row := sentView{Name: name}
		if err := h.receiveFile(ctx, page.visit, looked, part); err != nil {
			e := named(ctx, err)
			if e.Kind == core.KindInternal || e.Kind == core.KindUnavailable || errors.Is(err, errTooLarge) {
				return sent, err
			}
			row.Error = page.T.refusal(e)
		}
		sent = append(sent, row)
	}
}

// receiveFile keeps a file's bytes first, for only then is known how many they
// are, and asks then whether they may stay.
func (h sharePages) receiveFile(ctx context.Context, v share.Visit, looked *share.Looked, part *multipart.Part) error {
	contentType := part.Header.Get("Content-Type")
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	most := int64(maxFormBytes)
	if looked.Request.MaxBytes != core.Unlimited {
		most = min(most, looked.Request.MaxBytes)
	}
	staged, err := h.assets.Stage(ctx, contentType, io.LimitReader(part, most+1)) // one more: too many are noticed
	if err != nil {
		return formError(err)
	}
	in := share.UploadInput{Name: part.FileName(), ContentType: contentType, SizeBytes: staged.SizeBytes, SHA256: staged.SHA256}
	who, err := h.shares.BeginUpload(ctx, v, in)
	if err != nil {
		h.assets.Discard(ctx, staged)
		return err
	}
	a, err := h.assets.Adopt(ctx, who.Actor, asset.CreateInput{
		OrgID: who.OrgID, DriveID: who.DriveID, ParentID: who.ParentID, Name: in.Name, ContentType: in.ContentType, OnConflict: asset.ConflictRename,
	}, staged)
	if err != nil {
		return share.Hidden(err)
	}
	return h.shares.Uploaded(ctx, who, a)
}

// formError says what was wrong with a form that did not come to its end.
func formError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge.With("max_bytes", maxFormBytes)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, multipart.ErrMessageTooLarge) {
		return errMalformed.Say("the form is not complete")
	}
	return err
}

// patientReader lets a body take as long as bytes come.
type patientReader struct {
	io.ReadCloser

	patience  time.Duration
	deadlines *http.ResponseController
	extended  time.Time
}

// Read implements io.Reader.
func (p *patientReader) Read(b []byte) (int, error) {
	const often = 8 // times in the time there is
	if now := realNow(); now.Sub(p.extended) >= p.patience/often {
		if err := p.deadlines.SetReadDeadline(now.Add(p.patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
		p.extended = now
	}
	return p.ReadCloser.Read(b)
}
