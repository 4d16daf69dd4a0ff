package e2e

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/test/env"
)

// permissions says who may do what: a row for each operation, a column for each
// kind of caller. It explains itself.
//
//go:embed testdata/permissions.txt
var permissions string

// table is what permissions.txt says.
type table struct {
	columns []string
	rules   map[string][]string // which columns are asked
	rows    map[string]row
}

type row struct {
	rule  string // empty: all columns are asked
	cells []string
}

// readTable reads permissions.txt.
func readTable(t *testing.T) *table {
	t.Helper()
	out := &table{rules: map[string][]string{}, rows: map[string]row{}}
	rule := ""
	for n, line := range strings.Split(permissions, "\n") {
		words := strings.Fields(strings.ReplaceAll(line, "|", " "))
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
		case words[0] == "columns":
			out.columns = words[1:]
		case words[0] == "rule":
			out.rules[words[1]] = words[2:]
		case strings.HasPrefix(line, "["):
			_, rule, _ = strings.Cut(strings.Trim(line, "[]"), ": ")
		case len(words) != 1+len(out.columns):
			t.Errorf("permissions.txt:%d: %d cells, want %d: %s", n+1, len(words)-1, len(out.columns), line)
		default:
			if _, twice := out.rows[words[0]]; twice {
				t.Errorf("permissions.txt:%d: a second row of %s", n+1, words[0])
			}
			out.rows[words[0]] = row{rule, words[1:]}
		}
	}
	return out
}

// asks reports whether the row's rule has the column asked.
func (b *table) asks(r row, column string) bool {
	return r.rule == "" || slices.Contains(b.rules[r.rule], column)
}

// operationOf is the operation of the document that a row is about: a second
// row of one has something after a colon.
func operationOf(name string) string {
	id, _, _ := strings.Cut(name, ":")
	return id
}

// documented is an operation of the document that the server serves.
type documented struct {
	method, path string
	schemes      []string
	ids          []string // where it takes ids: "path org_id", "body assets[].asset_id"
}

// document reads what the server says that it does.
func (s *server) document() map[string]documented {
	s.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Security    []map[string][]string
			Parameters  []struct {
				Name, In string
				Schema   schema
			}
			RequestBody struct {
				Content map[string]struct{ Schema *schema }
			}
		}
		Components struct{ Schemas map[string]*schema }
	}
	a := s.anybody().want(http.StatusOK, "GET", "/api/openapi.json", nil)
	if err := json.Unmarshal(a.body, &doc); err != nil {
		s.t.Fatal(err)
	}
	out := map[string]documented{}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			d := documented{method: strings.ToUpper(method), path: path}
			for _, scheme := range op.Security {
				d.schemes = append(d.schemes, slices.Collect(maps.Keys(scheme))...)
			}
			for _, p := range op.Parameters {
				if p.Schema.Format == "uuid" && p.In != "header" {
					d.ids = append(d.ids, p.In+" "+p.Name)
				}
			}
			for _, content := range op.RequestBody.Content {
				d.ids = append(d.ids, content.Schema.ids(doc.Components.Schemas, "body ")...)
			}
			out[op.OperationID] = d
		}
	}
	return out
}

// ids are what stands for the names in an act's path, query and body.
type ids map[string]string

// act is how an operation is asked for.
type act struct {
	scene  func(m *matrix, p *figure) ids // what it needs beyond what the names of ids say
	query  string
	body   string
	link   string // the kind of link it is about, if it is a visitor's
	each   bool   // the answer has a refusal for each id
	live   bool   // the answer does not end
	theirs bool   // each asks for something of their own
	undo   func(m *matrix, p *figure)
	last   func(m *matrix) // when all have been asked
}

// matrix asks for every operation as everybody.
type matrix struct {
	*server

	idp   *env.IDP
	boss  *user // another owner, who sets each scene
	joe   *user // a member, who comes and goes
	cast  []*figure
	n     int               // of names
	kept  ids               // what is only looked at
	links map[string]*link  // by kind: those that the visitors are at
	other map[string]*link  // by kind: those that the strangers among them are at
	mine  map[string]string // the entitlements of those who have bought
	bank  *bank             // nil: there is none yet
	hook  string            // path of the last webhook
}

