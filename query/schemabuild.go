package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/graphql-go/graphql"

	"odsd/storage/relation"
	"odsd/views"
)

// builder makes the types of a schema. Names are claimed view by view: a view's
// claims all hold or none.
type builder struct {
	roots     map[string]*rootField
	query     graphql.Fields
	scalars   map[string]*graphql.Scalar
	taken     map[string]string // type and Query field names, and who has them
	claimed   []string          // by the view at work
	order     map[string][]string
	pageInfo  *graphql.Object
	pages     *objectType
	freshness *objectType
	direction *graphql.Enum
	operators map[string]*graphql.InputObject
}

func newBuilder() *builder {
	b := &builder{
		roots:   map[string]*rootField{},
		query:   graphql.Fields{},
		taken:   map[string]string{},
		order:   map[string][]string{},
		scalars: map[string]*graphql.Scalar{},

		operators: map[string]*graphql.InputObject{},
	}
	for _, builtin := range []*graphql.Scalar{graphql.Int, graphql.Float, graphql.String, graphql.Boolean} {
		b.scalars[builtin.Name()] = builtin
	}
	for _, name := range []string{
		"Query", "Mutation", "Subscription", "PageInfo", "SourceFreshness", "SourcePosition", "Order", "ChangeOp",
		scalarInt, scalarFloat, scalarString, scalarBoolean, "ID", scalarBigInt, scalarDecimal, scalarDateTime,
		scalarDate, scalarTime, scalarDuration, scalarJSON, scalarUUID, scalarBytes,
	} {
		b.taken[name] = "GraphQL or odsd itself"
	}
	for _, scalar := range filterTypes {
		b.taken[scalar+"Ops"], b.taken[scalar+"ListOps"] = "GraphQL or odsd itself", "GraphQL or odsd itself"
	}
	b.addOrder()
	b.addPageInfo()
	b.addFreshness()
	return b
}

func (b *builder) scalar(name string) *graphql.Scalar {
	if b.scalars[name] == nil {
		b.scalars[name] = graphql.NewScalar(graphql.ScalarConfig{
			Name:        name,
			Description: scalarDescription(name),
			// Values never pass through graphql-go; it demands the function all the same.
			Serialize: func(value any) any { return value },
		})
	}
	return b.scalars[name]
}

func required(t graphql.Type) graphql.Output { return graphql.NewNonNull(t) }

func listOf(t graphql.Type) graphql.Output {
	return graphql.NewNonNull(graphql.NewList(graphql.NewNonNull(t)))
}

func (b *builder) addPageInfo() {
	b.pageInfo = graphql.NewObject(graphql.ObjectConfig{Name: "PageInfo", Description: "Where a page of a list stands.", Fields: graphql.Fields{
		"hasNextPage":     {Type: required(graphql.Boolean), Description: "Whether there are documents after this page."},
		"hasPreviousPage": {Type: required(graphql.Boolean), Description: "Whether there are documents before this page."},
		"startCursor":     {Type: graphql.String, Description: "Cursor of the page's first document."},
		"endCursor":       {Type: graphql.String, Description: "Cursor of the page's last document: `after` of the next page."},
	}})
	b.pages = &objectType{name: "PageInfo", fields: map[string]*objectField{
		"hasNextPage":     {kind: hasNextField},
		"hasPreviousPage": {kind: hasPreviousField},
		"startCursor":     {kind: startCursorField},
		"endCursor":       {kind: endCursorField},
	}}
}

func (b *builder) addFreshness() {
	object := graphql.NewObject(graphql.ObjectConfig{Name: "SourceFreshness", Description: "Up to where a source is applied.", Fields: graphql.Fields{
		"source":      {Type: required(graphql.String), Description: "Name of the source."},
		"lsn":         {Type: required(graphql.String), Description: "Every transaction that ends at or below it is applied."},
		"committedAt": {Type: b.scalar(scalarDateTime), Description: "When the last applied transaction was committed."},
		"lagSeconds":  {Type: required(graphql.Float), Description: "How far behind the source."},
		"state":       {Type: required(graphql.String), Description: "connecting, copying, streaming, stale or halted."},
	}})
	b.freshness = &objectType{name: "SourceFreshness", fields: map[string]*objectField{
		"source":      {kind: sourceField},
		"lsn":         {kind: lsnField},
		"committedAt": {kind: committedField},
		"lagSeconds":  {kind: lagField},
		"state":       {kind: stateField},
	}}
	b.query["_freshness"] = &graphql.Field{Type: listOf(object), Description: "How fresh each source is in this reply."}
	b.roots["_freshness"] = &rootField{kind: freshnessRoot, view: -1, object: b.freshness}
}

