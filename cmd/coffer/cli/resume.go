package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
)

// begun remembers the asset of an upload, or the session of a publication, that is
// under way, so that another command can go on with it if this one is killed. It is a
// file of its own, named after all that makes it what it is.
type begun struct{ path string } // empty: there is no place for it

func (u *uploader) begun(p place, info fs.FileInfo, sum string) begun {
	return begunAs("uploads", u.server, p.org, p.drive, p.path, info.Size(), info.ModTime().UnixNano(), sum)
}

// begunAs is what was begun of a kind, by all that makes it what it is.
func begunAs(kind string, what ...any) begun {
	dir, err := os.UserCacheDir()
	if err != nil {
		return begun{}
	}
	name := sha256.Sum256(fmt.Appendln(nil, what...))
	return begun{filepath.Join(dir, "coffer", kind, hex.EncodeToString(name[:]))}
}

func (b begun) find() (id uuid.UUID, ok bool) {
	if b.path == "" {
		return uuid.Nil, false
	}
	text, err := os.ReadFile(b.path)
	if err != nil {
		return uuid.Nil, false
	}
	id, err = uuid.Parse(strings.TrimSpace(string(text)))
	return id, err == nil
}

// keep remembers it. If it cannot, what was begun can still be done.
func (b begun) keep(id uuid.UUID) {
	if b.path == "" {
		return
	}
	if os.MkdirAll(filepath.Dir(b.path), onlyMineDir) == nil {
		_ = os.WriteFile(b.path, []byte(id.String()+"\n"), onlyMine)
	}
}

// forget is for uploads that have arrived.
func (b begun) forget() error {
	if b.path != "" {
		_ = os.Remove(b.path) // a file that stays is of an upload that is over: it is not gone on with
	}
	return nil
}
