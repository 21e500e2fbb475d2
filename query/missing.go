package query

import (
	"slices"
	"strings"
)

// wantedTerm is a term of the index that would serve a list best.
type wantedTerm struct {
	field *fieldRef
	desc  bool
	fixed bool // held at few values: where it stands among its like is all the same
	order bool // asked for as an order, which makes its direction matter
}

// overLimit says which index would have answered.
func (b *boundRoots) overLimit(limits Limits) *Error {
	name := b.view.plan.View.Name
	hint := "no index serves this filter: hold a field of the document itself to _eq, _gt, _lt or _startsWith, or raise limits.max_scan"
	switch wanted := b.missingIndex(); {
	case b.view.serves(wanted) && (len(wanted) > 0 || b.where == nil && b.access.ordered):
		hint = "[" + indexText(b.access.parts) + "] is in use already: narrow the filter, ask for less, or raise limits.max_scan"
	case len(wanted) > 0:
		hint = "declare an index in view " + name + " that serves it, indexes: [[" + wantedText(wanted) + "]], or raise limits.max_scan"
	}
	return failure(ScanLimit, hint, "the list reads more than %d rows of view %s", limits.Scan, name)
}

// missingIndex is the index that would serve the filter and the order best; none
// where no index would.
func (b *boundRoots) missingIndex() []wantedTerm {
	var terms []wantedTerm
	add := func(t wantedTerm) {
		if !slices.ContainsFunc(terms, func(have wantedTerm) bool { return have.field.path == t.field.path }) {
			terms = append(terms, t)
		}
	}
	var between *fieldRef
	for _, c := range b.where.conjuncts() {
		switch {
		case c.field == nil || !c.field.indexable():
		case c.fixes() || c.op == isIn && len(c.values) <= maxMerged:
			add(wantedTerm{field: c.field, fixed: true})
		case c.bounds() && between == nil:
			between = c.field
		}
	}
	fits := len(b.order) > 0 && (between == nil || between.path == b.order[0].field.path)
	for _, t := range b.order {
		fits = fits && t.field.indexable() && t.part.NullsFirst == t.part.Desc
	}
	switch {
	case fits:
		for _, t := range b.order {
			add(wantedTerm{field: t.field, desc: t.part.Desc, order: true})
		}
	case between != nil:
		add(wantedTerm{field: between})
	}
	return terms
}

// serves says whether the key or an index of the view is, or begins with, an index
// that is wanted.
func (v *viewSchema) serves(wanted []wantedTerm) bool {
	begins := func(parts []accessPart) bool { return beginsWith(parts, wanted) }
	return begins(v.keyParts) || slices.ContainsFunc(v.indexes, begins)
}

// beginsWith says whether parts, read forward or backward, do what the terms would.
func beginsWith(parts []accessPart, wanted []wantedTerm) bool {
	if len(wanted) > len(parts) {
		return false
	}
	forward, backward := true, true
	for i, part := range parts[:len(wanted)] {
		at := slices.IndexFunc(wanted, func(t wantedTerm) bool { return part.shownBy(t.field) })
		if at < 0 || !part.exact || at != i && !(wanted[at].fixed && wanted[i].fixed) {
			return false
		}
		if wanted[at].order {
			same := part.part.Desc == wanted[at].desc
			forward, backward = forward && same, backward && !same
		}
	}
	return forward || backward
}

// wantedText is an index as a definition writes it.
func wantedText(terms []wantedTerm) string {
	words := make([]string, len(terms))
	for i, t := range terms {
		words[i] = t.field.path
		if t.desc {
			words[i] += " desc"
		}
	}
	return strings.Join(words, ", ")
}
