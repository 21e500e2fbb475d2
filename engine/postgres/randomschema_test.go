package postgres

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"odsd/engine"
	"odsd/internal/pgcluster"
)

var (
	schemaCases = flag.Int("schema.cases", 16, "random cases of TestRandomSchemaChanges")
	schemaSeed  = flag.Uint64("schema.seed", 0, "play this one case of TestRandomSchemaChanges")
)

// TestRandomSchemaChanges alters tables, types and the publication at random, and writes to the tables meanwhile, while the source
// streams, lags, is cut off or away. Whenever it is left alone, each table soon has the rows that the database has, or
// is halted; and once what its fault names is mended, it is copied anew and has them again.
//
// What was done is printed where a case fails. Its seed makes the same statements again, not the same times.
func TestRandomSchemaChanges(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, map[string]string{ // larger transactions come while they are in progress
		"logical_decoding_work_mem": "64kB", "max_prepared_transactions": "20", "max_replication_slots": "40", "max_wal_senders": "40",
	})
	seeds := make([]uint64, *schemaCases)
	for i := range seeds {
		seeds[i] = rand.Uint64()
	}
	if *schemaSeed != 0 {
		seeds = []uint64{*schemaSeed}
	}
	for _, seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			w := newSchemaWorld(t, cluster, seed)
			defer func() {
				if t.Failed() {
					t.Logf("what was done:\n%s", strings.Join(w.done, "\n"))
				}
			}()
			for range 4 {
				for range 2 + w.rand.IntN(5) {
					w.alter()
				}
				w.settle()
				w.mend()
			}
		})
	}
}

// schemaWorld is a database whose tables are altered, and who follows it.
type schemaWorld struct {
	*database
	rand     *rand.Rand
	f        *follower
	tables   []string // of the configuration
	done     []string
	prepared int
	labels   int
}

// worldTables are what is captured: two alike, one with a key of two columns and a whole old row, one partitioned.
var worldTables = []string{"t0", "t1", "t2", "p"}

const worldSetUp = `create type mood as enum ('fine', 'bad'); create type pair as (a int, b mood); create schema elsewhere;
	create table t0 (id int primary key, k int not null default 0, a text, b int); alter table t0 alter a set storage external;
	create table t1 (id int primary key, k int not null default 0, a text, b mood, c pair);
	create table t2 (id int, k int not null default 0, a text, b numeric(10,2), primary key (id, k)); alter table t2 replica identity full;
	create table p (id int primary key, k int not null default 0, a text, b mood) partition by range (id);
	create table p_low partition of p for values from (minvalue) to (10); create table p_high partition of p default`

func newSchemaWorld(t *testing.T, cluster *pgcluster.Cluster, seed uint64) *schemaWorld {
	t.Helper()
	w := &schemaWorld{database: newDatabaseOn(t, cluster), rand: rand.New(rand.NewPCG(seed, 0))}
	w.exec(`set lock_timeout = '500ms'`, worldSetUp)
	publication := `for table t0, t1, t2, p`
	if w.rand.IntN(4) == 0 {
		publication = `for all tables`
	}
	if w.tables = worldTables; w.rand.IntN(4) == 0 {
		w.tables = []string{"*"}
	}
	w.exec(`create publication odsd_` + w.name + ` ` + publication + ` with (publish_via_partition_root)`)
	for range 10 {
		w.write()
	}
	w.f = follow(t, w.source(w.tables...), nil)
	w.f.tolerant = true
	w.f.until("it streams", func() bool { return w.f.copied && w.f.state() == engine.Streaming })
	return w
}

