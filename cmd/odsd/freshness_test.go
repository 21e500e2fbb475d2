package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"odsd/engine"
	"odsd/project"
)

func TestFreshnessIsToldOnce(t *testing.T) {
	var out bytes.Buffer
	f := &freshness{
		expected: func(string) project.Freshness {
			return project.Freshness{WarnAfter: 10 * time.Second, ErrorAfter: time.Minute}
		},
		log: slog.New(slog.NewTextHandler(&out, nil)), told: map[string]slog.Level{},
	}
	for _, step := range []struct {
		lag  float64
		want string // in the one line that is logged; "" for none
	}{
		{5, ""}, {11, "level=WARN"}, {30, ""}, {61, "level=ERROR"}, {100, ""}, {30, ""}, {1, "has caught up"}, {1, ""}, {70, "level=ERROR"},
	} {
		out.Reset()
		f.look([]engine.SourceStatus{{Name: "shop", LagSeconds: step.lag}})
		lines := strings.Count(out.String(), "\n")
		if step.want == "" && lines > 0 || step.want != "" && (lines != 1 || !strings.Contains(out.String(), step.want)) {
			t.Errorf("at %v s: logged %q, want %q", step.lag, out.String(), step.want)
		}
	}
}
