package core

import (
	"errors"
	"testing"
)

func aTransaction(status TransactionStatus) *Transaction {
	return &Transaction{ID: TransactionID{3}, Price: Money{1_900, "EUR"}, Status: status, CheckoutURL: "https://pay.example/1", Days: 30, Version: 1}
}

// TestEveryStepOfATransaction goes through every event in every state: what it
// becomes, whether that is news, and the refusal.
func TestEveryStepOfATransaction(t *testing.T) {
	const (
		pending, completed = TransactionPending, TransactionCompleted
		failed, refunded   = TransactionFailed, TransactionRefunded
	)
	steps := map[string]func(x *Transaction) (bool, error){
		"complete": func(x *Transaction) (bool, error) {
			return x.Complete(Payment{Ref: "cs_1", PaymentRef: "pi_1", Paid: Money{1_900, "EUR"}}, noonOfSales)
		},
		"pay too little": func(x *Transaction) (bool, error) { return x.Complete(Payment{Paid: Money{1_899, "EUR"}}, noonOfSales) },
		"pay other coin": func(x *Transaction) (bool, error) { return x.Complete(Payment{Paid: Money{1_900, "USD"}}, noonOfSales) },
		"fail":           func(x *Transaction) (bool, error) { return x.Fail(FailedExpired, noonOfSales) },
		"refund all":     func(x *Transaction) (bool, error) { return x.Refund(1_900, noonOfSales) },
		"refund more":    func(x *Transaction) (bool, error) { return x.Refund(5_000, noonOfSales) },
		"refund a part":  func(x *Transaction) (bool, error) { return x.Refund(500, noonOfSales) },
		"dispute":        func(x *Transaction) (bool, error) { return x.Dispute(noonOfSales) },
		"settle":         func(x *Transaction) (bool, error) { return x.Settle(noonOfSales) },
		"pay too late":   func(x *Transaction) (bool, error) { return x.PaidLate(Payment{PaymentRef: "pi_1"}, noonOfSales) },
		"await": func(x *Transaction) (bool, error) {
			return true, x.Await(Payment{Ref: "cs_1"}, "https://x", noonOfSales, noonOfSales)
		},
	}
	for _, c := range []struct {
		from TransactionStatus
		step string
		to   TransactionStatus
		done bool
		err  error
	}{
		{pending, "complete", completed, true, nil},
		{pending, "pay too little", pending, false, ErrPaymentMismatch},
		{pending, "pay other coin", pending, false, ErrPaymentMismatch},
		{pending, "fail", failed, true, nil},
		{pending, "await", pending, true, nil},
		{pending, "pay too late", failed, true, nil},
		{pending, "refund all", pending, false, ErrTransactionState},
		{pending, "refund more", pending, false, ErrTransactionState},
		{pending, "refund a part", pending, false, ErrTransactionState},
		{pending, "dispute", pending, false, ErrTransactionState},
		{pending, "settle", pending, false, ErrTransactionState},

		{completed, "complete", completed, false, nil},
		{completed, "pay too little", completed, false, nil},
		{completed, "pay other coin", completed, false, nil},
		{completed, "fail", completed, false, ErrTransactionState},
		{completed, "pay too late", completed, false, ErrTransactionState},
		{completed, "await", completed, true, ErrTransactionState},
		{completed, "refund all", refunded, true, nil},
		{completed, "refund more", refunded, true, nil},
		{completed, "refund a part", completed, true, nil},
		{completed, "dispute", completed, true, nil},
		{completed, "settle", completed, false, nil},

		{failed, "complete", failed, false, ErrTransactionState},
		{failed, "pay too little", failed, false, ErrTransactionState},
		{failed, "pay other coin", failed, false, ErrTransactionState},
		{failed, "fail", failed, false, nil},
		{failed, "pay too late", failed, true, nil},
		{failed, "await", failed, true, ErrTransactionState},
		{failed, "refund all", failed, false, ErrTransactionState},
		{failed, "refund more", failed, false, ErrTransactionState},
		{failed, "refund a part", failed, false, ErrTransactionState},
		{failed, "dispute", failed, false, ErrTransactionState},
		{failed, "settle", failed, false, ErrTransactionState},

		{refunded, "complete", refunded, false, nil},
		{refunded, "pay too little", refunded, false, nil},
		{refunded, "pay other coin", refunded, false, nil},
		{refunded, "fail", refunded, false, ErrTransactionState},
		{refunded, "pay too late", refunded, false, ErrTransactionState},
		{refunded, "await", refunded, true, ErrTransactionState},
		{refunded, "refund all", refunded, false, nil},
		{refunded, "refund more", refunded, false, nil},
		{refunded, "refund a part", refunded, false, nil},
		{refunded, "dispute", refunded, false, nil},
		{refunded, "settle", refunded, false, nil},
	} {
		x := aTransaction(c.from)
		done, err := steps[c.step](x)
		if x.Status != c.to || done != c.done || !errors.Is(err, c.err) {
			t.Errorf("%s, %s: %s, %v, %v; want %s, %v, %v", c.from, c.step, x.Status, done, err, c.to, c.done, c.err)
		}
		if changed := done && err == nil; changed != (x.Version == 2) {
			t.Errorf("%s, %s: version %d", c.from, c.step, x.Version)
		}
	}
}

