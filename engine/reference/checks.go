package reference

import (
	"odsd/storage/relation"
	"odsd/views"
)

// Failing gives, for each check of a view, the keys of the documents that fail
// it, in the order of the documents, which are all of the view's as Evaluate gives
// them.
func Failing(v *views.View, documents []*Document) [][][]relation.Value {
	failing := make([][][]relation.Value, len(v.Checks))
	for i, c := range v.Checks {
		passes := passing(c)
		for _, d := range documents {
			if !passes(d.Scalars) {
				failing[i] = append(failing[i], d.Key)
			}
		}
	}
	return failing
}

// passing gives what a check asks of a root's fields.
func passing(c views.Check) func(fields []relation.Value) bool {
	absent := func(v relation.Value) bool { return v.IsNull() || v.IsError() }
	switch c.Kind {
	case views.NotNullCheck:
		return func(fields []relation.Value) bool { return !absent(fields[c.Field]) }
	case views.AcceptedCheck:
		return func(fields []relation.Value) bool {
			value := fields[c.Field]
			accepted := absent(value)
			for _, v := range c.Accepted {
				accepted = accepted || !absent(v) && relation.Compare(value, v) == 0
			}
			return accepted
		}
	}
	expression := compile(c.Expr)
	return func(fields []relation.Value) bool {
		return holds(expression, &views.Env{Fields: fields})
	}
}
