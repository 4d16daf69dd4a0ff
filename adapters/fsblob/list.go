package fsblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-755a8038/coffer/ports"
)

// batchSize is how many names of one directory are held in memory, about. A
// larger directory is read once more for each further batch.
const batchSize = 1 << 14

// List implements ports.Blobs. It merges the trees of the depths, each of
// which it walks in order.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[ports.BlobInfo, error] {
	return func(yield func(ports.BlobInfo, error) bool) {
		names, _, err := s.batch(objectsDir, "", "", func(string) bool { return true })
		if err != nil {
			yield(ports.BlobInfo{}, err)
			return
		}
		var heads []*head
		var stops []func()
		defer func() {
			for _, stop := range stops {
				stop()
			}
		}()
		for _, name := range names {
			n, err := strconv.Atoi(name)
			if err != nil {
				continue // not ours
			}
			w := walk{s: s, ctx: ctx, prefix: prefix}
			next, stop := iter.Pull2(w.tree(path.Join(objectsDir, name), n))
			stops = append(stops, stop)
			if h := (&head{next: next}); h.advance() {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			h := slices.MinFunc(heads, func(a, b *head) int { return strings.Compare(a.blob.Key, b.blob.Key) })
			if !yield(h.blob, h.err) || h.err != nil {
				return
			}
			if !h.advance() {
				heads = slices.DeleteFunc(heads, func(x *head) bool { return x == h })
			}
		}
	}
}

// head is the next blob of one tree. The key of an error is empty, so that it
// comes first.
type head struct {
	next func() (ports.BlobInfo, error, bool)
	blob ports.BlobInfo
	err  error
}

func (h *head) advance() bool {
	var ok bool
	h.blob, h.err, ok = h.next()
	return ok
}

// walk yields the blobs of one tree whose keys start with prefix.
type walk struct {
	s      *Store
	ctx    context.Context // of the call of List, which the walk does not outlive
	prefix string
	yield  func(ports.BlobInfo, error) bool
}

func (w walk) tree(dir string, levels int) iter.Seq2[ports.BlobInfo, error] {
	return func(yield func(ports.BlobInfo, error) bool) {
		w.yield = yield
		w.dir(dir, "", levels)
	}
}

// dir walks one directory, whose blobs' keys start with key, and reports
// whether to go on. The blobs are levels below.
func (w walk) dir(dir, key string, levels int) bool {
	// As part of a key a directory's name is followed by a slash, and has to be
	// compared with it: "a-b/" comes before "a/".
	suffix := ""
	if levels > 1 {
		suffix = "/"
	}
	wanted := func(name string) bool {
		k := key + name
		return strings.HasPrefix(k, w.prefix) || suffix != "" && strings.HasPrefix(w.prefix, k)
	}
	if rest, ok := strings.CutPrefix(w.prefix, key); ok && suffix != "" {
		if name, _, ok := strings.Cut(rest, "/"); ok { // there is only this one
			return !fs.ValidPath(name) || name == "." || w.dir(path.Join(dir, name), key+name+"/", levels-1)
		}
	}
	for after, more := "", true; more; {
		var names []string
		var err error
		names, more, err = w.s.batch(dir, suffix, after, wanted)
		if err == nil {
			err = w.ctx.Err()
		}
		if err != nil {
			w.yield(ports.BlobInfo{}, err)
			return false
		}
		for _, name := range names {
			if !w.entry(path.Join(dir, name), key+name, levels) {
				return false
			}
			after = name
		}
	}
	return true
}

func (w walk) entry(name, key string, levels int) bool {
	if levels > 1 {
		return w.dir(name, key, levels-1)
	}
	fi, err := w.s.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
		return true
	}
	if err != nil {
		w.yield(ports.BlobInfo{}, failed("list blobs", err))
		return false
	}
	return w.yield(info(key, fi), nil)
}

// batch returns the least names of a directory after one of them, sorted, each
// with suffix, and whether there may be more. A missing directory is empty.
func (s *Store) batch(dir, suffix, after string, wanted func(string) bool) ([]string, bool, error) {
	f, err := s.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, failed("list blobs", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	var names []string
	more := false
	for {
		found, err := f.Readdirnames(1024)
		for _, name := range found {
			if name += suffix; name > after && wanted(name) {
				names = append(names, name)
			}
		}
		if len(names) >= 2*batchSize || err != nil {
			slices.Sort(names)
			if len(names) > batchSize {
				names, more = names[:batchSize], true
			}
		}
		if errors.Is(err, io.EOF) {
			return names, more, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("list blobs: %w", err)
		}
	}
}
