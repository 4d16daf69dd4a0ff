package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// everyIDIsForeignOnce compares the tables above with the document: no id that
// an operation takes, wherever it does, may be left out.
func (s *server) everyIDIsForeignOnce() {
	s.t.Helper()
	document := s.document()
	asked := map[string]bool{}
	for place := range elsewhere {
		asked[place] = true
	}
	all := slices.Clone(requests)
	for _, r := range inside {
		all = append(all, r.request)
	}
	for _, r := range all {
		id := r.operation(document)
		if id == "" {
			s.t.Errorf("no operation is %s %s", r.method, r.path)
			continue
		}
		for _, place := range r.places(document[id]) {
			asked[id+" "+place] = true
		}
	}
	for id, op := range document {
		for _, place := range op.ids {
			if !asked[id+" "+place] {
				s.t.Errorf("no request of the tables has a foreign id in %s of %s", place, id)
			}
		}
	}
}

// operation is the name of the one that the request asks for.
func (r request) operation(document map[string]documented) (best string) {
	path, _, _ := strings.Cut(r.path, "?")
	for _, id := range slices.Sorted(maps.Keys(document)) {
		op := document[id]
		if op.method != r.method || !matches(op.path, path) {
			continue
		}
		if best == "" || strings.Count(op.path, "{") < strings.Count(document[best].path, "{") {
			best = id
		}
	}
	return best
}

// matches reports whether a path of the tables is one of the document's.
func matches(pattern, path string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == h || strings.HasPrefix(w, "{") })
}

// places are where the request has ids of somebody else.
func (r request) places(op documented) (all []string) {
	foreign := func(text string) bool { return foreignName.MatchString(text) }
	path, query, _ := strings.Cut(r.path, "?")
	have := strings.Split(path, "/")
	for i, name := range strings.Split(op.path, "/") {
		if strings.HasPrefix(name, "{") && foreign(have[i]) {
			all = append(all, "path "+strings.Trim(name, "{}"))
		}
	}
	for part := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(part, "="); foreign(value) {
			all = append(all, "query "+name)
		}
	}
	var body any
	if json.Unmarshal([]byte(r.body), &body) == nil {
		all = append(all, inBody(body, "body ", foreign)...)
	}
	return all
}

// inBody are the places of the strings that match.
func inBody(v any, at string, match func(string) bool) (all []string) {
	switch v := v.(type) {
	case string:
		if match(v) {
			return []string{at}
		}
	case []any:
		for _, item := range v {
			all = append(all, inBody(item, at+"[]", match)...)
		}
	case map[string]any:
		for name, member := range v {
			all = append(all, inBody(member, joined(at, name), match)...)
		}
	}
	return all
}

func joined(at, name string) string {
	if strings.HasSuffix(at, " ") {
		return at + name
	}
	return at + "." + name
}

// schema is as much of a JSON Schema as is needed to find ids.
type schema struct {
	Ref        string `json:"$ref"`
	Format     string
	Examples   []any
	Properties map[string]*schema
	Items      *schema
}

var anID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// ids are the places of the ids in what the schema describes. Lists of ids are
// known by their examples.
func (x *schema) ids(all map[string]*schema, at string) (places []string) {
	switch {
	case x == nil:
		return nil
	case x.Ref != "":
		return all[x.Ref[strings.LastIndexByte(x.Ref, '/')+1:]].ids(all, at)
	case x.Format == "uuid" || slices.ContainsFunc(x.Examples, func(e any) bool { return anID.MatchString(fmt.Sprint(e)) }):
		return []string{at}
	case slices.ContainsFunc(x.Examples, func(e any) bool { return anID.MatchString(strings.Trim(fmt.Sprint(e), "[]")) }):
		return []string{at + "[]"}
	}
	for name, member := range x.Properties {
		places = append(places, member.ids(all, joined(at, name))...)
	}
	return append(places, x.Items.ids(all, at+"[]")...)
}