// consistency makes the directive, and the type of positions, which stands nowhere else.
func (b *builder) consistency() (*graphql.Directive, graphql.Type) {
	position := graphql.NewInputObject(graphql.InputObjectConfig{
		Name:        "SourcePosition",
		Description: "A place in a source's log, as pg_current_wal_flush_lsn() gives it after a commit.",
		Fields: graphql.InputObjectConfigFieldMap{
			"source": {Type: graphql.NewNonNull(graphql.String), Description: "Name of the source."},
			"lsn":    {Type: graphql.NewNonNull(graphql.String), Description: "An LSN, as 16/B374D848."},
		},
	})
	directive := graphql.NewDirective(graphql.DirectiveConfig{
		Name:        "consistency",
		Description: "How fresh the reply must be: read your own writes, or fail rather than answer from old data.",
		Locations:   []string{graphql.DirectiveLocationQuery},
		Args: graphql.FieldConfigArgument{
			"waitFor":      {Type: graphql.NewList(graphql.NewNonNull(position)), Description: "Wait until these positions are applied and durable."},
			"maxStaleness": {Type: graphql.String, Description: `Answer only if no source of the views asked for lags more, as "5s".`},
			"timeout":      {Type: graphql.String, Description: "How long to wait.", DefaultValue: "2s"},
		},
	})
	b.order["@consistency"] = []string{"waitFor", "maxStaleness", "timeout"}
	b.sortArguments("@consistency", directive.Args)
	return directive, position
}

// sortArguments puts the arguments of a field of Query, or of a directive, in
// the order in which they were declared; graphql-go keeps them in a map on the way.
func (b *builder) sortArguments(owner string, args []*graphql.Argument) {
	sortByNames(args, b.order[owner])
}

func sortByNames(args []*graphql.Argument, order []string) {
	slices.SortFunc(args, func(x, y *graphql.Argument) int {
		if c := slices.Index(order, x.Name()) - slices.Index(order, y.Name()); c != 0 {
			return c
		}
		return strings.Compare(x.Name(), y.Name())
	})
}

// view adds a view's types and Query fields.
func (b *builder) view(place int, p *views.Plan) (*viewSchema, error) {
	v := p.View
	b.claimed = nil
	root := p.Nodes[0]
	out := &viewSchema{plan: p, nodes: layoutsOf(p), key: keyColumns(p), keyParts: keyPartsOf(p), indexes: indexPartsOf(p)}
	o := objectBuilder{builder: b, plan: p, view: out}
	document, object, err := o.object(v.Type, describe(v.Description, v.Owner), 0, v.Nodes[0].Fields)
	if err == nil {
		err = b.claim(v, v.Type+"Connection", v.Type+"Edge", v.Type+"Key", "Query."+v.Field, "Query."+v.Field+"ByKeys", "Query."+v.Field+"List")
	}
	if err != nil {
		for _, name := range b.claimed {
			delete(b.taken, name)
		}
		return nil, err
	}
	out.root = object
	out.identity = identityOf(v, root.KeyParts)
	b.addLookups(place, v, out, document)
	b.addList(place, v, out, document)
	return out, nil
}

// claim takes names for a view, or says who has one of them.
func (b *builder) claim(v *views.View, names ...string) error {
	for _, name := range names {
		if owner, taken := b.taken[name]; taken {
			return fmt.Errorf("the GraphQL name %q is already that of %s; give the view others with graphql: {type:, field:}", strings.TrimPrefix(name, "Query."), owner)
		}
		b.taken[name] = "view " + v.Name
		b.claimed = append(b.claimed, name)
	}
	return nil
}

func describe(text string, owner views.Owner) string {
	who := strings.TrimSpace(owner.Team + " " + owner.Contact)
	switch {
	case who == "":
		return text
	case text == "":
		return "Owner: " + who
	}
	return text + "\n\nOwner: " + who
}

// keyColumns are the arguments of a lookup by key: columns of the root relation
// in a view of documents, fields in any other.
func keyColumns(p *views.Plan) []keyColumn {
	v := p.View
	var columns []keyColumn
	for i, name := range v.KeyNames() {
		columns = append(columns, keyColumn{name: name, nullable: keyMayBeNull(v, i)})
	}
	for i := range columns {
		kind := p.Nodes[0].KeyParts[i]
		columns[i].kind = kind
		columns[i].printed = kind.Kind == relation.JSON || kind.Kind == relation.Array
	}
	return columns
}

