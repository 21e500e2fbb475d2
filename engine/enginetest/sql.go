package enginetest

import (
	"fmt"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// Unsupported says that a view uses something that has no exact counterpart in
// SQL, so that PostgreSQL cannot be asked.
type Unsupported struct{ What string }

func (u *Unsupported) Error() string { return "no exact SQL for " + u.What }

// SQL gives the one PostgreSQL statement that computes a view's documents, for
// relations that are tables of one database: one row a document in the order of
// the view's key, one column of JSON in which every value that is not null is a
// string of PostgreSQL's own text, as reference.Document.AppendJSON prints it. The
// session's time zone must be UTC. table names the table of a relation, quoted;
// all are the views that this one may stand on, in an order in which they do.
//
// What odsd makes null with an error (an overflow, a bad cast) is an error of
// the statement.
//
// Every column of every occurrence has a name of its own throughout the
// statement (o2_5: column 5 of occurrence 2), and so has the presence of its row
// (x2) and every computed field (f1_3: field 3 of node 1). An expression can thus
// be written the same way wherever it stands; which row a name means follows
// from the nesting of the subqueries alone. Views below are common table
// expressions with the names of their fields, and read like tables.
func SQL(v *views.View, all []*views.View, table func(relation string) string) (string, error) {
	below := below(v, all)
	name := func(relation string) string {
		if isAmong(below, relation) {
			return quoteName(relation)
		}
		return table(relation)
	}
	var with []string
	for _, b := range below {
		text, err := relationSQL(b, name)
		if err != nil {
			return "", err
		}
		with = append(with, fmt.Sprintf("%s AS MATERIALIZED (%s)", quoteName(b.Name), text))
	}
	text, err := documentsSQL(v, name)
	if err == nil && len(with) > 0 {
		text = "WITH " + strings.Join(with, ",\n") + "\n" + text
	}
	return text, err
}

type statement struct {
	view        *views.View
	table       func(relation string) string
	unsupported *Unsupported // the first
}

func (s *statement) refuse(format string, args ...any) string {
	if s.unsupported == nil {
		s.unsupported = &Unsupported{What: fmt.Sprintf(format, args...)}
	}
	return "NULL"
}

func columnName(occurrence, column int) string { return fmt.Sprintf("o%d_%d", occurrence, column) }
func presentName(occurrence int) string        { return fmt.Sprintf("x%d", occurrence) }
func fieldName(node, ordinal int) string       { return fmt.Sprintf("f%d_%d", node, ordinal) }

func columnList(occurrence int, columns []int) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = columnName(occurrence, c)
	}
	return strings.Join(names, ", ")
}

// base is the table of an occurrence with its columns renamed. Texts and enums
// become text that sorts by bytes; jsonb becomes json, with the text that it prints.
func (s *statement) base(o *views.Occurrence) string {
	columns := []string{"true AS " + presentName(o.ID)}
	for i, c := range o.Schema.Columns {
		columns = append(columns, baseColumn(c)+" AS "+columnName(o.ID, i))
	}
	return fmt.Sprintf("(SELECT %s FROM %s t) b%d", strings.Join(columns, ", "), s.table(o.Schema.Name), o.ID)
}

