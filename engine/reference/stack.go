package reference

import (
	"context"

	"odsd/storage/relation"
	"odsd/views"
)

// EvaluateAll computes all documents of several views that may stand on one
// another, each after those it stands on, in the order of their keys. The rows
// of the views below are what was computed for them, failed fields included.
func EvaluateAll(ctx context.Context, all []*views.View, rows Rows) (map[string][]*Document, error) {
	s := &stack{base: rows, views: NewMemory(viewSchemas(all)...)}
	documents := make(map[string][]*Document, len(all))
	for _, v := range all {
		found, err := Evaluate(ctx, v, s)
		if err != nil {
			return nil, err
		}
		documents[v.Name] = found
		if err := s.add(v.Name, found); err != nil {
			return nil, err
		}
	}
	return documents, nil
}

// stack is Rows with views as relations over base relations.
type stack struct {
	base  Rows
	views *Memory
}

// viewSchemas are the relations among the views that others of them stand on.
func viewSchemas(all []*views.View) []*relation.Schema {
	isView := make(map[string]bool)
	for _, v := range all {
		isView[v.Name] = true
	}
	var schemas []*relation.Schema
	for _, v := range all {
		for _, o := range v.Occurrences {
			if isView[o.Schema.Name] {
				isView[o.Schema.Name] = false // once is enough
				schemas = append(schemas, o.Schema)
			}
		}
	}
	return schemas
}

// add makes a view's documents the rows of its relation, if anything stands on it.
func (s *stack) add(name string, documents []*Document) error {
	if s.views.tables[name] == nil {
		return nil
	}
	for _, d := range documents {
		if err := s.views.Set(name, d.Scalars); err != nil {
			return err
		}
	}
	return nil
}

func (s *stack) of(name string) Rows {
	if s.views.tables[name] != nil {
		return s.views
	}
	return s.base
}

// All implements Rows.
func (s *stack) All(name string, visit func(row []relation.Value) error) error {
	return s.of(name).All(name, visit)
}

// Find implements Rows.
func (s *stack) Find(name string, columns []int, values []relation.Value, visit func(row []relation.Value) error) error {
	return s.of(name).Find(name, columns, values, visit)
}
