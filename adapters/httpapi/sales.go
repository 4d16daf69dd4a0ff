package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/core"
)

// salesRoutes are for those who sell: what they have sold.
type salesRoutes struct {
	store         *store.Service
	cursors       codec[core.TransactionID]
	subscriptions codec[core.SubscriptionID]
	timeout       time.Duration // of each page of an export
}

func (h salesRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listOrgTransactions", method: http.MethodGet, path: "/api/orgs/{org_id}/transactions", tag: tagStore, codes: []string{"forbidden"}, answer: salesListAnswer,
		summary: "What has been ordered",
		about:   "Lists the transactions of an organisation, newest first, for owners and admins. With format=csv, all rows that the filters leave come as one file, whatever limit and cursor are; text in it that a spreadsheet would take for a formula begins with an apostrophe.",
	}, h.list)
	register(api, operation{
		id: "listOrgSubscriptions", method: http.MethodGet, path: "/api/orgs/{org_id}/subscriptions", tag: tagStore, codes: []string{"forbidden"},
		summary: "Who is a member", about: "Lists the memberships that an organisation has sold, newest first, for owners and admins: those that are live or, with ended=true, all.",
	}, h.members)
	register(api, operation{
		id: "getOrgSales", method: http.MethodGet, path: "/api/orgs/{org_id}/sales", tag: tagStore, codes: []string{"forbidden", "validation_failed"}, answer: salesAnswer,
		summary: "What has been sold, by period",
		about:   "Counts completed transactions by the period in which they were completed, by product and currency, for owners and admins. Periods are those of the calendar in the organisation's time zone; without from, the last 30 days, 12 weeks, 12 months or 5 years. What was refunded later stays in the period of its sale.",
	}, h.sales)
}

type listSalesInput struct {
	OrgInput
	Status    core.TransactionStatus `query:"status" enum:"pending,completed,failed,refunded" doc:"Only those in this state" example:"completed"`
	ProductID core.ProductID         `query:"product_id" format:"uuid" doc:"Only those of this product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	From      time.Time              `query:"from" doc:"Only what was ordered then or later" example:"2026-01-01T00:00:00Z"`
	To        time.Time              `query:"to" doc:"Only what was ordered earlier" example:"2027-01-01T00:00:00Z"`
	Format    string                 `query:"format" enum:"json,csv" default:"json" doc:"A page, or all as one file" example:"csv"`
	PageInput
}

// salesListAnswer describes what list writes.
func salesListAnswer(schemas huma.Registry) map[string]*huma.MediaType {
	return pageOrCSV(schemas, reflect.TypeFor[page[transactionBody]]())
}

func (h salesRoutes) list(ctx context.Context, in *listSalesInput) (*writtenOutput, error) {
	q := store.TransactionQuery{OrgID: in.OrgID, Status: in.Status, ProductID: in.ProductID, From: in.From, To: in.To}
	if in.Format == "csv" {
		return h.export(ctx, q)
	}
	var err error
	if q.Before, err = h.cursors.open(ctx, in.Cursor); err != nil {
		return nil, err
	}
	q.Limit = in.more()
	rows, err := h.store.Transactions(ctx, actorOf(ctx), q)
	if err != nil {
		return nil, err
	}
	body, err := pageOf(ctx, in.PageInput, h.cursors, rows, showSale, saleID)
	if err != nil {
		return nil, err
	}
	return written(ctx, body)
}

func (h salesRoutes) export(ctx context.Context, q store.TransactionQuery) (*writtenOutput, error) {
	q.Limit = exportPage
	body, err := export[store.Sale]{"transactions.csv", saleColumns, func(ctx context.Context, after []store.Sale) ([]store.Sale, error) {
		if len(after) > 0 {
			q.Before = after[len(after)-1].ID
		}
		return h.store.Transactions(ctx, actorOf(ctx), q)
	}, saleRecord, h.timeout}.open(ctx)
	return &writtenOutput{body}, err
}

type orgSubscriptionsInput struct {
	OrgInput
	Ended     bool           `query:"ended" doc:"Also those that have expired"`
	ProductID core.ProductID `query:"product_id" format:"uuid" doc:"Only those of this product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	PageInput
}

