package project

import (
	"maps"
	"slices"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
	"odsd/views"
)

// personalColumn is a column that its source marks as personal data.
type personalColumn struct {
	table, name string
	kind        string // as `pii` says it: email, phone
	at          yamlfile.Node
}

func (s *Source) readPersonal(table string, column yamlfile.Node, e yamlfile.Entry) {
	if kind, ok := e.Value.Text("`pii`"); ok {
		s.personal = append(s.personal, personalColumn{table: table, name: column.Value(), kind: kind, at: column})
	}
}

// checkPersonal finds marks of columns that the schema file does not have.
func (s *Source) checkPersonal(file *SchemaFile) {
	for _, c := range s.personal {
		t := file.table(c.table)
		if t == nil || t.Column(c.name) >= 0 {
			continue // a missing table is reported where it is listed
		}
		var known []string
		for _, column := range t.Columns {
			known = append(known, column.Name)
		}
		c.at.Report(yamlfile.CodeName, yamlfile.DidYouMean(c.name, known), "no column %q in %s", c.name, t.Name)
	}
}

// withPersonal gives the schemas with the marks of personal data.
func (p *Project) withPersonal(schemas map[string]*relation.Schema) map[string]*relation.Schema {
	marked := maps.Clone(schemas)
	for _, s := range p.Sources {
		for _, c := range s.personal {
			name := s.Name + "." + c.table
			t := marked[name]
			if t == nil || t.Column(c.name) < 0 {
				continue
			}
			if t == schemas[name] {
				own := *t
				own.Columns = slices.Clone(t.Columns)
				t = &own
				marked[name] = t
			}
			t.Columns[t.Column(c.name)].PII = c.kind
		}
	}
	return marked
}

// CheckToServe is CheckAgainst for whoever lets people read the views: those
// whose rules of access would not be enforced are errors, and so is what stands on them.
func (p *Project) CheckToServe(schemas map[string]*relation.Schema) ([]*views.View, []yamlfile.Diagnostic) {
	checked, found := p.CheckAgainst(schemas)
	refused := map[string]bool{}
	var served []*views.View
	refuse := func(v *views.View, message, hint string) {
		refused[v.Name] = true
		found = append(found, yamlfile.Diagnostic{
			File: v.File, Line: 1, Col: 1, Code: yamlfile.CodeNotBuilt, Severity: yamlfile.Error, Message: message, Hint: hint,
		})
	}
	for _, v := range checked { // what a view stands on comes before it
		below := slices.IndexFunc(v.Occurrences, func(o *views.Occurrence) bool { return refused[o.Schema.Name] })
		switch {
		case v.Access != nil:
			refuse(v, "the view has rules of `access`, which are not enforced yet: it is not served", "remove `access` if everyone may read the view")
		case below >= 0:
			refuse(v, "the view stands on "+v.Occurrences[below].Schema.Name+", which is not served", "")
		default:
			served = append(served, v)
		}
	}
	return served, found
}

// Restricts says whether the definition of a view has `access`.
func (p *Project) Restricts(view string) bool {
	return slices.ContainsFunc(p.Definitions, func(d *views.Definition) bool { return d.Name.Value == view && d.Access != nil })
}
