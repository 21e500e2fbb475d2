package postgres

import (
	"testing"

	"odsd/engine"
)

// generatedSince is the version that can publish stored generated columns.
const generatedSince = 18

// Stored generated columns that the publication has are captured as any other, by copy and by
// stream; virtual ones never are. Given to the publication later, they are a column that was added.
func TestPublishedGeneratedColumns(t *testing.T) {
	t.Parallel()
	needs(t, generatedSince)
	for _, later := range []bool{false, true} {
		d := newDatabase(t)
		option := ` with (publish_generated_columns = stored)`
		if later {
			option = ``
		}
		d.exec(`create table t (id int primary key, twice int generated always as (id * 2) stored, thrice int generated always as (id * 3) virtual)`,
			`insert into t values (1)`, `create publication odsd_`+d.name+` for table t`+option)
		f := follow(t, d.source("t"), nil)
		f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
		if later {
			if n := len(f.schema(d.name + ".t").Columns); n != 1 {
				t.Errorf("%d columns, want id alone", n)
			}
			d.exec(`alter publication odsd_` + d.name + ` set (publish_generated_columns = stored)`)
			f.untilCopies(1)
		}
		d.exec(`insert into t values (2)`, `update t set id = 10 where id = 1`)
		f.compare(d, "t", "id, twice")
		if schema := f.schema(d.name + ".t"); len(schema.Columns) != 2 {
			t.Errorf("columns %v", schema.Columns)
		}
	}
}
