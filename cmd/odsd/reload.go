package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"odsd/engine"
	"odsd/internal/yamlfile"
	"odsd/project"
	"odsd/query"
	"odsd/views"
)

// reloadReply tells what a folder does to a running daemon.
type reloadReply struct {
	Views []engine.ViewChange `json:"views"`
	// Schema lists what changes in the GraphQL schema, the breaking first.
	Schema []query.SchemaChange `json:"schema"`
	// Restart names the changed files that take effect only when the daemon starts.
	Restart  []string       `json:"restart"`
	Findings []shownFinding `json:"findings"`
}

// shownFinding is a finding with the line that it is about.
type shownFinding struct {
	yamlfile.Diagnostic
	Text string `json:"text,omitempty"`
}

// reload reads the project's folder anew. What has errors stays as it is served.
func (d *running) reload(ctx context.Context, apply bool) (*reloadReply, error) {
	p, found := project.Load(d.dir, d.env)
	found = append(found, p.Resolve(d.env)...)
	if err := configError(found); err != nil {
		return nil, err
	}
	folder, err := d.readViews(ctx, p, found)
	if err != nil {
		return nil, err
	}
	reply := &reloadReply{Restart: d.changedBeside(p), Findings: []shownFinding{}}
	for _, f := range folder.found {
		reply.Findings = append(reply.Findings, shownFinding{f, f.Text})
	}
	if reply.Schema, err = d.schemaChanges(folder.plans); err != nil {
		return nil, err
	}
	if apply {
		reply.Views, err = d.engine.Define(ctx, folder.Definitions)
	} else {
		reply.Views, err = d.engine.Compare(ctx, folder.Definitions)
	}
	return reply, err
}

// schemaChanges compares the GraphQL schema that is served with that of these plans.
func (d *running) schemaChanges(plans []*views.Plan) ([]query.SchemaChange, error) {
	reading, err := d.engine.Read()
	if err != nil {
		return nil, err
	}
	defer reading.Close()
	var served []*views.Plan
	for _, v := range reading.Defined {
		served = append(served, v.Plan)
	}
	changes, err := query.Compare(served, plans)
	if changes == nil {
		changes = []query.SchemaChange{} // [] and not null
	}
	return changes, err
}

// changedBeside names the files whose changes a running daemon does not take up.
func (d *running) changedBeside(p *project.Project) []string {
	changed := []string{}
	if p.Config != d.project.Config {
		changed = append(changed, project.ConfigFile)
	}
	known := map[string]bool{}
	for _, s := range p.Sources {
		known[s.Name] = true
		if before := d.project.Source(s.Name); before == nil || !before.Same(s) {
			changed = append(changed, s.File())
		}
	}
	for _, s := range d.project.Sources {
		if !known[s.Name] {
			changed = append(changed, s.File())
		}
	}
	return changed
}

func planCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "plan",
		Short: "Show what the folder would change on a running daemon",
		Long: "Compares the folder with what the running daemon serves: views to build, with the rows\n" +
			"that this writes, and views to drop; what changes in the GraphQL schema, breaking changes\n" +
			"first. Nothing is changed. Exit code 1 when a file has errors.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.reload(cmd.Context(), "/plan", false) },
	}
}

func reloadCommand(c *cli) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Apply the folder's views to the running daemon",
		Long: "Has the running daemon read the folder anew. Changed views are built in the background\n" +
			"from the rows in the store while the old ones are served; each takes over when it is whole,\n" +
			"together with the views that stand on it. A view whose file has errors stays as it is.\n" +
			"Exit code 1 when a file has errors; with --wait 2 when a build fails or waits for a halted table.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.reload(cmd.Context(), "/reload", wait) },
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until all views are built and switched")
	return cmd
}

func (c *cli) reload(ctx context.Context, path string, wait bool) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	d, err := (&reach{}).daemon(c)
	if err != nil {
		return err
	}
	code, text, err := d.do(ctx, http.MethodPost, path, nil)
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return d.refusal(code, text)
	}
	var reply reloadReply
	if err := json.Unmarshal(text, &reply); err != nil {
		return fmt.Errorf("read the daemon's reply: %w", err)
	}
	if c.json {
		if err := c.printJSON(reply); err != nil {
			return err
		}
	} else if err := reply.print(c.stdout, path == "/reload"); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	if wait {
		if err := c.followBuilds(ctx, d); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(reply.Findings, func(f shownFinding) bool { return f.Severity == yamlfile.Error }) {
		return outcome(exitFindings)
	}
	return nil
}

func (r *reloadReply) print(w io.Writer, applied bool) error {
	var found []yamlfile.Diagnostic
	for _, f := range r.Findings {
		f.Diagnostic.Text = f.Text
		found = append(found, f.Diagnostic)
	}
	if err := yamlfile.Print(w, found); err != nil {
		return err
	}
	t := &table{head: []string{"VIEW", "CHANGE", "DOCUMENTS", "TO WRITE", "ABOUT", "WHY"}, right: []int{2, 3, 4}}
	counts := map[engine.Action]int{}
	for _, v := range r.Views {
		counts[v.Action]++
		rows, size := "-", "-"
		if v.Action == engine.Build {
			rows = countText(v.Rows)
			if v.Bytes > 0 { // what the store has on disk
				size = bytesText(v.Bytes)
			}
		}
		t.add(v.View, string(v.Action), countText(v.Documents), rows, size, orDash(v.Reason))
	}
	t.print(w)
	if len(r.Schema) > 0 {
		fmt.Fprintln(w, "\nGraphQL:")
	}
	for _, change := range r.Schema {
		sign := " "
		if change.Breaking {
			sign = "!"
		}
		fmt.Fprintf(w, "%s %s\n", sign, change.What)
	}
	for _, file := range r.Restart {
		fmt.Fprintf(w, "\n%s has changed: that takes effect when odsd starts again\n", file)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", summary(counts, applied))
	return err
}

func summary(counts map[engine.Action]int, applied bool) string {
	text := ""
	for _, action := range slices.Sorted(maps.Keys(counts)) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", counts[action], map[engine.Action]string{
			engine.Build: "to build", engine.Drop: "to drop", engine.Relabel: "relabelled", engine.Unchanged: "unchanged",
		}[action])
	}
	if applied && counts[engine.Build] > 0 {
		text += "; odsd status --watch shows how far they are"
	}
	if text == "" {
		text = "no views"
	}
	return text
}
