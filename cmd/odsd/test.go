package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"odsd/internal/yamlfile"
	"odsd/project"
	"odsd/project/viewtest"
	"odsd/views"
)

type testFlags struct {
	format string
	run    string
}

// testReport is what `odsd test --json` prints.
type testReport struct {
	Passed int           `json:"passed"`
	Failed int           `json:"failed"`
	Tests  []testOutcome `json:"tests"`
}

type testOutcome struct {
	File        string           `json:"file"`
	Name        string           `json:"name"`
	View        string           `json:"view"`
	OK          bool             `json:"ok"`
	Differences []testDifference `json:"differences"`
	Seconds     float64          `json:"-"`
}

// testDifference is a cell that is not as expected. Way is set where the naive
// evaluator expected it and not the test.
type testDifference struct {
	Step     int    `json:"step"`
	Path     string `json:"path"`
	Actual   string `json:"actual"`
	Expected string `json:"expected"`
	Way      string `json:"way,omitempty"`
}

func testCommand(c *cli) *cobra.Command {
	var flags testFlags
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Run the view tests of tests/*.yaml",
		Long: "Runs each view test three ways on the real engine, in memory: all rows at once, one change\n" +
			"at a time, and shuffled across sources. It needs no database and no secrets. Exit code 1\n" +
			"when a test fails.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if c.json {
				flags.format = "json"
			}
			if !slices.Contains([]string{"text", "json", "junit"}, flags.format) {
				return hintf("text, json or junit").errorf("no format %q", flags.format)
			}
			wanted, err := regexp.Compile(flags.run)
			if err != nil {
				return withHint(err, "--run takes a regular expression")
			}
			return c.test(ctx, flags.format, wanted)
		},
	}
	cmd.Flags().StringVar(&flags.format, "format", "text", "`text`, json or junit")
	cmd.Flags().StringVar(&flags.run, "run", "", "run only the tests whose name matches this `regexp`")
	return cmd
}

func (c *cli) test(ctx context.Context, format string, wanted *regexp.Regexp) error {
	checked, tests, err := c.loadTests()
	if err != nil {
		return err
	}
	tests = slices.DeleteFunc(tests, func(t *project.ViewTest) bool { return !wanted.MatchString(t.Name) })
	report := testReport{Tests: []testOutcome{}} // [] and not null
	for _, t := range tests {
		o, err := runTest(ctx, checked, t)
		if err != nil {
			return err
		}
		if o.OK {
			report.Passed++
		} else {
			report.Failed++
		}
		report.Tests = append(report.Tests, o)
	}
	if err := c.printTests(format, report); err != nil {
		return err
	}
	if report.Failed > 0 {
		return outcome(exitFindings)
	}
	return nil
}

// loadTests reads the folder. A project with errors is not tested: they are
// printed, since they are what is to be mended first.
func (c *cli) loadTests() ([]*views.View, []*project.ViewTest, error) {
	p, found := project.Load(c.dir, nil)
	checked, more := p.Check()
	found = append(found, more...)
	_, more = compileViews(checked)
	found = append(found, more...)
	tests, more := p.CheckTests(checked)
	found = yamlfile.Sort(append(found, more...))
	if !yamlfile.HasErrors(found) {
		return checked, tests, nil
	}
	if err := yamlfile.Print(c.stderr, found); err != nil {
		return nil, nil, fmt.Errorf("write to stderr: %w", err)
	}
	return nil, nil, hintf("'odsd check' shows them too").errorf("the project has errors: its tests were not run")
}

func runTest(ctx context.Context, checked []*views.View, t *project.ViewTest) (testOutcome, error) {
	start := time.Now()
	found, err := viewtest.Run(ctx, checked, t)
	if err != nil {
		return testOutcome{}, fmt.Errorf("test %q of %s: %w", t.Name, t.File, err)
	}
	o := testOutcome{
		File: t.File, Name: t.Name, View: t.View.Name, OK: len(found) == 0,
		Differences: make([]testDifference, len(found)), Seconds: time.Since(start).Seconds(),
	}
	for i, d := range found {
		o.Differences[i] = testDifference(d)
	}
	return o, nil
}

func (c *cli) printTests(format string, report testReport) error {
	switch format {
	case "json":
		return c.printJSON(report)
	case "junit":
		return report.printJUnit(c.stdout)
	}
	for _, o := range report.Tests {
		o.print(c.stdout)
	}
	_, err := fmt.Fprintf(c.stdout, "%s: %d passed, %d failed\n", plural(len(report.Tests), "test"), report.Passed, report.Failed)
	if err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	return nil
}

// print shows a failed test's cells; of one that passed a line says so.
func (o testOutcome) print(w io.Writer) {
	if o.OK {
		fmt.Fprintf(w, "ok    %s: %s\n", o.File, o.Name)
		return
	}
	fmt.Fprintf(w, "FAIL  %s: %s\n", o.File, o.Name)
	cells := &table{head: []string{"  AFTER", "CELL", "ACTUAL", "EXPECTED"}}
	for _, d := range o.Differences {
		cells.add("  "+d.after(), d.Path, d.Actual, d.expected())
	}
	cells.print(w)
}

// after names the moment of a difference.
func (d testDifference) after() string {
	if d.Step == 0 {
		return "given"
	}
	return "step " + strconv.Itoa(d.Step)
}

func (d testDifference) expected() string {
	if d.Way == "" {
		return d.Expected
	}
	return d.Expected + " by the naive evaluator, when rows come " + d.Way
}
