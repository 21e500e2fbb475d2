package views

import (
	"fmt"
	"slices"
	"sort"

	"odsd/storage/relation"
)

// A lookup's conditions: columns of the relation looked up, and where the
// values that they must equal come from.
type condition struct {
	column int
	from   ColumnOf
}

// addOccurrence plans how the rows of an occurrence are found from above, and
// how the instances that hold a row of it are found from below.
func (c *compiler) addOccurrence(o *Occurrence) error {
	p := &PlanOccurrence{Occurrence: o.ID}
	c.plan.Occurrences = append(c.plan.Occurrences, p)
	if o.Kind != RootOccurrence {
		var conditions []condition
		for _, eq := range o.Join {
			conditions = append(conditions, condition{eq.Column, ColumnOf{eq.Outer, eq.OuterColumn}})
		}
		p.Down = c.lookup(o, conditions, o.Order)
	} else {
		// A root is found by the view's key, the columns of which it provides itself.
		var conditions []condition
		for _, column := range c.view.Key {
			conditions = append(conditions, condition{column, ColumnOf{o.ID, column}})
		}
		p.Down = c.rootLookup(o, conditions)
	}
	up, err := c.up(o)
	p.Up = up
	return err
}

// rootLookup keeps the order of the view's key, so that an index on it lists
// the roots in the order of their documents.
func (c *compiler) rootLookup(o *Occurrence, conditions []condition) Lookup {
	if slices.Equal(c.view.Key, o.Schema.Key) {
		return c.lookup(o, conditions, nil)
	}
	l := Lookup{Unique: true, Columns: c.view.Key}
	for _, condition := range conditions {
		l.From = append(l.From, condition.from)
	}
	l.Arrangement = c.arrangement(Arrangement{Relation: o.Schema.Name, Columns: l.Columns})
	return l
}

// up orders the steps from a row of o to the root. Every occurrence on the way
// is joined to something on the way, so each step can look up by equality.
func (c *compiler) up(o *Occurrence) ([]UpStep, error) {
	wanted := c.wayToRoot(o)
	bound := []int{o.ID}
	var steps []UpStep
	for len(bound) < len(wanted) {
		best, bestConditions := -1, []condition(nil)
		for _, candidate := range wanted {
			if slices.Contains(bound, candidate) {
				continue
			}
			conditions := c.links(candidate, bound)
			if len(conditions) > 0 && (best < 0 || c.better(candidate, conditions, best, bestConditions)) {
				best, bestConditions = candidate, conditions
			}
		}
		if best < 0 {
			return nil, fmt.Errorf("%q is joined to nothing above it", o.Alias)
		}
		steps = append(steps, UpStep{Occurrence: best, Lookup: c.lookup(c.view.Occurrences[best], bestConditions, nil)})
		bound = append(bound, best)
	}
	return steps, nil
}

// wayToRoot lists the occurrences above o and whatever their joins lean on.
func (c *compiler) wayToRoot(o *Occurrence) []int {
	way := []int{o.ID}
	for i := 0; i < len(way); i++ {
		member := c.view.Occurrences[way[i]]
		if member.Parent >= 0 && !slices.Contains(way, member.Parent) {
			way = append(way, member.Parent)
		}
		for _, eq := range member.Join {
			if !slices.Contains(way, eq.Outer) {
				way = append(way, eq.Outer)
			}
		}
	}
	return way
}

// links are the equalities between an unbound occurrence and bound ones.
func (c *compiler) links(candidate int, bound []int) []condition {
	var conditions []condition
	for _, eq := range c.view.Occurrences[candidate].Join {
		if slices.Contains(bound, eq.Outer) {
			conditions = append(conditions, condition{eq.Column, ColumnOf{eq.Outer, eq.OuterColumn}})
		}
	}
	for _, member := range bound {
		for _, eq := range c.view.Occurrences[member].Join {
			if eq.Outer == candidate {
				conditions = append(conditions, condition{eq.OuterColumn, ColumnOf{member, eq.Column}})
			}
		}
	}
	return conditions
}

