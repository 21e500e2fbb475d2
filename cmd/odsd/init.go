package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"odsd/engine"
	"odsd/engine/postgres"
	"odsd/project"
	"odsd/project/fileschema"
	"odsd/storage/relation"
)

// initReport is what `odsd init --json` prints.
type initReport struct {
	Written []string       `json:"written"`
	Guessed []string       `json:"guessed"` // joins made of names alone
	Missing []initSettings `json:"missing"`
}

// initSettings is what keeps a database from being captured.
type initSettings struct {
	Source  string `json:"source"`
	Table   string `json:"table,omitempty"`
	Message string `json:"message"`
	Mend    string `json:"mend"` // SQL, or what to do
}

func initCommand(c *cli) *cobra.Command {
	var given []string
	cmd := &cobra.Command{
		Use:   "init --dsn NAME=DSN …",
		Short: "Make a project of live databases",
		Long: "Asks the databases for their tables and writes a project: sources, schemas, and starter\n" +
			"views made of keys and foreign keys. It lists the settings that a database lacks with the\n" +
			"SQL that mends each. Files that exist are never written over, and a DSN is never written:\n" +
			"the source NAME reads the environment variable NAME_DSN. The first line of each file names\n" +
			"its JSON Schema in .odsd/, by which editors complete and check it.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			dsns, err := parseDSNs(given)
			if err != nil {
				return err
			}
			return c.init(ctx, dsns)
		},
	}
	cmd.Flags().StringArrayVar(&given, "dsn", nil, "`NAME=DSN` of a database; may be given many times")
	return cmd
}

// parseDSNs reads NAME=DSN. What is wrong is said without the DSN.
func parseDSNs(given []string) (map[string]string, error) {
	if len(given) == 0 {
		return nil, hintf("odsd init --dsn shop=postgres://odsd@db.example/shop").errorf("no database is named")
	}
	dsns := map[string]string{}
	for i, text := range given {
		name, dsn, ok := strings.Cut(text, "=")
		switch {
		case !ok || dsn == "" || strings.Contains(name, ":"):
			return nil, hintf("write --dsn NAME=DSN").errorf("the %s --dsn does not name its database", ordinal(i+1))
		case !project.ValidSourceName(name):
			return nil, hintf("small letters, digits and underscores, at most 58").errorf("a source cannot be named %q", name)
		case dsns[name] != "":
			return nil, hintf("give each database a name of its own").errorf("two databases are named %q", name)
		}
		dsns[name] = dsn
	}
	return dsns, nil
}

func ordinal(n int) string {
	switch n {
	case 1:
		return "first"
	case 2:
		return "second"
	case 3:
		return "third"
	}
	return fmt.Sprintf("%dth", n)
}

func (c *cli) init(ctx context.Context, dsns map[string]string) error {
	if _, err := os.Stat(filepath.Join(c.dir, project.ConfigFile)); err == nil {
		return hintf("-C names another folder").errorf("there is a project already: %s exists", project.ConfigFile)
	}
	report := initReport{Guessed: []string{}, Missing: []initSettings{}}
	var sources []project.StarterSource
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(dsns)) {
		source, missing, err := discover(ctx, name, dsns[name])
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = append(failed, hinted(err))
			continue
		}
		sources = append(sources, source)
		report.Missing = append(report.Missing, missing...)
	}
	if n := len(failed) - 1; n >= 0 { // each is told, and nothing is written
		for _, err := range failed[:n] {
			printError(c.stderr, err)
		}
		return failed[n]
	}
	files, guesses := project.Starter(sources)
	for _, r := range guesses {
		report.Guessed = append(report.Guessed, r.String())
	}
	schemas, err := jsonSchemas(fileschema.Kinds())
	if err != nil {
		return err
	}
	for _, f := range schemas {
		files = append(files, project.StarterFile{Name: fileschema.Folder + "/" + f.file, Text: []byte(f.text)})
	}
	if err := writeNew(c.dir, files); err != nil {
		return err
	}
	for _, f := range files {
		report.Written = append(report.Written, f.Name)
	}
	if c.json {
		return c.printJSON(report)
	}
	report.print(c.stdout, sources)
	return nil
}

