package project

import (
	"time"

	"odsd/internal/yamlfile"
)

// Limits are what odsd.yaml allows one GraphQL request; 0 where it does not say.
type Limits struct {
	QueryTimeout time.Duration
	MaxDepth     int // of fields
	MaxNodes     int // rows in a reply
	MaxScan      int // rows looked at for a reply
	MaxBody      int64
}

// The bounds of limits: beyond them a limit would protect nothing, or a
// goroutine's stack and a request's memory are no longer sure to suffice.
const (
	HighestDepth    = 100
	HighestRows     = 1_000_000_000
	lowestBody      = 1 << 10
	highestBody     = 64 << 20
	shortestTimeout = time.Millisecond
	longestTimeout  = time.Hour
)

func readLimits(e yamlfile.Entry) (l Limits) {
	number := func(into *int, high int) func(yamlfile.Entry) {
		return func(e yamlfile.Entry) {
			if n, ok := e.Value.Int("`"+e.Key.Value()+"`", 1, high); ok {
				*into = n
			}
		}
	}
	e.Value.Decode("`limits`", yamlfile.Keys{
		"query_timeout": func(e yamlfile.Entry) {
			d := duration(e)
			if d != 0 && (d < shortestTimeout || d > longestTimeout) {
				e.Value.Reject(yamlfile.CodeValue, "", "`query_timeout` must be from 1ms to 1h")
				return
			}
			l.QueryTimeout = d
		},
		"max_depth": number(&l.MaxDepth, HighestDepth),
		"max_nodes": number(&l.MaxNodes, HighestRows),
		"max_scan":  number(&l.MaxScan, HighestRows),
		"max_body": func(e yamlfile.Entry) {
			n := size(e)
			if n != 0 && (n < lowestBody || n > highestBody) {
				e.Value.Reject(yamlfile.CodeValue, "", "`max_body` must be from 1KiB to 64MiB")
				return
			}
			l.MaxBody = n
		},
	})
	return l
}
