package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"odsd/internal/yamlfile"
	"odsd/project"
	"odsd/project/fileschema"
	"odsd/query"
)

type schemaFlags struct {
	graphql bool
	out     string
}

func schemaCommand(c *cli) *cobra.Command {
	var flags schemaFlags
	cmd := &cobra.Command{
		Use:   "schema [KIND]",
		Short: "Print the JSON Schemas of the project's files, or the GraphQL schema",
		Long: "Prints the JSON Schema of one kind of file: odsd, source, view, tests or schema; without\n" +
			"KIND all of them, one JSON object. An editor's YAML server completes, explains and checks\n" +
			"keys by them. With --graphql it prints the GraphQL schema of the project's views in SDL,\n" +
			"known from schema/*.yaml. It needs no database and no daemon.",
		Args: betweenArguments(0, 1, "one kind of file, or none"),
		RunE: func(_ *cobra.Command, args []string) error {
			files, err := c.schemaFiles(flags, args)
			switch {
			case err != nil:
				return err
			case flags.out != "":
				return c.writeSchemas(flags.out, files)
			case flags.graphql && c.json:
				return c.printJSON(map[string]string{"sdl": files[0].text})
			case len(files) == 1:
				return c.print(files[0].text)
			}
			return c.printSchemas(files)
		},
	}
	cmd.Flags().BoolVar(&flags.graphql, "graphql", false, "the GraphQL schema in SDL")
	cmd.Flags().StringVar(&flags.out, "out", "", "write files to this `folder`, over those that are there")
	return cmd
}

// schemaText is a schema as a file.
type schemaText struct{ kind, file, text string }

func (c *cli) schemaFiles(flags schemaFlags, args []string) ([]schemaText, error) {
	if flags.graphql {
		if len(args) > 0 {
			return nil, hintf("odsd schema --graphql").errorf("--graphql is of the whole project, not of %q", args[0])
		}
		sdl, err := c.sdl()
		return []schemaText{{"graphql", "schema.graphql", sdl}}, err
	}
	kinds := fileschema.Kinds()
	if len(args) > 0 {
		kind, ok := fileschema.Find(args[0])
		if !ok {
			return nil, hintf("the kinds are %s", kindNames()).errorf("no kind of file %q", args[0])
		}
		kinds = []fileschema.Kind{kind}
	}
	return jsonSchemas(kinds)
}

func jsonSchemas(kinds []fileschema.Kind) ([]schemaText, error) {
	var files []schemaText
	for _, kind := range kinds {
		text, err := kind.Text()
		if err != nil {
			return nil, err
		}
		files = append(files, schemaText{kind.Name, kind.FileName(), string(text)})
	}
	return files, nil
}

func kindNames() string {
	var names []string
	for _, k := range fileschema.Kinds() {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

// sdl is the GraphQL schema of the project's views. Clients are made of it, so a
// view with errors is not left out in silence.
func (c *cli) sdl() (string, error) {
	p, found := project.Load(c.dir, nil)
	if err := configError(found); err != nil {
		return "", err
	}
	checked, more := p.Check()
	found = append(found, more...)
	plans, more := compileViews(checked)
	found = yamlfile.Sort(append(found, more...))
	if yamlfile.HasErrors(found) {
		if err := yamlfile.Print(c.stderr, found); err != nil {
			return "", fmt.Errorf("write to stderr: %w", err)
		}
		return "", withHint(errors.New("the GraphQL schema is not known: the project has errors"), "mend them; 'odsd check' shows them again")
	}
	return query.SDL(plans)
}

// printSchemas prints several schemas as one object, by kind.
func (c *cli) printSchemas(files []schemaText) error {
	all := map[string]json.RawMessage{}
	for _, f := range files {
		all[f.kind] = json.RawMessage(f.text)
	}
	return c.printJSON(all)
}

// writeSchemas writes the files, which are made anew by each version, over what is there.
func (c *cli) writeSchemas(dir string, files []schemaText) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	written := []string{}
	for _, f := range files {
		path := filepath.Join(dir, f.file)
		if err := os.WriteFile(path, []byte(f.text), 0o644); err != nil {
			return fmt.Errorf("write the schema: %w", err)
		}
		written = append(written, filepath.ToSlash(path))
	}
	if c.json {
		return c.printJSON(map[string][]string{"written": written})
	}
	return c.print("wrote " + strings.Join(written, "\nwrote ") + "\n")
}
