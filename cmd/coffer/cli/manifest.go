package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// Names of a manifest in a folder. The first is looked for first.
const (
	manifestLines = "manifest.ndjson"
	manifestJSON  = "manifest.json"
)

// manifestItem is an item as a manifest has it.
type manifestItem struct {
	ExternalID string         `json:"external_id"`
	Type       string         `json:"type"`
	Title      string         `json:"title,omitempty"`
	Assets     []manifestFile `json:"assets"`
}

type manifestFile struct {
	Role    string    `json:"role,omitempty"`
	Path    string    `json:"path,omitempty"`
	AssetID uuid.UUID `json:"asset_id,omitzero"`

	local string // where it is in the folder, as the machine spells it; empty: at Path
}

// collector takes a manifest as it is read or made: a line for each item, and
// the files that it names. Only one item is held.
type collector struct {
	lines io.Writer
	file  func(ctx context.Context, f manifestFile) error
	items int64
}

func (c *collector) item(ctx context.Context, line []byte, files []manifestFile) error {
	if _, err := c.lines.Write(append(line, '\n')); err != nil {
		return err
	}
	c.items++
	for _, f := range files {
		if err := c.file(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// text adds an item that is written already. What is wrong with it, the server says.
func (c *collector) text(ctx context.Context, line []byte) error {
	var item manifestItem
	if json.Unmarshal(line, &item) != nil {
		item.Assets = nil
	}
	return c.item(ctx, line, item.Assets)
}

const longestLine = 2 << 20 // of which files are looked for; the server takes half of that

// ndjson reads a manifest with an item on each line. Lines keep their numbers.
func (c *collector) ndjson(ctx context.Context, r io.Reader) error {
	in := bufio.NewReaderSize(r, longestLine)
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) { // no good line: the server says so
			if _, err := c.lines.Write(line); err != nil {
				return err
			}
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if ended := errors.Is(err, io.EOF); ended && len(line) == 0 {
			return nil
		}
		if err := c.text(ctx, bytes.TrimRight(line, "\r\n")); err != nil {
			return err
		}
	}
}

// document reads a manifest that is one document, {"items": […]}.
func (c *collector) document(ctx context.Context, name string, r io.Reader) error {
	bad := func(err error) error {
		return &Error{Code: ExitUsage, What: fmt.Sprintf("%s is no manifest: %v", plain(name), err), Next: `it has to be {"items": […]}, or have an item on each line and a name that ends in .ndjson`, Err: err}
	}
	d := json.NewDecoder(r)
	for _, want := range []json.Token{json.Delim('{'), "items", json.Delim('[')} {
		got, err := d.Token()
		if err == nil && got != want {
			err = fmt.Errorf("there is %v in place of %v", got, want)
		}
		if err != nil {
			return bad(err)
		}
	}
	for d.More() {
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return bad(err)
		}
		var line bytes.Buffer
		if err := json.Compact(&line, item); err != nil {
			return bad(err)
		}
		if err := c.text(ctx, line.Bytes()); err != nil {
			return err
		}
	}
	for _, want := range []json.Token{json.Delim(']'), json.Delim('}')} {
		if got, err := d.Token(); err != nil || got != want {
			return bad(errors.Join(err, errors.New("there is more than items in it")))
		}
	}
	return nil
}

// tree makes a manifest of the files of a folder. The names of one of its folders
// are held at once.
type tree struct {
	*collector

	root *os.Root
	kind string // of all items; empty: by the media types of their files
	skip func(path, why string) error
}

// folder adds an item for each file of a folder, in the order of their names.
func (t *tree) folder(ctx context.Context, dir string) error {
	f, err := t.root.Open(dir)
	if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(name, ".") || dir == "." && (name == manifestLines || name == manifestJSON) {
			continue
		}
		if err := t.entry(ctx, path.Join(dir, name), name, names); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) entry(ctx context.Context, local, name string, names []string) error {
	info, err := t.root.Lstat(local)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // it has just gone
	case err != nil:
		return err
	case info.IsDir():
		return t.folder(ctx, local)
	case !info.Mode().IsRegular():
		return t.skip(local, "left out: it is neither a file nor a folder")
	case belongs(name, names):
		return nil // it comes with the file that it belongs to
	}
	p := norm.NFC.String(local) // as the server has names
	item := manifestItem{
		ExternalID: p, Type: t.kind, Title: strings.TrimSuffix(path.Base(p), path.Ext(p)), Assets: []manifestFile{{Role: "main", Path: p, local: local}},
	}
	if item.Type == "" {
		item.Type = itemTypeOf(contentTypeOf(name))
	}
	for _, beside := range besides(name, names) {
		at := path.Join(path.Dir(local), beside.name)
		item.Assets = append(item.Assets, manifestFile{Role: beside.role, Path: norm.NFC.String(at), local: at})
	}
	line, err := json.Marshal(item)
	if err != nil {
		return err
	}
	return t.item(ctx, line, item.Assets)
}

// sidecar is a file that belongs to a film or a recording beside it.
type sidecar struct{ name, role string }

// besides returns what belongs to a film or a recording: of walk.mp4, these are
// walk.vtt, walk.en.vtt, walk.srt, walk.en.srt and walk.poster.jpg.
func besides(name string, names []string) (out []sidecar) {
	if !played(name) {
		return nil
	}
	stem := strings.TrimSuffix(name, path.Ext(name)) + "."
	from, _ := slices.BinarySearch(names, stem)
	for _, other := range names[from:] {
		if !strings.HasPrefix(other, stem) {
			break
		}
		if role := roleOf(other[len(stem):]); role != "" && !slices.ContainsFunc(out, func(s sidecar) bool { return s.role == role }) {
			out = append(out, sidecar{other, role})
		}
	}
	return out
}

// belongs reports whether a file belongs to another one, and is no item itself.
func belongs(name string, names []string) bool {
	for dot := strings.IndexByte(name, '.'); dot > 0 && dot < len(name); {
		stem, role := name[:dot+1], roleOf(name[dot+1:])
		from, _ := slices.BinarySearch(names, stem)
		for _, other := range names[from:] {
			if role == "" || !strings.HasPrefix(other, stem) {
				break
			}
			if other != name && played(other) && !strings.Contains(other[len(stem):], ".") {
				return slices.Contains(besides(other, names), sidecar{name, role})
			}
		}
		next := strings.IndexByte(name[dot+1:], '.')
		if next < 0 {
			return false
		}
		dot += 1 + next
	}
	return false
}

// played reports whether a file is a film or a recording.
func played(name string) bool {
	kind := itemTypeOf(contentTypeOf(name))
	return kind == "video" || kind == "audio"
}

// roleOf is what a file is to the one beside it, by how its name goes on: empty,
// nothing.
func roleOf(rest string) string {
	const most = 40 // of a language
	first, last, two := strings.Cut(strings.ToLower(rest), ".")
	if !two {
		first, last = "", first
	}
	role := ""
	switch last {
	case "vtt":
		role = "transcript"
	case "srt":
		role = "subtitles"
	case "jpg", "jpeg", "png", "webp":
		if first == "poster" {
			return "poster"
		}
	}
	switch {
	case role == "" || first == "":
		return role
	case len(first) > most:
		return ""
	}
	return role + "." + first
}
