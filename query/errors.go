package query

import (
	"fmt"
	"sort"
)

// Code is the machine-readable reason of an error, in extensions.code.
type Code string

// The codes of errors.
const (
	ParseFailed      Code = "GRAPHQL_PARSE_FAILED"
	ValidationFailed Code = "GRAPHQL_VALIDATION_FAILED"
	BadUserInput     Code = "BAD_USER_INPUT"
	Forbidden        Code = "FORBIDDEN"
	ViewNotReady     Code = "VIEW_NOT_READY"
	StaleRead        Code = "STALE_READ"
	WaitTimeout      Code = "WAIT_TIMEOUT"
	ScanLimit        Code = "SCAN_LIMIT"
	TooComplex       Code = "TOO_COMPLEX"
	Timeout          Code = "TIMEOUT"
	Internal         Code = "INTERNAL"
)

// Location is a place in the request's text, both counted from 1.
type Location struct {
	Line   int
	Column int
}

// Error is one entry of a reply's errors. It never holds a row's values.
type Error struct {
	Message   string
	Code      Code
	Hint      string
	Locations []Location
	Path      []any // of strings and ints
	cause     error // for the log alone
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap gives what went wrong below, which clients are not shown.
func (e *Error) Unwrap() error { return e.cause }

func failure(code Code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Hint: hint, Message: fmt.Sprintf(format, args...)}
}

// internal hides a fault of the program or the store behind a message without details.
func internal(cause error) *Error {
	return &Error{Code: Internal, Message: "internal error", Hint: "the log of odsd has it under this request's id", cause: cause}
}

func appendErrors(dst []byte, errs []*Error) []byte {
	dst = append(dst, '[')
	for i, e := range errs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendError(dst, e)
	}
	return append(dst, ']')
}

func appendError(dst []byte, e *Error) []byte {
	dst = append(dst, `{"message":`...)
	dst = appendString(dst, e.Message)
	if len(e.Locations) > 0 {
		dst = append(dst, `,"locations":[`...)
		for i, l := range e.Locations {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = fmt.Appendf(dst, `{"line":%d,"column":%d}`, l.Line, l.Column)
		}
		dst = append(dst, ']')
	}
	if len(e.Path) > 0 {
		dst = append(dst, `,"path":[`...)
		for i, step := range e.Path {
			if i > 0 {
				dst = append(dst, ',')
			}
			if name, ok := step.(string); ok {
				dst = appendString(dst, name)
			} else {
				dst = fmt.Append(dst, step)
			}
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `,"extensions":{"code":`...)
	dst = appendString(dst, string(e.Code))
	if e.Hint != "" {
		dst = append(dst, `,"hint":`...)
		dst = appendString(dst, e.Hint)
	}
	return append(dst, "}}"...)
}

// place finds line and column of a byte offset in the text as it was sent.
// Columns count characters, as editors do.
func place(text string, offset int) Location {
	l := Location{Line: 1, Column: 1}
	for i, r := range text {
		if i >= offset {
			break
		}
		switch {
		case r == '\n' && i > 0 && text[i-1] == '\r':
		case r == '\n' || r == '\r':
			l.Line++
			l.Column = 1
		default:
			l.Column++
		}
	}
	return l
}

// inOrder sorts errors by place, so that a reply does not depend on the order of the rules.
func inOrder(errs []*Error) {
	sort.SliceStable(errs, func(i, j int) bool {
		a, b := errs[i].Locations, errs[j].Locations
		if len(a) == 0 || len(b) == 0 {
			return len(a) > 0
		}
		if a[0].Line != b[0].Line {
			return a[0].Line < b[0].Line
		}
		return a[0].Column < b[0].Column
	})
}
