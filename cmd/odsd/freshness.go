package main

import (
	"context"
	"log/slog"
	"time"

	"odsd/engine"
	"odsd/project"
)

// freshnessInterval is how often the sources' lag is compared with what their files
// expect.
const freshnessInterval = time.Second

// freshness tells in the log when a source falls behind what its file expects,
// and when it has caught up: once each, however long it lasts.
type freshness struct {
	expected func(source string) project.Freshness
	log      *slog.Logger
	told     map[string]slog.Level // of sources that are behind
}

func (f *freshness) watch(ctx context.Context, status func() engine.Status) error {
	ticker := time.NewTicker(freshnessInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			f.look(status().Sources)
		}
	}
}

func (f *freshness) look(sources []engine.SourceStatus) {
	for _, s := range sources {
		expected := f.expected(s.Name)
		lag := time.Duration(s.LagSeconds * float64(time.Second))
		level, bound := slog.LevelInfo, time.Duration(0)
		switch {
		case expected.ErrorAfter > 0 && lag > expected.ErrorAfter:
			level, bound = slog.LevelError, expected.ErrorAfter
		case expected.WarnAfter > 0 && lag > expected.WarnAfter:
			level, bound = slog.LevelWarn, expected.WarnAfter
		}
		was, behind := f.told[s.Name]
		switch {
		case level > slog.LevelInfo && (!behind || level > was):
			f.log.Log(context.Background(), level, "source is behind what its file expects", "source", s.Name, "lag", lag.Round(time.Millisecond), "expected", bound, "state", string(s.State))
			f.told[s.Name] = level
		case level == slog.LevelInfo && behind:
			f.log.Info("source has caught up", "source", s.Name)
			delete(f.told, s.Name)
		}
	}
}
