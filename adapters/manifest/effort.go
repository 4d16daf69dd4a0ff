package manifest

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// What checking an item may take. A step is looking at one value with one part of
// a schema: about a microsecond.
const (
	maxSteps      = 500_000
	trialSteps    = 50_000
	maxExhausting = 3 // items that take too many, after which no others are tried
	maxPattern    = 1_000
	maxProgram    = 10_000 // instructions of a compiled pattern
)

// effort bounds what checking items by schemas takes. A schema of a few lines can
// ask for more than the age of the universe: by references that double at each
// level, or by alternatives at each level of an item. The library cannot be told
// to stop, so what it calls for each part of a schema, its format, counts.
type effort struct {
	mu        sync.Mutex // of all: schemas may be used at once
	left      int
	exhausted int // items that took too much
	parts     []part
	words     int // in the longest list of the words that something may be
}

// part is a part of a schema with what looking at it costs by itself.
type part struct {
	schema *jsonschema.Schema
	cost   int
}

// exhaustedError unwinds a check that takes too long.
type exhaustedError struct{}

// watch notes every part of what the compiler compiles, and counts what patterns do.
func (e *effort) watch(c *jsonschema.Compiler) {
	c.UseRegexpEngine(e.pattern)
	c.AssertVocabs()
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: "coffer:effort", Compile: func(ctx *jsonschema.CompilerContext, object map[string]any) (jsonschema.SchemaExt, error) {
		cost := 1
		for _, member := range object {
			switch member := member.(type) {
			case []any:
				cost += len(member)
			case map[string]any:
				cost += len(member)
			}
		}
		if words, ok := object["enum"].([]any); ok {
			e.words = max(e.words, len(words))
		}
		e.parts = append(e.parts, part{ctx.Enqueue(nil), cost})
		return nil, nil //nolint:nilnil // the library's way of saying that there is no such keyword
	}})
}

// counted makes all parts count.
func (e *effort) counted() {
	const cheap = 50 // words are compared in the time of a step
	each := 1 + e.words/cheap
	for _, p := range e.parts {
		format, cost := p.schema.Format, p.cost
		counting := &jsonschema.Format{Name: "effort"}
		if format != nil {
			counting.Name = format.Name
		}
		counting.Validate = func(v any) error {
			// What follows looks at each member at least once, and may be done
			// with one before its format has counted.
			e.spend(cost + each*members(v))
			if format == nil {
				return nil
			}
			return format.Validate(v)
		}
		p.schema.Format = counting
	}
	e.parts = nil
}

func members(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 0
}

func (e *effort) spend(steps int) {
	if e.left -= steps; e.left < 0 {
		panic(exhaustedError{}) // validate catches it
	}
}

// validate checks an item. within is false if it takes more than so many steps.
func (e *effort) validate(schema *jsonschema.Schema, item any, steps int) (err error, within bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.exhausted >= maxExhausting {
		return nil, false
	}
	e.left = steps
	defer func() {
		switch p := recover().(type) {
		case nil:
		case exhaustedError:
			e.exhausted++
			err, within = nil, false
		default:
			panic(p)
		}
		e.left = 0
	}()
	return schema.Validate(item), true
}

// smallest is an item with hardly anything in it.
func smallest(kind string) any {
	return map[string]any{"external_id": "a", "type": kind, "title": "a", "tags": []any{}, "data": map[string]any{}, "assets": []any{}}
}

// program is a pattern that counts.
type program struct {
	*regexp.Regexp

	effort *effort
	size   int
}

// MatchString implements jsonschema.Regexp.
func (p *program) MatchString(s string) bool {
	const perStep = 100    // bytes, each at one instruction
	if p.effort.left > 0 { // else it is the schema that is being looked at
		p.effort.spend(1 + len(s)*p.size/perStep)
	}
	return p.Regexp.MatchString(s)
}

// pattern implements jsonschema.RegexpEngine.
func (e *effort) pattern(text string) (jsonschema.Regexp, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("a pattern has more than %d bytes", maxPattern)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	code, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if len(code.Inst) > maxProgram {
		return nil, fmt.Errorf("a pattern repeats too much: it has %d steps, and may have %d", len(code.Inst), maxProgram)
	}
	compiled, err := regexp.Compile(text)
	return &program{compiled, e, len(code.Inst)}, err
}
