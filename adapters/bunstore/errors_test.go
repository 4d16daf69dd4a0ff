package bunstore

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seed-755a8038/coffer/core"
)

func TestADatabaseThatFailsIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"it died in the middle of an answer": fmt.Errorf("read: %w", io.ErrUnexpectedEOF),
		"its disk fails":                     &pgconn.PgError{Code: "58030"},
		"its disk is full":                   &pgconn.PgError{Code: "53100"},
		"it is going down":                   &pgconn.PgError{Code: "57P01"},
	} {
		if got := translate("commit", err); !errors.Is(got, core.ErrUnavailable) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := translate("commit", &pgconn.PgError{Code: "42601"}); errors.Is(got, core.ErrUnavailable) {
		t.Errorf("a wrong statement: %v", got)
	}
}

func TestADatabaseThatGoesInAUnitOfWorkIsUnavailable(t *testing.T) {
	t.Parallel()
	if got := outage(fmt.Errorf("enqueue: %w", io.ErrUnexpectedEOF)); !errors.Is(got, core.ErrUnavailable) {
		t.Errorf("a library's error: %v", got)
	}
	for _, err := range []error{core.ErrNotFound, fmt.Errorf("%w: %w", core.ErrConflict, io.EOF), errors.New("a bug")} {
		if got := outage(err); got != err { //nolint:errorlint // that very one
			t.Errorf("%v became %v", err, got)
		}
	}
}
