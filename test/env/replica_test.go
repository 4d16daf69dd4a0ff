package env

import (
	"database/sql"
	"testing"
	"time"
)

func TestAReplicaFollowsAndTakesOver(t *testing.T) {
	t.Parallel()
	r := Replica(t)
	r.exec(r.PrimaryURL, "CREATE TABLE seen (n int)")
	shows := func(want int) bool {
		db, err := sql.Open("pgx", r.ReplicaURL)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		n := -1
		_ = db.QueryRowContext(t.Context(), "SELECT count(*) FROM seen").Scan(&n) // it may not have the table yet
		return n == want
	}
	within(t, func() bool { return shows(0) })
	r.Pause()
	r.exec(r.PrimaryURL, "INSERT INTO seen VALUES (1)")
	if !shows(0) {
		t.Error("a paused replica goes on")
	}
	r.Resume()
	within(t, func() bool { return shows(1) })
	r.StopPrimary()
	r.Promote()
	r.exec(r.BothURL(), "INSERT INTO seen VALUES (2)")
	if !shows(2) {
		t.Error("the promoted replica does not show what it was given")
	}
}

func within(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the replica does not follow")
		}
	}
}
