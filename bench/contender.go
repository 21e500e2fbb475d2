package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// contender is one way to consume the backlog.
type contender interface {
	// name as in the results.
	name() string
	// prepare readies what the backlog is applied to, before it is written: all
	// contenders begin with the same rows.
	prepare(ctx context.Context) error
	// run consumes the backlog once, from its beginning. Where check is set it
	// compares what it arrived at with the databases.
	run(ctx context.Context, check bool) (measurement, error)
	// close gives back what prepare made.
	close(ctx context.Context) error
}

// measurement is one run of a contender.
type measurement struct {
	Seconds float64 `json:"seconds"`
	// CPUSeconds is what the consumer used, SourceCPUSeconds what the databases used to send.
	CPUSeconds       float64 `json:"cpuSeconds"`
	SourceCPUSeconds float64 `json:"sourceCpuSeconds"`
	// PeakBytes is the largest resident size of the consumer's processes.
	PeakBytes int64 `json:"peakBytes"`
	// Checked says what was compared after the clock had stopped.
	Checked string `json:"checked,omitempty"`
}

// contendersOf makes the contenders that are asked for, in order.
func contendersOf(w *world, programs []program) ([]contender, error) {
	var all []contender
	for _, kind := range w.settings.Contenders {
		base, only, _ := strings.Cut(kind, ":")
		switch base {
		case "recvlogical":
			all = append(all, &receiver{world: w})
		case "subscription":
			all = append(all, &subscriber{world: w})
		case "odsd", "rows":
			views := w.settings.Views
			if base == "rows" {
				views = nil
			} else if only != "" {
				views = strings.Split(only, "+")
			}
			for _, p := range programs {
				all = append(all, &daemon{world: w, program: p, kind: kind, views: views})
			}
		default:
			return nil, fmt.Errorf("no contender %q: there are odsd, odsd:VIEW+VIEW, rows, recvlogical, subscription", kind)
		}
	}
	return all, nil
}

// program is a build of odsd; label tells builds apart where there are several.
type program struct{ label, path string }

// buildProgram builds odsd as it is in the working tree.
func buildProgram(ctx context.Context, scratch string) (program, error) {
	path := filepath.Join(scratch, "odsd")
	output, err := exec.CommandContext(ctx, "go", "build", "-o", path, "odsd/cmd/odsd").CombinedOutput()
	if err != nil {
		return program{}, fmt.Errorf("build odsd: %w: %s", err, output)
	}
	return program{path: path}, nil
}
