package e2e

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestWhatIsSoldStaysForWhoHasBoughtIt(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben, cat := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben"), s.signUp("cat")
		drive := ana.share(object{"name": "Shop"})
		id := drive[len("/api/drives/"):]
		into := func(parent, name, text string) string {
			return ana.upload(object{"name": name, "drive_id": id, "parent_id": parent}, []byte(text)).text("id")
		}
		album := ana.folder(id, "/Shelf/Album")
		shelf := ana.want(http.StatusOK, "GET", "/api/nodes/"+album, nil).text("parent_id")
		file, track, free := into(shelf, "a.txt", "alpha"), into(album, "track.txt", "track"), into(shelf, "free.txt", "free")
		one := ana.offers(article("One", nil), aFile(file), aFolder(album))
		two := ana.offers(article("Two", nil), aFile(file))
		first, second, cats := ana.sells(one, ben), ana.sells(two, ben), ana.sells(one, cat)
		ben.libraryMust(file, file, album)

		// In the trash it is gone for the seller, and not for the buyer.
		for _, node := range []string{file, track, free} {
			ana.want(http.StatusNoContent, "DELETE", "/api/nodes/"+node, nil)
		}
		for _, node := range []string{file, track} {
			ana.refused(http.StatusConflict, "trashed", "GET", "/api/assets/"+node+"/download", nil)
		}
		ben.has(file, "alpha")
		cat.has(track, "track")
		if names := cat.want(http.StatusOK, "GET", "/api/me/entitlements/"+cat.entitlement(album)+"/assets", nil).list("name"); !slices.Equal(names, []string{"track.txt"}) {
			t.Errorf("in the folder: %v", names)
		}
		if a := ana.want(http.StatusOK, "GET", ana.products("/"+one+"/assets"), nil); a.get("items.0.trashed") != true || a.get("items.1.trashed") != false {
			t.Errorf("%s", a.body)
		}

		// For good it cannot be removed: itself, with what is around it, or as a part of it.
		sold := func(live int64, method, path string) {
			t.Helper()
			if a := ana.refused(http.StatusConflict, "sold", method, path, nil); a.number("live_entitlements") != live {
				t.Errorf("%d live entitlements, want %d: %s", a.number("live_entitlements"), live, a.body)
			}
		}
		purge := func(node string) string { return "/api/nodes/" + node + "?permanent=true" }
		sold(3, "DELETE", purge(file))
		sold(3, "DELETE", "/api/orgs/"+ana.org+"/assets/"+file+"?permanent=true")
		sold(2, "DELETE", purge(track))
		sold(2, "DELETE", purge(album))
		sold(5, "DELETE", purge(shelf))
		sold(5, "DELETE", drive+"?force=true")
		bulk := ana.want(http.StatusOK, "POST", "/api/nodes/bulk", object{"op": "purge", "ids": []string{file, track}})
		if codes := []string{bulk.text("items.0.error.code"), bulk.text("items.1.error.code")}; !slices.Equal(codes, []string{"sold", "sold"}) ||
			bulk.number("items.0.error.details.live_entitlements") != 3 {
			t.Errorf("%s", bulk.body)
		}
		ana.want(http.StatusNoContent, "DELETE", drive+"/trash", nil) // what is not sold goes
		if left := ana.want(http.StatusOK, "GET", drive+"/trash", nil).list("id"); len(left) != 2 || !slices.Contains(left, file) || !slices.Contains(left, track) {
			t.Errorf("in the trash: %v", left)
		}
		ben.has(file, "alpha")
		ben.has(track, "track")

		// Taken out of the product, it stays theirs; who buys now does not get it.
		ana.want(http.StatusNoContent, "DELETE", ana.products("/"+one+"/assets/"+file), nil)
		dan := s.signUp("dan")
		dans := ana.sells(one, dan)
		dan.libraryMust(album)
		dan.lacks(file, track)
		ben.has(file, "alpha")
		sold(3, "DELETE", purge(file))

		// Put into the product, it is theirs soon, once each.
		bonus := into(shelf, "bonus.txt", "bonus")
		ana.links(one, aFile(bonus))
		for _, u := range []*user{ben, cat, dan} {
			eventually(t, "who has the product has the bonus, too", func() bool { return u.may(bonus) })
			u.has(bonus, "bonus")
		}
		ben.libraryMust(file, file, album, bonus)
		dan.libraryMust(album, bonus)

		// A part of the money back takes nothing away, all of it takes what it had bought.
		if a := ana.refunds(first, object{"amount": 900, "reason": "a track was missing"}); a.text("status") != "completed" || a.number("refunded_amount") != 900 {
			t.Errorf("%s", a.body)
		}
		s.told(ben.email, "Your refund: One", 1)
		ben.libraryMust(file, file, album, bonus)
		for _, bad := range []struct {
			amount any
			code   string
		}{{1001, "refund_too_high"}, {0, "validation_failed"}, {-1, "validation_failed"}, {1.5, "validation_failed"}, {100_000_000_000, "validation_failed"}} {
			ana.refused(http.StatusUnprocessableEntity, bad.code, "POST", order(first, "/refund"), object{"amount": bad.amount})
		}
		stale := ana.sees(first, "completed").header.Get("ETag")
		ana.want(http.StatusOK, "POST", order(first, "/refund"), object{"amount": 100}, with{"If-Match": stale})
		ana.refused(http.StatusPreconditionFailed, "precondition_failed", "POST", order(first, "/refund"), object{"amount": 100}, with{"If-Match": stale})
		once := with{"Idempotency-Key": "back"}
		refunded := ana.want(http.StatusOK, "POST", order(first, "/refund"), nil, once)
		if again := ana.want(http.StatusOK, "POST", order(first, "/refund"), nil, once); !bytes.Equal(again.body, refunded.body) || refunded.text("status") != "refunded" ||
			refunded.number("refunded_amount") != 1900 || refunded.get("ended_at") == nil {
			t.Errorf("%s\n%s", refunded.body, again.body)
		}
		ana.refused(http.StatusConflict, "transaction_state", "POST", order(first, "/refund"), nil)
		ben.libraryMust(file)
		ben.has(file, "alpha") // bought twice
		ben.lacks(track, bonus)
		cat.has(bonus, "bonus")
		ben.refused(http.StatusConflict, "already_owned", "POST", "/api/transactions", object{"product_id": two})
		s.told(ben.email, "Your refund: One", 3)

		// Who has nothing any more keeps nobody from removing it, and may buy again.
		sold(2, "DELETE", purge(file)) // ben by the other product, cat
		ana.refunds(second, nil)
		ana.refunds(cats, nil)
		ben.libraryMust()
		ben.lacks(file, track, bonus)
		ana.want(http.StatusNoContent, "DELETE", purge(file), nil)
		sold(1, "DELETE", purge(album))                             // dan
		ana.want(http.StatusNoContent, "DELETE", purge(track), nil) // was in the trash when he bought the folder
		late := into(album, "late.txt", "late")
		dan.has(late, "late")
		ana.sells(one, ben)
		ben.libraryMust(album, bonus)
		ana.refunds(ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions?status=completed", nil).text("items.0.id"), nil)
		ana.refunds(dans, nil)
		ana.want(http.StatusNoContent, "DELETE", drive+"?force=true", nil)
		dan.lacks(late, bonus)
		dan.libraryMust()
		s.settle()
	})
}

