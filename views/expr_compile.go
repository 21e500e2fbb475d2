package views

import "odsd/storage/relation"

// Compile lowers a checked expression to closures that are specialised on its
// static types: no node allocates, boxes or asks for a type while it runs.
//
// Null and error values flow through every node: arithmetic, text functions
// and comparisons by order give an error for an error, then null (comparisons:
// false) for a null. What an operation may assume of its operands is therefore
// only their type where they are present.
func (e *Expr) Compile() Eval {
	l := &lowering{functions: functionTable()}
	return l.lower(e)
}

// CompileField is Compile for an expression whose value is shown: an infinite
// date or timestamp, which no reader could be given, becomes an error.
func (e *Expr) CompileField() Eval {
	f := e.Compile()
	if !temporal(e.Type.Kind) {
		return f
	}
	return func(env *Env) relation.Value {
		v := f(env)
		if v.IsInfinite() {
			return relation.OfError(relation.ErrInfiniteTime)
		}
		return v
	}
}

// lowering turns checked nodes into closures.
type lowering struct{ functions map[string]function }

func (l *lowering) lower(e *Expr) Eval {
	switch e.Op {
	case OpConst:
		return constantly(e.Const)
	case OpColumn:
		return column(e.Occurrence, e.Column)
	case OpField:
		return field(e.Field)
	case OpClaim:
		return claim(e.Name, e.Type)
	case OpItem:
		return func(env *Env) relation.Value { return env.item }
	case OpAnd:
		return and(l.lower(e.Args[0]), l.lower(e.Args[1]))
	case OpOr:
		return or(l.lower(e.Args[0]), l.lower(e.Args[1]))
	case OpNot:
		return not(l.lower(e.Args[0]))
	case OpIf:
		return conditional(l.lower(e.Args[0]), l.lower(e.Args[1]), l.lower(e.Args[2]))
	case OpElse:
		return orElse(l.lower(e.Args[0]), l.lower(e.Args[1]))
	case OpEq, OpNeq, OpLt, OpLte, OpGt, OpGte:
		return l.comparison(e)
	case OpIn:
		return l.membership(e)
	case OpAdd, OpSub, OpMul, OpDiv, OpMod, OpPow, OpNeg:
		return l.arithmetic(e)
	case OpCast:
		return cast(e.Args[0].Type, e.Type, l.lower(e.Args[0]))
	case OpCall:
		return l.call(e)
	}
	return constantly(relation.OfError(relation.ErrBadArgument))
}

// all lowers a list of arguments.
func (l *lowering) all(list []*Expr) []Eval {
	evals := make([]Eval, len(list))
	for i, e := range list {
		evals[i] = l.lower(e)
	}
	return evals
}

func claim(name string, t relation.Type) Eval {
	return func(env *Env) relation.Value {
		if env.Claim == nil {
			return relation.OfError(relation.ErrFailedInput)
		}
		return env.Claim(name, t)
	}
}

func constantly(v relation.Value) Eval {
	return func(*Env) relation.Value { return v }
}

// column reads a row; of a row that is not there every column is null.
func column(occurrence, ordinal int) Eval {
	return func(env *Env) relation.Value {
		if occurrence < len(env.Rows) {
			if row := env.Rows[occurrence]; ordinal < len(row) {
				return row[ordinal]
			}
		}
		return relation.Value{}
	}
}

func field(ordinal int) Eval {
	return func(env *Env) relation.Value {
		if ordinal < len(env.Fields) {
			return env.Fields[ordinal]
		}
		return relation.Value{}
	}
}

// failed is the error among values that are known to hold null or error.
func failed(a, b relation.Value) relation.Value {
	if a.IsError() {
		return a
	}
	if b.IsError() {
		return b
	}
	return relation.Value{}
}

// strict1 lifts a function of one present value: null gives null, an error
// stays that error.
func strict1(x Eval, f func(relation.Value) relation.Value) Eval {
	return func(env *Env) relation.Value {
		v := x(env)
		if v.Missing() {
			return v
		}
		return f(v)
	}
}

// strict2 lifts a function of two present values.
func strict2(x, y Eval, f func(a, b relation.Value) relation.Value) Eval {
	return func(env *Env) relation.Value {
		a, b := x(env), y(env)
		if a.Missing() || b.Missing() {
			return failed(a, b)
		}
		return f(a, b)
	}
}

// strict3 lifts a function of three present values.
func strict3(x, y, z Eval, f func(a, b, c relation.Value) relation.Value) Eval {
	return func(env *Env) relation.Value {
		a, b, c := x(env), y(env), z(env)
		if a.Missing() || b.Missing() || c.Missing() {
			return failed(failed(a, b), c)
		}
		return f(a, b, c)
	}
}
