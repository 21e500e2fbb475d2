package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"odsd/engine"
)

// verifyReport is the daemon's report as it is printed for people.
type verifyReport engine.VerifyReport

func verifyCommand(c *cli) *cobra.Command {
	var request verifyRequest
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove a running daemon's store right",
		Long: "Compares every stored row with its source at one LSN, and every document with\n" +
			"what its definition makes of those rows, computed by another evaluator. Exit code 1\n" +
			"on any difference.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			d, err := (&reach{}).daemon(c)
			if err != nil {
				return err
			}
			body, err := json.Marshal(request)
			if err != nil {
				return fmt.Errorf("write the request: %w", err)
			}
			code, text, err := d.do(ctx, http.MethodPost, "/verify", bytes.NewReader(body))
			if err != nil {
				return err
			}
			if code != http.StatusOK {
				return d.refusal(code, text)
			}
			return c.showReport(text)
		},
	}
	cmd.Flags().StringVar(&request.Source, "source", "", "verify the rows of this `source` alone")
	cmd.Flags().StringVar(&request.View, "view", "", "verify the documents of this `view` alone")
	cmd.Flags().BoolVar(&request.Values, "values", false, "show stored and expected values: rows' contents")
	return cmd
}

func (c *cli) showReport(text []byte) error {
	var report verifyReport
	if err := json.Unmarshal(text, &report); err != nil {
		return fmt.Errorf("read the daemon's report: %w", err)
	}
	if c.json {
		if _, err := fmt.Fprintln(c.stdout, strings.TrimSpace(string(text))); err != nil {
			return fmt.Errorf("write to stdout: %w", err)
		}
	} else {
		report.print(c.stdout)
	}
	if !report.OK {
		return outcome(exitFindings)
	}
	return nil
}

func (r verifyReport) print(w io.Writer) {
	if len(r.Sources) > 0 {
		sources := &table{head: []string{"SOURCE", "AT LSN", "ROWS", "DIFFERENCES"}, right: []int{2, 3}}
		for _, s := range r.Sources {
			sources.add(s.Name, s.LSN, countText(s.Rows), orError(s.Error, countText(s.Differences)))
		}
		sources.print(w)
		fmt.Fprintln(w)
	}
	if len(r.Views) > 0 {
		views := &table{head: []string{"VIEW", "DOCUMENTS", "DIFFERENCES"}, right: []int{1, 2}}
		for _, v := range r.Views {
			views.add(v.Name, countText(v.Documents), orError(v.Error, countText(v.Differences)))
		}
		views.print(w)
		fmt.Fprintln(w)
	}
	for _, d := range r.Differences {
		fmt.Fprintln(w, differenceText(d))
	}
	if r.OK {
		fmt.Fprintln(w, "ok: the store is right")
	} else {
		fmt.Fprintln(w, "NOT OK: the store differs")
	}
}

// orError shows why something could not be compared in place of a number.
func orError(message, text string) string {
	if message != "" {
		return message
	}
	return text
}

// differenceText is one line: what kind of difference, where, and with --values what.
func differenceText(d engine.VerifyDifference) string {
	s := d.Kind + " " + d.Relation + " " + d.Key
	if d.Field != "" {
		s += " " + d.Field
	}
	if d.Stored != "" {
		s += " stored " + d.Stored
	}
	if d.Expected != "" {
		s += " expected " + d.Expected
	}
	return s
}
