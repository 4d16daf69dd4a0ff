package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"testing"
	"time"
)

// Mails, reports, webhooks and purchases while servers are killed: what is told
// to others comes at least once, and what is a row is there once.
func TestWhatServersWereSendingWhenTheyDiedArrives(t *testing.T) {
	t.Parallel()
	box, mails := newPostbox(t)
	box.takes = 500 * time.Millisecond
	all := settings{"COFFER_SELF_HOSTED_UNLIMITED": "true", "COFFER_WEBHOOKS_ALLOW_PRIVATE": "true", "COFFER_RATE_LIMIT_PER_MINUTE": "0"}
	maps.Copy(all, mails)
	b, nodes := balanced(t, 2, all)
	for _, s := range nodes {
		s.start()
	}
	ana, ben := b.through(nodes[0].signUp("ana")), b.through(nodes[1].signUp("ben"))
	acme := ana.found(object{"name": "Acme"})
	file := acme.upload(object{"name": "a.txt"}, []byte("alpha")).text("id")
	to := newReceiver(t)
	acme.listens(to, object{"events": []string{"transaction.completed"}})

	// Twelve reports whose time has come when the servers start again.
	const reports = 12
	for i := range reports {
		acme.want(http.StatusCreated, "POST", "/api/orgs/"+acme.org+"/reports", object{
			"name": fmt.Sprintf("Report %d", i), "target": object{"kind": "org"}, "period": "week", "formats": []string{"csv"},
			"recipients": []string{ana.email}, "schedule": "0 8 * * MON", "time_zone": "Europe/Berlin",
		})
	}
	for _, s := range nodes {
		s.stop()
		s.env["COFFER_CLOCK_OFFSET"] = "192h"
	}
	for _, s := range nodes {
		s.start()
	}
	eventually(t, "reports are being sent", func() bool { return len(box.of(ana.email)) > 0 })
	for _, s := range nodes {
		s.crash()
	}
	eventually(t, "the balancer sees them", func() bool { return b.up[0].Load() && b.up[1].Load() })
	ana.logIn()
	ben.logIn()

	l := newLoad(t)
	l.each(func(i int) { l.buysOne(acme, ben, file, i) })
	l.each(func(i int) {
		email := fmt.Sprintf("guest-%d@example.com", i)
		a := l.insists(acme, "POST", "/api/orgs/"+acme.org+"/invitations", object{"email": email, "role": "member"}, with{"Idempotency-Key": email})
		if a.status != http.StatusCreated {
			l.fail("%s: %d %s", a.what, a.status, a.body)
			return
		}
		l.ack("mails", email)
		time.Sleep(100 * time.Millisecond)
	})
	for range 2 {
		for _, s := range nodes {
			time.Sleep(time.Second)
			s.crash()
		}
	}
	time.Sleep(500 * time.Millisecond)
	l.end()

	if len(l.acked["mails"]) == 0 || len(l.acked["sales"]) == 0 {
		t.Error("nothing went on meanwhile")
	}
	twice := 0
	for _, email := range l.acked["mails"] {
		patiently(t, "a mail to "+email, func() bool { return len(box.to(email)) > 0 })
		twice += len(box.to(email)) - 1
	}
	patiently(t, "all reports are sent", func() bool {
		return nodes[0].number("SELECT count(*) FROM report_runs WHERE status = 'sent'") >= reports
	})
	if n := nodes[0].number("SELECT count(*) FROM report_runs"); n != reports {
		t.Errorf("%d runs of %d reports", n, reports)
	}
	names := map[string]int{} // by which a mail server knows what it has already
	for _, m := range box.of(ana.email) {
		names[messageID(t, m)]++
	}
	if len(names) != reports {
		t.Errorf("%d different mails of %d reports: %v", len(names), reports, names)
	}
	for _, id := range l.acked["sales"] {
		nodes[0].exactly(id, 1)
	}
	sold := nodes[0].number("SELECT count(*) FROM events WHERE type = 'transaction.completed' AND org_id = '" + acme.org + "'")
	patiently(t, "the webhook is told of every sale", func() bool { return len(distinct(to.all())) == sold })
	t.Logf("%d mails of %d, %d reports of %d and %d deliveries of %d came again",
		twice, len(l.acked["mails"]), len(box.of(ana.email))-reports, reports, len(to.all())-sold, sold)
}

func messageID(t *testing.T, message []byte) string {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header.Get("Message-Id")
}
