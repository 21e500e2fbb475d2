package main

import (
	"odsd/project"
	"odsd/query"
)

// requestLimits are the limits of requests: those that odsd.yaml names, and query's
// own where it says nothing.
func requestLimits(said project.Limits) query.Limits {
	l := query.DefaultLimits()
	if said.MaxDepth > 0 {
		l = l.WithDepth(said.MaxDepth)
	}
	if said.MaxNodes > 0 {
		l.Nodes = said.MaxNodes
	}
	if said.MaxScan > 0 {
		l.Scan = said.MaxScan
	}
	return l
}
