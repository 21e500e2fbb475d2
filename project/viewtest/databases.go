package viewtest

import (
	"slices"
	"strings"

	"odsd/engine"
	"odsd/engine/memory"
	"odsd/engine/reference"
	"odsd/project"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// databases are the sources of a test, and the engine over them.
type databases struct {
	sources map[string]*memory.Source
	engine  *memory.Engine
}

// startDatabases starts an engine over tables that hold the copied rows.
func startDatabases(schemas []*relation.Schema, vs []*views.View, copied []project.RowChange) (*databases, error) {
	d := &databases{sources: map[string]*memory.Source{}}
	bySource := map[string][]*relation.Schema{}
	for _, s := range schemas {
		bySource[sourceOf(s)] = append(bySource[sourceOf(s)], s)
	}
	rows := map[string][][]relation.Value{}
	for _, c := range copied {
		rows[c.Schema.Name] = append(rows[c.Schema.Name], slices.Clone(c.New))
	}
	o := memory.Options{FS: storage.MemoryFS(), Views: vs}
	for name, tables := range bySource {
		d.sources[name] = memory.NewSource(name, tables, func(table string) [][]relation.Value { return rows[table] })
		o.Sources = append(o.Sources, d.sources[name])
	}
	var err error
	d.engine, err = memory.Start(o)
	return d, err
}

func (d *databases) close() error { return d.engine.Close() }

// commit makes a transaction of some changes of one source.
func (d *databases) commit(changes []project.RowChange) {
	told := make([]engine.Change, len(changes))
	for i, c := range changes {
		told[i] = tell(c)
	}
	d.sources[sourceOf(changes[0].Schema)].Commit(told)
}

// tell words a change as PostgreSQL does with the default replica identity:
// an update that leaves the key alone has no old row, a delete has the key.
func tell(c project.RowChange) engine.Change {
	told := engine.Change{Operation: engine.Insert, Relation: c.Schema.Name, New: c.New}
	switch {
	case c.New == nil:
		told.Operation = engine.Delete
		told.Old = slices.Clone(c.Old)
		for i := range told.Old {
			if !slices.Contains(c.Schema.Key, i) {
				told.Old[i] = relation.OfMark(relation.NotSent)
			}
		}
	case c.Old != nil:
		told.Operation = engine.Update
	}
	return told
}

func sourceOf(s *relation.Schema) string {
	source, _, _ := strings.Cut(s.Name, ".")
	return source
}

func applyTo(rows *reference.Memory, changes []project.RowChange) error {
	for _, c := range changes {
		var err error
		if c.New == nil {
			err = rows.Delete(c.Schema.Name, c.Old)
		} else {
			err = rows.Set(c.Schema.Name, c.New)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
