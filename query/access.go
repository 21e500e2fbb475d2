package query

import (
	"bytes"
	"slices"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// access says how the documents of a list are found, as data: over the root
// rows, which lie in the order of their key, or over one of the view's indexes.
// Leading parts are held at one value, the next perhaps within a range; what
// that leaves open is tested on every row.
type access struct {
	index   int          // of the view's, -1 for the root rows
	parts   []accessPart // of the key or the index
	fixed   []*condition // of the leading parts, one each
	between []*condition // of the part after them
	rest    []*condition // tested on the row
	ordered bool         // documents come in the order asked for
}

// accessPart is one part of the root's key or of an index.
type accessPart struct {
	name    string // as a definition writes it
	columns []int  // stored columns that show it
	kind    relation.Type
	part    encoding.Part
	// exact is false for a key of a kind with infinities: a field shows them as
	// null, the key holds them as they are.
	exact bool
}

func (p accessPart) shownBy(f *fieldRef) bool {
	return slices.ContainsFunc(p.columns, f.is)
}

func (p accessPart) orderedBy(t orderTerm) bool { return p.exact && p.shownBy(t.field) }

func (p accessPart) fixedBy(c *condition) bool {
	return c.fixes() && p.shownBy(c.field) && (p.exact || c.op == equal)
}

// keyPartsOf describes the root's key.
func keyPartsOf(p *views.Plan) []accessPart {
	root := p.Nodes[0]
	parts := make([]accessPart, len(root.KeyParts))
	for i, kind := range root.KeyParts {
		column := root.KeyColumns[i]
		parts[i] = accessPart{name: root.Columns[column].Name, columns: []int{column}, kind: kind, exact: true}
		if i < len(p.View.Key) {
			parts[i].exact = kind.Kind != relation.Date && kind.Kind != relation.Timestamp
			parts[i].name = p.View.Occurrences[0].Schema.Columns[p.View.Key[i]].Name
			parts[i].columns = showing(p.View, p.View.Key[i])
		}
	}
	return parts
}

// showing lists the stored columns of root fields that are a column of the root
// relation and nothing else.
func showing(v *views.View, column int) []int {
	var shown []int
	for _, f := range v.Nodes[0].Fields {
		if f.Kind == views.ScalarField && f.Expr != nil && f.Expr.Op == views.OpColumn && f.Expr.Occurrence == 0 && f.Expr.Column == column {
			shown = append(shown, f.Ordinal)
		}
	}
	return shown
}

// indexPartsOf describes the view's declared indexes.
func indexPartsOf(p *views.Plan) [][]accessPart {
	indexes := make([][]accessPart, len(p.Indexes))
	for i, index := range p.Indexes {
		for k, column := range index.Columns {
			stored := p.Nodes[0].Columns[column]
			indexes[i] = append(indexes[i], accessPart{
				name: stored.Name, columns: []int{column}, kind: stored.Type, exact: true,
				part: encoding.Part{Desc: index.Desc[k], NullsFirst: index.Desc[k]},
			})
		}
	}
	return indexes
}

// chooseAccess takes the path that narrows most: by the number of parts held at one
// value, then by a range, then by whether it has the order, and at last the root
// rows before an index, whose every entry costs a read of its row.
func (v *viewSchema) chooseAccess(where *condition, order []orderTerm) *access {
	best := accessBy(-1, v.keyParts, where, order)
	for i, parts := range v.indexes {
		if a := accessBy(i, parts, where, order); a.narrows(best) {
			best = a
		}
	}
	return best
}

func (a *access) narrows(b *access) bool {
	if len(a.fixed) != len(b.fixed) {
		return len(a.fixed) > len(b.fixed)
	}
	if (len(a.between) > 0) != (len(b.between) > 0) {
		return len(a.between) > 0
	}
	return a.ordered && !b.ordered
}

func accessBy(index int, parts []accessPart, where *condition, order []orderTerm) *access {
	a := &access{index: index, parts: parts, rest: where.conjuncts()}
	for _, part := range parts {
		i := slices.IndexFunc(a.rest, part.fixedBy)
		if i < 0 {
			break
		}
		a.fixed = append(a.fixed, a.rest[i])
		a.rest = slices.Delete(slices.Clone(a.rest), i, i+1)
	}
	free := parts[len(a.fixed):]
	if len(free) > 0 {
		a.takeRange(free[0])
	}
	a.ordered = sameOrder(index, free, order)
	return a
}

func (a *access) takeRange(part accessPart) {
	var rest []*condition
	for _, c := range a.rest {
		inRange := c.bounds() && part.shownBy(c.field)
		if inRange {
			a.between = append(a.between, c)
		}
		if !inRange || !part.exact {
			rest = append(rest, c)
		}
	}
	a.rest = rest
}

// sameOrder says whether the parts left free are the order, the key being last
// in both.
func sameOrder(index int, free []accessPart, order []orderTerm) bool {
	if index < 0 {
		return len(order) == 0
	}
	return slices.EqualFunc(free, order, func(p accessPart, t orderTerm) bool {
		return p.orderedBy(t) && p.part == t.part
	})
}

// span is a range of keys in the store.
type span struct {
	rows         []byte // what keys of root rows begin with
	base         []byte // what all its keys begin with: fixed parts included
	lower, upper []byte
}

func (s *span) from(key []byte) {
	if bytes.Compare(key, s.lower) > 0 {
		s.lower = key
	}
}

func (s *span) to(key []byte) {
	if s.upper == nil || key != nil && bytes.Compare(key, s.upper) < 0 {
		s.upper = key
	}
}

// span gives where in a generation's keyspace the access looks.
func (a *access) span(g storage.GenerationID) span {
	rows := storage.AppendNodePrefix(nil, g)
	base := slices.Clip(rows)
	if a.index >= 0 {
		base = storage.AppendViewIndexPrefix(nil, g, byte(a.index))
	}
	for i, c := range a.fixed {
		v := relation.OfNull()
		if c.op == equal {
			v = c.values[0].value
		}
		base = encoding.AppendPart(base, a.parts[i].part, v)
	}
	s := span{rows: rows, base: base, lower: base, upper: storage.PrefixEnd(base)}
	for _, c := range a.between {
		s.narrow(a.parts[len(a.fixed)].part, c)
	}
	return s
}

// narrow cuts the span to a condition on the part after its base. Nulls meet no
// condition; they lie after everything else or before it.
func (s *span) narrow(p encoding.Part, c *condition) {
	nulls := encoding.AppendPart(slices.Clip(s.base), p, relation.OfNull())
	if p.NullsFirst {
		s.from(storage.PrefixEnd(nulls))
	} else {
		s.to(nulls)
	}
	at := encoding.AppendPart(slices.Clip(s.base), p, c.values[0].value)
	behind := storage.PrefixEnd(at)
	op := c.op
	if p.Desc { // values lie the other way round
		op = map[operator]operator{greater: less, greaterEqual: lessEqual, less: greater, lessEqual: greaterEqual}[op]
	}
	switch {
	case c.op == startsWith:
		// Without the two bytes that end a text, it is what all longer ones begin with.
		begin := at[:len(at)-2]
		s.from(begin)
		s.to(storage.PrefixEnd(begin))
	case op == greater:
		s.from(behind)
	case op == greaterEqual:
		s.from(at)
	case op == less:
		s.to(at)
	default:
		s.to(behind)
	}
}
