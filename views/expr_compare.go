package views

import "odsd/storage/relation"

// outcomes is the set of orders, as bits, for which a comparison is true:
// less, equal, greater.
type outcomes uint8

func outcomesOf(op Op) outcomes {
	switch op {
	case OpEq:
		return 0b010
	case OpNeq:
		return 0b101
	case OpLt:
		return 0b001
	case OpLte:
		return 0b011
	case OpGt:
		return 0b100
	}
	return 0b110
}

// has says whether the outcome -1, 0 or 1 makes the comparison true.
func (o outcomes) has(order int) relation.Value {
	return relation.OfBool(o>>(order+1)&1 != 0)
}

// missing gives the result where at least one operand is null or error:
// equality is null-safe, order with a null is false, an error stays one.
func (o outcomes) missing(a, b relation.Value) relation.Value {
	switch {
	case a.IsError():
		return a
	case b.IsError():
		return b
	case o == 0b010:
		return relation.OfBool(a.IsNull() && b.IsNull())
	case o == 0b101:
		return relation.OfBool(!a.IsNull() || !b.IsNull())
	}
	return relation.OfBool(false)
}

// isNil is true for the constant nil of any type.
func (e *Expr) isNil() bool { return e.Op == OpConst && e.Const.IsNull() }

// comparison lowers == != < <= > >=.
func (l *lowering) comparison(e *Expr) Eval {
	wanted := outcomesOf(e.Op)
	left, right := e.Args[0], e.Args[1]
	equality := e.Op == OpEq || e.Op == OpNeq
	if equality && left.isNil() {
		left, right = right, left
	}
	constant := right.Op == OpConst && !right.isNil()
	switch {
	case equality && right.isNil():
		return nullTest(l.lower(left), e.Op == OpEq)
	case heldAsInt(left.Type.Kind) && constant:
		return compareWithInt(l.lower(left), right.Const, wanted)
	case heldAsInt(left.Type.Kind):
		return compareInts(l.lower(left), l.lower(right), wanted)
	case left.Type.Kind == relation.Decimal && right.Type.Kind == relation.Decimal:
		return compareDecimals(l.lower(left), l.lower(right), wanted)
	case isText(left.Type.Kind) && constant && equality:
		return equalsText(l.lower(left), right.Const, wanted)
	}
	order := relation.Compare
	if left.Type.Kind == relation.Array && right.Type.Kind == relation.Array {
		order = relation.CompareArrays
	}
	return compareAny(l.lower(left), l.lower(right), order, wanted)
}

// heldAsInt lists the kinds whose order is that of Value.Int.
func heldAsInt(k relation.Kind) bool {
	switch k.Family() {
	case relation.BoolFamily, relation.IntegerFamily, relation.DateFamily, relation.TimeFamily, relation.TimestampFamily:
		return true
	}
	return false
}

func nullTest(x Eval, null bool) Eval {
	return func(env *Env) relation.Value {
		v := x(env)
		if v.IsError() {
			return v
		}
		return relation.OfBool(v.IsNull() == null)
	}
}

func orderOfInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func compareWithInt(x Eval, c relation.Value, wanted outcomes) Eval {
	n := c.Int()
	return func(env *Env) relation.Value {
		a := x(env)
		if a.Missing() {
			return wanted.missing(a, c)
		}
		return wanted.has(orderOfInts(a.Int(), n))
	}
}

func compareInts(x, y Eval, wanted outcomes) Eval {
	return func(env *Env) relation.Value {
		a, b := x(env), y(env)
		if a.Missing() || b.Missing() {
			return wanted.missing(a, b)
		}
		return wanted.has(orderOfInts(a.Int(), b.Int()))
	}
}

func equalsText(x Eval, c relation.Value, wanted outcomes) Eval {
	s, equal := c.Str(), wanted == outcomesOf(OpEq)
	return func(env *Env) relation.Value {
		a := x(env)
		if a.Missing() {
			return wanted.missing(a, c)
		}
		return relation.OfBool((a.Str() == s) == equal)
	}
}

func compareDecimals(x, y Eval, wanted outcomes) Eval {
	return func(env *Env) relation.Value {
		a, b := x(env), y(env)
		if a.Missing() || b.Missing() {
			return wanted.missing(a, b)
		}
		if p, q, _, ok := aligned(a, b); ok {
			return wanted.has(orderOfInts(p, q))
		}
		return wanted.has(relation.Compare(a, b))
	}
}

func compareAny(x, y Eval, order func(a, b relation.Value) int, wanted outcomes) Eval {
	return func(env *Env) relation.Value {
		a, b := x(env), y(env)
		if a.Missing() || b.Missing() {
			return wanted.missing(a, b)
		}
		return wanted.has(order(a, b))
	}
}

// membership lowers `in`: an equality with any element, each null-safe. One
// that is equal decides, whatever fails beside it.
func (l *lowering) membership(e *Expr) Eval {
	x := l.lower(e.Args[0])
	if len(e.Args) == 2 && e.Args[1].Type.Kind == relation.Array {
		return inArray(x, l.lower(e.Args[1]))
	}
	if set, ok := constantTexts(e.Args); ok {
		return inTexts(x, set)
	}
	return inList(x, l.all(e.Args[1:]))
}

// search is the state of looking for an equal element.
type search struct {
	wanted relation.Value
	failed relation.Value
}

// meets says whether v is equal; an error on either side is remembered.
func (s *search) meets(v relation.Value) bool {
	if v.IsError() || s.wanted.IsError() {
		s.failed = failed(s.wanted, v)
		return false
	}
	return relation.Equal(s.wanted, v)
}

func (s *search) result(found bool) relation.Value {
	if !found && s.failed.IsError() {
		return s.failed
	}
	return relation.OfBool(found)
}

func inList(x Eval, list []Eval) Eval {
	return func(env *Env) relation.Value {
		s := search{wanted: x(env)}
		if s.wanted.IsError() {
			return s.wanted
		}
		for _, element := range list {
			if s.meets(element(env)) {
				return relation.OfBool(true)
			}
		}
		return s.result(false)
	}
}

func inArray(x, array Eval) Eval {
	return func(env *Env) relation.Value {
		s := search{wanted: x(env)}
		a := array(env)
		if s.wanted.IsError() || a.IsError() {
			return failed(s.wanted, a)
		}
		if a.IsNull() {
			return relation.OfBool(false)
		}
		for _, element := range elements(a) {
			if s.meets(element) {
				return relation.OfBool(true)
			}
		}
		return s.result(false)
	}
}

// constantTexts gives the elements of a list of text constants without nil.
func constantTexts(args []*Expr) (map[string]bool, bool) {
	set := make(map[string]bool, len(args)-1)
	for _, a := range args[1:] {
		if a.Op != OpConst || !isText(a.Type.Kind) || a.isNil() {
			return nil, false
		}
		set[a.Const.Str()] = true
	}
	return set, true
}

func inTexts(x Eval, set map[string]bool) Eval {
	return func(env *Env) relation.Value {
		v := x(env)
		if v.Missing() {
			if v.IsError() {
				return v
			}
			return relation.OfBool(false)
		}
		return relation.OfBool(set[v.Str()])
	}
}

// inRange lowers x in low..high over integers.
func inRange(x, low, high Eval) Eval {
	return func(env *Env) relation.Value {
		v, from, to := x(env), low(env), high(env)
		if v.Missing() || from.Missing() || to.Missing() {
			if e := failed(failed(v, from), to); e.IsError() {
				return e
			}
			return relation.OfBool(false)
		}
		return relation.OfBool(from.Int() <= v.Int() && v.Int() <= to.Int())
	}
}
