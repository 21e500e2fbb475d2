package postgres

import (
	"fmt"
	"slices"

	"odsd/engine"
	"odsd/storage/relation"
)

// staged is a table that is copied beside the stream, as the engine would hold it.
type staged struct {
	schema *relation.Schema
	copied [][]relation.Value
	log    []loggedChange
}

type loggedChange struct {
	end    relation.Position
	change engine.Change
}

// project gives the columns of a row that the stored schema has.
func (st *staged) project(row []relation.Value, stored *relation.Schema) []relation.Value {
	if row == nil || stored == nil {
		return row
	}
	projected := make([]relation.Value, len(stored.Columns))
	for i, was := range stored.Columns {
		projected[i] = relation.OfMark(relation.NotSent)
		for ordinal, is := range st.schema.Columns {
			if is.Attribute == was.Attribute {
				projected[i] = row[ordinal]
			}
		}
	}
	return projected
}

func (f *follower) ofTable(e engine.Event) error {
	switch e := e.(type) {
	case engine.TableCopying:
		f.stages[e.Schema.Name] = &staged{schema: e.Schema}
	case engine.TableHalted:
		f.faults[e.Fault.Table], f.hadFaults[e.Fault.Table] = e.Fault, e.Fault
		delete(f.stages, e.Fault.Table)
	case engine.TableDropped:
		delete(f.rows, e.Relation)
		f.withoutSchema(e.Relation)
	case engine.TableCopied:
		return f.finishTable(e)
	}
	return nil
}

func (f *follower) withoutSchema(name string) {
	f.schemas = slices.DeleteFunc(slices.Clone(f.schemas), func(s *relation.Schema) bool { return s.Name == name })
}

// finishTable has the copied rows, with what came after them, take the place of
// the old ones.
func (f *follower) finishTable(e engine.TableCopied) error {
	st := f.stages[e.Relation]
	if st == nil {
		return fmt.Errorf("a copy of %s ends that did not begin", e.Relation)
	}
	if f.position < e.Position {
		return fmt.Errorf("a copy at %s ends while the stream stands at %s", e.Position, f.position)
	}
	delete(f.stages, e.Relation)
	delete(f.faults, e.Relation)
	f.withoutSchema(e.Relation)
	f.schemas = append(f.schemas, st.schema)
	f.rows[e.Relation] = make(map[string][]relation.Value)
	for _, row := range st.copied {
		if err := f.insert(e.Relation, row); err != nil {
			return err
		}
	}
	for _, l := range st.log {
		if l.end <= e.Position {
			continue
		}
		if err := f.change(l.change); err != nil {
			return fmt.Errorf("replay at %s: %w", l.end, err)
		}
	}
	f.identities[e.Relation] = e.Identity
	f.copies++
	return nil
}

// untilHalted waits until a table is halted and gives the fault.
func (f *follower) untilHalted(name string) *engine.Halt {
	f.t.Helper()
	f.until(name+" is halted", func() bool { return f.faults[name] != nil })
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.faults[name]
}

// untilCopies waits until so many tables have been copied beside the stream.
func (f *follower) untilCopies(n int) {
	f.t.Helper()
	f.until(fmt.Sprintf("%d tables have been copied beside the stream", n), func() bool { return f.copies >= n })
}

// compare finds the rows of a table as the database prints them in what was followed.
func (f *follower) compare(d *database, table string, columns string) {
	f.t.Helper()
	f.catchUp(d)
	want := d.text(`select coalesce(string_agg(line, E'\n' order by line collate "C"), '') from (select concat_ws(' ', ` + columns + `) as line from ` + table + `) rows`)
	if got := f.table(d.name + "." + table); got != want {
		f.t.Errorf("rows of %s\n%s\nwant\n%s", table, got, want)
	}
}
