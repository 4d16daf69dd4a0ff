package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// schemas implements ports.ItemSchemas.
type schemas struct {
	byType map[string]*jsonschema.Schema
	effort *effort
}

// nowhere refuses to load what a schema refers to elsewhere.
type nowhere struct{}

// Load implements jsonschema.URLLoader.
func (nowhere) Load(string) (any, error) {
	return nil, errors.New("a schema refers to nothing but itself: put what it needs under $defs")
}

// Schemas implements ports.Manifests.
func (m *Manifests) Schemas(location string, all core.ItemSchemas) (ports.ItemSchemas, error) {
	out := &schemas{make(map[string]*jsonschema.Schema, len(all)), &effort{}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		at := location + "." + name
		doc, err := parse(all[name])
		if err != nil {
			return nil, core.Invalid(at, err.Error())
		}
		switch doc.(type) {
		case map[string]any, bool:
		default:
			return nil, core.Invalid(at, "must be a JSON Schema: an object, true or false")
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		c.UseLoader(nowhere{})
		c.AssertFormat()
		out.effort.watch(c)
		const self = "item:schema"
		if err := c.AddResource(self, doc); err != nil {
			return nil, core.Invalid(at, short(err))
		}
		if out.byType[name], err = c.Compile(self); err != nil {
			return nil, core.Invalid(at, "is no JSON Schema 2020-12: "+short(err))
		}
	}
	out.effort.counted()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, within := out.effort.validate(out.byType[name], smallest(name), trialSteps); !within {
			return nil, core.Invalid(location+"."+name, "takes too many steps to check even a small item: it refers to itself over and over")
		}
	}
	return out, nil
}

// short is what an error of the library says, without the address that we have
// given the schema.
func short(err error) string {
	const most = 500
	text := strings.ReplaceAll(err.Error(), "item:schema", "")
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// maxCauses is how much of what is wrong with an item is told, and counted.
const maxCauses = 1000

var english = message.NewPrinter(language.English)

// Validate implements ports.ItemSchemas.
func (s *schemas) Validate(line int64, name string, item any) []core.ManifestFailure {
	schema, ok := s.byType[name]
	if !ok {
		return []core.ManifestFailure{{
			Line: line, Pointer: "/type", Code: core.ManifestUnknownType,
			Message: fmt.Sprintf("the dataset has no schema for items of this type; it has %s", strings.Join(slices.Sorted(maps.Keys(s.byType)), ", ")),
		}}
	}
	err, within := s.effort.validate(schema, item, maxSteps)
	switch {
	case !within:
		return []core.ManifestFailure{{Line: line, Code: core.ManifestComplex, Message: "takes too many steps to check against the schema of its type: make the schema simpler, or the item smaller"}}
	case err == nil:
		return nil
	}
	wrong, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []core.ManifestFailure{{Line: line, Code: core.ManifestSchema, Message: short(err)}}
	}
	failed := causes(nil, line, wrong)
	// The library goes through objects in no order.
	slices.SortStableFunc(failed, func(a, b core.ManifestFailure) int { return strings.Compare(a.Pointer, b.Pointer) })
	return failed
}

// causes appends what is wrong at the bottom of an error. Of alternatives, each
// says why it is none.
func causes(out []core.ManifestFailure, line int64, e *jsonschema.ValidationError) []core.ManifestFailure {
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			if len(out) >= maxCauses {
				break
			}
			out = causes(out, line, cause)
		}
		return out
	}
	at := core.JSONPointer(e.InstanceLocation)
	if missing, ok := e.ErrorKind.(*kind.Required); ok {
		for _, name := range missing.Missing {
			out = append(out, core.ManifestFailure{Line: line, Pointer: at + core.JSONPointer([]string{name}), Code: core.ManifestSchema, Message: "is missing"})
		}
		return out
	}
	return append(out, core.ManifestFailure{Line: line, Pointer: at, Code: core.ManifestSchema, Message: e.ErrorKind.LocalizedString(english)})
}
