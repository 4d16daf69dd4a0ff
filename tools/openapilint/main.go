// Command openapilint checks OpenAPI documents against the rules in openapilint.yaml,
// which is next to this file. It prints what it finds and ends with 1 on any finding
// but a hint, 2 when a document cannot be read.
//
//	go run -C tools ./openapilint ../docs/openapi.yaml
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/speakeasy-api/openapi/linter"
	"github.com/speakeasy-api/openapi/openapi"
	rules "github.com/speakeasy-api/openapi/openapi/linter"
	"github.com/speakeasy-api/openapi/validation"
)

//go:embed openapilint.yaml
var config []byte

func main() {
	code := 0
	for _, path := range os.Args[1:] {
		report, clean, err := lint(context.Background(), path)
		switch {
		case err != nil:
			fmt.Fprintf(os.Stderr, "openapilint: %s: %v\n", path, err)
			code = 2
		case !clean:
			fmt.Print(report)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// lint returns what is wrong with the document at path; clean means nothing to mend.
func lint(ctx context.Context, path string) (report string, clean bool, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return "", false, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", false, err
	}
	doc, invalid, err := openapi.Unmarshal(ctx, bytes.NewReader(raw))
	if err != nil {
		return "", false, err
	}
	settings, err := linter.LoadConfig(bytes.NewReader(config))
	if err != nil {
		return "", false, err
	}
	l, err := rules.NewLinter(settings)
	if err != nil {
		return "", false, err
	}
	out, err := l.Lint(ctx, linter.NewDocumentInfo(doc, path), invalid, nil)
	if err != nil {
		return "", false, err
	}
	for _, found := range out.Results {
		hint, ok := errors.AsType[*validation.Error](found)
		if !ok || hint.Severity != validation.SeverityHint {
			return out.FormatText(), false, nil
		}
	}
	return "", true, nil
}
