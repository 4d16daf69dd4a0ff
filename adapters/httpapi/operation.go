package httpapi

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// operation describes an operation of the API.
type operation struct {
	id      string // lowerCamelCase, stable
	method  string
	path    string
	tag     string
	summary string
	about   string
	status  int      // of success; 0: 200, or 204 without a body
	public  bool     // needs no credential
	keys    bool     // takes API keys, too
	scripts bool     // takes API keys only
	codes   []string // of problems, beside those that follow from the rest
	also    map[int]string

	raw bool // the handler reads the body, which is somebody else's to describe

	// stream describes a body that the handler reads as it comes, however long;
	// nil: it is read whole.
	stream map[string]*huma.MediaType

	// answer describes a success that the handler writes itself; nil: huma does.
	answer func(huma.Registry) map[string]*huma.MediaType
}

// The names of the security schemes.
const (
	schemeBearer = "bearer"
	schemeAPIKey = "apiKey"
)

const (
	streamed     = "streamed" // in the metadata of operations
	escapedColon = `\:`
)

// register mounts an operation. Whatever error the handler returns is mapped
// here, so that none reaches the client in words that are not meant for it.
func register[I, O any](api huma.API, op operation, handler func(context.Context, *I) (*O, error)) {
	op.codes = append(op.codes, impliedCodes(op, reflect.TypeFor[I]())...)
	responses := problemResponses(api, op.codes)
	for status, description := range op.also {
		responses[strconv.Itoa(status)] = &huma.Response{Description: description}
	}
	if op.answer != nil {
		responses[strconv.Itoa(http.StatusOK)] = &huma.Response{
			Description: http.StatusText(http.StatusOK), Content: op.answer(api.OpenAPI().Components.Schemas),
		}
	}
	security := []map[string][]string{{schemeBearer: {}}}
	if op.public {
		security = []map[string][]string{}
	}
	if op.keys {
		security = append(security, map[string][]string{schemeAPIKey: {}})
	}
	if op.scripts {
		security = []map[string][]string{{schemeAPIKey: {}}}
	}
	described := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag}, Summary: op.summary, Description: op.about,
		DefaultStatus: op.status, Security: security, Responses: responses,
		MaxBodyBytes: -1, // guard has read the body, and bounded it
	}
	if op.raw {
		described.SkipValidateBody = true
		described.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			jsonType: {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
		}}
	}
	if op.stream != nil {
		described.Metadata = map[string]any{streamed: true}
	}
	// To the router, a colon begins a parameter.
	described.Path = strings.ReplaceAll(op.path, ":", escapedColon)
	defer func() {
		paths := api.OpenAPI().Paths
		if op.stream != nil { // not before: huma would read it
			paths[described.Path].Post.RequestBody = &huma.RequestBody{Required: true, Content: op.stream}
		}
		if described.Path != op.path {
			paths[op.path] = paths[described.Path]
			delete(paths, described.Path)
		}
	}()
	huma.Register(api, described, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, refuse(ctx, err)
		}
		return out, nil
	})
}

// impliedCodes are the problems that an operation has because of what it is.
func impliedCodes(op operation, input reflect.Type) []string {
	codes := []string{"rate_limited", "internal", "timeout", "unavailable", "malformed_request"}
	if strings.HasSuffix(op.path, "z") { // probes are not limited
		codes = codes[1:]
	}
	if !op.public {
		codes = append(codes, "unauthenticated", "user_disabled", "email_unverified", "key_not_allowed")
	}
	if strings.Contains(op.path, "{") {
		codes = append(codes, "not_found")
	}
	if slices.ContainsFunc(reflect.VisibleFields(input), isParameter) {
		codes = append(codes, "validation_failed")
	}
	if _, ok := input.FieldByName("Body"); ok {
		codes = append(codes, "malformed_json", "body_too_large", "unsupported_media_type", "validation_failed", "request_timeout")
	}
	if _, ok := input.FieldByName("Cursor"); ok {
		codes = append(codes, "cursor_invalid")
	}
	if _, ok := input.FieldByName("IfMatch"); ok {
		codes = append(codes, "precondition_failed")
	}
	if _, ok := input.FieldByName("IdempotencyKey"); ok {
		codes = append(codes, "idempotency_conflict")
	}
	return codes
}

// isParameter reports whether a part of the input can break a rule by itself. A
// part of the path cannot: it names nothing then.
func isParameter(f reflect.StructField) bool {
	return f.Tag.Get("query") != "" || f.Tag.Get("header") != ""
}

// problemResponses documents problems by their statuses.
func problemResponses(api huma.API, codes []string) map[string]*huma.Response {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "")
	slices.Sort(codes)
	responses := map[string]*huma.Response{}
	for _, code := range slices.Compact(codes) {
		m, ok := meanings[code]
		if !ok {
			panic("no meaning of the code " + code)
		}
		status := strconv.Itoa(m.status)
		r := responses[status]
		if r == nil {
			r = &huma.Response{Content: map[string]*huma.MediaType{problemType: {Schema: schema, Examples: map[string]*huma.Example{}}}}
			responses[status] = r
			addProblemHeaders(r, m.status)
		} else {
			r.Description += " "
		}
		r.Description += m.title + " (`" + code + "`)."
		r.Content[problemType].Examples[code] = &huma.Example{Ref: "#/components/examples/" + code}
	}
	return responses
}

func addProblemHeaders(r *huma.Response, status int) {
	switch status {
	case http.StatusUnauthorized:
		r.Headers = map[string]*huma.Param{"WWW-Authenticate": {
			Description: "The scheme to use", Schema: &huma.Schema{Type: huma.TypeString},
		}}
	case http.StatusLocked, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		r.Headers = map[string]*huma.Param{"Retry-After": {
			Description: "Seconds to wait before another attempt", Schema: &huma.Schema{Type: huma.TypeInteger},
		}}
	}
}
