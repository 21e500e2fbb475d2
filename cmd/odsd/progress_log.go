package main

import (
	"context"
	"log/slog"
	"time"

	"odsd/engine"
)

// logProgress tells every ten seconds how far the copies and builds under way are.
func logProgress(ctx context.Context, status func() engine.Status, log *slog.Logger) {
	ticker := time.NewTicker(sayEvery)
	defer ticker.Stop()
	before := map[string]int64{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := map[string]int64{}
		for _, w := range underWay(status()) {
			if now[w.what] = w.done; w.kind == "view" && w.done == 0 {
				continue // it waits for its turn: that it is to be built has been told
			}
			rate := float64(w.done-before[w.what]) / sayEvery.Seconds()
			args := []any{w.kind, w.name, "done", w.done, "per_second", int64(rate)}
			if w.known > 0 {
				args = append(args, "known", w.known)
			}
			if w.known > w.done && rate > 0 {
				args = append(args, "left", (time.Duration(float64(w.known-w.done)/rate) * time.Second).String())
			}
			log.Info(w.what, args...)
		}
		before = now
	}
}

// work is a copy or a build that is not done.
type work struct {
	what, kind, name string
	done, known      int64 // rows or documents; known 0 where nobody knows
}

func underWay(status engine.Status) []work {
	var all []work
	for _, s := range status.Sources {
		w := work{what: "copying " + s.Name, kind: "source", name: s.Name}
		copying := false
		for _, t := range s.Tables {
			copying = copying || t.State == "copying"
			w.done += t.Rows
			w.known += max(t.RowsExpected, t.Rows)
		}
		if copying {
			all = append(all, w)
		}
	}
	for _, v := range status.Views {
		w := work{what: "building " + v.Name, kind: "view", name: v.Name, done: v.Documents}
		switch {
		case v.Next != nil && v.Next.State == engine.ViewBuilding:
			w.done, w.known = v.Next.Documents, v.Documents
		case v.State == engine.ViewBuilding:
			if v.Progress > 0 {
				w.known = int64(float64(v.Documents) / v.Progress)
			}
		default:
			continue
		}
		all = append(all, w)
	}
	return all
}
