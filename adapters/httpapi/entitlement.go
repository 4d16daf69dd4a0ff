package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/core"
)

// libraryRoutes are for buyers: what they have, and what they have paid.
type libraryRoutes struct {
	store         *store.Service
	cursors       codec[core.EntitlementID]
	contents      codec[store.Position]
	purchases     codec[core.TransactionID]
	subscriptions codec[core.SubscriptionID]
}

func (h libraryRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listMyEntitlements", method: http.MethodGet, path: "/api/me/entitlements", tag: tagMe,
		summary: "What the user has bought", about: "Lists the files and folders that the user may have because they were bought, newest first. Download files by /api/assets/{asset_id}/download.",
	}, h.list)
	register(api, operation{
		id: "listMyEntitlementAssets", method: http.MethodGet, path: "/api/me/entitlements/{entitlement_id}/assets", tag: tagMe, codes: []string{"not_a_folder"},
		summary: "What is in a folder that was bought", about: "Lists what is directly in a folder that the user has bought, or in one below it: folders first, then files, each by name.",
	}, h.look)
	register(api, operation{
		id: "listMyTransactions", method: http.MethodGet, path: "/api/me/transactions", tag: tagMe,
		summary: "What the user has ordered", about: "Lists the user's transactions, newest first.",
	}, h.bought)
	register(api, operation{
		id: "listMySubscriptions", method: http.MethodGet, path: "/api/me/subscriptions", tag: tagMe,
		summary: "The user's memberships", about: "Lists the user's subscriptions, newest first: those that are live or, with ended=true, all.",
	}, h.members)
	register(api, operation{
		id: "cancelSubscription", method: http.MethodPost, path: "/api/subscriptions/{subscription_id}/cancel", tag: tagStore, codes: []string{"subscription_state"},
		summary: "End a membership", about: "Ends the renewal of a subscription, for its user or for owners and admins of the organisation that sells it. Access goes on to the end of the period that is paid for. Doing it twice changes nothing.",
	}, h.cancel)
}

type boughtBody struct {
	AssetID     core.NodeID   `json:"asset_id" format:"uuid" doc:"The file or folder" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	Kind        core.NodeKind `json:"kind" enum:"folder,asset" doc:"A folder, or a file" example:"asset"`
	Name        string        `json:"name" doc:"Its name" example:"presets.zip"`
	ContentType *string       `json:"content_type" doc:"Of a file: its media type" example:"application/zip"`
	SizeBytes   *int64        `json:"size_bytes" doc:"Of a file: its size" example:"5000000"`
}

func showBought(e store.Entry) boughtBody {
	body := boughtBody{AssetID: e.Node.ID, Kind: e.Node.Kind, Name: e.Node.Name}
	if e.Node.Kind == core.KindAsset {
		body.ContentType, body.SizeBytes = &e.File.ContentType, &e.File.SizeBytes
	}
	return body
}

type entitlementBody struct {
	ID             core.EntitlementID   `json:"id" format:"uuid" doc:"Identifies the entitlement" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e24"`
	Asset          boughtBody           `json:"asset" doc:"What it is for"`
	OrgID          core.OrgID           `json:"org_id" format:"uuid" doc:"The organisation that has sold it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	OrgName        string               `json:"org_name" doc:"What people call it" example:"Example Studio"`
	ProductID      core.ProductID       `json:"product_id" format:"uuid" doc:"The product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	ProductName    string               `json:"product_name" doc:"What that is called" example:"Ten presets"`
	ProductType    core.ProductType     `json:"product_type" enum:"digital,membership" doc:"What was bought" example:"digital"`
	TransactionID  core.TransactionID   `json:"transaction_id" format:"uuid" doc:"The payment that gives it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e22"`
	SubscriptionID *core.SubscriptionID `json:"subscription_id" format:"uuid" doc:"The membership it belongs to; null: it was bought for ever" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e23"`
	ExpiresAt      *time.Time           `json:"expires_at" doc:"When the period ends that is paid for; null: never"`
	CreatedAt      time.Time            `json:"created_at" doc:"When it was given"`
}

func showEntitlement(h store.Held) entitlementBody {
	return entitlementBody{
		ID: h.Entitlement.ID, Asset: showBought(h.Entry), OrgID: h.Entitlement.OrgID, OrgName: h.OrgName, ProductID: h.ProductID,
		ProductName: h.ProductName, ProductType: h.ProductType, TransactionID: h.TransactionID, SubscriptionID: orNull(h.SubscriptionID),
		ExpiresAt: timeOrNull(h.ExpiresAt), CreatedAt: h.Entitlement.CreatedAt,
	}
}

type entitlementsOutput struct{ Body page[entitlementBody] }

func (h libraryRoutes) list(ctx context.Context, in *PageInput) (*entitlementsOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Library(ctx, actorOf(ctx), before, in.more())
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, *in, h.cursors, rows, showEntitlement, func(h store.Held) core.EntitlementID { return h.Entitlement.ID })
	return &entitlementsOutput{out}, err
}

