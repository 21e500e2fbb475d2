package views

import (
	"slices"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// unionKey checks the columns that identify a row of a union: every branch has
// them, those that are not constants are a unique key of it, and no two branches
// can have a row of one key unless `conflict` says which one is taken.
func (c *checker) unionKey(branches []*branchState) {
	key := c.unionKeyFields()
	if len(key) == 0 {
		return
	}
	sound := true
	for _, b := range branches {
		sound = c.branchKey(b, key) && sound
	}
	if sound && !c.def.Conflict.Given() {
		c.checkApart(branches)
	}
}

// unionKeyFields finds the columns of the key; none where one of them cannot be
// in it, which was reported.
func (c *checker) unionKeyFields() []*fieldState {
	var key []*fieldState
	sound := true
	for _, name := range c.def.Key {
		f := c.rootField(yamlfile.CodeKey, name, name.Value)
		switch {
		case f == nil:
			sound = false
			continue
		case slices.Contains(key, f):
			name.Node.Report(yamlfile.CodeKey, "", "the column %q is given twice", name.Value)
			sound = false
		case !hasOrder(f.field.Type):
			name.Node.Report(yamlfile.CodeKey, "", "the key column %q is of type %s, which cannot be in a key", name.Value, f.field.Type)
			sound = false
		}
		key = append(key, f)
		c.view.KeyFields = append(c.view.KeyFields, f.field.Ordinal)
	}
	if !sound {
		return nil
	}
	return key
}

// branchKey checks that the key finds one row of a branch.
func (c *checker) branchKey(b *branchState, key []*fieldState) bool {
	schema := b.scope.occurrence.Schema
	var columns []int
	for i, f := range key {
		e := b.branch.Columns[f.field.Ordinal]
		if slices.Contains(b.missing, f.field.Name) {
			return false // reported where it is renamed
		}
		if e == nil {
			b.def.From.Node.Report(yamlfile.CodeUnion, "`rename` or `const` gives it one",
				"%s has no column %q, which is in the key", b.scope.relation(), c.def.Key[i].Value)
			return false
		}
		column := uncast(e)
		if column.Op == OpConst {
			continue
		}
		if isFloat(e.Type.Kind) && !isFloat(column.Type.Kind) {
			c.def.Key[i].Node.Report(yamlfile.CodeKey, "make it the same type in a view below",
				"the key column %q is %s in %s, and as %s two of its values may be one", c.def.Key[i].Value, column.Type, b.scope.relation(), e.Type)
			return false
		}
		if !slices.Contains(columns, column.Column) {
			columns = append(columns, column.Column)
		}
	}
	if !isKey(schema, columns) {
		what := "the key has no column of it"
		if len(columns) > 0 {
			what = columnNames(schema, columns) + " is not a unique key of it"
		}
		b.def.From.Node.Report(yamlfile.CodeKey, uniqueKeys(schema), "%s: %s", b.scope.relation(), what)
		return false
	}
	return true
}

// checkApart makes sure that of two branches some constant of the key differs.
func (c *checker) checkApart(branches []*branchState) {
	for i, b := range branches {
		for _, earlier := range branches[:i] {
			if !c.apart(earlier.branch, b.branch) {
				b.def.From.Node.Report(yamlfile.CodeUnion, "add a `const` to the key that differs in each branch, or write `conflict: first`",
					"a row of this branch and one of line %d may have the same key", earlier.def.From.Node.Line())
				return
			}
		}
	}
}

func (c *checker) apart(a, b *Branch) bool {
	for _, ordinal := range c.view.KeyFields {
		x, y := a.Columns[ordinal], b.Columns[ordinal]
		if x.Op == OpConst && y.Op == OpConst && !relation.Equal(x.Const, y.Const) {
			return true
		}
	}
	return false
}
