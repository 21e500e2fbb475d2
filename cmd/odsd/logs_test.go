package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRepeatsCollapse(t *testing.T) {
	var out bytes.Buffer
	handler := collapse(slog.NewTextHandler(&out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	start := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	say := func(h slog.Handler, after time.Duration, level slog.Level, message string, args ...any) {
		r := slog.NewRecord(start.Add(after), level, message, 0)
		r.Add(args...)
		if err := h.Handle(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	shop := handler.WithAttrs([]slog.Attr{slog.String("source", "shop")})
	crm := handler.WithAttrs([]slog.Attr{slog.String("source", "crm")})
	say(shop, 0, slog.LevelWarn, "unreachable", "attempt", 1)
	say(shop, time.Second, slog.LevelWarn, "unreachable", "attempt", 2)
	say(crm, time.Second, slog.LevelWarn, "unreachable", "attempt", 1)
	say(shop, 2*time.Second, slog.LevelWarn, "unreachable", "attempt", 3, "code", "TLS")
	say(shop, 59*time.Second, slog.LevelWarn, "unreachable", "attempt", 4)
	say(shop, 61*time.Second, slog.LevelWarn, "unreachable", "attempt", 5)
	say(crm, 62*time.Second, slog.LevelWarn, "read tcp [::1]:40001->[::1]:5432: reset")
	say(crm, 63*time.Second, slog.LevelWarn, "read tcp [::1]:40002->[::1]:5432: reset")
	say(crm, 63*time.Second, slog.LevelWarn, "read tcp [::1]:40002->[::1]:5433: reset")
	say(shop, 61*time.Second, slog.LevelInfo, "streaming")
	say(shop, 62*time.Second, slog.LevelInfo, "streaming")
	want := strings.TrimLeft(`
msg=unreachable source=shop attempt=1
msg=unreachable source=crm attempt=1
msg=unreachable source=shop attempt=3 code=TLS
msg=unreachable source=shop attempt=5 repeated=2
msg="read tcp [::1]:40001->[::1]:5432: reset" source=crm
msg="read tcp [::1]:40002->[::1]:5433: reset" source=crm
msg=streaming source=shop
msg=streaming source=shop
`, "\n")
	if out.String() != want {
		t.Errorf("logged\n%s\nwant\n%s", &out, want)
	}
}

func TestLoggerFlags(t *testing.T) {
	for _, bad := range [][2]string{{"xml", "info"}, {"text", "loud"}} {
		if _, err := newLogger(&bytes.Buffer{}, bad[0], bad[1]); err == nil {
			t.Errorf("format %q and level %q are taken", bad[0], bad[1])
		}
	}
	var out bytes.Buffer
	log, err := newLogger(&out, "", "warn")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("quiet")
	log.Warn("loud")
	if got := out.String(); !strings.HasPrefix(got, `{"time":`) || strings.Contains(got, "quiet") {
		t.Errorf("logged %q, want one line of JSON: the writer is no terminal", got)
	}
}

// stacked is an error as Pebble's are: it prints the stack that it came from where it is asked for all.
type stacked struct{}

func (stacked) Error() string { return "broken" }

func (stacked) Format(f fmt.State, _ rune) {
	text := "broken"
	if f.Flag('+') {
		text += "\n(1) attached stack trace"
	}
	_, _ = io.WriteString(f, text)
}

func TestErrorsAreLoggedWithoutTheirStacks(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log, err := newLogger(&out, format, "info")
		if err != nil {
			t.Fatal(err)
		}
		log.Error("store", "error", fmt.Errorf("read: %w", stacked{}), "cause", stacked{})
		if s := out.String(); strings.Contains(s, "stack") || strings.Count(s, "broken") != 2 {
			t.Errorf("%s: %s", format, s)
		}
	}
}

func TestWhatTheSystemRefusesHasAHint(t *testing.T) {
	for _, refused := range []error{syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT} {
		err := fmt.Errorf("make the data directory: %w", &fs.PathError{Op: "mkdir", Path: "data", Err: refused})
		if problemOf(err).Hint == "" {
			t.Errorf("%v: no hint", refused)
		}
	}
	if hint := hintOf(withHint(syscall.EACCES, "own")); hint != "own" {
		t.Errorf("%q, where the error has one of its own", hint)
	}
}
