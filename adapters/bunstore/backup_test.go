package bunstore_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-755a8038/coffer/test/fixture"
)

func TestABackupIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := fixture.SQLite(t, filepath.Join(dir, "coffer.db"))
	stopped, stop := context.WithCancel(t.Context())
	stop()
	file := filepath.Join(dir, "copy.db")
	if err := s.Backup(stopped, file); err == nil {
		t.Error("a backup that was stopped has no error")
	}
	if _, err := os.Lstat(file); !os.IsNotExist(err) {
		t.Errorf("it has left a file: %v", err)
	}
	if err := s.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if err := s.Backup(t.Context(), file); !os.IsExist(err) {
		t.Errorf("over another file: %v", err)
	}
	again, err := os.Stat(file)
	if err != nil || again.Size() != info.Size() {
		t.Errorf("the other file is touched: %v", err)
	}
}