func (h salesRoutes) members(ctx context.Context, in *orgSubscriptionsInput) (*subscriptionsOutput, error) {
	before, err := h.subscriptions.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Subscriptions(ctx, actorOf(ctx), store.SubscriptionQuery{
		OrgID: in.OrgID, ProductID: in.ProductID, Live: !in.Ended, Before: before, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.subscriptions, rows, showSubscription, subscriptionID)
	return &subscriptionsOutput{out}, err
}

type salesInput struct {
	OrgInput
	Period    core.Period    `query:"period" enum:"day,week,month,year" default:"month" doc:"By what to count" example:"month"`
	From      time.Time      `query:"from" doc:"From the beginning of the period that this is in" example:"2026-01-01T00:00:00Z"`
	To        time.Time      `query:"to" doc:"To the end of the period before this; left out: now" example:"2027-01-01T00:00:00Z"`
	ProductID core.ProductID `query:"product_id" format:"uuid" doc:"Only this product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	Format    string         `query:"format" enum:"json,csv" default:"json" doc:"As JSON, or as a file" example:"csv"`
}

// SumBody are sales added up.
type SumBody struct {
	Currency string `json:"currency" doc:"ISO 4217 code of the amounts" example:"EUR"`
	Count    int64  `json:"count" doc:"How many transactions" example:"12"`
	Gross    int64  `json:"gross" doc:"What was paid, in the minor unit of the currency" example:"22800"`
	Refunded int64  `json:"refunded" doc:"What of that was given back, whenever" example:"1900"`
	Net      int64  `json:"net" doc:"The difference" example:"20900"`
}

type salesRowBody struct {
	PeriodStart time.Time      `json:"period_start" doc:"When the period begins"`
	PeriodEnd   time.Time      `json:"period_end" doc:"When it ends"`
	ProductID   core.ProductID `json:"product_id" format:"uuid" doc:"The product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	ProductName string         `json:"product_name" doc:"What it was called" example:"Ten presets"`
	SumBody
}

type salesBody struct {
	Period   core.Period    `json:"period" enum:"day,week,month,year" doc:"By what was counted" example:"month"`
	TimeZone string         `json:"time_zone" doc:"Whose calendar it is" example:"Europe/Berlin"`
	From     time.Time      `json:"from" doc:"When the first period begins"`
	To       time.Time      `json:"to" doc:"When the last one ends"`
	Items    []salesRowBody `json:"items" doc:"By period, product and currency; without sales, there is no row"`
	Totals   []SumBody      `json:"totals" doc:"All of it, by currency"`
}

// salesAnswer describes what sales writes.
func salesAnswer(schemas huma.Registry) map[string]*huma.MediaType {
	return pageOrCSV(schemas, reflect.TypeFor[salesBody]())
}

func (h salesRoutes) sales(ctx context.Context, in *salesInput) (*writtenOutput, error) {
	s, err := h.store.Sales(ctx, actorOf(ctx), store.SalesInput{
		OrgID: in.OrgID, ProductID: in.ProductID, Period: in.Period, From: in.From, To: in.To,
	})
	if err != nil {
		return nil, err
	}
	body := showSales(in.Period, s)
	if in.Format != "csv" {
		return written(ctx, body)
	}
	out, err := export[salesRowBody]{"sales.csv", salesColumns, func(context.Context, []salesRowBody) ([]salesRowBody, error) {
		return body.Items, nil
	}, salesRecord, h.timeout}.open(ctx)
	return &writtenOutput{out}, err
}

func showSales(period core.Period, s store.Sales) salesBody {
	body := salesBody{
		Period: period, TimeZone: s.Zone, From: s.Bounds[0].UTC(), To: s.Bounds[len(s.Bounds)-1].UTC(), Items: []salesRowBody{}, Totals: []SumBody{},
	}
	totals := map[string]*SumBody{}
	for _, r := range s.Rows {
		sum := SumBody{r.Currency, r.Count, r.Gross, r.Refunded, r.Gross - r.Refunded}
		body.Items = append(body.Items, salesRowBody{s.Bounds[r.Period].UTC(), s.Bounds[r.Period+1].UTC(), r.ProductID, r.ProductName, sum})
		total := totals[r.Currency]
		if total == nil {
			total = &SumBody{Currency: r.Currency}
			totals[r.Currency] = total
		}
		total.Count, total.Gross, total.Refunded, total.Net = total.Count+sum.Count, total.Gross+sum.Gross, total.Refunded+sum.Refunded, total.Net+sum.Net
	}
	for _, total := range totals {
		body.Totals = append(body.Totals, *total)
	}
	slices.SortFunc(body.Totals, func(a, b SumBody) int { return cmp.Compare(a.Currency, b.Currency) })
	return body
}

var salesColumns = []string{"period_start", "period_end", "product_id", "product_name", "currency", "count", "gross", "refunded", "net"}

func salesRecord(r salesRowBody) ([]string, error) {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		timeCell(r.PeriodStart), timeCell(r.PeriodEnd), r.ProductID.String(), r.ProductName, r.Currency,
		number(r.Count), number(r.Gross), number(r.Refunded), number(r.Net),
	}, nil
}