// fresh returns a name that nobody has used.
func (m *matrix) fresh() string {
	m.n++
	return fmt.Sprintf("n%d", m.n)
}

func (m *matrix) figure(code string) *figure {
	m.t.Helper()
	i := slices.IndexFunc(m.cast, func(p *figure) bool { return p.code == code })
	if i < 0 {
		m.t.Fatalf("nobody is %s", code)
	}
	return m.cast[i]
}

var named = regexp.MustCompile(`\{([a-z_]+)\}`)

// filled puts ids in place of names, those of the scene first. What is not
// there is made; what is only looked at is made once.
func (m *matrix) filled(text string, scene ids, reads bool) string {
	m.t.Helper()
	return named.ReplaceAllStringFunc(text, func(name string) string {
		name = strings.Trim(name, "{}")
		if id, ok := scene[name]; ok {
			return id
		}
		if name == "fresh" {
			return m.fresh()
		}
		keep := scene
		if reads {
			if keep = m.kept; keep[name] != "" {
				return keep[name]
			}
		}
		maker, ok := makers[name]
		if !ok {
			m.t.Fatalf("nobody knows how to make %s", name)
		}
		maps.Copy(keep, maker(m))
		return keep[name]
	})
}

// has asks for the operation as each of the people and returns the cells.
func (m *matrix) has(people []*figure, name string, op documented, asked func(column string) bool) (cells, said []string) {
	m.t.Helper()
	a, reads := acts[name], op.method == http.MethodGet
	var scene ids
	for _, p := range people {
		if !asked(p.code) {
			cells = append(cells, "-")
			continue
		}
		if p.code == "st" && spares[name] {
			p = m.spare()
		}
		if scene == nil || p.spare || a.theirs {
			scene = ids{}
			if a.scene != nil {
				scene = a.scene(m, p)
			}
		}
		path, body := m.filled(op.path+a.query, scene, reads), m.filled(a.body, scene, reads)
		headers := p.headers(op, a.link)
		for key, value := range scene {
			if name, ok := strings.CutPrefix(key, "header:"); ok {
				headers[name] = value
			}
		}
		got := m.ask(p, a, op.method, path, body, headers)
		cell := m.cell(got, op, a.each)
		if cells = append(cells, cell); cell != "ok" {
			said = append(said, fmt.Sprintf("%s: %d %s", p.code, got.status, got.body))
			continue
		}
		if a.undo != nil {
			a.undo(m, p)
		}
		if !reads {
			scene = nil
		}
	}
	if a.last != nil {
		a.last(m)
	}
	return cells, said
}

// ask sends a request from an address of its own.
func (m *matrix) ask(p *figure, a act, method, path, body string, headers with) *answer {
	m.t.Helper()
	m.n++
	headers["X-Forwarded-For"] = fmt.Sprintf("198.18.%d.%d", m.n>>8&255, m.n&255)
	var content any
	if body != "" {
		content = raw(body)
	}
	if !a.live {
		return p.ask(method, path, content, headers)
	}
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, m.url+path, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if p.key != "" {
		req.Header.Set("X-API-Key", p.key)
	}
	res, err := wire.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	out := &answer{t: m.t, what: method + " " + path, status: res.StatusCode, header: res.Header}
	if res.StatusCode >= http.StatusBadRequest {
		if out.body, err = io.ReadAll(res.Body); err != nil {
			m.t.Fatal(err)
		}
	}
	return out
}

// refusals are the codes by which somebody is refused for who they are.
var refusals = map[int][]string{
	http.StatusUnauthorized: {"unauthenticated", "share_password_required", "share_sign_in_required"},
	http.StatusForbidden:    {"forbidden", "key_not_allowed", "user_disabled", "email_unverified", "share_not_for_you"},
	http.StatusNotFound:     {"not_found"},
}

