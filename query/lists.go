package query

import "github.com/graphql-go/graphql/language/ast"

// boundList is what a list in a document is asked for in one request.
type boundList struct {
	limit int // how many at most, -1 for all
	where *condition
	order []orderTerm
	// Made when the first such list is written.
	test test
	sort *sorter
}

// bindLists evaluates the arguments of all lists in the documents of a root field, once for
// all documents.
func (q *request) bindLists(root string) *Error {
	if q.lists == nil {
		q.lists = make([]boundList, len(q.operation.lists))
	}
	for i := range q.operation.lists {
		l := &q.operation.lists[i]
		if l.path[0] != root {
			continue
		}
		if err := q.bindArguments(l, &q.lists[i]); err != nil {
			err.Path = l.path
			return err
		}
	}
	return nil
}

func (q *request) bindArguments(l *listArguments, out *boundList) (err *Error) {
	if out.limit, err = q.limitOf(l); err != nil {
		return err
	}
	if out.where, err = q.where(l.object, l.where); err != nil {
		return err
	}
	out.order, err = q.orderBy(l.object, l.orderBy)
	return err
}

// limitOf is how many rows of a list are shown at most: as many as are asked for, and no more
// than the definition's own limit, which is no error to exceed.
func (q *request) limitOf(l *listArguments) (int, *Error) {
	limit := -1
	if l.list.limit > 0 {
		limit = l.list.limit
	}
	if l.limit == nil {
		return limit, nil
	}
	asked, err := q.evaluate(l.limit)
	if err != nil || asked.isNull() {
		return limit, err
	}
	n := int(asked.number())
	switch {
	case n < 0:
		return 0, failure(BadUserInput, "", "limit is negative")
	case limit < 0 || n < limit:
		return n, nil
	}
	return limit, nil
}

// where binds a filter; nil for none.
func (q *request) where(object *objectType, a *argument) (*condition, *Error) {
	if a == nil {
		return nil, nil
	}
	if bad := q.document.checkWhere(a.value, q.variables); bad != nil {
		return nil, failure(BadUserInput, nullHint, "argument %q: %s", a.name, bad)
	}
	value, err := q.evaluate(a)
	if err != nil || value.isNull() {
		return nil, err
	}
	c, bad := bindWhere(q.service.limits, object, value.value)
	if bad != nil {
		return nil, failure(BadUserInput, "", "argument %q: %s", a.name, bad)
	}
	return c, nil
}

func (q *request) orderBy(object *objectType, a *argument) ([]orderTerm, *Error) {
	if a == nil {
		return nil, nil
	}
	value, err := q.evaluate(a)
	if err != nil || value.isNull() {
		return nil, err
	}
	terms, bad := bindOrder(object, value.value)
	if bad != nil {
		return nil, failure(BadUserInput, "", "argument %q: %s", a.name, bad)
	}
	return terms, nil
}

const nullHint = "a condition is left out by leaving out its field; _isNull asks for nulls"

// checkWhere refuses nulls within a filter and variables without a value: a
// client that forgot a value must not get everything. A filter that as a whole
// is null or not given is none, as of any argument.
func (d *document) checkWhere(v ast.Value, variables map[string]any) *problem {
	if name, ok := v.(*ast.Variable); ok {
		return nullWithin(variables[name.Name.Value], true)
	}
	if d.isNull(v) {
		return nil
	}
	return d.nullIn(v, variables)
}

func (d *document) nullIn(v ast.Value, variables map[string]any) *problem {
	switch v := v.(type) {
	case *ast.Variable:
		value, present := variables[v.Name.Value]
		if !present {
			return mismatch("variable $%s has no value", v.Name.Value)
		}
		return nullWithin(value, false)
	case *ast.ListValue:
		for i, item := range v.Values {
			if bad := d.nullIn(item, variables); bad != nil {
				return bad.at(i)
			}
		}
	case *ast.ObjectValue:
		for _, f := range v.Fields {
			if bad := d.nullIn(f.Value, variables); bad != nil {
				return bad.in("." + f.Name.Value)
			}
		}
	}
	if d.isNull(v) {
		return mismatch("found null")
	}
	return nil
}

func nullWithin(value any, outermost bool) *problem {
	switch value := value.(type) {
	case nil:
		if !outermost {
			return mismatch("found null")
		}
	case []any:
		for i, item := range value {
			if bad := nullWithin(item, false); bad != nil {
				return bad.at(i)
			}
		}
	case map[string]any:
		for _, name := range inputNames(value) {
			if bad := nullWithin(value[name], false); bad != nil {
				return bad.in("." + name)
			}
		}
	}
	return nil
}

// pickedList writes the children that a filter leaves, in the order asked for. It
// first looks through the list beside the cursor that writes, then writes
// them one by one.
func (r *reader) pickedList(s *step, b *boundList, l *level, parent []byte, depth int) *Error {
	if err := r.pick(s.list, b, l, parent); err != nil {
		return err
	}
	r.out = append(r.out, '[')
	start := 0
	for i, end := range l.ends {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		l.child = append(append(l.child[:0], l.list...), l.picked[start:end]...)
		start = end
		if err := r.rows.find(l.child); err != nil {
			return err
		}
		if err := r.instance(s.object, s.list, l.child, depth); err != nil {
			return err
		}
	}
	r.out = append(r.out, ']')
	return nil
}

// pick notes the keys, without the list's, of the children to be written.
func (r *reader) pick(list *nodeLayout, b *boundList, l *level, parent []byte) *Error {
	l.picked, l.ends = l.picked[:0], l.ends[:0]
	if b.where != nil && b.test == nil {
		b.test = r.compileTest(list, b.where)
	}
	if b.sort == nil {
		b.sort = list.sorter(b.order)
	}
	first := top{limits: r.meter.limits, keep: b.limit}
	sorting := len(b.order) > 0
	err := r.children(list, parent, false, func(row, key []byte) (bool, *Error) {
		keep := b.test == nil || b.test(row, key) == yes
		if !keep || r.failed != nil {
			return true, r.failed
		}
		key = key[len(l.list):]
		if sorting {
			l.end = b.sort.append(l.end[:0], row)
			own, problem := list.ownKey(key)
			if problem != nil {
				return false, internal(problem)
			}
			l.end = append(l.end, own...)
			path := len(l.end)
			l.end = append(l.end, key...)
			return true, first.offer(l.end, path)
		}
		l.picked = append(l.picked, key...)
		l.ends = append(l.ends, len(l.picked))
		return len(l.ends) != b.limit, nil
	})
	if err != nil || !sorting {
		return err
	}
	for _, row := range first.sort() {
		l.picked = append(l.picked, row.key[row.path:]...)
		l.ends = append(l.ends, len(l.picked))
	}
	return nil
}

// ownKey is the key of a child alone, by which ties are broken.
func (n *nodeLayout) ownKey(path []byte) ([]byte, error) {
	if n.indexed {
		return path, nil
	}
	return afterOrder(n, path)
}