// try runs a statement, which the database may refuse.
func (w *schemaWorld) try(sql string) {
	w.t.Helper()
	_, err := w.conn.Exec(w.t.Context(), sql)
	var refused *pgconn.PgError
	switch {
	case err == nil:
		w.done = append(w.done, sql)
	case errors.As(err, &refused):
		if os.Getenv("ODSD_SCHEMA_REFUSED") != "" {
			w.done = append(w.done, "-- "+sql+": "+refused.Message)
		}
	default:
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// there is a change, and back what undoes it later, in whole or in part.
type there struct{ there, back string }

// alterations have {t} for a table, {u} for one that is no other's root, {c} and {d} for columns that it has, {n} for the name of one that it may
// have, {y} for a type and {v} for a value of it, {pub} for the publication, {l} and {m} for labels.
var alterations = []there{
	{`alter table {t} add column {n} {y}`, ``},
	{`alter table {t} add column {n} {y} default {v}`, ``},
	{`alter table {t} add column {n} int default (random() * 100)::int`, ``},
	{`alter table {t} add column {n} text not null default 'd'`, ``},
	{`alter table {t} add column {n} int generated always as (id * 2) stored`, ``},
	{`alter table {t} drop column {c}`, ``},
	{`alter table {t} drop column {c}; alter table {t} add column {c} {y}`, ``},
	{`alter table {t} rename {c} to {n}`, ``},
	{`alter table {t} rename {c} to {n}`, `alter table {t} rename {n} to {c}`},
	{`alter table {t} rename {c} to x; alter table {t} rename {d} to {c}; alter table {t} rename x to {d}`, ``},
	{`alter table {t} rename {c} to x; alter table {t} rename {d} to {c}; alter table {t} rename x to {d}`,
		`alter table {t} rename {c} to x; alter table {t} rename {d} to {c}; alter table {t} rename x to {d}`},
	{`alter table {t} alter {c} type {y} using {v}`, ``},
	{`alter table {t} alter {c} type text using {c}::text || 'x'`, ``},
	{`alter table {t} alter {c} type text`, `alter table {t} alter {c} type varchar(5) using left({c}, 5)`},
	{`alter table {t} alter b type numeric(10,2) using 1.5`, `alter table {t} alter b type numeric(12,2) using b * 2`},
	{`alter table {t} alter {c} set not null`, `alter table {t} alter {c} drop not null`},
	{`alter table {t} alter {c} drop not null`, ``},
	{`alter table {t} alter {c} set default null`, ``},
	{`alter table {t} alter {c} set storage external`, ``},
	{`alter table {t} replica identity full`, `alter table {t} replica identity default`},
	{`alter table {t} replica identity full`, ``},
	{`alter table {t} replica identity nothing`, `alter table {t} replica identity default`},
	{`alter table {t} alter {c} set not null; create unique index {t}_other on {t} ({c}); alter table {t} replica identity using index {t}_other`, `drop index {t}_other; alter table {t} replica identity default`},
	{`alter table {t} drop constraint {t}_pkey`, `alter table {t} add primary key (id)`},
	{`alter table {t} drop constraint {t}_pkey; alter table {t} add primary key (id, k)`, `alter table {t} drop constraint {t}_pkey; alter table {t} add primary key (id)`},
	{`alter table {t} rename to another`, `alter table another rename to {t}`},
	{`alter table {t} set schema elsewhere`, `alter table elsewhere.{t} set schema public`},
	{`alter table t0 rename to x; alter table t1 rename to t0; alter table x rename to t1`, `alter table t0 rename to x; alter table t1 rename to t0; alter table x rename to t1`},
	{`drop table {u}; create table {u} (id int primary key, k int not null default 0, a text, b int); alter publication {pub} add table {u}`, ``},
	{`create table again (like {u} including all); insert into again select * from {u}; drop table {u}; alter table again rename to {u}`, `alter publication {pub} add table {u}`},
	{`alter publication {pub} drop table {t}`, `alter publication {pub} add table {t}`},
	{`alter publication {pub} set (publish = 'insert')`, `alter publication {pub} set (publish = 'insert, update, delete, truncate')`},
	{`alter publication {pub} set table t0 where (id > 10), t1, t2, p`, `alter publication {pub} set table t0, t1, t2, p`},
	{`alter publication {pub} set table t0 (id, k), t1, t2, p`, `alter publication {pub} set table t0, t1, t2, p`},
	{`truncate {t}`, ``}, {`truncate t0, t1, t2`, ``}, {`truncate p_low`, ``},
	{`alter table {u} set unlogged`, `alter table {u} set logged`},
	{`alter table p_low set unlogged`, `alter table p_low set logged`},
	{`alter table p detach partition p_low`, `alter table p attach partition p_low for values from (minvalue) to (10)`},
	{`alter table p detach partition p_low concurrently`, `alter table p attach partition p_low for values from (minvalue) to (10)`},
	{`alter table p detach partition p_high; create table p_mid partition of p for values from (10) to (20); alter table p attach partition p_high default`, ``},
	{`alter type mood add value '{l}'`, ``}, {`alter type mood rename value '{m}' to '{l}'`, ``},
	{`alter type pair add attribute {n} int`, ``}, {`alter type pair drop attribute {n}`, ``},
	{`vacuum full {u}`, ``}, {`cluster {u} using {u}_pkey`, ``}, {`analyze {t}`, ``}, {`create index on {t} (k)`, ``},
}

var worldTypes = []string{"text", "int", "bigint", "varchar(20)", "numeric(8,2)", "numeric", "date", "mood", "mood[]", "pair", "jsonb", "int[]"}

// alter carries out one alteration, alone or as a transaction with what is written around it, and some time later
// what undoes it.
func (w *schemaWorld) alter() {
	change := alterations[w.rand.IntN(len(alterations))]
	replacer := w.fill()
	w.move()
	for _, part := range []string{change.there, change.back} {
		statements := strings.Split(replacer.Replace(part), "; ")
		if part == "" {
			continue
		}
		switch before, after := w.statement(), w.statement(); w.rand.IntN(5) {
		case 0, 1:
			for _, sql := range statements {
				w.try(sql)
			}
		case 2, 3:
			w.transaction(slices.Concat([]string{before}, statements, []string{after}))
		case 4:
			w.transaction(slices.Concat([]string{before, "savepoint s"}, statements, []string{w.statement(), "rollback to s", after}))
		}
		for range w.rand.IntN(4) {
			w.write()
		}
		w.move()
	}
}

// fill picks what the placeholders stand for.
func (w *schemaWorld) fill() *strings.Replacer {
	table := pick(w, worldTables)
	plain := pick(w, []string{"t0", "t1", "t2"})
	columns := w.columns(table)
	typ := pick(w, worldTypes)
	w.labels++
	return strings.NewReplacer("{t}", table, "{u}", plain, "{c}", pick(w, columns).name, "{d}", pick(w, columns).name, "{n}", pick(w, []string{"a", "b", "c", "d", "e"}),
		"{y}", typ, "{v}", w.value(typ), "{pub}", "odsd_"+w.name, "{l}", fmt.Sprintf("label%d", w.labels), "{m}", pick(w, []string{"fine", "bad", "label1", "label2"}))
}

func pick[T any](w *schemaWorld, from []T) T { return from[w.rand.IntN(len(from))] }

type worldColumn struct{ name, typ string }

// columns of a table that values can be given to, besides its key.
func (w *schemaWorld) columns(table string) []worldColumn {
	w.t.Helper()
	rows, err := w.conn.Query(w.t.Context(), `select attname::text, format_type(atttypid, atttypmod) from pg_attribute
		where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = '' and attname not in ('id', 'k') order by attnum`, table)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var columns []worldColumn
	for rows.Next() {
		var c worldColumn
		if err := rows.Scan(&c.name, &c.typ); err != nil {
			w.t.Fatal(err)
		}
		columns = append(columns, c)
	}
	if len(columns) == 0 {
		columns = []worldColumn{{"a", "text"}}
	}
	return columns
}

// value is SQL that gives one of a type.
func (w *schemaWorld) value(typ string) string {
	n := w.rand.IntN(1000)
	switch name, _, _ := strings.Cut(typ, "("); name {
	case "text":
		if n%4 == 0 { // large enough to be stored apart
			return fmt.Sprintf("(select string_agg(md5((i + %d)::text), '') from generate_series(1, 100) i)", n)
		}
		return fmt.Sprintf("'%d'", n)
	case "character varying", "varchar":
		return fmt.Sprintf("'%d'", n%100)
	case "integer", "int", "bigint":
		return strconv.Itoa(n)
	case "numeric":
		return fmt.Sprintf("%d.%02d", n, n%100)
	case "date":
		return fmt.Sprintf("date '2020-01-01' + %d", n)
	case "mood":
		return fmt.Sprintf("(enum_range(null::mood))[%d]", 1+n%2)
	case "mood[]":
		return "enum_range(null::mood)"
	case "pair":
		return fmt.Sprintf("jsonb_populate_record(null::pair, '{\"a\": %d}')", n)
	case "jsonb":
		return fmt.Sprintf("jsonb_build_object('n', %d)", n)
	case "integer[]", "int[]":
		return fmt.Sprintf("array[%d, null]", n)
	}
	return "null"
}

func (w *schemaWorld) write() {
	switch w.rand.IntN(8) {
	case 0:
		w.transaction([]string{w.statement(), "savepoint s", w.statement(), "rollback to s", w.statement()})
	case 1:
		w.prepared++
		name := fmt.Sprintf("'%s_%d'", w.name, w.prepared)
		w.try("begin; " + w.statement() + "; prepare transaction " + name)
		w.exec("rollback")
		w.try("commit prepared " + name)
	default:
		w.try(w.statement())
	}
}

// transaction tries statements as one.
func (w *schemaWorld) transaction(statements []string) {
	w.t.Helper()
	w.try("begin; " + strings.Join(statements, "; ") + "; commit")
	w.exec("rollback") // where it was refused
}

// statement is one that writes rows.
func (w *schemaWorld) statement() string {
	table := pick(w, append(worldTables, "p_low", "another", "elsewhere.t0"))
	columns := w.columns(table)
	id := w.rand.IntN(24)
	switch w.rand.IntN(6) {
	case 0, 1:
		names, values := []string{"id", "k"}, []string{strconv.Itoa(id), strconv.Itoa(w.rand.IntN(2))}
		for _, c := range columns {
			names, values = append(names, c.name), append(values, w.value(c.typ))
		}
		return fmt.Sprintf("insert into %s (%s) values (%s) on conflict do nothing", table, strings.Join(names, ", "), strings.Join(values, ", "))
	case 2, 3:
		c := pick(w, columns)
		return fmt.Sprintf("update %s set %s = %s where id %% 3 = %d", table, c.name, w.value(c.typ), id%3)
	case 4:
		return fmt.Sprintf("update %s set id = %d where id = %d", table, w.rand.IntN(24), id)
	}
	if id == 0 { // much at once
		return fmt.Sprintf("insert into %s (id, k, %[2]s) select i, 0, %[3]s from generate_series(100, 900) i on conflict do nothing; update %[1]s set %[2]s = %[3]s where id > 99; delete from %[1]s where id > 103",
			table, columns[0].name, w.value(columns[0].typ))
	}
	return fmt.Sprintf("delete from %s where id = %d", table, id)
}

// move does something to the follower, now and then.
func (w *schemaWorld) move() {
	w.t.Helper()
	switch w.rand.IntN(8) {
	case 0:
		w.say("its connection is ended")
		w.try(`select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database() and active_pid is not null`)
	case 1:
		w.say("it is stopped")
		w.f.stop()
	case 2:
		w.say("it starts")
		w.restart(100*time.Millisecond, w.rand.IntN(2) == 0)
	case 3:
		w.say("it starts, and looks at the catalog seldom")
		w.restart(time.Hour, w.rand.IntN(2) == 0)
	case 4:
		w.say("it lags")
		w.f.hold()
	case 5:
		w.say("it lags no more")
		w.f.release()
	}
}

func (w *schemaWorld) say(what string) { w.done = append(w.done, "-- "+what) }

func (w *schemaWorld) restart(poll time.Duration, acknowledges bool) {
	w.t.Helper()
	w.f.stop()
	w.untilSlotIdle()
	s := w.source(w.tables...)
	s.timing.poll = poll
	w.f = start(w.t, s, w.f, acknowledges)
}

// settle waits until each table has the database's rows or is halted, with the database as it is.
func (w *schemaWorld) settle() {
	w.t.Helper()
	w.say("and it is left alone")
	w.restart(50*time.Millisecond, true)
	w.until("each table is right or halted", func() bool {
		return w.ended() || !slices.ContainsFunc(worldTables, func(name string) bool { return !w.isHalted(name) && !w.isRight(name) })
	})
}

// mend takes away what a table or the source may be halted for, has what is halted copied anew, and waits until
// everything is right.
func (w *schemaWorld) mend() {
	w.t.Helper()
	w.say("what faults name is mended")
	for _, sql := range []string{`alter table another rename to t0`, `alter table another rename to t1`, `alter table another rename to t2`, `alter table another rename to p`,
		`alter table x rename to t0`, `alter table x rename to t1`, `alter table p_low set logged`, `alter table p attach partition p_low for values from (minvalue) to (10)`, `alter table p attach partition p_high default`} {
		w.try(sql)
	}
	for _, table := range worldTables {
		w.try(`alter table elsewhere.` + table + ` set schema public`)
		w.try(`create table ` + table + ` (id int primary key, k int not null default 0, a text, b int)`)
		w.try(`alter table ` + table + ` replica identity full`)
		w.try(`delete from ` + table + ` where ctid not in (select min(ctid) from ` + table + ` group by id, tableoid)`)
		w.try(`alter table ` + table + ` add primary key (id)`)
		w.try(`alter table ` + table + ` replica identity default`)
		w.try(`alter table ` + table + ` set logged`)
		w.try(`alter publication odsd_` + w.name + ` add table ` + table)
	}
	if w.text(`select count(*)::text from pg_publication_rel where to_jsonb(pg_publication_rel) ->> 'prqual' is not null or to_jsonb(pg_publication_rel) ->> 'prattrs' is not null`) != "0" {
		w.try(`alter publication odsd_` + w.name + ` set table ` + strings.Join(worldTables, ", "))
	}
	w.try(`alter publication odsd_` + w.name + ` set (publish = 'insert, update, delete, truncate')`)
	if w.ended() {
		w.restart(50*time.Millisecond, true)
	}
	asked := make(map[string]bool)
	w.until("each table is right", func() bool {
		right := true
		for _, name := range worldTables {
			switch {
			case w.isHalted(name) && !asked[name]:
				w.f.source.CopyTable(w.name + "." + name)
				asked[name] = true
				right = false
			case w.isHalted(name) || !w.isRight(name):
				right = false
			}
		}
		return right
	})
}

// until waits for what the database and the follower are like together, with a look at them after each event and each poll of the catalog.
func (w *schemaWorld) until(what string, met func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !met() {
		if time.Now().After(deadline) {
			for _, name := range worldTables {
				w.t.Logf("%s: halted %t, rows\n%s\nwant\n%s", name, w.isHalted(name), w.f.table(w.name+"."+name), w.rows(name))
			}
			w.t.Fatalf("waiting until %s: still not; %v", what, w.f.err)
		}
		w.exec(`select pg_sleep(0.02)`)
	}
}

// ended says whether the whole source is halted.
func (w *schemaWorld) ended() bool {
	select {
	case <-w.f.done:
	default:
		return false
	}
	var halted *engine.Halt
	if !errors.As(w.f.err, &halted) {
		w.t.Fatalf("the source ended with %v, not a halt", w.f.err)
	}
	return true
}

func (w *schemaWorld) isHalted(name string) bool {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	if w.f.failure != nil {
		w.t.Fatal(w.f.failure)
	}
	return w.f.faults[w.name+"."+name] != nil
}

func (w *schemaWorld) isCaptured(name string) bool {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	return w.f.schema(w.name+"."+name) != nil
}

// isRight compares a table with the database's, columns and rows.
func (w *schemaWorld) isRight(name string) bool {
	w.t.Helper()
	return w.f.table(w.name+"."+name) == w.rows(name)
}

// rows prints a table's as a follower does; it has no other columns.
func (w *schemaWorld) rows(name string) string {
	w.t.Helper()
	var columns string
	if err := w.conn.QueryRow(w.t.Context(), `select coalesce(string_agg(format('coalesce(%I::text, ''null'')', attname), ', ' order by attnum), '') from pg_attribute
		where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = ''`, name).Scan(&columns); err != nil {
		w.t.Fatal(err)
	}
	if w.tables[0] == "*" && !w.isCaptured(name) &&
		w.text(`select count(*)::text from pg_publication_tables where schemaname = 'public' and tablename = $1`, name) == "0" {
		return "" // the publication decides, and so it is not wanted
	}
	if columns == "" {
		return "no such table"
	}
	from := "only " + name
	if name == "p" {
		from = name
	}
	return w.text(`select coalesce(string_agg(line, E'\n' order by line collate "C"), '') from (select concat_ws(' ', ` + columns + `) as line from ` + from + `) rows`)
}
