package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/graphql-go/graphql"

	"odsd/storage/encoding"
	"odsd/storage/relation"
)

// request is one operation at work on one reading.
type request struct {
	output
	service   *Service
	schema    *schema
	document  *document
	operation *operation
	variables map[string]any
	reading   *Reading
	meter     meter
	lists     []boundList
	readers   map[int]*reader
	errs      []*Error
}

// data writes the value of the reply's `data`. An error makes its field null,
// or all of it where the field must not be.
func (q *request) data(ctx context.Context) {
	q.meter = meter{ctx: ctx, limits: q.service.limits}
	defer q.closeReaders()
	start := len(q.out)
	if len(q.operation.roots) == 0 {
		q.out = append(q.out, '{')
	}
	for _, step := range q.operation.roots {
		q.out = append(q.out, step.prefix...)
		value := len(q.out)
		err := q.meter.alive()
		if err == nil {
			err = q.bindLists(step.response)
		}
		if err == nil {
			err = q.root(step)
		}
		switch {
		case err == nil:
		case step.nullable:
			q.fail(value, step, err)
		default:
			q.fail(start, step, err)
			return
		}
	}
	q.out = append(q.out, '}')
}

// fail takes back what was written from start on and puts null there.
func (q *request) fail(start int, step *rootStep, err *Error) {
	if err.Path == nil {
		err.Path = []any{step.response}
	}
	q.errs = append(q.errs, err)
	q.out = append(q.out[:start], "null"...)
}

func (q *request) closeReaders() {
	for _, r := range q.readers {
		if err := r.close(); err != nil {
			q.service.log.Error("closing a request's cursors", "error", err)
		}
	}
}

func (q *request) evaluate(a *argument) (given, *Error) {
	value, present, bad := q.document.coerceLiteral(a.input, a.value, q.variables)
	if bad != nil {
		return given{}, failure(BadUserInput, "", "argument %q: %s", a.name, bad)
	}
	if _, needed := a.input.(*graphql.NonNull); needed && (!present || value == nil) {
		return given{}, failure(BadUserInput, "", "argument %q of type %s has no value", a.name, a.input)
	}
	return given{value: value, present: present}, nil
}

func (q *request) root(step *rootStep) *Error {
	switch step.kind {
	case typenameRoot:
		return nil
	case introspectionRoot:
		var err *Error
		q.out, err = q.document.introspect(q.out, q.schema, step.fields[0], q.variables)
		return err
	case freshnessRoot:
		q.freshness(step.listing)
		return nil
	}
	if step.kind == listRoot {
		return q.list(step)
	}
	args := map[string]given{}
	for i := range step.args {
		value, err := q.evaluate(&step.args[i])
		if err != nil {
			return err
		}
		args[step.args[i].name] = value
	}
	r, err := q.reader(step.view)
	if err != nil {
		return err
	}
	if step.kind == byKeysRoot {
		return q.byKeys(step.document, r, args["keys"])
	}
	return q.byKey(step.document, r, func(name string) any { return args[name].value })
}

// reader gives the one reader of a view in this request.
func (q *request) reader(view int) (*reader, *Error) {
	if r := q.readers[view]; r != nil {
		return r, nil
	}
	served := q.reading.Views[view]
	if served.State != Ready {
		return nil, failure(ViewNotReady, "odsd status says how far it is", "view %s is %s", served.Plan.View.Name, served.State)
	}
	r := &reader{meter: &q.meter, output: &q.output, snapshot: q.reading.Snapshot, view: q.schema.views[view], served: served, lists: q.lists}
	r.open()
	if q.readers == nil {
		q.readers = map[int]*reader{}
	}
	q.readers[view] = r
	return r, nil
}

// byKey writes the document of one key, or null.
func (q *request) byKey(document *selection, r *reader, part func(name string) any) *Error {
	r.root = append(r.root[:0], r.prefix...)
	for _, c := range r.view.key {
		value, given := part(c.name).(relation.Value)
		if !given && !c.nullable {
			return failure(BadUserInput, "", "argument %q has no value", c.name)
		}
		value, err := c.stored(value)
		if err != nil {
			return err
		}
		r.root = encoding.AppendPart(r.root, encoding.Part{}, value)
	}
	if err := r.examine(); err != nil {
		return err
	}
	if err := r.rows.seek(r.root); err != nil {
		return err
	}
	if !r.rows.valid || string(r.rows.key) != string(r.root) {
		q.out = append(q.out, "null"...)
		return nil
	}
	return r.instance(document, r.view.nodes[0], r.root, 0)
}

// stored turns an argument into the kind that the key column has.
func (c keyColumn) stored(v relation.Value) (relation.Value, *Error) {
	if v.IsNull() {
		return v, nil
	}
	if c.kind.Kind == relation.Float4 {
		return relation.OfFloat(relation.Float4, v.Float()), nil
	}
	if !c.printed {
		return v, nil
	}
	parsed, err := relation.ParseText(c.kind, v.Str())
	if err != nil {
		return parsed, failure(BadUserInput, "", "argument %q is not a %s as PostgreSQL prints it", c.name, c.kind)
	}
	return parsed, nil
}

func (q *request) byKeys(document *selection, r *reader, keys given) *Error {
	list, _ := keys.value.([]any)
	q.out = append(q.out, '[')
	for i, item := range list {
		if i > 0 {
			q.out = append(q.out, ',')
		}
		key, _ := item.(map[string]any)
		if err := q.byKey(document, r, func(name string) any { return key[name] }); err != nil {
			return err
		}
	}
	q.out = append(q.out, ']')
	return nil
}

func (q *request) total(documents int64) {
	if documents < 0 || documents > math.MaxInt32 {
		q.out = append(q.out, "null"...)
		return
	}
	q.out = strconv.AppendInt(q.out, documents, 10)
}

func appendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

// storageFault keeps the two faults of a reading apart: given up, or broken.
func storageFault(err error) *Error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: Timeout, Message: "the request took too long or was given up", cause: err}
	}
	return internal(fmt.Errorf("reading the store: %w", err))
}
