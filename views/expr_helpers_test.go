package views

import (
	"strconv"
	"testing"

	"odsd/storage/relation"
)

// row is a test's row: columns by name, typed, each with a value.
type row []cell

type cell struct {
	name  string
	typ   relation.Type
	value relation.Value
}

// bare and member make a row the names of an expression: its own columns bare,
// and by the alias "t".
func (r row) bare(name string) (*Expr, *nameProblem) {
	for i, c := range r {
		if c.name == name {
			return &Expr{Op: OpColumn, Type: c.typ, Column: i}, nil
		}
	}
	return nil, &nameProblem{Message: "no column \"" + name + "\""}
}

func (r row) member(alias, name string) (*Expr, *nameProblem) {
	if alias != "t" {
		return nil, &nameProblem{Message: "no alias \"" + alias + "\""}
	}
	return r.bare(name)
}

func (r row) env() *Env {
	values := make([]relation.Value, len(r))
	for i, c := range r {
		values[i] = c.value
	}
	return &Env{Rows: [][]relation.Value{values}}
}

// kind makes a cell of a plain type from a text as PostgreSQL prints it; "nil"
// and "error" are what they say.
func of(t *testing.T, name string, k relation.Kind, text string) cell {
	t.Helper()
	return cell{name, relation.TypeOf(k), valueOf(t, relation.TypeOf(k), text)}
}

func valueOf(t *testing.T, typ relation.Type, text string) relation.Value {
	t.Helper()
	switch {
	case text == "nil":
		return relation.OfNull()
	case text == "error":
		return relation.OfError(relation.ErrBadCast)
	case typ.Kind == relation.Interval:
		v, err := parseInterval(text)
		if err != nil {
			t.Fatalf("interval %q: %v", text, err)
		}
		return v
	case isText(typ.Kind) || typ.Kind == relation.JSON || typ.Kind == relation.Bytes:
		return relation.OfString(typ.Kind, text)
	}
	v, err := relation.ParseText(typ, text)
	if err != nil {
		t.Fatalf("%s %q: %v", typ, text, err)
	}
	return v
}

// show prints a value so that its kind is seen: texts in quotes.
func show(v relation.Value) string {
	switch {
	case v.IsNull():
		return "nil"
	case v.IsError():
		return "error " + v.Code().String()
	case v.Kind() == relation.Bool:
		return strconv.FormatBool(v.Bool())
	case isText(v.Kind()):
		return "'" + v.Str() + "'"
	}
	return string(relation.AppendText(nil, v))
}

// evaluate checks and computes an expression; a problem is shown as it is reported.
func evaluate(t *testing.T, source string, r row) (value string, typ relation.Type) {
	t.Helper()
	e, problems := checkExpr(source, r)
	if len(problems) > 0 {
		return "problem: " + problems[0].Message, relation.Type{}
	}
	v := e.Compile()(r.env())
	if k := v.Kind(); !v.Missing() && k != e.Type.Kind {
		t.Errorf("%s: a value of kind %s where the type is %s", source, k, e.Type)
	}
	return show(v), e.Type
}
