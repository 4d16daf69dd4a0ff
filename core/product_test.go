package core

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var noonOfSales = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func aProduct(status ProductStatus) *Product {
	return &Product{ID: ProductID{1}, OrgID: OrgID{2}, Type: Digital, Status: status, Price: Money{1_900, "EUR"}, Version: 1}
}

// TestProductsGoFromStateToState has every step there could be.
func TestProductsGoFromStateToState(t *testing.T) {
	states := []ProductStatus{ProductDraft, ProductPublished, ProductArchived}
	legal := map[[2]ProductStatus]bool{
		{ProductDraft, ProductPublished}: true, {ProductDraft, ProductArchived}: true,
		{ProductPublished, ProductArchived}: true, {ProductArchived, ProductPublished}: true,
	}
	for _, from := range states {
		for _, to := range states {
			p := aProduct(from)
			err := p.Change(ProductChange{Status: &to}, 1, noonOfSales)
			switch {
			case from == to || legal[[2]ProductStatus{from, to}]:
				if err != nil || p.Status != to || p.Version != 2 {
					t.Errorf("%s to %s: %v, %+v", from, to, err, p)
				}
			case !errors.Is(err, ErrProductState) || p.Status != from:
				t.Errorf("%s to %s: %v, %+v", from, to, err, p)
			}
		}
	}
	if err := aProduct(ProductDraft).Change(ProductChange{Status: new(ProductPublished)}, 0, noonOfSales); !errors.Is(err, ErrProductEmpty) {
		t.Errorf("an empty product is published: %v", err)
	}
	p := aProduct(ProductDraft)
	for i, status := range []ProductStatus{ProductPublished, ProductArchived, ProductPublished} {
		if err := p.Change(ProductChange{Status: &status}, 1, noonOfSales.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if p.PublishedAt != noonOfSales {
		t.Errorf("published at %v: the first time counts", p.PublishedAt)
	}
}

func TestADaysBelongToMembershipsOnly(t *testing.T) {
	for _, c := range []struct {
		kind ProductType
		days int
		ok   bool
	}{
		{Digital, 0, true},
		{Digital, 30, false},
		{Membership, 0, false},
		{Membership, -1, false},
		{Membership, 1, true},
		{Membership, 1_095, true},
		{Membership, 1_096, false},
		{"rental", 1, false},
	} {
		if err := (&Product{Type: c.kind, SubscriptionDays: c.days}).Check(); (err == nil) != c.ok {
			t.Errorf("%s of %d days: %v", c.kind, c.days, err)
		}
	}
}

func TestWhatIsForSaleKeepsSomethingLinked(t *testing.T) {
	for status, want := range map[ProductStatus]error{ProductDraft: nil, ProductArchived: nil, ProductPublished: ErrProductEmpty} {
		if err := aProduct(status).CheckUnlink(1); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", status, err, want)
		}
		if err := aProduct(status).CheckUnlink(2); err != nil {
			t.Errorf("%s: %v", status, err)
		}
	}
}

func TestWhatCanBeSold(t *testing.T) {
	file, ready := &Node{ParentID: NodeID{1}, Kind: KindAsset}, &File{Status: AssetReady}
	for _, c := range []struct {
		name string
		node *Node
		file *File
		live bool
		want error
	}{
		{"a file", file, ready, true, nil},
		{"a folder", &Node{ParentID: NodeID{1}, Kind: KindFolder}, &File{}, true, nil},
		{"a file without bytes", file, &File{Status: AssetPending}, true, ErrAssetNotReady},
		{"a file in the trash", file, ready, false, ErrNodeTrashed},
		{"a whole drive", &Node{Kind: KindFolder}, &File{}, true, ErrIsRoot},
	} {
		if err := CheckSellable(c.node, c.file, c.live); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	seller := DriveFacts{DriveStanding: DriveStanding{Status: AccountActive, OrgRole: OrgAdmin, Ownership: SharedDrive}}
	for name, c := range map[string]struct {
		edit func(f *DriveFacts)
		want error
	}{
		"an admin":                    {func(*DriveFacts) {}, nil},
		"a member who edits":          {func(f *DriveFacts) { f.OrgRole, f.Member = OrgMember, DriveEditor }, ErrForbidden},
		"an admin who only reads":     {func(f *DriveFacts) { f.Member = DriveViewer }, ErrForbidden},
		"somebody else's own drive":   {func(f *DriveFacts) { f.Ownership = OthersDrive }, ErrNotFound},
		"somebody of another org":     {func(f *DriveFacts) { f.Status = "" }, ErrNotFound},
		"a script with all its might": {func(f *DriveFacts) { f.APIKey = KeyFacts{ID: APIKeyID{1}, Status: KeyActive, Permissions: permitAll} }, ErrKeyNotAllowed},
	} {
		f := seller
		c.edit(&f)
		if err := CanSell(f); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestSlugsOfProducts(t *testing.T) {
	id, err := ParseID[Product]("0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		taken bool
		want  string
	}{
		{"Ten Presets!", false, "ten-presets"},
		{"Ten Presets!", true, "ten-presets-3f1c6a0b8e13"},
		{"Ä", false, "product-3f1c6a0b8e13"},
		{"Go", false, "go-3f1c6a0b8e13"},
		{strings.Repeat("long ", 40), true, "long-long-long-long-long-long-long-long-long-long-3f1c6a0b8e13"},
	} {
		if got := ProductSlug(c.name, id, c.taken); got != c.want || len(got) > MaxSlugBytes {
			t.Errorf("%q, %v: %q, want %q", c.name, c.taken, got, c.want)
		}
	}
}

func TestPrices(t *testing.T) {
	known := func(code string) bool { return code == "EUR" || code == "JPY" }
	for m, ok := range map[Money]bool{
		{0, "EUR"}: true, {1, "JPY"}: true, {MaxAmount, "EUR"}: true, {MaxAmount + 1, "EUR"}: false, {-1, "EUR"}: false,
		{1, "eur"}: false, {1, ""}: false, {1, "EURO"}: false, {1, "XXX"}: false,
	} {
		if err := CheckMoney("body.price", m, known); (err == nil) != ok {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

func TestProse(t *testing.T) {
	same := func(s string) string { return s }
	for raw, want := range map[string]string{
		" a\r\nb\rc\n\td ": "a\nb\nc\n\td", "": "", " \n ": "", "x\x00y": "!", "x\x07": "!", "\u202ex": "!", "\xff": "!", strings.Repeat("a", 11): "!",
	} {
		got, err := CleanProse("body.description", raw, 10, same)
		if (err != nil) != (want == "!") || err == nil && got != want {
			t.Errorf("%q: %q, %v", raw, got, err)
		}
	}
}
