package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// forger makes requests that are nearly right, wrong, or odd. What it makes
// follows from its seed, and from the ids that the server has given out.
type forger struct {
	*description

	rand *rand.Rand
	evil float64             // how often a value is none that is asked for
	seen map[string][]string // values that answers had, by the names of the members
	mine map[string][]string // those of who sends the request
}

func newForger(d *description, seed uint64) *forger {
	return &forger{description: d, rand: rand.New(rand.NewPCG(seed, 1)), seen: map[string][]string{}}
}

func (f *forger) chance(p float64) bool { return f.rand.Float64() < p }

func pick[T any](f *forger, from []T) T { return from[f.rand.IntN(len(from))] }

// The text that has made other programs fail.
var evilTexts = []string{
	"", " ", ".", "..", "/", "//", "../../etc/passwd", `..\..\windows`, "a/b", "a\x00b", "\x00", "a\r\nX-Evil: 1", "\r\n\r\nX-Evil: 1", "a\nb\tc", "\x1b[31m", "\x7f",
	"CON", "nul.txt", "a.", " a ", "=1+1", "+1", "-1", "@SUM(A1)", "\u202etxt.exe", "\u200b", "\ufeff", "\ufffe", "é", "e\u0301", "ＡＢＣ", "İ", "ß", "ſ", "K", "𝒳", "🏳️‍🌈", "null", "undefined",
	"NaN", "Infinity", "0x10", "1e5", "true", "[]", "{}", "' OR 1=1 --", `"; DROP TABLE users; --`, "%", "_", "%%", "%00", "%2e%2e%2f", "%zz", "${jndi:ldap://x}", "{{7*7}}", "<script>alert(1)</script>",
	"AND", "OR NOT", `"a`, `a" "b`, "a:*", "a*", "(", "a & | !", "name:", "-", "$1", "?", ";", "#", "\\", "`id`", "a,b", "*", "W/\"1\"", "javascript:alert(1)",
	"http://127.0.0.1/", "http://169.254.169.254/latest", "https://[::1]:443/", "file:///etc/passwd", "https://user:pass@example.com/", "https://example.com:99999/", "http://[::ffff:127.0.0.1]/", "//example.com",
	"0", "-0", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "1.5", "1e400", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
	missingID, strings.ToUpper(missingID), "{" + missingID + "}", strings.ReplaceAll(missingID, "-", ""), missingID + "0",
	"2026-13-45T99:99:99Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999999-23:59", "10000-01-01T00:00:00Z", "2026-02-30", "2026-06-30T23:59:60Z", "yesterday", "P1D",
	"a@b", "@", "a@example.com\nBcc: b@example.com", `"a b"@example.com`, "a@[127.0.0.1]", "é@example.com", "a@xn--80ak6aa92e.com", "A <a@example.com>",
	"* * * * *", "0 0 31 2 *", "@every 1s", "TZ=Evil/Zone 0 0 * * *", "60 24 32 13 8", "Europe/Kiev", "../../etc/localtime", "Local",
	"text/html; charset=\"\r\n\"", "image/svg+xml", "EUR", "XXX", "de-DE", "zz", "10.0.0.0/33", "::/0", "0.0.0.0/0", "fe80::1%eth0",
}

// longText is text at the edges of what names, descriptions and bodies may have.
func (f *forger) longText() string {
	n := pick(f, []int{63, 64, 100, 127, 128, 254, 255, 256, 500, 501, 1000, 2048, 2049, 4096, 4097, 10_000, 10_001, 70_000})
	return strings.Repeat(pick(f, []string{"a", "é", "/a", "\u202e", "😀", "a.", "%", "'"}), n)[:n]
}