// cell is what the table says of such an answer. A refusal must be a problem
// that is about the caller.
func (m *matrix) cell(a *answer, op documented, each bool) string {
	m.t.Helper()
	if a.status >= http.StatusMultipleChoices && a.status != http.StatusFound && a.status != http.StatusSeeOther {
		code := a.text("code")
		a.isProblem(a.status, code)
		if !slices.Contains(refusals[a.status], code) {
			m.t.Errorf("%s: %d %s", a.what, a.status, a.body)
		}
		if a.status == http.StatusUnauthorized && len(op.schemes) > 0 && a.header.Get("WWW-Authenticate") == "" {
			m.t.Errorf("%s: no WWW-Authenticate: %v", a.what, a.header)
		}
		return fmt.Sprint(a.status)
	}
	if each {
		var out struct {
			Items []struct{ Error *struct{ Code string } }
		}
		if err := json.Unmarshal(a.body, &out); err != nil || len(out.Items) == 0 {
			m.t.Fatalf("%s: %v: %s", a.what, err, a.body)
		}
		if e := out.Items[0].Error; e != nil {
			for status, codes := range refusals {
				if slices.Contains(codes, e.Code) {
					return fmt.Sprint(status)
				}
			}
			return e.Code
		}
	}
	return "ok"
}

// schemes checks that a row accepts the kinds of credentials that the document
// names for the operation, and no other.
func (b *table) schemes(t *testing.T, name string, op documented) {
	t.Helper()
	cells := map[string]string{}
	for i, column := range b.columns {
		cells[column] = b.rows[name].cells[i]
	}
	bearers, keys, over := []string{"no", "ln", "ac", "th", "rt", "es"}, []string{"kr", "kw", "kd", "ka", "ko"}, []string{"kx", "ke"}
	want := map[string][]string{}
	switch {
	case len(op.schemes) == 0:
		return
	case slices.Contains(op.schemes, "apiKey"):
		want["401"] = slices.Concat(bearers, over)
		if accepts := func(key string) bool { return cells[key] == "ok" }; name == operationOf(name) && !slices.ContainsFunc(keys, accepts) {
			t.Errorf("%s: the document says that it takes keys", name)
		}
	default:
		want["401"], want["403"] = bearers, slices.Concat(keys, over)
	}
	for cell, columns := range want {
		for _, column := range columns {
			if cells[column] != cell {
				t.Errorf("%s, %s: %s, and by the document it is %s", name, column, cells[column], cell)
			}
		}
	}
}

// in returns the names of the rows in the order in which they are asked: what
// changes everything comes last.
func (b *table) in(t *testing.T, document map[string]documented) (order []string) {
	t.Helper()
	have := map[string]bool{}
	for name := range b.rows {
		if op := operationOf(name); document[op].path == "" {
			t.Errorf("permissions.txt has a row %s, and no operation has that name", name)
			continue
		} else {
			have[op] = true
		}
		if !slices.Contains(finally, name) {
			order = append(order, name)
		}
	}
	for id, op := range document {
		if !have[id] {
			t.Errorf("permissions.txt has no row of %s, %s %s", id, op.method, op.path)
		}
	}
	slices.Sort(order)
	for _, name := range finally {
		if _, ok := b.rows[name]; ok {
			order = append(order, name)
		}
	}
	return order
}

func TestEverybodyMayDoWhatTheTableSays(t *testing.T) {
	want := readTable(t)
	tellWithProvider(t, crowded, func(t *testing.T, s *server, idp *env.IDP) {
		document := s.document()
		m := castOf(s, idp)
		var codes []string
		for _, p := range m.cast {
			codes = append(codes, p.code)
		}
		if !slices.Equal(codes, want.columns) {
			t.Fatalf("columns %v, want %v", want.columns, codes)
		}
		m.compare(want, document)
		for _, name := range want.in(t, document) {
			want.schemes(t, name, document[operationOf(name)])
			r := want.rows[name]
			cells, said := m.has(m.cast, name, document[operationOf(name)], func(column string) bool { return want.asks(r, column) })
			if !slices.Equal(cells, r.cells) {
				t.Errorf("%s, want\n%-28s %s\n%-28s %s\n%s", name, "", strings.Join(r.cells, " "), name, strings.Join(cells, " "), strings.Join(said, "\n"))
			}
		}
	})
}
