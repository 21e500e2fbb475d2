package main

import (
	"fmt"
	"io"
	"strings"

	"odsd/internal/yamlfile"
)

// printFindings prints what a check found, for people, machines or a pull
// request's page.
func (c *cli) printFindings(format string, found []yamlfile.Diagnostic) error {
	switch format {
	case "json":
		if found == nil {
			found = []yamlfile.Diagnostic{} // [] and not null
		}
		return c.printJSON(found)
	case "github":
		for _, d := range found {
			if _, err := fmt.Fprintln(c.stdout, annotation(d)); err != nil {
				return fmt.Errorf("write to stdout: %w", err)
			}
		}
		return nil
	}
	if err := yamlfile.Print(c.stdout, found); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	return nil
}

// annotation is a workflow command that marks the line in a pull request.
func annotation(d yamlfile.Diagnostic) string {
	message := d.Message
	if d.Hint != "" {
		message += "\n" + d.Hint
	}
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	return fmt.Sprintf("::%s file=%s,line=%d,col=%d,title=%s::%s", d.Severity, property.Replace(d.File), d.Line, d.Col, property.Replace(d.Code), data.Replace(message))
}

// countFindings ends a text report: what was looked at and what was found.
func countFindings(w io.Writer, sources, views int, found []yamlfile.Diagnostic) {
	errors, warnings := 0, 0
	for _, d := range found {
		if d.Severity == yamlfile.Error {
			errors++
		} else {
			warnings++
		}
	}
	fmt.Fprintf(w, "%s, %s: %s, %s\n", plural(sources, "source"), plural(views, "view"), plural(errors, "error"), plural(warnings, "warning"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
