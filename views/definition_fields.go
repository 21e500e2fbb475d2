package views

import (
	"maps"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
)

// maxLimit bounds the `limit` of a list, far beyond what a document can hold.
const maxLimit = 1_000_000

// readFields reads a map of fields under a key, or a list of bare names.
func readFields(n yamlfile.Node, key string, read func(yamlfile.Entry) *FieldDefinition) []*FieldDefinition {
	var fields []*FieldDefinition
	switch {
	case n.Bad():
	case n.IsSequence():
		for _, name := range readTexts(n.Items("`"+key+"`"), "a field's name") {
			fields = append(fields, &FieldDefinition{Name: name, Kind: ScalarField})
		}
		reportTwice(fields)
	case n.IsScalar():
		n.Reject(yamlfile.CodeShape, "write ["+n.Value()+"]", "`%s` must be a mapping or a list of names", key)
	default:
		for _, e := range n.Entries("`" + key + "`") {
			if f := read(e); f != nil {
				fields = append(fields, f)
			}
		}
	}
	if len(fields) == 0 && n.Sound() {
		n.Report(yamlfile.CodeMissingKey, "", "`%s` has no fields", key)
	}
	return fields
}

// reportTwice: a list, unlike a mapping, may name one field twice.
func reportTwice(fields []*FieldDefinition) {
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.Name.Value] {
			f.Name.Node.Reject(yamlfile.CodeDuplicate, "", "the field %q is given twice", f.Name.Value)
		}
		seen[f.Name.Value] = true
	}
}

func readField(e yamlfile.Entry) *FieldDefinition {
	return readFieldAs(e, "a field", fieldKinds, func(r *fieldReader) yamlfile.Keys {
		keys := r.relationKeys()
		maps.Copy(keys, r.aggregateKeys("one", "many"))
		return keys
	})
}

// readFieldAs reads a field whose mapping may have the keys given, besides
// those that every field has.
func readFieldAs(e yamlfile.Entry, what, choices string, more func(*fieldReader) yamlfile.Keys) *FieldDefinition {
	f := &FieldDefinition{Name: Text{e.Key.Value(), e.Key}, Kind: ScalarField}
	switch v := e.Value; {
	case f.Name.Value == "":
		e.Key.Reject(yamlfile.CodeEmpty, "", "a field needs a name")
		return nil
	case v.Bad():
		return nil
	case v.IsEmpty():
		return f
	case v.IsMapping():
		r := &fieldReader{field: f, choices: choices}
		keys := more(r)
		keys["description"] = func(e yamlfile.Entry) { readString(e, &f.Description) }
		keys["deprecated"] = func(e yamlfile.Entry) { readString(e, &f.Deprecated) }
		keys["graphql"] = f.readGraphQL
		keys["declassify"] = func(e yamlfile.Entry) {
			if yes, ok := e.Value.Bool("`declassify`"); ok && yes {
				f.Declassify = Text{e.Value.Value(), e.Key}
			}
		}
		keys["expr"] = r.kind(ScalarField, func(e yamlfile.Entry) { readExpression(e, &f.Expr) })
		v.Decode(what, keys)
		r.finish(e)
		return f
	}
	if s, ok := e.Value.Expression("the field"); ok {
		f.Expr = Text{s, e.Value}
		return f
	}
	return nil
}

// The keys of which a field, a dimension, a measure has at most one: it says
// what it is.
const (
	aggregateKinds = "count, count_distinct, sum, min, max, avg, first, last or collect"
	fieldKinds     = "expr, one, many, " + aggregateKinds
	dimensionKinds = "expr or bucket"
	measureKinds   = "expr, " + aggregateKinds
)

func (r *fieldReader) relationKeys() yamlfile.Keys {
	to := &r.relation
	return yamlfile.Keys{
		"one":      r.kind(OneField, func(e yamlfile.Entry) { readText(e, &to.From) }),
		"many":     r.kind(ManyField, func(e yamlfile.Entry) { readText(e, &to.From) }),
		"as":       r.option(func(e yamlfile.Entry) { readText(e, &to.Alias) }, "one", "many"),
		"join":     r.option(func(e yamlfile.Entry) { readExpression(e, &to.Join) }, "one", "many"),
		"fields":   r.option(func(e yamlfile.Entry) { to.Fields = readFields(e.Value, "fields", readField) }, "one", "many"),
		"hidden":   r.option(func(e yamlfile.Entry) { readBool(e, &to.Hidden) }, "many"),
		"required": r.option(func(e yamlfile.Entry) { readBool(e, &to.Required) }, "one"),
	}
}

// aggregateKeys are those of aggregates, some of which belong to relations too:
// to those that are given, of `one` and `many`.
func (r *fieldReader) aggregateKeys(relations ...string) yamlfile.Keys {
	with := func(relations []string, more ...string) []string { return append(slices.Clone(relations), more...) }
	lists := slices.DeleteFunc(slices.Clone(relations), func(kind string) bool { return kind == "one" })
	keys := yamlfile.Keys{
		"where":    r.option(func(e yamlfile.Entry) { readExpression(e, &r.where) }, with(relations, anyAggregate)...),
		"default":  r.option(func(e yamlfile.Entry) { readText(e, &r.aggregate.Default) }, anyAggregate),
		"round":    r.option(func(e yamlfile.Entry) { readText(e, &r.aggregate.Round) }, anyAggregate),
		"order_by": r.option(r.readOrder, with(relations, "first", "last")...),
		"limit":    r.option(r.readLimit, with(lists, "collect")...),
		"distinct": r.option(func(e yamlfile.Entry) { readBool(e, &r.aggregate.Distinct) }, "collect"),
	}
	for _, name := range []AggregateFunc{Count, CountDistinct, Sum, Min, Max, Avg, First, Last, Collect} {
		keys[string(name)] = r.kind(AggregateField, func(e yamlfile.Entry) {
			r.aggregate.Func = name
			readText(e, &r.aggregate.Path)
		})
	}
	return keys
}

