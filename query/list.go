package query

import (
	"encoding/binary"
	"fmt"
	"strings"

	"odsd/storage/encoding"
)

// list answers a list of a view.
func (q *request) list(step *rootStep) *Error {
	r, err := q.reader(step.view)
	if err != nil {
		return err
	}
	wanted, err := q.bindList(step, r.view)
	if err != nil {
		return err
	}
	p, err := q.page(step, r, wanted)
	if err == nil {
		err = q.connection(step.page, r, p)
	}
	if err != nil && err.Code == ScanLimit {
		return wanted.overLimit(q.meter.limits)
	}
	return err
}

// boundRoots is what a request wants of a view's list, and how that is found.
type boundRoots struct {
	view   *viewSchema
	where  *condition
	order  []orderTerm // the effective one
	access *access
}

// bindList evaluates `where` and `orderBy`.
func (q *request) bindList(step *rootStep, view *viewSchema) (*boundRoots, *Error) {
	out := &boundRoots{view: view}
	var err *Error
	if out.where, err = q.where(view.root, step.argument("where")); err != nil {
		return nil, err
	}
	if out.order, err = q.orderBy(view.root, step.argument("orderBy")); err != nil {
		return nil, err
	}
	out.order = view.effectiveOrder(out.where, out.order)
	out.access = view.chooseAccess(out.where, out.order)
	return out, nil
}

func (s *rootStep) argument(name string) *argument {
	for i := range s.args {
		if s.args[i].name == name {
			return &s.args[i]
		}
	}
	return nil
}

// page evaluates `first`, `after` and `offset`.
func (q *request) page(step *rootStep, r *reader, wanted *boundRoots) (*page, *Error) {
	p := &page{identity: wanted.identity(), order: r.view.nodes[0].sorter(wanted.order), next: step.next}
	var err *Error
	if p.first, err = q.count(step.argument("first"), defaultFirst); err != nil {
		return nil, err
	}
	if p.offset, err = q.count(step.argument("offset"), 0); err != nil {
		return nil, err
	}
	if a := step.argument("after"); a != nil {
		after, err := q.evaluate(a)
		if err != nil {
			return nil, err
		}
		if !after.isNull() {
			if p.after, err = q.service.seal.open(p.identity, after.text()); err != nil {
				return nil, err
			}
		}
	}
	if step.counted {
		if p.total, p.counted, err = q.documents(step.view, wanted.where); err != nil {
			return nil, err
		}
	}
	p.search = r.search(wanted.access)
	return p, nil
}

func (q *request) count(a *argument, absent int) (int, *Error) {
	if a == nil {
		return absent, nil
	}
	value, err := q.evaluate(a)
	if err != nil || value.isNull() {
		return absent, err
	}
	if value.number() < 0 {
		return 0, failure(BadUserInput, "", "%s is negative", a.name)
	}
	return int(value.number()), nil
}

// documents is how many there are of a view, or says that they must be counted.
func (q *request) documents(view int, where *condition) (n int64, unknown bool, err *Error) {
	if where != nil || q.reading.Documents == nil {
		return 0, true, nil
	}
	n, problem := q.reading.Documents(view)
	if problem != nil {
		return 0, false, storageFault(problem)
	}
	return max(0, n), n < 0, nil
}

// identity is what cursors are bound to: the view, and what may be filtered and
// ordered.
func (b *boundRoots) identity() string {
	if b.where == nil && len(b.order) == 0 {
		return b.view.identity
	}
	id := []byte(b.view.identity)
	for _, t := range b.order {
		id = fmt.Appendf(id, "\x00order %s %t %t %d", t.field.path, t.part.Desc, t.part.NullsFirst, t.field.kind.Kind.Family())
	}
	if b.where != nil {
		id = b.where.appendIdentity(append(id, "\x00where "...))
	}
	return string(id)
}

// appendIdentity writes a condition such that two with the same bytes are the same.
func (c *condition) appendIdentity(dst []byte) []byte {
	name := c.name
	if c.field != nil {
		name = c.field.path
	}
	dst = appendCounted(append(dst, byte(c.op)), name)
	if c.flag {
		dst = append(dst, 1)
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.values)))
	for _, o := range c.values {
		dst = append(dst, byte(o.value.Kind().Family()))
		dst = encoding.AppendPart(dst, encoding.Part{}, o.value)
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.below)))
	for _, below := range c.below {
		dst = below.appendIdentity(dst)
	}
	return dst
}

func appendCounted(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func indexText(parts []accessPart) string {
	terms := make([]string, len(parts))
	for i, p := range parts {
		terms[i] = p.name
		if p.part.Desc {
			terms[i] += " desc"
		}
	}
	return strings.Join(terms, ", ")
}
