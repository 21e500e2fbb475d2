package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"odsd/engine"
	"odsd/storage/relation"
)

// statusDocument is what /statusz and `odsd status --json` give.
type statusDocument struct {
	engine.Status
	Sources []sourceStatus `json:"sources"`
}

// sourceStatus is a source's status with what its project expects of it.
type sourceStatus struct {
	engine.SourceStatus
	// ErrorAfterSeconds is the lag from which on the source counts as failed; 0
	// where none is declared.
	ErrorAfterSeconds float64 `json:"errorAfterSeconds,omitempty"`
}

type statusFlags struct {
	reach reach
	watch bool
	view  string
	limit int
}

func statusCommand(c *cli) *cobra.Command {
	var flags statusFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how a running daemon's sources and views are",
		Long: "Asks a running daemon how its sources and views are. Exit code 3 when a source is\n" +
			"unreachable or halted, 4 when one is staler than its error_after. Checks that fail have no\n" +
			"part in it; --failing VIEW lists the documents.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			d, err := flags.reach.daemon(c)
			if err != nil {
				return err
			}
			if flags.view != "" {
				return c.showFailing(ctx, d, flags.view, flags.limit)
			}
			if flags.watch {
				return c.watchStatus(ctx, d)
			}
			_, err = c.showStatus(ctx, d)
			return err
		},
	}
	flags.reach.add(cmd)
	cmd.Flags().StringVar(&flags.view, "failing", "", "list the documents of this `VIEW` that fail its checks, by the project's own daemon alone")
	cmd.Flags().IntVar(&flags.limit, "limit", 10, "how many documents of each check --failing lists")
	cmd.Flags().BoolVarP(&flags.watch, "watch", "w", false, "show it anew every second until Ctrl-C")
	cmd.MarkFlagsMutuallyExclusive("failing", "url")
	cmd.MarkFlagsMutuallyExclusive("failing", "watch")
	return cmd
}

// showStatus prints one status; the outcome is its error. lines tells how much
// was printed for people.
func (c *cli) showStatus(ctx context.Context, d *daemon) (lines int, err error) {
	code, body, err := d.do(ctx, http.MethodGet, "/statusz", nil)
	if err != nil {
		return 0, err
	}
	if code != http.StatusOK {
		return 0, d.refusal(code, body)
	}
	var document statusDocument
	if err := json.Unmarshal(body, &document); err != nil {
		return 0, fmt.Errorf("read the daemon's status: %w", err)
	}
	var text strings.Builder
	if c.json {
		text.WriteString(strings.TrimSpace(string(body)) + "\n")
	} else {
		document.print(&text)
	}
	if _, err := io.WriteString(c.stdout, text.String()); err != nil {
		return 0, fmt.Errorf("write to stdout: %w", err)
	}
	return strings.Count(text.String(), "\n"), document.outcome()
}

// watchStatus prints the status every second: over the one before on a
// terminal, one after the other elsewhere.
func (c *cli) watchStatus(ctx context.Context, d *daemon) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	above := 0
	for {
		if above > 0 && !c.json && isTerminal(c.stdout) {
			fmt.Fprintf(c.stdout, "\x1b[%dA\x1b[J", above)
		}
		lines, err := c.showStatus(ctx, d)
		if ctx.Err() != nil {
			return nil
		}
		if _, shown := err.(outcome); err != nil && !shown {
			return err
		}
		above = lines
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// outcome is the exit code of status: the worst source decides.
func (s statusDocument) outcome() error {
	stale := false
	for _, source := range s.Sources {
		if source.silent() {
			return outcome(exitUnreachable)
		}
		stale = stale || source.ErrorAfterSeconds > 0 && source.LagSeconds > source.ErrorAfterSeconds
	}
	if stale {
		return outcome(exitStale)
	}
	return nil
}

// silent says that nothing comes from the source, and why it does not is known.
func (s sourceStatus) silent() bool {
	switch s.State {
	case engine.Stale, engine.Halted:
		return true
	case engine.Connecting:
		return s.Error != nil
	}
	return false
}

func (s statusDocument) print(w io.Writer) {
	sources := &table{head: []string{"SOURCE", "STATE", "LSN", "LAG", "BEHIND", "SLOT WAL", "TABLES", "ROWS"}, right: []int{3, 4, 5, 7}}
	for _, source := range s.Sources {
		sources.add(source.Name, string(source.State), source.lsn(), source.lag(), bytesText(source.LagBytes), source.slotWAL(), source.tables(), source.rows())
	}
	views := &table{head: []string{"VIEW", "STATE", "DOCUMENTS", "ROW ERRORS"}, right: []int{2, 3}}
	for _, view := range s.Views {
		views.add(view.Name, viewState(view), countText(view.Documents), countText(view.RowErrors))
	}
	sources.print(w)
	if len(s.Views) > 0 {
		fmt.Fprintln(w)
		views.print(w)
	}
	s.printChecks(w)
	s.printErrors(w)
}

func (s statusDocument) printErrors(w io.Writer) {
	line := func(where string, e *engine.Fault) {
		if e == nil {
			return
		}
		fmt.Fprintf(w, "\n%s: %s: %s\n", where, e.Code, e.Message)
		for hint := range strings.Lines(e.Hint) {
			fmt.Fprintf(w, "hint: %s\n", strings.TrimRight(hint, "\n"))
		}
	}
	line("store", s.Damaged)
	line("store", s.Paused)
	for _, source := range s.Sources {
		line("source "+source.Name, source.Error)
		for _, t := range source.Tables {
			line("table "+t.Name, t.Error)
		}
	}
	for _, view := range s.Views {
		line("view "+view.Name, view.Error)
		if view.Next != nil {
			line("view "+view.Name+", what is to replace it", view.Next.Error)
		}
	}
}

func (s sourceStatus) lsn() string {
	if s.LSN == relation.Position(0).String() {
		return "-"
	}
	return orDash(s.LSN)
}

func (s sourceStatus) slotWAL() string {
	if s.SlotWALBytes == nil {
		return "-"
	}
	return bytesText(*s.SlotWALBytes)
}

func (s sourceStatus) lag() string {
	if s.CommittedAt == nil && s.LagSeconds == 0 && s.State != engine.Streaming {
		return "-"
	}
	return durationText(s.LagSeconds)
}

func (s sourceStatus) tables() string {
	byState := map[string]int{}
	for _, t := range s.Tables {
		byState[t.State]++
	}
	var parts []string
	for _, state := range []string{"live", "copying", "halted"} {
		if n := byState[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return orDash(strings.Join(parts, ", "))
}

func (s sourceStatus) rows() string {
	var rows, expected int64
	for _, t := range s.Tables {
		rows += t.Rows
		expected += max(t.RowsExpected, t.Rows)
	}
	if s.State == engine.Copying && expected > rows {
		return countText(rows) + " of " + countText(expected)
	}
	return countText(rows)
}

func viewState(v engine.ViewReport) string {
	state := stateText(v.State, v.WaitingFor, v.Progress)
	switch {
	case v.Next == nil:
		return state
	case v.Next.State == engine.ViewReady:
		return state + ", next built"
	}
	return state + ", next " + stateText(v.Next.State, v.Next.WaitingFor, v.Next.Progress)
}

func stateText(state engine.ViewStatus, waitingFor []string, progress float64) string {
	switch {
	case state == engine.ViewWaiting && len(waitingFor) > 0:
		return "waiting for " + strings.Join(waitingFor, ", ")
	case state == engine.ViewBuilding:
		return fmt.Sprintf("building %.0f%%", progress*100)
	}
	return string(state)
}