func TestWhatIsPaidTooLateIsGivenBack(t *testing.T) {
	x := aTransaction(TransactionFailed)
	x.FailReason = FailedExpired
	for i, want := range []bool{true, false} {
		if done, err := x.PaidLate(Payment{Ref: "cs_1", PaymentRef: "pi_1"}, noonOfSales); done != want || err != nil {
			t.Errorf("%d: %v, %v", i, done, err)
		}
	}
	for i, c := range []struct {
		total int64
		done  bool
	}{{500, true}, {500, false}, {2_000, true}, {2_000, false}} {
		if done, err := x.Refund(c.total, noonOfSales); done != c.done || err != nil {
			t.Errorf("%d: %v, %v", i, done, err)
		}
	}
	if x.Status != TransactionFailed || x.Refunded != 1_900 || x.PaymentRef != "pi_1" || x.FailReason != FailedPaidLate || x.Version != 4 {
		t.Errorf("%+v", x)
	}
}

func TestRefundsAddUp(t *testing.T) {
	x := aTransaction(TransactionCompleted)
	for i, c := range []struct {
		total int64
		done  bool
		left  int64
	}{{500, true, 1_400}, {500, false, 1_400}, {300, false, 1_400}, {1_899, true, 1}, {1_900, true, 0}} {
		if done, err := x.Refund(c.total, noonOfSales); err != nil || done != c.done || x.Price.Amount-x.Refunded != c.left {
			t.Errorf("step %d: %v, %v, %+v", i, done, err, x)
		}
	}
	if x.Status != TransactionRefunded || x.EndedAt != noonOfSales {
		t.Errorf("%+v", x)
	}
}

func TestWhatMayBeRefunded(t *testing.T) {
	partly := aTransaction(TransactionCompleted)
	partly.Refunded = 500
	free := &Transaction{Status: TransactionCompleted, Price: Money{0, "EUR"}}
	for _, c := range []struct {
		x      *Transaction
		amount int64
		want   error
	}{
		{partly, 1_400, nil},
		{partly, 1, nil},
		{partly, 1_401, ErrRefundTooHigh},
		{partly, 0, Invalid("", "")},
		{partly, -1, Invalid("", "")},
		{free, 0, nil},
		{free, 1, ErrRefundTooHigh},
		{aTransaction(TransactionPending), 1, ErrTransactionState},
		{aTransaction(TransactionFailed), 1, ErrTransactionState},
		{aTransaction(TransactionRefunded), 1, ErrTransactionState},
	} {
		if err := c.x.CheckRefund(c.amount); !errors.Is(err, c.want) {
			t.Errorf("%s, %d: %v, want %v", c.x.Status, c.amount, err, c.want)
		}
	}
	if done, err := free.Refund(0, noonOfSales); !done || err != nil || free.Status != TransactionRefunded {
		t.Errorf("a free purchase is taken back: %v, %v, %+v", done, err, free)
	}
}
