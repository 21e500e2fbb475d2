package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"odsd/engine"
)

func rebuildCommand(c *cli) *cobra.Command {
	var detach bool
	cmd := &cobra.Command{
		Use:   "rebuild VIEW",
		Short: "Have a running daemon build a view anew",
		Long: "Builds the view from the rows in the store beside the one that is served, and with it the\n" +
			"views that stand on it; all take over at once when they are whole. The sources are not\n" +
			"asked for anything. Ctrl-C leaves the build going on.",
		Args: exactArguments(1, "a view"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return c.rebuild(ctx, args[0], detach)
		},
	}
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait until the view is switched")
	return cmd
}

func (c *cli) rebuild(ctx context.Context, view string, detach bool) error {
	d, err := (&reach{}).daemon(c)
	if err != nil {
		return err
	}
	before, err := d.view(ctx, view)
	if err != nil {
		return err
	}
	code, text, err := d.do(ctx, http.MethodPost, "/rebuild/"+url.PathEscape(view), nil)
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return d.refusal(code, text)
	}
	if !detach {
		if before, err = c.followBuild(ctx, d, before); err != nil {
			return err
		}
	}
	switch {
	case c.json:
		return c.printJSON(before)
	case detach:
		_, err = fmt.Fprintf(c.stdout, "%s is built anew; odsd status --watch shows how far it is\n", view)
	default:
		_, err = fmt.Fprintf(c.stdout, "%s is rebuilt: %s\n", view, plural(int(before.Documents), "document"))
	}
	return err
}

// followBuild shows a build's progress until it has taken the place of before.
func (c *cli) followBuild(ctx context.Context, d *daemon, before engine.ViewReport) (now engine.ViewReport, err error) {
	err = c.follow(ctx, func(bar *progress) (bool, error) {
		if now, err = d.view(ctx, before.Name); err != nil {
			return false, err
		}
		going, err := building(bar, now)
		return !going && now.Generation != before.Generation, err
	})
	return now, err
}

// followBuilds shows the progress of all builds until there are none.
func (c *cli) followBuilds(ctx context.Context, d *daemon) error {
	return c.follow(ctx, func(bar *progress) (bool, error) {
		all, err := d.views(ctx)
		if err != nil {
			return false, err
		}
		for _, v := range all {
			if going, err := building(bar, v); going || err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// haltedLooks is how often in a row what is followed may be seen to wait for a halted table before that is an
// error: one whose copy was asked for just now, or that is copied by itself, is halted for a moment still.
const haltedLooks = 20

// follow looks again and again until there is no more to come.
func (c *cli) follow(ctx context.Context, look func(*progress) (done bool, err error)) error {
	bar := newProgress(c.stderr)
	defer bar.end()
	halted := 0
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		done, err := look(bar)
		if !errors.Is(err, errHalted) {
			halted = 0
		} else if halted++; halted < haltedLooks {
			err = nil
		}
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// building says whether a view is to be served otherwise than it is, and shows how
// far that is; its error is of a build that failed, or that waits for what goes on only when it is told to.
func building(bar *progress, v engine.ViewReport) (bool, error) {
	if err := waitError(v); err != nil {
		return true, err
	}
	switch {
	case v.Next != nil && v.Next.Error != nil:
		return false, withHint(fmt.Errorf("the build of %s failed, and it is served as it was: %s", v.Name, v.Next.Error.Message), v.Next.Error.Hint)
	case v.Next != nil:
		bar.show(v.Name, v.Next.Documents, v.Documents)
		return true, nil
	case v.State == engine.ViewFailed && v.Error.Code != definitionCode:
		return false, withHint(fmt.Errorf("the build of %s failed: %s", v.Name, v.Error.Message), v.Error.Hint)
	}
	if v.State == engine.ViewBuilding {
		bar.show(v.Name, v.Documents, 0)
	}
	return v.State == engine.ViewBuilding || v.State == engine.ViewWaiting, nil
}

// errHalted is in the chain of the error of a view that waits for a halted table.
var errHalted = errors.New("waits for a table that is halted")

// waitError is of a view whose build waits for a halted table; nil for every other.
func waitError(v engine.ViewReport) error {
	state, fault := v.State, v.Error
	if v.Next != nil {
		state, fault = v.Next.State, v.Next.Error
	}
	if state != engine.ViewWaiting || fault == nil || fault.Code == definitionCode {
		return nil
	}
	return withHint(fmt.Errorf("%s %w: %s", v.Name, errHalted, fault.Message), fault.Hint)
}

// definitionCode is of a view whose file has errors, which reload has told.
const definitionCode = "DEFINITION"

// views asks the daemon how its views are.
func (d *daemon) views(ctx context.Context) ([]engine.ViewReport, error) {
	code, text, err := d.do(ctx, http.MethodGet, "/statusz", nil)
	if err != nil {
		return nil, err
	}
	if code != http.StatusOK {
		return nil, d.refusal(code, text)
	}
	var status statusDocument
	if err := json.Unmarshal(text, &status); err != nil {
		return nil, fmt.Errorf("read the daemon's status: %w", err)
	}
	return status.Views, nil
}

func (d *daemon) view(ctx context.Context, name string) (engine.ViewReport, error) {
	all, err := d.views(ctx)
	for _, v := range all {
		if v.Name == name {
			return v, nil
		}
	}
	if err == nil {
		err = hintf("odsd status lists them").errorf("no such view: %q", name)
	}
	return engine.ViewReport{}, err
}
