package fsblob

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
)

// dirs makes directories that survive a power cut.
//
// A blob is durable only when every directory above it is, including one that
// somebody else made a moment ago and has not synced yet: fresh knows those.
type dirs struct {
	root *os.Root

	mu    sync.Mutex
	fresh map[string]int // entries that may not be durable: how many will sync them
}

// ensure makes dir and its missing parents. It returns the directories whose
// entries in their parents may not be durable yet; settle must follow.
func (d *dirs) ensure(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.mkdir(dir); err != nil {
		return nil, err
	}
	var fresh []string
	for at := dir; at != "."; at = path.Dir(at) {
		if n, ok := d.fresh[at]; ok {
			d.fresh[at] = n + 1
			fresh = append(fresh, at)
		}
	}
	return fresh, nil
}

// mkdir makes dir. Its parents are tried only if it must: mostly they exist.
func (d *dirs) mkdir(dir string) error {
	err := d.root.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) && dir != "." {
		if err := d.mkdir(path.Dir(dir)); err != nil {
			return err
		}
		err = d.root.Mkdir(dir, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		d.fresh[dir] += 0 // from now on it is there
	}
	return err
}

// settle makes the new entry in dir durable, and those that ensure returned.
func (d *dirs) settle(dir string, fresh []string) error {
	todo := []string{dir}
	for _, f := range fresh {
		if p := path.Dir(f); !slices.Contains(todo, p) {
			todo = append(todo, p)
		}
	}
	var err error
	for _, dir := range todo {
		if err = d.sync(dir); err != nil {
			break
		}
	}
	d.release(fresh, err == nil)
	return err
}

// release gives back what ensure returned.
func (d *dirs) release(fresh []string, durable bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range fresh {
		if d.fresh[f]--; d.fresh[f] == 0 && durable {
			delete(d.fresh, f)
		}
	}
}

// sync makes the entries of dir durable. A directory that is gone has none.
func (d *dirs) sync(dir string) error {
	f, err := d.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed("sync directory", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return failed("sync directory", err)
	}
	return nil
}

// prune removes dir and its parents below base while they are empty.
func (d *dirs) prune(dir, base string) {
	for ; dir != base && dir != "."; dir = path.Dir(dir) {
		if d.root.Remove(dir) != nil { // not empty, or somebody was faster
			return
		}
	}
}
