package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// block is a fenced block of a page.
type block struct {
	page, info, text string
	line             int
}

// blocksOf returns the fenced blocks of a page. A block of commands says `sh`, and is
// executed; one that says `shell` looks the same and is not, since it needs what a
// test does not have.
func blocksOf(t *testing.T, page string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		info, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open == nil:
			open = &block{page: page, info: info, line: n + 1}
		case fence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Errorf("%s:%d: a block does not end", page, open.line)
	}
	return all
}

// notExecuted are the beginnings of commands that need something else: a terminal, a
// service of the system, another server, or somebody who waits.
var notExecuted = []string{
	"go run ./cmd/coffer serve", "coffer login --server", "go tool ", "coffer migrate up ", "systemd-run ", "curl -N ", "docker ", "pg_dump ", "pg_restore ", "psql ",
	"rclone ", "export COFFER_", "systemctl ", "export AWS_",
}

// scriptOf joins the blocks that are executed. Each says where it is, so that a
// failure does, too.
func scriptOf(blocks []block) string {
	var b strings.Builder
	for _, x := range blocks {
		if x.info == "sh" {
			fmt.Fprintf(&b, "here=%s:%d\n%s\n", x.page, x.line, x.text)
		}
	}
	return b.String()
}

// follows runs a script as a reader would: in bash, in an empty directory, with the
// program in the path and the operator's environment.
func (s *server) follows(script string) { s.followsIn(s.t.TempDir(), script) }

func (s *server) followsIn(dir, script string) {
	s.t.Helper()
	built := program(s.t)
	script = "set -euo pipefail\ntrap 'echo \"failed: $here\" >&2' ERR\nset -E\n" + script
	script = strings.ReplaceAll(strings.ReplaceAll(script, "http://127.0.0.1:8080", s.url), "http://127.0.0.1:9090", s.ops)
	if strings.Contains(script, ":8080") || strings.Contains(script, ":9090") {
		s.t.Errorf("the page has other addresses than http://127.0.0.1:8080 and http://127.0.0.1:9090")
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 4*time.Minute)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-c", script)
	env := maps.Clone(s.env)
	env["PATH"] = filepath.Dir(built) + string(os.PathListSeparator) + env["PATH"]
	env["COFFER_DATA_DIR"] = s.dataDir()
	bash.Dir = dir
	for name, value := range env {
		bash.Env = append(bash.Env, name+"="+value)
	}
	bash.WaitDelay = time.Second
	if out, err := bash.CombinedOutput(); err != nil {
		s.t.Errorf("%v\n%s", err, out[max(0, len(out)-4000):])
	}
}

func TestTheTourOfTheREADMEWorks(t *testing.T) {
	blocks := blocksOf(t, "README.md")
	tell(t, nil, func(_ *testing.T, s *server) { s.follows(scriptOf(blocks)) })
}

// TestThePagesOfTheDocumentationWork runs the commands of each page, after those of
// the index, beside a server of its own.
func TestThePagesOfTheDocumentationWork(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	index := blocksOf(t, "docs/README.md")
	for _, path := range pages {
		page := "docs/" + filepath.Base(path)
		script := scriptOf(blocksOf(t, page))
		if page == "docs/README.md" || script == "" {
			continue
		}
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, sqliteDisk, everything)
			s.start()
			s.follows(scriptOf(index) + script)
		})
	}
}

// TestEveryPageSaysWhatIsExecuted: whoever writes a block of commands has to make it
// one that is executed, or say in notExecuted why it cannot be; and the index leads
// to every page.
func TestEveryPageSaysWhatIsExecuted(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join("..", "..", "docs", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"README.md", "CONTRIBUTING.md"}
	for _, path := range pages {
		name := filepath.Base(path)
		if all = append(all, "docs/"+name); name != "README.md" && !strings.Contains(string(index), "("+name+")") {
			t.Errorf("docs/README.md does not lead to %s", name)
		}
	}
	for _, page := range all {
		for _, x := range blocksOf(t, page) {
			switch x.info {
			case "bash", "console", "terminal":
				t.Errorf("%s:%d: a block of commands says `sh` if it is executed, else `shell`", x.page, x.line)
			case "shell":
				for line := range strings.Lines(x.text) {
					known := func(begin string) bool { return strings.HasPrefix(line, begin) }
					if line[0] != '\n' && line[0] != '\t' && line[0] != '#' && !slices.ContainsFunc(notExecuted, known) && !strings.HasPrefix(line, "coffer ") {
						t.Errorf("%s:%d: why is %q not executed?", x.page, x.line, strings.TrimSpace(line))
					}
				}
			}
		}
	}
}

var testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`")

// TestTheThreatModelNamesTestsThatAreThere: a mitigation whose test is gone is a claim.
func TestTheThreatModelNamesTestsThatAreThere(t *testing.T) {
	t.Parallel()
	there := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9]+)\(`)
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "threat-model.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := testName.FindAllStringSubmatch(string(text), -1)
	if len(named) < 50 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, m := range named {
		if !there[m[1]] {
			t.Errorf("there is no %s", m[1])
		}
	}
}
