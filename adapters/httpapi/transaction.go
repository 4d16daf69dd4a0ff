package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/core"
)

type transactionRoutes struct{ store *store.Service }

const transactionPath = "/api/transactions/{transaction_id}"

func (h transactionRoutes) mount(api huma.API) {
	register(api, operation{
		id: "createTransaction", method: http.MethodPost, path: "/api/transactions", tag: tagStore, status: http.StatusCreated,
		codes:   []string{"not_found", "not_for_sale", "already_owned", "payment_refused", "conflict"},
		summary: "Buy a product",
		about:   "Orders a product at its present price. What is free is yours at once. Else pay at checkout_url, or, where that is null, pay the seller, who then confirms it. Who has an order of the product that is not paid gets that one again.",
	}, h.buy)
	register(api, operation{
		id: "getTransaction", method: http.MethodGet, path: transactionPath, tag: tagStore, also: notModified,
		summary: "One transaction", about: "Returns a transaction to its buyer, and to owners and admins of the organisation that sells.",
	}, h.get)
	register(api, operation{
		id: "cancelTransaction", method: http.MethodPost, path: transactionPath + "/cancel", tag: tagStore, codes: []string{"transaction_state"},
		summary: "Give up an order", about: "Ends an order that is not paid, for its buyer or its seller.",
	}, h.cancel)
	register(api, operation{
		id: "completeTransaction", method: http.MethodPost, path: transactionPath + "/complete", tag: tagStore,
		codes:   []string{"forbidden", "transaction_state", "paid_by_provider", "not_for_sale", "idempotency_conflict"},
		summary: "Confirm a payment", about: "Says, for the seller, that an order has been paid by hand. The buyer has what they bought at once. Confirming twice changes nothing.",
	}, h.complete)
	register(api, operation{
		id: "refundTransaction", method: http.MethodPost, path: transactionPath + "/refund", tag: tagStore,
		codes:   []string{"forbidden", "transaction_state", "refund_too_high", "payment_refused"},
		summary: "Give money back",
		about:   "Gives back what was paid, or a part of it: by the payment provider, or, where the seller was paid by hand, it notes that the seller has done so. All of it takes away what this payment has bought, and nothing else; a part takes away nothing. Send an Idempotency-Key or If-Match, so that a repeated request gives nothing back twice.",
	}, h.refund)
}

type buyerBody struct {
	ID    core.UserID `json:"id" format:"uuid" doc:"The user" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e11"`
	Email string      `json:"email" doc:"Their address" example:"ben@example.com"`
	Name  string      `json:"name" doc:"Their name" example:"Ben"`
}

type transactionBody struct {
	ID             core.TransactionID     `json:"id" format:"uuid" doc:"Identifies the transaction" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e22"`
	OrgID          core.OrgID             `json:"org_id" format:"uuid" doc:"The organisation that sells" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	OrgName        *string                `json:"org_name,omitempty" doc:"In lists: what people call it" example:"Example Studio"`
	ProductID      core.ProductID         `json:"product_id" format:"uuid" doc:"The product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	ProductName    string                 `json:"product_name" doc:"What it was called then" example:"Ten presets"`
	Type           core.ProductType       `json:"type" enum:"digital,membership" doc:"What is bought" example:"digital"`
	BuyerID        core.UserID            `json:"buyer_id" format:"uuid" doc:"The user who buys" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e11"`
	Buyer          *buyerBody             `json:"buyer,omitempty" doc:"In the seller's list: who that is"`
	SubscriptionID *core.SubscriptionID   `json:"subscription_id" format:"uuid" doc:"The membership it pays for; null: none, or none yet" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e23"`
	Renewal        bool                   `json:"renewal" doc:"Whether it pays for another period of a membership"`
	Price          moneyBody              `json:"price" doc:"What was agreed"`
	RefundedAmount int64                  `json:"refunded_amount" doc:"How much of it has been given back, in the minor unit of its currency" example:"0"`
	Provider       string                 `json:"provider" doc:"Who takes the money: free, manual, or the name of a payment provider" example:"manual"`
	Status         core.TransactionStatus `json:"status" enum:"pending,completed,failed,refunded" doc:"How far it is" example:"completed"`
	FailReason     *core.FailReason       `json:"fail_reason" enum:"canceled,expired,declined,paid_late" doc:"Why it failed; paid_late: what was paid is given back, as there was nothing any more that it could buy; null: it did not" example:"expired"`
	Disputed       bool                   `json:"disputed" doc:"Whether the buyer's bank asks for the money back: what was bought is suspended meanwhile"`
	ExpiresAt      *time.Time             `json:"expires_at" doc:"Until when it can be paid; null: it is not pending"`
	CompletedAt    *time.Time             `json:"completed_at" doc:"When it was paid; null: it was not"`
	EndedAt        *time.Time             `json:"ended_at" doc:"When it failed or was refunded; null: neither"`
	Version        int64                  `json:"version" doc:"Counts its changes; the ETag" example:"2"`
	CreatedAt      time.Time              `json:"created_at" doc:"When it was ordered"`
	UpdatedAt      time.Time              `json:"updated_at" doc:"When it was last changed"`
}