// hinted shows with a source's fault how to mend it.
func hinted(err error) error {
	if fault := (*engine.Halt)(nil); errors.As(err, &fault) && fault.Hint != "" {
		return withHint(err, fault.Hint)
	}
	return err
}

// discover asks one database what a project needs to know of it.
func discover(ctx context.Context, name, dsn string) (project.StarterSource, []initSettings, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*introspectTimeout)
	defer cancel()
	config := postgres.Config{
		Name: name, DSN: dsn, Slot: "odsd_" + name, Publication: "odsd_" + name, Timezone: time.UTC, Tables: []string{"*"},
	}
	source := project.StarterSource{Name: name}
	schemas, lacks, err := postgres.Introspect(ctx, config)
	if err != nil {
		return source, nil, err
	}
	keys, err := postgres.ForeignKeys(ctx, config)
	if err != nil {
		return source, nil, err
	}
	for _, k := range keys {
		source.References = append(source.References, project.Reference{Table: k.Table, Columns: k.Columns, References: k.References, To: k.To})
	}
	source.Schema = &project.SchemaFile{Source: name, Tables: schemas, Labels: labelsOf(schemas)}
	var missing []initSettings
	for _, lack := range lacks {
		missing = append(missing, initSettings{Source: name, Table: lack.Table, Message: lack.Message, Mend: lack.Hint})
	}
	source.LeftOut = leftOut(name, schemas, lacks)
	if len(schemas) == 0 {
		return source, nil, withHint(fmt.Errorf("source %s: there is no table that can be captured", name), mends(missing))
	}
	return source, missing, nil
}

func mends(missing []initSettings) string {
	var lines []string
	for _, m := range missing {
		lines = append(lines, strings.TrimSpace(m.Table+" "+m.Message)+": "+m.Mend)
	}
	if len(lines) == 0 {
		return "is this the right database?"
	}
	return strings.Join(lines, "\n")
}

// leftOut are the tables that cannot be captured whatever is set: those without
// a schema, such as one without a key.
func leftOut(source string, schemas []*relation.Schema, lacks []engine.Halt) []project.LeftOut {
	var out []project.LeftOut
	for _, lack := range lacks {
		if lack.Table == "" || slices.ContainsFunc(schemas, func(s *relation.Schema) bool { return s.Name == lack.Table }) {
			continue
		}
		table := strings.TrimPrefix(lack.Table, source+".")
		if n := len(out) - 1; n >= 0 && out[n].Table == table {
			out[n].Why += "; " + lack.Message
		} else {
			out = append(out, project.LeftOut{Table: table, Why: lack.Message})
		}
	}
	return out
}

// writeNew writes files that must not exist, all or none: what was written is
// taken away again where one cannot be.
func writeNew(dir string, files []project.StarterFile) (err error) {
	var written []string
	defer func() {
		if err != nil {
			for _, path := range written {
				err = errors.Join(err, os.Remove(path))
			}
		}
	}()
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return hintf("-C names another folder").errorf("%s exists and is not written over", f.Name)
		}
		if err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
		written = append(written, path)
		_, err = io.Copy(file, bytes.NewReader(f.Text))
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
	}
	return nil
}

func (r initReport) print(w io.Writer, sources []project.StarterSource) {
	for _, name := range r.Written {
		fmt.Fprintln(w, "wrote", name)
	}
	for _, guess := range r.Guessed {
		fmt.Fprintln(w, "guessed from the names:", guess)
	}
	for _, m := range r.Missing {
		where := m.Source
		if m.Table != "" {
			where = m.Table
		}
		fmt.Fprintf(w, "\n%s: %s\n", where, m.Message)
		for line := range strings.Lines(m.Mend) {
			fmt.Fprintf(w, "    %s\n", strings.TrimRight(line, "\n"))
		}
	}
	var variables []string
	for _, s := range sources {
		variables = append(variables, project.DSNVariable(s.Name))
	}
	fmt.Fprintf(w, "\nSet %s; then 'odsd check --live' and 'odsd run'.\n", strings.Join(variables, ", "))
}
