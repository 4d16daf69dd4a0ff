package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestASellerPutsAProductUpForSale(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, eve, nobody := s.signUp("ana").found(object{"name": "Studio Ana", "slug": "studio-ana"}), s.signUp("eve"), s.anybody()
		once := with{"Idempotency-Key": "presets"}
		made := ana.want(http.StatusCreated, "POST", ana.products(""), article("Ten Presets", object{"description": "For portraits.\r\nAnd more."}), once)
		id := made.text("id")
		path := ana.products("/" + id)
		if made.text("slug") != "ten-presets" || made.text("status") != "draft" || made.number("price.amount") != 1900 || made.get("subscription_days") != nil ||
			made.get("published_at") != nil || made.text("description") != "For portraits.\nAnd more." || made.text("created_by") != ana.account ||
			made.header.Get("Location") != path || made.header.Get("ETag") != `"1"` {
			t.Errorf("%v %s", made.header, made.body)
		}
		if again := ana.want(http.StatusCreated, "POST", ana.products(""), article("Ten Presets", object{"description": "For portraits.\r\nAnd more."}), once); !bytes.Equal(again.body, made.body) {
			t.Errorf("%s\n%s", made.body, again.body)
		}
		ana.refused(http.StatusConflict, "idempotency_conflict", "POST", ana.products(""), article("Other", nil), once)
		if second := ana.want(http.StatusCreated, "POST", ana.products(""), article("Ten presets", nil)); !strings.HasPrefix(second.text("slug"), "ten-presets-") {
			t.Errorf("%s", second.body)
		} else {
			ana.want(http.StatusNoContent, "DELETE", ana.products("/"+second.text("id")), nil)
		}
		ana.refused(http.StatusConflict, "product_slug_taken", "POST", ana.products(""), article("x", object{"slug": "Ten-Presets"}))
		for _, bad := range []object{
			{"price": object{"amount": -1, "currency": "EUR"}},
			{"price": object{"amount": 100_000_000_000, "currency": "EUR"}},
			{"price": object{"amount": 1.5, "currency": "EUR"}},
			{"price": object{"amount": "19", "currency": "EUR"}},
			{"price": object{"amount": 1, "currency": "eur"}},
			{"price": object{"amount": 1, "currency": "ZZZ"}},
			{"price": nil},
			{"price": object{"amount": uint64(1) << 63, "currency": "EUR"}},
			{"name": ""},
			{"name": strings.Repeat("n", 201)},
			{"name": "a\u202eb"},
			{"slug": "a b"},
			{"slug": "x"},
			{"type": "service"},
			{"type": "membership"},
			{"type": "membership", "subscription_days": 0},
			{"type": "membership", "subscription_days": 1096},
			{"subscription_days": 30},
			{"status": "published"},
			{"description": "\x01"},
			{"cover_asset_id": missingID},
			{"org_id": eve.org},
		} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", ana.products(""), article("Bad", bad))
		}

		// Of a draft nobody outside knows, and nothing empty is sold.
		hidden := func() {
			t.Helper()
			nobody.refused(http.StatusNotFound, "not_found", "GET", "/api/products?org=studio-ana", nil) // that is no shop
			nobody.refused(http.StatusNotFound, "not_found", "GET", "/api/products/"+id, nil)
		}
		hidden()
		eve.refused(http.StatusNotFound, "not_found", "POST", "/api/transactions", object{"product_id": id})
		ana.refused(http.StatusConflict, "product_empty", "PATCH", path, object{"status": "published"})

		// Parts come in order, each once, and only what is there and one's own.
		inbox := ana.folder(ana.drive, "/Bonus")
		one, two := ana.upload(object{"name": "one.txt"}, []byte("1")).text("id"), ana.upload(object{"name": "two.txt"}, []byte("2")).text("id")
		ana.links(id, aFile(one))
		if a := ana.links(id, aFolder(inbox)); a.text("kind") != "folder" || a.number("position") != 1 || a.get("size_bytes") != nil || a.text("added_by") != ana.account {
			t.Errorf("%s", a.body)
		}
		if a := ana.links(id, aFile(two).but(object{"position": 0})); a.number("position") != 0 || a.number("size_bytes") != 1 {
			t.Errorf("%s", a.body)
		}
		parts := func(want ...string) {
			t.Helper()
			a := ana.want(http.StatusOK, "GET", path+"/assets", nil)
			if got := a.list("asset_id"); !slices.Equal(got, want) || fmt.Sprint(a.list("position")) != fmt.Sprint([]string{"0", "1", "2"}[:len(want)]) {
				t.Errorf("%s, want %v", a.body, want)
			}
		}
		parts(two, one, inbox)
		if a := ana.want(http.StatusOK, "PATCH", path+"/assets/"+inbox, object{"position": 0}); a.number("position") != 0 {
			t.Errorf("%s", a.body)
		}
		ana.want(http.StatusOK, "PATCH", path+"/assets/"+two, object{"position": 999})
		parts(inbox, one, two)
		ana.refused(http.StatusConflict, "already_linked", "POST", path+"/assets", aFile(one))
		ana.refused(http.StatusConflict, "upload_incomplete", "POST", path+"/assets", aFile(ana.create(object{"name": "p.txt", "size_bytes": 1}).text("asset.id")))
		gone := ana.upload(object{"name": "gone.txt"}, []byte("3")).text("id")
		ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+gone, nil)
		ana.refused(http.StatusConflict, "trashed", "POST", path+"/assets", aFile(gone))
		ana.refused(http.StatusConflict, "root_folder", "POST", path+"/assets", aFolder(ana.drive))
		own := &user{client: ana.client, org: ana.want(http.StatusOK, "GET", "/api/me", nil).text("personal_org_id")}
		for _, part := range []object{ // another tenant's, another org's of hers, nobody's, a folder as a file, a file as a folder, both, neither
			aFile(eve.upload(object{"name": "e.txt"}, []byte("e")).text("id")), aFile(own.upload(object{"name": "o.txt"}, []byte("o")).text("id")),
			aFile(missingID), aFile(inbox), aFolder(one), aFile(one).but(aFolder(inbox)),
			{},
		} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "POST", path+"/assets", part)
		}

		// For sale: everybody sees it, under the org's slug and id.
		tag := ana.want(http.StatusOK, "GET", path, nil).header.Get("ETag")
		ana.refused(http.StatusPreconditionFailed, "precondition_failed", "PATCH", path, object{"status": "published"}, with{"If-Match": made.header.Get("ETag")})
		cover := ana.upload(object{"name": "cover.png", "content_type": "image/png"}, picture(9)).text("id")
		published := ana.want(http.StatusOK, "PATCH", path, object{"status": "published", "cover_asset_id": cover, "slug": "presets"}, with{"If-Match": tag})
		if published.text("status") != "published" || published.get("published_at") == nil || published.number("assets_count") != 3 {
			t.Errorf("%s", published.body)
		}
		ana.want(http.StatusNotModified, "GET", path, nil, with{"If-None-Match": published.header.Get("ETag")})
		ana.refused(http.StatusConflict, "product_state", "PATCH", path, object{"status": "draft"})
		more := ana.offers(article("Éclair brushes", nil), aFile(one))
		for _, org := range []string{"studio-ana", "Studio-ANA", ana.org} {
			for _, c := range []*client{nobody, eve.client} {
				if names := c.want(http.StatusOK, "GET", "/api/products?org="+org, nil).list("name"); !slices.Equal(names, []string{"Éclair brushes", "Ten Presets"}) {
					t.Errorf("%s: %v", org, names)
				}
			}
		}
		if ids := eve.listing("id", "/api/products?org=studio-ana&limit=1"); !slices.Equal(ids, []string{more, id}) {
			t.Errorf("by pages of one: %v", ids)
		}
		for q, want := range map[string][]string{"PRESET": {id}, "e%CC%81clair": {more}, "%25": nil, "_": nil, "nothing": nil} {
			if ids := nobody.want(http.StatusOK, "GET", "/api/products?org=studio-ana&q="+q, nil).list("id"); !slices.Equal(ids, want) && len(ids)+len(want) > 0 {
				t.Errorf("q=%s: %v", q, ids)
			}
		}
		shown := nobody.want(http.StatusOK, "GET", "/api/products/"+id, nil)
		if shown.text("org.id") != ana.org || shown.text("org.slug") != "studio-ana" || shown.text("slug") != "presets" || shown.number("assets_count") != 3 ||
			!bytes.Equal(fetch(t, shown.text("cover_url")).body, picture(9)) {
			t.Errorf("%s", shown.body)
		}
		for _, secret := range []string{inbox, one, two, ana.account, ana.drive, ana.email} {
			if strings.Contains(string(shown.body), secret) {
				t.Errorf("the catalogue tells %s: %s", secret, shown.body)
			}
		}
		nobody.refused(http.StatusNotFound, "not_found", "GET", "/api/products?org=nobodys", nil)
		nobody.refused(http.StatusNotFound, "not_found", "GET", "/api/products?org="+missingID, nil)
		nobody.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", "/api/products", nil)

		// One that is for sale keeps a part; one that is archived is for sale again.
		for _, part := range []string{inbox, one} {
			ana.want(http.StatusNoContent, "DELETE", path+"/assets/"+part, nil)
		}
		ana.refused(http.StatusNotFound, "not_found", "DELETE", path+"/assets/"+one, nil)
		ana.refused(http.StatusConflict, "product_empty", "DELETE", path+"/assets/"+two, nil)
		ana.want(http.StatusNoContent, "DELETE", ana.products("/"+more), nil)
		ana.alters(id, object{"status": "archived"})
		hidden()
		eve.refused(http.StatusConflict, "not_for_sale", "POST", "/api/transactions", object{"product_id": id})
		ana.publishes(id)
		eve.orders(id)
		ana.refused(http.StatusConflict, "product_sold", "DELETE", path, nil)
		if list := ana.want(http.StatusOK, "GET", ana.products("?status=published&q=TEN"), nil).list("id"); !slices.Equal(list, []string{id}) {
			t.Errorf("%v", list)
		}
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org, nil)
		nobody.refused(http.StatusNotFound, "not_found", "GET", "/api/products?org=studio-ana", nil)
		nobody.refused(http.StatusNotFound, "not_found", "GET", "/api/products/"+id, nil)
		eve.refused(http.StatusNotFound, "not_found", "POST", "/api/transactions", object{"product_id": id})
	})
}

