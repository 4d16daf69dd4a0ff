package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

const (
	period = 30 * 24 * time.Hour
	grace  = 7 * 24 * time.Hour
)

// expiresMust checks that all entitlements of the user by memberships end then.
func (u *user) expiresMust(end time.Time) {
	u.t.Helper()
	a := u.want(http.StatusOK, "GET", "/api/me/entitlements?limit=200", nil)
	var got []string
	for i, kind := range a.list("product_type") {
		if at := a.text(fmt.Sprintf("items.%d.expires_at", i)); kind == "membership" && !slices.Contains(got, at) {
			got = append(got, at)
		}
	}
	if len(got) != 1 || got[0] != end.Format(time.RFC3339Nano) {
		u.t.Errorf("the entitlements end at %v, want %v", got, end)
	}
}

func TestAMembershipThatNobodyHasToPayGoesOn(t *testing.T) {
	tell(t, settings{"COFFER_PAYMENT_PROVIDER": "instant"}, func(t *testing.T, s *server) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		album := ana.folder(ana.drive, "/Album")
		file, track := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id"), ana.upload(object{"name": "t.txt", "parent_id": album}, []byte("track")).text("id")
		club := ana.offers(membership("The club", nil), aFile(file), aFolder(album))
		bought := ben.buys(club)
		id := bought.text("transaction.id")
		sub := ben.subscription("active")
		first := sub.time("items.0.period_end")
		if bought.text("transaction.status") != "completed" || bought.text("transaction.subscription_id") != sub.text("items.0.id") || sub.text("items.0.transaction_id") != id ||
			sub.number("items.0.days") != 30 || sub.number("items.0.price.amount") != 1900 || first.Sub(sub.time("items.0.period_start")) != period {
			t.Errorf("%s\n%s", bought.body, sub.body)
		}
		s.exactly(id, 2)
		s.told(ben.email, "Your receipt: The club", 1)
		ben.has(file, "alpha")
		ben.has(track, "track")
		ben.expiresMust(first)
		ben.refused(http.StatusConflict, "already_owned", "POST", "/api/transactions", object{"product_id": club})
		ana.alters(club, object{"price": euros(9900), "subscription_days": 365}) // for others

		// Period after period, each paid once, on the terms of the beginning.
		end := first
		for n := 2; n <= 3; n++ {
			s.turnTo(end.Add(time.Minute), ana, ben)
			ben.has(file, "alpha") // before the job has run, too
			end = ben.becomes("active", end.Add(period))
			ben.has(track, "track")
			ben.expiresMust(end)
			ben.libraryMust(file, album)
			s.told(ben.email, "Your receipt: The club", 1)
			paid := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions", nil)
			if all := paid.list("status"); len(all) != n || slices.Contains(all, "pending") || paid.get("items.0.renewal") != true || paid.number("items.0.price.amount") != 1900 {
				t.Errorf("after %d periods: %s", n, paid.body)
			}
			s.turnTo(end.Add(-time.Hour), ana, ben) // nothing is due
			if n := len(ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions", nil).list("id")); n != len(paid.list("id")) {
				t.Errorf("%d transactions, there were %d", n, len(paid.list("id")))
			}
		}
		// What is linked later ends with the rest.
		bonus := ana.upload(object{"name": "b.txt"}, []byte("bonus")).text("id")
		ana.links(club, aFile(bonus))
		eventually(t, "the member has the bonus", func() bool { return ben.may(bonus) })
		ben.expiresMust(end)

		// A server that was down for two periods makes up for them.
		s.turnTo(end.Add(period+time.Hour), ana, ben)
		end = ben.becomes("active", end.Add(2*period))
		ben.has(bonus, "bonus")
		ben.expiresMust(end)
		paid := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions", nil)
		if n := len(paid.list("id")); n != 5 {
			t.Errorf("%d transactions for five periods: %s", n, paid.body)
		}

		// Money back for a period that is over changes nothing, for this one it ends all.
		ana.refunds(id, nil)
		ben.subscription("active")
		ben.has(file, "alpha")
		ana.refunds(paid.text("items.0.id"), nil)
		ben.subscription("expired")
		ben.lacks(file, track, bonus)
		ben.libraryMust()
		ben.refused(http.StatusConflict, "subscription_state", "POST", "/api/subscriptions/"+sub.text("items.0.id")+"/cancel", nil)
		s.turnTo(end.Add(time.Hour), ana, ben)
		ben.lacks(file)
		again := ben.buys(club)
		if again.number("transaction.price.amount") != 9900 || ben.subscription("active").number("items.0.days") != 365 {
			t.Errorf("%s", again.body)
		}
		ben.has(file, "alpha")
		s.settle()
	})
}

