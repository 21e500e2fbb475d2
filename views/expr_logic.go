package views

import "odsd/storage/relation"

// Logic is two-valued: null counts as false. An error is a truth that is not
// known, so `false and error` is false and `true or error` is true, in either
// order: conditions may be split and reordered without changing what they say.

func and(x, y Eval) Eval {
	return func(env *Env) relation.Value {
		a := x(env)
		if a.IsError() {
			if b := y(env); !b.IsError() && !b.True() {
				return relation.OfBool(false)
			}
			return a
		}
		if !a.True() {
			return relation.OfBool(false)
		}
		b := y(env)
		if b.IsError() {
			return b
		}
		return relation.OfBool(b.True())
	}
}

func or(x, y Eval) Eval {
	return func(env *Env) relation.Value {
		a := x(env)
		if a.True() {
			return a
		}
		b := y(env)
		switch {
		case b.True():
			return b
		case a.IsError():
			return a
		case b.IsError():
			return b
		}
		return relation.OfBool(false)
	}
}

func not(x Eval) Eval {
	return func(env *Env) relation.Value {
		a := x(env)
		if a.IsError() {
			return a
		}
		return relation.OfBool(!a.True())
	}
}

func conditional(condition, x, y Eval) Eval {
	return func(env *Env) relation.Value {
		c := condition(env)
		switch {
		case c.True():
			return x(env)
		case c.IsError():
			return c
		}
		return y(env)
	}
}

// orElse gives the first value that is not null. An error is not null.
func orElse(x, y Eval) Eval {
	return func(env *Env) relation.Value {
		a := x(env)
		if a.IsNull() {
			return y(env)
		}
		return a
	}
}
