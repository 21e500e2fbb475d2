package query

import (
	"slices"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// binder turns the input value of a `where` into a condition.
type binder struct {
	limits     Limits
	conditions int
}

// unknown stands for a variable's value in an explanation.
type unknown struct{ name string }

var operators = map[string]operator{
	"_eq": equal, "_neq": notEqual, "_gt": greater, "_gte": greaterEqual, "_lt": less, "_lte": lessEqual,
	"_startsWith": startsWith, "_like": like, "_ilike": ilike, "_in": isIn, "_nin": notIn, "_contains": contains,
	"_containedIn": containedIn, "_hasAny": hasAny, "_isNull": isNull,
}

// bindWhere makes the condition of an object's fields, nil for one that asks nothing.
func bindWhere(limits Limits, object *objectType, value any) (*condition, *problem) {
	b := binder{limits: limits}
	c, bad := b.object(scope{object: object}, value)
	if bad != nil || c.op == allOf && len(c.below) == 0 {
		return nil, bad
	}
	return c, nil
}

// scope is the object whose fields a condition names.
type scope struct {
	object  *objectType
	path    string
	present []int
}

func (s scope) within(field *objectField) scope {
	inner := scope{object: field.object, path: s.path + field.name + ".", present: s.present}
	if field.present >= 0 {
		inner.present = append(slices.Clip(s.present), field.present)
	}
	return inner
}

func (s scope) ref(field *objectField) *fieldRef {
	return &fieldRef{path: s.path + field.name, column: field.column, present: s.present, kind: field.stored, nullable: !field.required || len(s.present) > 0}
}

func (b *binder) object(s scope, value any) (*condition, *problem) {
	if v, ok := value.(unknown); ok {
		return &condition{op: openEnd, name: v.name}, nil
	}
	given, _ := value.(map[string]any)
	out := &condition{op: allOf}
	for _, name := range inputNames(given) {
		c, bad := b.entry(s, name, given[name])
		if bad != nil {
			return nil, bad.in("." + name)
		}
		out.below = append(out.below, c)
	}
	if len(out.below) == 1 {
		return out.below[0], nil
	}
	return out, nil
}

// inputNames sorts names, so that one filter is one condition however it was written.
func inputNames(given map[string]any) []string {
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (b *binder) entry(s scope, name string, value any) (*condition, *problem) {
	if b.conditions++; b.conditions > b.limits.Conditions {
		return nil, mismatch("the filter has more than %d conditions", b.limits.Conditions)
	}
	switch name {
	case "_and":
		return b.several(s, allOf, value)
	case "_or":
		return b.several(s, anyOf, value)
	case "_not":
		below, bad := b.object(s, value)
		return &condition{op: notOf, below: []*condition{below}}, bad
	}
	field := s.object.fields[name]
	switch field.kind {
	case oneField:
		if isEmpty(value) {
			return nil, mismatch("names no field; say which one must be what")
		}
		return b.object(s.within(field), value)
	case manyField:
		return b.list(s, field, value)
	}
	return b.operators(s.ref(field), field, value)
}

func isEmpty(value any) bool {
	given, ok := value.(map[string]any)
	return ok && len(given) == 0
}

func (b *binder) several(s scope, op operator, value any) (*condition, *problem) {
	if v, ok := value.(unknown); ok {
		return &condition{op: openEnd, name: v.name}, nil
	}
	out := &condition{op: op}
	list, _ := value.([]any)
	for i, item := range list {
		c, bad := b.object(s, item)
		if bad != nil {
			return nil, bad.at(i)
		}
		out.below = append(out.below, c)
	}
	return out, nil
}

func (b *binder) list(s scope, field *objectField, value any) (*condition, *problem) {
	if v, ok := value.(unknown); ok {
		return &condition{op: openEnd, name: v.name}, nil
	}
	if isEmpty(value) {
		return nil, mismatch("names no operator; _some and _none look into a list")
	}
	given, _ := value.(map[string]any)
	out := &condition{op: allOf}
	for _, name := range inputNames(given) {
		below, bad := b.object(scope{object: field.object}, given[name])
		if bad != nil {
			return nil, bad.in("." + name)
		}
		c := &condition{op: someOf, below: []*condition{below}, list: field.list, present: s.present, name: s.path + field.name}
		if name == "_none" {
			c.op = noneOf
		}
		out.below = append(out.below, c)
	}
	if len(out.below) == 1 {
		return out.below[0], nil
	}
	return out, nil
}

// operators binds the operators that one field is held to.
func (b *binder) operators(ref *fieldRef, field *objectField, value any) (*condition, *problem) {
	if v, ok := value.(unknown); ok {
		return &condition{op: openEnd, name: v.name}, nil
	}
	if isEmpty(value) {
		return nil, mismatch("names no operator; write one, as {_eq: …}")
	}
	given, _ := value.(map[string]any)
	out := &condition{op: allOf}
	for _, name := range inputNames(given) {
		c := &condition{op: operators[name], field: ref}
		if bad := c.bind(field, given[name]); bad != nil {
			return nil, bad.in("." + name)
		}
		out.below = append(out.below, c)
	}
	if len(out.below) == 1 {
		return out.below[0], nil
	}
	return out, nil
}

// bind takes the values of an operator on a field.
func (c *condition) bind(field *objectField, value any) *problem {
	if v, ok := value.(unknown); ok {
		c.values = []operand{{name: v.name}}
		return nil
	}
	switch c.op {
	case isNull:
		flag, _ := value.(relation.Value)
		c.flag = flag.True()
		return nil
	}
	if c.op.takesList() {
		return c.bindList(field, value)
	}
	v, bad := stored(field, value)
	if bad != nil {
		return bad
	}
	c.values = []operand{{value: v}}
	if c.op == like || c.op == ilike {
		ok := false
		if c.pattern, ok = views.ParseLike(v.Str(), c.op == ilike); !ok {
			return mismatch("the pattern ends with its escape character; write a backslash itself as two")
		}
	}
	return nil
}

func (c *condition) bindList(field *objectField, value any) *problem {
	list, _ := value.([]any)
	for i, item := range list {
		if v, ok := item.(unknown); ok {
			c.values = append(c.values, operand{name: v.name})
			continue
		}
		v, bad := stored(field, item)
		if bad != nil {
			return bad.at(i)
		}
		c.values = append(c.values, operand{value: v})
	}
	slices.SortFunc(c.values, func(a, b operand) int {
		if byName := strings.Compare(a.name, b.name); byName != 0 {
			return byName
		}
		return relation.Compare(a.value, b.value)
	})
	if c.op == isIn && len(c.values) == 1 {
		c.op = equal
	}
	return nil
}

// stored turns an input value into the kind that the field is stored as, or
// that an array has as its elements.
func stored(field *objectField, value any) (relation.Value, *problem) {
	v, ok := value.(relation.Value)
	if !ok {
		return v, mismatch("found null, which no operator takes; _isNull asks for it")
	}
	kind := field.stored.Kind
	if kind == relation.Array {
		kind = field.stored.Elem
	}
	switch {
	case kind == relation.Float4:
		return relation.OfFloat(relation.Float4, v.Float()), nil
	case v.Kind() != relation.Float8 || kind == relation.Float8:
		return v, nil
	}
	// A BigInt or Decimal that is shown as a Float.
	text := appendFloat(nil, v.Float(), 64)
	d, err := relation.ParseDecimal(string(text))
	if err != nil {
		return v, mismatch("found a number that is out of range")
	}
	if kind == relation.Decimal {
		return d, nil
	}
	n := int64(v.Float())
	if float64(n) != v.Float() {
		return v, mismatch("the field holds whole numbers; found one with a fraction")
	}
	return relation.OfInt(relation.Int8, n), nil
}
