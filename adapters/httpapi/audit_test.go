package httpapi

import (
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

const logURL = orgURL + "/audit-log"

// entries returns n lines of a log, newest first.
func entries(n int) []*core.AuditEntry {
	out := make([]*core.AuditEntry, n)
	for i := range out {
		left := n - i
		out[i] = &core.AuditEntry{
			ID: core.AuditID{14: byte(left >> 8), 15: byte(left)}, ActorKind: core.ActorAccount, ActorID: id[core.Account](6), ActorEmail: "ana@example.com",
			Action: "account.updated", TargetKind: "account", TargetID: account7, Address: "192.0.2.7",
			Changes: map[string]core.Change{"role": {From: "member", To: "admin"}}, At: now,
		}
	}
	return out
}

func TestAnAuditEntryAsItIsShown(t *testing.T) {
	f := newFixture(t)
	f.store.people.log = entries(2)
	f.store.people.log[1].ActorKind, f.store.people.log[1].ActorID, f.store.people.log[1].Changes = core.ActorSystem, core.AccountID{}, nil
	w := f.call("GET", logURL+"?limit=1&from=2026-01-01T00:00:00Z", "", signedIn)
	const first = `{"items":[{"id":"00000000-0000-0000-0000-000000000002","actor":{"kind":"account","account_id":"00000000-0000-0000-0000-000000000006",` +
		`"email":"ana@example.com"},"action":"account.updated","target":{"kind":"account","id":"00000000-0000-0000-0000-000000000007"},` +
		`"address":"192.0.2.7","changes":{"role":{"from":"member","to":"admin"}},"at":"2026-11-22T09:00:00Z"}],"next_cursor":"`
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), first) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
	cursor := strings.TrimSuffix(strings.TrimPrefix(w.Body.String(), first), `"}`)
	got := f.call("GET", logURL+"?limit=1&from=2026-01-01T00:00:00Z&cursor="+cursor, "", signedIn).Body.String()
	if !strings.Contains(got, `"actor":{"kind":"system","account_id":null`) || !strings.Contains(got, `"changes":{}`) || !strings.HasSuffix(got, `"next_cursor":null}`) {
		t.Errorf("got %s", got)
	}
	problemIn(t, f.call("GET", logURL+"?cursor="+cursor, "", signedIn), 422, "cursor_invalid")
	problemIn(t, f.call("GET", strings.Replace(logURL, "3", "4", 1)+"?format=csv", "", signedIn), 404, "not_found")
}

func TestALogIsExportedWhole(t *testing.T) {
	// Every page takes most of the time of a request, and all together more.
	f := newFixture(t, func(_ *Services, o *Options) { o.Timeout = 400 * time.Millisecond })
	const lines = 2*exportPage + 7
	f.store.people.log = entries(lines)
	f.store.people.logPage = func(int) error {
		time.Sleep(200 * time.Millisecond)
		return nil
	}
	w := f.call("GET", logURL+"?format=csv&limit=1", "", signedIn)
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || w.Code != 200 || len(rows) != lines+1 || f.store.people.pages != 3 {
		t.Fatalf("%d, %d rows of %d pages, %v", w.Code, len(rows), f.store.people.pages, err)
	}
	if h := w.Header(); h.Get("Content-Type") != "text/csv; charset=utf-8; header=present" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
		t.Errorf("header %v", h)
	}
	if got := strings.Join(rows[1], "|"); got != "00000000-0000-0000-0000-0000000003ef|2026-11-22T09:00:00Z|account|00000000-0000-0000-0000-000000000006|"+
		`ana@example.com|account.updated|account|`+account7+`|192.0.2.7|{"role":{"from":"member","to":"admin"}}` {
		t.Errorf("got %s", got)
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a": "a", "a=1": "a=1", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\ta": "'\ta", "\ra": "'\ra", "'=1": "'=1", "é": "é",
	} {
		if got := core.PlainCell(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	f := newFixture(t)
	f.store.people.log = entries(1)
	f.store.people.log[0].ActorEmail = `=cmd|"/c calc",1@example.com`
	f.store.people.log[0].ActorID = core.AccountID{}
	got := f.call("GET", logURL+"?format=csv", "", signedIn).Body.String()
	const line = ",account,,\"'=cmd|\"\"/c calc\"\",1@example.com\",account.updated,"
	if !strings.Contains(got, line) || strings.Count(got, "\r\n") != 2 || !strings.HasSuffix(got, "\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestAnExportThatBreaksOffIsNotTakenForWhole(t *testing.T) {
	f := newFixture(t)
	f.store.people.log = entries(2 * exportPage)
	f.store.people.logPage = func(page int) error {
		if page == 2 {
			return errSecret
		}
		return nil
	}
	server := httptest.NewServer(f)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+logURL+"?format=csv", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+goodToken)
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(string(body), "relation") {
		t.Errorf("after %d bytes: %v", len(body), err)
	}
	server.Close() // so that the log is complete
	if log := f.log.String(); !strings.Contains(log, "relation") || !strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("log: %s", log)
	}
	// Before the first line there is room for a problem.
	f = newFixture(t)
	f.store.people.logPage = func(int) error { return errSecret }
	problemIn(t, f.call("GET", logURL+"?format=csv", "", signedIn), 500, "internal")
}