// fieldReader gathers what a field's mapping says; which options fit is known
// only when its kind is.
type fieldReader struct {
	field     *FieldDefinition
	choices   string // the kinds that it may be, for messages
	kinds     []yamlfile.Entry
	options   []fieldOption
	relation  RelationDefinition
	aggregate AggregateDefinition
	where     Text
}

// fieldOption is a key that fits only fields of some kinds, which are told by
// the keys that say what a field is.
type fieldOption struct {
	entry yamlfile.Entry
	fits  []string
}

// anyAggregate stands for the keys of all aggregates.
const anyAggregate = "aggregates"

func (r *fieldReader) kind(k FieldKind, read func(yamlfile.Entry)) func(yamlfile.Entry) {
	return func(e yamlfile.Entry) {
		r.kinds = append(r.kinds, e)
		r.field.Kind = k
		read(e)
	}
}

func (r *fieldReader) option(read func(yamlfile.Entry), fits ...string) func(yamlfile.Entry) {
	return func(e yamlfile.Entry) {
		r.options = append(r.options, fieldOption{e, fits})
		read(e)
	}
}

func (r *fieldReader) readOrder(e yamlfile.Entry) {
	r.relation.OrderBy = readTexts(e.Value.ItemsOrOne("`order_by`"), "a term of `order_by`")
}

func (r *fieldReader) readLimit(e yamlfile.Entry) {
	if n, ok := e.Value.Int("`limit`", 1, maxLimit); ok {
		r.relation.Limit = n
	}
}

// finish puts what was read where the field's kind wants it.
func (r *fieldReader) finish(e yamlfile.Entry) {
	if len(r.kinds) > 1 {
		r.kinds[1].Key.Report(yamlfile.CodeShape, "it is one of "+r.choices,
			"a field cannot be both `%s` and `%s`", r.kinds[0].Key.Value(), r.kinds[1].Key.Value())
		r.field.Kind, r.field.failed = ScalarField, true
		return
	}
	for _, o := range r.options {
		if !r.fits(o.fits) {
			o.entry.Key.Report(yamlfile.CodeUnknownKey, "it belongs to "+kindList(o.fits),
				"`%s` means nothing for this field", o.entry.Key.Value())
		}
	}
	switch r.field.Kind {
	case ScalarField:
		// Without an expression it would pass for a bare column.
		r.field.failed = !r.field.Expr.Given() && (len(r.kinds) > 0 || !e.Value.Sound())
	case OneField, ManyField:
		r.relation.Where = r.where
		r.field.Relation = &r.relation
		r.require(e)
	case AggregateField:
		r.aggregate.Where = r.where
		r.aggregate.OrderBy, r.aggregate.Limit = r.relation.OrderBy, r.relation.Limit
		r.field.Aggregate = &r.aggregate
		r.requireOrder(e)
	}
}

// requireOrder: of rows in no order none is the first.
func (r *fieldReader) requireOrder(e yamlfile.Entry) {
	if !ranked(r.aggregate.Func) || len(r.aggregate.OrderBy) > 0 {
		return
	}
	const hint = "say in which order, as `order_by: [placed_at desc]`"
	switch {
	case !hasKey(e.Value, "order_by"):
		r.kinds[0].Key.Report(yamlfile.CodeMissingKey, hint, "`%s` has no `order_by`", r.aggregate.Func)
	case e.Value.Sound():
		r.kinds[0].Key.Report(yamlfile.CodeOrder, hint, "the `order_by` of `%s` is empty", r.aggregate.Func)
	}
}

func (r *fieldReader) require(e yamlfile.Entry) {
	for _, needed := range []string{"join", "fields"} {
		if needed == "fields" && r.relation.Hidden {
			continue
		}
		if !hasKey(e.Value, needed) {
			r.kinds[0].Key.Report(yamlfile.CodeMissingKey, "", "`%s` has no `%s`", r.kinds[0].Key.Value(), needed)
		}
	}
}

func (f *FieldDefinition) readGraphQL(e yamlfile.Entry) {
	e.Value.Decode("`graphql` of a field", yamlfile.Keys{
		"field": func(e yamlfile.Entry) { readText(e, &f.GraphQL) },
		"as": func(e yamlfile.Entry) {
			if s, ok := e.Value.OneOf("`as`", "Int", "Float"); ok {
				f.As = Text{s, e.Value}
			}
		},
		"type": yamlfile.NotBuilt,
	})
}

func readBool(e yamlfile.Entry, into *bool) {
	if b, ok := e.Value.Bool("`" + e.Key.Value() + "`"); ok {
		*into = b
	}
}

// fits says whether the field is of one of the kinds.
func (r *fieldReader) fits(kinds []string) bool {
	if r.field.Kind == AggregateField && slices.Contains(kinds, anyAggregate) {
		return true
	}
	return len(r.kinds) > 0 && slices.Contains(kinds, r.kinds[0].Key.Value())
}

func kindList(kinds []string) string {
	words := make([]string, len(kinds))
	for i, kind := range kinds {
		if words[i] = "`" + kind + "`"; kind == anyAggregate {
			words[i] = kind
		}
	}
	return strings.Join(words, ", ")
}
