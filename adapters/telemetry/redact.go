package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// redactor is the last stop before the log: it writes [redacted] for every value
// whose key names a secret, at any depth, and removes secrets from texts (see
// scrub), so that a careless line anywhere does not betray anybody.
type redactor struct {
	zapcore.Core

	all bool // inside a namespace whose name is a secret's
}

// With implements zapcore.Core.
func (r redactor) With(fields []zapcore.Field) zapcore.Core {
	fields, all := redactFields(fields, r.all)
	return redactor{r.Core.With(fields), all}
}

// Check implements zapcore.Core.
func (r redactor) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if r.Enabled(e.Level) {
		return ce.AddCore(e, r)
	}
	return ce
}

// Write implements zapcore.Core.
func (r redactor) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Message = scrub(e.Message)
	fields, _ = redactFields(fields, r.all)
	return r.Core.Write(e, fields)
}

func redactFields(fields []zapcore.Field, all bool) ([]zapcore.Field, bool) {
	out := make([]zapcore.Field, 0, len(fields))
	for _, f := range fields {
		switch {
		case f.Type == zapcore.NamespaceType:
			all = all || isSecretKey(f.Key)
			out = append(out, f)
		case f.Type == zapcore.SkipType:
		case f.Type == zapcore.InlineMarshalerType:
			out = append(out, redactInline(f, all)...)
		case all || isSecretKey(f.Key):
			out = append(out, zap.String(f.Key, redacted))
		default:
			out = append(out, redactField(f))
		}
	}
	return out, all
}

// redactField cleans the value of a field whose key is harmless.
func redactField(f zapcore.Field) zapcore.Field {
	switch f.Type { //nolint:exhaustive // every type that is not here can hold a text
	case zapcore.StringType:
		f.String = scrub(f.String)
		return f
	case zapcore.BoolType, zapcore.DurationType, zapcore.TimeType, zapcore.TimeFullType,
		zapcore.Int64Type, zapcore.Int32Type, zapcore.Int16Type, zapcore.Int8Type,
		zapcore.Uint64Type, zapcore.Uint32Type, zapcore.Uint16Type, zapcore.Uint8Type, zapcore.UintptrType,
		zapcore.Float64Type, zapcore.Float32Type, zapcore.Complex128Type, zapcore.Complex64Type:
		return f
	}
	// Errors and Stringers become text here, and marshalers maps; zap itself
	// catches those that panic. A verbose form of an error is left out.
	enc := zapcore.NewMapObjectEncoder()
	f.AddTo(enc)
	value, ok := enc.Fields[f.Key]
	if !ok { // zap has written what went wrong under another key
		return zap.Any(f.Key+"Error", redactValue(enc.Fields[f.Key+"Error"]))
	}
	return zap.Any(f.Key, redactValue(value))
}

func redactInline(f zapcore.Field, all bool) []zapcore.Field {
	enc := zapcore.NewMapObjectEncoder()
	f.AddTo(enc)
	var out []zapcore.Field
	for key, value := range enc.Fields {
		if all || isSecretKey(key) {
			value = redacted
		}
		out = append(out, zap.Any(key, redactValue(value)))
	}
	return out
}

// redactValue cleans a value of any shape. One that is not made of maps, lists
// and scalars is first turned into its JSON.
func redactValue(v any) any {
	switch v := v.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, json.Number, time.Time:
		return v
	case string:
		return scrub(v)
	case time.Duration:
		return v.String()
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			if isSecretKey(key) {
				out[key] = redacted
			} else {
				out[key] = redactValue(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = redactValue(value)
		}
		return out
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("cannot be shown: %T", v)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return fmt.Sprintf("cannot be shown: %T", v)
	}
	return redactValue(plain)
}
