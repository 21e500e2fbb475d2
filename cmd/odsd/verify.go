package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"odsd/engine"
	"odsd/storage"
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
			"on any difference, and when something could not be compared. Where no daemon runs, the\n" +
			"store is opened and its documents are compared with its rows alone.",
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
			if errors.Is(err, errNoDaemon) && request.Source == "" {
				return c.verifyClosed(ctx, request, err)
			}
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

// checkTables reads all that a store holds, so that damage is told which lies beside what was compared.
func checkTables(ctx context.Context, store *storage.Store, dataDir string) (err error) {
	scratch, err := emptyScratch(dataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return fmt.Errorf("make the folder of what is passing: %w", err)
	}
	checkpoint := filepath.Join(scratch, "checkpoint")
	if err := store.Checkpoint(checkpoint, func(storage.Reader) error { return nil }); err != nil {
		return err
	}
	return store.CheckTables(ctx, checkpoint)
}

// verifyClosed verifies the store of a project whose daemon does not run; where there
// is none, nothing was ever stored and the daemon is what is missing.
func (c *cli) verifyClosed(ctx context.Context, request verifyRequest, missing error) error {
	dir, err := c.dataDir()
	if err != nil {
		return err
	}
	if there, err := anyStore(dir); err != nil || !there {
		return missing
	}
	store, err := openStore(dir, c.warnings())
	if err != nil {
		return err
	}
	defer store.Close()
	c.note("no daemon runs: documents are compared with the stored rows, and those not with their sources")
	report, err := engine.VerifyStored(ctx, store, request.options())
	if err == nil {
		err = checkTables(ctx, store, dir)
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return c.showReport(text)
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
	var not []string // compared, and why
	if len(r.Sources) > 0 {
		sources := &table{head: []string{"SOURCE", "AT LSN", "ROWS", "DIFFERENCES"}, right: []int{2, 3}}
		for _, s := range r.Sources {
			sources.add(s.Name, s.LSN, countText(s.Rows), countText(s.Differences))
			if s.Error != "" {
				not = append(not, "source "+s.Name+": "+s.Error)
			}
		}
		sources.print(w)
		fmt.Fprintln(w)
	}
	if len(r.Views) > 0 {
		views := &table{head: []string{"VIEW", "DOCUMENTS", "DIFFERENCES"}, right: []int{1, 2}}
		for _, v := range r.Views {
			views.add(v.Name, countText(v.Documents), countText(v.Differences))
			if v.Error != "" {
				not = append(not, "view "+v.Name+": "+v.Error)
			}
		}
		views.print(w)
		fmt.Fprintln(w)
	}
	for _, d := range r.Differences {
		fmt.Fprintln(w, differenceText(d))
	}
	for _, line := range not {
		fmt.Fprintln(w, line)
	}
	switch {
	case r.OK:
		fmt.Fprintln(w, "ok: the store is right")
	case len(r.Differences) > 0:
		fmt.Fprintln(w, "NOT OK: the store differs")
	default:
		fmt.Fprintln(w, "NOT OK: not all could be compared; no difference in what was")
	}
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
