package reference

import (
	"fmt"
	"slices"

	"odsd/storage/relation"
)

// Memory is Rows held in maps: a small database for tests. It is not safe for
// concurrent use.
type Memory struct {
	tables map[string]*memoryTable
}

// memoryTable holds rows by the identity of their key. What is derived from
// them is built when first asked for and dropped by every write.
type memoryTable struct {
	schema  *relation.Schema
	rows    map[string][]relation.Value
	sorted  [][]relation.Value
	indexes map[string]map[string][][]relation.Value
}

// NewMemory makes empty relations of the schemas.
func NewMemory(schemas ...*relation.Schema) *Memory {
	m := &Memory{tables: make(map[string]*memoryTable, len(schemas))}
	for _, s := range schemas {
		m.tables[s.Name] = &memoryTable{schema: s, rows: make(map[string][]relation.Value)}
	}
	return m
}

// Set stores a row under its key, in place of the one that was there.
func (m *Memory) Set(name string, row []relation.Value) error {
	t, err := m.table(name)
	if err != nil {
		return err
	}
	if len(row) != len(t.schema.Columns) {
		return fmt.Errorf("relation %s has %d columns, the row %d", name, len(t.schema.Columns), len(row))
	}
	t.rows[identity(columnsOf(row, t.schema.Key))] = row
	t.forget()
	return nil
}

// Get finds the row with the key of the given row, of which only the key
// columns are read; nil when there is none.
func (m *Memory) Get(name string, row []relation.Value) ([]relation.Value, error) {
	t, err := m.table(name)
	if err != nil {
		return nil, err
	}
	return t.rows[identity(columnsOf(row, t.schema.Key))], nil
}

// Delete removes the row with the key of the given row, of which only the key
// columns are read.
func (m *Memory) Delete(name string, row []relation.Value) error {
	t, err := m.table(name)
	if err != nil {
		return err
	}
	delete(t.rows, identity(columnsOf(row, t.schema.Key)))
	t.forget()
	return nil
}

// Truncate removes all rows of a relation.
func (m *Memory) Truncate(name string) error {
	t, err := m.table(name)
	if err != nil {
		return err
	}
	clear(t.rows)
	t.forget()
	return nil
}

// All visits the rows in the order of their keys.
func (m *Memory) All(name string, visit func(row []relation.Value) error) error {
	t, err := m.table(name)
	if err != nil {
		return err
	}
	for _, row := range t.inOrder() {
		if err := visit(row); err != nil {
			return err
		}
	}
	return nil
}

// Find visits the rows with the given values, in the order of their keys.
func (m *Memory) Find(name string, columns []int, values []relation.Value, visit func(row []relation.Value) error) error {
	t, err := m.table(name)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(values, relation.Value.Missing) {
		return nil
	}
	for _, row := range t.index(columns)[identity(values)] {
		if err := visit(row); err != nil {
			return err
		}
	}
	return nil
}

func (m *Memory) table(name string) (*memoryTable, error) {
	t := m.tables[name]
	if t == nil {
		return nil, fmt.Errorf("no relation %s", name)
	}
	return t, nil
}

func (t *memoryTable) forget() { t.sorted, t.indexes = nil, nil }

func (t *memoryTable) inOrder() [][]relation.Value {
	if t.sorted == nil {
		for _, row := range t.rows {
			t.sorted = append(t.sorted, row)
		}
		slices.SortFunc(t.sorted, func(a, b []relation.Value) int {
			return compareColumns(a, b, t.schema.Key)
		})
	}
	return t.sorted
}

func (t *memoryTable) index(columns []int) map[string][][]relation.Value {
	name := fmt.Sprint(columns)
	index := t.indexes[name]
	if index != nil {
		return index
	}
	index = make(map[string][][]relation.Value)
	for _, row := range t.inOrder() {
		values := columnsOf(row, columns)
		if slices.ContainsFunc(values, relation.Value.Missing) {
			continue
		}
		at := identity(values)
		index[at] = append(index[at], row)
	}
	if t.indexes == nil {
		t.indexes = make(map[string]map[string][][]relation.Value)
	}
	t.indexes[name] = index
	return index
}

// compareColumns orders two rows by some of their columns.
func compareColumns(a, b []relation.Value, columns []int) int {
	for _, c := range columns {
		if d := relation.Compare(a[c], b[c]); d != 0 {
			return d
		}
	}
	return 0
}
