package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// maxCell is how much of a cell a table shows; --json and --csv show all.
const maxCell = 60

type queryFlags struct {
	reach     reach
	csv       bool
	variables string
}

func queryCommand(c *cli) *cobra.Command {
	var flags queryFlags
	cmd := &cobra.Command{
		Use:   "query GRAPHQL",
		Short: "Run a GraphQL query on a running daemon",
		Long: "Runs a GraphQL query on a running daemon and prints the reply as a table, with how\n" +
			"fresh it is below. 'odsd query -' reads the query from stdin.",
		Example: "  odsd query '{ customer360(id: \"1\") { name orders(limit: 3) { id total } } }'",
		Args:    exactArguments(1, "one query, or - to read it from stdin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if flags.csv && c.json {
				return withHint(errors.New("--csv and --json exclude each other"), "leave one out")
			}
			body, err := flags.request(c, args[0])
			if err != nil {
				return err
			}
			d, err := flags.reach.daemon(c)
			if err != nil {
				return err
			}
			return c.runQuery(ctx, d, body, flags.csv)
		},
	}
	flags.reach.add(cmd)
	cmd.Flags().BoolVar(&flags.csv, "csv", false, "print CSV, of a query with one root field")
	cmd.Flags().StringVar(&flags.variables, "variables", "", "the query's variables as a `JSON` object")
	return cmd
}

// request is the body of the POST.
func (f *queryFlags) request(c *cli, query string) ([]byte, error) {
	if query == "-" {
		text, err := io.ReadAll(c.stdin)
		if err != nil {
			return nil, fmt.Errorf("read the query from stdin: %w", err)
		}
		query = string(text)
	}
	request := struct {
		Query     string          `json:"query"`
		Variables json.RawMessage `json:"variables,omitempty"`
	}{Query: query}
	if f.variables != "" {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(f.variables), &object); err != nil {
			return nil, hintf(`write them as in --variables '{"id": "1"}'`).errorf("--variables is not a JSON object: %w", err)
		}
		request.Variables = json.RawMessage(f.variables)
	}
	return json.Marshal(request)
}

func (c *cli) runQuery(ctx context.Context, d *daemon, body []byte, asCSV bool) error {
	code, text, err := d.do(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	decoded, err := decodeOrdered(text)
	reply, ok := decoded.(object)
	if err != nil || !ok {
		return d.refusal(code, text)
	}
	if c.json {
		if err := c.printJSON(reply); err != nil {
			return err
		}
		return c.replyErrors(reply)
	}
	if data, ok := reply.get("data").(object); ok {
		if err := c.printData(data, reply, asCSV); err != nil {
			return err
		}
	} else if reply.get("errors") == nil {
		return d.refusal(code, text)
	}
	return c.replyErrors(reply)
}

func (c *cli) printData(data, reply object, asCSV bool) error {
	if asCSV {
		if len(data) != 1 {
			return hintf("ask for one, or print --json").errorf("--csv prints one root field, the query has %d", len(data))
		}
		if err := printCSV(c.stdout, rowsOf(data[0].value)); err != nil {
			return fmt.Errorf("write to stdout: %w", err)
		}
		printFreshness(c.stderr, reply)
		return nil
	}
	for _, field := range data {
		if len(data) > 1 {
			fmt.Fprintf(c.stdout, "%s\n", field.name)
		}
		printRows(c.stdout, rowsOf(field.value))
		fmt.Fprintln(c.stdout)
	}
	printFreshness(c.stdout, reply)
	return nil
}

// printRows prints rows as a table, one object as its fields one below the other.
func printRows(w io.Writer, s rowSet) {
	t := &table{}
	switch {
	case s.single && len(s.rows) == 0:
		fmt.Fprintln(w, "(null)")
		return
	case s.single:
		t.head = []string{"field", "value"}
		for i, name := range s.columns {
			t.add(name, shorten(s.cell(s.rows[0], i)))
		}
	default:
		t.head = s.columns
		for i := range s.columns {
			if s.numeric(i) {
				t.right = append(t.right, i)
			}
		}
		for _, row := range s.rows {
			cells := make([]string, len(s.columns))
			for i := range cells {
				cells[i] = shorten(s.cell(row, i))
			}
			t.add(cells...)
		}
	}
	t.print(w)
	switch {
	case s.single:
	case len(s.rows) == 1:
		fmt.Fprintln(w, "(1 row)")
	default:
		fmt.Fprintf(w, "(%d rows)\n", len(s.rows))
	}
}

// shorten makes a cell fit on a line, without control characters that a
// terminal would obey.
func shorten(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > maxCell {
		return string(runes[:maxCell-1]) + "…"
	}
	return s
}

func printCSV(w io.Writer, s rowSet) error {
	out := csv.NewWriter(w)
	if err := out.Write(s.columns); err != nil {
		return err
	}
	for _, row := range s.rows {
		cells := make([]string, len(s.columns))
		for i := range cells {
			cells[i] = s.cell(row, i)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// printFreshness says how old what was shown is, source by source.
func printFreshness(w io.Writer, reply object) {
	extensions, _ := reply.get("extensions").(object)
	sources, _ := extensions.get("freshness").(object)
	var parts []string
	for _, s := range sources {
		state, _ := s.value.(object)
		part := s.name
		if lsn, ok := state.get("lsn").(string); ok {
			part += " " + lsn
		}
		if lag, ok := state.get("lagSeconds").(json.Number); ok {
			if seconds, err := lag.Float64(); err == nil {
				part += " (" + durationText(seconds) + " behind)"
			}
		}
		parts = append(parts, part)
	}
	if len(parts) > 0 {
		fmt.Fprintln(w, "fresh as of", strings.Join(parts, ", "))
	}
}

// replyErrors prints the reply's errors to stderr.
func (c *cli) replyErrors(reply object) error {
	list, _ := reply.get("errors").([]any)
	for _, element := range list {
		o, _ := element.(object)
		message, _ := o.get("message").(string)
		extensions, _ := o.get("extensions").(object)
		if code, ok := extensions.get("code").(string); ok {
			message = code + ": " + message
		}
		err := errors.New(message)
		if hint, ok := extensions.get("hint").(string); ok && hint != "" {
			err = withHint(err, hint)
		}
		printError(c.stderr, err)
	}
	if len(list) > 0 {
		return outcome(exitTrouble)
	}
	return nil
}
