package views

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"

	"odsd/storage/relation"
)

func choiceFunctions() []function {
	return []function{
		{name: "coalesce", signature: "coalesce(x, …)", summary: "the first value that is not nil", min: 1, max: -1, check: checkCoalesce, lower: lowerCoalesce},
		{name: "nullif", signature: "nullif(x, y)", summary: "nil where x equals y, else x", min: 2, max: 2, check: checkNullif, lower: lowerNullif},
		{name: "hash", signature: "hash(x)", summary: "the SHA-256 of a text or bytea, 64 hexadecimal digits", min: 1, max: 1, check: checkHash, lower: lowerHash},
		{name: "uuid5", signature: "uuid5(namespace, name)", summary: "the UUID of version 5 that a name has within a namespace, itself a UUID", min: 2, max: 2, check: checkUUID5, lower: lowerUUID5},
		{name: "json", signature: `json(x, "$.path")`, summary: "the part of a JSON value at a constant path of names and numbers; nil where there is none or JSON's null", min: 2, max: 2, check: checkJSON, lower: lowerJSON},
	}
}

func checkCoalesce(c *exprChecker, call *call) *Expr {
	t, ok := c.unify(call.args, "coalesce needs values of one type")
	if !ok {
		return nil
	}
	return &Expr{Op: OpCall, Name: call.name, Type: t, Args: expressions(call.args)}
}

func lowerCoalesce(l *lowering, e *Expr) Eval {
	args := l.all(e.Args)
	return func(env *Env) relation.Value {
		for _, arg := range args {
			if v := arg(env); !v.IsNull() {
				return v
			}
		}
		return relation.Value{}
	}
}

// checkNullif compares as == does and keeps the type of x: y alone is widened
// in the tree, and x while it is compared.
func checkNullif(c *exprChecker, call *call) *Expr {
	x := call.args[0].e
	if !c.comparable(call.node, call.args) {
		return nil
	}
	if x.Op == OpConst {
		x = call.args[0].e
	}
	return &Expr{Op: OpCall, Name: call.name, Type: x.Type, Args: []*Expr{x, call.args[1].e}}
}

func lowerNullif(l *lowering, e *Expr) Eval {
	x, y := l.lower(e.Args[0]), l.lower(e.Args[1])
	widen := func(v relation.Value) relation.Value { return v }
	if from, to := e.Args[0].Type, e.Args[1].Type; !relation.Comparable(from, to) {
		widen = conversion(from.Kind, to.Kind)
	}
	return func(env *Env) relation.Value {
		a, b := x(env), y(env)
		if a.Missing() || b.Missing() {
			if e := failed(a, b); e.IsError() {
				return e
			}
			return a
		}
		wide := widen(a)
		switch {
		case wide.IsError():
			return wide
		case relation.Equal(wide, b):
			return relation.Value{}
		}
		return a
	}
}

func checkHash(c *exprChecker, call *call) *Expr {
	e := call.args[0].e
	if e.Type.Kind != relation.Bytes {
		if e = c.needText(call, 0); e == nil {
			return nil
		}
	}
	return called(call, relation.Text, e)
}

func lowerHash(l *lowering, e *Expr) Eval {
	return strict1(l.lower(e.Args[0]), func(v relation.Value) relation.Value {
		sum := sha256.Sum256([]byte(v.Str()))
		return relation.OfText(hex.EncodeToString(sum[:]))
	})
}

func checkUUID5(c *exprChecker, call *call) *Expr {
	namespace := call.args[0]
	if k := namespace.e.Type.Kind; k != relation.UUID && namespace.e.Op != OpConst {
		return c.report(namespace.node, codeType, "the namespace must be a uuid, and this is "+namespace.e.Type.String(), literalHint(relation.UUID))
	}
	space := c.convert(namespace, relation.TypeOf(relation.UUID))
	name := c.needText(call, 1)
	if space == nil || name == nil {
		return nil
	}
	return called(call, relation.UUID, space, name)
}

func lowerUUID5(l *lowering, e *Expr) Eval {
	return strict2(l.lower(e.Args[0]), l.lower(e.Args[1]), func(space, name relation.Value) relation.Value {
		h := sha1.New()
		h.Write([]byte(space.Str()))
		h.Write([]byte(name.Str()))
		id := h.Sum(nil)[:16]
		id[6] = id[6]&0x0f | 0x50 // version 5
		id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
		return relation.OfString(relation.UUID, string(id))
	})
}
