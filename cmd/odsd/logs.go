package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"odsd/storage/relation"
)

// repeatWindow is how long a message that says the same is held back.
const repeatWindow = time.Minute

// newLogger writes logs to w: "text" for people, "json" for machines, "" for
// whichever suits w.
func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var minimum slog.Level
	if err := minimum.UnmarshalText([]byte(level)); err != nil {
		return nil, hintf("debug, info, warn or error").errorf("no log level %q", level)
	}
	options := &slog.HandlerOptions{Level: minimum, ReplaceAttr: worded}
	if format == "" {
		format = "json"
		if isTerminal(w) {
			format = "text"
		}
	}
	switch format {
	case "text":
		return slog.New(collapse(slog.NewTextHandler(w, options))), nil
	case "json":
		return slog.New(collapse(slog.NewJSONHandler(w, options))), nil
	}
	return nil, hintf("text or json").errorf("no log format %q", format)
}

// worded writes positions as PostgreSQL does and durations with their unit, in JSON too, and
// of errors the text alone: as text, some would be written with the stack that they came from.
func worded(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case error:
		a.Value = slog.StringValue(v.Error())
	case relation.Position:
		a.Value = slog.StringValue(v.String())
	case time.Duration:
		a.Value = slog.StringValue(v.String())
	}
	return a
}

// collapsing holds back what was said a moment ago: a source that is down says so once
// a minute, with how often it would have. Messages are the same when their
// level, text and attributes outside volatile are.
type collapsing struct {
	next slog.Handler
	told *told
	with string // attributes given by With, as part of the identity
}

// told is shared by all handlers derived from one.
type told struct {
	mu   sync.Mutex
	last map[string]*repeats
}

type repeats struct {
	since time.Time
	count int
}

// maxTold bounds the memory of what was said; beyond it all is forgotten.
const maxTold = 1000

func collapse(next slog.Handler) slog.Handler {
	return &collapsing{next: next, told: &told{last: map[string]*repeats{}}}
}

func (h *collapsing) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle passes the first of a kind on, and after a minute the next with the count of
// those between. What is merely told for information is never held back.
func (h *collapsing) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return h.next.Handle(ctx, r)
	}
	count, say := h.told.say(h.identity(r), r.Time)
	if !say {
		return nil
	}
	if count > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("repeated", count))
	}
	return h.next.Handle(ctx, r)
}

func (t *told) say(identity string, now time.Time) (repeated int, say bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.last[identity]
	if before != nil && now.Sub(before.since) < repeatWindow {
		before.count++
		return 0, false
	}
	if before != nil {
		repeated = before.count
	}
	if len(t.last) >= maxTold {
		clear(t.last)
	}
	t.last[identity] = &repeats{since: now}
	return repeated, true
}

// volatile attributes differ between messages that say the same.
func volatile(key string) bool {
	switch key {
	case "lsn", "request_id", "duration_ms", "rows", "attempt", "retry":
		return true
	}
	return false
}

func (h *collapsing) identity(r slog.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s%s", r.Level, r.Message, h.with)
	r.Attrs(func(a slog.Attr) bool {
		appendIdentity(&b, a)
		return true
	})
	return ownPort.ReplaceAllString(b.String(), "->")
}

// ownPort is what differs in the system's words for one fault each time: our end of
// a connection, as in "read tcp 10.0.0.1:35346->10.0.0.2:5432".
var ownPort = regexp.MustCompile(`:[0-9]+->`)

func appendIdentity(b *strings.Builder, a slog.Attr) {
	if !volatile(a.Key) {
		fmt.Fprintf(b, " %s=%v", a.Key, a.Value)
	}
}

// WithAttrs and WithGroup keep what was said together with the handler they came from.
func (h *collapsing) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.with)
	for _, a := range attrs {
		appendIdentity(&b, a)
	}
	return &collapsing{next: h.next.WithAttrs(attrs), told: h.told, with: b.String()}
}

func (h *collapsing) WithGroup(name string) slog.Handler {
	return &collapsing{next: h.next.WithGroup(name), told: h.told, with: h.with + " " + name + "."}
}
