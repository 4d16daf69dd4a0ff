package env

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// toolProgram builds a tool of tools/go.mod, or finds it built, and returns its path.
func toolProgram(ctx context.Context, name string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	c := exec.CommandContext(ctx, "go", "tool", "-modfile=tools/go.mod", "-n", name)
	c.Dir = root
	var out, complaint bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaint
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	path := strings.TrimSpace(out.String())
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("go tool -n %s says: %s", name, path)
	}
	return path, nil
}
