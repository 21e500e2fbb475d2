package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"odsd/engine/postgres"
	"odsd/internal/yamlfile"
	"odsd/project"
	"odsd/query"
	"odsd/storage/relation"
	"odsd/views"
)

type checkFlags struct {
	format string
	live   bool
	write  bool
}

func checkCommand(c *cli) *cobra.Command {
	var flags checkFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check all files of the project",
		Long: "Reads the whole project folder and reports every error at once. Without --live it needs\n" +
			"no database and no secrets: tables are known from schema/*.yaml.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if c.json {
				flags.format = "json"
			}
			if !slices.Contains([]string{"text", "json", "github"}, flags.format) {
				return hintf("text, json or github").errorf("no format %q", flags.format)
			}
			if flags.write && !flags.live {
				return withHint(errors.New("--write writes what the databases tell"), "add --live")
			}
			return c.check(ctx, flags)
		},
	}
	cmd.Flags().StringVar(&flags.format, "format", "text", "`text`, json, or github for annotations of a pull request")
	cmd.Flags().BoolVar(&flags.live, "live", false, "ask the databases too: can they be captured, do they differ from schema/*.yaml")
	cmd.Flags().BoolVar(&flags.write, "write", false, "with --live: write schema/*.yaml")
	return cmd
}

func (c *cli) check(ctx context.Context, flags checkFlags) error {
	var env project.Env
	if flags.live {
		env = os.LookupEnv
	}
	p, found := project.Load(c.dir, env)
	schemas := p.Schemas
	if flags.live {
		live, more, err := c.checkLive(ctx, p, flags.write)
		if err != nil {
			return err
		}
		schemas = withLive(schemas, live)
		found = append(withoutCapture(found, p, live), more...)
	}
	checked, more := p.CheckAgainst(schemas)
	found = append(found, more...)
	_, more = compileViews(checked)
	found = append(found, more...)
	_, more = p.CheckTests(checked)
	found = yamlfile.Sort(append(found, more...))
	if err := c.printFindings(flags.format, found); err != nil {
		return err
	}
	if flags.format == "text" {
		countFindings(c.stdout, len(p.Sources), len(p.Definitions), found)
	}
	if yamlfile.HasErrors(found) {
		return outcome(exitFindings)
	}
	return nil
}

// checkLive asks the databases and gives what those told that could be asked.
func (c *cli) checkLive(ctx context.Context, p *project.Project, write bool) (map[string]*introspection, []yamlfile.Diagnostic, error) {
	found := p.Resolve(os.LookupEnv)
	known := slices.DeleteFunc(slices.Clone(p.Sources), func(s *project.Source) bool { return s.DSN == "" })
	live := introspect(ctx, known)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	for _, s := range known {
		told := live[s.Name]
		if told.err != nil {
			message, hint := faultText(told.err)
			found = append(found, s.Finding("", yamlfile.CodeCapture, hint, message)...)
			delete(live, s.Name)
			continue
		}
		for _, lack := range told.lacks {
			table := strings.TrimPrefix(lack.Table, s.Name+".")
			found = append(found, s.Finding(table, yamlfile.CodeCapture, lack.Hint, lack.Error())...)
		}
		found = append(found, unlistedFindings(ctx, s)...)
		if write {
			if err := c.writeSchema(p, s.Name, told.schemas); err != nil {
				return nil, nil, err
			}
		} else if file := p.Files[s.Name]; file != nil {
			found = append(found, driftFindings(file, told.schemas)...)
		}
	}
	return live, found, nil
}

// unlistedFindings warn of columns that a publication leaves out though nobody excludes them.
func unlistedFindings(ctx context.Context, s *project.Source) []yamlfile.Diagnostic {
	ctx, cancel := context.WithTimeout(ctx, introspectTimeout)
	defer cancel()
	tables, err := postgres.Unlisted(ctx, captureOf(s, nil))
	if err != nil { // it answered a moment ago
		message, hint := faultText(err)
		return s.Finding("", yamlfile.CodeCapture, hint, message)
	}
	var found []yamlfile.Diagnostic
	for _, t := range tables {
		for _, d := range s.Finding(strings.TrimPrefix(t.Table, s.Name+"."), yamlfile.CodeCapture, t.Hint, t.Error()) {
			d.Severity = yamlfile.Warning
			found = append(found, d)
		}
	}
	return found
}

