package enginetest

import (
	"fmt"
	"strconv"
	"strings"

	"odsd/engine"
	"odsd/storage/relation"
)

// String is a case as a script that people can read and ParseCase reads back:
//
//	relation a.t1
//	  id integer not null
//	  c2 numeric(8,2)
//	  key id
//	view
//	  version: 1
//	  …
//	step
//	  begin a
//	    insert a.t1 id=1 c2=1.50
//	    update a.t1 id=1 set id=2 c2=null
//	    delete a.t1 id=2
//	    truncate a.t1
func (c *Case) String() string {
	var b strings.Builder
	schemas := make(map[string]*relation.Schema)
	for _, s := range c.Schemas {
		schemas[s.Name] = s
		writeSchema(&b, s)
	}
	for _, v := range c.Views {
		b.WriteString("view\n")
		for line := range strings.Lines(v) {
			b.WriteString("  " + line)
		}
	}
	for _, step := range c.Steps {
		b.WriteString("step\n")
		for _, t := range step {
			b.WriteString("  begin " + t.Source + "\n")
			for _, change := range t.Changes {
				b.WriteString("    " + changeText(schemas[change.Relation], change) + "\n")
			}
		}
	}
	return b.String()
}

func writeSchema(b *strings.Builder, s *relation.Schema) {
	b.WriteString("relation " + s.Name + "\n")
	for _, c := range s.Columns {
		b.WriteString("  " + c.Name + " " + c.Type.String())
		if c.NotNull {
			b.WriteString(" not null")
		}
		b.WriteString("\n")
	}
	b.WriteString("  key " + columnNames(s, s.Key) + "\n")
	for _, u := range s.Unique {
		b.WriteString("  unique " + columnNames(s, u) + "\n")
	}
}

func columnNames(s *relation.Schema, columns []int) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = s.Columns[c].Name
	}
	return strings.Join(names, " ")
}

var operationNames = map[engine.Operation]string{
	engine.Insert: "insert", engine.Update: "update", engine.Delete: "delete", engine.Truncate: "truncate",
}

func changeText(s *relation.Schema, c Change) string {
	text := operationNames[c.Operation] + " " + c.Relation
	for i, v := range c.Key {
		text += cellText(s, Cell{s.Key[i], v})
	}
	if c.Operation == engine.Update {
		text += " set"
	}
	for _, cell := range c.Set {
		text += cellText(s, cell)
	}
	return text
}

func cellText(s *relation.Schema, c Cell) string {
	text := "null"
	if !c.Value.IsNull() {
		text = string(relation.AppendText(nil, c.Value))
		if f := c.Value.Kind().Family(); f == relation.TextFamily || f == relation.JSONFamily || strings.ContainsAny(text, " \"") {
			text = strconv.Quote(text)
		}
	}
	return " " + s.Columns[c.Column].Name + "=" + text
}

// ParseCase reads what String prints. Blank lines and lines that begin with #
// are passed over.
func ParseCase(text string) (*Case, error) {
	p := &caseParser{schemas: make(map[string]*relation.Schema)}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return &p.result, nil
}

type caseParser struct {
	result  Case
	schemas map[string]*relation.Schema
	section string // what the last line without indent began
}

func (p *caseParser) line(line string) error {
	if !strings.HasPrefix(line, "  ") {
		return p.begin(line)
	}
	line = line[2:]
	switch p.section {
	case "relation":
		return p.relationLine(strings.Fields(line))
	case "view":
		p.result.Views[len(p.result.Views)-1] += line + "\n"
		return nil
	case "step":
		return p.stepLine(line)
	}
	return fmt.Errorf("an indented line belongs to a relation, a view or a step")
}

func (p *caseParser) begin(line string) error {
	section, name, _ := strings.Cut(line, " ")
	p.section = section
	switch section {
	case "relation":
		s := &relation.Schema{Name: name}
		p.schemas[name] = s
		p.result.Schemas = append(p.result.Schemas, s)
	case "view":
		p.result.Views = append(p.result.Views, "")
	case "step":
		p.result.Steps = append(p.result.Steps, nil)
	default:
		return fmt.Errorf("%q is neither relation, view nor step", section)
	}
	return nil
}

