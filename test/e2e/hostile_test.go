package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	hostileRequests = flag.Int("hostile.requests", 3000, "requests that the generator makes on each wiring")
	hostileTime     = flag.Duration("hostile.time", 45*time.Second, "the longest that it goes on")
	hostileSeed     = flag.Uint64("hostile.seed", 1, "what it follows from; 0: another one each time")
)

// worldLife is after how many requests there are other people and other things:
// what can be deleted has been by then.
const worldLife = 1000

// sender is somebody who sends hostile requests.
type sender struct {
	name   string
	header http.Header
	ids    map[string][]string // what they have
	user   *user               // nil: nobody who signs in
}

// siege is a generator with the server it talks to.
type siege struct {
	*server
	*forger

	seed    uint64
	worlds  int
	senders []*sender
	conn    net.Conn
	reader  *bufio.Reader
	found   map[string]int         // what was wrong, and how often
	tally   map[string]map[int]int // statuses by operation
}

// No request makes the server fail, and every answer is one that the document
// describes. A failure tells the seed: -hostile.seed makes the same choices.
func TestHostileRequestsAreAnsweredAsDescribed(t *testing.T) {
	tell(t, settings{
		"COFFER_SELF_HOSTED_UNLIMITED": "true", "COFFER_RATE_LIMIT_PER_MINUTE": "0", "COFFER_HTTP_TRUSTED_PROXIES": "127.0.0.1/32", "COFFER_PAYMENT_PROVIDER": "manual",
	}, func(t *testing.T, s *server) {
		seed := *hostileSeed
		if seed == 0 {
			seed = uint64(time.Now().UnixNano())
		}
		h := &siege{server: s, forger: newForger(s.describes(), seed), seed: seed, found: map[string]int{}, tally: map[string]map[int]int{}}
		t.Logf("seed %d", seed)
		began, n := time.Now(), 0
		for ; n < *hostileRequests && time.Since(began) < *hostileTime; n++ {
			if n%worldLife == 0 || n%100 == 0 && !h.alive() {
				h.people()
			}
			h.once(n)
		}
		h.hangUp()
		h.report(n, time.Since(began))
	})
}

