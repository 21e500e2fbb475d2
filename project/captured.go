package project

import (
	"strings"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
)

// joinSchemas gathers the schemas of what is captured: a table must be listed
// at its source and known from the schema file.
func (l *loader) joinSchemas() {
	p := l.project
	for _, s := range p.Sources {
		file := p.Files[s.Name]
		if file == nil {
			s.name.Report(yamlfile.CodeCapture, "`odsd check --live --write` writes it from the database",
				"there is no schema/%s.yaml, so nothing is known of its tables", s.Name)
			continue
		}
		s.checkPersonal(file)
		for i, table := range s.Tables {
			if table == "*" {
				for _, t := range file.Tables {
					p.Schemas[t.Name] = t
				}
				continue
			}
			if t := file.table(table); t != nil {
				p.Schemas[t.Name] = t
				continue
			}
			s.tables[i].Report(yamlfile.CodeCapture, hintTable(table, file), "no table %q in schema/%s.yaml", table, s.Name)
		}
	}
	for source, file := range p.Files {
		if p.Source(source) == nil {
			file.at.Warn(yamlfile.CodeSchema, "remove the file", "there is no source %q in the project", source)
		}
	}
}

func (s *SchemaFile) table(name string) *relation.Schema {
	for _, t := range s.Tables {
		if t.Name == s.Source+"."+name {
			return t
		}
	}
	return nil
}

func hintTable(name string, file *SchemaFile) string {
	var known []string
	for _, t := range file.Tables {
		known = append(known, strings.TrimPrefix(t.Name, file.Source+"."))
	}
	if hint := yamlfile.DidYouMean(name, known); hint != "" {
		return hint
	}
	return "`odsd check --live --write` brings the file up to date"
}
