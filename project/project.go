package project

import (
	"cmp"
	"path/filepath"
	"slices"

	"odsd/internal/yamlfile"
	"odsd/storage/relation"
	"odsd/views"
)

// Env looks a variable up, as os.LookupEnv does.
type Env = func(name string) (value string, ok bool)

// Project is a folder as read.
type Project struct {
	// Dir is the folder's absolute path.
	Dir     string
	Config  Config
	Sources []*Source // by name
	// Schemas of the captured relations, by the name that views use, as the
	// schema files know them.
	Schemas map[string]*relation.Schema
	// Files are the schema files, by source.
	Files       map[string]*SchemaFile
	Definitions []*views.Definition

	tests []testFile
}

// Load reads a project folder. The project is never nil and holds all that
// could be read; the findings are ordered by place. With env nil no variable is
// resolved and strings keep their ${…}.
func Load(dir string, env Env) (*Project, []yamlfile.Diagnostic) {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	l := &loader{dir: dir, env: env, project: &Project{
		Dir: dir, Config: defaultConfig(dir),
		Schemas: map[string]*relation.Schema{}, Files: map[string]*SchemaFile{},
	}}
	l.readConfig()
	l.eachFile("sources", l.readSource)
	l.eachFile("schema", l.readSchema)
	l.eachFile("views", l.readView)
	l.eachFile("tests", l.readTests)
	l.joinSchemas()
	slices.SortFunc(l.project.Sources, func(a, b *Source) int { return cmp.Compare(a.Name, b.Name) })
	return l.project, l.findings()
}

// Check resolves the views against the schema files.
func (p *Project) Check() ([]*views.View, []yamlfile.Diagnostic) {
	return p.CheckAgainst(p.Schemas)
}

// CheckAgainst resolves the views against schemas that were found elsewhere, of
// the database or the store.
func (p *Project) CheckAgainst(schemas map[string]*relation.Schema) ([]*views.View, []yamlfile.Diagnostic) {
	return views.CheckAll(p.Definitions, p.withPersonal(schemas))
}

// Resolve fills in the DSNs of all sources. A missing variable is a finding
// that names it.
func (p *Project) Resolve(env Env) []yamlfile.Diagnostic {
	r := resolver{dir: p.Dir, env: env}
	var found []yamlfile.Diagnostic
	for _, s := range p.Sources {
		if !s.dsn.Exists() {
			continue
		}
		if dsn, ok := r.text(s.dsn, "`dsn`"); ok {
			s.DSN = dsn
			if written, ok := s.dsn.Text("`dsn`"); ok {
				s.read = func() (string, error) { return r.again(written) }
			}
		}
		found = append(found, s.file.Take()...)
	}
	return yamlfile.Sort(found)
}

// Source finds a source by name; nil when there is none.
func (p *Project) Source(name string) *Source {
	for _, s := range p.Sources {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// loader gathers a project and what is wrong with it.
type loader struct {
	dir     string
	env     Env
	project *Project
	files   []*yamlfile.File
	found   []yamlfile.Diagnostic
}

func (l *loader) findings() []yamlfile.Diagnostic {
	for _, f := range l.files {
		l.found = append(l.found, f.Take()...)
	}
	return yamlfile.Sort(l.found)
}

func (l *loader) resolver() resolver { return resolver{dir: l.dir, env: l.env} }