func (p *caseParser) relationLine(words []string) error {
	s := p.result.Schemas[len(p.result.Schemas)-1]
	if words[0] == "key" || words[0] == "unique" {
		columns, err := columnOrdinals(s, words[1:])
		if words[0] == "key" {
			s.Key = columns
		} else {
			s.Unique = append(s.Unique, columns)
		}
		return err
	}
	typeText, notNull := strings.CutSuffix(strings.Join(words[1:], " "), " not null")
	t, err := parseType(typeText)
	s.Columns = append(s.Columns, relation.Column{
		Name: words[0], Type: t, NotNull: notNull, Attribute: int16(len(s.Columns) + 1)})
	return err
}

func columnOrdinals(s *relation.Schema, names []string) ([]int, error) {
	var columns []int
	for _, n := range names {
		c := s.Column(n)
		if c < 0 {
			return nil, fmt.Errorf("no column %s in %s", n, s.Name)
		}
		columns = append(columns, c)
	}
	return columns, nil
}

func parseType(text string) (relation.Type, error) {
	if digits, found := strings.CutPrefix(text, "numeric("); found {
		_, scale, _ := strings.Cut(strings.TrimSuffix(digits, ")"), ",")
		n, err := strconv.ParseInt(scale, 10, 32)
		return relation.Type{Kind: relation.Decimal, Scale: int32(n), Name: text}, err
	}
	if element, found := strings.CutSuffix(text, "[]"); found {
		t, err := parseType(element)
		return relation.ArrayOf(t.Kind), err
	}
	if text == jsonb.Name {
		return jsonb, nil
	}
	for k := relation.Bool; k < relation.Array; k++ {
		if k.String() == text {
			return relation.TypeOf(k), nil
		}
	}
	return relation.Type{}, fmt.Errorf("unknown type %q", text)
}

func (p *caseParser) stepLine(line string) error {
	step := &p.result.Steps[len(p.result.Steps)-1]
	if source, found := strings.CutPrefix(line, "begin "); found {
		*step = append(*step, Transaction{Source: source})
		return nil
	}
	if len(*step) == 0 {
		return fmt.Errorf("a change comes after begin")
	}
	change, err := p.change(strings.TrimSpace(line))
	t := &(*step)[len(*step)-1]
	t.Changes = append(t.Changes, change)
	return err
}

func (p *caseParser) change(line string) (Change, error) {
	var c Change
	operation, rest, _ := strings.Cut(line, " ")
	for o, n := range operationNames {
		if n == operation {
			c.Operation = o
		}
	}
	c.Relation, rest, _ = strings.Cut(rest, " ")
	s := p.schemas[c.Relation]
	if c.Operation == 0 || s == nil {
		return c, fmt.Errorf("unknown operation or relation")
	}
	inKey := c.Operation != engine.Insert
	for rest != "" {
		if after, found := strings.CutPrefix(rest, "set"); found && (after == "" || after[0] == ' ') {
			inKey, rest = false, strings.TrimPrefix(after, " ")
			continue
		}
		cell, after, err := parseCell(s, rest)
		if err != nil {
			return c, err
		}
		rest = after
		if inKey {
			c.Key = append(c.Key, cell.Value)
		} else {
			c.Set = append(c.Set, cell)
		}
	}
	if c.Operation != engine.Insert && c.Operation != engine.Truncate && len(c.Key) != len(s.Key) {
		return c, fmt.Errorf("the key of %s has %d columns", s.Name, len(s.Key))
	}
	return c, nil
}

// parseCell reads name=value from the beginning of a text.
func parseCell(s *relation.Schema, text string) (c Cell, rest string, err error) {
	columnName, rest, _ := strings.Cut(text, "=")
	if c.Column = s.Column(columnName); c.Column < 0 {
		return c, "", fmt.Errorf("no column %q in %s", columnName, s.Name)
	}
	value := ""
	if strings.HasPrefix(rest, `"`) {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return c, "", fmt.Errorf("value of %s: %w", columnName, err)
		}
		rest = strings.TrimPrefix(rest[len(quoted):], " ")
		if value, err = strconv.Unquote(quoted); err != nil {
			return c, "", fmt.Errorf("value of %s: %w", columnName, err)
		}
	} else {
		value, rest, _ = strings.Cut(rest, " ")
		if value == "null" {
			return c, rest, nil
		}
	}
	if c.Value, err = relation.ParseText(s.Columns[c.Column].Type, value); err != nil {
		return c, "", fmt.Errorf("value of %s: %w", columnName, err)
	}
	return c, rest, nil
}