func showTransaction(t *core.Transaction) transactionBody {
	body := transactionBody{
		ID: t.ID, OrgID: t.OrgID, ProductID: t.ProductID, ProductName: t.ProductName, Type: t.Type, BuyerID: t.BuyerID,
		SubscriptionID: orNull(t.SubscriptionID), Renewal: t.Renewal, Price: moneyBody(t.Price), RefundedAmount: t.Refunded, Provider: t.Provider,
		Status: t.Status, FailReason: orNull(t.FailReason), Disputed: !t.DisputedAt.IsZero(), CompletedAt: timeOrNull(t.CompletedAt),
		EndedAt: timeOrNull(t.EndedAt), Version: t.Version, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
	if t.Status == core.TransactionPending {
		body.ExpiresAt = &t.ExpiresAt
	}
	return body
}

// showPurchase shows a transaction in its buyer's list, showSale in the seller's.
func showPurchase(s store.Sale) transactionBody {
	body := showTransaction(&s.Transaction)
	body.OrgName = &s.OrgName
	return body
}

func showSale(s store.Sale) transactionBody {
	body := showTransaction(&s.Transaction)
	body.Buyer = &buyerBody{s.BuyerID, s.BuyerEmail, s.BuyerName}
	return body
}

func saleID(s store.Sale) core.TransactionID { return s.ID }

type orderBody struct {
	Transaction transactionBody `json:"transaction" doc:"The order"`
	CheckoutURL *string         `json:"checkout_url" format:"uri" doc:"Where to pay; null: nowhere" example:"https://checkout.stripe.com/c/pay/cs_test_a1"`
}

func showOrder(t *core.Transaction) orderBody {
	return orderBody{showTransaction(t), orNull(t.CheckoutURL)}
}

type buyInput struct {
	OnceInput
	Body struct {
		ProductID core.ProductID `json:"product_id" format:"uuid" doc:"What to buy" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	}
}

type orderOutput struct {
	Location string `header:"Location" doc:"Where the transaction is" example:"/api/transactions/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e22"`
	ETag     string `header:"ETag" doc:"The version of the resource" example:"\"1\""`
	Body     orderBody
}

func (h transactionRoutes) buy(ctx context.Context, in *buyInput) (*orderOutput, error) {
	wish, err := once(ctx, in.OnceInput, showOrder)
	if err != nil {
		return nil, err
	}
	t, err := h.store.Buy(ctx, actorOf(ctx), store.BuyInput{ProductID: in.Body.ProductID, Once: wish})
	if err != nil {
		return nil, err
	}
	return &orderOutput{"/api/transactions/" + t.ID.String(), etag(t.Version), showOrder(t)}, nil
}

// TransactionInput names a transaction.
type TransactionInput struct {
	TransactionID core.TransactionID `path:"transaction_id" format:"uuid" doc:"The transaction" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e22"`
}

type getTransactionInput struct {
	TransactionInput
	ConditionalInput
}

type transactionOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the resource" example:"\"2\""`
	Body   transactionBody
}

func (h transactionRoutes) answer(t *core.Transaction, err error) (*transactionOutput, error) {
	if err != nil {
		return nil, err
	}
	return &transactionOutput{http.StatusOK, etag(t.Version), showTransaction(t)}, nil
}

func (h transactionRoutes) get(ctx context.Context, in *getTransactionInput) (*transactionOutput, error) {
	out, err := h.answer(h.store.Transaction(ctx, actorOf(ctx), in.TransactionID))
	if err != nil {
		return nil, err
	}
	out.Status = fresh(in.IfNoneMatch, out.ETag)
	return out, nil
}

func (h transactionRoutes) cancel(ctx context.Context, in *TransactionInput) (*transactionOutput, error) {
	return h.answer(h.store.Abandon(ctx, actorOf(ctx), in.TransactionID))
}

type completeTransactionInput struct {
	TransactionInput
	OnceInput
}

func (h transactionRoutes) complete(ctx context.Context, in *completeTransactionInput) (*transactionOutput, error) {
	wish, err := once(ctx, in.OnceInput, showTransaction)
	if err != nil {
		return nil, err
	}
	if wish != nil {
		wish.Status = http.StatusOK
	}
	return h.answer(h.store.Complete(ctx, actorOf(ctx), in.TransactionID, wish))
}

type refundInput struct {
	TransactionInput
	MatchInput
	OnceInput
	Body *struct {
		Amount *int64 `json:"amount,omitempty" minimum:"0" maximum:"99999999999" doc:"How much, in the minor unit of the currency; all that is left if left out" example:"500"`
		Reason string `json:"reason,omitempty" maxLength:"200" doc:"For the audit log" example:"bought by mistake"`
	}
}

func (h transactionRoutes) refund(ctx context.Context, in *refundInput) (*transactionOutput, error) {
	wish, err := once(ctx, in.OnceInput, showTransaction)
	if err != nil {
		return nil, err
	}
	order := store.RefundInput{ID: in.TransactionID, Once: wish}
	if wish != nil {
		wish.Status = http.StatusOK
	}
	if in.Body != nil {
		order.Amount, order.Reason = in.Body.Amount, in.Body.Reason
	}
	order.IfMatch, err = expected(in.IfMatch, func() (int64, error) {
		t, err := h.store.Transaction(ctx, actorOf(ctx), in.TransactionID)
		if err != nil {
			return 0, err
		}
		return t.Version, nil
	})
	if err != nil {
		return nil, err
	}
	return h.answer(h.store.Refund(ctx, actorOf(ctx), order))
}

func saleRecord(s store.Sale) ([]string, error) {
	return []string{
		s.ID.String(), timeCell(s.CreatedAt), string(s.Status), s.ProductID.String(), s.ProductName, s.BuyerID.String(), s.BuyerEmail, s.BuyerName,
		strconv.FormatInt(s.Price.Amount, 10), s.Price.Currency, strconv.FormatInt(s.Refunded, 10), s.Provider, strconv.FormatBool(s.Renewal),
		idCell(s.SubscriptionID), timeOrBlank(s.CompletedAt), timeOrBlank(s.EndedAt),
	}, nil
}

var saleColumns = []string{
	"id", "created_at", "status", "product_id", "product_name", "buyer_id", "buyer_email", "buyer_name", "amount", "currency", "refunded_amount",
	"provider", "renewal", "subscription_id", "completed_at", "ended_at",
}

// timeOrBlank is a time in a cell, or nothing.
func timeOrBlank(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return timeCell(t)
}