// better prefers steps that find at most one row, then those nearer below.
func (c *compiler) better(a int, forA []condition, b int, forB []condition) bool {
	uniqueA, uniqueB := c.unique(a, forA), c.unique(b, forB)
	if uniqueA != uniqueB {
		return uniqueA
	}
	return a > b
}

func (c *compiler) unique(occurrence int, conditions []condition) bool {
	return c.view.Occurrences[occurrence].Schema.IsUnique(columnsOf(conditions))
}

func columnsOf(conditions []condition) []int {
	var columns []int
	for _, condition := range conditions {
		columns = append(columns, condition.column)
	}
	return columns
}

// lookup chooses the relation's own key where the conditions cover it or just what it begins with, else
// an arrangement on exactly their columns, ordered for a pick where that is possible.
func (c *compiler) lookup(o *Occurrence, conditions []condition, order []OrderTerm) Lookup {
	l := Lookup{Arrangement: -1, Unique: c.unique(o.ID, conditions)}
	first := map[int]ColumnOf{}
	for _, condition := range conditions {
		if from, twice := first[condition.column]; twice {
			l.Rest = append(l.Rest, Match{from, condition.from})
			continue
		}
		first[condition.column] = condition.from
	}
	columns := sortedColumns(first)
	if key := keyColumns(o.Schema, columns, len(order) > 0); key != nil {
		for _, column := range key {
			l.Columns = append(l.Columns, column)
			l.From = append(l.From, first[column])
			delete(first, column)
		}
		for _, column := range sortedColumns(first) {
			l.Rest = append(l.Rest, Match{ColumnOf{o.ID, column}, first[column]})
		}
		return l
	}
	l.Columns = columns
	for _, column := range columns {
		l.From = append(l.From, first[column])
	}
	arrangement := Arrangement{Relation: o.Schema.Name, Columns: l.Columns}
	if !l.Unique {
		arrangement.Order = arrangementOrder(order)
	}
	l.Arrangement = c.arrangement(arrangement)
	return l
}

// keyColumns are the columns of a relation's key by which rows with values of these columns, each named
// once, are found: all of it, or what it begins with where no order is asked for; nil where it takes an index.
func keyColumns(schema *relation.Schema, columns []int, ordered bool) []int {
	n := len(columns)
	switch {
	case holdsAll(columns, schema.Key):
		return schema.Key
	case !ordered && n < len(schema.Key) && !schema.IsUnique(columns) && holdsAll(columns, schema.Key[:n]):
		return schema.Key[:n]
	}
	return nil
}

// holdsAll says whether columns are among others, and are any.
func holdsAll(among, columns []int) bool {
	return len(columns) > 0 && !slices.ContainsFunc(columns, func(column int) bool { return !slices.Contains(among, column) })
}

func sortedColumns(values map[int]ColumnOf) []int {
	var columns []int
	for column := range values {
		columns = append(columns, column)
	}
	sort.Ints(columns)
	return columns
}

// arrangementOrder turns an order over plain columns into that of an index; nil
// where a term is computed, and the candidates must be sorted when read.
func arrangementOrder(order []OrderTerm) []ArrangementOrder {
	var columns []ArrangementOrder
	for _, term := range order {
		if term.Expr.Op != OpColumn {
			return nil
		}
		columns = append(columns, ArrangementOrder{Column: term.Expr.Column, Desc: term.Desc, NullsFirst: term.NullsFirst})
	}
	return columns
}

func (c *compiler) arrangement(wanted Arrangement) int {
	for i, have := range c.plan.Arrangements {
		if have.Equal(wanted) {
			return i
		}
	}
	c.plan.Arrangements = append(c.plan.Arrangements, wanted)
	return len(c.plan.Arrangements) - 1
}

// Equal says whether two arrangements hold the same entries.
func (a Arrangement) Equal(b Arrangement) bool {
	return a.Relation == b.Relation && slices.Equal(a.Columns, b.Columns) && slices.Equal(a.Order, b.Order)
}

// Types gives the types of a schema's columns.
func Types(schema *relation.Schema) []relation.Type {
	types := make([]relation.Type, len(schema.Columns))
	for i, column := range schema.Columns {
		types[i] = column.Type
	}
	return types
}