type boughtAssetsInput struct {
	EntitlementID core.EntitlementID `path:"entitlement_id" format:"uuid" doc:"The entitlement" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e24"`
	ParentID      core.NodeID        `query:"parent_id" format:"uuid" doc:"A folder below it; left out: the folder itself" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
	PageInput
}

type boughtAssetsOutput struct{ Body page[boughtBody] }

func (h libraryRoutes) look(ctx context.Context, in *boughtAssetsInput) (*boughtAssetsOutput, error) {
	after, err := h.contents.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Contents(ctx, actorOf(ctx), store.ContentsInput{ID: in.EntitlementID, ParentID: in.ParentID, After: after, Limit: in.more()})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.contents, rows, showBought, func(e store.Entry) store.Position {
		return store.Position{Kind: e.Node.Kind, Name: e.Node.Name, ID: e.Node.ID}
	})
	return &boughtAssetsOutput{out}, err
}

type myTransactionsInput struct {
	Status core.TransactionStatus `query:"status" enum:"pending,completed,failed,refunded" doc:"Only those in this state" example:"completed"`
	PageInput
}

type transactionsOutput struct{ Body page[transactionBody] }

func (h libraryRoutes) bought(ctx context.Context, in *myTransactionsInput) (*transactionsOutput, error) {
	before, err := h.purchases.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Purchases(ctx, actorOf(ctx), store.TransactionQuery{Status: in.Status, Before: before, Limit: in.more()})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.purchases, rows, showPurchase, saleID)
	return &transactionsOutput{out}, err
}

type subscriptionBody struct {
	ID            core.SubscriptionID     `json:"id" format:"uuid" doc:"Identifies the subscription" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e23"`
	OrgID         core.OrgID              `json:"org_id" format:"uuid" doc:"The organisation that sells it" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	ProductID     core.ProductID          `json:"product_id" format:"uuid" doc:"The product" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e21"`
	ProductName   string                  `json:"product_name" doc:"What it was called when it began" example:"The archive"`
	UserID        core.UserID             `json:"user_id" format:"uuid" doc:"The member" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e11"`
	TransactionID core.TransactionID      `json:"transaction_id" format:"uuid" doc:"That paid for the present period" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e22"`
	Status        core.SubscriptionStatus `json:"status" enum:"active,past_due,canceled,expired" doc:"How it is doing" example:"active"`
	Price         moneyBody               `json:"price" doc:"What a period costs"`
	Days          int                     `json:"days" doc:"How many days a period has" example:"30"`
	PeriodStart   time.Time               `json:"period_start" doc:"When the present period began"`
	PeriodEnd     time.Time               `json:"period_end" doc:"When it ends"`
	CanceledAt    *time.Time              `json:"canceled_at" doc:"When its renewal was ended; null: it was not"`
	EndedAt       *time.Time              `json:"ended_at" doc:"When it ended; null: it has not"`
	Version       int64                   `json:"version" doc:"Counts its changes" example:"1"`
	CreatedAt     time.Time               `json:"created_at" doc:"When it began"`
	UpdatedAt     time.Time               `json:"updated_at" doc:"When it was last changed"`
}

func showSubscription(s *core.Subscription) subscriptionBody {
	return subscriptionBody{
		s.ID, s.OrgID, s.ProductID, s.ProductName, s.UserID, s.TransactionID, s.Status, moneyBody(s.Price), s.Days, s.PeriodStart, s.PeriodEnd,
		timeOrNull(s.CanceledAt), timeOrNull(s.EndedAt), s.Version, s.CreatedAt, s.UpdatedAt,
	}
}

func subscriptionID(s *core.Subscription) core.SubscriptionID { return s.ID }

type mySubscriptionsInput struct {
	Ended bool `query:"ended" doc:"Also those that have expired"`
	PageInput
}

type subscriptionsOutput struct{ Body page[subscriptionBody] }

func (h libraryRoutes) members(ctx context.Context, in *mySubscriptionsInput) (*subscriptionsOutput, error) {
	before, err := h.subscriptions.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Memberships(ctx, actorOf(ctx), store.SubscriptionQuery{Live: !in.Ended, Before: before, Limit: in.more()})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.subscriptions, rows, showSubscription, subscriptionID)
	return &subscriptionsOutput{out}, err
}

type cancelSubscriptionInput struct {
	SubscriptionID core.SubscriptionID `path:"subscription_id" format:"uuid" doc:"The subscription" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e23"`
}

type subscriptionOutput struct{ Body subscriptionBody }

func (h libraryRoutes) cancel(ctx context.Context, in *cancelSubscriptionInput) (*subscriptionOutput, error) {
	sub, err := h.store.CancelSubscription(ctx, actorOf(ctx), in.SubscriptionID)
	if err != nil {
		return nil, err
	}
	return &subscriptionOutput{showSubscription(sub)}, nil
}
