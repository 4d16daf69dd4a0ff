package core

import (
	"slices"
	"time"
)

// What can go wrong with a product.
var (
	ErrProductSlugTaken = &Error{Kind: KindConflict, Code: "product_slug_taken", Message: "the organisation has a product with this slug; choose another"}
	ErrProductState     = &Error{Kind: KindConflict, Code: "product_state", Message: "a product goes from draft to published or archived, from published to archived, and from archived to published"}
	ErrProductEmpty     = &Error{Kind: KindConflict, Code: "product_empty", Message: "nothing is linked to the product; link a file or folder first"}
	ErrProductSold      = &Error{Kind: KindConflict, Code: "product_sold", Message: "the product has been bought, and stays for those who have it; archive it instead"}
	ErrProductFull      = &Error{Kind: KindConflict, Code: "product_full", Message: "a product has at most 1,000 files and folders linked to it; link a folder that holds them"}
	ErrAlreadyLinked    = &Error{Kind: KindConflict, Code: "already_linked", Message: "this file or folder is linked to the product already"}
	ErrNotForSale       = &Error{Kind: KindConflict, Code: "not_for_sale", Message: "the product is not for sale now"}
	ErrAlreadyOwned     = &Error{Kind: KindConflict, Code: "already_owned", Message: "you have this product already; see /api/me/entitlements"}
	ErrSold             = &Error{Kind: KindConflict, Code: "sold", Message: "buyers have access to this, and keep it while it is in the trash; it can be removed for good once nobody has"}
)

// Limits of products.
const (
	MaxProductLinks     = 1_000
	MaxDescriptionBytes = 10_000
	MaxSubscriptionDays = 1_095 // three years, the longest that payment providers bill at once
)

// ProductID identifies a product.
type ProductID = ID[Product]

// ProductType says what buying a product gives.
type ProductType string

// The types of product.
const (
	Digital    ProductType = "digital"    // what is linked, for ever
	Membership ProductType = "membership" // what is linked, for as long as one pays
)

// ProductStatus says whether a product is for sale.
type ProductStatus string

// The states of a product.
const (
	ProductDraft     ProductStatus = "draft"
	ProductPublished ProductStatus = "published" // in the catalogue, for sale
	ProductArchived  ProductStatus = "archived"  // no longer for sale; whoever has it keeps it
)

// Product is something that an org sells: files and folders, under one price.
type Product struct {
	ID               ProductID
	OrgID            OrgID
	Name             string
	Slug             string // unique in the org
	Description      string
	Type             ProductType
	Price            Money
	SubscriptionDays int // of a membership: how long one payment lasts; else 0
	Status           ProductStatus
	CoverAssetID     AssetID // zero: none
	CreatedBy        AccountID
	PublishedAt      time.Time // the first time
	Version          int64
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// ProductChange is what an update leaves alone (nil) or sets, all of it clean.
// Whoever has bought the product is not concerned: what they paid, and for how
// long, was fixed when they bought it.
type ProductChange struct {
	Name             *string
	Slug             *string
	Description      *string
	Price            *Money
	SubscriptionDays *int
	CoverAssetID     *AssetID
	Status           *ProductStatus
}

// productSteps are the ways from one state to another.
var productSteps = map[ProductStatus][]ProductStatus{
	ProductDraft:     {ProductPublished, ProductArchived},
	ProductPublished: {ProductArchived},
	ProductArchived:  {ProductPublished},
}

// Change applies c. links is how many files and folders are linked: a product
// without any is not published.
func (p *Product) Change(c ProductChange, links int, now time.Time) error {
	set(&p.Name, c.Name)
	set(&p.Slug, c.Slug)
	set(&p.Description, c.Description)
	set(&p.Price, c.Price)
	set(&p.SubscriptionDays, c.SubscriptionDays)
	set(&p.CoverAssetID, c.CoverAssetID)
	if c.Status != nil && *c.Status != p.Status {
		switch {
		case !slices.Contains(productSteps[p.Status], *c.Status):
			return ErrProductState.With("status", string(p.Status))
		case *c.Status == ProductPublished && links == 0:
			return ErrProductEmpty
		case *c.Status == ProductPublished && p.PublishedAt.IsZero():
			p.PublishedAt = now
		}
		p.Status = *c.Status
	}
	p.Touch(now)
	return p.Check()
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// Touch makes another version of the product, as a change of what is linked
// to it does.
func (p *Product) Touch(now time.Time) {
	p.Version++
	p.UpdatedAt = now
}

// Check refuses a length of membership that does not fit the type.
func (p *Product) Check() error {
	const at = "body.subscription_days"
	switch p.Type {
	case Membership:
		if p.SubscriptionDays < 1 || p.SubscriptionDays > MaxSubscriptionDays {
			return Invalid(at, "a membership needs the number of days that one payment lasts, from 1 to 1095")
		}
	case Digital:
		if p.SubscriptionDays != 0 {
			return Invalid(at, "is for memberships only")
		}
	default:
		return Invalid("body.type", "must be digital or membership")
	}
	return nil
}

// CheckBuy refuses to sell what is not for sale, or has nothing linked to it.
// What never was for sale does not exist for buyers.
func (p *Product) CheckBuy(links int) error {
	switch {
	case p.PublishedAt.IsZero():
		return ErrNotFound
	case p.Status != ProductPublished || links == 0:
		return ErrNotForSale
	}
	return nil
}

// Counts reports whether the product counts against max_products_count:
// archived ones do not.
func (p *Product) Counts() bool { return p.Status != ProductArchived }

// CheckUnlink refuses to take away the last of links that a product on sale has.
func (p *Product) CheckUnlink(links int) error {
	if p.Status == ProductPublished && links <= 1 {
		return ErrProductEmpty.Say("this is all that the product has, and it is for sale; link something else first, or archive it")
	}
	return nil
}

// ProductSlug returns a slug for a product whose name says none: what people
// recognise, then, if that is taken or too little, the random end of the id.
func ProductSlug(name string, id ProductID, taken bool) string {
	if head := Slugify(name, MaxSlugBytes); len(head) >= minSlugBytes && !taken {
		return head
	}
	const idTail = 12 // hex digits: 48 random bits of a UUIDv7
	text := id.String()
	tail := text[len(text)-idTail:]
	if head := Slugify(name, MaxSlugBytes-idTail-1); head != "" {
		return head + "-" + tail
	}
	return "product-" + tail
}

// ProductLink is a file, or a folder with all that is in it, as a part of a
// product.
type ProductLink struct {
	ProductID ProductID
	OrgID     OrgID
	NodeID    NodeID
	Position  int // in the product, from 0
	AddedBy   AccountID
	AddedAt   time.Time
}

// CanSell refuses linking what is in a drive to those who do not sell for the
// org, or who may not write there: what one cannot change one does not sell.
func CanSell(f DriveFacts) error {
	if err := CanShare(f); err != nil {
		return err
	}
	return allowed(f.OrgRole.May(ManageProducts))
}

// CheckSellable refuses a node that nobody could download.
func CheckSellable(n *Node, f *File, live bool) error {
	switch {
	case n.IsRoot():
		return ErrIsRoot.Say("a whole drive is not sold; put what is for sale into a folder")
	case !live:
		return ErrNodeTrashed
	case n.Kind == KindAsset && f.Status != AssetReady:
		return ErrAssetNotReady
	}
	return nil
}

// CheckRemoval refuses to remove for good what live entitlements are for.
func CheckRemoval(live int64) error {
	if live == 0 {
		return nil
	}
	return ErrSold.With("live_entitlements", live)
}
