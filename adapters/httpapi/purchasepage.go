package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// purchaseRoute is where buyers come back to from a payment provider's page, if
// the operator has no app that they come back to.
const (
	purchasePath  = "/purchases/"
	purchaseRoute = purchasePath + "{transaction_id}"
)

var (
	paidNotice    = shareNotice{"Thank you", "Your payment is being confirmed. A receipt comes by mail, and what you have bought is in your library shortly. You can close this page."}
	notPaidNotice = shareNotice{"Not paid yet", "Nothing has been charged. You can go on with your order where you began it, or give it up. You can close this page."}
)

// mountPurchase registers the page, which says what happens next. It knows
// nothing of the purchase: whoever has the address of a page need not be the buyer.
func (h sharePages) mountPurchase(e *echo.Echo) {
	e.Match([]string{http.MethodGet, http.MethodHead}, purchasePath+":transaction", func(c echo.Context) error {
		req := requestOf(c.Request().Context())
		req.route = purchaseRoute
		page := h.newPage(c.Request().Context(), "")
		req.page = page
		notice := paidNotice
		if c.QueryParam("payment") == "canceled" {
			notice = notPaidNotice
		}
		page.Title, page.Notice, page.WhiteLabel = notice.Title, &noticeView{shareNotice: notice}, true
		if h.app != "" && h.app != h.public {
			page.Notice.Link = &linkView{h.app, "Go to your library"}
		}
		return h.render(c, http.StatusOK, page)
	})
}
