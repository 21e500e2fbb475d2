package views

import (
	"fmt"
	"strconv"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// aggregateType checks what is aggregated and gives the result its type.
func (c *checker) aggregateType(f *fieldState, a *Aggregate) bool {
	def := f.def.Aggregate
	result, problem := resultType(a)
	if problem != "" {
		def.Path.Node.Report(yamlfile.CodeAggregate, "", "%s", problem)
		return false
	}
	f.field.Type = result
	f.field.Nullable = a.Func != Count && !((a.Func == CountDistinct || a.Func == Collect) && c.neverFails(a.Arg))
	if a.Func == Avg && result.Kind == relation.Decimal {
		if !def.Round.Given() {
			def.Path.Node.Report(yamlfile.CodeAggregate, "add `round: 2`, the number of decimal places", "an average of %s needs `round`", a.Arg.Type)
			return false
		}
		places, err := strconv.Atoi(def.Round.Value)
		if err != nil || places < 0 || places > maxDefaultRound {
			def.Round.Node.Report(yamlfile.CodeValue, "", "`round` must be a whole number from 0 to %d", maxDefaultRound)
			return false
		}
		a.Round = int32(places)
		return true
	}
	if def.Round.Given() {
		def.Round.Node.Report(yamlfile.CodeAggregate, "round in a field that uses this one", "`round` is for averages of integers and decimals")
		return false
	}
	return true
}

// ranked says whether an aggregate takes the value of one row, by its place in an order.
func ranked(f AggregateFunc) bool { return f == First || f == Last }

// counts says whether an aggregate gives a number of rows or values.
func counts(f AggregateFunc) bool { return f == Count || f == CountDistinct }

// neverFails says that what is aggregated cannot be an error: a column of a
// table, or one of a view that is always there.
func (c *checker) neverFails(e *Expr) bool {
	if e.Op != OpColumn {
		return false
	}
	s := c.scopes[e.Occurrence]
	return s.input == nil || s.occurrence.Schema.Columns[e.Column].NotNull
}

func resultType(a *Aggregate) (result relation.Type, problem string) {
	if a.Func == Count {
		return relation.TypeOf(relation.Int8), ""
	}
	kind := a.Arg.Type.Kind
	switch a.Func {
	case CountDistinct:
		if hasOrder(a.Arg.Type) {
			return relation.TypeOf(relation.Int8), ""
		}
	case Min, Max:
		if hasOrder(a.Arg.Type) && kind != relation.Bool {
			return a.Arg.Type, ""
		}
	case First, Last:
		return a.Arg.Type, ""
	case Collect:
		if hasOrder(a.Arg.Type) {
			return relation.ArrayOf(kind), ""
		}
	case Sum:
		switch kind {
		case relation.Int2, relation.Int4:
			return relation.TypeOf(relation.Int8), ""
		case relation.Int8, relation.Decimal:
			return relation.TypeOf(relation.Decimal), ""
		case relation.Float4, relation.Float8:
			return relation.TypeOf(kind), ""
		}
	case Avg:
		switch kind.Family() {
		case relation.IntegerFamily, relation.DecimalFamily:
			return relation.TypeOf(relation.Decimal), ""
		case relation.FloatFamily:
			return relation.TypeOf(relation.Float8), ""
		}
	}
	return relation.Type{}, fmt.Sprintf("%s of values of type %s is not defined", a.Func, a.Arg.Type)
}

// aggregateDefault types the value that stands in for nothing to aggregate.
func (c *checker) aggregateDefault(f *fieldState, a *Aggregate) bool {
	def := f.def.Aggregate.Default
	if !def.Given() {
		return true
	}
	switch {
	case counts(a.Func):
		def.Node.Report(yamlfile.CodeDefault, "remove it", "the count of nothing is 0")
		return false
	case a.Func == Collect:
		def.Node.Report(yamlfile.CodeDefault, "remove it", "of nothing, collect gives an empty list")
		return false
	}
	value, ok := literal(f.field.Type, def.Value)
	if !ok {
		def.Node.Report(yamlfile.CodeDefault, "", "%q is not a value of type %s", def.Value, f.field.Type)
		return false
	}
	a.Default = &value
	return true
}