// people makes those who send the requests, and what they have.
func (h *siege) people() {
	h.t.Helper()
	h.worlds++
	name := func(who string) string { return fmt.Sprintf("%s%d", who, h.worlds) }
	h.seen = map[string][]string{
		"role": {"main", "member", "viewer"}, "number": {"1", "2"}, "name": {"free", "pro", "x"}, "provider": {"google"}, "period": {"week"}, "path": {"/mine", "/"},
		"email": {"ana@example.com"}, "password": {password}, "cursor": {"now"},
	}
	from := with{"X-Forwarded-For": fmt.Sprintf("198.18.%d.%d", h.worlds>>8&255, h.worlds&255)} // not as many as one address may
	ana, eve, root := h.signUp(name("ana"), from), h.signUp(name("eve"), from), h.signUp(name("root"), from)
	mia := h.signUp(name("mia"), from)
	h.must("admin", "promote", root.email)
	his, hers := possessions(ana), possessions(eve)
	company := &user{client: ana.client, email: ana.email, org: his["company"], drive: his["shared"], account: his["account"]}
	member := h.hire(company, mia, "member")
	file := company.ready("shared.txt")
	locked := company.shares(file, object{"password": "sesame"})
	access := locked.unlocks("sesame", "203.0.113.9").text("share_access_token")
	links := []string{
		company.shares(file, object{}).token, company.shares(company.folder(company.drive, "/open"), object{}).token, locked.token,
		company.shares(company.drive, object{"kind": "upload"}).token, company.sharesGroup(company.grouped(object{"name": "Shown"}), object{}).token,
	}
	gone := ana.upload(object{"name": "gone.txt"}, []byte("gone")).text("id")
	ana.want(http.StatusNoContent, "DELETE", "/api/orgs/"+ana.org+"/assets/"+gone, nil)
	script := ana.issue(ana.drive, "read", "write", "delete")

	own := kept(his)
	for kind, id := range map[string]string{"webhook_id": his["webhook"], "report_id": his["report"], "asset_id": gone, "node_id": gone} {
		own[kind] = append(own[kind], id)
	}
	visited := map[string][]string{"token": links, "X-Share-Access": {access}, "asset_id": {file}}
	h.senders = []*sender{
		{"owner", bearer(ana.token), own, ana},
		{"member", bearer(mia.token), own, member},
		{"other", bearer(eve.token), kept(hers), eve},
		{"admin", bearer(root.token), own, root},
		{"key", http.Header{"X-Api-Key": {script.key}}, own, nil},
		{"visitor", http.Header{}, visited, nil},
		{"nobody", http.Header{}, own, nil},
	}
	for kind, ids := range visited {
		own[kind] = append(own[kind], ids...)
	}
	for _, s := range h.senders {
		for kind, ids := range s.ids {
			h.seen[kind] = append(h.seen[kind], ids...)
		}
	}
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// kept are possessions by the names of the parameters that take them.
func kept(ids map[string]string) map[string][]string {
	out := map[string][]string{}
	for name, kinds := range map[string]string{
		"org": "org_id", "company": "org_id", "drive": "drive_id", "shared": "drive_id node_id", "node": "node_id", "asset": "asset_id node_id", "pending": "asset_id",
		"upload": "upload_id", "account": "account_id", "invitation": "account_id", "dataset": "dataset_id", "ingest": "session_id", "key": "key_id", "share": "share_id",
		"group": "group_id", "session": "session_id", "product": "product_id", "part": "asset_id node_id", "draft": "product_id", "order": "transaction_id",
		"membership": "subscription_id", "bought": "entitlement_id", "item": "item_id", "annotation": "annotation_id",
	} {
		for kind := range strings.FieldsSeq(kinds) {
			out[kind] = append(out[kind], ids[name])
		}
	}
	for _, all := range out {
		slices.Sort(all)
	}
	return out
}

// alive reports whether the owner can still do something. It signs in who has
// been signed out.
func (h *siege) alive() bool {
	for _, s := range h.senders[:4] {
		if s.user.ask("GET", "/api/me", nil).status == http.StatusOK {
			continue
		}
		a := s.user.ask("POST", "/api/auth/login", object{"email": s.user.email, "password": password}, with{"Authorization": ""})
		if a.status != http.StatusOK {
			return false
		}
		s.user.token = a.text("access_token")
		s.header = bearer(s.user.token)
	}
	return h.senders[0].user.ask("GET", "/api/orgs/"+h.senders[1].user.org, nil).status == http.StatusOK
}

// rare are operations that end what the others need: most of the time they are
// left to those who may not.
var rare = map[string]bool{
	"deleteMe": true, "deleteOrg": true, "endSession": true, "endOtherSessions": true, "logOut": true, "changePassword": true, "updateUser": true, "transferOwnership": true,
	"leaveOrg": true, "deleteDrive": true, "emptyTrash": true, "revokeApiKey": true, "removeMember": true, "updateMember": true, "beginTotp": true, "assignLicense": true, "switchOrg": true,
}

// once sends a request and looks at the answer.
func (h *siege) once(n int) {
	h.t.Helper()
	op := pick(h.forger, h.operations)
	if rare[op.id] && h.chance(.8) {
		op = pick(h.forger, h.operations)
	}
	from := pick(h.forger, h.senders)
	if h.chance(.3) {
		from = h.senders[0]
	}
	h.mine = from.ids
	h.evil = pick(h.forger, []float64{0, 0, .02, .1, .4})
	r := h.forge(op, from)
	a, err := h.exchange(r)
	const large = 64 << 10
	if (r.torn || r.garbled() || r.size() > large) && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
		return // who is refused before everything has been sent may not hear it
	}
	if err == nil && r.torn && a.code() == "client_gone" {
		return // so it was
	}
	if err != nil {
		h.wrong(n, r, op, "no answer: "+err.Error(), nil)
		return
	}
	if h.tally[op.id] == nil {
		h.tally[op.id] = map[int]int{}
	}
	h.tally[op.id][a.status]++
	why := h.breach(op, a)
	if r.loose {
		why = h.broken(a)
	}
	if why != "" {
		h.wrong(n, r, op, why, a)
	}
	if a.status < http.StatusMultipleChoices {
		h.learn(op, a)
	}
}

