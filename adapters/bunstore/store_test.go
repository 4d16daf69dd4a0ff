package bunstore_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/migrations"
	"github.com/seed-755a8038/coffer/test/contract"
	"github.com/seed-755a8038/coffer/test/env"
)

func TestContractSQLite(t *testing.T) {
	contract.Store(t, func(t *testing.T) contract.StoreEnv {
		return opened(t, func() (*bunstore.Store, error) {
			return bunstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "a b?.db"), migrations.SQLite())
		})
	})
}

func TestContractMemory(t *testing.T) {
	contract.Store(t, func(t *testing.T) contract.StoreEnv {
		return opened(t, func() (*bunstore.Store, error) { return bunstore.OpenMemory(t.Context(), migrations.SQLite()) })
	})
}

func TestContractPostgres(t *testing.T) {
	contract.Store(t, func(t *testing.T) contract.StoreEnv {
		url := env.PostgresFrom(t, "bunstore", func(url string) error {
			s, err := bunstore.OpenPostgres(url, 2, migrations.Postgres())
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			_, err = s.Migrate(t.Context())
			return err
		})
		return opened(t, func() (*bunstore.Store, error) { return bunstore.OpenPostgres(url, 8, migrations.Postgres()) })
	})
}

func opened(t *testing.T, open func() (*bunstore.Store, error)) contract.StoreEnv {
	t.Helper()
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return contract.StoreEnv{Store: s, Hot: s, Limiter: s.Limiter(), Inspector: s, Statistics: s, Uses: s.KeyUses(), DatasetLog: s.DatasetLog()}
}