func TestABuyerOrdersAndTheSellerConfirms(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben, eve := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben"), s.signUp("eve")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		album, inner := ana.folder(ana.drive, "/Album"), ana.folder(ana.drive, "/Album/Inner")
		into := func(folder, name, text string) string {
			return ana.upload(object{"name": name, "parent_id": folder}, []byte(text)).text("id")
		}
		near, deep := into(album, "near.txt", "near"), into(inner, "deep.txt", "deep")
		product := ana.offers(article("Ten presets", nil), aFile(file), aFolder(album))

		once := with{"Idempotency-Key": "order"}
		ordered := ben.want(http.StatusCreated, "POST", "/api/transactions", object{"product_id": product}, once)
		id := ordered.text("transaction.id")
		if ordered.text("transaction.status") != "pending" || ordered.text("transaction.provider") != "manual" || ordered.get("checkout_url") != nil ||
			ordered.text("transaction.org_id") != ana.org || ordered.number("transaction.price.amount") != 1900 || ordered.header.Get("Location") != order(id, "") {
			t.Errorf("%s", ordered.body)
		}
		if again := ben.want(http.StatusCreated, "POST", "/api/transactions", object{"product_id": product}, once); !bytes.Equal(again.body, ordered.body) || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s\n%s", ordered.body, again.body)
		}
		if again := ben.orders(product); again != id {
			t.Errorf("ordered again: %s and %s", id, again)
		}

		// The price is that of the order. Nobody but the seller confirms it.
		ana.alters(product, object{"price": euros(9900), "name": "Twenty presets"})
		ben.lacks(file, near, deep)
		ben.libraryMust()
		ben.refused(http.StatusForbidden, "forbidden", "POST", order(id, "/complete"), nil)
		ben.refused(http.StatusForbidden, "forbidden", "POST", order(id, "/refund"), nil)
		for _, rest := range []string{"/complete", "/refund", "/cancel"} {
			eve.refused(http.StatusNotFound, "not_found", "POST", order(id, rest), nil)
		}
		eve.refused(http.StatusNotFound, "not_found", "GET", order(id, ""), nil)
		if list := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions?status=pending", nil); !slices.Equal(list.list("id"), []string{id}) ||
			list.text("items.0.buyer.email") != ben.email || list.text("items.0.price.amount") != "1900" {
			t.Errorf("%s", list.body)
		}
		ana.refused(http.StatusConflict, "transaction_state", "POST", order(id, "/refund"), nil)
		done := ana.confirms(id)
		if again := ana.confirms(id); !bytes.Equal(done.body, again.body) || done.text("status") != "completed" || done.get("completed_at") == nil || done.get("expires_at") != nil {
			t.Errorf("%s\n%s", done.body, again.body)
		}
		s.exactly(id, 2)
		ben.refused(http.StatusConflict, "already_owned", "POST", "/api/transactions", object{"product_id": product})
		ben.refused(http.StatusConflict, "transaction_state", "POST", order(id, "/cancel"), nil)
		ben.want(http.StatusNotModified, "GET", order(id, ""), nil, with{"If-None-Match": ben.sees(id, "completed").header.Get("ETag")})
		if mine := ben.want(http.StatusOK, "GET", "/api/me/transactions?status=completed", nil); !slices.Equal(mine.list("id"), []string{id}) ||
			mine.text("items.0.org_name") != "Acme" || mine.text("items.0.product_name") != "Ten presets" {
			t.Errorf("%s", mine.body)
		}
		s.told(ben.email, "Your receipt: Ten presets", 1)

		// What was bought is theirs: the file, and all that is and will be in the folder.
		ben.libraryMust(file, album)
		ben.has(file, "alpha")
		ben.has(near, "near")
		ben.has(deep, "deep")
		later := into(inner, "later.txt", "later")
		ben.has(later, "later")
		contents := "/api/me/entitlements/" + ben.entitlement(album) + "/assets"
		if names := ben.listing("name", contents+"?limit=1"); !slices.Equal(names, []string{"Inner", "near.txt"}) {
			t.Errorf("in the folder: %v", names)
		}
		if names := ben.listing("name", contents+"?limit=1&parent_id="+inner); !slices.Equal(names, []string{"deep.txt", "later.txt"}) {
			t.Errorf("in the inner folder: %v", names)
		}
		other := ana.folder(ana.drive, "/Other")
		hidden := into(other, "hidden.txt", "hidden")
		ben.lacks(hidden)
		for _, parent := range []string{other, ana.drive, missingID} {
			ben.refused(http.StatusNotFound, "not_found", "GET", contents+"?parent_id="+parent, nil)
		}
		ben.refused(http.StatusConflict, "not_a_folder", "GET", contents+"?parent_id="+near, nil)
		ben.refused(http.StatusConflict, "not_a_folder", "GET", "/api/me/entitlements/"+ben.entitlement(file)+"/assets", nil)
		eve.refused(http.StatusNotFound, "not_found", "GET", contents, nil)
		eve.lacks(file, near, later)
		// It is no way into the drive.
		for _, path := range []string{"/api/nodes/" + file, "/api/nodes/" + album, "/api/nodes/" + album + "/archive", "/api/assets/" + file + "/versions", "/api/drives/" + ana.drive + "/nodes", "/api/orgs/" + ana.org} {
			ben.refused(http.StatusNotFound, "not_found", "GET", path, nil)
		}
		ben.refused(http.StatusNotFound, "not_found", "DELETE", "/api/nodes/"+file, nil)
		ben.refused(http.StatusNotFound, "not_found", "POST", "/api/nodes/"+file+"/shares", object{})
		ben.refused(http.StatusNotFound, "not_found", "POST", "/api/nodes/"+file+"/copy", object{"drive_id": ben.drive})
		ben.issue(ben.drive, "read").refused(http.StatusNotFound, "not_found", "GET", "/api/assets/"+file+"/download", nil)
		// A new version is theirs, too; what leaves the folder is not.
		ana.upload(object{"name": "a.txt", "on_conflict": "version"}, []byte("alpha 2"))
		ben.has(file, "alpha 2")
		ana.patch(later, object{"parent_id": other})
		ben.lacks(later)
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org, nil)
		ben.lacks(file, near)
		ben.libraryMust()
		ben.refused(http.StatusNotFound, "not_found", "GET", order(id, ""), nil)
		ana.want(http.StatusNoContent, "POST", "/api/orgs/"+ana.org+"/restore", nil)
		ben.has(file, "alpha 2")
	})
}

func TestAnOrderIsGivenUp(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		product := ana.offers(article("Ten presets", nil), aFile(ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")))
		first := ben.orders(product)
		for range 2 {
			if a := ben.want(http.StatusOK, "POST", order(first, "/cancel"), nil); a.text("status") != "failed" || a.text("fail_reason") != "canceled" {
				t.Errorf("%s", a.body)
			}
		}
		ana.refused(http.StatusConflict, "transaction_state", "POST", order(first, "/complete"), nil)
		second := ben.orders(product)
		if second == first {
			t.Error("the order that was given up is taken up again")
		}
		ana.want(http.StatusOK, "POST", order(second, "/cancel"), nil)
		ben.sees(second, "failed")
		// One that nobody pays ends by itself.
		third := ben.orders(product)
		s.turnTo(ben.sees(third, "pending").time("expires_at").Add(1), ana, ben)
		eventually(t, "the order has expired", func() bool {
			return ben.want(http.StatusOK, "GET", order(third, ""), nil).text("status") == "failed"
		})
		if a := ben.sees(third, "failed"); a.text("fail_reason") != "expired" {
			t.Errorf("%s", a.body)
		}
		ben.libraryMust()
		s.settle()
	})
}
