package postgres

import (
	"fmt"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

const typesThatChange = `create type mood as enum ('fine', 'bad'); create domain dmood as mood; create type moods as range (subtype = mood);
	create type pair as (a int, b mood); create domain dpair as pair; create type nothing as (); create table other (a int, b int)`

// rewrite is a change of values without a change of rows.
type rewrite struct {
	name        string
	declared    string // columns beside the key
	value       string // of v
	change      string
	says        string // in the log, when the table is halted; "": it goes on meanwhile
	publication string // "": for the table
	since       int
}

var rewrites = []rewrite{
	{name: "same type", declared: `v text`, value: `'a'`, change: `alter table t alter v type text using v || 'x'`, says: `column v was altered`},
	{name: "shorter", declared: `v varchar(10)`, value: `'abcd'`, change: `alter table t alter v type varchar(2) using left(v, 2)`, says: `column v was altered`},
	{name: "more digits", declared: `v numeric(10,2)`, value: `1.5`, change: `alter table t alter v type numeric(12,2) using v * 100`, says: `column v was altered`},
	{name: "key", declared: `v text`, value: `'a'`, change: `alter table t alter id type int using id + 100`, says: `column id was altered`},
	{name: "generated", declared: `v text, g text generated always as (v || 'a') stored`, value: `'a'`, change: `alter table t alter g set expression as (v || 'b')`, says: `column g was altered`,
		publication: `for table t with (publish_generated_columns = stored)`, since: 18},
	{name: "partitioned", declared: `v text) partition by list (id`, value: `'a'`, change: `alter table t alter v type text using v || 'x'`, says: `column v was altered`,
		publication: `for table t with (publish_via_partition_root)`},
	{name: "unlogged for a time", declared: `v text`, value: `'a'`, change: `begin; alter table t set unlogged; update t set v = 'unlogged'; alter table t set logged; commit`,
		publication: `for all tables`},
	{name: "unlogged for a time, by schema", declared: `v text`, value: `'a'`, change: `begin; alter table t set unlogged; update t set v = 'unlogged'; alter table t set logged; commit`,
		publication: `for tables in schema public`, since: listsAndFilters},
	{name: "enum", declared: `v mood`, value: `'bad'`, change: `alter type mood rename value 'bad' to 'worse'`, says: `value "bad" of an enum was renamed`},
	{name: "array of enum", declared: `v mood[]`, value: `'{fine,bad}'`, change: `alter type mood rename value 'bad' to 'worse'`, says: `value "bad" of an enum`},
	{name: "domain over enum", declared: `v dmood[]`, value: `'{bad}'`, change: `alter type mood rename value 'bad' to 'worse'`, says: `value "bad" of an enum`},
	{name: "enum in composite", declared: `v pair`, value: `row(1, 'bad')::pair`, change: `alter type mood rename value 'bad' to 'worse'`, says: `value "bad" of an enum`},
	{name: "range of enum", declared: `v moods`, value: `'[fine,bad]'`, change: `alter type mood rename value 'bad' to 'worse'`, says: `value "bad" of an enum`},
	{name: "attribute added", declared: `v pair`, value: `row(1, 'bad')::pair`, change: `alter type pair add attribute c int`, says: `other attributes`},
	{name: "attribute dropped", declared: `v dpair`, value: `row(1, 'bad')::pair`, change: `alter type pair drop attribute b`, says: `other attributes`},
	{name: "attribute added, in an array", declared: `v pair[]`, value: `array[row(1, 'bad')]::pair[]`, change: `alter type pair add attribute c int`, says: `other attributes`},
	{name: "enum, renamed and back", declared: `v mood`, value: `'bad'`, change: `alter type mood rename value 'bad' to 'worse'; insert into t values (7, 'worse'); alter type mood rename value 'worse' to 'bad'`, says: `value "bad" of an enum`},
	{name: "attribute added and dropped", declared: `v pair`, value: `row(1, 'bad')::pair`, change: `alter type pair add attribute c int; insert into t values (7, row(2, 'bad', 3)); alter type pair drop attribute c`, says: `other attributes`},
	{name: "first attributes", declared: `v nothing`, value: `row()::nothing`, change: `alter type nothing add attribute a int; alter type nothing add attribute b int`, says: `other attributes`},
	{name: "column of a row type", declared: `v other`, value: `row(1, 2)::other`, change: `alter table other add c int`, says: `other attributes`},
}

// Statements that change what rows say without a change of them in the log are noticed, whether they come while it is
// read or not: the table is copied anew without being asked for, and halted meanwhile where its values are wrong for certain.
func TestValuesThatChangeWithoutTheirRows(t *testing.T) {
	t.Parallel()
	for _, c := range rewrites {
		for _, how := range []string{"while streaming", "between two looks", "while nothing reads", "told by the stream"} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				needs(t, c.since)
				if how == "told by the stream" && !strings.Contains(c.change, "alter table t") {
					t.Skip("the stream describes a table anew where it was altered, not its types")
				}
				d := c.database(t)
				f := d.followPast(how, strings.Split(c.change, "; "), `update t set id = id + 1000 where id % 100 = 1`)
				f.untilCopies(1)
				d.exec(`update t set id = -id where id % 100 = 2`)
				columns := "id, v"
				if c.name == "generated" {
					columns += ", g"
				}
				f.compare(d, "t", columns)
				f.stop()
				if said := f.haltedFor(d.name + ".t"); c.says == "" && said != "" || !strings.Contains(said, c.says) {
					t.Errorf("it was halted for %q, want %q", said, c.says)
				}
			})
		}
	}
}