func driftFindings(file *project.SchemaFile, live []*relation.Schema) []yamlfile.Diagnostic {
	var found []yamlfile.Diagnostic
	for _, d := range drift(file, live) {
		found = append(found, yamlfile.Diagnostic{
			File: "schema/" + file.Source + ".yaml", Line: 1, Col: 1, Code: yamlfile.CodeSchema, Severity: yamlfile.Warning,
			Message: d.table + ": " + d.what, Hint: "'odsd check --live --write' brings the file up to date",
		})
	}
	return found
}

// withLive puts the tables that databases told of in the place of those from files.
func withLive(schemas map[string]*relation.Schema, live map[string]*introspection) map[string]*relation.Schema {
	schemas = maps.Clone(schemas)
	for source, told := range live {
		maps.DeleteFunc(schemas, func(name string, _ *relation.Schema) bool { return strings.HasPrefix(name, source+".") })
		for _, s := range told.schemas {
			schemas[s.Name] = s
		}
	}
	return schemas
}

// withoutCapture leaves out what is said of missing schema files and of tables missing in
// them, for sources whose database told better.
func withoutCapture(found []yamlfile.Diagnostic, p *project.Project, live map[string]*introspection) []yamlfile.Diagnostic {
	return slices.DeleteFunc(found, func(d yamlfile.Diagnostic) bool {
		return d.Code == yamlfile.CodeCapture && slices.ContainsFunc(p.Sources, func(s *project.Source) bool {
			return s.File() == d.File && live[s.Name] != nil
		})
	})
}

// labelsOf are the labels of the enums that tables use, by the enum's name.
func labelsOf(tables []*relation.Schema) map[string][]string {
	labels := map[string][]string{}
	for _, table := range tables {
		for _, column := range table.Columns {
			if len(column.Labels) > 0 {
				labels[strings.TrimSuffix(column.Type.String(), "[]")] = column.Labels
			}
		}
	}
	return labels
}

// writeSchema writes schema/<source>.yaml where it would change.
func (c *cli) writeSchema(p *project.Project, source string, tables []*relation.Schema) error {
	file := &project.SchemaFile{Source: source, Tables: tables, Labels: labelsOf(tables)}
	folder := filepath.Join(p.Dir, "schema")
	path := filepath.Join(folder, source+".yaml")
	text := file.Format()
	if before, err := os.ReadFile(path); err == nil && bytes.Equal(before, text) {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("write the schema of %s: %w", source, err)
	}
	// Renamed into place, so that whoever reads it meanwhile finds it whole.
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return fmt.Errorf("write the schema of %s: %w", source, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write the schema of %s: %w", source, err)
	}
	c.note("wrote schema/%s.yaml", source)
	return nil
}

// compileViews lowers checked views to plans. What cannot be lowered, or cannot
// stand beside the others in one GraphQL schema, is left out and reported.
func compileViews(checked []*views.View) ([]*views.Plan, []yamlfile.Diagnostic) {
	var plans []*views.Plan
	var found []yamlfile.Diagnostic
	report := func(file, message string) {
		found = append(found, yamlfile.Diagnostic{
			File: file, Line: 1, Col: 1, Code: yamlfile.CodeGraphQL, Severity: yamlfile.Error, Message: message,
		})
	}
	for _, v := range checked {
		plan, err := views.Compile(v)
		if err != nil {
			report(v.File, err.Error())
			continue
		}
		plans = append(plans, plan)
	}
	for _, problem := range query.CheckSchema(plans) {
		at := slices.IndexFunc(plans, func(p *views.Plan) bool { return p.View.Name == problem.View })
		if at < 0 {
			report("views", problem.Message)
			continue
		}
		report(plans[at].View.File, problem.Message)
		plans = slices.Delete(plans, at, at+1)
	}
	return plans, found
}
