package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pgbench is PostgreSQL's own load generator with a statement: the limit of
// every request that has to run it.
//
// Its scripts have numbers only, so the arguments come from a table: one query
// reads those of the next executions of the statement.
type pgbench struct {
	postgres *postgres
	script   string
	vars     []string
	fill     string // SQL that fills the table of arguments anew
}

const (
	repeats = 20    // executions for one row of arguments
	rows    = 5_000 // of arguments
)

// workload says what pgbench executes.
type workload struct {
	name string
	text string // of the statement
	args []arg  // that it was once executed with
	// source is a query for those who make requests.
	source string
	// values tells, of arguments that differ from one request to the next, the
	// SQL for another one: columns of source, and new_asset and new_upload.
	values map[string]string
}

func newPgbench(b *testing.B, p *postgres, w workload) *pgbench {
	b.Helper()
	g := &pgbench{postgres: p, script: filepath.Join(b.TempDir(), "script.sql")}
	var names, picks []string
	statement, found := w.text, map[string]bool{}
	for i := len(w.args); i > 0; i-- { // $1 is also the beginning of $10
		old, value := "$"+strconv.Itoa(i), w.args[i-1]
		switch {
		case value == nil:
			statement = strings.ReplaceAll(statement, old, "NULL")
		case *value == "": // which no variable can be
			statement = strings.ReplaceAll(statement, old, "''")
		case w.values[*value] != "":
			name := "v" + strconv.Itoa(i)
			found[*value] = true
			names, picks = append(names, name), append(picks, "("+w.values[*value]+")::text AS "+name)
			statement = strings.ReplaceAll(statement, old, ":"+name+"_N")
		default:
			name := "c" + strconv.Itoa(i)
			g.vars = append(g.vars, "-D", name+"="+*value)
			statement = strings.ReplaceAll(statement, old, ":"+name)
		}
	}
	if len(found) != len(w.values) {
		b.Fatalf("of the arguments that vary the statement takes %d, not %d", len(found), len(w.values))
	}
	table := "arguments_" + w.name
	g.fill = g.arguments(b, table, w.source, names, picks)
	script := fmt.Sprintf("\\set row (8 * :round + :client_id) %% %d\n\\set round :round + 1\nSELECT * FROM %s WHERE number = :row \\gset\n", rows, table)
	for n := range repeats {
		script += strings.ReplaceAll(statement, "_N", "_"+strconv.Itoa(n)) + ";\n"
	}
	if err := os.WriteFile(g.script, []byte(script), 0o600); err != nil {
		b.Fatal(err)
	}
	g.refill(b)
	return g
}

// arguments makes the table, and returns the SQL that fills it.
func (g *pgbench) arguments(b *testing.B, table, source string, names, picks []string) string {
	b.Helper()
	columns, sums := []string{"number int PRIMARY KEY"}, []string{"row"}
	for n := range repeats {
		for _, name := range names {
			columns = append(columns, fmt.Sprintf("%s_%d text", name, n))
			sums = append(sums, fmt.Sprintf("max(%s) FILTER (WHERE n = %d)", name, n))
		}
	}
	g.postgres.run(b, fmt.Sprintf("CREATE TABLE %s (%s)", table, strings.Join(columns, ", ")))
	var plain []string // a row has some kilobytes, and shall stay in one piece
	for _, c := range columns[1:] {
		plain = append(plain, "ALTER "+strings.Fields(c)[0]+" SET STORAGE PLAIN")
	}
	g.postgres.run(b, fmt.Sprintf("ALTER TABLE %s %s", table, strings.Join(plain, ", ")))
	const fresh = `(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(md5(random()::text), 1, 20))::uuid`
	return fmt.Sprintf(`INSERT INTO %s
		WITH source AS MATERIALIZED (SELECT *, row_number() OVER () AS ordinal FROM (%s) AS s),
		drawn AS MATERIALIZED (
			SELECT row, n, %s AS new_asset, %s AS new_upload, 1 + floor(random() * (SELECT count(*) FROM source))::bigint AS ordinal
			FROM generate_series(0, %d) AS row, generate_series(0, %d) AS n
		),
		picked AS MATERIALIZED (SELECT row, n, %s FROM drawn JOIN source USING (ordinal))
		SELECT %s FROM picked GROUP BY row`,
		table, source, fresh, fresh, rows-1, repeats-1, strings.Join(picks, ", "), strings.Join(sums, ", "))
}

// refill replaces the arguments: those of inserts are good for one use.
func (g *pgbench) refill(b *testing.B) {
	b.Helper()
	table := strings.Fields(g.fill)[2]
	g.postgres.run(b, "TRUNCATE "+table, g.fill, "ANALYZE "+table)
}

var (
	transactions = regexp.MustCompile(`tps = ([0-9.]+) `)
	noneFailed   = "number of failed transactions: 0 "
)

// measure returns what 8 clients over TCP reach. The limit gets every advantage:
// its statements are planned once, and it has time enough for that not to matter.
func (g *pgbench) measure(b *testing.B) result {
	b.Helper()
	const took = 4 * slice
	args := slices.Concat([]string{
		"-n", "-M", "prepared", "-c", "8", "-j", "2", "-T", strconv.Itoa(int(took.Seconds())), "-D", "round=0",
		"-h", "127.0.0.1", "-p", g.postgres.port, "-U", "postgres", "-f", g.script,
	}, g.vars, []string{"postgres"})
	cmd := g.postgres.command(nil, "pgbench", args...)
	cmd.Env = append(cmd.Env, "PGOPTIONS=-c plan_cache_mode=force_generic_plan")
	database := g.postgres.cpu()
	out, err := cmd.CombinedOutput()
	database = g.postgres.cpu() - database
	if err != nil {
		b.Fatalf("pgbench: %v\n%s", err, out)
	}
	m := transactions.FindSubmatch(out)
	if m == nil || !strings.Contains(string(out), noneFailed) {
		b.Fatalf("pgbench says\n%s", out)
	}
	perSecond, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	perSecond *= repeats + 1 // the query for the arguments is one, too
	n := time.Duration(perSecond * took.Seconds())
	client := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return result{perSecond: perSecond, server: client / n, database: database / n}
}
