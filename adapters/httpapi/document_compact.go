package httpapi

import (
	"encoding/json"
	"slices"
	"strings"
)

// OpenAPICompact returns the description of the API as OpenAPI 3.0 in JSON, for
// generators of clients: without examples, and with one description of what every
// operation may refuse.
func OpenAPICompact() ([]byte, error) {
	srv, err := newServer(Services{}, Options{})
	if err != nil {
		return nil, err
	}
	full, err := srv.api.OpenAPI().Downgrade()
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(full, &doc); err != nil {
		return nil, err
	}
	if components, ok := doc["components"].(map[string]any); ok {
		delete(components, "examples")
	}
	compact(doc)
	return json.MarshalIndent(doc, "", "  ")
}

// compact removes examples, and answers that refuse, from a part of a document.
func compact(part any) {
	switch part := part.(type) {
	case []any:
		for _, p := range part {
			compact(p)
		}
	case map[string]any:
		delete(part, "examples")
		if _, ok := part["type"]; ok { // of a schema; a property may have that name
			delete(part, "example")
		}
		compactNull(part)
		if answers, ok := part["responses"].(map[string]any); ok && part["operationId"] != nil {
			for status := range answers {
				if !strings.HasPrefix(status, "2") && !strings.HasPrefix(status, "3") {
					delete(answers, status)
				}
			}
			answers["default"] = map[string]any{
				"description": "What the server refuses",
				"content": map[string]any{"application/problem+json": map[string]any{
					"schema": map[string]any{"$ref": "#/components/schemas/Problem"},
				}},
			}
		}
		for _, p := range part {
			compact(p)
		}
	}
}

// compactNull says that something can be null in the way of OpenAPI 3.0.
func compactNull(schema map[string]any) {
	if either, ok := schema["anyOf"].([]any); ok {
		const both = 2
		if null, _ := either[len(either)-1].(map[string]any); len(either) == both && null["type"] == "null" {
			delete(schema, "anyOf")
			schema["allOf"], schema["nullable"] = either[:1], true
		}
	}
	if words, ok := schema["enum"].([]any); ok {
		schema["enum"] = slices.DeleteFunc(words, func(word any) bool { return word == nil })
	}
}
