package contract

import (
	"pgregory.net/rapid"

	"github.com/seed-755a8038/coffer/core"
)

func (p paymentTest) refund(t *core.Transaction, amount int64, once string) int64 {
	p.Helper()
	total, err := p.Refund(p.Context(), t, amount, once)
	p.must(err)
	return total
}

func refundsAddUp(p paymentTest) {
	for _, typ := range []core.ProductType{core.Digital, core.Membership} {
		t := p.purchase(typ)
		p.buy(t)
		for i, step := range []struct{ amount, total int64 }{{100, 100}, {1, 101}, {1799, 1900}} {
			total := p.refund(t, step.amount, "step-"+string(rune('a'+i)))
			if total != step.total {
				p.Errorf("%s: %d more makes %d, want %d", typ, step.amount, total, step.total)
			}
			if done, err := t.Refund(total, t.CreatedAt); err != nil || !done {
				p.Errorf("%s: Refund(%d) = %v, %v", typ, total, done, err)
			}
		}
		if t.Status != core.TransactionRefunded {
			p.Errorf("%s: after all of it: %s", typ, t.Status)
		}
	}
}

func refundOnce(p paymentTest) {
	t := p.purchase(core.Digital)
	p.buy(t)
	for range 3 { // the answer was lost
		if total := p.refund(t, 700, "first"); total != 700 {
			p.Errorf("the first makes %d", total)
		}
	}
	if _, err := t.Refund(700, t.CreatedAt); err != nil {
		p.Error(err)
	}
	if total := p.refund(t, 700, "second"); total != 1400 {
		p.Errorf("the second makes %d", total)
	}
}

// refundProperty: each is asked for up to three times before it is noted, as by
// a job that is tried again.
func refundProperty(p paymentTest) {
	rapid.Check(p.T, func(r *rapid.T) {
		t := p.purchase(core.Digital)
		p.buy(t)
		var sum int64
		for n := rapid.IntRange(1, 4).Draw(r, "refunds"); n > 0 && sum < t.Price.Amount; n-- {
			amount := rapid.Int64Range(1, t.Price.Amount-sum).Draw(r, "amount")
			sum += amount
			for range rapid.IntRange(1, 3).Draw(r, "attempts") {
				total, err := p.Refund(p.Context(), t, amount, string(rune('a'+n)))
				if err != nil || total != sum {
					r.Fatalf("Refund = %d, %v, want %d", total, err, sum)
				}
			}
			if _, err := t.Refund(sum, t.CreatedAt); err != nil {
				r.Fatal(err)
			}
		}
	})
}
