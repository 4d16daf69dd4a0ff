package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWhatBelongsToAFilm(t *testing.T) {
	t.Parallel()
	names := []string{
		"alone.vtt", "note.mp3", "note.srt", "song.de.srt", "walk.en.vtt", "walk.jpg", "walk.mp4", "walk.poster.jpg", "walk.poster.png", "walk.srt", "walk.txt", "walk.vtt",
	}
	for _, tt := range []struct {
		name string
		want []sidecar
	}{
		{"walk.mp4", []sidecar{{"walk.en.vtt", "transcript.en"}, {"walk.poster.jpg", "poster"}, {"walk.srt", "subtitles"}, {"walk.vtt", "transcript"}}},
		{"note.mp3", []sidecar{{"note.srt", "subtitles"}}},
		{"walk.jpg", nil},
		{"alone.vtt", nil},
	} {
		if got := besides(tt.name, names); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	var items []string
	for _, name := range names {
		if !belongs(name, names) {
			items = append(items, name)
		}
	}
	// the second poster is nobody's, and is not lost
	if want := []string{"alone.vtt", "note.mp3", "song.de.srt", "walk.jpg", "walk.mp4", "walk.poster.png", "walk.txt"}; !slices.Equal(items, want) {
		t.Errorf("items: %v", items)
	}
}

// read takes a manifest and returns its lines and the paths of its files.
func readManifest(t *testing.T, read func(c *collector) error) (lines, paths []string, err error) {
	t.Helper()
	var out bytes.Buffer
	c := &collector{lines: &out, file: func(_ context.Context, f manifestFile) error {
		paths = append(paths, f.Path)
		return nil
	}}
	err = read(c)
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), paths, err
}

func TestManifestsAreReadItemByItem(t *testing.T) {
	t.Parallel()
	one, two := `{"external_id":"a","assets":[{"role":"main","path":"a.png"}]}`, `{"external_id":"b","assets":[]}`
	lines, paths, err := readManifest(t, func(c *collector) error {
		return c.ndjson(t.Context(), strings.NewReader(one+"\r\n\nno json\n"+two)) // the last without an end
	})
	if want := []string{one, "", "no json", two}; err != nil || !slices.Equal(lines, want) || !slices.Equal(paths, []string{"a.png"}) {
		t.Errorf("lines: %q %v %v", lines, paths, err)
	}
	lines, paths, err = readManifest(t, func(c *collector) error {
		return c.document(t.Context(), "m.json", strings.NewReader("{\"items\": [\n"+one+",\n "+two+"]}"))
	})
	if err != nil || !slices.Equal(lines, []string{one, two}) || len(paths) != 1 {
		t.Errorf("document: %q %v %v", lines, paths, err)
	}
	for _, text := range []string{``, `[]`, `{"item": []}`, `{"items": [` + one, `{"items": [], "more": 1}`, `{"items": [1,]}`} {
		_, _, err := readManifest(t, func(c *collector) error { return c.document(t.Context(), "m.json", strings.NewReader(text)) })
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != ExitUsage || e.Next == "" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAFolderIsAManifest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"b/walk.mp4", "b/walk.vtt", "a.png", ".hidden", "manifest.json"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var skipped []string
	lines, paths, err := readManifest(t, func(c *collector) error {
		return (&tree{collector: c, root: root, skip: func(path, _ string) error {
			skipped = append(skipped, path)
			return nil
		}}).folder(t.Context(), ".")
	})
	if err != nil || len(lines) != 2 || !slices.Equal(paths, []string{"a.png", "b/walk.mp4", "b/walk.vtt"}) || !slices.Equal(skipped, []string{"link.txt"}) {
		t.Errorf("%q %v %v %v", lines, paths, skipped, err)
	}
	if want := `{"external_id":"b/walk.mp4","type":"video","title":"walk","assets":[{"role":"main","path":"b/walk.mp4"},{"role":"transcript","path":"b/walk.vtt"}]}`; lines[1] != want {
		t.Errorf("%s", lines[1])
	}
}
