package query

import (
	"github.com/graphql-go/graphql"

	"odsd/storage/relation"
	"odsd/views"
)

// addOrder makes the enum of directions.
func (b *builder) addOrder() {
	values := graphql.EnumValueConfigMap{}
	for _, o := range orders {
		values[o.name] = &graphql.EnumValueConfig{Value: o.name, Description: o.description}
	}
	b.direction = graphql.NewEnum(graphql.EnumConfig{Name: "Order", Description: "A direction, and where nulls stand.", Values: values})
}

// filterTypes are the scalars that have operators of their own, and lists of them.
var filterTypes = []string{
	scalarInt, scalarFloat, scalarString, scalarBoolean, scalarBigInt, scalarDecimal, scalarDateTime,
	scalarDate, scalarTime, scalarDuration, scalarJSON, scalarUUID, scalarBytes,
}

// operatorNames lists the operators of a scalar, _isNull excepted, by what they take.
func operatorNames(scalar string) (single, several []string) {
	if scalar == scalarJSON {
		return nil, nil
	}
	single = []string{"_eq", "_neq", "_gt", "_gte", "_lt", "_lte"}
	if scalar == scalarString {
		single = append(single, "_like", "_ilike", "_startsWith")
	}
	return single, []string{"_in", "_nin"}
}

var operatorNotes = map[string]string{
	"_neq":         "Never true of null, as in PostgreSQL; so are all but _isNull.",
	"_in":          "Any of these.",
	"_nin":         "None of these.",
	"_like":        "A pattern: % is any text, _ any character, \\ takes the next as it is.",
	"_ilike":       "As _like, whatever the case of letters.",
	"_startsWith":  "The text begins so, byte for byte.",
	"_contains":    "All of these are among the elements.",
	"_containedIn": "All elements are among these; a null is not.",
	"_hasAny":      "Any of these is among the elements.",
}

// operatorsOf gives the input of operators on a scalar, or on lists of it.
func (b *builder) operatorsOf(scalar string, list bool) *graphql.InputObject {
	name := scalar + "Ops"
	single, several := operatorNames(scalar)
	if list {
		name = scalar + "ListOps"
		single = nil
		if len(several) > 0 {
			several = []string{"_contains", "_containedIn", "_hasAny"}
		}
	}
	if b.operators[name] != nil {
		return b.operators[name]
	}
	fields := graphql.InputObjectConfigFieldMap{"_isNull": {Type: graphql.Boolean}}
	for _, op := range single {
		fields[op] = &graphql.InputObjectFieldConfig{Type: b.scalar(scalar), Description: operatorNotes[op]}
	}
	for _, op := range several {
		fields[op] = &graphql.InputObjectFieldConfig{Type: graphql.NewList(graphql.NewNonNull(b.scalar(scalar))), Description: operatorNotes[op]}
	}
	b.operators[name] = graphql.NewInputObject(graphql.InputObjectConfig{
		Name: name, Description: "Operators; all that are given must hold.", Fields: fields,
	})
	return b.operators[name]
}

// filters makes the inputs that filter and order objects of a type.
func (o *objectBuilder) filters(out *objectType, fields []*views.Field) {
	where := graphql.InputObjectConfigFieldMap{}
	orderBy := graphql.InputObjectConfigFieldMap{}
	for _, f := range fields {
		field := out.fields[f.GraphQL]
		if field == nil {
			continue // hidden
		}
		switch field.kind {
		case scalarField:
			where[f.GraphQL] = &graphql.InputObjectFieldConfig{Type: o.operatorsOf(field.scalar, field.stored.Kind == relation.Array)}
			if hasOrder(field.stored) {
				orderBy[f.GraphQL] = &graphql.InputObjectFieldConfig{Type: o.direction}
			}
		case oneField:
			where[f.GraphQL] = &graphql.InputObjectFieldConfig{Type: field.object.where, Description: "Where there is none, its fields are null."}
			if field.object.orderBy != nil {
				orderBy[f.GraphQL] = &graphql.InputObjectFieldConfig{Type: field.object.orderBy}
			}
		case manyField:
			where[f.GraphQL] = &graphql.InputObjectFieldConfig{Type: field.object.some}
		}
	}
	name := out.name
	out.where = graphql.NewInputObject(graphql.InputObjectConfig{
		Name: name + "Where", Description: "A filter; all that is given must hold.",
		Fields: graphql.InputObjectConfigFieldMapThunk(func() graphql.InputObjectConfigFieldMap {
			several := graphql.NewList(graphql.NewNonNull(out.where))
			where["_and"] = &graphql.InputObjectFieldConfig{Type: several, Description: "All of these; true of none."}
			where["_or"] = &graphql.InputObjectFieldConfig{Type: several, Description: "Any of these; false of none."}
			where["_not"] = &graphql.InputObjectFieldConfig{Type: out.where, Description: "Never true of what is unknown for a null."}
			return where
		}),
	})
	if len(orderBy) > 0 {
		out.orderBy = graphql.NewInputObject(graphql.InputObjectConfig{
			Name: name + "OrderBy", Description: "One field and its direction.", Fields: orderBy,
		})
	}
}

// someFilter makes the input that looks into a list.
func someFilter(rows *objectType) {
	rows.some = graphql.NewInputObject(graphql.InputObjectConfig{
		Name: rows.name + "Some", Description: "A filter of the rows that the list shows.",
		Fields: graphql.InputObjectConfigFieldMap{
			"_some": {Type: rows.where, Description: "There is such a row."},
			"_none": {Type: rows.where, Description: "There is no such row."},
		},
	})
}

// hasOrder says whether values of a type are sorted by anything that means something.
func hasOrder(t relation.Type) bool {
	return t.Kind != relation.JSON && (t.Kind != relation.Array || t.Elem != relation.JSON)
}

// orderList is the input of `orderBy`, nil where nothing has an order.
func orderList(t *graphql.InputObject) graphql.Input {
	if t == nil {
		return nil
	}
	return graphql.NewList(graphql.NewNonNull(t))
}

// queryArguments are those of a list, below Query or in a document.
func queryArguments(rows *objectType) graphql.FieldConfigArgument {
	args := graphql.FieldConfigArgument{"where": {Type: rows.where, Description: "Which of them; all by default."}}
	if list := orderList(rows.orderBy); list != nil {
		args["orderBy"] = &graphql.ArgumentConfig{Type: list, Description: "In which order, the key last of all."}
	}
	return args
}

// inputsOf gives the types of arguments by their names.
func inputsOf(args graphql.FieldConfigArgument) map[string]graphql.Input {
	inputs := make(map[string]graphql.Input, len(args))
	for name, a := range args {
		inputs[name] = a.Type
	}
	return inputs
}
