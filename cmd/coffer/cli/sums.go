package cli

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/seed-755a8038/coffer/client"
)

// sums are the SHA-256 of files of this machine, as they were when they had that
// size and time: reading all of a large tree takes long. A nil one remembers nothing.
type sums struct {
	path string

	mu     sync.Mutex
	before map[string]sumOf
	now    map[string]sumOf // of what has been seen: the others are forgotten
}

type sumOf struct {
	Size   int64  `json:"size"`
	Time   int64  `json:"time"` // of the last change, in nanoseconds
	SHA256 string `json:"sha256"`
}

// openSums returns what is remembered of a tree.
func openSums(name string) *sums {
	s := &sums{before: map[string]sumOf{}, now: map[string]sumOf{}}
	dir, err := os.UserCacheDir()
	if err != nil {
		return s
	}
	s.path = filepath.Join(dir, "coffer", "sums", name+".json")
	text, err := os.ReadFile(s.path)
	if err != nil || json.Unmarshal(text, &s.before) != nil || s.before == nil {
		s.before = map[string]sumOf{} // it is only a memory
	}
	return s
}

// of returns the SHA-256 of an open file.
func (s *sums) of(ctx context.Context, path string, f *os.File, info fs.FileInfo) (string, error) {
	if s == nil {
		return client.SHA256(ctx, f, info.Size())
	}
	seen := sumOf{Size: info.Size(), Time: info.ModTime().UnixNano()}
	s.mu.Lock()
	known, ok := s.before[path]
	s.mu.Unlock()
	if ok && known.Size == seen.Size && known.Time == seen.Time {
		seen.SHA256 = known.SHA256
	} else {
		var err error
		if seen.SHA256, err = client.SHA256(ctx, f, info.Size()); err != nil {
			return "", err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[path] = seen
	return seen.SHA256, nil
}

// save keeps what is known for the next time; of files that were not seen, only if
// not all were looked at. If it cannot, the next time takes longer.
func (s *sums) save(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !all {
		for path, sum := range s.before {
			if _, ok := s.now[path]; !ok {
				s.now[path] = sum
			}
		}
	}
	if text, err := json.Marshal(s.now); err == nil && s.path != "" {
		_ = writeWhole(s.path, text)
	}
}
