package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
)

// The exit codes of all commands.
const (
	exitFine        = 0
	exitFindings    = 1
	exitTrouble     = 2 // usage, configuration, internal, daemon unreachable
	exitUnreachable = 3 // status: a source is unreachable
	exitStale       = 4 // status: a source is past its error_after
)

// hintedError is an error with what to do about it.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }
func (e *hintedError) Hint() string  { return e.hint }

func withHint(err error, hint string) error { return &hintedError{err: err, hint: hint} }

// hint reads well at the call: hintf("run it").errorf("it did not run").
type hint string

func hintf(format string, args ...any) hint { return hint(fmt.Sprintf(format, args...)) }

func (h hint) errorf(format string, args ...any) error {
	return withHint(fmt.Errorf(format, args...), string(h))
}

// outcome ends a command with an exit code though nothing is left to be said:
// its output has told what was found.
type outcome int

func (o outcome) Error() string { return fmt.Sprintf("exit code %d", int(o)) }

// report prints an error as people are to read it and returns the exit code.
func (c *cli) report(err error) int {
	if err == nil {
		return exitFine
	}
	if o := outcome(0); errors.As(err, &o) {
		return int(o)
	}
	printError(c.stderr, err)
	return exitTrouble
}

// printError prints "odsd: error: …" and a line "hint: …" for whatever error
// in the chain knows one.
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "odsd: error: %v\n", err)
	for line := range strings.Lines(hintOf(err)) {
		fmt.Fprintf(w, "hint: %s\n", strings.TrimRight(line, "\n"))
	}
}

// hintOf is what to do about an error, "" where nothing in the chain knows: what the
// system refuses is mended in the same way wherever it is met.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	switch {
	case errors.As(err, &hinted):
		return hinted.Hint()
	case errors.Is(err, syscall.EROFS):
		return "the folder must be writable, also for what only reads the store: mount its disk read-write, or name another folder"
	case errors.Is(err, fs.ErrPermission):
		return "run odsd as the user whose file that is, or give the file to the one who runs it"
	case errors.Is(err, syscall.EBUSY):
		return "a disk is mounted there: name a folder in it that does not exist"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room on that disk, then try again"
	}
	return ""
}

// note says something about the work on stderr, never on stdout.
func (c *cli) note(format string, args ...any) {
	fmt.Fprintf(c.stderr, "odsd: "+format+"\n", args...)
}

// printJSON writes one JSON document and a newline to stdout.
func (c *cli) printJSON(v any) error {
	encoder := json.NewEncoder(c.stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	return nil
}
