package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"odsd/internal/yamlfile"
	"odsd/project"
	"odsd/query"
	"odsd/views"
)

func explainCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "explain VIEW|FILE.graphql|CODE",
		Short: "Show the plan of a view or of a query, or what an error code means",
		Long: "Shows how a view is kept: its joins, the index behind each, where rows lie and what moves\n" +
			"them, its aggregates, and what a change of each table touches and costs, by the rows that a\n" +
			"running daemon counts, else by those of schema/*.yaml. Of a query in a file it shows how its\n" +
			"documents are found. A code as E012 is explained at length. It needs no database.",
		Args: exactArguments(1, "a view, a file or a code"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if errorCode.MatchString(args[0]) {
				return c.explainCode(strings.ToUpper(args[0]))
			}
			if strings.HasSuffix(args[0], ".graphql") {
				return c.explainQuery(args[0])
			}
			return c.explainView(cmd.Context(), args[0])
		},
	}
}

var errorCode = regexp.MustCompile(`^[Ee][0-9]{3}$`)

func (c *cli) explainCode(code string) error {
	e, ok := yamlfile.Explain(code)
	if !ok {
		return hintf("the codes are %s", strings.Join(yamlfile.Codes(), ", ")).errorf("there is no code %s", code)
	}
	if c.json {
		return c.printJSON(e)
	}
	return c.print(fmt.Sprintf("%s: %s\n\n%s\n", e.Code, e.Title, wrap(e.Text, 80)))
}

func (c *cli) explainView(ctx context.Context, name string) error {
	p, found := project.Load(c.dir, nil)
	checked, more := p.Check()
	found = append(found, more...)
	plans, more := compileViews(checked)
	found = append(found, more...)
	for _, plan := range plans {
		if plan.View.Name != name {
			continue
		}
		if explanation := c.explanation(ctx, plan, p.Schemas); c.json {
			return c.printJSON(explanation)
		} else {
			return c.print(explanation.String())
		}
	}
	return c.noPlan(name, p.Definitions, found)
}

// explainQuery explains a query by the project's views; views with errors are
// not there, as with a running daemon.
func (c *cli) explainQuery(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the query: %w", err)
	}
	p, _ := project.Load(c.dir, nil)
	checked, _ := p.Check()
	plans, _ := compileViews(checked)
	plan, err := query.Explain(plans, requestLimits(p.Config.Limits), &query.Request{Query: string(text)})
	if problem := (*query.Error)(nil); errors.As(err, &problem) && problem.Hint != "" {
		return withHint(err, problem.Hint)
	}
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(map[string]string{"plan": plan})
	}
	return c.print(plan)
}

// noPlan says why there is nothing to explain: the view's own findings, or that
// there is no such view.
func (c *cli) noPlan(name string, definitions []*views.Definition, found []yamlfile.Diagnostic) error {
	var names []string
	for _, d := range definitions {
		if d.Name.Value == name {
			if err := yamlfile.Print(c.stderr, yamlfile.Sort(found)); err != nil {
				return fmt.Errorf("write to stderr: %w", err)
			}
			return hintf("'odsd check' shows all findings").errorf("the view %s cannot be explained: the project has errors", name)
		}
		names = append(names, d.Name.Value)
	}
	if hint := yamlfile.DidYouMean(name, names); hint != "" {
		return hintf("%s", hint).errorf("no view %q", name)
	}
	if len(names) == 0 {
		return hintf("the project has no views; codes are written as E012").errorf("no view %q", name)
	}
	return hintf("the views are %s; codes are written as E012", strings.Join(names, ", ")).errorf("no view %q", name)
}

// print writes a text to stdout.
func (c *cli) print(text string) error {
	if _, err := io.WriteString(c.stdout, text); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	return nil
}

// wrap breaks a paragraph into lines of at most width bytes, at blanks.
func wrap(text string, width int) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
		case column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
