package query

import (
	"slices"

	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// orderTerm is one term of an `orderBy`.
type orderTerm struct {
	field *fieldRef
	part  encoding.Part
}

// orders are the values of the enum Order, with PostgreSQL's defaults for nulls.
var orders = []struct {
	name, description string
	part              encoding.Part
}{
	{"ASC", "Ascending, nulls last.", encoding.Part{}},
	{"DESC", "Descending, nulls first.", encoding.Part{Desc: true, NullsFirst: true}},
	{"ASC_NULLS_FIRST", "", encoding.Part{NullsFirst: true}},
	{"ASC_NULLS_LAST", "", encoding.Part{}},
	{"DESC_NULLS_FIRST", "", encoding.Part{Desc: true, NullsFirst: true}},
	{"DESC_NULLS_LAST", "", encoding.Part{Desc: true}},
}

// bindOrder makes the terms of an `orderBy`, each field once.
func bindOrder(object *objectType, value any) ([]orderTerm, *problem) {
	list, _ := value.([]any)
	var terms []orderTerm
	for i, item := range list {
		term, bad := bindTerm(scope{object: object}, item)
		if bad != nil {
			return nil, bad.at(i)
		}
		if !slices.ContainsFunc(terms, func(t orderTerm) bool { return t.field.path == term.field.path }) {
			terms = append(terms, term)
		}
	}
	return terms, nil
}

func bindTerm(s scope, value any) (orderTerm, *problem) {
	if v, ok := value.(unknown); ok {
		return orderTerm{field: &fieldRef{path: v.name}}, nil
	}
	given, _ := value.(map[string]any)
	if len(given) != 1 {
		return orderTerm{}, mismatch("has %d fields and must have one; write [{a: ASC}, {b: DESC}]", len(given))
	}
	name := inputNames(given)[0]
	field := s.object.fields[name]
	if field.kind == oneField {
		term, bad := bindTerm(s.within(field), given[name])
		if bad != nil {
			return term, bad.in("." + name)
		}
		return term, nil
	}
	if v, ok := given[name].(unknown); ok {
		return orderTerm{field: &fieldRef{path: field.name + " " + v.name}}, nil
	}
	direction, ok := given[name].(relation.Value)
	if !ok {
		return orderTerm{}, mismatch("found null, expected a direction, as ASC").in("." + name)
	}
	term := orderTerm{field: s.ref(field)}
	for _, o := range orders {
		if o.name == direction.Str() {
			term.part = o.part
		}
	}
	if !term.field.nullable { // then all variants are one
		term.part.NullsFirst = term.part.Desc
	}
	return term, nil
}

// sorter makes sort keys: bytes that compare as the rows do.
type sorter struct {
	reads []func(row []byte) relation.Value
	parts []encoding.Part
}

func (n *nodeLayout) sorter(terms []orderTerm) *sorter {
	s := &sorter{}
	for _, t := range terms {
		s.reads = append(s.reads, n.reader(t.field))
		s.parts = append(s.parts, t.part)
	}
	return s
}

func (s *sorter) append(dst, row []byte) []byte {
	for i, read := range s.reads {
		dst = encoding.AppendPart(dst, s.parts[i], read(row))
	}
	return dst
}

// effectiveOrder leaves out what changes nothing: terms that the filter holds at
// one value, all after the whole key, and those that only repeat the key, which
// is at the end of every order anyhow. It depends on the request alone and not on how it is answered,
// so that a cursor means the same to every access path.
func (v *viewSchema) effectiveOrder(where *condition, terms []orderTerm) []orderTerm {
	conjuncts := where.conjuncts()
	var out []orderTerm
	for _, t := range terms {
		if v.keyCovered(conjuncts, out) {
			break
		}
		if !slices.ContainsFunc(conjuncts, func(c *condition) bool { return c.fixes() && c.field.path == t.field.path }) {
			out = append(out, t)
		}
	}
	if v.repeatsKey(conjuncts, out) {
		return nil
	}
	return out
}

// keyCovered says whether no two rows that meet the conditions are equal in all terms.
func (v *viewSchema) keyCovered(conjuncts []*condition, terms []orderTerm) bool {
	for _, part := range v.keyParts {
		ordered := slices.ContainsFunc(terms, func(t orderTerm) bool { return part.orderedBy(t) })
		if !ordered && !slices.ContainsFunc(conjuncts, part.fixedBy) {
			return false
		}
	}
	return true
}

// repeatsKey says whether rows that meet the conditions have the terms' order
// when they are in that of their key.
func (v *viewSchema) repeatsKey(conjuncts []*condition, terms []orderTerm) bool {
	i := 0
	for _, part := range v.keyParts {
		switch {
		case i == len(terms):
			return true
		case part.orderedBy(terms[i]) && terms[i].part == part.part:
			i++
		case !slices.ContainsFunc(conjuncts, part.fixedBy):
			return false
		}
	}
	return i == len(terms)
}
