package httpapi

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

// What the script of the page asks for. The public API has the same, but a
// browser shows the password's cookie only to the page.

type scriptBegins struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	SizeBytes   int64  `json:"size_bytes"`
}

type scriptGoesOn struct {
	UploadProof
	From int `json:"from"`
}

func (h sharePages) beginScript(c echo.Context, v share.Visit) error {
	var in scriptBegins
	if err := readScript(c, &in); err != nil {
		return err
	}
	created, ticket, err := h.receive(c.Request().Context(), v, share.UploadInput{Name: in.Name, ContentType: in.ContentType, SizeBytes: in.SizeBytes})
	if err != nil {
		return err
	}
	return answerScript(c, begunBody{created.Asset.ID, ticket, showPlan(created.Upload)})
}

func (h sharePages) partsScript(c echo.Context, v share.Visit) error {
	id, in, err := goOn(c)
	if err != nil {
		return err
	}
	by, err := h.shares.CompleteUpload(c.Request().Context(), v, id, in.UploadID, in.UploadToken)
	if err != nil {
		return err
	}
	plan, err := h.assets.Resume(c.Request().Context(), by.Actor, id, in.From, 0)
	if err != nil {
		return share.Hidden(err)
	}
	return answerScript(c, begunBody{id, in.UploadToken, showPlan(plan)})
}

func (h sharePages) completeScript(c echo.Context, v share.Visit) error {
	id, in, err := goOn(c)
	if err != nil {
		return err
	}
	if _, err := h.received(c.Request().Context(), v, id, in.UploadToken, completed(in.UploadID, nil)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// goOn reads which upload goes on.
func goOn(c echo.Context) (id core.AssetID, in scriptGoesOn, err error) {
	if id, err = core.ParseID[core.Node](c.Param("node")); err != nil {
		return id, in, core.ErrNotFound
	}
	err = readScript(c, &in)
	return id, in, err
}

func readScript(c echo.Context, v any) error {
	const most = 64 << 10
	if !isJSON(c.Request().Header) {
		return errMediaType
	}
	if err := bounded(c, most); err != nil {
		return err
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return errTooLarge.With("max_bytes", most)
	}
	if err := checkJSON(body); err != nil {
		return err
	}
	if err := decode(body, v); err != nil {
		return errMalformed.Say(err.Error())
	}
	return nil
}

func answerScript(c echo.Context, v any) error {
	c.Response().Header().Set("Content-Type", "application/json")
	c.Response().WriteHeader(http.StatusOK)
	return encode(c.Response(), v)
}
