package project

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"odsd/internal/yamlfile"
	"odsd/project/fileschema"
	"odsd/storage/relation"
	"odsd/views"
)

// StarterSource is a database of which a project is to be made.
type StarterSource struct {
	Name   string
	Schema *SchemaFile
	// LeftOut are tables that cannot be captured as they are, each with why.
	LeftOut []LeftOut
	// References are the foreign keys between its tables.
	References []Reference
}

// LeftOut is a table that a starter does not capture.
type LeftOut struct{ Table, Why string }

// Reference says that columns of one table name a row of another. Tables are
// named as views name them.
type Reference struct {
	Table      string
	Columns    []string
	References string
	To         []string
	// Guessed from names alone, across databases.
	Guessed bool
}

// String is the reference as a person would note it: orders.customer_id → crm.customers.id.
func (r Reference) String() string {
	return r.Table + "." + strings.Join(r.Columns, ",") + " → " + r.References + "." + strings.Join(r.To, ",")
}

// StarterFile is a file of a new project, its name relative to the folder.
type StarterFile struct {
	Name string
	Text []byte
}

// Starter makes the files of a project over some databases: sources, schemas,
// and for each table that others point at, or that points at none, a view with
// what belongs to it. It gives the references that it guessed. The project passes a
// check.
func Starter(sources []StarterSource) (files []StarterFile, guesses []Reference) {
	s := &starter{tables: map[string]*relation.Schema{}}
	files = append(files, StarterFile{configFile, []byte(fileschema.Header("odsd") + "version: 1\ndata_dir: ./data\n")})
	for _, source := range sources {
		for _, t := range source.Schema.Tables {
			s.tables[t.Name] = t
			s.names = append(s.names, t.Name)
		}
		files = append(files,
			StarterFile{"sources/" + source.Name + ".yaml", formatSource(source)},
			StarterFile{"schema/" + source.Name + ".yaml", source.Schema.Format()})
	}
	slices.Sort(s.names)
	for _, source := range sources {
		for _, r := range source.References {
			s.addReference(r)
		}
	}
	guesses = s.guess()
	for _, r := range guesses {
		s.addReference(r)
	}
	return append(files, s.viewFiles()...), guesses
}

// DSNVariable is the environment variable that a source of a starter reads.
func DSNVariable(source string) string { return strings.ToUpper(source) + "_DSN" }

// ValidSourceName says whether a source may have the name.
func ValidSourceName(name string) bool { return sourceName.MatchString(name) && len(name) <= 58 }

func formatSource(s StarterSource) []byte {
	var b bytes.Buffer
	b.WriteString(fileschema.Header("source"))
	fmt.Fprintf(&b, "version: 1\nsource: %s\npostgres:\n  dsn: ${%s}\ntables:\n", s.Name, DSNVariable(s.Name))
	for _, t := range s.Schema.Tables {
		fmt.Fprintf(&b, "  %s:\n", yamlfile.Scalar(strings.TrimPrefix(t.Name, s.Name+".")))
	}
	for _, out := range s.LeftOut {
		fmt.Fprintf(&b, "  # %s is left out: %s\n", oneLine(out.Table), oneLine(out.Why))
	}
	return b.Bytes()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// starter knows all tables and references of a project to be.
type starter struct {
	tables     map[string]*relation.Schema
	names      []string // of the tables, in order
	references []Reference
}

// addReference keeps a reference between captured tables that an expression can
// name and compare.
func (s *starter) addReference(r Reference) {
	from, to := s.tables[r.Table], s.tables[r.References]
	if from == nil || to == nil {
		return
	}
	for i := range r.Columns {
		a, b := from.Column(r.Columns[i]), to.Column(r.To[i])
		if a < 0 || b < 0 || !isWord(r.Columns[i]) || !isWord(r.To[i]) || !relation.Comparable(from.Columns[a].Type, to.Columns[b].Type) {
			return
		}
	}
	s.references = append(s.references, r)
}

// guess looks for columns like customer_id that no foreign key explains, and for
// the one table of another database that they could mean: customers, by its id.
func (s *starter) guess() []Reference {
	var guesses []Reference
	for _, name := range s.names {
		for _, c := range s.tables[name].Columns {
			noun, isID := strings.CutSuffix(c.Name, "_id")
			if !isID || noun == "" || s.explained(name, c.Name) {
				continue
			}
			if found := s.named(name, noun, c.Type); len(found) == 1 {
				guesses = append(guesses, Reference{Table: name, Columns: []string{c.Name}, References: found[0], To: []string{"id"}, Guessed: true})
			}
		}
	}
	return guesses
}

func (s *starter) explained(table, column string) bool {
	return slices.ContainsFunc(s.references, func(r Reference) bool { return r.Table == table && slices.Contains(r.Columns, column) })
}

// named finds the tables of other databases that a noun may mean and whose key
// is an id of such a type.
func (s *starter) named(from, noun string, t relation.Type) []string {
	source, _, _ := strings.Cut(from, ".")
	var found []string
	for _, name := range s.names {
		table := s.tables[name]
		if strings.HasPrefix(name, source+".") || !slices.Contains(plurals(noun), lastPart(name)) {
			continue
		}
		if len(table.Key) == 1 && table.Columns[table.Key[0]].Name == "id" && relation.Comparable(table.Columns[table.Key[0]].Type, t) {
			found = append(found, name)
		}
	}
	return found
}

// plurals are the names that a table of such things may have.
func plurals(noun string) []string {
	list := []string{noun, noun + "s", noun + "es"}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		list = append(list, stem+"ies")
	}
	return list
}

func lastPart(table string) string { return table[strings.LastIndexByte(table, '.')+1:] }

// viewFiles makes the views, and leaves out any that the checker would refuse:
// a name that is a word of the language, say.
func (s *starter) viewFiles() []StarterFile {
	var files []StarterFile
	var definitions []*views.Definition
	for _, table := range s.names {
		if !s.isRoot(table) || !isWord(s.viewName(table)) {
			continue
		}
		file := StarterFile{Name: "views/" + s.viewName(table) + ".yaml"}
		file.Text = s.view(table)
		definition, found := views.Parse(file.Name, file.Text)
		if !yamlfile.HasErrors(found) {
			files, definitions = append(files, file), append(definitions, definition)
		}
	}
	checked, _ := views.CheckAll(definitions, s.tables)
	return slices.DeleteFunc(files, func(f StarterFile) bool {
		return !slices.ContainsFunc(checked, func(v *views.View) bool { return v.File == f.Name })
	})
}

// isRoot: others point at the table, or it points at none.
func (s *starter) isRoot(table string) bool {
	points := false
	for _, r := range s.references {
		if r.References == table && r.Table != table {
			return true
		}
		points = points || r.Table == table
	}
	return !points
}

// viewName is the table's name where no other has it, else the source's name besides.
func (s *starter) viewName(table string) string {
	same := 0
	for _, name := range s.names {
		if lastPart(name) == lastPart(table) {
			same++
		}
	}
	if same == 1 {
		return lastPart(table)
	}
	return strings.ReplaceAll(table, ".", "_")
}

// isWord says whether an expression can name a column so.
func isWord(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