func TestWhatCostsNothingIsTheBuyersAtOnce(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben := s.signUp("ana"), s.signUp("ben") // a personal organisation sells as well
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		product := ana.offers(article("Gift", object{"price": euros(0)}), aFile(file))
		a := ben.buys(product)
		id := a.text("transaction.id")
		if a.text("transaction.status") != "completed" || a.text("transaction.provider") != "free" || a.get("checkout_url") != nil {
			t.Errorf("%s", a.body)
		}
		ben.has(file, "alpha")
		s.exactly(id, 1)
		s.told(ben.email, "Your receipt: Gift", 1)
		ben.refused(http.StatusConflict, "already_owned", "POST", "/api/transactions", object{"product_id": product})
		ana.refused(http.StatusConflict, "paid_by_provider", "POST", order(id, "/complete"), nil)
		if a := ana.refunds(id, nil); a.text("status") != "refunded" {
			t.Errorf("%s", a.body)
		}
		ben.lacks(file)
		ben.buys(product)
		ben.has(file, "alpha")
	})
}

func TestProductsAreAsManyAsTheLicenceSays(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		pat, ana := s.signUp("pat"), s.signUp("ana").found(object{"name": "Acme"})
		s.must("admin", "promote", pat.email)
		pat.want(http.StatusCreated, "POST", licensesPath, object{"name": "stall", "limits": object{"max_products_count": 3}})
		s.must("license", "assign", ana.org, "stall")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		answers := race(t, 12, func(i int) (*answer, error) {
			return ana.try("POST", ana.products(""), article(fmt.Sprintf("Product %d", i), nil))
		})
		count(t, "products at once", answers, map[int]int{http.StatusCreated: 3, http.StatusForbidden: 9})
		full := func(method, path string, body object) {
			t.Helper()
			a := ana.refused(http.StatusForbidden, "limit_exceeded", method, path, body)
			if a.text("limit") != "max_products_count" || a.number("max") != 3 || a.number("used") != 3 || a.number("requested") != 1 {
				t.Errorf("%s", a.body)
			}
		}
		full("POST", ana.products(""), article("One more", nil))

		// An archived one makes room, and comes back only if there is some.
		ids := ana.want(http.StatusOK, "GET", ana.products(""), nil).list("id")
		old := ids[0]
		ana.links(old, aFile(file))
		ana.publishes(old)
		ana.alters(old, object{"status": "archived"})
		other := ana.drafts(article("One more", nil))
		full("PATCH", ana.products("/"+old), object{"status": "published"})
		ana.alters(old, object{"name": "Archived"}) // which takes no place
		ana.want(http.StatusNoContent, "DELETE", ana.products("/"+other), nil)
		ana.publishes(old)
		full("POST", ana.products(""), article("One more", nil))

		// A smaller licence takes nothing away.
		s.must("license", "assign", ana.org, "free")
		ana.drafts(article("Four", nil))
		s.must("license", "assign", ana.org, "stall")
		ana.alters(old, object{"price": euros(5)})
		if a := ana.refused(http.StatusForbidden, "limit_exceeded", "POST", ana.products(""), article("Five", nil)); a.number("used") != 4 {
			t.Errorf("%s", a.body)
		}
	})
}

