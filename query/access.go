package query

import (
	"slices"

	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// access says how the documents of a list are found, as data: over the root
// rows, which lie in the order of their key, or over one of the view's indexes.
// Leading parts are held at one value each, or at each of several (`_in`), the next
// perhaps within a range; what that leaves open is tested on every row.
type access struct {
	index   int          // of the view's, -1 for the root rows
	parts   []accessPart // of the key or the index
	held    []*condition // of the leading parts, one each
	between []*condition // of the part after them
	rest    []*condition // tested on the row
	ordered bool         // documents come in the order asked for
	// backward: that order is the opposite one of the entries'.
	backward bool
	// follows says of the held parts which the order has: those at several values.
	follows []bool
	order   []orderTerm // what is asked for
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

// heldBy says whether a row can meet the condition with a few values of the part only.
func (p accessPart) heldBy(c *condition) bool { return c.op == isIn && p.shownBy(c.field) }

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

// chooseAccess takes the path that narrows most: by the number of parts held,
// then by a range, then by whether it has the order, then by how few ranges it is made
// of, and at last the root rows before an index, whose every entry costs a read of its row.
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
	switch {
	case len(a.held) != len(b.held):
		return len(a.held) > len(b.held)
	case (len(a.between) > 0) != (len(b.between) > 0):
		return len(a.between) > 0
	case a.ordered != b.ordered:
		return a.ordered
	}
	return a.ranges() < b.ranges()
}

// Several values of several parts are ranges of their own, each a seek: beyond
// maxRanges a part is tested instead. Ranges that must be merged have a cursor each
// at the same time.
const (
	maxRanges = 10_000
	maxMerged = 64
)

func accessBy(index int, parts []accessPart, where *condition, order []orderTerm) *access {
	a := &access{index: index, parts: parts, rest: where.conjuncts(), order: order}
	for _, part := range parts {
		i := slices.IndexFunc(a.rest, part.fixedBy)
		if i < 0 {
			i = slices.IndexFunc(a.rest, part.heldBy)
			if i < 0 || a.ranges()*len(a.rest[i].values) > maxRanges {
				break
			}
		}
		a.held = append(a.held, a.rest[i])
		a.rest = slices.Delete(slices.Clone(a.rest), i, i+1)
	}
	if free := a.free(); len(free) > 0 {
		a.takeRange(free[0])
	}
	a.chooseDirection()
	return a
}

// free are the parts that are not held.
func (a *access) free() []accessPart { return a.parts[len(a.held):] }

// ranges is how many ranges the held parts make.
func (a *access) ranges() int {
	n := 1
	for _, c := range a.held {
		if c.op == isIn {
			n *= len(c.values)
		}
	}
	return n
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

// chooseDirection finds out whether the documents come in the order asked for,
// read forward or backward.
func (a *access) chooseDirection() {
	if a.index < 0 && len(a.order) == 0 {
		a.ordered, a.follows = true, a.inKeyOrder()
		return
	}
	for _, backward := range []bool{false, true} {
		follows, ok := a.inOrder(backward)
		if a.index < 0 && !backward {
			continue // the key's own order was left out of what is asked for
		}
		if ok && a.merged(follows) <= maxMerged {
			a.ordered, a.backward, a.follows = true, backward, follows
			return
		}
	}
	a.follows = make([]bool, len(a.held))
}

func (a *access) inKeyOrder() []bool {
	follows := make([]bool, len(a.held))
	for i := range follows {
		follows[i] = true
	}
	return follows
}

// inOrder says whether the parts, those held at one value left out, are the terms
// asked for, the key being last in both. Parts held at several values may be among
// them or not: their ranges are merged.
func (a *access) inOrder(backward bool) (follows []bool, ok bool) {
	terms := a.order
	for i, part := range a.parts {
		next := len(terms) > 0 && part.orderedBy(terms[0]) && terms[0].part == part.directed(backward)
		if next {
			terms = terms[1:]
		}
		if i < len(a.held) {
			follows = append(follows, next)
		} else if !next {
			return nil, false
		}
	}
	return follows, len(terms) == 0
}

// merged is how many ranges must be read at the same time.
func (a *access) merged(follows []bool) int {
	n := 1
	for i, c := range a.held {
		if c.op == isIn && !follows[i] {
			n *= len(c.values)
		}
	}
	return n
}

// directed is how the part sorts when it is read forward or backward.
func (p accessPart) directed(backward bool) encoding.Part {
	if backward {
		return encoding.Part{Desc: !p.part.Desc, NullsFirst: !p.part.NullsFirst}
	}
	return p.part
}
