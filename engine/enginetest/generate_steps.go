package enginetest

import (
	"slices"

	"odsd/engine"
	"odsd/storage/relation"
)

// scribe writes transactions, knowing the state that they lead to.
type scribe struct {
	*generator
	schemas []*relation.Schema
	state   *Database
}

// steps makes a first step that fills the relations and then random ones.
func (g *generator) steps(schemas []*relation.Schema) []Step {
	s := &scribe{generator: g, schemas: schemas, state: NewDatabase(schemas)}
	steps := []Step{s.fill()}
	for range g.options.Steps {
		var step Step
		for range g.between(1, 3) {
			step = append(step, s.transaction())
		}
		steps = append(steps, step)
	}
	return steps
}

func (s *scribe) fill() Step {
	bySource := make(map[string]int) // place in the step
	var step Step
	for _, schema := range s.schemas {
		source := SourceOf(schema.Name)
		at, known := bySource[source]
		if !known {
			at = len(step)
			bySource[source] = at
			step = append(step, Transaction{Source: source})
		}
		rows := s.between(4, 14) // so that joins and groups find several
		if s.chance(5) {
			rows = s.IntN(4)
		}
		for range rows {
			step[at].Changes = append(step[at].Changes, s.insert(schema))
		}
	}
	for _, t := range step {
		s.play(t.Changes)
	}
	return step
}

// transaction makes changes of one source, each written for the state that the
// one before it leaves.
func (s *scribe) transaction() Transaction {
	t := Transaction{Source: SourceOf(pick(s.generator, s.schemas).Name)}
	for range s.between(1, 5) {
		var own []*relation.Schema
		for _, schema := range s.schemas {
			if SourceOf(schema.Name) == t.Source {
				own = append(own, schema)
			}
		}
		changes := s.changes(pick(s.generator, own))
		s.play(changes)
		t.Changes = append(t.Changes, changes...)
	}
	return t
}

// play keeps the state up; changes that make no sense are passed over there.
func (s *scribe) play(changes []Change) {
	_, _ = s.state.Apply(Transaction{Changes: changes})
}

func (s *scribe) changes(schema *relation.Schema) []Change {
	rows := s.rows(schema)
	if len(rows) == 0 {
		return []Change{s.insert(schema)}
	}
	row := pick(s.generator, rows)
	switch n := s.IntN(40); {
	case n < 12:
		return []Change{s.insert(schema)}
	case n < 28:
		return []Change{s.update(schema, row)}
	case n < 31:
		return []Change{s.moveKey(schema, row)}
	case n < 33 && len(rows) > 1:
		return s.swapKeys(schema, row, pick(s.generator, rows))
	case n < 34:
		return []Change{{Operation: engine.Truncate, Relation: schema.Name}}
	case n < 36:
		return []Change{s.delete(schema, row), s.insertWithKey(schema, row)}
	case n < 37: // there and away again
		insert := s.insert(schema)
		return []Change{insert, {Operation: engine.Delete, Relation: schema.Name, Key: keyOfCells(schema, insert.Set)}}
	}
	return []Change{s.delete(schema, row)}
}

func (s *scribe) rows(schema *relation.Schema) [][]relation.Value {
	var rows [][]relation.Value
	_ = s.state.All(schema.Name, func(row []relation.Value) error {
		rows = append(rows, row)
		return nil
	})
	return rows
}

func (s *scribe) insert(schema *relation.Schema) Change {
	return s.insertWithKey(schema, nil)
}

// insertWithKey makes a new row, with the key of the given one if there is one.
func (s *scribe) insertWithKey(schema *relation.Schema, row []relation.Value) Change {
	c := Change{Operation: engine.Insert, Relation: schema.Name}
	for i := range schema.Columns {
		v := s.cell(schema, i)
		if row != nil && slices.Contains(schema.Key, i) {
			v = row[i]
		}
		if !v.IsNull() {
			c.Set = append(c.Set, Cell{i, v})
		}
	}
	return c
}

// cell draws unique columns from more values than others, lest most inserts fail.
func (s *scribe) cell(schema *relation.Schema, column int) relation.Value {
	c := schema.Columns[column]
	alone := len(schema.Key) == 1 && schema.Key[0] == column
	for _, u := range schema.Unique {
		alone = alone || slices.Contains(u, column)
	}
	if alone && c.Type.Kind.Family() == relation.IntegerFamily {
		return relation.OfInt(c.Type.Kind, int64(s.IntN(10)))
	}
	return s.value(c)
}

func (s *scribe) update(schema *relation.Schema, row []relation.Value) Change {
	c := Change{Operation: engine.Update, Relation: schema.Name, Key: columnsOf(row, schema.Key)}
	for i := range schema.Columns {
		if !slices.Contains(schema.Key, i) && s.chance(3) {
			c.Set = append(c.Set, Cell{i, s.cell(schema, i)})
		}
	}
	return c
}

func (s *scribe) moveKey(schema *relation.Schema, row []relation.Value) Change {
	c := s.update(schema, row)
	column := pick(s.generator, schema.Key)
	c.Set = append([]Cell{{column, s.cell(schema, column)}}, c.Set...)
	return c
}

// spareText is a text that is rare among the rows, or in none.
const spareText = "spare"

func spareOf(k relation.Kind) relation.Value {
	switch k.Family() {
	case relation.IntegerFamily:
		return relation.OfInt(k, 99)
	case relation.IntervalFamily:
		return relation.OfInterval(99, 0, 0)
	}
	return relation.OfString(k, spareText)
}

// swapKeys exchanges two rows' keys by way of a third, as SQL has to.
func (s *scribe) swapKeys(schema *relation.Schema, a, b []relation.Value) []Change {
	spare := make([]relation.Value, len(schema.Key))
	for i, column := range schema.Key {
		spare[i] = spareOf(schema.Columns[column].Type.Kind)
	}
	keyA, keyB := columnsOf(a, schema.Key), columnsOf(b, schema.Key)
	move := func(from, to []relation.Value) Change {
		c := Change{Operation: engine.Update, Relation: schema.Name, Key: from}
		for i, column := range schema.Key {
			c.Set = append(c.Set, Cell{column, to[i]})
		}
		return c
	}
	return []Change{move(keyA, spare), move(keyB, keyA), move(spare, keyB)}
}

func (s *scribe) delete(schema *relation.Schema, row []relation.Value) Change {
	return Change{Operation: engine.Delete, Relation: schema.Name, Key: columnsOf(row, schema.Key)}
}

func columnsOf(row []relation.Value, columns []int) []relation.Value {
	values := make([]relation.Value, len(columns))
	for i, c := range columns {
		values[i] = row[c]
	}
	return values
}

func keyOfCells(schema *relation.Schema, cells []Cell) []relation.Value {
	row := make([]relation.Value, len(schema.Columns))
	for _, c := range cells {
		row[c.Column] = c.Value
	}
	return columnsOf(row, schema.Key)
}