func TestSalesAreCountedByTheSellersCalendar(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		const zone = "Pacific/Kiritimati" // 14 hours before UTC
		there, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		ana, ben, cat := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben"), s.signUp("cat")
		ana.want(http.StatusOK, "PATCH", "/api/orgs/"+ana.org, object{"settings": object{"time_zone": zone}})
		ben.want(http.StatusOK, "PATCH", "/api/me", object{"name": "=1+1"})
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		one, two := ana.offers(article("@SUM(A1), \"quoted\"", nil), aFile(file)), ana.offers(article("Two", object{"price": object{"amount": 500, "currency": "JPY"}}), aFile(file))
		ana.sells(one, ben)
		bens := ana.sells(two, ben)
		open := cat.orders(two) // which is no sale yet
		first := ana.sees(bens, "completed").time("completed_at")
		sales := func(query string) *answer {
			t.Helper()
			return ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/sales?"+query, nil)
		}
		// row describes a row as the answer has it.
		row := func(a *answer, i int) string {
			at := func(name string) string { return a.text(fmt.Sprintf("items.%d.%s", i, name)) }
			return fmt.Sprint(at("period_start"), " ", at("product_id"), " ", at("currency"), " ", at("count"), " ", at("gross"), " ", at("refunded"), " ", at("net"))
		}
		rows := func(a *answer, want ...string) {
			t.Helper()
			if n := len(a.list("product_id")); n != len(want) {
				t.Fatalf("%d rows, want %d: %s", n, len(want), a.body)
			}
			for i := range want {
				if got := row(a, i); got != want[i] {
					t.Errorf("row %d is %s, want %s", i, got, want[i])
				}
			}
		}
		totals := func(a *answer, want ...string) {
			t.Helper()
			got := []string{}
			all, _ := a.get("totals").([]any)
			for i := range all {
				at := func(name string) string { return a.text(fmt.Sprintf("totals.%d.%s", i, name)) }
				got = append(got, at("currency")+" "+at("count")+" "+at("gross")+" "+at("refunded")+" "+at("net"))
			}
			if !slices.Equal(got, want) {
				t.Errorf("totals %v, want %v", got, want)
			}
		}
		day := func(at time.Time) string {
			y, m, d := at.In(there).Date()
			return time.Date(y, m, d, 0, 0, 0, 0, there).UTC().Format(time.RFC3339)
		}
		month := func(at time.Time) string {
			y, m, _ := at.In(there).Date()
			return time.Date(y, m, 1, 0, 0, 0, 0, there).UTC().Format(time.RFC3339)
		}
		a := sales("period=day")
		rows(a, day(first)+" "+one+" EUR 1 1900 0 1900", day(first)+" "+two+" JPY 1 500 0 500")
		totals(a, "EUR 1 1900 0 1900", "JPY 1 500 0 500")
		if a.text("time_zone") != zone || a.time("to").Sub(a.time("from")) != 30*24*time.Hour {
			t.Errorf("%s", a.body)
		}
		ana.refunds(bens, object{"amount": 200})
		totals(sales("period=day"), "EUR 1 1900 0 1900", "JPY 1 500 200 300")
		ana.refunds(bens, nil)
		totals(sales("period=day"), "EUR 1 1900 0 1900", "JPY 1 500 500 0")
		totals(sales("period=year&product_id="+one), "EUR 1 1900 0 1900")

		// Forty days later: another month. What was sold then stays where it was.
		s.turnTo(time.Now().Add(40*24*time.Hour), ana, ben, cat)
		eventually(t, "the order that nobody paid has failed", func() bool {
			return cat.want(http.StatusOK, "GET", order(open, ""), nil).text("status") == "failed"
		})
		cats := ana.sells(one, cat)
		second := ana.sees(cats, "completed").time("completed_at")
		a = sales("period=month")
		rows(a, month(first)+" "+one+" EUR 1 1900 0 1900", month(first)+" "+two+" JPY 1 500 500 0", month(second)+" "+one+" EUR 1 1900 0 1900")
		totals(a, "EUR 2 3800 0 3800", "JPY 1 500 500 0")
		rows(sales("period=day"), day(second)+" "+one+" EUR 1 1900 0 1900") // thirty days
		rows(sales("period=day&from="+day(first)+"&to="+day(second)), day(first)+" "+one+" EUR 1 1900 0 1900", day(first)+" "+two+" JPY 1 500 500 0")
		for _, bad := range []string{"period=hour", "period=day&from=2000-01-01T00:00:00Z", "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from=yesterday", "product_id=x"} {
			ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", "/api/orgs/"+ana.org+"/sales?"+bad, nil)
		}
		ben.refused(http.StatusNotFound, "not_found", "GET", "/api/orgs/"+ana.org+"/sales", nil)

		// As files, which no spreadsheet computes.
		table := func(path string) [][]string {
			t.Helper()
			a := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+path, nil)
			rows, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll()
			if err != nil || !bytes.HasPrefix([]byte(a.header.Get("Content-Type")), []byte("text/csv")) {
				t.Fatalf("%v: %v\n%s", err, a.header, a.body)
			}
			for _, row := range rows {
				for _, cell := range row {
					if cell != "" && bytes.ContainsRune([]byte("=+-@\t\r\n"), rune(cell[0])) {
						t.Errorf("a spreadsheet computes %q", cell)
					}
				}
			}
			return rows
		}
		file1 := table("/transactions?format=csv&limit=1")
		if len(file1) != 5 || file1[0][0] != "id" || file1[1][0] != cats || file1[3][7] != "'=1+1" || file1[3][4] != "Two" || file1[3][2] != "refunded" ||
			file1[3][8] != "500" || file1[3][9] != "JPY" || file1[3][10] != "500" || file1[4][4] != `'@SUM(A1), "quoted"` || file1[4][6] != ben.email {
			t.Errorf("%q", file1)
		}
		if filtered := table("/transactions?format=csv&status=failed"); len(filtered) != 2 || filtered[1][0] != open {
			t.Errorf("%q", filtered)
		}
		if file2 := table("/sales?format=csv&period=month"); len(file2) != 4 || file2[1][3] != `'@SUM(A1), "quoted"` || file2[2][8] != "0" {
			t.Errorf("%q", file2)
		}
		if ids := ana.listing("id", "/api/orgs/"+ana.org+"/transactions?limit=1&product_id="+one+"&to="+day(second)); len(ids) != 1 {
			t.Errorf("%v", ids)
		}
	})
}