func baseColumn(c relation.Column) string {
	name := "t." + quoteName(c.Name)
	switch {
	case c.Type.Kind.Family() == relation.TextFamily:
		return name + `::text COLLATE "C"`
	case c.Type.Kind == relation.Array && c.Type.Elem.Family() == relation.TextFamily:
		return name + `::text[] COLLATE "C"`
	case c.Type.Kind == relation.JSON:
		return name + "::json"
	case c.Type.Kind == relation.Timestamp && strings.HasPrefix(c.Type.Name, "timestamp") && strings.HasSuffix(c.Type.Name, "without time zone"):
		return "(" + name + " AT TIME ZONE 'UTC')"
	}
	return name
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// rows gives the instances of a node as rows: the columns of its own
// occurrence and its `one`s, and the wanted fields. It is correlated to the
// enclosing instances.
func (s *statement) rows(node int, wanted fieldSet) string {
	n := s.view.Nodes[node]
	own := s.view.Occurrences[n.Own]
	conditions := append(s.join(own), s.required(own)...)
	if n.Where != nil {
		conditions = append(conditions, s.condition(n.Where, n))
	}
	from := s.base(own) + s.ones(own, n)
	return "SELECT * FROM (SELECT * FROM " + from + where(conditions) + ") i" + s.fields(n, wanted)
}

// ones joins the `one`s of an occurrence to it.
func (s *statement) ones(o *views.Occurrence, n *views.Node) string {
	var b strings.Builder
	for _, id := range o.Ones {
		fmt.Fprintf(&b, "\nLEFT JOIN LATERAL (%s) q%d ON true", s.pick(id, n), id)
	}
	return b.String()
}

// pick gives the one row that an occurrence finds, with those of the `one`s
// below it. The pick comes before the required test.
func (s *statement) pick(id int, n *views.Node) string {
	o := s.view.Occurrences[id]
	conditions := s.join(o)
	if o.Where != nil {
		conditions = append(conditions, s.condition(o.Where, n))
	}
	picked := "SELECT * FROM " + s.base(o) + s.ones(o, n) + where(conditions) +
		" ORDER BY " + s.order(o.Order, n, id, o.Schema.Key) + " LIMIT 1"
	return fmt.Sprintf("SELECT * FROM (%s) p%d", picked, id) + where(s.required(o))
}

func (s *statement) required(o *views.Occurrence) []string {
	var conditions []string
	for _, id := range o.Ones {
		if s.view.Occurrences[id].Required {
			conditions = append(conditions, presentName(id))
		}
	}
	return conditions
}

func (s *statement) join(o *views.Occurrence) []string {
	if o.Parent < 0 {
		return nil
	}
	conditions := []string{presentName(o.Parent)}
	for _, j := range o.Join {
		conditions = append(conditions, columnName(o.ID, j.Column)+" = "+columnName(j.Outer, j.OuterColumn))
	}
	return conditions
}

func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return "\nWHERE " + strings.Join(conditions, " AND ")
}

func (s *statement) order(terms []views.OrderTerm, n *views.Node, occurrence int, key []int) string {
	var parts []string
	for _, t := range terms {
		parts = append(parts, s.term(t, n))
	}
	return strings.Join(append(parts, columnList(occurrence, key)), ", ")
}

func (s *statement) term(t views.OrderTerm, n *views.Node) string {
	direction, nulls := " ASC", " NULLS LAST"
	if t.Desc {
		direction = " DESC"
	}
	if t.NullsFirst {
		nulls = " NULLS FIRST"
	}
	return s.sortable(t.Expr, n) + direction + nulls
}

// sortable keeps a constant from being read as the number of a column.
func (s *statement) sortable(e *views.Expr, n *views.Node) string {
	text := "(" + s.expression(e, n) + ")"
	if e.Type.Kind.Family() == relation.TextFamily {
		text += ` COLLATE "C"`
	}
	return text
}

// fields computes the wanted fields of a node one after the other, each able to
// use those before it. The fields of a `one` without a match are null.
func (s *statement) fields(n *views.Node, wanted fieldSet) string {
	var b strings.Builder
	for _, ordinal := range n.EvalOrder {
		if !wanted[ordinal] {
			continue
		}
		f := n.Scalars[ordinal]
		value := ""
		if f.Aggregate != nil {
			value = s.aggregate(f)
		} else {
			value = s.expression(f.Expr, n)
		}
		name := fieldName(n.ID, ordinal)
		fmt.Fprintf(&b, "\nCROSS JOIN LATERAL (SELECT CASE WHEN %s THEN %s END AS %s) s%s",
			presentName(f.Within), value, name, name)
	}
	return b.String()
}

// object is the JSON of some fields of a node's row.
func (s *statement) object(n *views.Node, fields []*views.Field) string {
	var parts []string
	for _, f := range fields {
		value := ""
		switch f.Kind {
		case views.OneField:
			value = fmt.Sprintf("CASE WHEN %s THEN %s END", presentName(f.Occurrence), s.object(n, f.Fields))
		case views.ManyField:
			if s.view.Nodes[f.Node].Hidden {
				continue
			}
			value = s.list(f.Node)
		default:
			value = fieldName(n.ID, f.Ordinal) + "::text"
		}
		parts = append(parts, quoteText(f.Name)+", "+value)
	}
	return "json_build_object(" + strings.Join(parts, ", ") + ")"
}

// list is the JSON of a node's instances below the row at hand.
func (s *statement) list(node int) string {
	n := s.view.Nodes[node]
	order := s.order(n.Order, n, n.Own, n.Key)
	limit := ""
	if n.Limit > 0 {
		limit = fmt.Sprintf(" WHERE l.i <= %d", n.Limit)
	}
	return fmt.Sprintf("(SELECT coalesce(json_agg(l.d ORDER BY l.i), '[]'::json) FROM (SELECT %s AS d, row_number() OVER (ORDER BY %s) AS i FROM (%s) r) l%s)",
		s.object(n, n.Fields), order, s.rows(node, allFields(n)), limit)
}
