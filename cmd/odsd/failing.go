package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"odsd/engine"
)

// maxFailing bounds how many documents of a check one request lists.
const maxFailing = 10_000

// failingHandler lists documents that fail a view's checks. Keys are data of the
// tables, so only the socket has it, and not the public listener.
func (c controls) failingHandler(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > maxFailing {
		writeJSON(w, http.StatusBadRequest, problem{Error: fmt.Sprintf("limit must be a number from 1 to %d", maxFailing)})
		return
	}
	reports, err := c.failing(r.PathValue("view"), limit)
	if err != nil {
		writeJSON(w, http.StatusNotFound, problemOf(err))
		return
	}
	writeJSON(w, http.StatusOK, reports)
}

// showFailing prints the documents that fail the checks of a view.
func (c *cli) showFailing(ctx context.Context, d *daemon, view string, limit int) error {
	code, body, err := d.do(ctx, http.MethodGet, "/failing/"+url.PathEscape(view)+"?limit="+strconv.Itoa(limit), nil)
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return d.refusal(code, body)
	}
	var reports []engine.FailingReport
	if err := json.Unmarshal(body, &reports); err != nil {
		return fmt.Errorf("read the daemon's reply: %w", err)
	}
	if c.json {
		return c.print(strings.TrimSpace(string(body)) + "\n")
	}
	if len(reports) == 0 {
		return c.print("view " + view + " declares no checks\n")
	}
	var text strings.Builder
	for _, r := range reports {
		fmt.Fprintf(&text, "%s (%s): %s failing\n", r.Name, r.Severity, countText(r.Failing))
		for _, key := range r.Documents {
			text.WriteString("  " + failedKey(key) + "\n")
		}
		if more := r.Failing - int64(len(r.Documents)); more > 0 {
			fmt.Fprintf(&text, "  and %s more\n", countText(more))
		}
	}
	return c.print(text.String())
}

func failedKey(key map[string]*string) string {
	var parts []string
	for name, value := range key {
		if value == nil {
			parts = append(parts, name+" null")
		} else {
			parts = append(parts, name+" "+*value)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// printChecks is the table of checks in a status.
func (s statusDocument) printChecks(w io.Writer) {
	checks := &table{head: []string{"CHECK", "VIEW", "SEVERITY", "FAILING"}, right: []int{3}}
	declared := false
	for _, view := range s.Views {
		for _, c := range view.Checks {
			declared = true
			checks.add(c.Name, view.Name, c.Severity, countText(c.Failing))
		}
	}
	if declared {
		fmt.Fprintln(w)
		checks.print(w)
	}
}
