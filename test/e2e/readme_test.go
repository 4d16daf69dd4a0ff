package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tour returns the shell blocks of a text that a comment marks, in order.
func tour(text string) (blocks []string) {
	const mark = "<!-- tour -->"
	var block []string
	marked, inside := false, false
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case inside && trimmed == "```":
			blocks = append(blocks, strings.Join(block, ""))
			marked, inside, block = false, false, nil
		case inside:
			block = append(block, line)
		case trimmed == mark:
			marked = true
		case marked && strings.HasPrefix(trimmed, "```"):
			inside = true
		case trimmed != "":
			marked = false
		}
	}
	return blocks
}

func TestTheTourOfTheREADMEWorks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := tour(string(text))
	if len(blocks) == 0 {
		t.Fatal("the README has no tour")
	}
	tell(t, nil, func(t *testing.T, s *server) {
		script := strings.ReplaceAll("set -euo pipefail\n"+strings.Join(blocks, "\n"), "http://127.0.0.1:8080", s.url)
		if strings.Contains(script, ":8080") {
			t.Errorf("the tour has another address than http://127.0.0.1:8080")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		bash := exec.CommandContext(ctx, "bash", "-c", script)
		bash.Dir, bash.Env = t.TempDir(), []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir}
		bash.WaitDelay = time.Second
		if out, err := bash.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\nThe tour:\n%s", err, out, script)
		}
	})
}
