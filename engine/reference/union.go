package reference

import (
	"context"
	"slices"

	"odsd/storage/relation"
	"odsd/views"
)

// branchCode is a branch of a union with its expressions compiled.
type branchCode struct {
	*views.Branch
	relation *relation.Schema
	where    views.Eval
	columns  []views.Eval // nil: null
}

func compileBranches(v *views.View) []branchCode {
	var branches []branchCode
	for _, b := range v.Branches {
		code := branchCode{Branch: b, relation: v.Occurrences[b.Occurrence].Schema, where: compile(b.Where)}
		for _, column := range b.Columns {
			code.columns = append(code.columns, compile(column))
		}
		branches = append(branches, code)
	}
	return branches
}

// union visits the rows of a union: branch by branch, those rows for which the
// branch's condition holds and whose key no row before them had.
func (r *run) union(ctx context.Context, visit func(*Document) error) error {
	taken := make(map[string]bool)
	for i := range r.branches {
		b := &r.branches[i]
		rows, err := r.inOrder(ctx, b.relation)
		if err != nil {
			return err
		}
		for _, row := range rows {
			raw, ok := r.branchRow(b, row)
			key := identity(columnsOf(raw, r.view.KeyFields))
			if !ok || taken[key] {
				continue
			}
			taken[key] = true
			fields := make([]relation.Value, len(raw))
			for f := range raw {
				fields[f] = shown(raw[f])
			}
			if !holds(r.having, &views.Env{Rows: make([][]relation.Value, len(r.view.Occurrences)), Fields: fields}) {
				continue
			}
			if err := visit(r.showRow(fields)); err != nil {
				return err
			}
		}
	}
	return nil
}

// inOrder gives the rows of a relation in the order of its key, which decides
// between two rows of one branch.
func (r *run) inOrder(ctx context.Context, s *relation.Schema) ([][]relation.Value, error) {
	var rows [][]relation.Value
	err := r.rows.All(s.Name, func(row []relation.Value) error {
		rows = append(rows, row)
		return ctx.Err()
	})
	slices.SortFunc(rows, func(a, b []relation.Value) int { return compareColumns(a, b, s.Key) })
	return rows, err
}

// branchRow gives the union's fields for a row of a branch; ok is false where
// the branch leaves the row out.
func (r *run) branchRow(b *branchCode, row []relation.Value) (fields []relation.Value, ok bool) {
	env := views.Env{Rows: make([][]relation.Value, len(r.view.Occurrences))}
	env.Rows[b.Occurrence] = row
	fields = make([]relation.Value, len(b.columns))
	for i, column := range b.columns {
		if column != nil {
			fields[i] = column(&env)
		}
	}
	return fields, holds(b.where, &env)
}