func (c rewrite) database(t *testing.T) *database {
	t.Helper()
	d := newDatabase(t)
	publication := c.publication
	if publication == "" {
		publication = `for table t`
	}
	d.exec(typesThatChange, `create table t (id int primary key, `+c.declared+`)`)
	if strings.Contains(c.declared, "partition by") {
		d.exec(`create table leaf partition of t default`)
	}
	d.exec(`create publication odsd_`+d.name+` `+publication, `insert into t (id, v) select g, `+c.value+` from generate_series(1, 3) g`)
	return d
}

// haltedFor gives why a table was halted, also where it goes on since; "" where it never was.
func (f *follower) haltedFor(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault := f.hadFaults[name]; fault != nil {
		return fault.Message
	}
	return ""
}

// What writes tables and catalog rows anew without another value, or has an enum get more, has nothing copied. Both
// together may be a change of values.
func TestRewrittenAlike(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][]string{
		"vacuum full":  {`vacuum full t`},
		"cluster":      {`cluster t using t_pkey`},
		"truncate":     {`truncate t`, `insert into t select 5, 'a', 'fine', (1, 'bad')::pair`},
		"not null":     {`alter table t alter v set not null`, `alter table t alter v set statistics 10`, `alter table t alter m set default 'bad'`},
		"enum":         {`alter type mood add value 'best' before 'fine'`, `insert into t select 6, 'a', 'best', (1, 'best')::pair`},
		"other column": {`alter table other add c int`, `alter table other rename a to x`, `alter type pair rename attribute a to x`},
		"analyze":      {`analyze t`, `vacuum t`, `reindex table t`, `create index on t (v)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(typesThatChange, `create table t (id int primary key, v text, m mood, p pair)`, `insert into t select g, 'a', 'bad', (g, 'fine')::pair from generate_series(1, 3) g`)
			f := follow(t, d.source("t"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			f.stop()
			d.untilSlotIdle()
			d.exec(change...)
			f = follow(t, d.source("t"), f)
			f.until("it streams", func() bool { return f.state() == engine.Streaming })
			d.exec(`update t set id = -id where id % 100 = 2`)
			f.compare(d, "t", "id, v, m, p")
			f.stop()
			if said := f.haltedFor(d.name + ".t"); said != "" || f.copies != 0 {
				t.Errorf("halted: %q; copied %d times", said, f.copies)
			}
		})
	}
}

// A store that was made before there was a note of how values print goes on, and has it with its next copy.
func TestPrintingNotNoted(t *testing.T) {
	t.Parallel()
	now := &table{file: 7, columns: []column{{attribute: 1, version: "9"}}, printing: printing{money: "$1", labels: map[uint32]string{5: "9 x"}, composites: map[uint32]string{6: "y"}}}
	schema := &relation.Schema{Columns: []relation.Column{{Name: "id"}}}
	stored := relationIdentity{Columns: []columnIdentity{{Attribute: 1}}}
	if said := compareValues(schema, stored, nil, now) + absence(stored, now) + extension(stored, now); said != "" {
		t.Errorf("found %q", said)
	}
}

// A label that came after the table's copy is known from the first look at it on, also when another name is given to it
// while nothing reads.
func TestLabelThatCameLaterIsRenamed(t *testing.T) {
	t.Parallel()
	for _, online := range []bool{true, false} {
		t.Run(fmt.Sprintf("online=%t", online), func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(typesThatChange, `create table t (id int primary key, v mood[])`, `insert into t values (1, '{bad}')`)
			f := follow(t, d.source("t"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			d.exec(`alter type mood add value 'new'`, `insert into t values (2, '{new,bad}')`)
			f.until("the label is noted", func() bool { return strings.Contains(string(f.identity), ` new"`) })
			f.catchUp(d)
			if !online {
				f.stop()
				d.untilSlotIdle()
			}
			d.exec(`alter type mood rename value 'new' to 'newer'`)
			if !online {
				f = follow(t, d.source("t"), f)
			}
			f.untilCopies(1)
			f.compare(d, "t", "id, v")
			f.stop()
			if said := f.haltedFor(d.name + ".t"); !strings.Contains(said, `value "new" of an enum was renamed`) {
				t.Errorf("it was halted for %q", said)
			}
		})
	}
}
