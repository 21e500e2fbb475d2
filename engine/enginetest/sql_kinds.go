package enginetest

import (
	"fmt"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// below lists the views that a view stands on, over however many others, in the
// order in which all has them.
func below(v *views.View, all []*views.View) []*views.View {
	needed := map[string]bool{}
	var need func(v *views.View)
	need = func(v *views.View) {
		for _, o := range v.Occurrences {
			for _, b := range all {
				if b.Name == o.Schema.Name && !needed[b.Name] {
					needed[b.Name] = true
					need(b)
				}
			}
		}
	}
	need(v)
	var list []*views.View
	for _, b := range all {
		if needed[b.Name] {
			list = append(list, b)
		}
	}
	return list
}

func isAmong(list []*views.View, viewName string) bool {
	for _, v := range list {
		if v.Name == viewName {
			return true
		}
	}
	return false
}

// documentsSQL selects the documents of a view as JSON.
func documentsSQL(v *views.View, table func(relation string) string) (string, error) {
	s := &statement{view: v, table: table}
	root := v.Nodes[0]
	order := columnList(root.Own, v.Key)
	if v.Kind != views.DocumentView {
		order = fieldList(v.KeyFields)
	}
	text := "SELECT " + s.object(root, root.Fields) + "\nFROM (" + s.root() + ") r\nORDER BY " + order
	if s.unsupported != nil {
		return "", s.unsupported
	}
	return text, nil
}

// relationSQL selects the root's fields, under their names as the views above
// know them.
func relationSQL(v *views.View, table func(relation string) string) (string, error) {
	s := &statement{view: v, table: table}
	var columns []string
	for i, f := range v.Nodes[0].Scalars {
		name := f.Name
		if f.Within != 0 {
			name = v.Occurrences[f.Within].Alias + "." + f.Name
		}
		columns = append(columns, fieldName(0, i)+" AS "+quoteName(name))
	}
	text := "SELECT " + strings.Join(columns, ", ") + " FROM (" + s.root() + ") r"
	if s.unsupported != nil {
		return "", s.unsupported
	}
	return text, nil
}

func fieldList(ordinals []int) string {
	names := make([]string, len(ordinals))
	for i, ordinal := range ordinals {
		names[i] = fieldName(0, ordinal)
	}
	return strings.Join(names, ", ")
}

// root gives the root's rows with all fields, those left out that `having` hides.
func (s *statement) root() string {
	n := s.view.Nodes[0]
	text := ""
	switch s.view.Kind {
	case views.GroupView:
		text = s.groups(n)
	case views.UnionView:
		text = s.union(n)
	default:
		text = s.rows(n.ID, allFields(n))
	}
	if s.view.Having == nil {
		return text
	}
	return "SELECT * FROM (" + text + ") h" + where([]string{s.condition(s.view.Having, n)})
}

// groups gives the groups: inside, the rows with their dimensions; around
// them, the aggregates; and then the measures that read other fields.
func (s *statement) groups(n *views.Node) string {
	own := s.view.Occurrences[n.Own]
	inner := []string{"*"}
	outer := []string{fieldList(s.view.KeyFields)}
	isDimension := make(map[int]bool)
	for _, ordinal := range s.view.KeyFields {
		isDimension[ordinal] = true
		inner = append(inner, s.dimension(n.Scalars[ordinal], n)+" AS "+fieldName(0, ordinal))
	}
	var measures strings.Builder
	for _, ordinal := range n.EvalOrder {
		f, name := n.Scalars[ordinal], fieldName(0, ordinal)
		switch {
		case isDimension[ordinal]:
		case f.Aggregate != nil:
			outer = append(outer, s.measure(f, n)+" AS "+name)
		default:
			fmt.Fprintf(&measures, "\nCROSS JOIN LATERAL (SELECT %s AS %s) s%s", s.expression(f.Expr, n), name, name)
		}
	}
	var conditions []string
	if n.Where != nil {
		conditions = append(conditions, s.condition(n.Where, n))
	}
	return fmt.Sprintf("SELECT * FROM (SELECT %s FROM (SELECT %s FROM %s%s) i GROUP BY %s) g%s",
		strings.Join(outer, ", "), strings.Join(inner, ", "), s.base(own), where(conditions), fieldList(s.view.KeyFields), measures.String())
}

// dimension is the one of equal values that a group shows: no more decimal
// places than needed, no fewer than declared.
func (s *statement) dimension(f *views.Field, n *views.Node) string {
	text := "(" + s.expression(f.Expr, n) + ")"
	switch {
	case f.Type.Kind.Family() == relation.TextFamily:
		return text + ` COLLATE "C"`
	case f.Type.Kind == relation.Decimal && f.Type.Scale > 0:
		return fmt.Sprintf("round(%s, greatest(scale(trim_scale(%s)), %d))", text, text, f.Type.Scale)
	case f.Type.Kind == relation.Decimal:
		return "trim_scale(" + text + ")"
	case f.Type.Kind == relation.Interval:
		return withoutMonths(text)
	}
	return text
}

// measure aggregates over the rows of a group.
func (s *statement) measure(f *views.Field, n *views.Node) string {
	a := f.Aggregate
	if a.Func != views.First && a.Func != views.Last {
		return s.aggregated(f, s.contribution(a, n), "")
	}
	filter := ""
	if len(a.Where) > 0 {
		filter = " FILTER (WHERE " + s.allOf(a.Where, n) + ")"
	}
	return s.aggregated(f, s.expression(a.Arg, n), filter)
}

func (s *statement) allOf(all []views.AggregateCondition, n *views.Node) string {
	var conditions []string
	for _, c := range all {
		conditions = append(conditions, "coalesce("+s.condition(c.Expr, n)+", false)")
	}
	return strings.Join(conditions, " AND ")
}

// contribution is what a row puts into an aggregate: null where its condition
// does not hold. "" where rows are counted, all of them.
func (s *statement) contribution(a *views.Aggregate, n *views.Node) string {
	arg := ""
	if a.Arg != nil {
		arg = s.expression(a.Arg, n)
	}
	if len(a.Where) == 0 {
		return arg
	}
	if arg == "" {
		arg = "1"
	}
	return fmt.Sprintf("(CASE WHEN %s THEN %s END)", s.allOf(a.Where, n), arg)
}

// union gives the first row of each key, in the order of the branches.
func (s *statement) union(n *views.Node) string {
	var parts []string
	for i, b := range s.view.Branches {
		columns := []string{fmt.Sprintf("%d AS branch", i)}
		for f, field := range n.Scalars {
			value := "NULL"
			if b.Columns[f] != nil {
				value = s.expression(b.Columns[f], n)
			}
			value = fmt.Sprintf("(%s)::%s", value, typeName(field.Type))
			if field.Type.Kind.Family() == relation.TextFamily {
				value += ` COLLATE "C"`
			}
			columns = append(columns, value+" AS "+fieldName(0, f))
		}
		var conditions []string
		if b.Where != nil {
			conditions = append(conditions, s.condition(b.Where, n))
		}
		parts = append(parts, "SELECT "+strings.Join(columns, ", ")+" FROM "+s.base(s.view.Occurrences[b.Occurrence])+where(conditions))
	}
	key := fieldList(s.view.KeyFields)
	return fmt.Sprintf("SELECT DISTINCT ON (%s) * FROM (%s) u ORDER BY %s, branch", key, strings.Join(parts, "\nUNION ALL "), key)
}

// bucket is the start of the span of a place's wall clock that a time is in. An
// hour that the clock shows twice is two spans of an hour.
func (s *statement) bucket(e *views.Expr, of string) string {
	every, zone := e.Args[1].Const.Str(), quoteText(e.Args[2].Const.Str())
	if e.Args[0].Type.Kind == relation.Date {
		of = fmt.Sprintf("((%s)::timestamp AT TIME ZONE %s)", of, zone)
	}
	local := fmt.Sprintf("(%s AT TIME ZONE %s)", of, zone)
	units := map[string]string{"1h": "hour", "1d": "day", "1w": "week", "1mo": "month", "1q": "quarter", "1y": "year"}
	digits := strings.TrimRight(every, "mhdwoqy")
	switch unit := every[len(digits):]; {
	case every == "1h":
		return fmt.Sprintf("date_trunc('hour', %s, %s)", of, zone)
	case units[every] != "":
		return fmt.Sprintf("(date_trunc('%s', %s) AT TIME ZONE %s)", units[every], local, zone)
	case unit == "m": // of the hour, whichever of two equal ones it is
		return fmt.Sprintf("(date_trunc('minute', %s) - interval '1 minute' * (extract(minute FROM %s)::int %% %s))", of, local, digits)
	case unit == "h":
		return fmt.Sprintf("((date_trunc('day', %s) + interval '%s hours' * floor(extract(hour FROM %s) / %s)) AT TIME ZONE %s)", local, digits, local, digits, zone)
	case unit == "d":
		return fmt.Sprintf("(date_bin('%s days', %s, '2001-01-01') AT TIME ZONE %s)", digits, local, zone)
	}
	return s.refuse("buckets of %s", every)
}