// keyMayBeNull is so for the dimensions of groups, and for a view whose key
// comes from one: null is a group of its own.
func keyMayBeNull(v *views.View, part int) bool {
	if len(v.KeyFields) > 0 {
		return v.Nodes[0].Scalars[v.KeyFields[part]].Nullable
	}
	root := v.Occurrences[0].Schema
	onView := !strings.Contains(root.Name, ".")
	return onView && !root.Columns[v.Key[part]].NotNull
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (b *builder) keyInput(c keyColumn) (graphql.Input, string) {
	scalar, note := b.scalar(scalarOf(c.kind.Kind, "")), ""
	if c.printed {
		scalar, note = graphql.String, "As PostgreSQL prints a "+c.kind.String()+"."
	}
	if c.nullable {
		return scalar, strings.TrimSpace(note + " Null is a key of its own.")
	}
	return graphql.NewNonNull(scalar), note
}

func (b *builder) addLookups(place int, v *views.View, out *viewSchema, document *graphql.Object) {
	args := graphql.FieldConfigArgument{}
	fields := graphql.InputObjectConfigFieldMap{}
	inputs := map[string]graphql.Input{}
	for _, c := range out.key {
		input, note := b.keyInput(c)
		args[c.name] = &graphql.ArgumentConfig{Type: input, Description: note}
		fields[c.name] = &graphql.InputObjectFieldConfig{Type: input, Description: note}
		inputs[c.name] = input
		b.order[v.Field] = append(b.order[v.Field], c.name)
	}
	b.query[v.Field] = &graphql.Field{Type: document, Args: args, Description: "The document of one key; null when there is none."}
	b.roots[v.Field] = &rootField{kind: byKeyRoot, view: place, nullable: true, object: out.root, args: inputs}

	key := graphql.NewInputObject(graphql.InputObjectConfig{Name: v.Type + "Key", Description: "A key of " + v.Name + ".", Fields: fields})
	keys := graphql.NewNonNull(graphql.NewList(graphql.NewNonNull(key)))
	name := v.Field + "ByKeys"
	b.query[name] = &graphql.Field{
		Type:        graphql.NewNonNull(graphql.NewList(document)),
		Args:        graphql.FieldConfigArgument{"keys": {Type: keys}},
		Description: "The documents of several keys, as many and in the same order; null for each that there is not.",
	}
	b.roots[name] = &rootField{kind: byKeysRoot, view: place, object: out.root, args: map[string]graphql.Input{"keys": keys}}
}

func (b *builder) addList(place int, v *views.View, out *viewSchema, document *graphql.Object) {
	edge := graphql.NewObject(graphql.ObjectConfig{Name: v.Type + "Edge", Fields: graphql.Fields{
		"cursor": {Type: required(graphql.String)},
		"node":   {Type: required(document)},
	}})
	connection := graphql.NewObject(graphql.ObjectConfig{Name: v.Type + "Connection", Description: "A page of " + v.Name + ".", Fields: graphql.Fields{
		"nodes":      {Type: listOf(document)},
		"edges":      {Type: listOf(edge)},
		"pageInfo":   {Type: required(b.pageInfo)},
		"totalCount": {Type: graphql.Int, Description: "How many documents there are on all pages together; counted only when asked for."},
	}})
	edges := &objectType{name: edge.Name(), fields: map[string]*objectField{
		"cursor": {kind: cursorField},
		"node":   {kind: nodeField, object: out.root},
	}}
	name := v.Field + "List"
	args := queryArguments(out.root)
	args["first"] = &graphql.ArgumentConfig{Type: graphql.Int, DefaultValue: defaultFirst, Description: "How many documents at most."}
	args["after"] = &graphql.ArgumentConfig{Type: graphql.String, Description: "The cursor after which the page begins."}
	args["offset"] = &graphql.ArgumentConfig{Type: graphql.Int, Description: "How many documents to leave out first; `after` is cheaper."}
	b.order[name] = []string{"where", "orderBy", "first", "after", "offset"}
	b.query[name] = &graphql.Field{
		Type: required(connection), Args: args,
		Description: "Documents page by page, in the order of their key where no other is asked for.",
	}
	b.roots[name] = &rootField{kind: listRoot, view: place, args: inputsOf(args),
		object: &objectType{name: connection.Name(), fields: map[string]*objectField{
			"nodes":      {kind: nodesField, object: out.root},
			"edges":      {kind: edgesField, object: edges},
			"pageInfo":   {kind: pageInfoField, object: b.pages},
			"totalCount": {kind: totalField},
		}}}
}

// defaultFirst is the page length where none is asked for.
const defaultFirst = 50