func TestAMembershipIsPaidByHand(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		club := ana.offers(membership("The club", nil), aFile(file))
		ana.sells(club, ben)
		s.told(ben.email, "Your receipt: The club", 1)
		end := ben.subscription("active").time("items.0.period_end")
		ben.has(file, "alpha")
		pending := func() *answer {
			t.Helper()
			return ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions?status=pending", nil)
		}

		// The next period is to be paid; access goes on for the grace.
		s.turnTo(end.Add(time.Minute), ana, ben)
		ben.becomes("past_due", end)
		ben.has(file, "alpha")
		ben.expiresMust(end)
		due := pending()
		if due.text("items.0.renewal") != "true" || due.number("items.0.price.amount") != 1900 || len(due.list("id")) != 1 || due.text("items.0.buyer.email") != ben.email ||
			due.text("items.0.subscription_id") != ben.subscription("past_due").text("items.0.id") {
			t.Errorf("%s", due.body)
		}
		renewal := due.text("items.0.id")
		if ordered := ben.orders(club); ordered != renewal {
			t.Errorf("who pays now gets %s, want %s", ordered, renewal)
		}
		s.told(ben.email, "Your membership has to be paid: The club", 1)
		s.turnTo(end.Add(grace-time.Hour), ana, ben) // asked for once
		ben.has(file, "alpha")
		if again := pending().list("id"); !slices.Equal(again, []string{renewal}) {
			t.Errorf("%v", again)
		}
		ana.confirms(renewal)
		ana.confirms(renewal)
		ben.subscription("active")
		end = ben.becomes("active", end.Add(period)) // not from the day of payment
		ben.expiresMust(end)
		ben.libraryMust(file)
		s.told(ben.email, "Your receipt: The club", 1)

		// Not paid within the grace, it ends, and with it what was asked for.
		s.turnTo(end.Add(time.Minute), ana, ben)
		ben.becomes("past_due", end)
		unpaid := pending().text("items.0.id")
		if unpaid == renewal {
			t.Error("the period that is paid is asked for again")
		}
		s.turnTo(end.Add(grace+time.Second), ana, ben)
		ben.lacks(file) // before the job has run, too
		ben.becomes("expired", end)
		ben.lacks(file)
		ben.libraryMust()
		if a := ben.sees(unpaid, "failed"); a.text("fail_reason") != "expired" {
			t.Errorf("%s", a.body)
		}
		ana.refused(http.StatusConflict, "transaction_state", "POST", order(unpaid, "/complete"), nil)
		if live := ben.want(http.StatusOK, "GET", "/api/me/subscriptions", nil).list("id"); len(live) != 0 {
			t.Errorf("memberships %v", live)
		}

		// Bought again, it is another one, from now.
		before := ben.subscription("expired").text("items.0.id")
		ana.sells(club, ben)
		sub := ben.subscription("active")
		if sub.text("items.0.id") == before || sub.time("items.0.period_start").Before(end.Add(grace)) {
			t.Errorf("%s", sub.body)
		}
		ben.has(file, "alpha")
		if all := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/subscriptions?ended=true&product_id="+club, nil).list("status"); !slices.Equal(all, []string{"active", "expired"}) {
			t.Errorf("%v", all)
		}
		s.settle()
	})
}

