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

// begun remembers the asset of an upload that is under way, so that another
// command can go on with it if this one is killed. It is a file of its own, named
// after all that makes the upload what it is.
type begun struct{ path string } // empty: there is no place for it

func (u *uploader) begun(p place, info fs.FileInfo, sum string) begun {
	dir, err := os.UserCacheDir()
	if err != nil {
		return begun{}
	}
	what := fmt.Sprintf("%s\n%s\n%s\n%s\n%d\n%d\n%s", u.server, p.org, p.drive, p.path, info.Size(), info.ModTime().UnixNano(), sum)
	name := sha256.Sum256([]byte(what))
	return begun{filepath.Join(dir, "coffer", "uploads", hex.EncodeToString(name[:]))}
}

func (b begun) find() (asset uuid.UUID, ok bool) {
	if b.path == "" {
		return uuid.Nil, false
	}
	text, err := os.ReadFile(b.path)
	if err != nil {
		return uuid.Nil, false
	}
	asset, err = uuid.Parse(strings.TrimSpace(string(text)))
	return asset, err == nil
}

// keep remembers the asset. If it cannot, the upload can still be done.
func (b begun) keep(asset uuid.UUID) {
	if b.path == "" {
		return
	}
	if os.MkdirAll(filepath.Dir(b.path), onlyMineDir) == nil {
		_ = os.WriteFile(b.path, []byte(asset.String()+"\n"), onlyMine)
	}
}

// forget is for uploads that have arrived.
func (b begun) forget() error {
	if b.path != "" {
		_ = os.Remove(b.path) // a file that stays is of an upload that is over: it is not gone on with
	}
	return nil
}