// forged is a request as it goes over the wire.
type forged struct {
	sender, method, target string
	header                 []string // lines
	body                   string
	loose                  bool // nobody can say which operation it is for
	torn                   bool // it ends elsewhere than it says
}

func (r *forged) String() string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\n%s\r\n\r\n%s", r.method, r.target, strings.Join(r.header, "\r\n"), r.body)
}

func (r *forged) size() int { return len(r.String()) }

// garbled reports whether a header has what HTTP does not allow there: the server
// refuses it before it reads the body, too.
func (r *forged) garbled() bool {
	return slices.ContainsFunc(r.header, func(line string) bool {
		return strings.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
	})
}

// forge makes a request for the operation.
func (h *siege) forge(op *operation, from *sender) *forged {
	r := &forged{sender: from.name, method: op.method}
	var plain bool
	r.target, plain = h.target(op)
	r.loose = !plain
	for name, values := range from.header {
		r.header = append(r.header, name+": "+values[0])
	}
	r.header = append(r.header, "Host: "+strings.TrimPrefix(h.url, "http://"), fmt.Sprintf("X-Forwarded-For: 203.0.113.%d", h.rand.IntN(256)))
	for _, p := range op.parameters {
		if p.in == "header" && h.chance(.4) {
			value := h.parameter(p)
			if known := h.known("etag"); (p.name == "If-Match" || p.name == "If-None-Match") && known != "" {
				value = known
			}
			if h.chance(h.evil) {
				value = oneLine(h.evilText())
			}
			r.header = append(r.header, p.name+": "+value)
		}
	}
	if op.body != nil && !h.chance(h.evil/4) || op.body == nil && h.chance(h.evil/10) {
		r.body = "{}"
		if op.body != nil {
			r.body = h.body(op)
		}
		media := "application/json"
		if strings.Contains(strings.TrimSpace(r.body), "}\n{") {
			media = "application/x-ndjson"
		}
		if h.chance(h.evil / 4) {
			media = pick(h.forger, []string{"text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/json; charset", "json", "", "application/x-ndjson", "\xff", "application/problem+json"})
		}
		r.header = append(r.header, "Content-Type: "+media)
	}
	if h.chance(h.evil) {
		h.bend(r)
	}
	if !slices.ContainsFunc(r.header, func(line string) bool { return strings.HasPrefix(line, "Transfer-Encoding") }) {
		r.header = append(r.header, "Content-Length: "+strconv.Itoa(len(r.body)))
	}
	if h.chance(h.evil / 8) {
		h.tear(r)
	}
	return r
}

func oneLine(text string) string {
	return strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(text)
}