func TestWhoCancelsHasWhatIsPaidAndNotAMinuteMore(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben, cat, eve := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben"), s.signUp("cat"), s.signUp("eve")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		club := ana.offers(membership("The club", object{"subscription_days": 1}), aFile(file))
		ana.sells(club, ben)
		ana.sells(club, cat)
		cancel := func(u *user) string {
			return "/api/subscriptions/" + u.subscription("active").text("items.0.id") + "/cancel"
		}
		bens, cats := cancel(ben), cancel(cat)
		for _, u := range []*user{eve, cat} {
			u.refused(http.StatusNotFound, "not_found", "POST", bens, nil)
		}
		end := ben.subscription("active").time("items.0.period_end")
		for range 2 {
			if a := ben.want(http.StatusOK, "POST", bens, nil); a.text("status") != "canceled" || a.get("canceled_at") == nil || !a.time("period_end").Equal(end) {
				t.Errorf("%s", a.body)
			}
		}
		ana.want(http.StatusOK, "POST", cats, nil) // the seller may, too
		if n := s.happened("subscription.canceled", ben.subscription("canceled").text("items.0.id")); n != 1 {
			t.Errorf("it is told %d times", n)
		}

		last := cat.subscription("canceled").time("items.0.period_end")
		s.turnTo(end.Add(-5*time.Minute), ana, ben, cat)
		ben.has(file, "alpha")
		ben.subscription("canceled")
		ben.refused(http.StatusConflict, "already_owned", "POST", "/api/transactions", object{"product_id": club}) // it is not over
		s.turnTo(last, ana, ben, cat)
		ben.lacks(file)
		cat.lacks(file)
		ben.libraryMust()
		ben.becomes("expired", end)
		cat.becomes("expired", last)
		if open := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions?status=pending", nil).list("id"); len(open) != 0 {
			t.Errorf("who has canceled is asked to pay: %v", open)
		}
		s.told(ben.email, "Your membership has to be paid: The club", 0)
		ana.sells(club, ben)
		ben.has(file, "alpha")

		// Who cancels while the next period waits to be paid is asked no more.
		end = ben.subscription("active").time("items.0.period_end")
		s.turnTo(end.Add(time.Minute), ana, ben)
		ben.becomes("past_due", end)
		waiting := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions?status=pending", nil).text("items.0.id")
		ben.want(http.StatusOK, "POST", "/api/subscriptions/"+ben.subscription("past_due").text("items.0.id")+"/cancel", nil)
		ben.lacks(file) // the grace was for paying
		if a := ben.sees(waiting, "failed"); a.text("fail_reason") != "canceled" {
			t.Errorf("%s", a.body)
		}
		s.turnTo(end.Add(2*time.Hour), ana, ben)
		ben.becomes("expired", end)
		s.settle()
	})
}

func TestMembershipsEndWithTheirUserAndTheirSeller(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana, ben, cat := s.signUp("ana").found(object{"name": "Acme"}), s.signUp("ben"), s.signUp("cat")
		file := ana.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
		club := ana.offers(membership("The club", nil), aFile(file))
		gift := ana.offers(membership("Free club", object{"price": euros(0), "subscription_days": 1}), aFile(file))
		ana.sells(club, ben)
		cat.orders(gift)
		state := func(u string, want string) {
			t.Helper()
			eventually(t, fmt.Sprintf("the membership of %s is %s", u, want), func() bool {
				return s.number("SELECT count(*) FROM subscriptions WHERE user_id = '"+u+"' AND status = '"+want+"'") == 1
			})
		}
		bens, cats := ben.id(), cat.id()
		ben.want(http.StatusNoContent, "DELETE", "/api/me", goodbye)
		state(bens, "canceled")
		if list := ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions", nil); len(list.list("id")) != 2 || list.text("items.1.buyer.email") == ben.email {
			t.Errorf("%s", list.body)
		}
		s.turnTo(time.Now().Add(25*time.Hour), ana, cat) // what is free goes on
		eventually(t, "the free membership is renewed", func() bool {
			return len(ana.want(http.StatusOK, "GET", "/api/orgs/"+ana.org+"/transactions?status=completed", nil).list("id")) == 3
		})
		cat.has(file, "alpha")
		ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org, nil)
		state(cats, "canceled")
		cat.lacks(file)
		if live := cat.want(http.StatusOK, "GET", "/api/me/subscriptions", nil).list("id"); len(live) != 0 {
			t.Errorf("memberships %v", live)
		}
		s.turnTo(time.Now().Add(60*24*time.Hour), cat)
		s.goneFor(ana.org)
		for _, table := range []string{"products", "product_links", "transactions", "subscriptions", "entitlements", "events"} {
			if n := s.number("SELECT count(*) FROM " + table + " WHERE org_id = '" + ana.org + "'"); n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
		s.settle()
	})
}