// evilText is text that is not what is asked for.
func (f *forger) evilText() string {
	switch f.rand.IntN(10) {
	case 0:
		return f.longText()
	case 1:
		return pick(f, evilTexts) + pick(f, evilTexts)
	case 2: // what was right elsewhere
		name := pick(f, slices.Sorted(maps.Keys(f.seen)))
		return pick(f, f.seen[name])
	case 3:
		return f.tampered(pick(f, f.seen[pick(f, slices.Sorted(maps.Keys(f.seen)))]))
	case 4: // no UTF-8
		return "a" + pick(f, []string{"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) + "b"
	}
	return pick(f, evilTexts)
}

// tampered is text with a byte changed, added or taken away.
func (f *forger) tampered(text string) string {
	if text == "" {
		return "x"
	}
	b, at := []byte(text), f.rand.IntN(len(text))
	switch f.rand.IntN(4) {
	case 0:
		b[at] ^= 1 << f.rand.IntN(7)
	case 1:
		b = slices.Insert(b, at, b[at])
	case 2:
		b = slices.Delete(b, at, at+1)
	default:
		b = b[:at]
	}
	return string(b)
}

// evilJSON are values of other types than asked for, and such as no parser takes.
var evilJSON = []string{
	`null`, `true`, `false`, `0`, `-1`, `1`, `1.5`, `-0`, `-0.0`, `1e2`, `1e400`, `-1e400`, `1e-400`, `0.1e-1000000000`, `9007199254740993`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `-9223372036854775809`, `2147483648`, `18446744073709551615`,
	`12345678901234567890123456789012345678901234567890`, `"12"`, `""`, `[]`, `{}`, `[null]`, `[[]]`, `[1,"a",{}]`, `{"a":1}`, `{"":""}`, `"\u0000"`, `"\ud800"`, `"\udc00\ud800"`, "\"\xff\"", `"\u202e"`, `"\uffff"`, `"\u0008"`,
	`NaN`, `Infinity`, `01`, `+1`, `.5`, `1.`, `0x10`, `'a'`, `"a`, `{"a":1,}`, `[1,]`, `{"a"}`, `undefined`, ``, `{"a":1,"a":2}`, `{"a":1,"A":2}`, `/**/1`, `"\x41"`, "\"a\nb\"", `nul`,
}

// value writes a value for a schema, or one that is none.
func (f *forger) value(b *strings.Builder, schema map[string]any, name string, depth int) {
	schema = f.resolved(schema)
	if f.chance(f.evil) {
		f.evilValue(b, schema, name, depth)
		return
	}
	if choices, ok := schema["enum"].([]any); ok {
		writeJSON(b, pick(f, choices))
		return
	}
	kind, _ := schema["type"].(string)
	if kinds, ok := schema["type"].([]any); ok {
		kind, _ = pick(f, kinds).(string)
	}
	switch kind {
	case "null":
		b.WriteString("null")
	case "boolean":
		b.WriteString(strconv.FormatBool(f.chance(.5)))
	case "integer", "number":
		b.WriteString(f.number(schema))
	case "string":
		writeJSON(b, f.text(schema, name))
	case "array":
		f.array(b, schema, name, depth)
	default:
		f.object(b, schema, name, depth)
	}
}

func (f *forger) evilValue(b *strings.Builder, schema map[string]any, name string, depth int) {
	switch f.rand.IntN(8) {
	case 0:
		n := pick(f, []int{10, 62, 63, 64, 65, 200, 5000})
		brackets := pick(f, []string{"[]", `{"a":1}`})
		b.WriteString(strings.Repeat(brackets[:len(brackets)/2], n))
		if brackets != "[]" {
			b.WriteString("1")
		}
		b.WriteString(strings.Repeat(brackets[len(brackets)-1:], n))
	case 1: // of a type that some other member has
		f.value(b, map[string]any{"type": pick(f, []any{"string", "integer", "array", "boolean", "null"})}, name, depth+1)
	case 2, 3, 4:
		writeJSON(b, f.evilText())
	case 5: // too many
		n := pick(f, []int{2, 51, 101, 201, 1001})
		b.WriteString("[")
		items, _ := schema["items"].(map[string]any)
		for i := range n {
			if i > 0 {
				b.WriteString(",")
			}
			if items == nil || n > 100 && i > 0 {
				b.WriteString(`"` + missingID + `"`)
				continue
			}
			f.value(b, items, singular(name), depth+1)
		}
		b.WriteString("]")
	default:
		b.WriteString(pick(f, evilJSON))
	}
}

func writeJSON(b *strings.Builder, v any) {
	if text, ok := v.(string); ok && !json.Valid([]byte(strconv.Quote(text))) {
		// As it is, for what json would replace: text that is not UTF-8.
		b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\x00", `\u0000`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x1b", `\u001b`).Replace(text) + `"`)
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte("null")
	}
	b.Write(text)
}

func (f *forger) number(schema map[string]any) string {
	low, high := bound(schema, "minimum", -2), bound(schema, "maximum", 1<<40)
	switch f.rand.IntN(6) {
	case 0:
		return strconv.FormatFloat(low, 'f', -1, 64)
	case 1:
		return strconv.FormatFloat(high, 'f', -1, 64)
	case 2:
		return strconv.FormatFloat(pick(f, []float64{low - 1, high + 1}), 'f', -1, 64)
	}
	return strconv.FormatFloat(min(high, max(low, float64(f.rand.IntN(50)))), 'f', -1, 64)
}

func bound(schema map[string]any, name string, otherwise float64) float64 {
	if n, ok := schema[name].(float64); ok {
		return n
	}
	return otherwise
}

