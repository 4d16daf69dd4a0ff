package env

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

// postgresServer is a running server and how to stop it.
type postgresServer struct {
	dsn  string // maintenance database
	stop func()
}

// findPostgres returns the server that TEST_POSTGRES_DSN names, or starts one.
func findPostgres(ctx context.Context) (*postgresServer, error) {
	if dsn := os.Getenv("TEST_POSTGRES_DSN"); dsn != "" {
		s := &postgresServer{dsn: dsn, stop: func() {}}
		if err := s.ping(ctx); err != nil {
			return nil, fmt.Errorf("TEST_POSTGRES_DSN: %w", err)
		}
		return s, nil
	}
	s, dockerErr := dockerPostgres(ctx)
	if dockerErr == nil {
		return s, nil
	}
	s, localErr := localPostgres(ctx)
	if localErr == nil {
		return s, nil
	}
	return nil, fmt.Errorf("these tests need PostgreSQL: set TEST_POSTGRES_DSN, start Docker, "+
		"or install the server (Debian: apt-get install postgresql)\n\tdocker: %w\n\tlocal: %w", dockerErr, localErr)
}

// ping reports whether the server takes connections.
func (s *postgresServer) ping(ctx context.Context) error {
	db, err := sql.Open("pgx", s.dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return db.PingContext(ctx)
}

// containerLife is when Docker ends a container that nobody removed, in seconds.
const containerLife = 3600

// dockerPostgres runs the image postgres:17.
func dockerPostgres(ctx context.Context) (*postgresServer, error) {
	pool, err := dockertest.NewPool("")
	if err != nil {
		return nil, err
	}
	pool.MaxWait = startTimeout
	if err := pool.Client.PingWithContext(ctx); err != nil {
		return nil, err
	}
	container, err := pool.RunWithOptions(&dockertest.RunOptions{
		Repository: "postgres", Tag: "17",
		Env: []string{"POSTGRES_PASSWORD=test", "POSTGRES_INITDB_ARGS=--locale-provider=icu --icu-locale=en-US"},
		Cmd: []string{
			"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
			"-c", "autovacuum=off", "-c", "max_connections=300",
		},
	}, func(h *docker.HostConfig) {
		h.AutoRemove = true
		h.Tmpfs = map[string]string{"/var/lib/postgresql/data": "rw"}
	})
	if err != nil {
		return nil, err
	}
	_ = container.Expire(containerLife) // asks in the background, never fails
	remove := func() { _ = pool.Purge(container) }
	s := &postgresServer{
		dsn:  "postgres://postgres:test@" + container.GetHostPort("5432/tcp") + "/postgres?sslmode=disable",
		stop: remove,
	}
	if err := pool.Retry(func() error { return s.ping(ctx) }); err != nil {
		remove()
		return nil, err
	}
	return s, superviseContainer(container.Container.ID)
}

// superviseContainer has the container removed when this process ends, however it does.
// Without Docker's own command the container's life ends it.
func superviseContainer(id string) error {
	program, err := exec.LookPath("docker")
	if err != nil {
		return nil //nolint:nilerr // not an error: see above
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return err
	}
	_, err = spawn(command{
		dir: dir, signal: "TERM", env: os.Environ(),
		argv: []string{"/bin/sh", "-c", `trap '"$0" rm -f "$1" >/dev/null; exit' TERM; "$0" wait "$1" >/dev/null & wait $!`, program, id},
	})
	return err
}
