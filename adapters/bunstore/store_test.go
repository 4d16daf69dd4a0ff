package bunstore_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/test/contract"
	"github.com/seed-755a8038/coffer/test/fixture"
)

func TestContractSQLite(t *testing.T) {
	contract.Store(t, func(t *testing.T) contract.StoreEnv { return around(onDisk(t)) })
}

func TestContractMemory(t *testing.T) {
	contract.Store(t, func(t *testing.T) contract.StoreEnv { return around(fixture.Memory(t)) })
}

func TestContractPostgres(t *testing.T) {
	contract.Store(t, func(t *testing.T) contract.StoreEnv { return around(fixture.Postgres(t, 8)) })
}

// onDisk returns a store in a file, whose name has to be quoted.
func onDisk(t *testing.T) *bunstore.Store {
	t.Helper()
	return fixture.SQLite(t, filepath.Join(t.TempDir(), "a b?.db"))
}

func around(s *bunstore.Store) contract.StoreEnv {
	return contract.StoreEnv{Store: s, Hot: s, Limiter: s.Limiter(), Inspector: s, Statistics: s, Uses: s.KeyUses(), DatasetLog: s.DatasetLog()}
}