// text is text that a schema asks for, as far as one can tell.
func (f *forger) text(schema map[string]any, name string) string {
	format, _ := schema["format"].(string)
	switch format {
	case "uuid":
		return f.id(name)
	case "date-time":
		return time.Unix(1_790_000_000+int64(f.rand.IntN(200_000_000)-100_000_000), 0).UTC().Format(time.RFC3339)
	case "email":
		if f.chance(.5) {
			return fmt.Sprintf("u%d@example.com", f.rand.IntN(1000))
		}
	}
	if known := f.known(name); known != "" && f.chance(.7) {
		return known
	}
	if examples, ok := schema["examples"].([]any); ok && f.chance(.6) {
		if text, ok := pick(f, examples).(string); ok {
			return text
		}
	}
	n := int(min(bound(schema, "maxLength", 20), 300))
	if f.chance(.8) {
		n = min(n, 8)
	}
	n = max(n, int(bound(schema, "minLength", 1)))
	out := make([]byte, n)
	for i := range out {
		out[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[f.rand.IntN(36)]
	}
	return string(out)
}

// known is a value that the sender, or somebody, has of that name; "": nobody.
func (f *forger) known(name string) string {
	if own := f.mine[name]; len(own) > 0 && f.chance(.75) {
		return pick(f, own)
	}
	if all := f.seen[name]; len(all) > 0 {
		return pick(f, all)
	}
	return ""
}

// id is an id for a parameter or a member of that name.
func (f *forger) id(name string) string {
	if f.chance(.05) {
		return missingID
	}
	for _, as := range []string{name, aliases[name]} {
		if id := f.known(as); as != "" && id != "" {
			return id
		}
	}
	if i := strings.Index(name, "_"); i >= 0 && strings.HasSuffix(name, "_id") && f.chance(.9) {
		return f.id(name[i+1:]) // cover_asset_id is an asset_id
	}
	if id := f.known(pick(f, []string{"node_id", "asset_id", "account_id", "group_id", "org_id", "drive_id"})); id != "" {
		return id
	}
	return missingID
}

// aliases are names of ids whose kind is another word.
var aliases = map[string]string{
	"ids": "node_id", "parent_id": "node_id", "folder_id": "node_id", "add": "asset_id", "remove": "asset_id", "order": "asset_id", "asset_ids": "asset_id", "account_ids": "account_id",
	"actor": "account_id", "author_id": "account_id", "org": "org_id", "user_id": "account_id", "id": "node_id",
}

func singular(name string) string { return strings.TrimSuffix(name, "s") }

func (f *forger) array(b *strings.Builder, schema map[string]any, name string, depth int) {
	items, _ := schema["items"].(map[string]any)
	n := f.rand.IntN(3)
	if depth > 4 {
		n = 0
	}
	n = max(n, int(bound(schema, "minItems", 0)))
	b.WriteString("[")
	for i := range n {
		if i > 0 {
			b.WriteString(",")
		}
		f.value(b, items, name, depth+1)
	}
	b.WriteString("]")
}

func (f *forger) object(b *strings.Builder, schema map[string]any, name string, depth int) {
	properties, _ := schema["properties"].(map[string]any)
	var required []string
	for _, r := range list(schema["required"]) {
		required = append(required, fmt.Sprint(r))
	}
	names := slices.Sorted(maps.Keys(properties))
	f.rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	first := true
	member := func(name string, write func()) {
		if !first {
			b.WriteString(",")
		}
		first = false
		writeJSON(b, name)
		b.WriteString(":")
		write()
	}
	b.WriteString("{")
	for _, n := range names {
		property, _ := properties[n].(map[string]any)
		must := slices.Contains(required, n)
		if must && f.chance(f.evil/2) || !must && f.chance(.6) {
			continue
		}
		member(n, func() { f.value(b, property, n, depth+1) })
		if f.chance(f.evil / 8) { // twice
			member(pick(f, []string{n, strings.ToUpper(n)}), func() { f.value(b, property, n, depth+1) })
		}
	}
	if extra, ok := schema["additionalProperties"].(map[string]any); ok && depth < 5 {
		for range f.rand.IntN(3) {
			member(pick(f, []string{"x", "image", "a b", "é"}), func() { f.value(b, extra, name, depth+1) })
		}
	} else if schema["additionalProperties"] != false && len(properties) == 0 && depth < 5 && f.chance(.5) {
		member("text", func() { writeJSON(b, "x") })
	}
	if f.chance(f.evil / 4) {
		extra := pick(f, []string{"id", "org_id", "version", "role", "platform_admin", "created_at", "__proto__", "$schema", "", "\x00", "x"})
		member(extra, func() { b.WriteString(pick(f, evilJSON)) })
	}
	b.WriteString("}")
}

func list(v any) []any {
	all, _ := v.([]any)
	return all
}

// body is a body for the operation.
func (f *forger) body(op *operation) string {
	var b strings.Builder
	switch {
	case f.chance(f.evil / 4):
		return pick(f, append([]string{"\ufeff{}", "{}{}", "{} x", "[{}]", "\x00", "\xff\xfe{\x00}\x00", strings.Repeat(" ", 100_000) + "{}", `{"a":"` + strings.Repeat("a", 1<<20) + `"}`}, evilJSON...))
	case op.media == "application/x-ndjson" || op.id == "publishDataset" && f.chance(.3):
		for range f.rand.IntN(4) {
			f.value(&b, op.body, "", 0)
			b.WriteString("\n")
		}
		return b.String()
	}
	f.value(&b, op.body, "", 0)
	return b.String()
}

// target is a path with a query for the operation. plain: it leads there for sure.
func (f *forger) target(op *operation) (target string, plain bool) {
	target, plain = op.path, true
	query := []string{}
	for _, p := range op.parameters {
		switch p.in {
		case "path":
			text := f.parameter(p)
			if f.chance(f.evil / 2) {
				text = f.evilText()
				// What the router or a proxy takes for something else.
				plain = plain && text != "" && text != "." && text != ".." && !strings.ContainsAny(text, "/\\%")
			}
			target = strings.ReplaceAll(target, "{"+p.name+"}", url.PathEscape(text))
		case "query":
			if !p.required && f.chance(.7) {
				continue
			}
			text := f.parameter(p)
			if f.chance(f.evil) {
				text = f.evilText()
			}
			for range 1 + f.rand.IntN(20)/19 {
				query = append(query, url.QueryEscape(p.name)+"="+url.QueryEscape(text))
			}
		}
	}
	if f.chance(f.evil / 4) {
		query = append(query, pick(f, []string{"x=1", "limit", "limit=", "limit=-1", "limit=1e9", "cursor=%00", "cursor=%FF", "%zz=1", "a;b", "&&", "=", "org_id=" + f.id("org_id"), "sort=name,-name", "limit[]=1", "LIMIT=1", "format=exe", strings.Repeat("a=1&", 500)}))
	}
	if len(query) > 0 {
		target += "?" + strings.Join(query, "&")
	}
	return target, plain
}

// parameter is a value of a parameter of the path or the query.
func (f *forger) parameter(p parameter) string {
	schema := f.resolved(p.schema)
	if choices, ok := schema["enum"].([]any); ok {
		return fmt.Sprint(pick(f, choices))
	}
	switch schema["type"] {
	case "integer", "number":
		return f.number(schema)
	case "boolean":
		return strconv.FormatBool(f.chance(.5))
	case "array":
		return fmt.Sprint(f.parameter(parameter{name: singular(p.name), schema: schema["items"].(map[string]any)})) //nolint:forcetypeassert // the document's form
	}
	return f.text(schema, p.name)
}

// learn keeps values of an answer for later requests.
func (f *forger) learn(op *operation, a *answer) {
	var v any
	if json.Unmarshal(a.body, &v) == nil {
		f.learnFrom(v, nounOf(op.path))
	}
	if tag := a.header.Get("ETag"); tag != "" {
		f.keep("etag", tag)
	}
}

// nounOf is what the ids in the answers to a path are ids of.
func nounOf(path string) string {
	noun := ""
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && !strings.HasPrefix(part, "{") {
			noun = part
		}
	}
	noun = strings.NewReplacer("api-keys", "keys", "folders", "nodes", "children", "nodes", "invitations", "accounts", "members", "accounts", "entities", "entity").Replace(noun)
	return singular(noun)
}

func (f *forger) learnFrom(v any, noun string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			f.learnFrom(item, noun)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			switch value := v[name].(type) {
			case string:
				switch {
				case name == "id":
					f.keep(noun+"_id", value)
				case name == "next_cursor":
					f.keep("cursor", value)
				case strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "token") || slices.Contains([]string{"etag", "slug", "path", "key", "code", "secret", "file_name"}, name):
					f.keep(name, value)
				}
			default:
				below := noun
				if name != "items" {
					below = singular(name)
				}
				f.learnFrom(value, below)
			}
		}
	}
}

// keep keeps a value; of each name there are so many, the newer the likelier.
func (f *forger) keep(name, value string) {
	const most = 40
	if value == "" || len(value) > 5000 {
		return
	}
	if all := f.seen[name]; len(all) >= most {
		all[f.rand.IntN(most)] = value
		return
	}
	f.seen[name] = append(f.seen[name], value)
}