// bend adds to a request what has nothing to do with the operation.
func (h *siege) bend(r *forged) {
	switch h.rand.IntN(8) {
	case 0:
		r.method, r.loose = pick(h.forger, []string{"HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "POST", "PUT", "PATCH", "DELETE", "X-A!"}), true
	case 1: // another credential, of whatever kind
		r.header = slices.DeleteFunc(r.header, func(line string) bool {
			return strings.HasPrefix(line, "Authorization") || strings.HasPrefix(line, "X-Api-Key")
		})
		token := h.known(pick(h.forger, []string{"token", "refresh_token", "access_token", "X-Share-Access", "share_access_token", "key"}))
		if h.chance(.3) {
			token = h.tampered(token)
		}
		name := pick(h.forger, []string{"Authorization: Bearer ", "Authorization: bearer  ", "Authorization: Basic ", "Authorization: ", "X-API-Key: ", "X-API-Key: pk_", "X-Share-Access: "})
		r.header = append(r.header, name+oneLine(token))
	case 2:
		if strings.Contains(r.body, "\n") {
			return
		}
		// The same body in pieces.
		r.header = append(r.header, "Transfer-Encoding: chunked")
		half := len(r.body) / 2
		chunks := ""
		for _, part := range []string{r.body[:half], r.body[half:]} {
			if part != "" {
				chunks += fmt.Sprintf("%x\r\n%s\r\n", len(part), part)
			}
		}
		r.body = chunks + "0\r\n\r\n"
	default:
		r.header = append(r.header, pick(h.forger, []string{
			"Range: bytes=0-", "Range: bytes=-1", "Range: bytes=9223372036854775807-", "Range: bytes=0-0,2-2,4-4", "Range: lines=1", "If-Range: \"1\"", "If-Modified-Since: never",
			"If-None-Match: *", "If-None-Match: \"1", "If-Match: *", "If-Match: W/\"1\"", "If-Match: \"1\", \"2\",,", "If-Match: \"99999999999999999999\"", "If-Match: \"-1\"", "If-Match: 1",
			"Accept: application/xml", "Accept: text/html", "Accept: */*;q=0", "Accept: \xff", "Accept-Encoding: gzip, br;q=0", "Accept-Language: " + strings.Repeat("de,", 300), "Idempotency-Key: ", "Idempotency-Key: a b", "Idempotency-Key: " + strings.Repeat("k", 256),
			"X-Request-ID: a b\"", "X-Request-ID: " + strings.Repeat("r", 129), "X-HTTP-Method-Override: DELETE", "X-Forwarded-For: , ,\xff,127.0.0.1", "X-Forwarded-For: [::1]:99999", "Forwarded: for=\"", "X-Forwarded-Host: evil.example.com", "X-Forwarded-Proto: javascript",
			"Cookie: coffer_sign_in=\xff; =; a", "Origin: null", "Origin: https://evil.example.com", "Expect: 100-continue", "Last-Event-ID: -1", "Last-Event-ID: \xff", "Stripe-Signature: t=1,v1=00", "Content-Encoding: gzip", "Connection: upgrade", "Upgrade: websocket", "Sec-Fetch-Site: cross-site",
		}))
	}
}

// tear makes a request that is not what it says, or no request.
func (h *siege) tear(r *forged) {
	r.loose, r.torn = true, true
	switch h.rand.IntN(7) {
	case 0:
		r.header = append(r.header, "Content-Length: 5")
	case 1:
		r.header[len(r.header)-1] = "Content-Length: " + pick(h.forger, []string{"-1", "99999999999999999999", "1e3", "+5", strconv.Itoa(len(r.body) + 10)})
	case 2:
		r.header = append(r.header, "Transfer-Encoding: chunked")
	case 3:
		r.header = append(r.header, "X-A\r\n X-B: c", "X C: d")
	case 4:
		r.target = pick(h.forger, []string{"", "*", "http://evil.example.com/api/me", "/api/../api/me", "//api//me", "/api/me/", "/api/%6de", "/API/ME", "/api/me;x", "/api/me%00", "/api/me\x01", "/%", "/s/" + pick(h.forger, evilTexts), "/blobs/../../etc/passwd", "/docs/..", "/" + strings.Repeat("a/", 4000)})
	case 5:
		r.header = append(r.header, "Host: evil.example.com")
	default:
		r.header = append(r.header, "X-Large: "+strings.Repeat("x", 2<<20))
	}
}

const (
	answerTimeout = 45 * time.Second // longer than the server gives a request
	answerMost    = 32 << 20
)

// exchange sends a request over the connection there is, or a new one.
func (h *siege) exchange(r *forged) (*answer, error) {
	if r.torn {
		h.hangUp()
	}
	reused := h.conn != nil
	a, err := h.talk(r)
	if err != nil && reused { // the server may have ended it meanwhile
		h.hangUp()
		a, err = h.talk(r)
	}
	if err != nil || r.torn {
		h.hangUp()
	}
	return a, err
}

func (h *siege) talk(r *forged) (*answer, error) {
	if h.conn == nil {
		conn, err := new(net.Dialer).DialContext(h.t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			return nil, err
		}
		h.conn, h.reader = conn, bufio.NewReader(conn)
	}
	if err := h.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	// Who is refused before everything is sent may not get to send it all.
	_, sent := io.WriteString(h.conn, r.String())
	if tcp, ok := h.conn.(*net.TCPConn); ok && r.torn {
		_ = tcp.CloseWrite() // the server may have closed it
	}
	for {
		res, err := http.ReadResponse(h.reader, &http.Request{Method: r.method})
		if err != nil {
			return nil, errors.Join(err, sent)
		}
		if res.StatusCode < http.StatusOK {
			continue
		}
		return h.hear(r, res)
	}
}

// hear reads an answer; of one that has no end, the beginning.
func (h *siege) hear(r *forged, res *http.Response) (*answer, error) {
	defer res.Body.Close()
	a := &answer{t: h.t, what: r.method + " " + r.target, status: res.StatusCode, header: res.Header}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		h.hangUp()
		return a, nil
	}
	var err error
	a.body, err = io.ReadAll(io.LimitReader(res.Body, answerMost))
	if res.Close || r.method == http.MethodConnect {
		h.hangUp()
	}
	return a, err
}

func (h *siege) hangUp() {
	if h.conn != nil {
		_ = h.conn.Close() // it may be closed
	}
	h.conn = nil
}

var digits = regexp.MustCompile(`[0-9a-f-]{36}|\d+`)

// wrong tells of an answer that is wrong, of each kind once.
func (h *siege) wrong(n int, r *forged, op *operation, why string, a *answer) {
	h.t.Helper()
	kind := op.id + ": "
	if a != nil {
		kind += strconv.Itoa(a.status) + " " + a.code() + " "
	}
	kind += digits.ReplaceAllString(strings.SplitN(why, "\n", 4)[0], "#")
	if h.found[kind]++; h.found[kind] > 1 {
		return
	}
	const most = 1500
	said := ""
	if a != nil {
		said = fmt.Sprintf("%d %v %q", a.status, a.header, a.body[:min(len(a.body), most)])
	}
	sent := r.String()
	h.t.Errorf("seed %d, request %d, by %s, for %s: %s\n%q\n%s", h.seed, n, r.sender, op.id, why, sent[:min(len(sent), most)], said)
}

// alarms are the lines of the log that hostile input must not bring about.
var alarms = regexp.MustCompile(`(?m)^.*(?:\bERROR\b|"level":"error"|\bpanic\b).*$`)

// report says what was done, and looks for what the answers did not show.
func (h *siege) report(n int, took time.Duration) {
	h.t.Helper()
	var all, successes, never []string
	total := map[int]int{}
	for _, op := range h.operations {
		well := 0
		for status, times := range h.tally[op.id] {
			total[status] += times
			if status < http.StatusBadRequest {
				well += times
			}
		}
		if well == 0 {
			never = append(never, op.id)
		} else {
			successes = append(successes, op.id)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(total)) {
		all = append(all, fmt.Sprintf("%d×%d", status, total[status]))
	}
	h.t.Logf("seed %d: %d requests in %v and %d worlds: %s; %d operations succeeded, never: %s", h.seed, n, took, h.worlds, strings.Join(all, " "), len(successes), strings.Join(never, " "))
	for kind, times := range h.found {
		h.t.Logf("%d times: %s", times, kind)
	}
	if lines := alarms.FindAll([]byte(h.process.read()), -1); len(lines) > 0 {
		const most = 10
		h.t.Errorf("the log has %d lines such as:\n%s", len(lines), bytes.Join(lines[:min(len(lines), most)], []byte("\n")))
	}
}
